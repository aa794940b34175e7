"""Small components for tests of the core: a box of real vectors and a sphere."""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch

from evoplug import Evaluation, Members, Rng, Task
from evoplug.contracts import Evaluator, Genotype, Strategy
from evoplug.running.problem import RunProblem

CPU = torch.device("cpu")


@dataclass(kw_only=True)
class Interval(Genotype, genome="real-vector"):
    """Real vectors in [-5, 5]."""

    length: int = 10

    def bind(self, task: Task) -> None:
        self.lower, self.upper = torch.full((self.length,), -5.0).double(), torch.full((self.length,), 5.0).double()
        self.scale, self.dtype = "linear", "float64"

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        return torch.rand(n, self.length, generator=rng.torch, dtype=torch.float64) * 10 - 5

    def repair(self, genomes: torch.Tensor) -> torch.Tensor:
        return genomes.clamp(-5, 5)


@dataclass(kw_only=True)
class Sphere(Evaluator):
    """Minus the squared length; noisy when asked for."""

    noise: float = 0.0
    broken_rows: tuple[int, ...] = ()
    deterministic = True

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        fitness = -(members.genomes**2).sum(1)
        fitness += self.noise * torch.randn(len(members), generator=rng.torch, dtype=fitness.dtype)
        fitness[list(self.broken_rows)] = torch.nan
        return Evaluation(fitness)


def mismatches(genomes: torch.Tensor) -> torch.Tensor:
    """``(n, d)``: by gene, how far choices are from 1."""
    return (genomes - 1).abs()


def problem(
    evaluator: Evaluator | None = None,
    genotype: Genotype | None = None,
    seed: int = 1,
    strategy: Strategy | None = None,
) -> RunProblem:
    """A bound problem on the CPU."""
    genotype = genotype or Interval()
    genotype.bind(Task())
    return RunProblem(genotype, evaluator or Sphere(), seed, CPU, strategy)


def steps(loop, count: int):
    """Step a loop as a run does."""
    for _ in range(count):
        loop.step()
        loop.problem.ledger.add(generations=1)
    return loop


def reloaded(loop, make):
    """A new loop in the state of another, through a file."""
    buffer = io.BytesIO()
    torch.save({"problem": loop.problem.state_dict(), "loop": loop.state_dict()}, buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    copy = make()
    copy.problem.load_state_dict(state["problem"])
    copy.load_state_dict(state["loop"])
    return copy
