"""EPBT: enhanced population-based training.

J. Liang, S. Gonzalez, R. Miikkulainen, "Population-Based Training for Loss Function Optimization", section 3, with
the paper's symbols: M_g is the population of generation g, an individual is {D, h, f}: a network with its weights, its
hyperparameters, its fitness. No code was released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from evoplug import Members, Problem, Rng
from evoplug.backends.deap import GenerateUpdateLoop
from evoplug.contracts import Crossover, Ge, Mutation, Selection, Strategy, use
from evoplug_epbt.lineage import lineage


@dataclass(kw_only=True)
class EPBT(Strategy):
    """Train a population and evolve its hyperparameters at once, with tournaments, crossover and elites.

    ::

        M_1 <- p individuals with random h, trained                         initialization
        each generation:
            M^ <- p - k winners of tournaments in M_g                       stage 1
            h^ <- each winner's h, mutated (gamma),
                  then crossed with that of another individual of M_g (xi)  stage 2
            N  <- the winners' D with h^, trained; f = validation accuracy  stage 3
            M_{g+1} <- N and the k best of M_g

    Crossover never touches weights. The paper gives untrained individuals fitness 0; with elites that would carry k
    untrained networks, and it counts 40 loss functions in the first generation, so here the first population is
    trained. Its 8,000 epochs hold only if elites are trained again each generation; carried with their fitness,
    which is what its text says, they leave 4,160: ``elites_retrain`` chooses. Without a crossover, h^ is the mutated h.

    A selection by cases chooses whom the tournaments would; the elites are those of the best fitness in any case.
    """

    population: Annotated[int, Ge(2), "p"] = 40
    elites: Annotated[int, Ge(0), "k: carried into the next generation"] = 20
    elites_retrain: Annotated[bool, "train elites again; otherwise they keep their weights and their fitness"] = False
    selection: Selection = use("tournament", size=2)
    crossover: Crossover | None = use("uniform")
    mutation: Mutation = use("multiplicative-gaussian")
    needs = ("states",)

    def check(self) -> Iterator[tuple[str, str]]:
        if self.elites >= self.population:
            yield "elites", f"must be below population = {self.population}, got {self.elites}"

    @property
    def mixes_generations(self) -> bool:
        """Elites keep what they were evaluated to, unless they are trained again."""
        return self.elites > 0 and not self.elites_retrain

    def start(self, problem: Problem) -> Evolution:
        return Evolution(self, problem)


class Evolution(GenerateUpdateLoop):
    """The three stages; DEAP's loop evaluates between :meth:`generate` and :meth:`update`."""

    def __init__(self, settings: EPBT, problem: Problem) -> None:
        super().__init__(problem, self.generate, self.update)
        self.p, self.k = settings.population, settings.elites
        self.retrain = settings.elites_retrain
        self.tau, self.gamma, self.xi = settings.selection, settings.mutation, settings.crossover

    def generate(self, M: Members | None, rng: Rng) -> Members:
        """Stages 1 and 2: the individuals to train."""
        if M is None:
            return self.problem.sample(self.p)
        generation, n = self.problem.generation, self.p - self.k
        winners = M.selected(self.tau, n, rng.child("tournaments"))
        M_hat = M[winners]

        N = mutants = self.problem.children(M_hat)
        self.gamma.at(generation).into(M, winners, rng.child("mutation"), mutants)
        if self.xi is not None:
            mates = _another(winners, self.p, rng.child("mates"))
            N = self.problem.children(M_hat, M[mates])
            everyone, rows = Members.cat([mutants, M]), torch.arange(n)
            self.xi.at(generation).into(everyone, rows, n + mates, rng.child("crossover"), N)
        self.problem.inherit(M_hat, N)
        return Members.cat([N, self._elites(M)]) if self.retrain else N

    def update(self, M: Members | None, N: Members) -> Members:
        """Stage 3: the next population."""
        return N if M is None or self.retrain else Members.cat([N, self._elites(M)])

    def _elites(self, M: Members) -> Members:
        """The k best; where fewer are valid, those again: an invalid individual is never carried over."""
        assert M.fitness is not None
        valid = int(torch.isfinite(M.fitness).sum())
        return M[M.fitness.argsort(descending=True, stable=True)[torch.arange(self.k) % max(1, min(valid, self.k))]]

    @property
    def status(self) -> Mapping[str, Any]:
        return lineage(self.members)


def _another(rows: torch.Tensor, n: int, rng: Rng) -> torch.Tensor:
    """For each row another of n, uniformly."""
    return (rows + torch.from_numpy(rng.numpy.integers(1, n, len(rows)))) % n
