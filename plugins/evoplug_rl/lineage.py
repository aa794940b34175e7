"""Weights of networks that are known by the seeds of their mutations, rebuilt along their lineage."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from evoplug import Rng
from evoplug.population import kernels
from evoplug.population.workers import look_up, parallel

Key = tuple[Any, ...]
"""``(seed, (seed, sigma), ...)``: a chain, or the beginning of one, which is an ancestor's."""


class Lineage:
    """Rebuilds weights from chains ``[seed, [seed, sigma], ...]``, and keeps those of the parents last used.

    A chain's weights are ``initial(seed)``, then ``x + sigma * N(0, 1)`` for each mutation, in order. Each noise vector
    comes from its own seed, and every product and sum is rounded by itself: so they are equal to the bit from whatever
    ancestor they are rebuilt, and on whatever number of threads.

    Args:
        length: weights of a network.
        initial: the ``(length,)`` float32 weights that a stream gives.
        size: networks that are kept; while chains are replayed, twice as many more are in memory.
    """

    def __init__(self, length: int, initial: Callable[[Rng], torch.Tensor], size: int) -> None:
        self._length, self._initial, self._size = length, initial, size
        self._kept: OrderedDict[Key, torch.Tensor] = OrderedDict()
        """The last used at the end."""

    def weights(self, chains: Sequence[Sequence[Any]]) -> torch.Tensor:
        """``(n, length)`` float32 on the CPU."""
        out = torch.empty(len(chains), self._length)
        keys = [_key(chain) for chain in chains]
        for start in range(0, len(keys), self._size):
            some = keys[start : start + self._size]
            parents = self._parents({key[:-1] for key in some if len(key) > 1})
            parallel(partial(self._write, some, parents, out[start:]), len(some))
        return out

    def _parents(self, keys: Collection[Key]) -> dict[Key, torch.Tensor]:
        """The weights of all these, now the last used."""
        found = self._grown([key for key in keys if key not in self._kept])
        parents = {key: found[key] if key in found else self._kept[key] for key in keys}
        for key, weights in parents.items():
            self._kept[key] = weights
            self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return parents

    def _grown(self, keys: Sequence[Key]) -> dict[Key, torch.Tensor]:
        """The weights of networks that are not kept, each from its nearest ancestor; ancestors that several of them
        share are built once."""
        waiting = {*keys, *_forks(keys)} - self._kept.keys()
        built: dict[Key, torch.Tensor] = {}
        while waiting:
            nearest = {key: _nearest(key, (self._kept, built, waiting)) for key in waiting}
            ready = sorted(key for key, ancestor in nearest.items() if ancestor not in waiting)
            ancestors = [self._kept.get(nearest[key], built.get(nearest[key])) for key in ready]
            rest = [key[len(nearest[key]) :] for key in ready]
            built.update(zip(ready, parallel(partial(self._replayed, ancestors, rest), len(ready)), strict=True))
            waiting -= built.keys()
        return built

    def _replayed(self, ancestors: Sequence[torch.Tensor | None], rest: Sequence[Key], number: int) -> torch.Tensor:
        """One network from its ancestor's weights and the rest of its chain; without an ancestor that is all of it."""
        weights, links = ancestors[number], rest[number]
        if weights is None:
            weights, links = self._initial(Rng(links[0])), links[1:]
        else:
            weights = weights.clone()
        noise = torch.empty_like(weights)
        for seed, sigma in links:
            look_up()
            weights += noise.normal_(generator=Rng(seed).torch).mul_(sigma)
        return weights

    def _write(self, keys: Sequence[Key], parents: Mapping[Key, torch.Tensor], out: torch.Tensor, row: int) -> None:
        """One network into its row."""
        key = keys[row]
        if len(key) == 1:
            out[row] = self._initial(Rng(key[0]))
        else:
            seed, sigma = key[-1]
            kernels.gaussian(parents[key[:-1]], sigma, Rng(seed), out[row])


def _key(chain: Sequence[Any]) -> Key:
    return (chain[0], *map(tuple, chain[1:]))


def _forks(keys: Iterable[Key]) -> set[Key]:
    """The last common ancestors of any of them: among sorted keys, those of neighbours are all."""
    common = (_common(a, b) for a, b in pairwise(sorted(keys)))
    return {fork for fork in common if fork}


def _common(a: Key, b: Key) -> Key:
    length = next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:length]


def _nearest(key: Key, known: Sequence[Collection[Key]]) -> Key:
    """The longest beginning of it that is known; () if there is none."""
    for length in range(len(key) - 1, 0, -1):
        if any(key[:length] in some for some in known):
            return key[:length]
    return ()
