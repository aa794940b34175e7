"""What a network promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from evoplug.contracts import ConfigError, Network
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree, stored


class NetworkSuite(Suite):
    """Weights may come from torch's global random numbers, as those of all modules do."""

    group = "networks"
    shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((3, 32, 32), (1, 8, 8), (10,), (4, 84, 84))
    """Inputs, without the batch; it has to take at least one of them."""
    outputs: ClassVar[int] = 7

    def test_logits_have_a_row_an_example(self, example: Mapping[str, Any]) -> None:
        """For inputs of each shape that it does not refuse."""
        taken = []
        for shape in self.shapes:
            try:
                module = self.built(example, shape)
            except ConfigError:
                continue
            taken.append(shape)
            assert isinstance(module, nn.Module)
            with torch.no_grad():
                logits = module.eval()(torch.zeros(2, *shape))
            assert logits.shape == (2, self.outputs), f"for inputs of shape {shape}"
            assert logits.dtype == torch.float32
        assert taken, f"it takes none of {self.shapes}: set `shapes`"

    def test_every_module_is_its_own(self, example: Mapping[str, Any]) -> None:
        network: Network = self.build(example)
        shape = self.first(example)
        one, two = (network.build(shape, self.outputs) for _ in range(2))
        before = {name: value.clone() for name, value in two.state_dict().items()}
        with torch.no_grad():
            for parameter in one.parameters():
                parameter.zero_()
        agree("two modules share their weights", dict(two.state_dict()), before)

    def test_weights_depend_on_torchs_random_numbers_alone(self, example: Mapping[str, Any]) -> None:
        built = []
        for seed in (1, 2):
            with seeded(seed, may_draw=["torch"]):
                torch.manual_seed(0)
                built.append(dict(self.built(example, self.first(example)).state_dict()))
        agree("its weights depend on other random numbers than torch's", *built)

    def test_weights_are_plain_data(self, example: Mapping[str, Any]) -> None:
        stored(self.built(example, self.first(example)).state_dict(), "the state of the module")

    def built(self, example: Mapping[str, Any], shape: tuple[int, ...]) -> nn.Module:
        """A module for inputs of this shape."""
        network: Network = self.build(example)
        return network.build(shape, self.outputs)

    def first(self, example: Mapping[str, Any]) -> tuple[int, ...]:
        """The first shape that it takes."""
        for shape in self.shapes:
            try:
                self.built(example, shape)
                return shape
            except ConfigError:
                continue
        pytest.fail(f"it takes none of {self.shapes}: set `shapes`")
