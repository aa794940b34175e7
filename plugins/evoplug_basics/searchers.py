"""EvoTorch's own searchers by name, with defaults that run as they are.

Every searcher starts from a random genome; ``sigma`` is the initial standard deviation as a share of the width of
each gene's range (of 1 where a gene is unbounded), on scale "log" of its logarithm's. Parameters left at None take
EvoTorch's own default.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Annotated, Any, ClassVar

from evoplug import Problem
from evoplug.backends.evotorch import SearcherLoop, algorithms
from evoplug.contracts import ConfigError, Ge, Genotype, Gt, Holding, Le, Lt, Strategy
from evoplug.population.bounds import lost
from evoplug.population.box import Box


@dataclass(kw_only=True)
class _NaturalEvolution(Strategy, genome="real-vector"):
    """What EvoTorch's natural evolution strategies have in common."""

    population: Annotated[int | None, Ge(2), "samples a generation; 4 + 3 log(d) unless given"] = None
    sigma: Annotated[float, Gt(0), "initial deviation, as a share of the range"] = 0.2
    center_learning_rate: Annotated[float | None, Gt(0), "of the mean; 1 unless given"] = None
    stdev_learning_rate: Annotated[float | None, Gt(0), "of the deviation, times EvoTorch's default for d"] = None

    searcher: ClassVar[str]
    """Its name in ``evotorch.algorithms``."""

    def holds(self, genotype: Genotype | None) -> Holding:
        return _holding(genotype, self.population)

    def bind(self, genotype: Genotype | None) -> None:
        """Raises ConfigError if the deviation of a gene is no number in the genotype's dtype."""
        _require_deviation(self.sigma, genotype)

    def start(self, problem: Problem) -> SearcherLoop:
        return SearcherLoop(
            problem,
            lambda bridge, width: getattr(algorithms, self.searcher)(
                bridge,
                stdev_init=self.sigma * width,
                popsize=self.population,
                center_learning_rate=self.center_learning_rate,
                stdev_learning_rate=self.stdev_learning_rate,
            ),
        )


@dataclass(kw_only=True)
class SNES(_NaturalEvolution):
    """Separable natural evolution strategy (Schaul et al., 2011).

    Starts from a random genome of the genotype. Where that has no bounds, ``sigma`` is the initial deviation itself.
    """

    searcher: ClassVar[str] = "SNES"


@dataclass(kw_only=True)
class XNES(_NaturalEvolution):
    """Exponential natural evolution strategy with a full covariance matrix (Glasmachers et al., 2010).

    Starts from a random genome of the genotype. Where that has no bounds, ``sigma`` is the initial deviation itself.
    """

    searcher: ClassVar[str] = "XNES"

    def holds(self, genotype: Genotype | None) -> Holding:
        """EvoTorch makes three matrices a sample for the gradient."""
        return _holding(genotype, self.population, matrices=3)


@dataclass(kw_only=True)
class PGPE(Strategy, genome="real-vector"):
    """Policy gradients with parameter-based exploration, symmetric, with ClipUp (Toklu et al., 2020).

    The step of the mean is a thirtieth of the initial radius unless given, half of ClipUp's greatest speed: the
    ClipUp paper's rule.

    Starts from a random genome of the genotype. Where that has no bounds, ``sigma`` is the initial deviation itself.
    """

    population: Annotated[int, Ge(2), "samples a generation, in pairs"] = 100
    sigma: Annotated[float, Gt(0), "initial deviation, as a share of the range"] = 0.2
    center_learning_rate: Annotated[float | None, Gt(0), "step of the mean, in units of the genes"] = None
    stdev_learning_rate: Annotated[float, Gt(0), "of the deviation"] = 0.1

    def check(self) -> list[tuple[str, str]]:
        return [("population", f"must be even, is {self.population}")] if self.population % 2 else []

    def bind(self, genotype: Genotype | None) -> None:
        """Raises ConfigError if the deviation of a gene is no number in the genotype's dtype."""
        _require_deviation(self.sigma, genotype)

    def start(self, problem: Problem) -> SearcherLoop:
        return SearcherLoop(
            problem,
            lambda bridge, width: algorithms.PGPE(
                bridge,
                stdev_init=self.sigma * width,
                popsize=self.population,
                center_learning_rate=self.center_learning_rate or float((self.sigma * width).norm()) / 30,
                stdev_learning_rate=self.stdev_learning_rate,
            ),
        )


