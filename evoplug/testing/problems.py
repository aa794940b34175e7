"""Small problems to test components on: a task, spaces of real vectors, and an evaluator for genomes of any kind."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import torch

from evoplug import catalogue
from evoplug.catalogue import loading
from evoplug.config.building import build
from evoplug.config.joint import JointVector
from evoplug.contracts import Component, Evaluator, Genotype, Selection
from evoplug.errors import EvoplugError
from evoplug.population.box import Box
from evoplug.rng import Rng
from evoplug.running.records import plain
from evoplug.testing.values import agree
from evoplug.types import Evaluation, Genomes, Members, Metrics, Parts, Task, count, genome

CPU = torch.device("cpu")

TASK = Task(input_shape=(1, 8, 8), outputs=3, domain=(-1.0, 1.0), names=("first", "second", "third"))
"""A problem that answers whatever a genotype may ask."""


@dataclass(kw_only=True)
class Vectors(Genotype, genome="real-vector"):
    """Real vectors: what every operator and searcher for the kind "real-vector" has to expect."""

    length: int = 6
    bounds: tuple[float, float] | None = (-2.0, 3.0)
    scale: str = "linear"
    dtype: str = "float64"

    def __post_init__(self) -> None:
        self.lower, self.upper = map(self._per_gene, self.bounds or (None, None))
        self._box = Box(self.lower, self.upper, self.scale == "log")

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        unit = torch.rand(n, self.length, generator=rng.torch, dtype=getattr(torch, self.dtype), device=rng.device)
        lower, upper = self._box.bounds or (-1.0, 1.0)
        return self._box.decode_(lower + (upper - lower) * unit)

    def repair(self, genomes: Any) -> torch.Tensor:
        return self._box.clamp_(genomes.clone())

    def _per_gene(self, bound: float | None) -> torch.Tensor | None:
        return None if bound is None else torch.full((self.length,), bound, dtype=getattr(torch, self.dtype))


@dataclass(kw_only=True)
class Together(Genotype, genome="composite"):
    """A composite, of real vectors unless told otherwise: one on a linear scale, one on a logarithmic."""

    parts: Mapping[str, Genotype] = field(
        default_factory=lambda: {"line": Vectors(), "rate": Vectors(length=2, bounds=(1e-3, 10.0), scale="log")}
    )

    def bind(self, task: Task) -> None:
        for part in self.parts.values():
            part.bind(task)

    def sample(self, n: int, rng: Rng) -> Parts:
        return Parts({name: part.sample(n, rng.child(name)) for name, part in self.parts.items()})

    def repair(self, genomes: Any) -> Parts:
        return Parts({name: part.repair(genomes[name]) for name, part in self.parts.items()})

    def describe(self, genome: Any) -> dict[str, Any]:
        return {name: part.describe(genome[name]) for name, part in self.parts.items()}


SPACES: Mapping[str, Genotype] = {
    "bounded": Vectors(),
    "logarithmic": Vectors(bounds=(1e-3, 10.0), scale="log"),
    "unbounded float32": Vectors(bounds=None, dtype="float32"),
    "one gene": Vectors(length=1),
    "a composite's": JointVector(Together()),
}
"""Kinds of real vectors that genotypes may offer."""


def require_inside(genotype: Genotype, genomes: Genomes) -> None:
    """Fail the test unless ``repair`` finds nothing to mend."""
    repaired = genotype.repair(copy.deepcopy(genomes))
    for row in range(count(genomes)):
        agree(f"genome {row} is outside of the space, `repair` changes it", genome(genomes, row), genome(repaired, row))
    agree("`repair` gives other genomes", genomes, repaired)


def companion(component: type[Component], section: str) -> Component | None:
    """What a component's ``companions`` name for a section of a configuration, not bound; None if they name nothing."""
    table = component.companions.get(section)
    if table is None:
        return None
    if not (isinstance(table, Mapping) and isinstance(table.get("use"), str)):
        pytest.fail(f'companions["{section}"] must be a table with use = NAME')
    return build(f"{section}s", table["use"], **{key: value for key, value in table.items() if key != "use"})


def installed(kinds: tuple[str, ...], task: Task) -> Iterator[Genotype]:
    """The installed genotypes of these kinds, from their examples, where they take this task; not bound."""
    for entry in catalogue.entries("genotypes"):
        if not set(kinds) & set(entry.kinds):
            continue
        try:
            for example in loading.load("genotypes", catalogue.usable(entry)).examples:
                genotype = build("genotypes", catalogue.usable(entry), **example)
                assert isinstance(genotype, Genotype)
                copy.deepcopy(genotype).bind(task)
                yield genotype
        except EvoplugError:
            continue  # broken, or for other tasks


@dataclass(kw_only=True)
class ByCase(Selection):
    """Takes the best on a random case."""

    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        _, cases = fitness.shape
        best: torch.Tensor = fitness[:, torch.randint(cases, (count,), generator=rng.torch)].argmax(0)
        return best


@dataclass(kw_only=True)
class Judge(Evaluator):
    """Scores genomes of any kind, with noise, and finds every fifth or so invalid.

    Args:
        provides: what a strategy may need: states that count their evaluations, five cases, a weight to update.
    """

    provides: tuple[str, ...] = ()  # type: ignore[misc]
    evaluated: list[int] = field(default_factory=list)
    """Ids of the members that were evaluated, in order."""

    costs = ("epochs", "cases", "updates")
    headline = "score"
    fixed_cases = True

    def __post_init__(self) -> None:
        self._weight = 0.0

    def task(self) -> Task:
        return TASK

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        n = len(members)
        self.evaluated += members.ids.tolist()
        noise, lot = torch.rand(2, n, 5, generator=rng.torch, dtype=torch.float64)
        fitness = self._scores(members)[:, None] + 0.1 * noise
        invalid = lot[:, 0] < 0.2
        invalid[0] = False  # a generation without any valid member ends a run
        fitness[invalid] = torch.nan
        return Evaluation(
            fitness.mean(1),
            [self._learned(state) for state in members.states or [None] * n] if "states" in self.provides else None,
            {"epochs": n},
            {"noise": noise[:, 0]},
            fitness if "cases" in self.provides else None,
        )

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        return {"score": self._scores(members)}

    def update(self, members: Members, rng: Rng) -> Evaluation:
        fitness = self._scores(members)
        self._weight += 0.1 * rng.numpy.random()
        return Evaluation(fitness, cost={"updates": 1})

    def state_dict(self) -> dict[str, Any]:
        return {"weight": self._weight}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._weight = state["weight"]

    def _scores(self, members: Members) -> torch.Tensor:
        return _scores(members.genomes) + self._weight

    @staticmethod
    def _learned(state: Any) -> dict[str, Any]:
        age = state["age"] + 1 if state else 1
        return {"weights": {"memory": torch.full((2,), float(age))}, "buffers": {}, "age": age}


def _scores(genomes: Genomes) -> torch.Tensor:
    """Of real vectors minus the squared length, so that there is something to find; of others some fixed number."""
    if isinstance(genomes, Parts) and all(isinstance(part, torch.Tensor) for part in genomes.values()):
        return sum((_scores(part) for part in genomes.values()), torch.zeros(count(genomes), dtype=torch.float64))
    if isinstance(genomes, torch.Tensor) and genomes.is_floating_point():
        return -genomes.double().square().sum(1)
    texts = [repr(plain(genome(genomes, row))).encode() for row in range(count(genomes))]
    return torch.tensor([hashlib.blake2b(text, digest_size=1).digest()[0] / 255 for text in texts], dtype=torch.float64)
