"""Plain data and tensors: are two values the same to the bit, and can one be stored?"""

from __future__ import annotations

import dataclasses
import io
import reprlib
from collections.abc import Mapping
from typing import Any

import pytest
import torch


def same(a: Any, b: Any) -> bool:
    """Whether two values agree to the bit: numbers, strings, tensors, and containers of them. NaN equals NaN."""
    return not difference(a, b)


def agree(otherwise: str, first: Any, *others: Any) -> None:
    """Fail the test, in these words and with the first difference, unless all values agree to the bit."""
    for other in others:
        if found := difference(first, other):
            pytest.fail(f"{otherwise}: {found.strip()}")


def difference(a: Any, b: Any, place: str = "") -> str:
    """Where two values first differ, and how; empty where they agree to the bit."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return _of_tensors(a, b, place)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if list(a) != list(b):
            return f"{place} keys {reprlib.repr(list(a))} against {reprlib.repr(list(b))}"
        return next(filter(None, (difference(a[key], b[key], f"{place}[{key!r}]") for key in a)), "")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return f"{place} {len(a)} items against {len(b)}"
        return next(filter(None, (difference(x, b[i], f"{place}[{i}]") for i, x in enumerate(a))), "")
    if type(a) is not type(b):
        return _said(a, b, place)
    if dataclasses.is_dataclass(a):
        names = (field.name for field in dataclasses.fields(a))
        return next(filter(None, (difference(getattr(a, n), getattr(b, n), f"{place}.{n}") for n in names)), "")
    return "" if a == b or (a != a and b != b) else _said(a, b, place)


def stored(value: Any, what: str) -> Any:
    """The value as a checkpoint gives it back. Fails the test where it is more than tensors and plain data."""
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
        buffer.seek(0)
        return torch.load(buffer, weights_only=True)
    except Exception as error:  # pickle and torch refuse in many ways
        pytest.fail(f"{what} must be tensors and plain data: {' '.join(str(error).split())[:200]}")


def _of_tensors(a: torch.Tensor, b: torch.Tensor, place: str) -> str:
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return f"{place} {a.dtype} {tuple(a.shape)} against {b.dtype} {tuple(b.shape)}"
    differ = (a != b) & ~((a != a) & (b != b))
    if not differ.any():
        return ""
    index = tuple(differ.nonzero()[0].tolist())
    return _said(a[index].item(), b[index].item(), f"{place}{list(index) if index else ''}")


def _said(a: Any, b: Any, place: str) -> str:
    return f"{place} {reprlib.repr(a)} against {reprlib.repr(b)}"
