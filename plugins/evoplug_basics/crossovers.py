"""Crossovers of vectors: two ``(n, d)`` blocks of parents to an ``(n, d)`` block, one child a pair.

Prellberg (2020): Evolving Deep Neural Networks, doctoral thesis, University of Oldenburg.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated, Any

import torch

from evoplug.contracts import Crossover, Ge, Genotype, Members, dataclass
from evoplug.population import breeding, kernels
from evoplug.population.box import Box

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Uniform(Crossover, genome=("real-vector", "assignment")):
    """Each gene comes from either parent with probability 1/2 (Prellberg, 2020, Equation 4.1)."""

    def __call__(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        return kernels.uniform(a, b, rng, torch.empty_like(a))

    def into(self, parents: Members, first: torch.Tensor, second: torch.Tensor, rng: Rng, out: Members) -> None:
        breeding.average(parents, first, second, out)
        breeding.in_lanes(
            parents, (first, second), rng, out, lambda lane, stream, new, a, b: kernels.uniform(a, b, stream, new)
        )


@dataclass(kw_only=True)
class Arithmetic(Crossover, genome="real-vector"):
    """The mean of both parents, z = x1/2 + x2/2 (Prellberg, 2020, Equation 4.2).

    On a logarithmic scale it is the geometric mean.
    """

    def __post_init__(self) -> None:
        self._box = Box()

    def bind(self, space: Genotype) -> None:
        self._box = Box.of(space)

    def __call__(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        return self._box.decode_((self._box.encode(a) + self._box.encode(b)) / 2)


@dataclass(kw_only=True)
class OnePoint(Crossover, genome=("real-vector", "assignment", "list")):
    """The first parent up to a random cut, the second behind it, as DEAP's ``cxOnePoint``.

    Parents that are lists, of any length, are cut each at a place of its own, as by ``cxMessyOnePoint``, and the child
    is brought back into the space.
    """

    def bind(self, space: Genotype) -> None:
        self._space = space

    def __call__(self, a: Any, b: Any, rng: Rng) -> Any:
        """Each row has a cut of its own between two genes; with a single gene the child is the first parent."""
        if isinstance(a, list):
            (child,) = self._space.repair([self._of_lists(a, b, rng)])
            return child
        n, d = a.shape
        if d == 1:
            return a.clone()
        cut = torch.randint(1, d, (n, 1), generator=rng.torch, device=a.device)
        return torch.where(torch.arange(d, device=a.device) < cut, a, b)

    def _of_lists(self, a: list[Any], b: list[Any], rng: Rng) -> list[Any]:
        """Neither the first parent's beginning nor the second's end is empty."""
        one = int(rng.numpy.integers(1, len(a) + 1))
        two = int(rng.numpy.integers(len(b)))
        return copy.deepcopy([*a[:one], *b[two:]])


@dataclass(kw_only=True)
class TwoPoint(Crossover, genome=("real-vector", "assignment")):
    """The first parent with a random segment of the second, as DEAP's ``cxTwoPoint``."""

    def __call__(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Each row has two different cuts of its own, each behind a gene; with a single gene the child is ``a``."""
        n, d = a.shape
        if d == 1:
            return a.clone()
        one = torch.randint(1, d + 1, (n, 1), generator=rng.torch, device=a.device)
        two = torch.randint(1, d, (n, 1), generator=rng.torch, device=a.device)
        two += two >= one
        gene = torch.arange(d, device=a.device)
        inside = (gene >= torch.minimum(one, two)) & (gene < torch.maximum(one, two))
        return torch.where(inside, b, a)


@dataclass(kw_only=True)
class SimulatedBinary(Crossover, genome="real-vector"):
    """Children near both parents, spread like those of one-point crossover on bits (Deb and Agrawal, 1995).

    The first child of DEAP's ``cxSimulatedBinaryBounded``, and of its ``cxSimulatedBinary`` where the genotype has no
    bounds.
    """

    eta: Annotated[float, Ge(0), "crowding: high values keep the child near its parents"] = 15.0

    def __post_init__(self) -> None:
        self._box = Box()

    def bind(self, space: Genotype) -> None:
        self._box = Box.of(space)

    def __call__(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        a, b = self._box.encode(a), self._box.encode(b)
        return self._box.decode_(self._unbounded(a, b, rng) if self._box.bounds is None else self._bounded(a, b, rng))

    def _unbounded(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        u = torch.rand(a.shape, generator=rng.torch, dtype=a.dtype, device=a.device)
        beta = torch.where(u <= 0.5, 2 * u, 1 / (2 * (1 - u))) ** (1 / (self.eta + 1))
        return ((1 + beta) * a + (1 - beta) * b) / 2

    def _bounded(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Half of the genes are crossed; each of these gets the value near the lower or near the upper parent."""
        assert self._box.bounds is not None
        lower, upper = (bound.to(a) for bound in self._box.bounds)
        crossed, u, side = torch.rand((3, *a.shape), generator=rng.torch, dtype=a.dtype, device=a.device)
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        apart = high - low > 1e-14
        distance = torch.where(apart, high - low, 1)
        near_low = (low + high - self._spread(u, (low - lower) / distance) * distance) / 2
        near_high = (low + high + self._spread(u, (upper - high) / distance) * distance) / 2
        child = torch.where(side <= 0.5, near_high, near_low)
        return torch.where((crossed <= 0.5) & apart, child, a)

    def _spread(self, u: torch.Tensor, room: torch.Tensor) -> torch.Tensor:
        """The spread factor beta_q; ``room`` is the way to the bound in distances between the parents."""
        alpha = 2 - (1 + 2 * room) ** -(self.eta + 1)
        return torch.where(u <= 1 / alpha, u * alpha, 1 / (2 - u * alpha)) ** (1 / (self.eta + 1))
