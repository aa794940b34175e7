"""What a child keeps, tensor by tensor: equations 7.3 to 7.6 of the thesis, section 7.3.3.

Each case edits the first, a middle or the last of three blocks. ``new`` are the tensors that are reinitialised, all
others are the parent's, under the name of the block's new place.
"""

import pytest
import torch

from evoplug import Rng, Task
from evoplug_lamarck import block_edit, blocks, inheritance
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.blocks import Block

PARENT = [Block(4, 3, 1, 10, 11), Block(8, 5, 2, 20, 21), Block(4, 1, 1, 30, 31)]
K, H = ["conv.weight"], list(inheritance.REST)
ALL = K + H
DENSE = ["dense.weight", "dense.bias"]


@pytest.fixture
def space() -> BlockStack:
    space = BlockStack(channels=(2, 4, 8, 16), kernels=(1, 3, 5))
    space.bind(Task(input_shape=(3, 16, 16), outputs=10))
    return space


class At:
    """Random numbers that choose a given block, and whatever comes first after that."""

    def __init__(self, *choices: int) -> None:
        self.numpy, self._choices, self._stream = self, list(choices), Rng(1).numpy

    def integers(self, below: int) -> int:
        return self._choices.pop(0) if self._choices else int(self._stream.integers(below))


def names(block: int, tensors: list[str]) -> set[str]:
    return {f"blocks.{block}.{name}" for name in tensors}


def everything(stack: list[Block]) -> set[str]:
    return {name for i in range(len(stack)) for name in names(i, ALL)} | set(DENSE)


