"""Everything that a plugin can implement. Importable without torch.

A component is a dataclass (``@dataclass(kw_only=True)``) that extends one of the contracts below. Its fields are its
parameters in a configuration: typed, bounded and documented where they are declared::

    @dataclass(kw_only=True)
    class Gaussian(Mutation, genome="real-vector"):
        '''Add normal noise: z = x + sigma * N(0, 1).'''

        sigma: Annotated[float, Gt(0), "mutation strength"] = 0.01

        def __call__(self, genomes, rng):
            return genomes + self.sigma * torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype)

So that the catalogue can read a component without importing it, fields stand in the class itself or in a base in the
same file, defaults are literals or :func:`use`, and annotations use builtins, ``typing``, this module's names and
names of their own module. Parameters that hold another component are typed with its contract (``network: Network``).
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Protocol

from annotated_types import Ge, Gt, Le, Len, Lt, MaxLen, MinLen, MultipleOf

from evoplug.errors import ConfigError
from evoplug.types import Evaluation, Genomes, Ledger, Members, Metrics, Outcome, Parts, Task

if TYPE_CHECKING:
    from pathlib import Path

    import numpy
    import torch
    from matplotlib.figure import Figure
    from torch import nn

    from evoplug.rng import Rng

__all__ = [
    "Annotated", "Any", "ClassVar", "Component", "ConfigError", "Crossover", "Dataset", "DatasetInfo", "Evaluation",
    "Evaluator", "Film", "Function", "Ge", "Genomes", "Genotype", "Gt", "Holding", "Known", "Le", "Len", "Literal",
    "Loop", "Lt", "MaxLen", "Members", "MinLen", "Model", "MultipleOf", "Mutation", "Network", "Outcome", "Parts",
    "Plot", "Problem", "Recorder", "Seed", "Selection", "Strategy", "Task", "Use", "dataclass", "field", "use",
]  # fmt: skip


# ---------------------------------------------------------------------------------------------- parameters


class Use(NamedTuple):
    """A component by name, with parameters: what ``{ use = "NAME", ... }`` says in a configuration."""

    name: str
    """As ``use = NAME`` has it."""
    parameters: Mapping[str, Any]
    """As they stand beside ``use``."""


def use(name: str, **parameters: Any) -> Any:
    """The default of a parameter that holds a component: ``selection: Selection = use("tournament", size=2)``."""
    return Use(name, parameters)


Function = str | Callable[..., Any]
"""The type of a parameter that is a function. A configuration gives a known name, ``"./file.py:name"`` or
``"package.module:name"``; the component receives the known name as it is, or the function that was imported."""


@dataclass(frozen=True)
class Known:
    """The names that a :data:`Function` parameter knows: ``Annotated[Function, Known("sphere", "ackley"), "..."]``."""

    names: tuple[str, ...]
    """All of them."""

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True)
class OfRun:
    """Marks the type of a parameter for which a configuration may give the run's seed."""


RUN = "run"
"""What a configuration gives for a :data:`Seed` that is the run's own."""

Seed = Annotated[int, Ge(0), Lt(2**63), OfRun()]
"""The type of a parameter that is a seed: ``split_seed: Annotated[Seed, "of the split"] = 0``. A configuration gives a
number, or ``"run"`` for the seed of the run; the component receives the number. Outside a configuration there is no run
to follow: :func:`evoplug.build` refuses ``"run"``, and so does a run that is given an object which holds it."""


# ---------------------------------------------------------------------------------------------- components


