import numpy as np
import pytest

from evoplug_rl.area import Area


def shares(old, new):
    """By exact overlaps: (new, old)."""
    edges = np.arange(new + 1) * old / new
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0) * new / old


@pytest.mark.parametrize("side", [84, 42, 160, 7, 1])
def test_each_pixel_is_the_mean_of_those_under_it(side):
    image = np.random.default_rng(1).integers(0, 256, (210, 160)).astype(np.uint8)
    exact = shares(210, side) @ image @ shares(160, side).T
    small = Area(210, 160, side)(image)
    assert small.dtype == np.uint8
    assert np.abs(small - exact).max() <= 0.5 + 1e-3


def test_three_pixels_on_two_by_hand():
    image = np.array([[0, 30, 90]] * 3, np.uint8)
    assert Area(3, 3, 2)(image).tolist() == [[10, 70]] * 2


def test_a_plain_image_stays_plain():
    assert (Area(250, 160, 84)(np.full((250, 160), 255, np.uint8)) == 255).all()