@dataclass(kw_only=True)
class CEM(Strategy, genome="real-vector"):
    """Cross-entropy method: the mean and deviation of the best share of the samples (Rubinstein, 1999).

    Starts from a random genome of the genotype. Where that has no bounds, ``sigma`` is the initial deviation itself.
    """

    population: Annotated[int, Ge(4), "samples a generation"] = 100
    parents: Annotated[float, Gt(0), Lt(1), "share of the samples that the next distribution is made of"] = 0.25
    sigma: Annotated[float, Gt(0), "initial deviation, as a share of the range"] = 0.2

    def check(self) -> list[tuple[str, str]]:
        too_few = self.parents * self.population < 2
        return [("parents", f"{self.parents:g} of {self.population} are fewer than two parents")] if too_few else []

    def bind(self, genotype: Genotype | None) -> None:
        """Raises ConfigError if the deviation of a gene is no number in the genotype's dtype."""
        _require_deviation(self.sigma, genotype)

    def start(self, problem: Problem) -> SearcherLoop:
        return SearcherLoop(
            problem,
            lambda bridge, width: algorithms.CEM(
                bridge, popsize=self.population, parenthood_ratio=self.parents, stdev_init=self.sigma * width
            ),
        )


@dataclass(kw_only=True)
class CMAES(Strategy, genome="real-vector"):
    """Covariance matrix adaptation evolution strategy (Hansen and Ostermeier, 2001).

    One step size serves all genes: where their ranges differ, each is searched in units of its own.

    Starts from a random genome of the genotype. Where that has no bounds, ``sigma`` is the initial deviation itself.
    """

    population: Annotated[int | None, Ge(4), "samples a generation; 4 + 3 log(d) unless given"] = None
    sigma: Annotated[float, Gt(0), Le(10), "initial deviation, as a share of the range"] = 0.2
    separable: Annotated[bool, "adapt the diagonal of the covariance matrix only"] = False

    def holds(self, genotype: Genotype | None) -> Holding:
        """EvoTorch makes two matrices a sample for the update, unless separable."""
        return _holding(genotype, self.population, matrices=0 if self.separable else 2)

    def bind(self, genotype: Any) -> None:
        """Raises ConfigError if a genome has a single gene, or the step size is no number in the genotype's dtype."""
        if genotype.length < 2:
            raise ConfigError((), "needs at least 2 genes, and a genome has 1")
        _require_deviation(self.sigma, genotype)

    def start(self, problem: Problem) -> SearcherLoop:
        return SearcherLoop(
            problem,
            lambda bridge, width: algorithms.CMAES(
                bridge, stdev_init=self.sigma * float(width.mean()), popsize=self.population, separable=self.separable
            ),
            isotropic=True,
        )


def _holding(genotype: Any, population: int | None, matrices: int = 0) -> Holding:
    """Samples in the searcher and in the evaluator's hands, and d x d matrices.

    Args:
        genotype: bound, of real vectors.
        population: samples a generation, if given.
        matrices: that are made of each sample; where there are any, the searcher keeps four of its own.
    """
    row = genotype.footprint()
    size = 4 if getattr(genotype, "dtype", "") == "float32" else 8
    genes = row // size
    samples = population or 4 + int(3 * log(max(1, genes)))
    return Holding(2 * samples, samples, (matrices * samples + 4) * genes * row if matrices else 0)


def _require_deviation(sigma: float, genotype: Any) -> None:
    """Raises ConfigError if ``sigma`` times the width of a gene's range is 0 or infinite in the genotype's dtype."""
    width = Box.of(genotype).width
    for extreme in (1.0,) if width is None else (float(width.min()), float(width.max())):
        if wrong := lost(sigma * extreme, genotype.dtype):
            raise ConfigError("sigma", f"the initial deviation of a gene, {wrong}")
