"""The networks of all tasks, built and cut, and whether they can share weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from evoplug.contracts import ConfigError, Dataset, Network
from evoplug_sharing.positions import cut, kinds
from evoplug_sharing.weight_sets import WeightSets

Parts = Mapping[str, nn.Sequential]
"""Position -> layers."""


class Building:
    """How the tasks' networks are built.

    Args:
        network: architecture.
        datasets: task -> its data set.
        learned, private: patterns of positions, as the evaluator's parameters.

    Raises:
        ConfigError: if the first task's network cannot be built or cut, or a pattern means no position.
    """

    def __init__(
        self, network: Network, datasets: Mapping[str, Dataset], learned: tuple[str, ...], private: tuple[str, ...]
    ) -> None:
        self._network = network
        self._infos = {task: dataset.info() for task, dataset in datasets.items()}
        self._first = next(iter(datasets))
        self.kinds = kinds(list(self._parts(self._first, "meta")), learned, private)
        self.learned = [name for name, kind in self.kinds.items() if kind == "learned"]

    def weight_sets(self, choices: int, device: str) -> WeightSets:
        """All weights, as the architecture draws them, with ``choices`` sets at each learned position."""
        networks: list[Parts] = []
        for task in self._infos:
            parts = self._parts(task, device)
            own = {name: part for name, part in parts.items() if not networks or self.kinds[name] == "private"}
            networks.append(own)  # of what is shared the first task's is enough
        return WeightSets(networks, self.kinds, choices)

    def require_fitting(self, batch: int) -> None:
        """Raises ConfigError if tasks cannot share what they are to share, or a batch is too small for the network."""
        first = self._parts(self._first, "meta")
        for task in self._infos:
            parts = self._parts(task, "meta")
            if parts.keys() != first.keys():
                raise ConfigError("network", f"has other layers for task `{task}` than for `{self._first}`")
            for name, kind in self.kinds.items():
                if kind != "private":
                    self._require_same(name, task, _shapes(parts[name]), _shapes(first[name]))
        normalises = any(isinstance(layer, _BatchNorm) for part in first.values() for layer in part.modules())
        if batch == 1 and normalises:
            raise ConfigError("batch", "is one, and the network cannot be trained on one example (batch normalisation)")

    def _require_same(
        self, name: str, task: str, own: dict[str, tuple[int, ...]], first: dict[str, tuple[int, ...]]
    ) -> None:
        wrong = [key for key in first if own.get(key) != first[key]]
        if wrong or own.keys() != first.keys():
            key = (wrong or sorted(own.keys() - first.keys()))[0]
            raise ConfigError(
                ("tasks", task),
                f"examples of shape {self._shape(task)} need other weights at the position `{name}` than those of "
                f"`{self._first}`, of shape {self._shape(self._first)}: {key} {own.get(key)}, not {first.get(key)}; "
                f'give `{self._first}` and `{task}` one shape, or make it private = ["{name}"]',
            )

    def _shape(self, task: str) -> tuple[int, ...]:
        return tuple(self._infos[task].shape)

    def _parts(self, task: str, device: str) -> Parts:
        """The positions of a task's network."""
        # Modules draw from torch's global stream.
        with torch.random.fork_rng(devices=()), torch.device(device):
            torch.manual_seed(0)
            try:
                return cut(self._network.build(self._shape(task), self._infos[task].classes))
            except ConfigError as error:
                keys = ((m.key if m.key[:1] == ("network",) else ("network", *m.key)) for m in error.mistakes)
                mistakes = [
                    mistake._replace(key=key, message=f"{mistake.message} (task `{task}`)")
                    for key, mistake in zip(keys, error.mistakes, strict=True)
                ]
                raise ConfigError(mistakes=mistakes) from error


def _shapes(part: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in part.state_dict().items()}
