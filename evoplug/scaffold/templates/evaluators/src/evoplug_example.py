"""Evaluator ``example``."""

from typing import Annotated, Any

from evoplug import Rng
from evoplug.contracts import Evaluation, Evaluator, Members, Task, dataclass


@dataclass(kw_only=True)
class Example(Evaluator, genome="real-vector"):
    """Find a point whose genes are all ``target``: fitness is minus the squared distance."""

    target: Annotated[float, "what every gene is to become"] = 0.5

    deterministic = True

    def task(self) -> Task:
        """Genes are looked for in [-1, 1] where the genotype says nothing else."""
        return Task(domain=(-1.0, 1.0))

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        """Fitness ``(n,)`` of genomes ``(n, d)``, higher is better; the best distance goes into the records."""
        genomes: Any = members.genomes
        squares = (genomes - self.target).square().sum(1)
        return Evaluation(-squares, columns={"distance": squares.min().sqrt().item()})