CASES = [
    # edit, choices of the edit, the child's line, tensors that are new in the child, where the child's blocks come from
    ("change_stride", (0, 1), "4k3s2 8k5s2 4k1s1", set(), [0, 1, 2]),
    ("change_stride", (1, 0), "4k3s1 8k5s1 4k1s1", set(), [0, 1, 2]),
    ("change_stride", (2, 1), "4k3s1 8k5s2 4k1s2", set(), [0, 1, 2]),
    # 7.3: k_i new, h_i kept
    ("change_kernel", (0, 2), "4k5s1 8k5s2 4k1s1", names(0, K), [0, 1, 2]),
    ("change_kernel", (1, 0), "4k3s1 8k1s2 4k1s1", names(1, K), [0, 1, 2]),
    ("change_kernel", (2, 1), "4k3s1 8k5s2 4k3s1", names(2, K), [0, 1, 2]),
    # 7.4: block i new, k of the next new; the dense layer where c_n changes
    ("add_channels", (0,), "8k3s1 8k5s2 4k1s1", names(0, ALL) | names(1, K), [0, 1, 2]),
    ("add_channels", (1,), "4k3s1 16k5s2 4k1s1", names(1, ALL) | names(2, K), [0, 1, 2]),
    ("add_channels", (2,), "4k3s1 8k5s2 8k1s1", names(2, ALL) | set(DENSE), [0, 1, 2]),
    ("remove_channels", (0,), "2k3s1 8k5s2 4k1s1", names(0, ALL) | names(1, K), [0, 1, 2]),
    ("remove_channels", (1,), "4k3s1 4k5s2 4k1s1", names(1, ALL) | names(2, K), [0, 1, 2]),
    ("remove_channels", (2,), "4k3s1 8k5s2 2k1s1", names(2, ALL) | set(DENSE), [0, 1, 2]),
    # 7.5: the new block, and k of the block behind it, even where its shape is the same
    ("add_block", (0, 2, 0), "8k1s1 4k3s1 8k5s2 4k1s1", names(0, ALL) | names(1, K), [None, 0, 1, 2]),
    ("add_block", (1, 1, 1), "4k3s1 4k3s1 8k5s2 4k1s1", names(1, ALL) | names(2, K), [0, None, 1, 2]),
    ("add_block", (2, 2, 2), "4k3s1 8k5s2 8k5s1 4k1s1", names(2, ALL) | names(3, K), [0, 1, None, 2]),
    ("add_block", (3, 1, 0), "4k3s1 8k5s2 4k1s1 4k1s1", names(3, ALL), [0, 1, 2, None]),
    ("add_block", (3, 3, 0), "4k3s1 8k5s2 4k1s1 16k1s1", names(3, ALL) | set(DENSE), [0, 1, 2, None]),
    # 7.6: k of the block that was behind it
    ("remove_block", (0,), "8k5s2 4k1s1", names(0, K), [1, 2]),
    ("remove_block", (1,), "4k3s1 4k1s1", names(1, K), [0, 2]),
    ("remove_block", (2,), "4k3s1 8k5s2", set(DENSE), [0, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "choices", "line", "new", "origin"), CASES)
def test_a_child_keeps_what_the_equations_say(space, edit, choices, line, new, origin) -> None:
    child = getattr(block_edit, edit)(space, PARENT, At(*choices))
    assert blocks.line(child) == line
    kept = inheritance.sources(PARENT, child)
    assert everything(child) - kept.keys() == new
    for name, source in kept.items():
        if name in DENSE:
            assert source == name
        else:
            _, place, tensor = name.split(".", 2)
            assert source == f"blocks.{origin[int(place)]}.{tensor}"


@pytest.mark.parametrize(("edit", "choices", "line", "new", "origin"), CASES)
def test_what_is_kept_fits_the_childs_network_and_equals_the_parents(space, edit, choices, line, new, origin) -> None:
    child = getattr(block_edit, edit)(space, PARENT, At(*choices))
    parent_state, child_network = trained(space, PARENT), space.network(child).build((3, 16, 16), 10)
    state = space.inherit(parent_state, blocks.genome(PARENT), blocks.genome(child), Rng(1))
    shapes = {name: tensor.shape for name, tensor in child_network.state_dict().items()}
    sources = inheritance.sources(PARENT, child)
    for table in ("weights", "buffers"):
        for name, tensor in state[table].items():
            assert tensor.shape == shapes[name]
            assert torch.equal(tensor, parent_state[table][sources[name]])
    assert shapes.keys() - state["weights"].keys() - state["buffers"].keys() == new
    remembered = parent_state["optimizer"]
    assert state["optimizer"] == {name: remembered[sources[name]] for name in state["weights"]}
    assert state["epochs"] == 7


def trained(space, stack):
    """A state as a trainer keeps it, every number of its own."""
    network = space.network(blocks.genome(stack)).build((3, 16, 16), 10)
    weights = {name: torch.randn_like(weight) for name, weight in network.named_parameters()}
    buffers = {name: torch.randn(value.shape) for name, value in network.named_buffers()}
    slots = {name: {"momentum_buffer": torch.randn_like(weight)} for name, weight in weights.items()}
    return {"weights": weights, "buffers": buffers, "optimizer": slots, "epochs": 7}


def test_several_edits_keep_what_each_alone_would_keep(space) -> None:
    first = block_edit.change_kernel(space, PARENT, At(2, 1))
    both = block_edit.add_block(space, first, At(1, 1, 1))
    one = everything(PARENT) - inheritance.sources(PARENT, first).keys()
    assert one == names(2, K)
    kept = inheritance.sources(PARENT, both)
    assert everything(both) - kept.keys() == names(1, ALL) | names(2, K) | names(3, K)
    assert kept["blocks.3.conv.bias"] == "blocks.2.conv.bias"


def test_an_edit_that_is_undone_keeps_no_weights_that_were_reinitialised(space) -> None:
    wider = block_edit.add_channels(space, PARENT, At(1))
    back = block_edit.remove_channels(space, wider, At(1))
    assert blocks.line(back) == blocks.line(PARENT)
    assert everything(back) - inheritance.sources(PARENT, back).keys() == names(1, ALL) | names(2, K)


def test_blocks_of_a_mate_are_new_and_a_kernel_behind_another_block_too(space) -> None:
    mate = [Block(16, 3, 1, 90, 91), PARENT[2]]
    child = [PARENT[0], *mate]
    kept = inheritance.sources(PARENT, child)
    assert everything(child) - kept.keys() == names(1, ALL) | names(2, K)
    assert kept["blocks.2.norm.weight"] == "blocks.2.norm.weight"
