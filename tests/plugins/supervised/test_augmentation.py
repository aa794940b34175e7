"""Random changes of images: turned as torchvision turns single images, moved, mirrored, the same on any device."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import affine
from torchvision.transforms.v2.functional import rotate as rotated

from evoplug import Rng
from evoplug_supervised.augmentation import AUGMENTATIONS, augmented, rotate, stream, translate
from evoplug_supervised.augmentation import flip_vertical as flipped
from evoplug_supervised.rotation import Turning, turned
from evoplug_supervised.teams import Alone, Stack, state_of

SIDES = [(9, 9), (10, 10), (8, 14)]
ALL = tuple(AUGMENTATIONS.values())


def pictures(n, *shape):
    return torch.rand(n, *shape, generator=Rng(0).torch)


# ------------------------------------------------------------------------------------------------------ rotation


@pytest.mark.parametrize("sides", SIDES)
def test_each_image_is_turned_as_torchvision_turns_one(sides):
    images, angles = pictures(7, 3, *sides), torch.tensor([0, 30, 45, 90, 137.5, 270, 359])
    for new, old, angle in zip(turned(images, angles), images, angles.tolist(), strict=True):
        torch.testing.assert_close(new, rotated(old, angle, InterpolationMode.BILINEAR), atol=1e-5, rtol=0)


def test_a_quarter_turn_moves_pixels_and_a_whole_one_none():
    images = pictures(3, 2, 6, 6)
    quarter, half, whole = (turned(images, torch.full((3,), angle)) for angle in (90, 180, 360))
    torch.testing.assert_close(quarter, images.rot90(1, (-2, -1)), atol=1e-5, rtol=0)
    torch.testing.assert_close(half, images.flip(-1, -2), atol=1e-5, rtol=0)
    torch.testing.assert_close(whole, images, atol=1e-5, rtol=0)


def test_zeros_come_in_at_the_corners():
    white = turned(torch.ones(1, 1, 21, 21), torch.tensor([45.0]))[0, 0]
    assert white[0, 0] == white[-1, 0] == white[0, -1] == white[-1, -1] == 0
    assert white[5:16, 5:16].min() == pytest.approx(1)


def test_any_angle_is_as_likely_as_another():
    """A dot to the right of the centre goes round: its place tells the angle."""
    images = torch.zeros(4000, 1, 41, 41)
    images[:, 0, 20, 38] = 1
    weights = rotate(images, Rng(1))[:, 0]
    weights = weights / weights.sum((1, 2), keepdim=True)
    across = torch.arange(41.0) - 20
    angles = torch.atan2(-(weights.sum(2) @ across), weights.sum(1) @ across).rad2deg() % 360
    counts = angles.histc(8, 0, 360)
    assert counts.sum() == 4000
    assert (counts - 500).abs().max() < 4 * 500**0.5


# ------------------------------------------------------------------------------------------- moves and mirror images


@pytest.mark.parametrize("sides", SIDES)
def test_translate_moves_each_image_by_up_to_a_fifth_as_torchvision_moves_one(sides):
    images = pictures(64, 2, *sides)
    down, right = (side // 5 for side in sides)
    moves = list(product(range(-down, down + 1), range(-right, right + 1)))
    seen = set()
    for new, old in zip(translate(images, Rng(1)), images, strict=True):
        found = [(y, x) for y, x in moves if torch.equal(new, affine(old, 0, [x, y], 1, [0, 0]))]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 0.8 * len(moves)


def test_an_image_without_a_whole_pixel_to_move_by_stays():
    images = pictures(5, 1, 4, 4)
    assert torch.equal(translate(images, Rng(1)), images)


def test_flip_vertical_mirrors_about_half_of_the_images_top_to_bottom():
    images = pictures(64, 3, 5, 4)
    mirrored = [torch.equal(new, old.flip(-2)) for new, old in zip(flipped(images, Rng(1)), images, strict=True)]
    same = [torch.equal(new, old) for new, old in zip(flipped(images, Rng(1)), images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 20 < sum(mirrored) < 44


# ---------------------------------------------------------------------------------------------------- all together


def test_changes_are_drawn_on_the_cpu_wherever_images_are():
    elsewhere = augmented(torch.empty(6, 3, 10, 10, device="meta"), ALL, on_cpu := stream(Rng(5, "meta")))
    assert elsewhere.shape == (6, 3, 10, 10)
    augmented(pictures(6, 3, 10, 10), ALL, here := stream(Rng(5)))
    assert torch.equal(on_cpu.torch.get_state(), here.torch.get_state())


def test_on_the_cpu_the_stream_is_the_one_that_it_was():
    assert torch.equal(stream(Rng(5)).torch.get_state(), Rng(5).torch.get_state())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_memory_format_stays(layout):
    images = pictures(6, 3, 10, 10).contiguous(memory_format=layout)
    for changes in ((), *((change,) for change in ALL), ALL):
        new = augmented(images, changes, Rng(1))
        assert new.is_contiguous(memory_format=layout)
        assert torch.equal(new, augmented(images.contiguous(), changes, Rng(1)))


def test_the_next_batch_is_changed_in_other_ways():
    images, noise = pictures(8, 1, 10, 10), Rng(1)
    assert not torch.equal(augmented(images, ALL, noise), augmented(images, ALL, noise))


# ------------------------------------------------------------------------------------------------ turning networks


class Corner(nn.Module):
    """Logits: the upper left pixel, and minus it."""

    def forward(self, x):
        pixel = x[..., 0, 0, 0]
        return torch.stack([pixel, -pixel], -1)


def test_four_rotations_are_the_mean_logits_of_four_corners():
    images = pictures(5, 1, 6, 6)
    corners = images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].mean(1)
    logits = Turning(Alone(Corner()), 4)(images)
    torch.testing.assert_close(logits, torch.stack([corners, -corners], -1), atol=1e-5, rtol=0)


def test_one_rotation_is_the_network_itself():
    images = pictures(5, 1, 6, 6)
    assert torch.equal(Turning(Alone(Corner()), 1)(images), Corner()(images))


def test_a_network_that_turns_images_by_quarters_cannot_tell_one_from_its_quarter_turn():
    images = pictures(4, 1, 8, 8)
    network = Turning(Alone(nn.Sequential(nn.Flatten(), nn.Linear(64, 3))), 4)
    torch.testing.assert_close(network(images), network(images.rot90(1, (-2, -1))), atol=1e-5, rtol=0)


def test_networks_side_by_side_turn_images_as_each_alone():
    modules = [nn.Sequential(nn.Flatten(), nn.Linear(36, 3)) for _ in range(2)]
    stack = Stack(modules[0], (1, 6, 6), 2)
    stack.load([state_of(module) for module in modules])
    images = pictures(5, 1, 6, 6)
    together = Turning(stack, 8)(images.expand(2, *images.shape))
    for logits, module in zip(together, modules, strict=True):
        torch.testing.assert_close(logits, Turning(Alone(module), 8)(images))
