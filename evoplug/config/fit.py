"""The second pass: the chosen components are loaded, built, and fitted to each other. Nothing is seeded or read yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

from evoplug import catalogue
from evoplug.config import cases, estimate, operators
from evoplug.config.building import blamed, make, under
from evoplug.config.experiment import Experiment, Reading
from evoplug.config.joint import seen_by
from evoplug.config.messages import mistake
from evoplug.config.operators import Operator
from evoplug.config.partwise import PartwiseCrossover, PartwiseMutation
from evoplug.config.settings import RunSettings
from evoplug.config.spec import Spec
from evoplug.contracts import Crossover, Evaluator, Genotype, Mutation, Recorder, Selection, Strategy
from evoplug.errors import PASSING, ConfigError, FilesError, Key, Mistake, PluginError, dotted
from evoplug.population import memory
from evoplug.population.workers import one_thread


@dataclass(frozen=True)
class Built:
    """The components of one run, bound to each other."""

    experiment: Experiment
    strategy: Strategy
    genotype: Genotype | None
    evaluator: Evaluator
    recorders: tuple[Recorder, ...]
    device: str
    """``cpu`` or ``cuda:N``: what ``auto`` came to."""
    memory: int
    """Bytes that it will take there, by an estimate that is rather too low."""

    def __repr__(self) -> str:
        return f"Built({self.experiment!r} on {self.device})"


def checked(reading: Reading) -> Experiment:
    """The experiment that was read.

    Raises:
        ConfigError: all mistakes, and with them the rules between parameters that are broken: of those components
            that can be built in spite of the mistakes elsewhere.
    """
    if reading.mistakes:
        fitting = _Fitting(reading, reading.mistakes)
        with suppress(PluginError, FilesError), catalogue.beside(reading.plugins):
            fitting.components()
        fitting.done()
    return reading.experiment()


def fit_all(experiments: Iterable[Experiment]) -> list[Built]:
    """As :func:`fit` for each, such as the arms of a sweep; the mistakes of all come at once."""
    built, mistakes = list[Built](), list[Mistake]()
    for experiment in experiments:
        try:
            built.append(fit(experiment))
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes=dict.fromkeys(mistakes))
    return built


def fit(experiment: Experiment) -> Built:
    """Build the components and bind them: genotype to task, operators and evaluator to genotype.

    Raises:
        ConfigError: all mistakes that can be found together, each with key and place.
        PluginError: if a plugin cannot be loaded, or raises anything of its own.
        FilesError: if a data set cannot say what it is without files that are missing.
    """
    fitting = _Fitting(experiment)
    with catalogue.beside(experiment.plugins), one_thread():
        device = fitting.device(experiment.run.device)
        strategy, genotype, evaluator, recorders = fitting.components()
        fitting.done()
        need = fitting.bind(strategy, genotype, evaluator, device)
    return Built(experiment, strategy, genotype, evaluator, recorders, device, need)


def fit_problem(reading: Reading) -> tuple[Evaluator, Genotype | None]:
    """The evaluator and its genotype, bound to each other as :func:`fit` leaves them. Nothing else is built, and
    mistakes elsewhere do not matter.

    Raises:
        ConfigError, PluginError, FilesError: as :func:`fit`.
    """
    own = [wrong for wrong in reading.mistakes if wrong.key[:1] in (("evaluator",), ("genotype",))]
    fitting = _Fitting(reading, own)
    fitting.done()
    with catalogue.beside(reading.plugins), one_thread():
        evaluator, genotype = fitting.problem()
        fitting.done()
        fitting.bind_genotype(genotype, evaluator)
        fitting.bind_evaluator(genotype, evaluator)
    return evaluator, genotype


@contextmanager
def located(experiment: Experiment, key: Key) -> Iterator[None]:
    """A ConfigError inside is about the table of the component at ``key``: it gets that key, and the place."""
    try:
        yield
    except ConfigError as error:
        places = experiment.document
        wrong = [mistake(each.key, each.message, places.origin(each.key).where) for each in under(key, error)]
        raise ConfigError(mistakes=wrong) from error


class _Fitting:
    """Specs becoming components; collects mistakes.

    Args:
        given: what is chosen.
        mistakes: what is wrong with it already.
    """

    def __init__(self, given: Experiment | Reading, mistakes: Iterable[Mistake] = ()) -> None:
        self.given = given
        self.mistakes = list(mistakes)
        # Where the settings of the run are wrong, parts are built for their own mistakes: any seed will do.
        self._seed = given.run.seed if given.run else RunSettings.seed

    def device(self, name: str) -> str:
        """What the name of a device stands for; the CPU where that is a mistake, which is noted."""
        with self._noting(("run",), "device"):
            return _device(name)
        return "cpu"

    def components(self) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Strategy, genotype, evaluator and recorders; None for what is not there or cannot be built."""
        given = self.given
        evaluator, genotype = self.problem()
        filled = {slot: self._operator(slot, operator) for slot, operator in given.operators.items()}
        # A strategy checks itself together with its operators: without one of them it cannot be made.
        whole = not any(wrong.key[:1] == ("operators",) for wrong in self.mistakes)
        strategy = self._build(given.strategy, **filled) if whole else None
        return strategy, genotype, evaluator, tuple(self._build(spec) for spec in given.recorders)

    def problem(self) -> tuple[Any, Any]:
        """Evaluator and genotype; None for what is not there or cannot be built."""
        return self._build(self.given.evaluator), self._build(self.given.genotype)

    def bind(self, strategy: Strategy, genotype: Genotype | None, evaluator: Evaluator, device: str) -> int:
        """What only bound components know of each other, in the order in which they need it; bytes that the run takes.

        Memory is estimated as early as it can be: operators take tensors from a genotype's bounds.
        """
        if missing := [need for need in strategy.needs if need not in evaluator.provides]:
            message = f"the strategy needs {', '.join(missing)}, which this evaluator does not provide"
            self._wrong(("evaluator",), message)
        evaluator.reads_cases = cases.read(strategy)
        with self._noting(("evaluator",), "fixed_cases"):
            for slot, message in cases.misfits(strategy, evaluator):
                self._wrong(("operators", slot), message)
        self.bind_genotype(genotype, evaluator)
        with self._noting(("genotype",), "bind"):
            searched = seen_by(strategy, genotype)
        self.done()
        self._fits_memory(strategy, searched, None, device)
        if searched is not None:
            self._bind_operators(searched, strategy)
        with self._noting(("strategy",), "bind"):
            strategy.bind(searched)
        self.bind_evaluator(genotype, evaluator)
        return self._fits_memory(strategy, searched, evaluator, device)

    def bind_genotype(self, genotype: Genotype | None, evaluator: Evaluator) -> None:
        """To the evaluator's task."""
        with self._noting(("evaluator",), "task"):
            task = evaluator.task()
        self.done()
        if genotype is not None:
            with self._noting(("genotype",), "bind"):
                genotype.bind(task)
            self.done()

    def bind_evaluator(self, genotype: Genotype | None, evaluator: Evaluator) -> None:
        """To the genotype."""
        judged = genotype
        with self._noting(("genotype",), "bind"):
            judged = seen_by(evaluator, genotype)
        with self._noting(("evaluator",), "bind"):
            evaluator.bind(judged)
        self.done()

    def _bind_operators(self, genotype: Genotype, strategy: Strategy) -> None:
        for slot, operator in vars(strategy).items():
            if isinstance(operator, Crossover | Mutation):
                self._misfit(slot, operator, genotype)
                with self._noting(("operators", slot), "bind"):
                    operator.bind(genotype)

    def _misfit(self, slot: str, operator: Crossover | Mutation, genotype: Genotype) -> None:
        """Kinds that only the loaded classes tell."""
        if not genotype.parts and not operator.fits(genotype):
            kind = next(iter(genotype.kinds), "those of no kind")
            self._wrong(("operators", slot), f"works on {' or '.join(operator.kinds)} genomes, not on {kind}")

    def _fits_memory(
        self, strategy: Strategy, genotype: Genotype | None, evaluator: Evaluator | None, device: str
    ) -> int:
        """Bytes of the members; what needs more memory than is free is refused. The evaluator is None as long as it is
        not bound."""
        need = 0
        with self._noting(("strategy",), "holds"):
            need = estimate.require_members(strategy, genotype, evaluator, device)
        for slot, operator in vars(strategy).items():
            if isinstance(operator, Selection):
                with self._noting(("operators", slot), "footprint"):
                    memory.require(operator.footprint(estimate.selected(strategy)), "its work", device=device)
        self.done()
        return need

    # ------------------------------------------------------------------------------------------ operators

    def _operator(self, slot: str, operator: Operator) -> Selection | Crossover | Mutation | None:
        parts = operators.parts(self.given.genotype)
        if operator is None or (isinstance(operator, Spec) and (self._is_whole() or operator.group == "selections")):
            return self._build(operator)
        by_part = operator if isinstance(operator, Mapping) else _spread(operator, parts)
        made = {part: self._build(spec) for part, spec in by_part.items()}
        partwise = PartwiseMutation if self._group(slot) == "mutations" else PartwiseCrossover
        return partwise(parts=made)

    def _is_whole(self) -> bool:
        """Whether one operator works on whole genomes, not part by part."""
        strategy, genotype = self.given.strategy, self.given.genotype
        assert strategy is not None
        return not operators.parts(genotype) or (genotype is not None and operators.is_joint(strategy, genotype))

    def _group(self, slot: str) -> str:
        assert self.given.strategy is not None
        contract = self.given.strategy.schema.parameters[slot].shape.contract
        assert contract is not None
        return contract.group

    # ----------------------------------------------------------------------------------------- mistakes

    def _build(self, spec: Spec | None, **more: Any) -> Any:
        """The component; None where there is none, or a mistake in it, which is noted.

        Of one whose table is wrong already, those that it holds are built, for their own mistakes.
        """
        if spec is None:
            return None
        if not self._is_right(spec):
            for inner in filter(self._is_right, spec.inside()):
                self._build(inner)
            return None
        try:
            return make(spec, self._seed, **more)
        except ConfigError as error:
            self._note(spec.key, error)
            return None

    def _is_right(self, spec: Spec) -> bool:
        """Whether nothing in a table is noted as wrong."""
        return not any(len(m.key) > len(spec.key) and m.key[: len(spec.key)] == spec.key for m in self.mistakes)

    @contextmanager
    def _noting(self, key: Key, method: str) -> Iterator[None]:
        """A ConfigError of the component at ``key`` becomes a noted mistake, any odd exception the plugin's fault."""
        try:
            yield
        except ConfigError as error:
            self._note(key, error)
        except PASSING:
            raise
        except BaseException as error:
            raise blamed(f"{dotted(key)}: {method}", error) from error

    def _note(self, key: Key, error: ConfigError) -> None:
        for wrong in under(key, error):
            self._wrong(wrong.key, wrong.message)

    def _wrong(self, key: Key, message: str) -> None:
        self.mistakes.append(mistake(key, message, self.given.document.origin(key).where))

    def done(self) -> None:
        """Raise ConfigError if there were mistakes."""
        if self.mistakes:
            raise ConfigError(mistakes=dict.fromkeys(self.mistakes))


def _spread(operator: Spec, parts: Mapping[str, Spec]) -> dict[str, Spec | None]:
    """One operator on every part that it fits."""
    return {
        name: operator if operators.fits(operator.schema.kinds, part.schema.kinds) else None
        for name, part in parts.items()
    }


def _device(name: str) -> str:
    """The device that a name stands for.

    Raises:
        ConfigError: if it is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda:0" if count else "cpu"
    if name == "cpu":
        return name
    number = int(name.partition(":")[2] or 0)
    if number >= count:
        there = f"there are {count}" if count else "there is none"
        raise ConfigError("device", f'no such CUDA device; {there}; "cpu" and "auto" always work')
    return f"cuda:{number}"
