"""Solutions as files that need no evoplug."""

import json
import subprocess
import sys
from dataclasses import dataclass

import numpy
import pytest
import torch
from torch import nn

import evoplug
from evoplug import ConfigError, FilesError
from evoplug.catalogue import local
from evoplug.contracts import Model
from evoplug.running.exporting import export
from finished import LEEA, SPHERE, digits

ALONE = """
import sys
for name in ("evoplug", "evoplug_supervised", "evoplug_leea", "evoplug_basics"):
    sys.modules[name] = None  # an import of it fails
"""
MEASURE = """
import numpy
data = numpy.load(sys.argv[1])
predicted = model(torch.from_numpy(data["x"])).argmax(1).numpy()
print(float((predicted == data["y"]).mean()), len(model(torch.from_numpy(data["x"][:1]))))
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return evoplug.run(LEEA, out=tmp_path_factory.mktemp("runs") / "leea")


@pytest.fixture(scope="module")
def sphere(tmp_path_factory):
    return evoplug.run(SPHERE, out=tmp_path_factory.mktemp("runs") / "sphere")


def elsewhere(code, *arguments):
    """What a Python of its own prints."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def data(tmp_path):
    x, y = digits()
    numpy.savez(tmp_path / "data.npz", x=x.numpy(), y=y.numpy())
    return tmp_path / "data.npz"


def test_a_program_has_the_reported_test_accuracy_where_there_is_no_evoplug(network, data, tmp_path):
    exported = export(network.best, tmp_path / "it's a model.pt2")
    accuracy, one = elsewhere(ALONE + exported.load + MEASURE, data)
    assert float(accuracy) == pytest.approx(network.test["accuracy"], abs=1e-9)
    assert one == "1"
    assert len(exported.load.splitlines()) == 2


def test_weights_and_the_code_that_makes_the_network(network, data, tmp_path):
    exported = export(network.best, tmp_path / "model.pt")
    accuracy, _ = elsewhere("import sys\n" + exported.load + MEASURE, data)
    assert float(accuracy) == pytest.approx(network.test["accuracy"], abs=1e-9)
    assert torch.load(exported.path, weights_only=True)["source"] in exported.load


@pytest.mark.parametrize("file", ["model.pt2", "model.pt"])
def test_weights_that_the_evaluator_owned_are_in_the_file(owned, tmp_path, file):
    exported = export(evoplug.Run(owned.folder, owned.trusted).best, tmp_path / file)
    (output,) = elsewhere(ALONE + exported.load + "\nprint(model(torch.ones(1, 3)).sum().item())")
    assert float(output) == pytest.approx(owned.test["output"], abs=1e-4)


BOTH = """
print(*models, sep=",")
for model, width in zip(models.values(), (4, 5)):
    print(model(torch.ones(2, width)).sum().item(), *(len(model(torch.ones(n, width))) for n in (1, 7)))
"""


@pytest.mark.parametrize("file", ["models.pt2", "models.pt"])
def test_several_networks_are_in_one_file_under_their_names(pair, tmp_path, file):
    exported = export(evoplug.Run(pair.folder, pair.trusted).best, tmp_path / file)
    names, *numbers = elsewhere(ALONE + exported.load + BOTH)
    assert names == "first,it's/2nd"
    assert [float(sum_) for sum_ in numbers[::3]] == pytest.approx([*pair.test.values()], rel=1e-5)
    assert numbers[1::3] + numbers[2::3] == ["1", "1", "7", "7"]
    assert exported.notes == (
        "models[name](x) takes raw examples: x (n, 4), float32; name: first",
        "models[name](x) takes raw examples: x (n, 5), float32; name: it's/2nd",
    )


@pytest.mark.parametrize("file", ["models.pt2", "models.pt"])
def test_weights_that_networks_share_are_stored_once(pair, tmp_path, file):
    exported = export(evoplug.Run(pair.folder, pair.trusted).best, tmp_path / file)
    middle = 300 * 300 * 4
    assert middle < exported.path.stat().st_size < 1.5 * middle


def test_programs_that_were_loaded_share_no_memory(pair, tmp_path):
    """Nor do equal weights of one: whoever trains them on trains each."""
    exported = export(evoplug.Run(pair.folder, pair.trusted).best, tmp_path / "models.pt2")
    found = {}
    exec(exported.load, found)
    weights = [weight for model in found["models"].values() for weight in model.parameters()]
    assert len({weight.data_ptr() for weight in weights}) == len(weights) == 16


