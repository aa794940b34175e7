"""What networks make of images, and effective ranks that can be worked out by hand."""

import math

import pytest
import torch
from torch import nn

from evoplug_lexicase.representations import by_channel, effective_rank, represent


def network():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)
    ).eval()


IMAGES = torch.arange(2 * 3 * 6 * 6.0).sin().view(2, 3, 6, 6)


class TestRepresent:
    def test_maps_of_the_first_convolution_and_what_the_last_dense_layer_gets(self):
        whole = network()
        found = represent(whole, IMAGES)
        assert torch.equal(found.maps, whole[0](IMAGES))
        assert torch.equal(found.features, whole[:6](IMAGES))

    def test_leaves_the_network_as_it_is(self):
        whole = network()
        represent(whole, IMAGES)
        assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in whole.modules())
        with pytest.raises(RuntimeError):
            represent(whole, IMAGES[:, :2])  # of two colours
        assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in whole.modules())

    def test_without_a_dense_layer_there_are_no_features(self):
        assert represent(network()[:3], IMAGES).features is None

    def test_without_a_convolution_there_is_nothing(self):
        assert represent(nn.Sequential(nn.Flatten(), nn.Linear(108, 2)), IMAGES) is None


def test_every_place_of_every_image_is_a_row():
    maps = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    rows = by_channel(maps)
    assert rows.shape == (40, 3)
    assert rows[20 + 1 * 5 + 2].tolist() == maps[1, :, 1, 2].tolist()


class TestEffectiveRank:
    def test_as_many_as_vary_alike_on_their_own(self):
        rows = torch.cat([torch.eye(3), -torch.eye(3)])
        assert effective_rank(rows) == pytest.approx(3)
        assert effective_rank(torch.nn.functional.pad(rows, (0, 4))) == pytest.approx(3)

    def test_one_where_all_go_up_and_down_together(self):
        assert effective_rank(torch.arange(5.0)[:, None] * torch.tensor([1.0, -2.0, 0.0])) == pytest.approx(1)

    def test_by_hand(self):
        """Singular values 3 and 1, in shares 3/4 and 1/4."""
        rows = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]]) / math.sqrt(2)
        entropy = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
        assert effective_rank(rows) == pytest.approx(math.exp(entropy))

    def test_neither_scale_nor_mean_matter(self):
        rows = IMAGES.flatten(0, 1).flatten(1)
        assert effective_rank(100 + 7 * rows.double()) == pytest.approx(effective_rank(rows.double()))

    @pytest.mark.parametrize("count", [1, 4])
    def test_rows_that_are_all_equal_spread_over_nothing(self, count):
        assert effective_rank(torch.ones(count, 3)) == 0

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_of_numbers_that_are_not_finite_there_is_none(self, value):
        assert math.isnan(effective_rank(torch.tensor([[value, 1.0], [0, 1]])))
