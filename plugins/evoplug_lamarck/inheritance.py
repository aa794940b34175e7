"""Weight inheritance: what of a network's state a child keeps whose stack was edited (thesis, section 7.3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoplug_lamarck.blocks import Block

REST = (
    "conv.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
)  # fmt: skip
"""What **h** is made of."""
TABLES = ("weights", "buffers", "optimizer")
"""What of a state goes by the names of tensors; an optimizer remembers something of each weight."""


def sources(parent: Sequence[Block], child: Sequence[Block]) -> dict[str, str]:
    """Name of each tensor that a child inherits -> its name in the parent.

    A tensor is inherited where the child has the parent's mark, and, after a crossover, where it still fits the block
    before it; the dense layer where the last number of channels has not changed.
    """
    kernels = {block.kernel_mark: i for i, block in enumerate(parent)}
    rests = {block.rest_mark: i for i, block in enumerate(parent)}
    found = {}
    for j, block in enumerate(child):
        i = kernels.get(block.kernel_mark)
        if i is not None and _kernel(parent, i) == _kernel(child, j):
            found[f"blocks.{j}.conv.weight"] = f"blocks.{i}.conv.weight"
        i = rests.get(block.rest_mark)
        if i is not None and parent[i].channels == block.channels:
            found |= {f"blocks.{j}.{name}": f"blocks.{i}.{name}" for name in REST}
    if parent[-1].channels == child[-1].channels:
        found |= {name: name for name in ("dense.weight", "dense.bias")}
    return found


def inherited(state: Mapping[str, Any], parent: Sequence[Block], child: Sequence[Block]) -> dict[str, Any]:
    """The child's state: the tensors that it inherits, by reference and under their new names; the rest is left out,
    to be drawn anew. What is no table of tensors stays."""
    names = sources(parent, child)
    moved = {
        table: {new: state[table][old] for new, old in names.items() if old in state[table]}
        for table in TABLES
        if table in state
    }
    return {**state, **moved}


def _kernel(stack: Sequence[Block], i: int) -> tuple[int, int, int]:
    """What makes the shape of a kernel: channels before it, None of them before the first, channels, side."""
    return (stack[i - 1].channels if i else 0, stack[i].channels, stack[i].kernel)
