"""Network ``mlp``."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Annotated, Literal

from torch import nn

from evoplug.contracts import Ge, MaxLen, Network, dataclass

_ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


@dataclass(kw_only=True)
class MLP(Network):
    """A multilayer perceptron on the flattened inputs, any shape."""

    hidden: Annotated[
        tuple[Annotated[int, Ge(1)], ...], MaxLen(1000), "units of each hidden layer; none: a linear classifier"
    ] = (64,)
    bias: Annotated[bool, "whether the layers have biases"] = True
    activation: Annotated[Literal["relu", "tanh", "sigmoid", "elu", "gelu", "silu"], "after each hidden layer"] = "relu"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, units in pairwise((prod(shape), *self.hidden)):
            layers += [nn.Linear(inputs, units, self.bias), _ACTIVATIONS[self.activation]()]
        last = self.hidden[-1] if self.hidden else prod(shape)
        return nn.Sequential(*layers, nn.Linear(last, outputs, self.bias))
