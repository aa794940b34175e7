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
POINTS = 20
"""Cases of a segment of ``sinusoids``."""


class Benchmark(NamedTuple):
    """A function to minimise."""

    values: Callable[[torch.Tensor], torch.Tensor]
    """``(n, d)`` to ``(n,)``, or to ``(n, cases)``."""
    domain: tuple[float, float] | None = None
    """Where the literature searches for the minimum, in every gene."""
    genes: int = 1
    """The least d."""
    by_case: bool = False
    """Whether it gives a value a case."""


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


def sinusoids(x: torch.Tensor) -> torch.Tensor:
    """Regression of a signal in segments, in each a sine wave of its own: the absolute error at each point, a case.

    Of s segments there are 3 s genes: s amplitudes, s frequencies, s phases, those in units of pi. What is over is of
    no segment. A wave of the wrong frequency is worse in the mean than none, and right at some points.
    """
    s = x.shape[1] // 3
    t = torch.linspace(-1, 1, POINTS, dtype=x.dtype, device=x.device)
    order = torch.arange(1, s + 1, dtype=x.dtype, device=x.device)[:, None]
    signal = (PI * ((1 + 4 * (0.618 * order).frac()) * t + 2 * (0.414 * order).frac() - 1)).sin()
    amplitude, frequency, phase = x[:, : 3 * s].unflatten(1, (3, s))[..., None].unbind(1)
    return (amplitude * (PI * (frequency * t + phase)).sin() - signal).abs().flatten(1)


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
    "sinusoids": Benchmark(sinusoids, (-5.0, 5.0), genes=3, by_case=True),
}
"""On whole populations. The minimum of each is 0."""


@dataclass(kw_only=True)
class FunctionEvaluator(Evaluator, genome=("real-vector", "assignment")):
    """A function to minimise: fitness = -value.

    A function of the user's own takes the population, a ``(n, d)`` tensor of real numbers or of choices, int64, and
    returns its ``(n,)`` values. Or it returns ``(n, cases)``, the errors on several cases: a member's value is their
    mean, and a selection by cases sees each of them with its sign changed.

    The known ones, of real numbers, are those of ``deap.benchmarks``, and ``sinusoids``, regression with 20 cases for
    every three genes; each has a domain that a genotype without bounds takes.

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
            "sinusoids",
        ),
        "what to minimise: a known name, or your own as FILE.py:NAME or MODULE:NAME",
    ] = "sphere"

    provides = ("cases",)
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
        if self.reads_cases and not callable(self.function) and not self._benchmark.by_case:
            with_cases = ", ".join(name for name, each in FUNCTIONS.items() if each.by_case)
            own = f"{with_cases}, or one of your own that returns (n, cases)"
            raise ConfigError(
                "function", f"{self.function} has no cases, by which a selection is to select: take {own}"
            )
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
            PluginError: if a user's function returns anything but a tensor of n numbers, or of n by cases; if it
                returns no cases where a selection reads them.
        """
        genomes = cast(torch.Tensor, members.genomes)
        errors = self._benchmark.values(genomes)
        self._require_shape(errors, len(genomes))
        errors = errors.detach().to(genomes.dtype if genomes.is_floating_point() else torch.float64)
        values = errors.mean(1) if errors.ndim == 2 else errors
        valid = values[values.isfinite()]
        columns = {"value": valid.min().item()} if len(valid) else {}
        return Evaluation(-values, columns=columns, cases=-errors if self.reads_cases else None)

    def _require_shape(self, values: object, n: int) -> None:
        shape = tuple(values.shape) if isinstance(values, torch.Tensor) else None
        cases = shape is not None and len(shape) == 2 and shape[0] == n and shape[1] > 0
        if cases or (shape == (n,) and not self.reads_cases):
            return
        wanted = f"({n}, cases), by which a selection selects," if self.reads_cases else f"({n},) or ({n}, cases),"
        got = type(values).__name__ if shape is None else shape
        name = getattr(self.function, "__qualname__", self.function)
        raise PluginError(f"function {name}: must return a tensor of shape {wanted} got {got}")
