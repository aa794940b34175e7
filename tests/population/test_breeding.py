"""Populations bred from operators: what goes where, and the same bits whoever does the work."""

from __future__ import annotations

import pytest
import torch

from evoplug import Members, Parts, PluginError, Rng
from evoplug.contracts import Crossover, Mutation
from evoplug.population import breeding
from evoplug.population.workers import workers
from evoplug_basics.crossovers import Uniform
from evoplug_basics.mutations import Gaussian, SelfAdaptiveGaussian

NAMES = ["noise", "gaussian", "self-adaptive"]


class Noise(Mutation):
    """Block operator that relies on the default ``into``."""

    def __call__(self, genomes, rng):
        return genomes + torch.rand(genomes.shape, generator=rng.torch)


class Mean(Crossover):
    def __call__(self, a, b, rng):
        return (a + b) / 2


class Letter(Mutation):
    """One genome at a time."""

    def __call__(self, genome, rng):
        return genome + rng.python.choice("xyz")


class Join(Crossover):
    def __call__(self, a, b, rng):
        return a + b


class Flat(Mutation):
    def __call__(self, genomes, rng):
        return genomes[:, 0]


class InPlace(Mutation):
    """Changes its parents, and returns them."""

    def __call__(self, genomes, rng):
        return genomes.fill_(1)


class Taking(Crossover):
    """Takes a child's genes away from its second parent."""

    def __call__(self, a, b, rng):
        return {**a, "deep": [b["deep"].pop()]}


def members(genomes, **columns):
    n = len(genomes)
    return Members(genomes, torch.arange(n), torch.full((n, 2), -1), columns=columns)


def blank(n, d, **columns):
    return members(torch.full((n, d), torch.nan), **columns)


def test_children_come_from_their_parents_and_columns_follow():
    parents = members(torch.arange(6.0).reshape(3, 2) * 10, age=torch.tensor([1.0, 2.0, 3.0]))
    out = blank(4, 2, age=torch.zeros(4))
    rows = torch.tensor([2, 0, 2, 1])
    Noise().into(parents, rows, Rng(1), out)
    step = out.genomes - parents.genomes[rows]
    assert ((step >= 0) & (step < 1)).all()
    assert out.columns["age"].tolist() == [3, 1, 3, 2]


def test_crossover_pairs_rows_and_averages_columns():
    parents = members(torch.tensor([[0.0], [10.0], [20.0]]), sigma=torch.tensor([1.0, 2.0, 4.0]))
    out = blank(2, 1, sigma=torch.zeros(2))
    Mean().into(parents, torch.tensor([0, 2]), torch.tensor([1, 2]), Rng(1), out)
    assert out.genomes.flatten().tolist() == [5, 20]
    assert out.columns["sigma"].tolist() == [1.5, 4]


def test_columns_without_a_mean_follow_the_first_parent():
    parents = members(torch.zeros(2, 1), age=torch.tensor([3, 8]), seen=torch.tensor([True, False]))
    out = blank(2, 1, age=torch.zeros(2, dtype=torch.int64), seen=torch.zeros(2, dtype=torch.bool))
    Mean().into(parents, torch.tensor([0, 1]), torch.tensor([1, 0]), Rng(1), out)
    assert out.columns["age"].tolist() == [3, 8]
    assert out.columns["seen"].tolist() == [True, False]


def test_a_slice_of_a_population_is_written_in_place():
    population = blank(5, 3)
    Noise().into(members(torch.zeros(2, 3)), torch.tensor([0, 1]), Rng(1), population[1:3])
    assert population.genomes.isnan().all(1).tolist() == [True, False, False, True, True]


def test_no_rows_is_no_work():
    Noise().into(members(torch.zeros(2, 3)), torch.tensor([], dtype=torch.int64), Rng(1), blank(0, 3))


