"""Plain data and tensors: are two values the same to the bit, and can one be stored?"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from typing import Any

import pytest
import torch


def same(a: Any, b: Any) -> bool:
    """Whether two values agree to the bit: numbers, strings, tensors, and containers of them. NaN equals NaN."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and _bits(a, b)
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and same(vars(a), vars(b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def stored(value: Any, what: str) -> Any:
    """The value as a checkpoint gives it back. Fails the test where it is more than tensors and plain data."""
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
        buffer.seek(0)
        return torch.load(buffer, weights_only=True)
    except Exception as error:  # pickle and torch refuse in many ways
        pytest.fail(f"{what} must be tensors and plain data: {' '.join(str(error).split())[:200]}")


def _bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
