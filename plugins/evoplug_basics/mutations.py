"""Mutations of real vectors: an ``(n, d)`` block of parents to a new one, inside the genotype's bounds.

A mutation strength sigma is in natural units; on a logarithmic scale it is in units of the natural logarithm.

Prellberg (2020): Evolving Deep Neural Networks, doctoral thesis, University of Oldenburg.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, cast

import torch

from evoplug.contracts import ConfigError, Ge, Genotype, Gt, Le, Members, MinLen, Mutation, dataclass
from evoplug.population import breeding, kernels
from evoplug.population.bounds import lost
from evoplug.population.box import Box, RealSpace

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Gaussian(Mutation, genome="real-vector"):
    """Add normal noise, z = x + sigma * N(0, 1) (Prellberg, 2020, Equation 4.3).

    By default sigma is a tenth of each gene's range, 0.01 where it has no bounds.
    """

    sigma: Annotated[float | None, Gt(0), "mutation strength"] = None

    def __post_init__(self) -> None:
        self._box = Box()
        self._strength = _strength(self.sigma, self._box)

    def bind(self, space: Genotype) -> None:
        """Raises ConfigError if sigma is no number in the genotype's dtype."""
        self._box = Box.of(space)
        self._strength = _strength(self.sigma, self._box)
        for extreme in (self._strength.min(), self._strength.max()):
            _require("sigma", extreme.item(), space)

    def scaled(self, factor: float) -> Gaussian:
        """The same with sigma * factor."""
        other = copy(self)
        other._strength = self._strength * factor
        return other

    def describe(self) -> dict[str, float]:
        """sigma, the mean over genes where they differ."""
        return {"sigma": self._strength.mean().item()}

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        return self.write(genomes, self._strength, rng, torch.empty_like(genomes))

    def into(self, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
        breeding.follow(parents, rows, out)
        breeding.in_lanes(
            parents, (rows,), rng, out, lambda lane, stream, new, x: self.write(x, self._strength, stream, new)
        )

    def write(self, genomes: torch.Tensor, sigma: torch.Tensor, rng: Rng, out: torch.Tensor) -> torch.Tensor:
        """Mutants of a block into ``out``; sigma broadcasts against it."""
        return self._box.decode_(kernels.gaussian(self._box.encode(genomes), sigma.to(genomes), rng, out))


@dataclass(kw_only=True)
class DecayingGaussian(Mutation, genome="real-vector"):
    """Gaussian mutation whose strength decays, sigma_i = 0.99^(i/k) * sigma_0 (Prellberg, 2020, Equation 5.3).

    i = generation - 1, so that the initial population's generation has sigma_0. k = 100 is the released code's.
    """

    sigma: Annotated[float | None, Gt(0), "initial mutation strength; by default as for gaussian"] = None
    k: Annotated[float, Gt(0), "generations in which the strength falls by 1 %"] = 100.0

    def __post_init__(self) -> None:
        self._initial = Gaussian(sigma=self.sigma)

    def bind(self, space: Genotype) -> None:
        self._initial.bind(space)

    def at(self, generation: int) -> Gaussian:
        return self._initial.scaled(0.99 ** ((generation - 1) / self.k))

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Mutants with the initial strength."""
        return self._initial(genomes, rng)


@dataclass(kw_only=True)
class SelfAdaptiveGaussian(Mutation, genome="real-vector"):
    """Gaussian mutation with a strength of each member's own, sigma' = sigma * exp(tau * N(0, 1)).

    Prellberg (2020), Equation 5.4. The genome is mutated with its parent's sigma, then sigma itself; a crossover gives
    the mean of both parents'. sigma is the column "sigma", ``(n,)``. tau = 0.01 is the released code's; that code also
    mutates sigma of elites and of crossover's children, of which the text says nothing.
    """

    sigma: Annotated[float | None, Gt(0), "initial strength; by default the mean of gaussian's over the genes"] = None
    tau: Annotated[float, Gt(0), "how fast the strength changes"] = 0.01

    def __post_init__(self) -> None:
        self._initial = Gaussian(sigma=self.sigma)

    def bind(self, space: Genotype) -> None:
        self._initial.bind(space)

    def columns(self, n: int) -> dict[str, torch.Tensor]:
        return {"sigma": torch.full((n,), self._initial.describe()["sigma"], dtype=torch.float64)}

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Mutants with the initial strength."""
        return self._initial(genomes, rng)

    def into(self, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
        breeding.follow(parents, rows, out)
        sigma = out.columns["sigma"]

        def write(lane: slice, stream: Rng, new: torch.Tensor, x: torch.Tensor) -> None:
            self._initial.write(x, sigma[lane, None], stream, new)

        breeding.in_lanes(parents, (rows,), rng, out, write)
        noise = torch.randn(len(rows), generator=rng.child("sigma").torch, dtype=sigma.dtype, device=rng.device)
        sigma *= (self.tau * noise).exp().to(sigma.device)


@dataclass(kw_only=True)
class MultiplicativeGaussian(Mutation, genome="real-vector"):
    """Scale each gene by normal noise, z = x * (1 + sigma * N(0, 1)), or draw it anew from its range.

    The mutation of EPBT (Liang et al., 2021), which leaves both parameters open: the defaults are those of our own
    experiments. A gene that is 0 stays 0 until it is drawn anew.
    """

    sigma: Annotated[float, Gt(0), "standard deviation of the factor"] = 0.2
    reset: Annotated[float, Ge(0), Le(1), "probability of drawing a gene anew"] = 0.2

    def __post_init__(self) -> None:
        self._space: Genotype | None = None

    def bind(self, space: Genotype) -> None:
        """Raises ConfigError if sigma is no number in the genotype's dtype."""
        self._space = space
        _require("sigma", self.sigma, space)

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Raises ConfigError if ``reset`` is above 0 and there is no genotype to draw from."""
        noise = torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        return _reset(genomes * (1 + self.sigma * noise), self.reset, self._space, rng)


@dataclass(kw_only=True)
class Perturb(Mutation, genome="real-vector"):
    """Multiply each gene by one of ``factors``, or draw it anew from its range.

    The exploration of population based training (Jaderberg et al., 2017); 0.2 is the reset of the released code of
    PBA (Ho et al., 2019).
    """

    factors: Annotated[tuple[float, ...], MinLen(1), "each as likely"] = (1.2, 0.8)
    reset: Annotated[float, Ge(0), Le(1), "probability of drawing a gene anew"] = 0.2

    def __post_init__(self) -> None:
        self._space: Genotype | None = None

    def bind(self, space: Genotype) -> None:
        """Raises ConfigError if a factor is no number in the genotype's dtype."""
        self._space = space
        for factor in filter(None, self.factors):
            _require("factors", factor, space)

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Raises ConfigError if ``reset`` is above 0 and there is no genotype to draw from."""
        factors = torch.tensor(self.factors, dtype=genomes.dtype, device=genomes.device)
        choice = torch.randint(len(factors), genomes.shape, generator=rng.torch, device=genomes.device)
        return _reset(genomes * factors[choice], self.reset, self._space, rng)


@dataclass(kw_only=True)
class Polynomial(Mutation, genome="real-vector"):
    """Polynomial mutation of NSGA-II inside bounds (Deb, 2001), as DEAP's ``mutPolynomialBounded``."""

    eta: Annotated[float, Ge(0), "crowding: high values keep the child near its parent"] = 20.0
    probability: Annotated[float | None, Gt(0), Le(1), "of mutating a gene; by default 1 / number of genes"] = None

    def __post_init__(self) -> None:
        self._box = Box()

    def bind(self, space: Genotype) -> None:
        """Raises ConfigError if a gene has no bounds."""
        self._box = Box.of(space)
        self._bounds()

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        lower, upper = (bound.to(genomes) for bound in self._bounds())
        width = upper - lower
        x = self._box.encode(genomes)
        mutated, u = torch.rand((2, *x.shape), generator=rng.torch, dtype=x.dtype, device=x.device)
        down = (2 * u + (1 - 2 * u) * ((upper - x) / width) ** (self.eta + 1)) ** (1 / (self.eta + 1)) - 1
        up = 1 - (2 * (1 - u) + (2 * u - 1) * ((x - lower) / width) ** (self.eta + 1)) ** (1 / (self.eta + 1))
        step = torch.where(u < 0.5, down, up) * width
        child = self._box.decode_(x + step)
        return torch.where(mutated <= (self.probability or 1 / x.shape[1]), child, genomes)

    def _bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        bounds, width = self._box.bounds, self._box.width
        if bounds is None or width is None or width.isinf().any():
            raise ConfigError("", "polynomial mutation needs a genotype with bounds")
        return bounds


def _strength(sigma: float | None, box: Box) -> torch.Tensor:
    """sigma, or its default: one number, or ``(d,)``."""
    if sigma is None and box.width is not None:
        return torch.where(box.width.isfinite(), box.width / 10, 0.01)
    return torch.tensor(0.01 if sigma is None else sigma, dtype=torch.float64)


def _require(key: str, number: float, space: Genotype) -> None:
    """Raises ConfigError for a number that the genotype's dtype makes 0 or infinite."""
    if wrong := lost(number, cast(RealSpace, space).dtype):
        raise ConfigError(key, wrong)


def _reset(genomes: torch.Tensor, probability: float, space: Genotype | None, rng: Rng) -> torch.Tensor:
    """Draw each gene anew with this probability, and move the genomes into the space."""
    if space is None:
        if probability:
            raise ConfigError("reset", "needs a genotype to draw from: bind the operator to one, or set reset = 0")
        return genomes
    if probability:
        u = torch.rand(genomes.shape, generator=rng.torch, device=genomes.device)
        genomes = torch.where(u < probability, _anew(genomes, space, rng), genomes)
    return cast(torch.Tensor, space.repair(genomes))


def _anew(like: torch.Tensor, space: Genotype, rng: Rng) -> torch.Tensor:
    """Genes from the whole range of the space, wherever new genomes begin; without a range, those of new genomes."""
    box = Box.of(space)
    if box.bounds is None or box.width is None:
        return cast(torch.Tensor, space.sample(len(like), rng))
    lower, upper = (bound.to(like) for bound in box.bounds)
    unit = torch.rand(like.shape, generator=rng.torch, dtype=like.dtype, device=like.device)
    drawn = box.decode_(lower + (upper - lower) * unit)
    endless = box.width.isinf().to(like.device)
    return torch.where(endless, cast(torch.Tensor, space.sample(len(like), rng)), drawn) if endless.any() else drawn
