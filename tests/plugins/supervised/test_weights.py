import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from evoplug import ConfigError, Rng, Task
from evoplug.contracts import Network
from evoplug.population.forward import forward
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.weights import Weights

TASK = Task(input_shape=(1, 4, 4), outputs=3)


def bound(network=None, task=TASK, **parameters):
    genotype = Weights(network=network or MLP(hidden=(5,)), **parameters)
    genotype.bind(task)
    return genotype


def test_genomes_are_rows_of_all_weights():
    genotype = bound()
    genomes = genotype.sample(7, Rng(1))
    assert genotype.length == 16 * 5 + 5 + 5 * 3 + 3
    assert genomes.shape == (7, genotype.length)
    assert genomes.dtype == torch.float32


def test_layers_are_drawn_by_their_own_fans_and_biases_are_zero():
    genomes = bound(MLP(hidden=(100,))).sample(50, Rng(1))
    first, bias, last = genomes[:, :1600], genomes[:, 1600:1700], genomes[:, 1700:2000]
    assert first.std().item() == pytest.approx(math.sqrt(2 / 116), rel=0.02)
    assert last.std().item() == pytest.approx(math.sqrt(2 / 103), rel=0.02)
    assert bias.eq(0).all()


def test_the_stream_alone_decides():
    genotype = bound()
    assert torch.equal(genotype.sample(3, Rng(1)), genotype.sample(3, Rng(1)))
    assert not torch.equal(genotype.sample(3, Rng(1)), genotype.sample(3, Rng(2)))
    rows = genotype.sample(3, Rng(1))
    assert not torch.equal(rows[0], rows[1])


def test_a_module_is_the_network_that_the_population_pass_computes():
    genotype = bound(ConvNet(channels=(2,), dense=(4,)))
    genomes, x = genotype.sample(2, Rng(1)), torch.randn(6, 1, 4, 4, generator=Rng(2).torch)
    expected = forward(genotype.template, genomes, x)
    for genome, outputs in zip(genomes, expected, strict=True):
        torch.testing.assert_close(genotype.module(genome)(x), outputs)


def test_a_module_has_its_own_memory():
    genotype = bound()
    genome = genotype.sample(1, Rng(1))[0]
    before = genome.clone()
    with torch.no_grad():
        genotype.module(genome).output.weight.zero_()
    assert torch.equal(genome, before)


def test_binding_and_building_draw_nothing_from_torchs_own_stream():
    before = torch.random.get_rng_state()
    genotype = bound()
    genotype.module(genotype.sample(1, Rng(1))[0])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_genome_is_described_in_a_few_numbers():
    genotype = bound(MLP(hidden=()), Task(input_shape=(2,), outputs=1))
    description = genotype.describe(torch.tensor([3.0, -4.0, 0.0]))
    assert description == {"weights": 3, "norm": 5.0, "largest": 4.0}


def test_a_network_that_does_not_fit_the_images_is_named_by_its_key():
    with pytest.raises(ConfigError, match=r"^network\.channels: .* too many for images of 4 x 4$"):
        bound(ConvNet(channels=(2, 2, 2)))


@pytest.mark.parametrize("task", [Task(), Task(input_shape=(4,)), Task(outputs=3)])
def test_a_problem_without_inputs_and_outputs_is_refused(task):
    with pytest.raises(ConfigError, match="inputs and outputs"):
        bound(task=task)


def test_running_statistics_are_refused():
    with pytest.raises(ConfigError, match=r"^network: has running statistics"):
        bound(ConvNet(channels=(2,), batch_norm=True))


class Normalised(Network):
    def build(self, shape, outputs):
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16, track_running_stats=False), nn.Linear(16, outputs))


def test_normalisation_without_running_statistics_is_welcome():
    genomes = bound(Normalised()).sample(2, Rng(1))
    assert genomes[:, :16].eq(1).all()


@dataclass
class Fixed(Network):
    module: nn.Module

    def build(self, shape, outputs):
        return self.module


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv2d(3, 1, 1), r"^network: cannot take inputs of shape \(1, 4, 4\): "),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), r"^network: gives \(2, 4\) for 2 inputs, not \(2, 3\)$"),
    ],
)
def test_a_network_that_does_not_say_itself_that_it_does_not_fit_is_tried(module, message):
    with pytest.raises(ConfigError, match=message) as caught:
        bound(Fixed(module))
    assert "\n" not in str(caught.value)
