"""Members that learn, fitness by case, weights that the evaluator owns, a search inside a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from evoplug import Evaluation, Members, Problem, Rng
from evoplug.contracts import Crossover, Evaluator, Ge, Loop, Mutation, Selection, Strategy, use

CASES = 40


@dataclass(kw_only=True)
class Demanding(Evaluator, genome="real-vector"):
    """Each member learns an offset; cases are computed as they are read; a shared vector is trained by Adam."""

    learning_rate: Annotated[float, Ge(0), "of the shared vector's Adam"] = 0.05
    provides = ("states", "cases", "update")
    costs = ("epochs", "cases", "updates")

    def start(self, device: torch.device, rng: Rng) -> None:
        self.targets = torch.linspace(-1, 1, CASES, dtype=torch.float64)
        self.shared = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.shared], self.learning_rate)

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        old = members.states or [None] * len(members)
        states = [self._learned(state, rng.child(int(i))) for state, i in zip(old, members.ids, strict=True)]
        cases = _Cases(self, members.genomes, states)
        some = cases[:, torch.arange(0, CASES, 8)].mean(1).detach()
        cost, ages = {"epochs": len(members)}, [state["age"] for state in states]
        return Evaluation(some, states, cost, {"ages": ages}, cases)

    def measure(self, members: Members, split: str, rng: Rng) -> dict[str, torch.Tensor]:
        assert members.states is not None
        cases = _Cases(self, members.genomes, members.states)[:, torch.arange(CASES)]
        return {"score": cases.mean(1).detach()}

    def update(self, members: Members, rng: Rng) -> Evaluation:
        self.optimizer.zero_grad()
        noise = torch.randn(1, generator=rng.torch, dtype=torch.float64)
        loss = (members.genomes.mean() + self.shared + 0.1 * noise).square().sum()
        loss.backward()
        self.optimizer.step()
        fitness = loss.detach().neg().expand(len(members)).clone()
        return Evaluation(fitness, cost={"updates": 1}, columns={"loss": loss.item()})

    def state_dict(self) -> dict[str, Any]:
        return {"shared": self.shared.detach(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.shared.copy_(state["shared"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _learned(self, state: Any, rng: Rng) -> dict[str, Any]:
        """A new state; the old one, which others may hold, stays as it is."""
        if state is None:
            state = {"offset": torch.zeros(1, dtype=torch.float64), "age": 0}
        step = 0.1 * torch.randn(1, generator=rng.torch, dtype=torch.float64)
        return {"offset": state["offset"] + step, "age": state["age"] + 1}


class _Cases:
    """(n, CASES) fitness, computed where it is read."""

    def __init__(self, evaluator: Demanding, genomes: torch.Tensor, states: list[Any]) -> None:
        self.evaluator, self.genomes, self.states = evaluator, genomes, states
        self.shape = (len(genomes), CASES)

    def __getitem__(self, key: Any) -> torch.Tensor:
        _, cases = key
        offsets = torch.cat([state["offset"] for state in self.states])
        guess = self.genomes.mean(1) + offsets + self.evaluator.shared.detach()
        return -(guess[:, None] - self.evaluator.targets[cases]).abs().round(decimals=1)


@dataclass(kw_only=True)
class NestedLexicase(Strategy, genome="real-vector"):
    """Lexicase over lazily read cases; every few steps a niche is searched from the parent, one child a step."""

    children: Annotated[int, Ge(1), "a generation"] = 4
    niche: Annotated[int, Ge(1), "steps inside a niche"] = 3
    selection: Selection = use("lexicase")
    crossover: Crossover = use("uniform")
    mutation: Mutation = use("gaussian", sigma=0.1)
    needs = ("states", "cases", "update")
    mixes_generations = False

    def check(self) -> Iterator[tuple[str, str]]:
        if not self.selection.cases:
            yield "selection", "must select by cases"

    def start(self, problem: Problem) -> Search:
        return Search(self, problem)


class Search(Loop):
    """Its state: the population, and the niche that it is in, if any."""

    def __init__(self, settings: NestedLexicase, problem: Problem) -> None:
        self.settings, self.problem = settings, problem
        self.members = problem.sample(settings.children)
        self.members.columns["wins"] = torch.zeros(settings.children, dtype=torch.int64)
        self.niche: dict[str, Any] | None = None

    def step(self) -> None:
        rng = self.problem.rng.child("step", self.problem.generation)
        if self.niche is not None:
            self._niche_step(rng)
        else:
            self._lexicase_step(rng)
        self.problem.update(self.members)

    def _lexicase_step(self, rng: Rng) -> None:
        parents = self.members
        children = parents if parents.fitness is None else self._bred(parents, torch.arange(len(parents)), rng)
        cases = self.problem.evaluate(children).cases
        winners = self.settings.selection(cases, len(children), rng.child("selection"))
        children.columns["wins"] = parents.columns["wins"] + torch.bincount(winners, minlength=len(children))
        self.members = children[winners]
        if self.problem.generation % 3 == 0:
            self.niche = {"left": self.settings.niche, "original": self.members[:1]}

    def _niche_step(self, rng: Rng) -> None:
        assert self.niche is not None
        child = self._bred(self.members, torch.tensor([0]), rng)
        child.columns["wins"] = self.members.columns["wins"][:1]
        self.problem.evaluate(child)
        original = self.niche["original"]
        if child.fitness > original.fitness:  # type: ignore[operator]
            self.members = Members.cat([child, self.members[1:]])
        self.niche["left"] -= 1
        if not self.niche["left"]:
            self.niche = None

    def _bred(self, parents: Members, rows: torch.Tensor, rng: Rng) -> Members:
        lineage = torch.stack([parents.ids[rows], torch.full_like(rows, -1)], dim=1)
        children = self.problem.members(torch.empty_like(parents.genomes[rows]), lineage)  # type: ignore[index,arg-type]
        self.settings.mutation.at(self.problem.generation).into(parents, rows, rng.child("mutation"), children)
        self.problem.inherit(parents[rows], children)
        return children

    @property
    def best(self) -> Members:
        assert self.members.fitness is not None
        return self.members[[int(self.members.fitness.argmax())]]

    @property
    def status(self) -> Mapping[str, Any]:
        return {"in_niche": self.niche is not None, "wins": self.members.columns["wins"]}

    def state_dict(self) -> dict[str, Any]:
        niche = self.niche and {**self.niche, "original": self.niche["original"].state_dict()}
        return {"members": self.members.state_dict(), "niche": niche}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        device = self.problem.device
        self.members = Members.from_state_dict(state["members"], device)
        self.niche = state["niche"]
        if self.niche is not None:
            self.niche = {**self.niche, "original": Members.from_state_dict(self.niche["original"], device)}
