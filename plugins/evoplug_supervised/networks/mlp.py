"""Network ``mlp``."""

from __future__ import annotations

from collections import OrderedDict
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
    """A multilayer perceptron on the flattened inputs, any shape.

    Its layers are `flatten`, `dense1`, `dense2`, ..., `output`.
    """

    hidden: Annotated[
        tuple[Annotated[int, Ge(1)], ...], MaxLen(1000), "units of each hidden layer; none: a linear classifier"
    ] = (64,)
    bias: Annotated[bool, "whether the layers have biases"] = True
    activation: Annotated[Literal["relu", "tanh", "sigmoid", "elu", "gelu", "silu"], "after each hidden layer"] = "relu"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
        widths = (prod(shape), *self.hidden)
        for number, (inputs, units) in enumerate(pairwise(widths), start=1):
            layers[f"dense{number}"] = nn.Sequential(
                nn.Linear(inputs, units, self.bias), _ACTIVATIONS[self.activation]()
            )
        layers["output"] = nn.Linear(widths[-1], outputs, self.bias)
        return nn.Sequential(layers)