class Component:
    """What all contracts share."""

    group: ClassVar[str]
    """Entry-point group without its prefix, e.g. ``"mutations"``."""
    kinds: ClassVar[tuple[str, ...]] = ()
    """Set by ``genome=`` in the class statement: the kinds of genome that it works on (a genotype: that it is), the
    most special first; empty means any."""
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    """Parameters with which it can be built, for ``show``, the docs and the conformance suites."""
    companions: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What stands beside the examples in a configuration, by section, where not just any part will do:
    ``{"genotype": {"use": "real-vector", "length": 20}}``. ``show`` prints it, the conformance suites work with it."""

    def __init_subclass__(cls, *, genome: str | tuple[str, ...] | None = None, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if genome is not None:
            cls.kinds = (genome,) if isinstance(genome, str) else tuple(genome)
        for name in {"provides", "needs", "costs", "minimised"} & vars(cls).keys():
            _check_names(name, vars(cls)[name])
        if getattr(cls, "headline", "") in getattr(cls, "minimised", ()):
            raise TypeError(f"`minimised` names the headline, `{cls.headline}`, of which more is better")  # type: ignore[attr-defined]

    @classmethod
    def adopt(cls, given: Any) -> Component | None:
        """A component made of an object from Python that is none, where the contract takes such objects; else None.

        Raises:
            ConfigError: if the object is nearly one of those, with what to change.
        """
        return None

    @classmethod
    def fits(cls, genotype: Genotype | type[Genotype]) -> bool:
        """Whether it works on genomes of ``genotype``; a composite whose parts are all real vectors is one, too."""
        return not cls.kinds or bool(set(cls.kinds) & set(kinds_of(genotype)))

    def check(self) -> Iterable[tuple[str | tuple[str | int, ...], str]]:
        """Rules between parameters: yields (key, message) for each that is broken; a key inside of a parameter is a
        path, ``("tasks", "digits")``."""
        return ()


class Adopted:
    """What a contract makes of another object, by :meth:`Component.adopt`, is one of these too."""

    adopted: Any
    """That object: files of a run name its class, and lock its source."""


def _check_names(variable: str, names: Any) -> None:
    """Raises TypeError unless a class variable holds a tuple of names, and of those that there are."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"`{variable}` must be a tuple of names, got {names!r}")
    unknown = set(names) - {"states", "cases", "update"}
    if unknown and variable in ("provides", "needs"):
        raise TypeError(f"`{variable}` may hold states, cases and update, got {', '.join(sorted(unknown))}")


_SIZES = {"float64": 8, "float32": 4, "int64": 8}
"""Bytes of a gene."""


class Genotype(Component):
    """A search space: how genomes are drawn, repaired, described.

    Genomes of a tensor kind are the rows of an ``(n, d)`` tensor; genomes of other kinds are plain values (numbers,
    strings, lists, dicts) in a list. ``class RealVector(Genotype, genome="real-vector")``; a special case lists both
    kinds, ``genome=("weights", "real-vector")``, and is served by the operators of either.
    """

    group = "genotypes"

    parts: Mapping[str, Genotype] = MappingProxyType({})
    """name -> genotype of each part; empty unless composite."""

    def bind(self, task: Task) -> None:
        """Take what depends on the problem. Called once, before anything else but ``check``.

        Raises:
            ConfigError: if the genotype does not fit the task, with the key of the parameter to change.
        """

    def sample(self, n: int, rng: Rng) -> Genomes:
        """n new genomes, on ``rng.device``."""
        raise NotImplementedError

    def repair(self, genomes: Genomes) -> Genomes:
        """The nearest genomes inside the space; by default all are."""
        return genomes

    def describe(self, genome: Any) -> Any:
        """One genome (a row, a value, or a mapping part -> either) as plain data to print and to store as JSON."""
        return genome.tolist() if hasattr(genome, "tolist") else genome

    def footprint(self) -> int:
        """Bytes of one genome, for an estimate before any is there; by default those of ``length`` genes of
        ``dtype``, where it has these, else 0.

        Called once it is bound. Rather too few than too many: what needs more memory than is free does not run.
        """
        if self.parts:
            return sum(part.footprint() for part in self.parts.values())
        genes, size = getattr(self, "length", None), _SIZES.get(getattr(self, "dtype", ""))
        return genes * size if isinstance(genes, int) and size else 0

    def inherit(self, state: Any, parent: Any, child: Any, rng: Rng) -> Any:
        """What of a parent's state a child keeps whose genome has changed, as a new state; by default all of it.

        Of a network's state, see ``Members.states``, weights that do not fit the child's genome are left out or made
        to fit.
        """
        return state


