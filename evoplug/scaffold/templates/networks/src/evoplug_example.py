"""Network ``example``."""

from math import prod
from typing import Annotated

from evoplug.contracts import Ge, Network, dataclass
from torch import nn


@dataclass(kw_only=True)
class Example(Network):
    """One hidden layer with normalised units, on the flattened inputs."""

    units: Annotated[int, Ge(1), "of the hidden layer"] = 32

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """A new module from inputs ``(n, *shape)`` to logits ``(n, outputs)``."""
        hidden = [nn.Linear(prod(shape), self.units), nn.LayerNorm(self.units), nn.ReLU()]
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(self.units, outputs))
