"""What a genotype promises."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from evoplug.config.joint import JointVector
from evoplug.contracts import Genotype, kinds_of
from evoplug.population.box import Box
from evoplug.rng import Rng
from evoplug.running.records import plain
from evoplug.testing.elsewhere import elsewhere
from evoplug.testing.problems import TASK, require_inside
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree, stored
from evoplug.types import Genomes, Parts, Task, count, genome, take


class GenotypeSuite(Suite):
    """Override the fixture ``task`` where the genotype is made for special problems."""

    group = "genotypes"

    @pytest.fixture
    def task(self) -> Task:
        """The problem that it is bound to."""
        return TASK

    @pytest.fixture
    def genotype(self, example: Mapping[str, Any], task: Task) -> Genotype:
        """The genotype, bound."""
        genotype: Genotype = self.build(example)
        genotype.bind(task)
        return genotype

    def test_it_says_its_kinds(self, genotype: Genotype) -> None:
        assert genotype.kinds, "write `class NAME(Genotype, genome=KIND)`"

    @pytest.mark.parametrize("n", [0, 1, 5])
    def test_samples_are_as_many_as_asked_for(self, genotype: Genotype, n: int) -> None:
        _check(genotype.sample(n, Rng(1)), n)

    def test_the_same_stream_gives_the_same_sample(self, genotype: Genotype) -> None:
        samples = []
        for seed in (1, 2):
            with seeded(seed):
                samples.append(genotype.sample(5, Rng(7)))
        agree("the same stream gives two results", *map(_plain, samples))

    def test_another_process_gives_the_same_sample(self, example: Mapping[str, Any], task: Task) -> None:
        arguments = (self.used(), example, task)
        agree("another process gives another sample", elsewhere(_sampled, *arguments), _sampled(*arguments))

    def test_genomes_are_plain_data(self, genotype: Genotype) -> None:
        genomes = _plain(genotype.sample(3, Rng(1)))
        agree("a checkpoint changes the genomes", stored(genomes, "genomes"), genomes)

    def test_samples_are_inside_the_space(self, genotype: Genotype) -> None:
        genomes = genotype.sample(5, Rng(1))
        require_inside(genotype, genomes)
        before = copy.deepcopy(genomes)
        genotype.repair(genomes)
        agree("`repair` changed the genomes that it was given", _plain(genomes), _plain(before))

    def test_every_genome_is_its_own(self, genotype: Genotype) -> None:
        genomes = _plain(genotype.sample(5, Rng(1)))
        for part in genomes.values() if isinstance(genomes, dict) else [genomes]:
            values = [value for value in part if isinstance(value, list | dict)]
            assert len({id(value) for value in values}) == len(values), "two genomes are the same object"

    def test_a_genome_is_described_in_plain_data(self, genotype: Genotype) -> None:
        genomes = genotype.sample(2, Rng(1))
        before = copy.deepcopy(genomes)
        json.dumps(plain(genotype.describe(genome(genomes, 0))))
        agree("`describe` changed the genome", _plain(genomes), _plain(before))

    def test_real_vectors_have_what_their_operators_read(self, genotype: Genotype) -> None:
        """``length``, ``dtype``, ``lower``, ``upper`` and ``scale``, see ``evoplug.population.box.RealSpace``."""
        if "real-vector" not in genotype.kinds:
            pytest.skip("not for this kind of genome")
        space: Any = genotype
        genomes = space.sample(3, Rng(1))
        assert genomes.shape == (3, space.length)
        assert genomes.dtype == getattr(torch, space.dtype)
        assert space.scale in ("linear", "log", "mixed")
        log = torch.as_tensor(Box.of(space).log).expand(space.length)
        assert (space.lower is None) == (space.upper is None)
        if space.lower is not None:
            assert space.lower.shape == space.upper.shape == (space.length,)
            assert (genomes >= space.lower).all()
            assert (genomes <= space.upper).all()
            assert (space.lower[log] >= 0).all(), "a gene on a logarithmic scale is above 0"

    def test_assignments_have_what_their_operators_read(self, genotype: Genotype) -> None:
        """``length``, ``choices``, ``names`` and ``dtype``, see ``evoplug.population.assignment.AssignmentSpace``."""
        if "assignment" not in genotype.kinds:
            pytest.skip("not for this kind of genome")
        space: Any = genotype
        genomes = space.sample(3, Rng(1))
        assert genomes.shape == (3, space.length)
        assert genomes.dtype == getattr(torch, space.dtype) == torch.int64
        assert (genomes >= 0).all()
        assert (genomes < space.choices).all()
        assert isinstance(space.names, tuple)
        assert len(space.names) in (0, space.length)

    def test_parts_that_are_real_vectors_are_one_together(self, genotype: Genotype) -> None:
        """As strategies for real vectors search them: no number changes on the way to one tensor and back."""
        if "real-vector" not in set(kinds_of(genotype)) - set(genotype.kinds):
            pytest.skip("not a composite of real vectors")
        joint, genomes = JointVector(genotype), genotype.sample(5, Rng(1))
        assert isinstance(genomes, Parts)
        together = joint.join(genomes)
        assert together.shape == (5, joint.length)
        assert together.dtype == getattr(torch, joint.dtype)
        agree("genomes change on the way to one tensor and back", _plain(joint.split(together)), _plain(genomes))
        described = (space.describe(genome(each, 0)) for space, each in ((joint, together), (genotype, genomes)))
        agree("a genome is described in another way", *map(plain, described))

    def test_an_estimate_of_memory_is_not_too_high(self, genotype: Genotype) -> None:
        """Else runs would be refused that fit."""
        assert 0 <= genotype.footprint() <= _bytes(genotype.sample(1, Rng(1)))


def _bytes(genomes: Genomes) -> float:
    """What tensors take; of plain values that cannot be told."""
    if isinstance(genomes, Parts):
        return sum(map(_bytes, genomes.values()))
    return genomes.nbytes if isinstance(genomes, torch.Tensor) else math.inf


def _check(genomes: Genomes, n: int) -> None:
    """Genomes are rows of a tensor, a list, or parts of either."""
    if isinstance(genomes, Parts):
        for part in genomes.values():
            _check(part, n)
        return
    assert isinstance(genomes, torch.Tensor | list)
    assert not isinstance(genomes, torch.Tensor) or genomes.ndim == 2
    assert count(genomes) == n
    assert count(take(genomes, slice(0, 1))) == min(n, 1)


def _plain(genomes: Genomes) -> Any:
    return {name: _plain(part) for name, part in genomes.items()} if isinstance(genomes, Parts) else genomes


def _sampled(name: str, example: Mapping[str, Any], task: Task) -> Any:
    from evoplug.config.building import build

    genotype = build("genotypes", name, **example)
    assert isinstance(genotype, Genotype)
    genotype.bind(task)
    return _plain(genotype.sample(5, Rng(7)))