def kinds_of(genotype: Genotype | type[Genotype]) -> tuple[str, ...]:
    """The kinds of genome that it is; a composite whose parts are all real vectors is a real vector, too."""
    parts = genotype.parts.values() if isinstance(genotype, Genotype) else ()
    joint = bool(parts) and all("real-vector" in kinds_of(part) for part in parts)
    return (*genotype.kinds, "real-vector") if joint else genotype.kinds


class Evaluator(Component):
    """Members in, fitness out, a whole batch at a time."""

    group = "evaluators"
    provides: ClassVar[tuple[str, ...]] = ()
    """Of ``"states"`` (members learn), ``"cases"`` (fitness by case), ``"update"`` (owns weights that it trains)."""
    costs: ClassVar[tuple[str, ...]] = ()
    """The ledger columns that it fills, e.g. ``("epochs",)``; ``[run] stop`` takes them."""
    headline: str = ""
    """The metric of ``measure`` that decides between solutions, e.g. ``"accuracy"``; higher is better. It may be a
    parameter."""
    minimised: ClassVar[tuple[str, ...]] = ()
    """The metrics of ``measure``, the values of ``describe`` and the columns of the records of which less is better,
    e.g. ``("loss",)``; never the headline. A part of a metric, ``error.mnist`` of ``error``, goes its way. Comparisons,
    figures and reports go by it."""
    deterministic: ClassVar[bool] = False
    """Whether the same genome always gets the same fitness, so that the best of all generations is the best."""
    reads_cases: bool = False
    """Whether anything in the run reads cases; the run says so before ``bind``. Where nothing does, an evaluator that
    provides "cases" may leave them out."""

    @property
    def fixed_cases(self) -> bool:
        """Whether a case is the same one in every evaluation, the third always the same example, so that members of
        different generations can be held against each other by cases; by default where it is ``deterministic``. A class
        variable will do."""
        return self.deterministic

    def task(self) -> Task:
        """What a genotype must know of the problem; reads no more than ``Dataset.info()``."""
        return Task()

    def bind(self, genotype: Genotype | None) -> None:
        """Take the bound genotype (None where the configuration has none). Still loads nothing.

        To an evaluator that works on real vectors and not on composites, a composite of real vectors is one, too.

        Raises:
            ConfigError: if the genotype's parts do not fit, with the key of the parameter to change.
        """

    def footprint(self, members: int, evaluated: int) -> int:
        """Bytes that it takes beside genomes: its data, what members have learned, the work; by default none.

        An estimate before any of it is there, called once it is bound; as :meth:`Genotype.footprint`, rather too low.
        Where the run reads cases, they are of what members have.

        Args:
            members: held at once.
            evaluated: of them, evaluated at once.
        """
        return 0

    def start(self, device: torch.device, rng: Rng) -> None:
        """Load data, move to the device, draw the weights that it owns; called once, before the first evaluation.

        Raises:
            FilesError: if data are missing or damaged.
        """

    def close(self) -> None:
        """Let go of what ``start`` has taken (processes, emulators, files); called once, however the run ends."""

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        """Fitness of n members (higher is better); must not change them. NaN and infinities are fitting answers.

        ``members.columns``, which strategies and operators keep, may be read.
        """
        raise NotImplementedError

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        """metric -> ``(n,)`` on the whole "validation" or "test" split; empty where there is no such split.

        ``rng`` is the same at every call with this split: members are compared on the same noise.
        """
        return {}

    def ensemble(self, members: Members, split: str, rng: Rng) -> Metrics:
        """metric -> ``(1,)``: what :meth:`measure` says of several members as one, whose outputs are the means of
        their networks' outputs; empty, the default, where it makes no ensembles."""
        return {}

    def describe(self, members: Members) -> Mapping[str, torch.Tensor]:
        """What it says of members that needs no data: name -> ``(n,)`` numbers, such as the ``weights`` that each one's
        network has; by default nothing. Called once bound, with members evaluated or not.

        Of the solution they stand in ``result.json``, as ``best.weights``. ``minimised`` may name them.
        """
        return {}

    def finalise(self, member: Members, rng: Rng) -> Any:
        """The state of one evaluated member after a last training, once the search has ended, as a new one; None, the
        default, where there is nothing more to do.

        The solution is reported with it, and as the search had left it too. What it costs is not in the ledger, whose
        budgets are the search's.
        """
        return None

    def model(self, member: Members) -> Model | Mapping[str, Model] | None:
        """One evaluated member's network, for use elsewhere, or several by name, e.g. one a task; None where there is
        none.

        Names are as ``torch.nn.ModuleDict`` takes them: without dots, and none of its own (``items``). Weights that
        networks share may be one tensor in memory: it is stored once.

        Needs ``bind``, and ``load_state_dict`` where there is a state, but not ``start``.

        Raises:
            FilesError: if data that its preprocessing was fitted to are missing or damaged.
        """
        return None

    def film(self, member: Members, rng: Rng) -> Film | None:
        """One episode of one member, to look at; None, the default, where there is nothing to see.

        Needs ``bind``, and ``load_state_dict`` where there is a state, but neither ``start`` nor data. What it opens,
        it closes: with an iterator of frames, when that ends or is closed. It changes nothing, and nothing is counted.

        Args:
            member: one, evaluated or not.
            rng: the stream of all that is random in the episode.

        Raises:
            ConfigError: if it cannot be drawn here, e.g. for want of a library: which.
        """
        return None

    def update(self, members: Members, rng: Rng) -> Evaluation:
        """One gradient step on the weights that the evaluator owns, under these members.

        Returns what the step saw: the members' fitness before it, its cost and columns for the records.
        """
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What it owns and changes: tensors and plain data; empty for most.

        It is part of every checkpoint, and of the solution too where there is :meth:`model` or :meth:`film`.
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`state_dict`; tensors come on the CPU.

        Called after ``start`` when a run goes on; after ``bind`` alone before :meth:`model` makes a solution's network
        or :meth:`film` shows what it does.
        """


class Selection(Component):
    """Chooses rows by fitness alone, so every selection works with every genotype. ``members.selected`` calls it."""

    group = "selections"
    cases: ClassVar[bool] = False
    """True for case-wise selections: they read ``fitness.shape`` and ``fitness[:, cases]`` of an ``(n, cases)``
    matrix and nothing else, so that a matrix that is computed as it is read will do. Every strategy that selects by
    ``members.selected`` takes them, with an evaluator that provides "cases"."""

    def footprint(self, count: int) -> int:
        """Bytes that it takes to select ``count`` rows, for an estimate beforehand; by default none."""
        return 0

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` int64 row numbers, repeats allowed; fitness ``(n,)``, for case-wise selections ``(n, cases)``,
        -inf where it is invalid."""
        raise NotImplementedError


