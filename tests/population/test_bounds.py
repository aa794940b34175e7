"""Bounds and steps as the type of the genomes has them."""

import pytest

from evoplug.population import bounds

F32, F64 = "float32", "float64"
BELOW = "must be below high, and"


@pytest.mark.parametrize(
    ("low", "high", "dtype", "scale", "mistake"),
    [
        (1e-50, 1.0, F32, "log", ("low", 'must be above 0 on scale "log", 1e-50 is 0 in float32')),
        (-1.0, 1.0, F64, "log", ("low", 'must be above 0 on scale "log", got -1.0')),
        (1.0, 1 + 1e-8, F32, "linear", ("low", f"{BELOW} 1.0 and 1.00000001 are one number in float32")),
        (1e30, 1.0000002e30, F32, "log", ("low", f"{BELOW} 1e+30 and 1.0000002e+30 have one logarithm in float32")),
        (0.0, 1e39, F32, "linear", ("high", "1e+39 is infinite in float32")),
        ([0.0, -1e39], 1.0, F32, "linear", ("low", "gene 1: -1e+39 is infinite in float32")),
        (-1e308, 1e308, F64, "linear", ("low", "high - low, of -1e+308 and 1e+308, is infinite in float64")),
        (-3e38, [1.0, 3e38], F32, "linear", ("low", "gene 1: high - low, of -3e+38 and 3e+38, is infinite in float32")),
        (2.0, 1.0, F64, "linear", ("low", "must be below high, got 2.0 and 1.0")),
        (None, 1e39, F32, "linear", ("high", "1e+39 is infinite in float32")),
    ],
)  # fmt: skip
def test_what_is_no_space(low: bounds.Bound, high: bounds.Bound, dtype: str, scale: str, mistake: tuple) -> None:
    assert list(bounds.mistakes(low, high, dtype, scale)) == [mistake]


@pytest.mark.parametrize(
    ("low", "high", "dtype", "scale"),
    [
        (1e-50, 1.0, F64, "log"),
        (1.0, 1.00000001, F64, "linear"),
        (1e-30, 1e30, F32, "log"),
        ([0.0, 1.0], [1.0, 2.0], F32, "linear"),
        (None, 1.0, F32, "linear"),
        (None, None, F32, "log"),
    ],
)
def test_what_is_one(low: bounds.Bound, high: bounds.Bound, dtype: str, scale: str) -> None:
    assert not list(bounds.mistakes(low, high, dtype, scale))


def test_steps_that_go_nowhere() -> None:
    assert bounds.lost(1e-50, F32) == "1e-50 is 0 in float32"
    assert bounds.lost(1e39, F32) == "1e+39 is infinite in float32"
    assert bounds.lost(1e-50, F64) is None
    assert bounds.lost(1e-30, F32) is None
