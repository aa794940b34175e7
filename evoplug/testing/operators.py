"""What crossovers and mutations promise alike."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
import torch

from evoplug.catalogue import loading
from evoplug.config.building import build
from evoplug.contracts import ConfigError, Crossover, Genotype, Mutation
from evoplug.population.breeding import LANE
from evoplug.population.workers import workers
from evoplug.rng import Rng
from evoplug.testing.elsewhere import elsewhere
from evoplug.testing.problems import SPACES, TASK, installed, require_inside
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree
from evoplug.types import Genomes, Members

Operator = Crossover | Mutation


class OperatorSuite(Suite):
    """Real vectors come from the suite, other kinds of genomes from the genotypes that are installed, or all from the
    operator's ``companions``.

    Override the fixture ``genotype`` to test on others.
    """

    arity: ClassVar[int]
    """Parents of one child."""

    @pytest.fixture
    def genotype(self, request: pytest.FixtureRequest) -> Genotype:
        """A space that the operator works on."""
        found: Genotype = request.param
        return copy.deepcopy(found)

    @pytest.fixture
    def operator(self, example: Mapping[str, Any], genotype: Genotype) -> Operator:
        """The operator, bound; skips where it refuses the space."""
        genotype.bind(TASK)
        return self.bound(example, genotype)

    @classmethod
    def bound(cls, example: Mapping[str, Any], genotype: Genotype) -> Operator:
        """The operator, bound to a space."""
        operator: Operator = cls.build(example)
        try:
            operator.bind(genotype)
        except ConfigError as error:
            pytest.skip(f"not for such a space: {error}")
        return operator

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        super().pytest_generate_tests(metafunc)
        if "genotype" in metafunc.fixturenames and not _own_genotype(type(self)):
            spaces = self.spaces()
            metafunc.parametrize("genotype", spaces.values(), ids=spaces.keys(), indirect=True)

    @classmethod
    def spaces(cls) -> Mapping[str, Genotype]:
        """What the operator is tested on, by name."""
        own = cls.companion("genotype")
        return {"its companion": own} if own else _spaces(loading.load(cls.group, cls.used()).kinds)

    def test_some_space_is_taken(self, example: Mapping[str, Any]) -> None:
        """The tests below skip each space that the operator refuses."""
        if _own_genotype(type(self)):
            pytest.skip("the space is the subclass's own")
        refusals = []
        for name, space in copy.deepcopy(self.spaces()).items():
            space.bind(TASK)
            try:
                self.build(example).bind(space)
                return
            except ConfigError as error:
                refusals.append(f"{name}: {error}")
        pytest.fail(f"no space fits it ({'; '.join(refusals)}): name one in its `companions`")

    def test_it_works_on_the_genotype(self, operator: Operator, genotype: Genotype) -> None:
        assert operator.fits(genotype)

    def test_shape_dtype_and_device_are_kept(self, operator: Operator, genotype: Genotype) -> None:
        for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
            parents = _parents(genotype, self.arity, 5, device)
            children = _bred(operator, parents, Rng(7, device))
            assert len(children) == 5
            if isinstance(parents[0], torch.Tensor):
                assert isinstance(children, torch.Tensor)
                assert children.shape == parents[0].shape
                assert children.dtype == parents[0].dtype
                assert children.device == parents[0].device

    def test_parents_are_left_as_they_are(self, operator: Operator, genotype: Genotype) -> None:
        parents = _parents(genotype, self.arity, 5)
        before = copy.deepcopy(parents)
        children = _bred(operator, parents, Rng(7))
        agree("the parents were changed", parents, before)
        if isinstance(children, torch.Tensor):
            children.fill_(-1)
            agree("children share memory with their parents: return a new tensor", parents, before)

    def test_children_are_inside_the_space(self, operator: Operator, genotype: Genotype) -> None:
        children = _bred(operator, _parents(genotype, self.arity, 50), Rng(7))
        require_inside(genotype, children)
        assert not isinstance(children, torch.Tensor) or not children.isnan().any(), "of finite parents it makes NaN"

    def test_the_same_stream_gives_the_same_children(self, operator: Operator, genotype: Genotype) -> None:
        parents, children = _parents(genotype, self.arity, 5), []
        for seed in (1, 2):
            with seeded(seed):
                children.append(_bred(operator, parents, Rng(7)))
        agree("the same stream gives two results", *children)

    def test_another_process_gives_the_same_children(
        self, example: Mapping[str, Any], operator: Operator, genotype: Genotype
    ) -> None:
        arguments = (self.group, self.used(), example, genotype, self.arity)
        here = _bred(operator, _parents(genotype, self.arity, 5), Rng(7))
        agree("another process gives other children", elsewhere(_made, *arguments), here)

    def test_a_schedule_depends_on_the_generation_alone(
        self, example: Mapping[str, Any], operator: Operator, genotype: Genotype
    ) -> None:
        parents, other = _parents(genotype, self.arity, 3), self.bound(example, genotype)
        for generation in (1000, 1, 2):
            operator.at(generation)
        for generation in (1, 1000):
            scheduled = operator.at(generation)
            assert isinstance(scheduled, loading.contract(self.group))
            expected = _bred(other.at(generation), parents, Rng(7))
            agree(f"`at({generation})` depends on what was asked before", _bred(scheduled, parents, Rng(7)), expected)

    def test_a_population_is_written_alike_by_any_number_of_workers(
        self, operator: Operator, genotype: Genotype
    ) -> None:
        """Every row, into place, the parents and the ids as they were."""
        parents = population(operator, genotype)
        before, written = copy.deepcopy(parents), []
        for number, filled in ((1, 0), (1, 1), (3, 1)):
            out = blank(parents, filled)
            ids = out.ids.clone()
            with workers(number), seeded(number):
                self.write(operator, parents, Rng(7), out)
            agree("the parents were changed", parents, before)
            agree("ids are the strategy's to give", out.ids, ids)
            written.append(out)
        agree("not all of the children was written", *written[:2])
        agree("the number of workers changes the children", *written[1:])

    def write(self, operator: Any, parents: Members, rng: Rng, out: Members) -> None:
        """Call ``into`` with parents of which some are taken twice."""
        raise NotImplementedError


def _own_genotype(cls: type) -> bool:
    """Whether a subclass brings its fixture ``genotype``."""
    owner = next(base for base in cls.__mro__ if "genotype" in vars(base))
    return owner is not OperatorSuite


def _spaces(kinds: tuple[str, ...]) -> Mapping[str, Genotype]:
    """Spaces of the kinds that an operator works on."""
    others = tuple(kind for kind in kinds if kind != "real-vector")
    real = SPACES if not kinds or "real-vector" in kinds else {}
    found = {type(genotype).__qualname__: genotype for genotype in installed(others, TASK)}
    assert real or found, f"no genotype of kind {' or '.join(kinds)} is installed: name one in its `companions`"
    return {**real, **found}


def _parents(genotype: Genotype, arity: int, n: int, device: str = "cpu") -> list[Any]:
    return [genotype.sample(n, Rng(3, device).child(number)) for number in range(arity)]


def _bred(operator: Any, parents: Sequence[Any], rng: Rng) -> Genomes:
    """A block of a tensor at once, others one by one."""
    if isinstance(parents[0], torch.Tensor):
        children: Genomes = operator(*parents, rng)
        return children
    return [operator(*each, rng.child(row)) for row, each in enumerate(zip(*parents, strict=True))]


def _made(group: str, name: str, example: Mapping[str, Any], genotype: Genotype, arity: int) -> Genomes:
    operator: Any = build(group, name, **example)
    operator.bind(genotype)
    return _bred(operator, _parents(genotype, arity, 5), Rng(7))


def population(operator: Operator, genotype: Genotype) -> Members:
    """More rows than a lane holds, with the operator's columns."""
    genomes = genotype.sample(3, Rng(5))
    n = 2 * LANE // genomes.shape[1] + 3 if isinstance(genomes, torch.Tensor) else 8
    columns = operator.columns(n) if isinstance(operator, Mutation) else {"kept": torch.arange(n).double()}
    parents = torch.full((n, 2), -1)
    return Members(genotype.sample(n, Rng(5)), torch.arange(n), parents, torch.arange(n).double(), columns)


def blank(like: Members, filled: int = 0) -> Members:
    """Children to write into; 0 and 1 are values of every dtype, so what differs between two such was not written."""
    old: Any = like.genomes
    genomes = torch.full_like(old, filled) if isinstance(old, torch.Tensor) else [filled] * len(old)
    columns = {name: torch.full_like(column, filled) for name, column in like.columns.items()}
    return Members(genomes, like.ids + len(like), like.parents.clone(), None, columns)
