"""Selections by one fitness value a member.

Fitness is ``(n,)``, higher is better. Where some members are valid, one whose fitness is not finite is never drawn,
except by ``random``, which does not look. Numbers are drawn on the CPU, so a seed selects the same rows on any device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch

from evoplug.contracts import Ge, Gt, Le, Selection, dataclass

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Truncation(Selection):
    """Draw uniformly, with replacement, from the best ``proportion`` of the members.

    The number kept is proportion * n, rounded half up, at least 1.
    """

    proportion: Annotated[float, Gt(0), Le(1), "share of the members that can be drawn, the best"] = 0.5

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows in random order."""
        kept = max(1, int(self.proportion * len(fitness) + 0.5))
        pool = ranking(fitness)[: min(kept, len(eligible(fitness)))]
        return draw(pool, (count,), rng)


@dataclass(kw_only=True)
class Best(Selection):
    """The best members, the best first; of equals the one that stands first."""

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` different rows; invalid members only where there are too few valid ones.

        Raises:
            ValueError: if there are fewer than ``count`` members.
        """
        if count > len(fitness):
            raise ValueError(f"best: {count} of {len(fitness)} members")
        return ranking(fitness)[:count]


@dataclass(kw_only=True)
class Tournament(Selection):
    """The best of ``size`` members drawn with replacement, as DEAP's ``selTournament``, for each place."""

    size: Annotated[int, Ge(1), "members in a tournament"] = 3

    def footprint(self, count: int) -> int:
        """A row number and a fitness for each that enters."""
        return 16 * count * self.size

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows, one a tournament; of equals the one that was drawn first wins."""
        entrants = draw(eligible(fitness), (count, self.size), rng)
        return entrants.gather(1, fitness[entrants].argmax(1, keepdim=True)).flatten()


@dataclass(kw_only=True)
class Random(Selection):
    """Any member with equal probability, with replacement."""

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows."""
        return draw(torch.arange(len(fitness), device=fitness.device), (count,), rng)


@dataclass(kw_only=True)
class Roulette(Selection):
    """Draw with replacement and probability proportional to fitness above the worst valid member's.

    Fitness-proportionate selection with the usual window (Goldberg, 1989), so that fitness may be negative: the
    worst member is never drawn, unless all are equal; then each is as likely.
    """

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows."""
        pool = eligible(fitness)
        worth = fitness[pool].double()
        above = worth - worth.min()
        shares = above / above.max() if above.max() > 0 else torch.ones_like(above)
        chosen = rng.numpy.choice(len(pool), size=count, p=(shares / shares.sum()).cpu().numpy())
        return pool[torch.from_numpy(chosen)]


def ranking(fitness: torch.Tensor) -> torch.Tensor:
    """``(n,)`` rows, the best first, those whose fitness is not finite last."""
    return fitness.where(fitness.isfinite(), -torch.inf).argsort(descending=True, stable=True)


def eligible(fitness: torch.Tensor) -> torch.Tensor:
    """The rows whose fitness is finite; all rows where none is."""
    rows = fitness.isfinite().nonzero().flatten()
    return rows if len(rows) else torch.arange(len(fitness), device=fitness.device)


def draw(pool: torch.Tensor, shape: tuple[int, ...], rng: Rng) -> torch.Tensor:
    """Rows of ``pool`` in ``shape``, uniform, with replacement."""
    return pool[torch.from_numpy(rng.numpy.integers(len(pool), size=shape))]
