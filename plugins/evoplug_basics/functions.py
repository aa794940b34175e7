"""Evaluator ``function``: test functions of numerical optimisation, and functions of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

import torch

from evoplug import PluginError
from evoplug.contracts import ConfigError, Evaluation, Evaluator, Function, Genotype, Known, Members, Task, dataclass
from evoplug.population.box import RealSpace

if TYPE_CHECKING:
    from evoplug import Rng

PI = torch.pi


class Benchmark(NamedTuple):
    """A function to minimise."""

    values: Callable[[torch.Tensor], torch.Tensor]
    """``(n, d)`` to ``(n,)``."""
    domain: tuple[float, float] | None = None
    """Where the literature searches for the minimum, in every gene."""
    genes: int = 1
    """The least d."""


def sphere(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum(1)


def cigar(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0].square() + 1e6 * x[:, 1:].square().sum(1)


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return (100 * (x[:, 1:] - x[:, :-1].square()).square() + (1 - x[:, :-1]).square()).sum(1)


def rastrigin(x: torch.Tensor) -> torch.Tensor:
    return (10 + x.square() - 10 * (2 * PI * x).cos()).sum(1)


def ackley(x: torch.Tensor) -> torch.Tensor:
    distance, waves = x.square().mean(1).sqrt(), (2 * PI * x).cos().mean(1)
    return 20 - 20 * (-0.2 * distance).exp() + torch.e - waves.exp()


def schwefel(x: torch.Tensor) -> torch.Tensor:
    return (418.9828872724339 - x * x.abs().sqrt().sin()).sum(1)


def griewank(x: torch.Tensor) -> torch.Tensor:
    index = torch.arange(1, x.shape[1] + 1, dtype=x.dtype, device=x.device)
    return x.square().sum(1) / 4000 - (x / index.sqrt()).cos().prod(1) + 1


def bohachevsky(x: torch.Tensor) -> torch.Tensor:
    a, b = x[:, :-1], x[:, 1:]
    return (a.square() + 2 * b.square() - 0.3 * (3 * PI * a).cos() - 0.4 * (4 * PI * b).cos() + 0.7).sum(1)


def schaffer(x: torch.Tensor) -> torch.Tensor:
    squares = x[:, :-1].square() + x[:, 1:].square()
    return (squares**0.25 * ((50 * squares**0.1).sin().square() + 1)).sum(1)


FUNCTIONS: Mapping[str, Benchmark] = {
    "sphere": Benchmark(sphere, (-5.12, 5.12)),
    "cigar": Benchmark(cigar, (-5.12, 5.12)),
    "rosenbrock": Benchmark(rosenbrock, (-2.048, 2.048), genes=2),
    "rastrigin": Benchmark(rastrigin, (-5.12, 5.12)),
    "ackley": Benchmark(ackley, (-15.0, 30.0)),
    "schwefel": Benchmark(schwefel, (-500.0, 500.0)),
    "griewank": Benchmark(griewank, (-600.0, 600.0)),
    "bohachevsky": Benchmark(bohachevsky, (-100.0, 100.0), genes=2),
    "schaffer": Benchmark(schaffer, (-100.0, 100.0), genes=2),
}
"""As ``deap.benchmarks`` defines them, on whole populations. The minimum of each is 0."""


@dataclass(kw_only=True)
class FunctionEvaluator(Evaluator, genome=("real-vector", "assignment")):
    """A function to minimise: fitness = -value.

    A function of the user's own takes the population, a ``(n, d)`` tensor of real numbers or of choices, int64, and
    returns its ``(n,)`` values. The known ones, of real numbers, are those of ``deap.benchmarks``, with a domain each
    that a genotype without bounds takes.

    The records get the best value of each evaluated batch as ``value``.
    """

    function: Annotated[
        Function,
        Known(
            "sphere",
            "cigar",
            "rosenbrock",
            "rastrigin",
            "ackley",
            "schwefel",
            "griewank",
            "bohachevsky",
            "schaffer",
        ),
        "what to minimise: a known name, or your own as FILE.py:NAME or MODULE:NAME",
    ] = "sphere"

    deterministic = True
    minimised = ("value",)

    def __post_init__(self) -> None:
        self._benchmark = Benchmark(self.function) if callable(self.function) else FUNCTIONS[self.function]

    def task(self) -> Task:
        return Task(domain=self._benchmark.domain)

    def bind(self, genotype: Genotype | None) -> None:
        """Raises ConfigError without a genotype, or where the function needs other genomes, or more genes."""
        if genotype is None:
            raise ConfigError((), "needs a genotype")
        if not callable(self.function) and "real-vector" not in genotype.kinds:
            own = "give one of your own, as FILE.py:NAME or MODULE:NAME"
            raise ConfigError("function", f"{self.function} is a function of real vectors, not of choices: {own}")
        length, least = cast(RealSpace, genotype).length, self._benchmark.genes
        if length < least:
            raise ConfigError("function", f"{self.function} needs at least {least} genes, got {length}")
        self._genome = genotype.footprint()

    def footprint(self, members: int, evaluated: int) -> int:
        """One tensor of a number a gene, which every known function makes; of others nothing is known."""
        return 0 if callable(self.function) else evaluated * self._genome

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        """Fitness ``(n,)`` in the dtype of the genomes, float64 where these are choices.

        Raises:
            PluginError: if a user's function returns anything but a tensor of n numbers.
        """
        genomes = cast(torch.Tensor, members.genomes)
        values = self._benchmark.values(genomes)
        if not isinstance(values, torch.Tensor) or values.shape != (len(genomes),):
            got = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
            name = getattr(self.function, "__qualname__", self.function)
            raise PluginError(f"function {name}: must return a tensor of shape ({len(genomes)},), got {got}")
        values = values.detach().to(genomes.dtype if genomes.is_floating_point() else torch.float64)
        valid = values[values.isfinite()]
        return Evaluation(-values, columns={"value": valid.min().item()} if len(valid) else {})
