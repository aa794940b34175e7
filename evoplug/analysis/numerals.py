"""Numbers as people read them."""

from __future__ import annotations

import math

NOTHING = "-"
"""For what is not there, or is not a number."""
LARGE, SMALL = 1e15, 1e-4
"""Sizes beyond which digits before or behind the point are no longer read, and numbers take the scientific form."""


def number(value: float | None, digits: int = 4) -> str:
    """So many significant digits; counts in full, what is very large or small in the scientific form.

    ``1,234,567``, ``0.1235``, ``1,234.6``, ``1.234e-07``; ``infinite`` for what no number can hold.
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if not value:
        return "0"  # without a sign
    if abs(value) >= LARGE or abs(value) < SMALL:
        return f"{value:.{digits}g}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def spread(mean: float, deviation: float) -> str:
    """Mean and deviation to the deviation's second digit: ``0.9123 ± 0.0041``; the mean alone without a deviation."""
    if not deviation > 0:
        return number(mean) + (" ± 0" if deviation == 0 else "")
    largest = max(abs(mean), deviation)
    if not SMALL <= largest < LARGE or deviation < 1e-12:
        return f"{number(mean)} ± {number(deviation, 2)}"
    digits = max(0, 1 - math.floor(math.log10(deviation)))
    return f"{mean:,.{digits}f} ± {deviation:,.{digits}f}"
