"""Strategy ``gradient-lexicase``.

L. Ding and L. Spector, "Optimizing Neural Networks with Gradient Lexicase Selection", ICLR 2022, with its words: p
children of one parent are mutated by subset gradient descent, and lexicase selection makes one of them the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from evoplug import Members, Problem, Rng
from evoplug.backends.deap import GenerateUpdateLoop
from evoplug.contracts import ConfigError, Evaluator, Ge, Genotype, Holding, Selection, Strategy, use
from evoplug_lexicase.reading import Watched, released


@dataclass(kw_only=True)
class GradientLexicase(Strategy):
    """Train p children on shares of the training examples; one of them, chosen by cases, is the next parent.

    ::

        parent <- a network with random weights
        each generation:
            deal the training examples out: D_1, ..., D_p
            child_i <- the parent, trained on D_i                      subset gradient descent
            parent <- one of the children, by lexicase selection on
                      the training examples, in random order

    How children are trained is the evaluator's affair; of `train` the paper takes ``share = "dealt"``, ``fitness_split
    = "train"`` and ``fitness = "training-loss"``, which measures nothing beside training, so that cases are computed as
    they are read: most selections are decided after a few. Momentum goes on where ``inherit.optimizer`` is true, and
    begins anew in the paper; the schedule is a cosine over all generations. A selection by fitness makes the
    comparison arms: ``random``, ``tournament`` or ``best``, with ``fitness = "accuracy"`` on all training examples.

    The records have the number of the child that was ``chosen``; ``cases_read``; ``decided``, the cases after which
    lexicase selection leaves one child, in the order in which they were read, or as many as were read where it leaves
    more; and ``survivors``, the children left after 1, 2, 4, ... cases. ``lineage_epochs`` of `train` are the passes
    over the training examples behind each child, a p-th more each generation; its ``epochs`` are those of all together.

    With ``reference`` it follows the released code where that does otherwise: the first children have weights of their
    own each; the images of the selection are augmented (set ``augmented_cases`` of `train`); children are taken out of
    the list while it is gone through, so that the one after a child that fails is not looked at on that case; and when
    none is left, one of all children is drawn.
    """

    population: Annotated[int, Ge(2), "p: children of the one parent"] = 4
    reference: Annotated[bool, "do as the released code does where it departs from the paper"] = False
    selection: Selection = use("lexicase")

    needs = ("states", "cases")
    genotype = "none"
    mixes_generations = False

    def check(self) -> Iterator[tuple[str, str]]:
        if self.reference and not self.selection.cases:
            yield "reference", "is lexicase selection as the released code has it: leave the selection out"

    def holds(self, genotype: Genotype | None) -> Holding:
        """The children and their parent."""
        return Holding(self.population + 1, self.population)

    def start(self, problem: Problem) -> Search:
        """Raises ConfigError if the evaluator does not show the released code's cases where these are wanted."""
        if self.reference:
            _require_released(problem.evaluator)
        return Search(self, problem)


class Search(GenerateUpdateLoop):
    """DEAP's loop trains the children between :meth:`generate` and :meth:`update`; the population is the parent."""

    def __init__(self, settings: GradientLexicase, problem: Problem) -> None:
        super().__init__(problem, self.generate, self.update)
        self.p, self.selection, self.reference = settings.population, settings.selection, settings.reference
        self._chosen, self._told = 0, dict[str, Any]()

    def generate(self, parent: Members | None, rng: Rng) -> Members:
        """The children, before they are trained."""
        if parent is None and self.reference:
            return self.problem.sample(self.p)
        parents = (self.problem.sample(1) if parent is None else parent)[torch.zeros(self.p, dtype=torch.int64)]
        children = self.problem.children(parents)
        self.problem.inherit(parents, children)
        return children

    def update(self, parent: Members | None, children: Members) -> Members:
        """The next parent."""
        rng = self.problem.rng.child("selection", self.problem.generation)
        rows = self._selected(rng) if self.selection.cases else children.selected(self.selection, 1, rng)
        self._chosen = int(rows)
        return children[[self._chosen]]

    def _selected(self, rng: Rng) -> torch.Tensor:
        """By cases, which are watched."""
        cases = Watched(self.by_case)
        choose = released if self.reference else self.selection
        rows = choose(cases, 1, rng)
        self._told = cases.told()
        return rows

    @property
    def status(self) -> Mapping[str, Any]:
        return {"chosen": self._chosen, **self._told}


def _require_released(evaluator: Evaluator) -> None:
    for key, value in {"augmented_cases": True, "cases": "correct"}.items():
        if getattr(evaluator, key, value) != value:
            said = f'"{value}"' if isinstance(value, str) else str(value).lower()
            raise ConfigError("reference", f"follows the released code, which needs {key} = {said} of the evaluator")
