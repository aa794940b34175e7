"""Genotype ``block-stack``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from evoplug.contracts import ConfigError, Ge, Genotype, MinLen, Task, dataclass
from evoplug_lamarck import blocks
from evoplug_lamarck.blocks import Block, Genome, line, mark
from evoplug_lamarck.inheritance import inherited
from evoplug_lamarck.network import BlockStack as Network
from evoplug_lamarck.size import Cost, cost

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class BlockStack(Genotype, genome=("block-stack", "architecture", "list")):
    """Architectures: convolutional blocks one after the other (Prellberg, 2020, section 7.3).

    Each block is a convolution with zero padding, batch normalisation and ReLU; global average pooling and a dense
    layer follow the last. A genome is a list of blocks ``[channels, kernel, stride, mark, mark]``, printed as
    ``64k3s1 128k5s2``; the marks say which weights a child inherits, see :mod:`evoplug_lamarck.blocks`. New genomes
    have one block of stride 1, as the paper's.
    """

    channels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1), "C: numbers of channels to choose from"] = (
        16, 32, 64, 96, 128, 192, 256,
    )  # fmt: skip
    kernels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1), "K: sides of kernels to choose from, odd"] = (
        1, 3, 5,
    )  # fmt: skip
    strides: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1), "S: strides to choose from, 1 among them"] = (1, 2)
    strided: Annotated[int, Ge(0), "blocks of a stride above 1, at most"] = 3
    blocks: Annotated[Annotated[int, Ge(1)] | None, "in a genome, at most; by default there is no limit"] = None
    parameters: Annotated[
        Annotated[int, Ge(1)] | None, "weights of a network, at most; by default there is no limit"
    ] = None
    initial_blocks: Annotated[int, Ge(1), "in a new genome"] = 1
    start: Annotated[str | None, "`64k3s1 128k5s2`: the stack of every new genome, in place of a random one"] = None

    def check(self) -> Iterator[tuple[str, str]]:
        for name in ("channels", "kernels", "strides"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                yield name, "has a number twice"
        if even := [kernel for kernel in self.kernels if kernel % 2 == 0]:
            yield "kernels", f"must be odd, got {even[0]}"
        if 1 not in self.strides:
            yield "strides", "must have 1 among them: new blocks begin with it"
        if self.blocks is not None and self.initial_blocks > self.blocks:
            yield "initial_blocks", f"must not be above blocks = {self.blocks}, got {self.initial_blocks}"
        if self.start is not None:
            yield from (("start", message) for message in self._outside(self.start))
            if self.initial_blocks != 1:
                yield "initial_blocks", "belongs to random stacks, and start gives one"
        elif len(self.channels) == len(self.kernels) == 1 and self.blocks == 1 and not self._may_stride:
            yield "blocks", "leaves a single genome to choose from"

    def bind(self, task: Task) -> None:
        """Take the size of the images and the number of classes.

        Raises:
            ConfigError: if the inputs are no images, or too small for so many strides, or no stack has so few weights.
        """
        if task.outputs is None or task.input_shape is None or len(task.input_shape) != 3:
            raise ConfigError((), "needs an evaluator whose problem has images and classes")
        self._shape, self._outputs = task.input_shape, task.outputs
        side = min(task.input_shape[1:])
        if self._may_stride and max(self.strides) ** self.strided > side:
            raise ConfigError(
                "strided", f"{self.strided} blocks of stride {max(self.strides)} are too many for images of side {side}"
            )
        least = [Block(min(self.channels), min(self.kernels), 1)] if self.start is None else blocks.parse(self.start)
        if self.parameters is not None and (has := self.cost(least).parameters) > self.parameters:
            what = "the smallest network has" if self.start is None else "the network of `start` has"
            raise ConfigError("parameters", f"{what} {has:,}, and {self.parameters:,} are allowed")

    # ---------------------------------------------------------------------------------------------- genomes

    def sample(self, n: int, rng: Rng) -> list[Genome]:
        return self.repair([blocks.genome(self._new(rng)) for _ in range(n)])

    def random_block(self, rng: Rng) -> Block:
        """Random channels, random kernel, a stride of one, and marks of its own."""
        channels, kernel = (values[int(rng.numpy.integers(len(values)))] for values in (self.channels, self.kernels))
        return Block(channels, kernel, 1, mark(rng), mark(rng))

    def repair(self, genomes: Any) -> list[Genome]:
        """Numbers become the nearest of their sets; surplus blocks and strides at the end go; while there are too many
        weights, the widest block gets narrower, and once all are narrow the last one goes."""
        return [blocks.genome(self._repaired(blocks.blocks(genome))) for genome in genomes]

    def allows(self, stack: Sequence[Block]) -> bool:
        """Whether a stack whose numbers are in the sets keeps within the limits."""
        return (
            0 < len(stack) <= (self.blocks or len(stack))
            and sum(block.stride > 1 for block in stack) <= self.strided
            and (self.parameters is None or self.cost(stack).parameters <= self.parameters)
        )

    def describe(self, genome: Genome) -> dict[str, Any]:
        """The line, and what the network costs."""
        parameters, flops = self.cost(blocks.blocks(genome))
        return {"blocks": line(genome), "parameters": parameters, "flops": flops}

    def inherit(self, state: Any, parent: Genome, child: Genome, rng: Rng) -> Any:
        """Section 7.3.3: all but what an edit has reinitialised."""
        return inherited(state, blocks.blocks(parent), blocks.blocks(child))

    # -------------------------------------------------------------------------------------------- phenotypes

    def network(self, genome: Genome) -> Network:
        """The network of a genome; equal stacks give equal networks."""
        return Network(blocks=line(genome))

    def cost(self, stack: Sequence[Block]) -> Cost:
        """Parameters and FLOPs of a stack's network."""
        return cost(stack, self._shape, self._outputs)

    # ----------------------------------------------------------------------------------------------- inside

    @property
    def _may_stride(self) -> bool:
        return self.strided > 0 and max(self.strides) > 1

    def _new(self, rng: Rng) -> list[Block]:
        if self.start is None:
            return [self.random_block(rng) for _ in range(self.initial_blocks)]
        marked = blocks.parse(self.start)
        return [block._replace(kernel_mark=mark(rng), rest_mark=mark(rng)) for block in marked]

    def _outside(self, text: str) -> Iterator[str]:
        """What is wrong with a stack that a user wrote."""
        try:
            stack = blocks.parse(text)
        except ValueError as error:
            yield str(error)
            return
        for block in stack:
            for name, value in (("channels", block.channels), ("kernels", block.kernel), ("strides", block.stride)):
                if value not in getattr(self, name):
                    yield f"`{block}`: {value} is not among {name} = {list(getattr(self, name))}"
        if self.blocks is not None and len(stack) > self.blocks:
            yield f"has {len(stack)} blocks, and blocks = {self.blocks}"
        if (strided := sum(block.stride > 1 for block in stack)) > self.strided:
            yield f"has {strided} blocks of a stride above 1, and strided = {self.strided}"

    def _repaired(self, stack: list[Block]) -> list[Block]:
        sets: Mapping[str, Sequence[int]] = {"channels": self.channels, "kernel": self.kernels, "stride": self.strides}
        stack = [
            block._replace(**{name: _nearest(getattr(block, name), values) for name, values in sets.items()})
            for block in stack[: self.blocks]
        ]
        surplus = [i for i, block in enumerate(stack) if block.stride > 1][self.strided :]
        stack = [block._replace(stride=1) if i in surplus else block for i, block in enumerate(stack)]
        while not self.allows(stack):
            stack = self._smaller(stack)
        return stack

    def _smaller(self, stack: list[Block]) -> list[Block]:
        """With fewer weights; the only block that is left gets a smaller kernel, too."""
        widest = max(range(len(stack)), key=lambda i: stack[i].channels)
        less = [channels for channels in self.channels if channels < stack[widest].channels]
        if less:
            return [*stack[:widest], stack[widest]._replace(channels=max(less)), *stack[widest + 1 :]]
        return stack[:-1] if len(stack) > 1 else [stack[0]._replace(kernel=min(self.kernels))]


def _nearest(value: int, values: Sequence[int]) -> int:
    return min(values, key=lambda other: (abs(other - value), other))
