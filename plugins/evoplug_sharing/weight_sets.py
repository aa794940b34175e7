"""The weights of all tasks' networks, and passes through many of these networks at once."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from evoplug_sharing.positions import Kind, joined

Route = tuple[int, ...]
"""The number of the set that a task uses at each position."""


class Outputs(NamedTuple):
    """Of the networks of some assignments; what is the same for several of them is there once."""

    logits: Sequence[torch.Tensor]
    """``(b, classes)`` each."""
    tasks: Sequence[int]
    """The task of each."""
    places: torch.Tensor
    """``(assignments, tasks)`` int64: which of them it is."""


class WeightSets(nn.Module):
    """At each position some sets of weights, of which every task uses one; each owns its batch normalisation.

    Args:
        networks: each task's, in positions as :func:`evoplug_sharing.positions.cut` has them; their layers become part
            of this.
        kinds: position -> whose weights stand there.
        choices: K, sets at a learned position.
    """

    def __init__(
        self, networks: Sequence[Mapping[str, nn.Sequential]], kinds: Mapping[str, Kind], choices: int
    ) -> None:
        super().__init__()
        self.kinds, self.tasks = dict(kinds), len(networks)
        copies = {"learned": choices, "common": 1}
        self.by_position: dict[str, list[nn.Sequential]] = {}
        for name, kind in kinds.items():
            own, first = (network[name] for network in networks), networks[0][name]
            self.by_position[name] = list(
                own if kind == "private" else (copy.deepcopy(first) for _ in range(copies[kind]))
            )
        self.sets = nn.ModuleDict({name: nn.ModuleList(sets) for name, sets in self.by_position.items()})
        self._sets = list(self.by_position.values())  # plain lists, as torch's own are slow to look into

    def routes(self, assignments: torch.Tensor) -> list[list[Route]]:
        """The route of each task under each of ``(n, tasks * learned positions)`` assignments, int64, task by task."""
        learned = iter(assignments.view(len(assignments), self.tasks, -1).unbind(-1))
        own = torch.arange(self.tasks, device=assignments.device).expand(len(assignments), -1)
        numbers = {"common": torch.zeros_like(own), "private": own}
        columns = [next(learned) if kind == "learned" else numbers[kind] for kind in self.kinds.values()]
        return [[tuple(route) for route in routes] for routes in torch.stack(columns, -1).tolist()]

    def along(self, x: torch.Tensor, routes: Iterable[Route]) -> dict[Route, torch.Tensor]:
        """Route -> output for the inputs ``(b, *shape)`` of one task; each beginning of a route is computed once."""
        known: dict[Route, torch.Tensor] = {(): x}
        routes = list(dict.fromkeys(routes))
        for route in routes:
            for depth, number in enumerate(route):
                if route[: depth + 1] not in known:
                    known[route[: depth + 1]] = self._sets[depth][number](known[route[:depth]])
        return {route: known[route] for route in routes}

    def apart(self, inputs: Sequence[torch.Tensor], routes: Sequence[Sequence[Route]]) -> Outputs:
        """No set sees examples of two tasks in one pass.

        Args:
            inputs: ``(b, *shape)`` of each task.
            routes: by assignment and task.
        """
        known: dict[Hashable, torch.Tensor] = {
            (task, route): output
            for task, x in enumerate(inputs)
            for route, output in self.along(x, (row[task] for row in routes)).items()
        }
        return _outputs([list(enumerate(row)) for row in routes], known)

    def at_once(self, inputs: Sequence[torch.Tensor], routes: Sequence[Sequence[Route]]) -> Outputs:
        """All that goes into a set passes it as one batch: for evaluation mode, in which examples do not meet.

        Args:
            inputs, routes: as for :meth:`apart`.
        """
        known: dict[Hashable, torch.Tensor] = {(task, ()): x for task, x in enumerate(inputs)}
        for depth, sets in enumerate(self._sets):
            entering: dict[tuple[int, torch.Size], dict[tuple[int, Route], None]] = {}
            for task, route in ((task, route) for row in routes for task, route in enumerate(row)):
                shape = known[task, route[:depth]].shape[1:]
                entering.setdefault((route[depth], shape), {})[task, route[: depth + 1]] = None
            for (number, _), ends in entering.items():
                parts = _joint(sets[number], [known[task, route[:-1]] for task, route in ends])
                known.update(zip(ends, parts, strict=True))
        return _outputs([list(enumerate(row)) for row in routes], known)

    def together(self, inputs: Sequence[torch.Tensor], routes: Sequence[Sequence[Route]]) -> Outputs:
        """Tasks that use one set at a position pass through it as one batch. What goes into a set under several
        assignments is computed once.

        Args:
            inputs, routes: as for :meth:`apart`.
        """
        known: dict[Hashable, torch.Tensor] = {("input", task): x for task, x in enumerate(inputs)}
        passes: dict[Hashable, list[Hashable]] = {}
        ends: list[list[Hashable]] = []
        for row in routes:
            at: list[Hashable] = [("input", task) for task in range(self.tasks)]
            for depth, sets in enumerate(self._sets):
                for number, tasks in _groups(row, depth, at, known):
                    entered = (depth, number, *(at[task] for task in tasks))
                    if entered not in passes:
                        passes[entered] = [(len(passes), task) for task in tasks]
                        parts = _joint(sets[number], [known[at[task]] for task in tasks])
                        known.update(zip(passes[entered], parts, strict=True))
                    for task, left in zip(tasks, passes[entered], strict=True):
                        at[task] = left
            ends.append(at)
        return _outputs(ends, known)

    def network(self, task: int) -> nn.Sequential:
        """One that a task can have, of modules that belong to this."""
        first = {"learned": 0, "common": 0, "private": task}
        return joined([self.by_position[name][first[kind]] for name, kind in self.kinds.items()])

    def networks(self, routes: Sequence[Route]) -> list[nn.Sequential]:
        """The network of each task on its route, as copies, in which what is shared is one module."""
        used = {place for route in routes for place in enumerate(route)}
        copies = copy.deepcopy({(depth, number): self._sets[depth][number] for depth, number in used})
        return [joined([copies[place] for place in enumerate(route)]) for route in routes]

    def count(self, routes: Sequence[Route]) -> int:
        """Weights of the tasks' networks on these routes, shared ones once."""
        used = {place for route in routes for place in enumerate(route)}
        return sum(weight.numel() for depth, number in used for weight in self._sets[depth][number].parameters())

    @contextmanager
    def batch_statistics(self) -> Iterator[None]:
        """In this block batch normalisation takes the statistics of the batch, and leaves its running ones alone."""
        layers = [module for module in self.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
        was = [layer.training for layer in layers]
        try:
            for layer in layers:
                layer.training, layer.track_running_stats = True, False
            yield
        finally:
            for layer, training in zip(layers, was, strict=True):
                layer.training, layer.track_running_stats = training, True


def _groups(
    row: Sequence[Route], depth: int, at: Sequence[Hashable], known: Mapping[Hashable, torch.Tensor]
) -> Iterator[tuple[int, list[int]]]:
    """Number of a set -> the tasks that enter it with inputs of one shape."""
    groups: dict[tuple[int, torch.Size], list[int]] = {}
    for task, route in enumerate(row):
        groups.setdefault((route[depth], known[at[task]].shape[1:]), []).append(task)
    return ((number, tasks) for (number, _), tasks in groups.items())


def _joint(module: nn.Module, inputs: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """The outputs for some inputs that pass as one batch."""
    if len(inputs) == 1:
        return [module(inputs[0])]
    parts: Sequence[torch.Tensor] = module(torch.cat(list(inputs))).split([len(x) for x in inputs])
    return parts


def _outputs(ends: Sequence[Sequence[Hashable]], known: Mapping[Hashable, torch.Tensor]) -> Outputs:
    """By assignment and task, where in ``known`` the output is."""
    places: dict[Hashable, int] = {}
    tasks: list[int] = []
    for row in ends:
        for task, end in enumerate(row):
            if end not in places:
                places[end] = len(places)
                tasks.append(task)
    numbers = torch.tensor([[places[end] for end in row] for row in ends])
    return Outputs([known[end] for end in places], tasks, numbers)
