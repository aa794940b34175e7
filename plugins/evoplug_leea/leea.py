"""LEEA: weights of deep networks by a (lambda, lambda) EA with limited evaluation.

J. Prellberg, "Evolving deep neural networks" (thesis), chapter 5, Algorithm 2, after Morse and Stanley's limited
evaluation evolutionary algorithm. Line and equation numbers are the thesis's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from evoplug import Members, Outcome, Problem, Rng
from evoplug.backends.evotorch import RowsLoop
from evoplug.contracts import Crossover, Ge, Gt, Le, Mutation, Selection, Strategy, use


@dataclass(kw_only=True)
class LEEA(Strategy, genome=("real-vector", "assignment")):
    """Limited evaluation EA: elites, crossover children and mutants, scored on one random batch a generation.

    ::

        P <- lambda random weight vectors                                        line 2
        while not done:
            x, y <- random batch of training data                                line 4
            evaluate u(theta) = -loss on x, y for all theta in P                 line 5, smoothed by equation 5.2
            T <- the rho lambda best of P                                        line 6
            E <- the p_E lambda best of P                                        line 7
            C <- crossover of p_C lambda random pairs from T x T                 line 8
            M <- mutation of p_M lambda random parents from T                    line 9
            P <- E + C + M                                                       line 10

    Crossover children are not mutated. Elites are scored again on each new batch. Defaults are table 5.1's
    validation column. The released code differs: it seeds every loss with 1000 and selects once before the first
    evaluation, which drops half of the initial population unseen.

    A selection by cases chooses parents by their cases of the last batch, of which nothing is smoothed or inherited;
    elites are chosen by the smoothed fitness in any case.
    """

    population: Annotated[int, Ge(2), "lambda: number of weight vectors"] = 1000
    elites: Annotated[float, Ge(0), Le(1), "p_E: share that moves on unchanged and is scored again"] = 0.05
    crossover_share: Annotated[float, Ge(0), Le(1), "p_C: share made by crossover"] = 0.50
    mutation_share: Annotated[float, Ge(0), Le(1), "p_M: share made by mutation"] = 0.45
    fitness_inheritance: Annotated[float, Gt(0), Le(1), "alpha: weight of the new fitness; 1 inherits nothing"] = 1.0
    selection: Selection = use("truncation", proportion=0.5)
    crossover: Crossover = use("uniform")
    mutation: Mutation = use("gaussian", sigma=0.001)
    mixes_generations = False

    def check(self) -> Iterator[tuple[str, str]]:
        total = self.elites + self.crossover_share + self.mutation_share
        if abs(total - 1) > 1e-6:
            yield "elites", f"elites + crossover_share + mutation_share must be 1, are {total:g}"
        elif round(self.elites * self.population) >= self.population:
            yield "elites", f"{self.elites:g} of a population of {self.population} leaves no room for children"

    def start(self, problem: Problem) -> Evolution:
        return Evolution(self, problem)


class Evolution(RowsLoop):
    """Algorithm 2 at work."""

    def __init__(self, settings: LEEA, problem: Problem) -> None:
        self.settings = settings
        n = settings.population
        n_E, n_C = round(settings.elites * n), round(settings.crossover_share * n)
        self.E, self.C, self.M = slice(0, n_E), slice(n_E, n_E + n_C), slice(n_E + n_C, n)
        super().__init__(problem, n, self.breed, self.fitness, {"u_inh": torch.full((n,), torch.nan)})

    def fitness(self, P: Members) -> torch.Tensor:
        """Lines 4 and 5: fitness on a fresh batch, smoothed; equation 5.2, u = (1 - alpha) u_inh + alpha u_xy.

        Nothing is inherited in the first generation, nor from an invalid parent.
        """
        alpha, u_inh = self.settings.fitness_inheritance, P.columns["u_inh"]
        u_xy = self.problem.evaluate(P).fitness
        return torch.where(torch.isfinite(u_inh), (1 - alpha) * u_inh + alpha * u_xy, u_xy)

    def breed(self, P: Members, children: Members, rng: Rng) -> None:
        """Lines 6 to 10: the children replace P."""
        u, generation = P.fitness, self.problem.generation
        assert u is not None
        E, C, M = children[self.E], children[self.C], children[self.M]

        elites = best(u, len(E))
        selection = self.settings.selection
        first = P.selected(selection, len(C), rng.child("first parents"))
        second = P.selected(selection, len(C), rng.child("second parents"))
        parents = P.selected(selection, len(M), rng.child("parents"))

        copy(P[elites], E)
        children.ids[self.E] = P.ids[elites]
        self.settings.crossover.at(generation).into(P, first, second, rng.child("crossover"), C)
        self.settings.mutation.at(generation).into(P, parents, rng.child("mutation"), M)

        E.columns["u_inh"][:] = u[elites]
        C.columns["u_inh"][:] = (u[first] + u[second]) / 2
        M.columns["u_inh"][:] = u[parents]
        E.parents[:] = P.parents[elites]
        C.parents[:] = torch.stack([P.ids[first], P.ids[second]], dim=1)
        M.parents[:, 0], M.parents[:, 1] = P.ids[parents], -1

    @property
    def status(self) -> Mapping[str, Any]:
        """The mutation strength: of this generation, or its mean and deviation where each member has its own."""
        sigma = self.members.columns.get("sigma")
        if sigma is None:
            return self.settings.mutation.at(self.problem.generation).describe()
        return {"sigma": sigma.mean().item(), "sigma_std": sigma.std(correction=0).item()}

    def finish(self) -> Outcome:
        """Report the last elite that is best on validation, or without validation data the best on the last batch;
        beside it that one, which is the thesis's, and the mean of the population's weights, unless genomes are choices,
        or members have learned, which have no mean."""
        P, problem = self.members, self.problem
        assert P.fitness is not None
        elites = P[best(P.fitness, max(1, self.E.stop))]
        validated = problem.validation(elites)
        reported = self.best if validated is None else elites[[int(validated.argmax())]]
        beside = {"best on the last batch": self.best}
        genomes: Any = P.genomes
        if P.states is None and genomes.is_floating_point():
            valid = torch.isfinite(P.fitness)
            genomes = genomes if valid.all() else P[valid].genomes  # a population can be half of the memory
            beside["mean of the weights"] = problem.members(genomes.mean(dim=0, keepdim=True))
        return Outcome(
            reported, problem.metrics(reported), {name: problem.metrics(member) for name, member in beside.items()}
        )


def best(u: torch.Tensor, count: int) -> torch.Tensor:
    """``(count,)`` rows of the highest fitness, best first; where fewer are finite, those again from the first."""
    valid = int(torch.isfinite(u).sum())
    return u.argsort(descending=True, stable=True)[:valid].repeat(-(-count // max(1, valid)))[:count]


def copy(source: Members, target: Members) -> None:
    """Overwrite genomes and columns."""
    genomes: Any = target.genomes
    genomes[:] = source.genomes
    for name, column in target.columns.items():
        column[:] = source.columns[name]
