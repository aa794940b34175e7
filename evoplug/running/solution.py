"""What a finished run found, ready for use."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug.errors import PASSING, ConfigError, FilesError, require
from evoplug.rng import Rng
from evoplug.types import Members, genome

if TYPE_CHECKING:
    import numpy
    from torch import nn

    from evoplug.contracts import Evaluator, Film, Genotype, Model

_END: Any = object()
"""Of an iterator."""


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
        from evoplug.running import promises

        evaluator, member = self._prepared("model")
        with self._at_work("model"):
            found = evaluator.model(member)
            require(evaluator, promises.model(found))
        return found

    def film(self, seed: int = 0) -> Film | None:
        """One episode of it, to look at; None where its evaluator shows none.

        Frames that come one by one are checked one by one, and whoever does not read them to their end closes them:
        they hold what the episode needs.

        Args:
            seed: of what is random in the episode. The same one shows the same episode, of every run.

        Raises:
            ConfigError: if it cannot be drawn here.
            FilesError, PluginError: as :attr:`module`; or if a promise of the evaluator's is broken.
        """
        from evoplug.running import promises

        evaluator, member = self._prepared("film")
        with self._at_work("film"):
            found = evaluator.film(member, Rng(seed).child("film"))
            require(evaluator, promises.film(found))
        if found is None or not isinstance(found.frames, Iterator):
            return found
        return found._replace(frames=self._frames(evaluator, found.frames))

    def _frames(self, evaluator: Evaluator, frames: Iterator[numpy.ndarray]) -> Iterator[numpy.ndarray]:
        """The frames of a film, each as promised."""
        from evoplug.running import promises

        size = None
        try:
            while True:
                with self._at_work("film"):
                    frame = next(frames, _END)
                    if frame is _END:
                        require(evaluator, None if size else "a film must have a frame at least")
                        return
                    require(evaluator, promises.frame(frame, size))
                size = frame.shape
                yield frame
        finally:
            with self._at_work("film"):
                getattr(frames, "close", lambda: None)()

    def _prepared(self, method: str) -> tuple[Evaluator, Members]:
        """The evaluator as the run left it, and the member as it sees it."""
        from evoplug.config.joint import seen_by, translated

        evaluator, genotype = self._problem()
        with self._at_work(method):
            if self._owned:
                evaluator.load_state_dict(self._owned)
            return evaluator, translated(self.member, genotype, seen_by(evaluator, genotype))

    @contextmanager
    def _at_work(self, method: str) -> Iterator[None]:
        """The evaluator is called: of the code that the run folder names, what is trusted is there, and what is raised
        is the evaluator's."""
        from evoplug.config import trust
        from evoplug.config.building import blamed
        from evoplug.population.workers import one_thread

        with trust.trusting(self._trusted), one_thread():
            try:
                yield
            except PASSING:
                raise
            except BaseException as error:
                raise blamed(f"evaluator: {method}", error) from error

    def _problem(self) -> tuple[Evaluator, Genotype | None]:
        """Evaluator and genotype as they were in the run. Nothing else is built."""
        from evoplug.config import Reading, trust
        from evoplug.config.fit import fit_problem
        from evoplug.running import reading

        named = reading.configuration(self._config).get("plugins", ())
        try:
            with trust.trusting(self._trusted):
                return fit_problem(Reading(trust.read(self._config, self._trusted)))
        except ConfigError as error:
            ask = [f"{self._config}: code beside it was left out: {', '.join(named)}; {trust.ASK}"] if named else []
            raise FilesError("\n".join([str(error), *ask])) from error

    def __repr__(self) -> str:
        return f"Solution(fitness={self.fitness}, generation={self.generation}, {reprlib.repr(self.description)})"
