"""What methods on supervised problems share: data sets, networks, losses, weight vectors, the trainer.

The names below are for other plugins too; they are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Adam": "optimizers",
    "Classification": "classification",
    "Images": "datasets.images",
    "Source": "datasets.images",
    "data_folder": "folder",
    "fetch": "folder",
    "INITIALISERS": "initialisers",
    "fill": "initialisers",
    "initialise": "initialisers",
    "LOSSES": "losses",
    "Noise": "noise",
    "SGD": "optimizers",
    "cross_entropy": "losses",
    "of_data": "size",
    "of_weights": "size",
    "per_example": "losses",
    "subset": "datasets.stratified",
    "Train": "train",
    "Weights": "weights",
    "with_preprocessing": "preprocessing",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
