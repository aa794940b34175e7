from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import vector_to_parameters

from evoplug import Rng
from evoplug.population import forward as module_under_test
from evoplug.population.forward import each, forward, layout, map_outputs, parameters, prepared
from evoplug.population.workers import workers


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)

    def forward(self, x):
        return x + self.inner(x).relu()


class Viewed(nn.Module):
    """A network that cannot have its channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.front, self.back = nn.Conv2d(2, 3, 2), nn.Linear(12, 2)

    def forward(self, x):
        return self.back(self.front(x).view(len(x), -1))


def mlp(*widths, bias=True, activation=nn.ReLU):
    layers = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after, bias), activation()]
    return nn.Sequential(*layers[:-1])


NETWORKS = {
    "mlp": (mlp(6, 5, 4, 3), (2, 3)),
    "without biases": (mlp(6, 4, 3, bias=False, activation=nn.Tanh), (6,)),
    "linear": (nn.Linear(6, 3), (6,)),
    "nested": (nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(6, 4), nn.ReLU()), nn.Linear(4, 2)), (1, 2, 3)),
    "convolution": (nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)), (1, 2, 3)),
    "view": (Viewed(), (2, 3, 3)),
    "residual": (nn.Sequential(nn.Flatten(), Residual(), nn.Linear(6, 3)), (2, 3)),
    "group norm": (nn.Sequential(nn.Unflatten(1, (2, 3)), nn.GroupNorm(2, 2), nn.Flatten(), nn.Linear(6, 3)), (6,)),
    "softmax inside": (nn.Sequential(nn.Linear(6, 4), nn.Softmax(-1), nn.Linear(4, 2)), (6,)),
    "no flattening": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), (2, 3)),
    "activation first": (nn.Sequential(nn.ReLU(), nn.Linear(6, 2)), (6,)),
}


def population(template, n, shape, batch, seed=1):
    rng = Rng(seed)
    length = sum(p.numel() for p in template.parameters())
    return torch.randn(n, length, generator=rng.torch), torch.randn(batch, *shape, generator=rng.torch)


def one_by_one(template, genomes, x):
    outputs = []
    for genome in genomes:
        vector_to_parameters(genome.clone(), template.parameters())
        outputs.append(template(x.clone()).detach())
    return torch.stack(outputs)


@pytest.mark.parametrize("batch", [1, 5, 40])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_row_gives_what_its_own_network_gives(name, batch):
    template, shape = NETWORKS[name]
    genomes, x = population(template, 7, shape, batch)
    before = x.clone()
    outputs = forward(template, genomes, x)
    torch.testing.assert_close(outputs, one_by_one(template, genomes, x))
    assert torch.equal(x, before)


def test_a_linear_layer_by_hand():
    genomes = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])  # w1, w2, b
    x = torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    expected = torch.tensor([[[6.0], [5.0]], [[-0.5], [0.5]]])
    assert torch.equal(forward(nn.Linear(2, 1), genomes, x), expected)


def test_a_shared_layer_is_applied_twice():
    layer, relu = nn.Linear(3, 3), nn.ReLU()
    template = nn.Sequential(layer, relu, layer, relu, nn.Linear(3, 2))
    genomes, x = population(template, 4, (3,), 20)
    torch.testing.assert_close(forward(template, genomes, x), one_by_one(template, genomes, x))


def test_parameters_are_views_in_the_order_of_the_template():
    template = nn.Linear(2, 2)
    genomes = torch.arange(12.0).view(2, 6)
    named = parameters(template, genomes)
    assert named["weight"][1].tolist() == [[6, 7], [8, 9]]
    assert named["bias"][1].tolist() == [10, 11]
    named["bias"].zero_()
    assert genomes[:, 4:].eq(0).all()


@settings(max_examples=25)
@given(
    name=st.sampled_from(["mlp", "without biases", "convolution"]),
    n=st.integers(1, 70),
    batch=st.sampled_from([3, 33]),
    rows=st.integers(1, 40),
    count=st.integers(1, 3),
)
def test_neither_pieces_nor_workers_change_a_bit(name, n, batch, rows, count):
    template, shape = NETWORKS[name]
    genomes, x = population(template, n, shape, batch)

    def reduce(outputs):
        return outputs.log_softmax(-1).mean(1)

    with workers(1):
        expected = map_outputs(template, genomes, x, reduce)
    with pytest.MonkeyPatch.context() as patch, workers(count):
        patch.setattr(module_under_test, "_rows", lambda *_: rows)
        patch.setattr(module_under_test, "_CALLED", rows)
        assert torch.equal(map_outputs(template, genomes, x, reduce), expected)


@pytest.mark.parametrize("activation", [nn.ELU, nn.GELU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Tanh])
@pytest.mark.parametrize("batch", [1, 3, 33])
def test_no_activation_depends_on_how_many_networks_there_are(activation, batch):
    """Those of `exp` round the last few numbers of a tensor otherwise than the rest."""
    genomes, x = population(template := mlp(6, 5, 7, 3, activation=activation), 29, (6,), batch)
    with workers(1):
        expected = forward(template, genomes, x)
        for rows in (slice(0, 1), slice(3, 5), slice(10, 29)):
            assert torch.equal(forward(template, genomes[rows], x), expected[rows])
    with workers(4):
        assert torch.equal(forward(template, genomes, x), expected)


@pytest.mark.parametrize("batch", [1, 5, 40])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_inputs_of_its_own(name, batch):
    template, shape = NETWORKS[name]
    genomes, x = population(template, 7, shape, 7 * batch)
    x = x.unflatten(0, (7, batch))
    before = x.clone()
    expected = torch.cat([one_by_one(template, genomes[row : row + 1], x[row]) for row in range(7)])
    torch.testing.assert_close(each(template, genomes, x), expected)
    assert torch.equal(x, before)


@pytest.mark.parametrize("batch", [1, 3, 20])
@pytest.mark.parametrize("name", ["mlp", "convolution"])
def test_any_rows_may_be_prepared_and_give_the_same_bits(name, batch, monkeypatch):
    template, shape = NETWORKS[name]
    genomes, x = population(template, 7, shape, 7 * batch)
    x, rows = x.unflatten(0, (7, batch)), [6, 0, 0, 3]
    with workers(1):
        alone = torch.cat([each(template, genomes[row : row + 1], x[row : row + 1]) for row in range(7)])
        assert torch.equal(each(template, genomes, x), alone)
    monkeypatch.setattr(module_under_test, "_LEAST", 0)
    with workers(3):
        assert torch.equal(each(template, genomes, x), alone)
        many = prepared(template, genomes, rows, x[0])
        assert torch.equal(many(x[rows]), alone[rows])
        assert torch.equal(many(x[rows]), alone[rows])


@pytest.mark.parametrize("batch", [8, 64])
def test_the_number_of_workers_changes_no_bit_of_a_large_network(batch):
    genomes, x = population(template := mlp(196, 256, 128, 64, 10), 23, (1, 14, 14), batch)
    with workers(1):
        expected = forward(template, genomes, x)
    for count in (2, 3, 23):
        with workers(count):
            assert torch.equal(forward(template, genomes, x), expected)


def test_outputs_that_are_kept_are_not_written_over():
    template, shape = NETWORKS["mlp"]
    genomes, x = population(template, 200, shape, 20)
    kept = []
    map_outputs(template, genomes, x, lambda outputs: kept.append(outputs) or outputs.sum((1, 2)))
    assert torch.equal(torch.cat(kept), forward(template, genomes, x))


def test_weights_that_are_not_finite_stay_in_their_row():
    template, shape = NETWORKS["mlp"]
    genomes, x = population(template, 3, shape, 20)
    clean = forward(template, genomes, x)
    genomes[1] = torch.nan
    outputs = forward(template, genomes, x)
    assert outputs[1].isnan().all()
    assert torch.equal(outputs[[0, 2]], clean[[0, 2]])


def test_the_template_is_left_as_it_was():
    template, shape = NETWORKS["residual"]
    before = {name: value.clone() for name, value in template.state_dict().items()}
    genomes, x = population(template, 3, shape, 4)
    with workers(2):
        forward(template, genomes, x)
    assert all(torch.equal(before[name], value) for name, value in template.state_dict().items())


def test_convolutions_get_the_channels_last_where_the_network_can_take_them():
    convolution, images = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Flatten(), nn.Linear(12, 2)), torch.zeros(4, 2, 3, 3)
    assert layout(convolution, images) == torch.channels_last
    assert layout(Viewed(), images) == torch.contiguous_format
    assert layout(mlp(18, 2), images) == torch.contiguous_format