class Crossover(Component):
    """Makes one child of each pair of parents."""

    group = "crossovers"

    def bind(self, space: Genotype) -> None:
        """Take bounds and scale from the bound genotype; called once."""

    def at(self, generation: int) -> Crossover:
        """The operator to use in this generation; by default itself. Schedules return another."""
        return self

    def __call__(self, a: Any, b: Any, rng: Rng) -> Any:
        """Tensor kinds: two ``(n, d)`` blocks to a new ``(n, d)`` block; other kinds: two genomes to a new one."""
        raise NotImplementedError

    def into(self, parents: Members, first: torch.Tensor, second: torch.Tensor, rng: Rng, out: Members) -> None:
        """Write the children of ``parents`` in rows ``first`` and ``second``, pair by pair, into ``out``.

        A column that a mutation keeps per member (a self-adaptive sigma) becomes the mean of the two parents'; one of
        integers or of booleans follows the first.
        """
        from evoplug.population.breeding import cross  # late, as all that needs torch

        cross(self, parents, first, second, rng, out)


class Mutation(Component):
    """Makes one child of each parent."""

    group = "mutations"

    def bind(self, space: Genotype) -> None:
        """Take bounds, scale, choices or the sampler from the bound genotype; called once."""

    def at(self, generation: int) -> Mutation:
        """The operator to use in this generation; by default itself. Schedules return another."""
        return self

    def columns(self, n: int) -> dict[str, torch.Tensor]:
        """name -> ``(n,)`` initial values of what it evolves beside each genome (a self-adaptive sigma)."""
        return {}

    def describe(self) -> dict[str, float]:
        """What of it changes over a run, for the records, e.g. ``{"sigma": 0.01}``."""
        return {}

    def __call__(self, genomes: Any, rng: Rng) -> Any:
        """Tensor kinds: an ``(n, d)`` block to a new one; other kinds: one genome to a new one. Never in place."""
        raise NotImplementedError

    def into(self, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
        """Write mutants of ``parents[rows]`` into the genomes and columns of ``out``."""
        from evoplug.population.breeding import mutate  # late, as all that needs torch

        mutate(self, parents, rows, rng, out)


class Problem(Protocol):
    """The search space, the evaluator and the ledger of one run, as a strategy sees them."""

    genotype: Genotype | None
    """Bound; None where the configuration has none. To a strategy that works on real vectors and not on composites, a
    composite of real vectors is one: the vector of all their genes."""
    evaluator: Evaluator
    """Bound and started."""
    device: torch.device
    """Where tensors live."""
    rng: Rng
    """The strategy's own stream; ``rng.child("step", generation)`` needs no checkpoint."""
    ledger: Ledger
    """What has been spent."""

    @property
    def generation(self) -> int:
        """The generation in the making, 1 for the initial population."""

    def members(self, genomes: Genomes, parents: torch.Tensor | None = None) -> Members:
        """New members around genomes, with fresh ids and what the strategy's operators keep beside a new genome;
        ``parents`` as in :class:`Members`, none by default."""

    def ids(self, n: int) -> torch.Tensor:
        """``(n,)`` ids that no member of this run has had."""

    def kept(self, n: int) -> dict[str, torch.Tensor]:
        """name -> ``(n, ...)``: what the strategy's operators keep beside n new genomes, as :meth:`members` has it."""

    def sample(self, n: int) -> Members:
        """n new members with random genomes; without a genotype, genomes without genes."""

    def children(self, parents: Members, mates: Members | None = None) -> Members:
        """New members for operators to write into: copies of the parents' genomes and columns, without fitness and
        cases.

        Args:
            parents: the one parent of each child, or the first of two.
            mates: the second parents, row by row.
        """

    def inherit(self, parents: Members, children: Members) -> None:
        """Give each child what its changed genome lets it keep of the state of its parent, row by row."""

    def evaluate(self, members: Members) -> Evaluation:
        """Evaluate members and write their fitness and the states that they learned into them; count the cost.

        Fitness that is not finite becomes -inf and is counted. Where the strategy has a selection by cases, and does
        not itself need "cases", the members keep theirs: the whole matrix, computed and counted here.

        Returns:
            What the evaluator said, with ``cases`` where it gives them, to be read before the next evaluation.

        Raises:
            EvaluationError: if the evaluator raised.
            PluginError: if what it returned breaks its contract, or it changed genomes.
        """

    def measure(self, members: Members, split: str = "validation") -> dict[str, torch.Tensor]:
        """metric -> ``(n,)`` on the CPU, on a whole split; draws from a stream of its own, so measuring changes no
        result; costs nothing in the ledger."""

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        """name -> ``(n,)`` on the CPU: what the evaluator says of members without data, such as the ``weights`` of
        their networks; costs nothing in the ledger.

        Raises:
            EvaluationError, PluginError: as :meth:`evaluate`.
        """

    def validation(self, members: Members) -> torch.Tensor | None:
        """``(n,)`` of the evaluator's headline on the validation split, -inf where it is not finite: what solutions are
        chosen by. None where there is no headline or no such split, or where no value is finite."""

    def report(self, best: Members) -> Outcome:
        """The outcome of a run that reports this one member: its validation and test metrics."""

    def metrics(self, member: Members) -> dict[str, dict[str, float]]:
        """split -> metric -> value of one member, on the splits that the evaluator has."""

    def ensemble(self, members: Members) -> dict[str, dict[str, float]]:
        """split -> metric -> value of these members as one solution, on the splits that the evaluator has; empty where
        it makes no ensembles. It costs nothing in the ledger."""

    def update(self, members: Members) -> Evaluation:
        """One gradient step on what the evaluator owns, under these members, which stay as they are; counts its cost.

        Raises:
            EvaluationError, PluginError: as :meth:`evaluate`.
        """


class Loop:
    """A strategy at work. ``step()`` is the smallest unit after which a checkpoint is valid; one step, one
    generation, one line of records. The first step evaluates the initial population."""

    problem: Problem
    """What it was started on."""
    members: Members
    """The population as last evaluated, with the states that it learned."""

    @property
    def best(self) -> Members:
        """The one member to report if the run ended now."""
        raise NotImplementedError

    @property
    def status(self) -> Mapping[str, Any]:
        """Values of the method's own for this generation's line of records: numbers, strings and lists of them.
        ``best``, ``mean`` and ``std`` come from ``members.fitness`` unless given here."""
        return {}

    @property
    def over(self) -> str | None:
        """Why the search cannot go on, in a few words; the run then ends as finished, before its stop rules. None while
        it can. A step that finds so before it has evaluated anything changes nothing, and is no generation."""
        return None

    def step(self) -> None:
        """Go on by one generation."""
        raise NotImplementedError

    def finish(self) -> Outcome:
        """Called once at the end of a run: choose the solution and measure it."""
        return self.problem.report(self.best)

    def state_dict(self) -> dict[str, Any]:
        """``members``, and all that ``step`` depends on: tensors (by reference) and plain data."""
        raise NotImplementedError

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`, on a loop that was started in the same way and not stepped.

        ``members`` and ``best`` are then again what they were.
        """
        raise NotImplementedError


class Holding(NamedTuple):
    """How much a strategy holds at once, as its parameters have it."""

    members: int
    """Parents and children."""
    evaluated: int
    """Of them, evaluated at once."""
    more: int = 0
    """Bytes beside them, e.g. of a covariance matrix."""


class Strategy(Component):
    """The search. Its fields typed Selection, Crossover and Mutation are filled from ``[operators]``."""

    group = "strategies"
    needs: ClassVar[tuple[str, ...]] = ()
    """What the evaluator must provide: of ``"states"``, ``"cases"``, ``"update"``. With "cases" it reads them itself,
    of the evaluation, as far as it needs them: members keep none."""
    genotype: ClassVar[Literal["required", "optional", "none"]] = "required"
    """Whether a ``[genotype]`` must, may or must not be there."""

    @property
    def mixes_generations(self) -> bool:
        """Whether it may select among members that were evaluated in different generations, as where parents survive;
        by default it may. A selection by cases then takes only evaluators with ``fixed_cases``. A class variable will
        do."""
        return True

    def bind(self, genotype: Genotype | None) -> None:
        """Look at the bound genotype (None where the configuration has none); its operators are bound already.

        Raises:
            ConfigError: if it cannot be searched, with the key of the parameter to change.
        """

    def holds(self, genotype: Genotype | None) -> Holding:
        """How much it will hold, for an estimate before anything is there; rather too little than too much.

        By default ``population`` members, where there is such a parameter, and as many children, or ``offspring``.

        Args:
            genotype: bound; the strategy is not yet.
        """
        parents, children = (getattr(self, name, 0) for name in ("population", "offspring"))
        parents = parents if isinstance(parents, int) else 0
        children = children if isinstance(children, int) and children else parents
        return Holding(parents + children, max(parents, children))

    def start(self, problem: Problem) -> Loop:
        """The loop, set up and not stepped."""
        raise NotImplementedError


class Model(NamedTuple):
    """A solution's network as it is used outside of evoplug: on the CPU, in evaluation mode, of its own memory."""

    module: nn.Module
    """From raw examples ``(n, ...)`` to the network's outputs, a tensor ``(n, ...)`` or a tuple of them: preprocessing
    and network in one."""
    example: torch.Tensor
    """``(2, ...)``: the shape and dtype of raw examples; the values mean nothing."""
    source: str
    """Python code that makes such a module, untrained, as ``model``."""


class Film(NamedTuple):
    """An episode to look at."""

    frames: numpy.ndarray | Iterator[numpy.ndarray]
    """``(t, height, width, 3)`` uint8, red, green and blue, at least one; of a long episode better an iterator of such
    frames, ``(height, width, 3)`` each, all of one size."""
    rate: float
    """Frames a second, as they are to be seen."""
    score: float
    """What the member reached in it, in the environment's own units."""
    title: str
    """Of what it is, e.g. ``CartPole-v1``; one line."""


class DatasetInfo(NamedTuple):
    """What a data set is, known without loading it."""

    shape: tuple[int, ...]
    """Of one example as ``load`` gives it, e.g. ``(1, 14, 14)``."""
    classes: int
    """Labels are below it."""
    sizes: Mapping[str, int]
    """split -> number of examples, exactly; an empty mapping where only loading tells."""


class Dataset(Component):
    """Examples and labels in the splits "train", "validation" and "test"."""

    group = "datasets"

    def info(self) -> DatasetInfo:
        """Shape, classes and sizes, without reading pixels."""
        raise NotImplementedError

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        """x ``(n, *shape)`` float32, preprocessed and finite, and y ``(n,)`` int64 below ``classes``, on the CPU.

        Raises:
            FilesError: if the files are missing or damaged: where they were looked for, and how to get them.
        """
        raise NotImplementedError

    def load_all(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """split -> x and y as :meth:`load` gives them, of the splits that have examples.

        What evaluators call. It is not to be overridden: whatever breaks a promise of ``load`` or ``info`` is found
        here, once at the start of a run.

        Raises:
            FilesError: as :meth:`load`.
            PluginError: if a dtype, a shape, a number of examples or a label is not as promised, or x is not finite:
                the split, what is wrong, and what is right.
        """
        from evoplug.population import examples  # late, as all that needs torch

        return examples.load(self)

    def preprocessing(self) -> tuple[nn.Module, torch.Tensor]:
        """What makes raw examples, as the files hold them, into what ``load`` gives; and two raw examples.

        The module is on the CPU and the caller's own; its repr is its constructor's call. Of the examples, ``(2,
        ...)``, only shape and dtype count. By default examples are taken as ``load`` gives them.

        Raises:
            FilesError: as ``load``, where it depends on the training examples.
        """
        import torch

        return torch.nn.Identity(), torch.zeros(2, *self.info().shape)

    def tasks(self) -> Mapping[str, Dataset]:
        """name -> data set: the tasks that it falls into where several are wanted; by default none, it is one task.

        Names have no dot. Like ``info`` it reads no pixels. What the tasks read is among ``files``.
        """
        return {}

    def files(self) -> Sequence[Path]:
        """The files that ``load`` reads, there or not; none where the data come with a package."""
        return ()

    def download(self) -> None:
        """Fetch the files into the data folder, checked and atomic; ``evoplug data NAME --download``."""
        raise ConfigError("download", "this data set cannot be downloaded")


class Network(Component):
    """An architecture."""

    group = "networks"

    @classmethod
    def adopt(cls, given: Any) -> Network | None:
        """An ``nn.Module`` as a network: every build is a copy, in float32, with running statistics begun anew.

        Raises:
            ConfigError: if it is the class of a module.
        """
        torch = sys.modules.get("torch")
        if torch is None:  # so it cannot be one
            return None
        if isinstance(given, type) and issubclass(given, torch.nn.Module):
            raise ConfigError((), f"`{given.__name__}` is a class: give a module, {given.__name__}(...)")
        return _Copies.of(given) if isinstance(given, torch.nn.Module) else None

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """A new module for inputs ``(n, *shape)`` and ``(n, outputs)`` logits.

        Its weights come from torch's global random numbers, as those of all modules do: whoever builds one forks them.

        Raises:
            ConfigError: if the network cannot take such inputs.
        """
        raise NotImplementedError


@dataclass(kw_only=True)
class _Copies(Network, Adopted):
    """A module of the caller's, of which every network is a copy."""

    adopted: nn.Module
    layers: Mapping[str, str]
    """Name -> what it prints as, for the lock of a run."""

    def __repr__(self) -> str:
        return f"Network.adopt({type(self.adopted).__name__})"

    @classmethod
    def of(cls, module: nn.Module) -> _Copies:
        """The network of a module."""
        named = {name or "whole": layer for name, layer in module.named_modules()}
        lines = {name: f"{type(layer).__name__}({layer.extra_repr()})" for name, layer in named.items()}
        return cls(adopted=module, layers=lines)

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        import torch

        module: nn.Module = copy.deepcopy(self.adopted).to("cpu", torch.float32)
        for layer in module.modules():
            getattr(layer, "reset_running_stats", lambda: None)()
        try:
            with torch.no_grad(), torch.device("cpu"):
                given = tuple(module.eval()(torch.zeros(2, *shape)).shape)
        except Exception as error:  # whatever a module raises
            reason = " ".join(str(error).split())
            raise ConfigError((), f"cannot take inputs of shape {tuple(shape)}: {reason}") from error
        if given != (2, outputs):
            raise ConfigError((), f"gives {given} for 2 inputs, not (2, {outputs})")
        return module.train().to(torch.get_default_device())


class Recorder(Component):
    """Receives every line of records while a run goes on."""

    group = "recorders"

    def open(self, folder: str) -> None:
        """Called once, with the run folder; after a resume too."""

    def row(self, row: Mapping[str, Any]) -> None:
        """One generation."""

    def close(self) -> None:
        """Called once at the end, however the run ends."""


class Plot(Component):
    """A figure of a method's own. The first line of its docstring is the caption."""

    group = "plots"
    strategies: ClassVar[tuple[str, ...]] = ()
    """Names of the strategies whose runs it draws; empty: any."""

    def draw(self, arms: Mapping[str, Sequence[Any]]) -> Figure | None:
        """Draw finished runs.

        Args:
            arms: name -> runs by seed, at least one :class:`evoplug.Run` each; all of the strategies above.

        Returns:
            A ``matplotlib.figure.Figure`` of its own (none of pyplot's), with units and the number of runs in it;
            None where these runs recorded nothing of what it shows. Colours, line styles and markers come from
            matplotlib's settings at the time of the call.
        """
        raise NotImplementedError


CONTRACTS: tuple[type[Component], ...] = (
    Genotype, Evaluator, Strategy, Selection, Crossover, Mutation, Dataset, Network, Recorder, Plot,
)  # fmt: skip
"""Every contract that has a class; presets are files."""
