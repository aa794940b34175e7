"""How members play: many episodes of many networks, stepped together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import nn

from evoplug import Rng
from evoplug.population.forward import prepared
from evoplug.population.workers import look_up
from evoplug_rl.arena import Arena, SlotError

TOGETHER = 8
"""Episodes of one network that are one call of it: large networks take these in a third of the time of single ones."""


A = TypeVar("A", bound=Arena)


class Policy(NamedTuple):
    """How networks of one architecture act."""

    template: nn.Module
    """The architecture, in evaluation mode."""
    act: Callable[[torch.Tensor], np.ndarray]
    """Outputs ``(k, outputs)`` to actions ``(k, ...)``."""
    sense: Callable[[torch.Tensor], torch.Tensor] = nn.Identity()
    """Observations ``(k, ...)`` to what networks take, ``(k, *shape)``, on their device."""


Watch = Callable[[np.ndarray, torch.Tensor], None]
"""Is told at each step the numbers ``(k,)`` of the episodes that go on, and their observations ``(k, ...)``."""


class Played(NamedTuple):
    """What came of m episodes, in their order."""

    returns: np.ndarray
    """``(m,)`` float64: the sum of the rewards; no finite number where an observation, a reward or an output
    was none, which ends an episode."""
    steps: np.ndarray
    """``(m,)`` int64."""


class EpisodeError(Exception):
    """The environment of an episode has failed."""

    def __init__(self, row: int, reason: str) -> None:
        self.row, self.reason = row, reason
        super().__init__(f"row {row}: {reason}")


def play(
    policy: Policy,
    genomes: torch.Tensor,
    episodes: Sequence[tuple[int, Rng]],
    arenas: Sequence[Arena],
    slots: int,
    cap: int | None = None,
    watch: Watch | None = None,
) -> Played:
    """Play each episode once, in as many slots as there are; one that is over leaves its slot to the next at once.

    A step is one batched forward pass of the networks at work in an arena; meanwhile the others may play. Neither the
    number of slots nor those of arenas and workers change a bit: a network takes the observations of its own episodes
    in batches whose size is that of the list, whichever of them are going on.

    Args:
        genomes: ``(n, d)``, the weights of n networks, as :func:`evoplug.population.forward.parameters` has them.
        episodes: who plays, as a row of the genomes, and all that is random in it; those of a row one after the other.
        slots: in each arena, at most.
        cap: steps after which an episode is over; by default as many as the environment allows.

    Raises:
        EpisodeError: if an environment fails.
    """
    played = Played(np.zeros(len(episodes)), np.zeros(len(episodes), np.int64))
    waiting, share = iter(range(len(episodes))), -(-len(episodes) // len(arenas))
    tables = [_Table(policy, genomes, episodes, arena, cap, watch, played, waiting) for arena in arenas]
    for table in tables:
        table.fill(min(slots, share))
    while any(len(table) for table in tables):
        look_up()
        for table in tables:
            table.step()
    return played


def arenas(device: torch.device, make: Callable[[], A]) -> list[A]:
    """As many as there is work for at a time: two where the networks are not on the CPU, so that the games of one are
    played there while the networks are at work for the other."""
    return [make() for _ in range(1 if device.type == "cpu" else 2)]


class _Table:
    """The k episodes that are going on in an arena: numbers, slots and last observations of each, in one order."""

    def __init__(
        self,
        policy: Policy,
        genomes: torch.Tensor,
        episodes: Sequence[tuple[int, Rng]],
        arena: Arena,
        cap: int | None,
        watch: Watch | None,
        played: Played,
        waiting: Iterator[int],
    ) -> None:
        self._networks = _Networks(policy, genomes, [row for row, _ in episodes])
        self._episodes, self._arena, self._act, self._watch = episodes, arena, policy.act, watch
        self._cap = math.inf if cap is None else cap
        self._played, self._waiting = played, waiting
        self._numbers = self._slots = np.arange(0)

    def __len__(self) -> int:
        return len(self._numbers)

    def fill(self, slots: int) -> None:
        """Begin the first episodes."""
        self._numbers = self._next(slots)
        self._slots = np.arange(len(self._numbers))
        if len(self):
            self._observations = self._begin(self._slots)
            self._networks.arrange(self._numbers)
            self._choose()

    def step(self) -> None:
        """See what came of the last actions, begin new episodes in the slots of those that are over, and act again."""
        if not len(self):
            return
        with self._blamed():
            self._observations, rewards, over = self._arena.step_wait()
        self._played.returns[self._numbers] += rewards
        self._played.steps[self._numbers] += 1
        over = over | (self._played.steps[self._numbers] >= self._cap) | ~np.isfinite(rewards)
        if over.any():
            self._leave(over)
        self._choose()

    def _choose(self) -> None:
        """Act in every episode."""
        while len(self):
            outputs = self._networks.outputs(self._observations)
            if (broken := _broken(self._observations, outputs)) is None:
                if self._watch is not None:
                    self._watch(self._numbers, self._observations)
                self._arena.step_async(self._slots, self._act(outputs))
                return
            self._played.returns[self._numbers[broken]] = np.nan
            self._leave(broken)

    def _next(self, most: int) -> np.ndarray:
        """The next episodes that wait."""
        return np.fromiter(islice(self._waiting, most), np.int64)

    def _leave(self, over: np.ndarray) -> None:
        """Episodes that are over make room for the next, as many as there are."""
        (places,) = over.nonzero()
        new = self._next(len(places))
        taken, stay = places[: len(new)], np.delete(np.arange(len(over)), places[len(new) :])
        self._numbers = self._numbers.copy()
        self._numbers[taken] = new
        if len(new):
            begun = self._begin(self._slots[taken])
            self._observations = self._observations.index_copy(0, torch.from_numpy(taken), begun)
        self._numbers, self._slots = self._numbers[stay], self._slots[stay]
        self._observations = self._observations[stay]
        self._networks.arrange(self._numbers)

    def _begin(self, slots: np.ndarray) -> torch.Tensor:
        at = dict(zip(self._slots.tolist(), self._numbers.tolist(), strict=True))
        with self._blamed():
            return self._arena.begin(slots, [self._episodes[at[slot]][1] for slot in slots.tolist()])

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Whoever plays in a slot that fails."""
        try:
            yield
        except SlotError as error:
            (number,) = self._numbers[self._slots == error.slot]
            raise EpisodeError(self._episodes[number][0], error.reason) from error


