"""How much memory data and networks take, told before they are there."""

from __future__ import annotations

from contextlib import suppress
from math import prod

import torch
from torch import nn

from evoplug.contracts import DatasetInfo, Network
from evoplug.population import memory


def of_data(info: DatasetInfo) -> int:
    """Bytes of all examples, float32; 0 where only loading tells how many there are."""
    return 4 * prod(info.shape) * sum(info.sizes.values())


def of_weights(module: nn.Module) -> int:
    """Bytes of a network's weights."""
    return sum(weight.numel() * weight.itemsize for weight in module.parameters())


def of_buffers(module: nn.Module) -> int:
    """Bytes of what a network holds beside its weights."""
    return sum(buffer.numel() * buffer.itemsize for buffer in module.buffers())


def require_memory(network: Network, shape: tuple[int, ...], outputs: int) -> None:
    """Refuse a network that does not fit into memory.

    Of one that cannot be built without its numbers nothing is known.

    Raises:
        ConfigError: with the key "network".
    """
    module = None
    # On the device "meta" shapes are right, and no numbers are there. Modules draw from torch's global stream.
    with suppress(Exception), torch.random.fork_rng(devices=()), torch.device("meta"):
        module = network.build(shape, outputs)
    if module is not None:
        require_weights(module)


def require_weights(module: nn.Module, copies: int = 1) -> None:
    """Refuse a network whose weights, ``copies`` times, do not fit into memory.

    Raises:
        ConfigError: with the key "network".
    """
    count = sum(weight.numel() for weight in module.parameters())
    memory.require(copies * of_weights(module), f"a network of {count:,} weights", "network")
