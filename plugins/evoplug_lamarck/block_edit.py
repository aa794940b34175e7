"""Mutation ``block-edit``: the six edits of Lamarckian architecture search (thesis, section 7.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, cast

from evoplug.contracts import Ge, Genotype, Mutation, dataclass, field
from evoplug_lamarck import blocks
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.blocks import Block, Genome, line, mark

if TYPE_CHECKING:
    from evoplug import Rng

Edit = Literal["add-block", "remove-block", "add-channels", "remove-channels", "change-kernel", "change-stride"]
Stack = list[Block]

TRIES = 10_000
"""Edits that may come to nothing, one after the other, before there is taken to be none that does not."""


@dataclass(kw_only=True)
class BlockEdit(Mutation, genome="block-stack"):
    """One of six edits of a random block; it says, by new marks, which weights the child does not inherit.

    ``add-block`` puts a random block of stride 1 anywhere, ``remove-block`` takes one out, ``add-channels`` and
    ``remove-channels`` set the next number of C, ``change-kernel`` and ``change-stride`` draw from K and S. All choices
    within an edit are uniform. An edit that changes nothing, or leaves the limits, is drawn again.
    """

    frequencies: Annotated[
        Mapping[
            Literal["add-block", "remove-block", "add-channels", "remove-channels", "change-kernel", "change-stride"],
            Annotated[float, Ge(0)],
        ],
        "how often each edit is drawn, relative to the others; what is left out is never drawn",
    ] = field(
        default_factory=lambda: {
            "add-block": 3, "remove-block": 3, "add-channels": 2, "remove-channels": 2, "change-kernel": 2,
            "change-stride": 1,
        }
    )  # fmt: skip

    def check(self) -> Iterator[tuple[str, str]]:
        if not sum(self.frequencies.values()) > 0:
            yield "frequencies", "needs one edit at least with a frequency above 0"

    def bind(self, space: Genotype) -> None:
        self._space = cast(BlockStack, space)
        total = sum(self.frequencies.values())
        self._shares = [self.frequencies.get(name, 0) / total for name in EDITS]

    def __call__(self, genome: Genome, rng: Rng) -> Genome:
        """
        Raises:
            ValueError: if no edit leads to another genome within the limits.
        """
        stack = blocks.blocks(genome)
        for _ in range(TRIES):
            edit = list(EDITS.values())[int(rng.numpy.choice(len(EDITS), p=self._shares))]
            child = edit(self._space, stack, rng)
            if line(child) != line(stack) and self._space.allows(child):
                return blocks.genome(child)
        raise ValueError(f"`{line(stack)}`: no edit leads to another genome within the genotype's limits")


def add_block(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """Equation 7.5: the new block's weights are new, and the kernel of the block behind it."""
    at = int(rng.numpy.integers(len(stack) + 1))
    return [*stack[:at], space.random_block(rng), *_other_input(stack[at:], rng)]


def remove_block(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """Equation 7.6: the kernel of the block that was behind it is new."""
    at = _any(stack, rng)
    return [*stack[:at], *_other_input(stack[at + 1 :], rng)]


def add_channels(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """The next greater number of C."""
    at = _any(stack, rng)
    return _with_channels(stack, at, min((c for c in space.channels if c > stack[at].channels), default=None), rng)


def remove_channels(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """The next lower number of C."""
    at = _any(stack, rng)
    return _with_channels(stack, at, max((c for c in space.channels if c < stack[at].channels), default=None), rng)


def change_kernel(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """Equation 7.3: the block's kernel is new."""
    at = _any(stack, rng)
    kernel = space.kernels[int(rng.numpy.integers(len(space.kernels)))]
    return [*stack[:at], stack[at]._replace(kernel=kernel, kernel_mark=mark(rng)), *stack[at + 1 :]]


def change_stride(space: BlockStack, stack: Stack, rng: Rng) -> Stack:
    """All weights stay."""
    at = _any(stack, rng)
    stride = space.strides[int(rng.numpy.integers(len(space.strides)))]
    return [*stack[:at], stack[at]._replace(stride=stride), *stack[at + 1 :]]


EDITS: dict[Edit, Callable[[BlockStack, Stack, Rng], Stack]] = {
    "add-block": add_block,
    "remove-block": remove_block,
    "add-channels": add_channels,
    "remove-channels": remove_channels,
    "change-kernel": change_kernel,
    "change-stride": change_stride,
}


def _any(stack: Stack, rng: Rng) -> int:
    return int(rng.numpy.integers(len(stack)))


def _with_channels(stack: Stack, at: int, channels: int | None, rng: Rng) -> Stack:
    """Equation 7.4: all of the block's weights are new, and the kernel of the block behind it."""
    if channels is None:
        return stack
    new = stack[at]._replace(channels=channels, kernel_mark=mark(rng), rest_mark=mark(rng))
    return [*stack[:at], new, *_other_input(stack[at + 1 :], rng)]


def _other_input(behind: Stack, rng: Rng) -> Stack:
    """The blocks behind an edit: the first of them has a new kernel, since what comes into it has changed."""
    return [behind[0]._replace(kernel_mark=mark(rng)), *behind[1:]] if behind else []
