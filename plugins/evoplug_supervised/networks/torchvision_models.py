"""Network ``torchvision``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

import torch
from torch import nn

from evoplug.contracts import ConfigError, Network, dataclass
from evoplug_supervised.networks.images import image_shape

_WITHOUT: dict[str, Any] = {"aux_logits": False, "init_weights": False}
_PLAIN = {"googlenet": _WITHOUT, "inception_v3": _WITHOUT}
"""Of the two with outputs beside the logits: without them, and without a slow drawing of weights."""


@dataclass(kw_only=True)
class TorchvisionModel(Network):
    """Any image classifier of torchvision, by the name that ``torchvision.models.get_model`` knows it by.

    Its last layer has the outputs that are wanted. Where images have other than three channels, its first convolution
    is replaced by one for as many. Layers have torchvision's own names (`fc` is the last of a resnet). Nothing is
    downloaded: a file of weights is what ``pretrained`` of `train` is for.
    """

    name: Annotated[str, "torchvision's, e.g. `resnet50`, `mobilenet_v3_small`"]

    examples = ({"name": "resnet18"}, {"name": "squeezenet1_1"})

    def check(self) -> Iterable[tuple[str, str]]:
        from torchvision import models

        if self.name not in (names := models.list_models(module=models)):
            near = get_close_matches(self.name.lower().replace("-", "_"), names)
            say = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names)}"
            yield "name", f"torchvision has no image classifier `{self.name}`; {say}"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, height, width = image_shape(shape)
        with torch.device("meta"):
            probe = self._made(channels, outputs).eval()
            try:
                probe(torch.zeros(2, *shape))
            except Exception as error:  # whatever a model raises
                reason = " ".join(str(error).split())
                raise ConfigError(
                    (), f"{self.name} cannot take images of {height} x {width} pixels: {reason}"
                ) from error
        return self._made(channels, outputs)

    def _made(self, channels: int, outputs: int) -> nn.Module:
        try:
            module = self._model(outputs)
        except NotImplementedError:  # some find their widths by tensors, and "meta" has no numbers
            device = torch.get_default_device()
            with torch.device("cpu"):
                module = self._model(outputs).to(device)
        if channels != 3:
            _take(module, channels)
        return module

    def _model(self, outputs: int) -> nn.Module:
        from torchvision import models

        module: nn.Module = models.get_model(self.name, weights=None, num_classes=outputs, **_PLAIN.get(self.name, {}))
        return module


def _take(module: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for images of so many channels."""
    name, old = next((name, layer) for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d))
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    module.set_submodule(name, new)
