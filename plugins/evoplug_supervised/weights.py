"""Genotype ``weights``."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch
from torch import nn

from evoplug.contracts import ConfigError, Function, Genotype, Known, Network, Task, dataclass, use
from evoplug.population.forward import parameters
from evoplug_supervised.initialisers import fill
from evoplug_supervised.size import require_memory

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Weights(Genotype, genome=("weights", "real-vector")):
    """All weights of a network as one vector.

    Genomes are the rows of an ``(n, length)`` float32 tensor: the network's parameters one after the other, in the
    order of ``named_parameters()``. Biases start at zero.

    Once bound it has ``template``, a network of this architecture in evaluation mode whose own weights mean nothing,
    and ``length``.
    """

    network: Annotated[Network, "architecture"] = use("mlp")
    init: Annotated[
        Function,
        Known("glorot-uniform", "he-normal", "he-uniform", "normal", "normalised", "torch-uniform"),
        "how weights are drawn",
    ] = "glorot-uniform"

    # The space as operators for real vectors see it: without bounds.
    lower: ClassVar[None] = None
    upper: ClassVar[None] = None
    scale: ClassVar[str] = "linear"
    dtype: ClassVar[str] = "float32"

    def bind(self, task: Task) -> None:
        """Build the network for the task's inputs and outputs.

        Raises:
            ConfigError: if there is no network for them, it holds more than weights, or does not fit into memory.
        """
        if task.input_shape is None or task.outputs is None:
            raise ConfigError((), "weights need an evaluator whose problem has inputs and outputs")
        require_memory(self.network, task.input_shape, task.outputs)
        self.template = self._build(task.input_shape, task.outputs)
        self.length = sum(parameter.numel() for parameter in self.template.parameters())
        if any(getattr(module, "track_running_stats", False) for module in self.template.modules()):
            raise ConfigError("network", "has running statistics (batch normalisation), which weights cannot hold")

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        """``(n, length)``, drawn layer by layer."""
        genomes = torch.empty(n, self.length, device=rng.device)
        fill(parameters(self.template, genomes), self.init, rng)
        return genomes

    def weights(self, genomes: torch.Tensor) -> torch.Tensor:
        """The genomes themselves."""
        return genomes

    def module(self, weights: torch.Tensor) -> nn.Module:
        """A network with these weights, ``(length,)``, of its own memory, in evaluation mode."""
        module = copy.deepcopy(self.template).to(weights.device)
        blocks = parameters(module, weights.unsqueeze(0))
        module.load_state_dict({name: block[0] for name, block in blocks.items()}, strict=False)  # buffers stay
        return module

    def describe(self, genome: torch.Tensor) -> dict[str, Any]:
        """The number of weights, their norm, and the largest."""
        return {"weights": len(genome), "norm": genome.norm().item(), "largest": genome.abs().max().item()}

    def _build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """The network, after two examples have passed through it."""
        with torch.random.fork_rng(devices=[]):  # modules draw weights from torch's global stream
            torch.manual_seed(0)
            try:
                module = self.network.build(shape, outputs).eval().requires_grad_(False)
                given = module(torch.zeros(2, *shape)).shape
            except ConfigError as error:
                mistakes = [mistake._replace(key=("network", *mistake.key)) for mistake in error.mistakes]
                raise ConfigError(mistakes=mistakes) from error
            except Exception as error:
                reason = " ".join(str(error).split())
                raise ConfigError("network", f"cannot take inputs of shape {shape}: {reason}") from error
        if given != (2, outputs):
            raise ConfigError("network", f"gives {tuple(given)} for 2 inputs, not (2, {outputs})")
        return module