def test_lanes_hold_many_small_rows_or_one_large():
    assert breeding.lanes(3, breeding.LANE + 1) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert breeding.lanes(10, breeding.LANE // 4) == [slice(0, 4), slice(4, 8), slice(8, 10)]


@pytest.mark.parametrize("d", [7, breeding.LANE // 3, breeding.LANE + 1])
@pytest.mark.parametrize("mutation", [Noise(), Gaussian(sigma=0.1), SelfAdaptiveGaussian(sigma=0.1)], ids=NAMES)
def test_mutants_are_the_same_with_any_number_of_workers(mutation, d):
    parents = members(torch.randn(5, d, generator=Rng(0).torch), **mutation.columns(5))
    rows = torch.tensor([4, 0, 2, 2, 1, 3, 0])

    def mutants(count):
        out = blank(len(rows), d, **mutation.columns(len(rows)))
        with workers(count):
            mutation.into(parents, rows, Rng(3), out)
        return out

    one, two = mutants(1), mutants(2)
    assert torch.equal(one.genomes, two.genomes)
    assert all(torch.equal(one.columns[name], two.columns[name]) for name in one.columns)


@pytest.mark.parametrize("d", [7, breeding.LANE // 3, breeding.LANE + 1])
def test_children_of_two_are_the_same_with_any_number_of_workers(d):
    parents = members(torch.randn(5, d, generator=Rng(0).torch))
    first, second = torch.tensor([4, 0, 2, 1]), torch.tensor([0, 3, 2, 2])

    def children(count):
        out = blank(4, d)
        with workers(count):
            Uniform().into(parents, first, second, Rng(3), out)
        return out.genomes

    assert torch.equal(children(1), children(2))


@pytest.mark.parametrize("d", [7, breeding.LANE // 3, breeding.LANE + 1])
def test_writing_in_place_gives_the_bits_of_the_block_operator(d):
    parents = members(torch.randn(4, d, generator=Rng(0).torch))
    first, second = torch.tensor([3, 0, 1]), torch.tensor([0, 2, 2])
    direct, default = blank(3, d), blank(3, d)
    for operator, kernel, rows in (
        (Gaussian(sigma=0.1), breeding.mutate, (first,)),
        (Uniform(), breeding.cross, (first, second)),
    ):
        operator.into(parents, *rows, Rng(5), direct)
        kernel(operator, parents, *rows, Rng(5), default)
        assert torch.equal(direct.genomes, default.genomes)


def test_lists_are_bred_one_genome_at_a_time_each_with_its_own_stream():
    parents = members(["a", "b"])
    out, fewer = members([None] * 6), members([None] * 3)
    Letter().into(parents, torch.tensor([0, 1, 1, 0, 0, 0]), Rng(1), out)
    Letter().into(parents, torch.tensor([0, 1, 1]), Rng(1), fewer)
    assert [genome[0] for genome in out.genomes] == ["a", "b", "b", "a", "a", "a"]
    assert len({genome[1] for genome in out.genomes}) > 1
    assert fewer.genomes == out.genomes[:3]


def test_pairs_of_a_list():
    out = members([None, None])
    Join().into(members(["a", "b"]), torch.tensor([0, 1]), torch.tensor([1, 1]), Rng(1), out)
    assert out.genomes == ["ab", "bb"]


def test_an_operator_that_returns_another_shape_is_named():
    with pytest.raises(PluginError, match=r"^Flat: must return a tensor float32 \(2, 3\), got float32 \(2,\)$"):
        Flat().into(members(torch.zeros(2, 3)), torch.tensor([0, 1]), Rng(1), blank(2, 3))


def test_an_operator_on_one_kind_refuses_several_parts():
    parts = Members(Parts({"x": torch.zeros(1, 1)}), torch.arange(1), torch.full((1, 2), -1))
    with pytest.raises(PluginError, match=r"^Noise: does not work on genomes of several parts$"):
        Noise().into(parts, torch.tensor([0]), Rng(1), parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
@pytest.mark.parametrize("d", [3, breeding.LANE + 1], ids=["many rows a lane", "one row a lane"])
def test_an_operator_that_changes_its_parents_is_named(d, dtype):
    parents = members(torch.zeros(3, d, dtype=dtype))
    with pytest.raises(PluginError, match=r"^InPlace: changes its parents: return a new tensor$"):
        InPlace().into(parents, torch.tensor([0, 1]), Rng(1), members(torch.zeros(2, d, dtype=dtype)))


def test_an_operator_that_changes_a_plain_genome_is_named():
    parents = members([{"deep": [1, 2]}, {"deep": [3, 4]}])
    with pytest.raises(PluginError, match=r"^Taking: changes its parents: return a new genome$"):
        Taking().into(parents, torch.tensor([0, 1]), torch.tensor([1, 0]), Rng(1), members([None] * 2))


def test_children_may_be_written_beside_their_parents():
    """Both in one buffer: what is written are the children."""
    d = breeding.LANE + 1
    population = members(torch.zeros(4, d))
    with workers(2):
        Noise().into(population[:2], torch.tensor([0, 1]), Rng(1), population[2:])
    assert population.genomes[:2].count_nonzero() == 0
    assert population.genomes[2:].any(1).all()


def test_in_inference_mode_which_counts_no_changes_operators_work_too():
    with torch.inference_mode():
        out = blank(2, 3)
        Noise().into(members(torch.zeros(2, 3)), torch.tensor([0, 1]), Rng(1), out)
    assert not out.genomes.isnan().any()


class Given(Mutation):
    """Its children are given."""

    def __init__(self, children):
        self.children = children

    def __call__(self, genome, rng):
        return self.children.pop(0)


@pytest.mark.parametrize(
    ("children", "message"),
    [
        (
            [[1], [2], ([3],)],
            "must return one genome, like its parent's a list, got a tuple of 1: return the genome itself",
        ),
        ([[1], [2], None], "must return one genome, like its parent's a list, got None"),
        ([[1], [2], [object()]], "holds tensors and plain data only"),
    ],
)
def test_every_child_is_held_against_its_parent(children, message):
    population = members([[0], [0], [0]])
    out = members([None, None, None])
    with pytest.raises(PluginError, match=message):
        breeding.mutate(Given(children), population, torch.arange(3), Rng(1), out)


def test_tuples_and_none_are_genomes_where_parents_are():
    population, out = members([(1,), None]), members([None, None])
    breeding.mutate(Given([(2,), None]), population, torch.arange(2), Rng(1), out)
    assert out.genomes == [(2,), None]


def test_an_operator_on_tensors_that_returns_a_tuple_is_told_what_to_return():
    population = members(torch.zeros(2, 3))
    with pytest.raises(PluginError, match="must return a tensor .*, got a tuple of 1: return the genome itself"):
        breeding.mutate(Given([(torch.zeros(2, 3),)]), population, torch.arange(2), Rng(1), members(torch.zeros(2, 3)))
