"""What a finished run found, ready for use."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug.errors import PASSING, ConfigError, FilesError, require
from evoplug.types import Members, genome

if TYPE_CHECKING:
    from torch import nn

    from evoplug.contracts import Evaluator, Genotype, Model


class Solution:
    """The solution that a run reported: ``evoplug.Run(DIR).best``.

    Args:
        config: the file with the run's configuration and every default.
        result: what the run says of it, ``best`` in ``result.json``.
        member: it as one row, with all that the strategy kept beside it.
        owned: the state of the evaluator at the end of the run, where networks need it.
        trusted: files and modules that the configuration may name code in.
        notes: what whoever uses it must know.

    Attributes:
        member: it as one row, with all that the strategy kept beside it.
        genome: a ``(d,)`` row, a plain value, or a mapping part -> either.
        description: the genome in words and numbers, by its genotype; None without a genotype.
        fitness: higher is better; None where it has none.
        generation: the one in which it got this fitness.
    """

    def __init__(
        self,
        config: Path,
        result: Mapping[str, Any],
        member: Members,
        owned: Mapping[str, Any],
        trusted: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self._config, self._owned, self._trusted = config, owned, trusted
        self.notes = notes
        self.member = member
        self.genome: Any = genome(member.genomes, 0)
        self.description: Any = result["description"]
        self.fitness: float | None = result["fitness"]
        self.generation: int = result["generation"]

    @property
    def module(self) -> nn.Module | None:
        """The network, from raw examples to outputs: in evaluation mode, on the CPU, with the preprocessing that it
        was trained with; a ``torch.nn.ModuleDict`` where there are several; None where solutions are no networks.

        Raises:
            FilesError: if data that the preprocessing was fitted to are missing, or a part or a function that it is
                made by stands in a file beside the run that is not trusted; it says how one says so.
            PluginError: if a plugin that it is made by is not here.
        """
        if not isinstance(self.model, Mapping):
            return self.model.module if self.model else None
        from torch.nn import ModuleDict

        return ModuleDict({name: model.module for name, model in self.model.items()}).eval()

    @cached_property
    def model(self) -> Model | Mapping[str, Model] | None:
        """The network, or several by name, with what a file of it must say: see :class:`evoplug.contracts.Model`."""
        from evoplug.config import trust
        from evoplug.config.building import blamed
        from evoplug.config.joint import seen_by, translated
        from evoplug.population.workers import one_thread
        from evoplug.running import promises

        with trust.trusting(self._trusted):
            evaluator, genotype = self._problem()
            try:
                with one_thread():
                    if self._owned:
                        evaluator.load_state_dict(self._owned)
                    found = evaluator.model(translated(self.member, genotype, seen_by(evaluator, genotype)))
                require(evaluator, promises.model(found))
                return found
            except PASSING:
                raise
            except BaseException as error:
                raise blamed("evaluator: model", error) from error

    def _problem(self) -> tuple[Evaluator, Genotype | None]:
        """Evaluator and genotype as they were in the run. Nothing else is built."""
        from evoplug.config import Reading, trust
        from evoplug.config.fit import fit_problem
        from evoplug.running import reading

        named = reading.configuration(self._config).get("plugins", ())
        try:
            return fit_problem(Reading(trust.read(self._config, self._trusted)))
        except ConfigError as error:
            ask = [f"{self._config}: code beside it was left out: {', '.join(named)}; {trust.ASK}"] if named else []
            raise FilesError("\n".join([str(error), *ask])) from error

    def __repr__(self) -> str:
        return f"Solution(fitness={self.fitness}, generation={self.generation}, {reprlib.repr(self.description)})"
