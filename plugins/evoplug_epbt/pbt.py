"""PBT: population-based training.

M. Jaderberg et al., "Population Based Training of Neural Networks", 2017, as the EPBT paper's baselines use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from evoplug import Members, Problem, Rng
from evoplug.backends.deap import GenerateUpdateLoop
from evoplug.contracts import Ge, Gt, Lt, Mutation, Selection, Strategy, use
from evoplug_epbt.lineage import lineage


@dataclass(kw_only=True)
class PBT(Strategy):
    """Train all members; the worst quarter copies weights and hyperparameters of the best quarter and perturbs them.

    Exploit is truncation selection of 25 %; explore multiplies each hyperparameter by 1.2 or 0.8, or draws it anew:
    the EPBT paper's baseline 2. Members that are not replaced go on training as they are.

    Who is replaced is told by fitness, who is copied by the selection, which may select by cases.
    """

    population: Annotated[int, Ge(2), "members"] = 40
    replaced: Annotated[float, Gt(0), Lt(1), "share of the members that copy better ones"] = 0.25
    selection: Selection = use("truncation", proportion=0.25)
    mutation: Mutation = use("perturb")
    needs = ("states",)
    mixes_generations = False

    def start(self, problem: Problem) -> Training:
        return Training(self, problem)


class Training(GenerateUpdateLoop):
    """Exploit and explore in :meth:`generate`; DEAP's loop trains everyone."""

    def __init__(self, settings: PBT, problem: Problem) -> None:
        super().__init__(problem, self.generate, self.update)
        self.settings = settings

    def generate(self, members: Members | None, rng: Rng) -> Members:
        if members is None:
            return self.problem.sample(self.settings.population)
        assert members.fitness is not None
        n = max(1, round(self.settings.replaced * len(members)))
        survivors = members[members.fitness.argsort(descending=True, stable=True)[:-n]]
        copied = members.selected(self.settings.selection, n, rng.child("exploit"))
        parents = members[copied]
        children = self.problem.children(parents)
        self.settings.mutation.at(self.problem.generation).into(members, copied, rng.child("explore"), children)
        self.problem.inherit(parents, children)
        return Members.cat([survivors, children])

    def update(self, members: Members | None, trained: Members) -> Members:
        return trained

    @property
    def status(self) -> Mapping[str, Any]:
        return lineage(self.members)
