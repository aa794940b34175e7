"""Bounds and scale gene by gene."""

from __future__ import annotations

import math

import pytest
import torch

from evoplug.population.box import Box

INF = torch.inf
LOWER, UPPER = torch.tensor([-1.0, 0.125, -INF, 0.0]).double(), torch.tensor([1.0, 8.0, INF, INF]).double()
LOG = torch.tensor([False, True, False, True])


@pytest.fixture
def box() -> Box:
    return Box(LOWER, UPPER, LOG)


def test_each_gene_has_a_scale_of_its_own(box: Box) -> None:
    genomes = torch.tensor([[-0.5, 1.0, -7.0, torch.e]]).double()
    before = genomes.clone()
    coordinates = box.encode(genomes)
    torch.testing.assert_close(coordinates, torch.tensor([[-0.5, 0.0, -7.0, 1.0]]).double())
    assert torch.equal(genomes, before)
    torch.testing.assert_close(box.decode_(coordinates), genomes)


def test_each_gene_has_bounds_of_its_own(box: Box) -> None:
    low, high = box.decode_(torch.tensor([[-100.0], [100.0]]).double().repeat(1, 4)).tolist()
    assert low[:3] == [-1, 0.125, -100]
    assert high[:3] == [1, 8, 100]
    assert 0 < low[3] < 1e-40


def test_a_gene_without_bounds_has_an_endless_range(box: Box) -> None:
    assert box.width is not None
    torch.testing.assert_close(box.width, torch.tensor([2.0, 6 * math.log(2), INF, INF]).double())


@pytest.mark.parametrize("log", [False, True])
def test_genes_that_are_all_alike_are_as_one_word_says(log: bool) -> None:
    x = torch.rand(50, 3, dtype=torch.float64) + 0.5
    one, each = Box(log=log), Box(log=torch.full((3,), log))
    assert torch.equal(one.encode(x), each.encode(x))
    torch.testing.assert_close(one.decode_(x.clone()), each.decode_(x.clone()))
