"""Whether bounds are a space to search in, and steps go anywhere, as numbers of the type that genomes have."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import torch

Bound = float | list[float] | None
"""One for all genes, one a gene, or not known yet."""


def mistakes(low: Bound, high: Bound, dtype: str, scale: str = "linear") -> Iterator[tuple[str, str]]:
    """(key, message), the key "low" or "high", of what is wrong; at most one for each key.

    Bounds are first what the type makes of them: a number may become 0, infinite, or equal to another one.

    Args:
        low, high: as many as there are genes, or one.
        dtype: "float64" or "float32".
        scale: "linear" or "log".
    """
    lower, upper = cast(low, dtype), cast(high, dtype)
    for key, given, bound in (("low", low, lower), ("high", high, upper)):
        if bound is not None and not bound.isfinite().all():
            gene = int(bound.isfinite().logical_not().nonzero()[0])
            yield key, f"{_gene(given, gene)}{_number(given, gene)} is infinite in {dtype}"
            return
    if lower is not None and scale == "log" and (lower <= 0).any():
        gene = int((lower <= 0).nonzero()[0])
        number = _number(low, gene)
        got = f"got {number}" if number <= 0 else f"{number} is 0 in {dtype}"
        yield "low", f'{_gene(low, gene)}must be above 0 on scale "log", {got}'
    elif lower is not None and upper is not None:
        yield from _together(low, high, lower, upper, dtype, scale)


def lost(number: float, dtype: str) -> str | None:
    """What is wrong with a number above 0 that its type makes 0 or infinite."""
    kept = float(torch.tensor(number, dtype=torch.float64).to(getattr(torch, dtype)))
    if kept in (0, inf):
        return f"{number:g} is {'infinite' if kept else '0'} in {dtype}"
    return None


def cast(bound: Bound, dtype: str) -> torch.Tensor | None:
    """``(1,)`` or ``(d,)`` of this type, in natural units."""
    if bound is None:
        return None
    return torch.tensor(bound if isinstance(bound, list) else [bound], dtype=torch.float64).to(getattr(torch, dtype))


def _together(
    low: Bound, high: Bound, lower: torch.Tensor, upper: torch.Tensor, dtype: str, scale: str
) -> Iterator[tuple[str, str]]:
    genes = min(len(bound) for bound in (lower, upper) if len(bound) > 1) if len(lower) + len(upper) > 2 else 1
    lower, upper = (bound.expand(genes) if len(bound) == 1 else bound[:genes] for bound in (lower, upper))
    width = upper.log() - lower.log() if scale == "log" else upper - lower
    wrong = (width <= 0).logical_or(width.isinf())
    if not wrong.any():
        return
    gene = int(wrong.nonzero()[0])
    where = _gene(low, gene) or _gene(high, gene)
    a, b = _number(low, gene), _number(high, gene)
    if a >= b:
        yield "low", f"{where}must be below high, got {a} and {b}"
    elif width[gene].isinf():
        yield "low", f"{where}high - low, of {a} and {b}, is infinite in {dtype}"
    else:
        what = "have one logarithm" if scale == "log" and lower[gene] < upper[gene] else "are one number"
        yield "low", f"{where}must be below high, and {a} and {b} {what} in {dtype}"


def _gene(bound: Bound, gene: int) -> str:
    return f"gene {gene}: " if isinstance(bound, list) else ""


def _number(bound: Bound, gene: int) -> float:
    number = bound[gene] if isinstance(bound, list) else bound
    assert number is not None
    return number
