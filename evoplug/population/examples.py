"""The examples of a data set, held to what the contract and the data set itself promise of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evoplug.errors import require

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "validation", "test")


def load(dataset: Any) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """split -> examples and labels, of the splits that have any.

    Args:
        dataset: a :class:`evoplug.contracts.Dataset`, which has a method for this.

    Raises:
        FilesError: as the data set's ``load``.
        PluginError: if what it gives is not what it promises, in one line.
    """
    info = dataset.info()
    require(dataset, wrong_info(info))
    loaded = {split: dataset.load(split) for split in SPLITS if info.sizes.get(split, not info.sizes)}
    for split, given in loaded.items():
        require(dataset, wrong(info, split, given))
    return {split: (x, y) for split, (x, y) in loaded.items() if len(y)}


def wrong_info(info: Any) -> str | None:
    """What is wrong with what ``info`` gave."""
    if missing := [name for name in ("shape", "classes", "sizes") if not hasattr(info, name)]:
        return f"info() must return a DatasetInfo, got {_kind(info)} without {missing[0]}"
    shape, classes, sizes = info.shape, info.classes, info.sizes
    if not isinstance(shape, Iterable) or not all(_whole(side, 1) for side in shape):
        return f"info(): shape must be whole numbers from 1 on, one for each dimension of an example, got {shape!r}"
    if not _whole(classes, 1):
        return f"info(): classes must be a whole number from 1 on, got {classes!r}"
    if not isinstance(sizes, Mapping) or not all(_whole(size, 0) for size in sizes.values()):
        return f"info(): sizes must be a mapping split -> number of examples, got {sizes!r}"
    if strange := [split for split in sizes if split not in SPLITS]:
        return f"info(): sizes names the split {strange[0]!r}; splits are {', '.join(SPLITS)}"
    return None


def wrong(info: Any, split: str, given: Any) -> str | None:
    """What is wrong with what ``load(split)`` gave, where ``info`` is right."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        got = f"{len(given)} values" if isinstance(given, tuple | list) else _kind(given)
        return f"load({split!r}) must return two tensors, examples and labels, got {got}"
    x, y = given
    there = x.shape[0] if getattr(x, "ndim", 0) else 0
    n = int(info.sizes.get(split, there))
    return (
        _unlike(f"{split} examples must be", "float32", (n, *map(int, info.shape)), x)
        or _unlike(f"{split} labels must be class numbers,", "int64", (n,), y)
        or (_values(info.classes, split, x, y) if n else None)
    )


def _unlike(what: str, dtype: str, shape: tuple[int, ...], given: Any) -> str | None:
    """What is wrong with the kind of a tensor."""
    import torch

    wanted = f"{what} {dtype} {shape}"
    if not isinstance(given, torch.Tensor):
        return f"{wanted}, in a torch tensor, got {_kind(given)}"
    if given.dtype != getattr(torch, dtype) or given.shape != shape:
        return f"{wanted}, got {str(given.dtype).removeprefix('torch.')} {tuple(given.shape)}"
    if given.layout != torch.strided or given.device.type != "cpu":
        return f"{wanted}, dense and on the CPU, got {str(given.layout).removeprefix('torch.')} on {given.device}"
    return f"{wanted}, without gradients, got one that requires them" if given.requires_grad else None


def _values(classes: int, split: str, x: torch.Tensor, y: torch.Tensor) -> str | None:
    """What is wrong with the numbers of a split that is not empty."""
    low, high = (int(bound) for bound in y.aminmax())
    if low < 0 or high >= classes:
        return f"{split} labels must be from 0 to {classes - 1} ({classes} classes), got {low} to {high}"
    # Smallest and largest take no memory beside a data set that may fill half of it; NaN is either.
    if x.numel() and not all(bound.isfinite() for bound in x.aminmax()):
        row = next(row for row, example in enumerate(x) if not example.isfinite().all())
        return f"{split} examples must be finite, number {row} (from 0) holds NaN or an infinity"
    return None


def _whole(value: Any, least: int) -> bool:
    """Whether a value is an integer from ``least`` on, of Python or of numpy."""
    return hasattr(value, "__index__") and not isinstance(value, bool) and value.__index__() >= least


def _kind(value: Any) -> str:
    module = type(value).__module__
    return "None" if value is None else f"{'' if module == 'builtins' else module + '.'}{type(value).__qualname__}"
