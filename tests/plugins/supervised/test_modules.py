"""A module from Python where a network stands: copies of it are searched and trained, and it stays as it is."""

import json

import pytest
import torch
from torch import nn

import evoplug
from evoplug.contracts import Network
from evoplug_supervised import Weights

MLP = {"use": "mlp", "hidden": [16], "activation": "tanh"}


class Net(nn.Module):
    """For the digits."""

    def __init__(self, units: int = 16, outputs: int = 10) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, units), nn.Linear(units, outputs)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x.flatten(1))) + torch.zeros(len(x), 1))


def chain() -> nn.Module:
    """What ``mlp`` makes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))


def normalised() -> nn.Module:
    layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
    layers(torch.randn(8, 64) + 5)
    return layers


def searched(network, **more):
    return {
        "run": {"stop": {"generations": 3}},
        "strategy": {"use": "leea", "population": 10},
        "genotype": {"use": "weights", "network": network},
        "evaluator": "classification",
        **more,
    }


def trained(network):
    return {
        "run": {"stop": {"generations": 2}},
        "strategy": "gradient-descent",
        "evaluator": {"use": "train", "network": network},
    }


@pytest.mark.parametrize("configuration", [searched, trained])
def test_a_module_gives_the_run_of_the_network_that_it_is_like(tmp_path, configuration) -> None:
    given = evoplug.run(configuration(chain()), out=tmp_path / "given")
    named = evoplug.run(configuration(MLP), out=tmp_path / "named")
    assert given.records["best"] == named.records["best"]
    assert given.test == named.test


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_it_has_learned_is_neither_used_nor_changed(tmp_path, dtype) -> None:
    module = normalised().to(dtype).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    run = evoplug.run(trained(module), out=tmp_path / "run")
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in before.items())
    assert not module.training
    new = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
    assert evoplug.run(trained(new), out=tmp_path / "new").records["best"] == run.records["best"]


def test_a_run_notes_it_as_an_object_and_resumes_with_one_like_it(tmp_path) -> None:
    run = evoplug.run(searched(Net()), out=tmp_path / "run")
    assert run.config["genotype"]["network"] == {"use": "object of Net"}
    row = json.loads((run.folder / "plugins.lock").read_text())["genotype.network"]
    assert row["object"] == f"{__name__}:Net"
    assert row["parameters"]["layers.second"] == "Linear(in_features=16, out_features=10, bias=True)"
    more = {"run.stop.generations": 4}
    resumed = evoplug.resume(run, more, genotype={"network": Net()})
    assert resumed.records["best"] == evoplug.run(searched(Net()), more, out=tmp_path / "whole").records["best"]
    with pytest.raises(evoplug.FilesError, match=r"genotype.network.layers.first is .*out_features=8"):
        evoplug.resume(run, {"run.stop.generations": 5}, genotype={"network": Net(8)})
    with pytest.raises(evoplug.ConfigError, match="must be an object of Net again, got an object of Sequential"):
        evoplug.resume(run, {"run.stop.generations": 5}, genotype={"network": chain()})


def test_its_solution_goes_back_into_it(tmp_path) -> None:
    """As the page on own problems says."""
    module = Net()
    best = evoplug.run(searched(module), out=tmp_path / "run").best
    nn.utils.vector_to_parameters(best.genome, module.parameters())
    assert torch.equal(nn.utils.parameters_to_vector(module.parameters()), best.genome)
    best = evoplug.run(trained(module), out=tmp_path / "trained").best
    state = best.member.states[0]
    module.load_state_dict(state["weights"] | state["buffers"])


def test_it_stands_in_a_sweep_and_in_a_call_of_build(tmp_path) -> None:
    runs = evoplug.sweep(searched(Net(), sweep={"arms": {"wide": {"genotype.network": Net(32)}}}), out=tmp_path / "s")
    assert [len(run.best.genome) for run in runs] == [64 * 16 + 16 * 10 + 26, 64 * 32 + 32 * 10 + 42]
    assert repr(evoplug.build("genotypes", "weights", network=Net()).network) == "Network.adopt(Net)"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (searched(Net), "genotype.network: `Net` is a class: give a module, Net(...)"),
        (searched(Net(outputs=3)), "genotype.network: gives (2, 3) for 2 inputs, not (2, 10)"),
        (trained(Net(outputs=3)), "evaluator.network: gives (2, 3) for 2 inputs, not (2, 10)"),
        (trained(nn.Linear(3, 3)), "evaluator.network: cannot take inputs of shape (1, 8, 8): mat1 and mat2 shapes"),
        (searched(normalised()), "genotype.network: has running statistics (batch normalisation)"),
        (searched(chain(), evaluator=Net()), "evaluator: must be the name of an evaluator, or a table with use"),
        (
            searched(None, genotype=Weights(network=Net())),  # type: ignore[arg-type]
            "genotype.network: must be an object of Network: Network.adopt(...) makes one of a `Net`",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, config, message) -> None:
    with pytest.raises(evoplug.ConfigError) as caught:
        evoplug.run(config, out=tmp_path / "run")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_contract_makes_networks_for_objects_that_hold_one(tmp_path) -> None:
    genotype = Weights(network=Network.adopt(chain()))  # type: ignore[arg-type]
    run = evoplug.run(searched(None, genotype=genotype), out=tmp_path / "run")
    assert run.status == "finished"
    assert Network.adopt("mlp") is None
