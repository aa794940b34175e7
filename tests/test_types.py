import numpy
import torch

from evoplug import Members, Parts
from evoplug.types import concatenate, count, genome, take


def members(n=4, first=0):
    return Members(
        Parts({"loss": torch.arange(2 * n).reshape(n, 2), "blocks": [f"b{i}" for i in range(n)]}),
        torch.arange(first, first + n),
        torch.full((n, 2), -1),
        torch.arange(n).double(),
        {"sigma": torch.rand(n), "scores": torch.rand(n, 3)},
        [{"weights": torch.ones(2)} for _ in range(n)],
        torch.rand(n, 5),
    )


def test_rows_carry_every_field():
    population = members()
    for rows in ([2, 0], torch.tensor([2, 0]), numpy.array([2, 0])):
        some = population[rows]
        assert some.ids.tolist() == [2, 0]
        assert some.genomes["blocks"] == ["b2", "b0"]
        assert torch.equal(some.genomes["loss"], population.genomes["loss"][[2, 0]])
        assert torch.equal(some.columns["scores"], population.columns["scores"][[2, 0]])
        assert torch.equal(some.cases, population.cases[[2, 0]])
        assert some.states[0] is population.states[2]


def test_a_mask_picks_the_same_rows_of_every_field():
    population = members()
    some = population[torch.tensor([False, True, False, True])]
    assert some.ids.tolist() == [1, 3]
    assert some.genomes["blocks"] == ["b1", "b3"]
    assert some.states[1] is population.states[3]


def test_a_slice_of_tensors_is_a_view():
    population = members()
    population[1:3].columns["sigma"][:] = 7
    assert population.columns["sigma"][1:3].tolist() == [7, 7]


def test_cat_and_state_dict_are_exact():
    groups = [members(2), members(3, first=2)]
    whole = Members.cat(groups)
    assert torch.equal(whole.cases, torch.cat([group.cases for group in groups]))
    assert len(whole) == 5
    assert whole.ids.tolist() == [0, 1, 2, 3, 4]
    copy = Members.from_state_dict(whole.state_dict(), "cpu")
    assert copy.genomes["blocks"] == whole.genomes["blocks"]
    assert torch.equal(copy.genomes["loss"], whole.genomes["loss"])
    assert copy.states is whole.states
    assert copy.cases is whole.cases


def test_cat_drops_what_not_all_have():
    unborn = members(2)
    unborn.fitness = unborn.cases = None
    whole = Members.cat([members(2), unborn])
    assert whole.fitness is None
    assert whole.cases is None


def test_members_of_a_checkpoint_from_before_there_were_cases_have_none():
    data = members().state_dict()
    del data["cases"]
    assert Members.from_state_dict(data, "cpu").cases is None


def test_genomes_of_every_kind():
    composite = members(3).genomes
    assert count(composite) == count(composite["blocks"]) == 3
    assert {name: list(part) for name, part in genome(composite, 1).items()} == {"loss": [2, 3], "blocks": ["b", "1"]}
    assert take(composite, slice(1, 3))["blocks"] == ["b1", "b2"]
    assert concatenate([composite, composite])["loss"].shape == (6, 2)


def test_members_of_a_checkpoint_go_to_the_device_shared_tensors_once():
    whole = members(3)
    whole.states = [{"weights": torch.ones(2)}] * 2 + [None]
    whole.columns["sigma"] = torch.ones(3)
    there = Members.from_state_dict(whole.state_dict(), "meta")
    tensors = [there.genomes["loss"], there.ids, there.parents, there.fitness, there.columns["sigma"]]
    assert all(tensor.is_meta for tensor in tensors if tensor is not None)
    assert there.genomes["blocks"] == whole.genomes["blocks"]
    assert there.states[0]["weights"].is_meta
    assert there.states[0]["weights"] is there.states[1]["weights"]
    assert there.states[2] is None


def test_columns_survive_where_every_group_has_them():
    one, other = members(2), members(2, first=2)
    one.columns |= {"age": torch.ones(2), "luck": torch.ones(2)}
    other.columns["age"] = torch.zeros(2)
    both = Members.cat([one, other])
    assert both.columns["age"].tolist() == [1, 1, 0, 0]
    assert "luck" not in both.columns
    assert "luck" not in Members.cat([other, one]).columns