class _Pass(NamedTuple):
    """Networks that are called with batches of one size."""

    call: Callable[[torch.Tensor], torch.Tensor]
    """``(batches, width, *shape)`` to ``(batches, width, outputs)``."""
    size: tuple[int, int]
    """(batches, width)."""
    episodes: torch.Tensor
    """Places of the observations among the k."""
    places: torch.Tensor | None
    """Where these are in the batches, which lie one after the other; None where batches are single observations."""


class _Networks:
    """Who acts in which episode.

    The episodes of a network are cut into batches beforehand. A batch keeps its size, and an episode its place in it,
    when others are over or have not begun: how a product rounds depends on its size.
    """

    def __init__(self, policy: Policy, genomes: torch.Tensor, rows: Sequence[int]) -> None:
        self._policy, self._genomes = policy, genomes
        batches = [range(i, min(i + TOGETHER, end)) for start, end in _runs(rows) for i in range(start, end, TOGETHER)]
        sizes = [len(batch) for batch in batches]
        self._rows = np.array([rows[batch[0]] for batch in batches])
        self._batch = np.repeat(np.arange(len(batches)), sizes)
        self._place = np.concatenate([np.arange(size) for size in sizes])
        self._width = np.repeat(sizes, sizes)

    def arrange(self, numbers: np.ndarray) -> None:
        """From now on these episodes are going on."""
        self._numbers, self._passes = numbers, list[_Pass]()

    def outputs(self, observations: torch.Tensor) -> torch.Tensor:
        """``(k, outputs)``."""
        x = self._policy.sense(observations)
        if not self._passes:
            self._passes = [self._of_width(width, x) for width in np.unique(self._width[self._numbers]).tolist()]
        if len(self._passes) == 1:
            return _outputs(self._passes[0], x)
        order = torch.cat([some.episodes for some in self._passes]).argsort()
        return torch.cat([_outputs(some, x[some.episodes]) for some in self._passes])[order]

    def _of_width(self, width: int, x: torch.Tensor) -> _Pass:
        (episodes,) = (self._width[self._numbers] == width).nonzero()
        numbers = self._numbers[episodes]
        batches, places = self._batch[numbers], None
        if width > 1:
            batches, inverse = np.unique(batches, return_inverse=True)
            places = torch.from_numpy(inverse * width + self._place[numbers]).to(x.device)
        rows, like = self._rows[batches].tolist(), x[:1].expand(width, *x.shape[1:])
        call = prepared(self._policy.template, self._genomes, rows, like)
        return _Pass(call, (len(rows), width), torch.from_numpy(episodes).to(x.device), places)


def _outputs(batches: _Pass, x: torch.Tensor) -> torch.Tensor:
    """``(k, outputs)`` of the pass's own k observations."""
    if batches.places is None:
        return batches.call(x.unsqueeze(1)).squeeze(1)
    block = x.new_zeros(math.prod(batches.size), *x.shape[1:])
    block[batches.places] = x
    return batches.call(block.unflatten(0, batches.size)).flatten(0, 1)[batches.places]


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch of one row."""
    begin = 0
    for _, same in groupby(rows):
        end = begin + len(list(same))
        yield begin, end
        begin = end


def _broken(observations: torch.Tensor, outputs: torch.Tensor) -> np.ndarray | None:
    """``(k,)``: where one is no finite number; None where all are.

    One sum tells of all numbers at once, which is what each step takes.
    """
    if math.isfinite(observations.sum()) and math.isfinite(outputs.sum()):
        return None
    finite = observations.flatten(1).isfinite().all(1).cpu() & outputs.isfinite().all(1).cpu()
    return None if finite.all() else (~finite).numpy()