def test_where_one_of_several_networks_cannot_be_traced_all_become_weights(tmp_path):
    fickle = Model(Fickle().eval(), torch.zeros(2, 2), f"from {__name__} import Fickle\nmodel = Fickle()")
    plain = Model(nn.Linear(2, 2).eval(), torch.zeros(2, 2), "from torch.nn import Linear\nmodel = Linear(2, 2)")
    exported = export(Fixed({"a": plain, "b": plain, "c": fickle}), tmp_path / "models.pt2")
    assert exported.path == tmp_path / "models.pt"
    assert exported.notes[0].startswith("torch.export cannot take the network c (")
    assert exported.notes[1:] == ("models[name](x) takes raw examples: x (n, 2), float32; name: a, b, c",)
    assert list(tmp_path.iterdir()) == [exported.path]
    saved = torch.load(exported.path, weights_only=True)
    assert [list(of_one) for of_one in saved.values()] == [["source", "state_dict"]] * 3
    found = {}
    exec(exported.load, found)
    a, b, c = found["models"].values()
    assert a is not b
    assert c.weight.tolist() == [3.0, 3.0]
    assert torch.equal(a.weight, plain.module.weight)


RINGS = """
import evoplug
import torch
from evoplug.contracts import Network, dataclass


@evoplug.register("networks", "radial")
@dataclass(kw_only=True)
class Radial(Network):
    units: int = 8

    def build(self, shape, outputs):
        first = torch.nn.Linear(shape[-1] * shape[-2], self.units)
        return torch.nn.Sequential(torch.nn.Flatten(), first, torch.nn.Tanh(), torch.nn.Linear(self.units, outputs))
"""


@pytest.mark.parametrize("name", ["rings.py", "my-rings 2.py"])
def test_a_network_in_a_file_beside_the_configuration_is_imported_from_there(name, data, tmp_path):
    (tmp_path / name).write_text(RINGS)
    genotype = {"use": "weights", "network": {"use": "radial", "units": 12}}
    config = {**LEEA, "run": {"stop": {"generations": 2}}, "plugins": [str(tmp_path / name)], "genotype": genotype}
    run = evoplug.run(config, out=tmp_path / "run")
    exported = export(evoplug.Run(run.folder, [tmp_path / name]).best, tmp_path / "model.pt")
    accuracy, _ = elsewhere("import sys\n" + exported.load + MEASURE, data)
    assert float(accuracy) == pytest.approx(run.test["accuracy"], abs=1e-9)
    assert local.importable("model = Linear(3, 3)") == "model = Linear(3, 3)"


class Fickle(nn.Module):
    """What it does depends on the values that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((2,), 3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight if float(x.sum()) > 0 else x

    def __repr__(self) -> str:
        return "Fickle()"


@dataclass
class Fixed:
    """A solution with a given network."""

    model: Model | dict[str, Model]
    notes: tuple[str, ...] = ()


def test_a_network_that_cannot_be_traced_becomes_weights_and_says_so(tmp_path):
    module = Fickle()
    source = f"from {__name__} import Fickle\nmodel = Fickle()"
    exported = export(Fixed(Model(module.eval(), torch.zeros(2, 2), source)), tmp_path / "model.pt2")
    assert exported.path == tmp_path / "model.pt"
    assert "torch.export cannot take this network" in exported.notes[0]
    assert list(tmp_path.iterdir()) == [exported.path]
    assert torch.load(exported.path, weights_only=True)["state_dict"]["weight"].tolist() == [3.0, 3.0]


def test_a_genome_without_a_network(sphere, tmp_path):
    exported = export(sphere.best, tmp_path / "genome.pt")
    (shown,) = elsewhere(ALONE + exported.load + "\nprint(*genome.tolist(), sep=',')")
    assert [float(x) for x in shown.split(",")] == sphere.best.genome.tolist()
    export(sphere.best, tmp_path / "solution.json")
    values = json.loads((tmp_path / "solution.json").read_text())
    assert values == {
        "fitness": sphere.best.fitness,
        "description": sphere.best.description,
        "genome": sphere.best.genome.tolist(),
    }
    with pytest.raises(ConfigError, match="no network"):
        export(sphere.best, tmp_path / "genome.pt2")


def test_a_network_s_genome_as_json(network, tmp_path):
    exported = export(network.best, tmp_path / "solution.json")
    (length,) = elsewhere(ALONE + exported.load + "\nprint(len(solution['genome']))")
    assert int(length) == len(network.best.genome)


def test_another_suffix_and_a_folder_that_is_not_there_are_refused(sphere, tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.pt2"):
        export(sphere.best, tmp_path / "model.onnx")
    for name in ("solution.json", "genome.pt"):
        with pytest.raises(FilesError, match=f"{name}: cannot be written: No such file"):
            export(sphere.best, tmp_path / "nowhere" / name)


def test_a_file_that_is_there_is_replaced_whole_or_not_at_all(sphere, tmp_path, monkeypatch):
    path = tmp_path / "genome.pt"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(FilesError, match="No space left"):
            export(sphere.best, path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]
    export(sphere.best, path)
    assert path.read_bytes() != b"old"
