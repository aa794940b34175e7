"""Genotype ``assignment``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch

from evoplug.contracts import ConfigError, Ge, Genotype, Le, Task, dataclass, field

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Assignment(Genotype, genome="assignment"):
    """Each of N positions is assigned one of K choices, drawn uniformly.

    Genomes are the rows of an ``(n, N)`` int64 tensor; choices are 0 to K - 1, without an order. Where the problem
    names its positions, as TASK.LAYER or plainly, a genome is printed by these names.

    Once bound, ``length`` is N and ``names`` holds the positions' names, none where the problem names none. Operators
    read these, ``choices`` and ``dtype`` of any genotype of kind "assignment".
    """

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"length": 3, "choices": 4}, {"choices": 1})

    length: Annotated[Annotated[int, Ge(1)] | None, "N: positions; by default those that the problem names"] = None
    choices: Annotated[int, Ge(1), Le(1_000_000), "K: choices of a position"] = field()

    dtype: ClassVar[str] = "int64"

    def __post_init__(self) -> None:
        self.names: tuple[str, ...] = ()

    def bind(self, task: Task) -> None:
        """Set the positions, and their names where the problem has some.

        Raises:
            ConfigError: if nobody says how many positions there are, or the problem names another number of them, or
                one name twice.
        """
        named = len(task.names)
        if twice := [name for name, times in Counter(task.names).items() if times > 1]:
            raise ConfigError((), f"needs positions of different names, and the problem has two of `{twice[0]}`")
        if self.length is None and not named:
            raise ConfigError("length", "must be given: the problem names no positions")
        if self.length is not None and named and self.length != named:
            raise ConfigError("length", f"is {self.length}, and the problem names {named} positions: leave it out")
        self.length, self.names = self.length or named, task.names

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        """``(n, N)``, each choice as likely."""
        assert self.length is not None
        return torch.randint(self.choices, (n, self.length), generator=rng.torch, device=rng.device)

    def repair(self, genomes: Any) -> torch.Tensor:
        """The nearest choices that there are, a new tensor."""
        repaired: torch.Tensor = genomes.clamp(0, self.choices - 1)
        return repaired

    def describe(self, genome: torch.Tensor) -> Any:
        """task -> layer -> choice, name -> choice where a name has no dot, or the list of choices without names."""
        chosen = genome.tolist()
        if not self.names:
            return chosen
        if not all("." in name for name in self.names):
            return dict(zip(self.names, chosen, strict=True))
        return _by_task(self.names, chosen)


def _by_task(names: Sequence[str], chosen: Sequence[int]) -> dict[str, dict[str, int]]:
    """The part of each name before the first dot -> the rest -> choice."""
    tasks: dict[str, dict[str, int]] = {}
    for name, choice in zip(names, chosen, strict=True):
        task, _, layer = name.partition(".")
        tasks.setdefault(task, {})[layer] = choice
    return tasks
