"""Where networks are cut: at positions tasks use weights of their own, common ones, or those that a genome says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn

from evoplug.contracts import ConfigError

Kind = Literal["learned", "common", "private"]
"""Whose weights stand at a position: those of K that the genome says for each task; the same for all; each task's."""


def cut(network: nn.Module) -> dict[str, nn.Sequential]:
    """Name -> layers of each position, in order: one that has weights, after those without that stand before it.

    Raises:
        ConfigError: if the network is no sequence of layers, or has a single position, which is its output.
    """
    if type(network) is not nn.Sequential:
        raise ConfigError(
            "network", f"cannot be cut: it is a {type(network).__name__}, no plain nn.Sequential of layers"
        )
    positions, layers = dict[str, "OrderedDict[str, nn.Module]"](), OrderedDict[str, nn.Module]()
    last = None
    for name, layer in network.named_children():
        layers[name] = layer
        if any(True for _ in layer.parameters()):
            positions[name], layers, last = layers, OrderedDict(), name
    if last is None or len(positions) < 2:
        raise ConfigError("network", "has no layer beside its output whose weights could be shared")
    positions[last].update(layers)
    return {name: nn.Sequential(layers) for name, layers in positions.items()}


def joined(parts: Sequence[nn.Sequential]) -> nn.Sequential:
    """The network whose positions these are: the inverse of :func:`cut`."""
    return nn.Sequential(OrderedDict(layer for part in parts for layer in part.named_children()))


def kinds(names: Sequence[str], learned: Sequence[str], private: Sequence[str]) -> dict[str, Kind]:
    """Position -> kind. The last one, the output, is private.

    Args:
        names: of all positions.
        learned: patterns such as ``"block*"``, or names.
        private: the same; what is learned and private is private.

    Raises:
        ConfigError: if a pattern means no position, or none is left to learn; with the key of the pattern.
    """
    shared = names[:-1]
    chosen = {
        "learned": set(_meant(shared, learned, "learned")), "private": {names[-1], *_meant(shared, private, "private")}
    }  # fmt: skip
    if not chosen["learned"] - chosen["private"]:
        raise ConfigError("learned", "leaves no position to learn, as each of its own is private")
    return {
        name: "private" if name in chosen["private"] else "learned" if name in chosen["learned"] else "common"
        for name in names
    }


def _meant(names: Sequence[str], patterns: Sequence[str], key: str) -> Iterator[str]:
    for place, pattern in enumerate(patterns):
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise ConfigError((key, place), f"`{pattern}` is none of the positions; choices: {', '.join(names)}")
        yield from found
