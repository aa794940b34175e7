"""How much memory data and networks take, told before they are there."""

from __future__ import annotations

import copy
from contextlib import suppress
from math import prod

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from evoplug.contracts import DatasetInfo, Network
from evoplug.population import memory


def of_data(info: DatasetInfo) -> int:
    """Bytes of all examples, float32; 0 where only loading tells how many there are."""
    return 4 * prod(info.shape) * sum(info.sizes.values())


def count(module: nn.Module) -> int:
    """Of a network's weights."""
    return sum(weight.numel() for weight in module.parameters())


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


def require_step(module: nn.Module, x: torch.Tensor, batch: int) -> None:
    """Refuse gradient steps that do not fit into memory: what a pass keeps for the gradients of the weights.

    Of a network that cannot be called so nothing is known.

    Args:
        module: on the CPU; it stays as it is.
        x: two examples, on the CPU.
        batch: examples in a step.

    Raises:
        ConfigError: with the key "batch".
    """
    module = copy.deepcopy(module).train()
    own = {_address(tensor) for tensor in (*module.parameters(), *module.buffers(), x)}
    kept = dict[int, torch.Tensor]()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.shape[:1] == x.shape[:1] and _address(tensor) not in own:
            kept[_address(tensor)] = tensor
        return tensor

    with suppress(Exception), torch.random.fork_rng(devices=()), saved_tensors_hooks(keep, lambda tensor: tensor):
        module(x)
    need = sum(tensor.nbytes for tensor in kept.values()) // len(x) * batch
    memory.require(need, f"a step of {batch:,} examples", "batch")


def _address(tensor: torch.Tensor) -> int:
    """Of the memory that it is a view of."""
    return tensor.untyped_storage().data_ptr()


@torch.no_grad()
def require_pass(module: nn.Module, x: torch.Tensor, batch: int, key: str) -> None:
    """Refuse passes without gradients that do not fit into memory: the largest outputs of a layer.

    Args:
        module, x: as for :func:`require_step`.
        batch: examples in a pass.
        key: of the parameter to change.

    Raises:
        ConfigError: with this key.
    """
    module, sizes = copy.deepcopy(module).eval(), [0]
    for layer in module.modules():
        layer.register_forward_hook(lambda _, __, outputs: sizes.append(getattr(outputs, "nbytes", 0)))
    with suppress(Exception), torch.random.fork_rng(devices=()):
        module(x)
    memory.require(max(sizes) // len(x) * batch, f"a pass of {batch:,} examples", key)


def require_weights(module: nn.Module, copies: int = 1) -> None:
    """Refuse a network whose weights, ``copies`` times, do not fit into memory.

    Raises:
        ConfigError: with the key "network".
    """
    memory.require(copies * of_weights(module), f"a network of {count(module):,} weights", "network")
