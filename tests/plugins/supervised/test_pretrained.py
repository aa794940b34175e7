"""Evaluator ``train``: weights that members begin with, from a file."""

import io
import json
import struct
import sys

import pytest
import torch
from torch import nn
from torch.nn.parallel import DataParallel

import evoplug
from evoplug import ConfigError, FilesError, Members, Rng, build
from evoplug.population.workers import workers
from evoplug_supervised import pretrained
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.train import Train

CPU = torch.device("cpu")
DIGITS = {"use": "digits", "validation": 100, "test": 1600}
NETWORK = {"use": "mlp", "hidden": [4]}
"""On digits: dense1 of 4 x 64 and output of 10 x 4, with biases."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The data folder."""
    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))
    with workers(1):
        yield tmp_path


def filled(value, outputs=10):
    """A network all of whose weights are of one value."""
    module = MLP(hidden=(4,)).build((1, 8, 8), outputs)
    for weight in module.parameters():
        nn.init.constant_(weight, value)
    return module


@pytest.fixture
def file(folder):
    torch.save(filled(0.5).state_dict(), folder / "start.pt")
    return "start.pt"


def train(**parameters):
    table = {"dataset": DIGITS, "network": NETWORK, "learning_rate": 1e-9, "momentum": 0.0, **parameters}
    made = build("evaluators", "train", **table)
    assert isinstance(made, Train)
    made.bind(None)
    made.start(CPU, Rng(1))
    return made


def begun(evaluator, n=1):
    """What new members are after an epoch that hardly changes them."""
    members = Members([{} for _ in range(n)], torch.arange(n), torch.full((n, 2), -1))
    return evaluator.evaluate(members, Rng(1)).states


def refusal(error, **parameters):
    """The one line by which a file is refused."""
    with pytest.raises(error) as refused:
        train(pretrained=parameters)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ------------------------------------------------------------------------------------------------------- at work


def test_every_new_member_begins_with_the_weights_of_the_file(file):
    for state in begun(train(pretrained={"file": file}), 2):
        for weight in state["weights"].values():
            assert torch.allclose(weight, torch.tensor(0.5), atol=1e-6)


def test_weights_that_are_to_be_new_are_drawn_as_without_a_file(file, folder):
    torch.save(filled(0.5, outputs=3).state_dict(), folder / file)  # the head of another problem
    (state,) = begun(train(pretrained={"file": file, "new": ["output.*"]}))
    assert torch.allclose(state["weights"]["dense1.0.weight"], torch.tensor(0.5), atol=1e-6)
    assert state["weights"]["output.weight"].std() > 0.3  # N(0, 2 / 4)
    assert state["weights"]["output.bias"].abs().max() < 1e-6
    both = begun(train(pretrained={"file": file, "new": ["output.*"]}), 2)
    assert not torch.equal(both[0]["weights"]["output.weight"], both[1]["weights"]["output.weight"])


def test_children_go_on_with_what_they_inherit_and_not_with_the_file(file):
    """Unless they inherit no weights."""
    state = {**begun(train(pretrained={"file": file}))[0], "weights": filled(0.1).state_dict()}
    child = Members([{}], torch.tensor([7]), torch.tensor([[0, -1]]), states=[state])
    inherit = {"weights": False, "buffers": False, "optimizer": False}
    for evaluator, expected in (
        (train(pretrained={"file": file}), 0.1),
        (train(pretrained={"file": file}, inherit=inherit), 0.5),
    ):
        (after,) = evaluator.evaluate(child, Rng(2)).states
        assert torch.allclose(after["weights"]["dense1.0.weight"], torch.tensor(expected), atol=1e-6)


def test_a_last_training_with_fresh_weights_begins_with_the_file(file):
    evaluator = train(pretrained={"file": file}, finish={"epochs": 1, "weights": "fresh"})
    member = Members([{}], torch.tensor([0]), torch.tensor([[-1, -1]]), states=begun(evaluator))
    weight = evaluator.finalise(member, Rng(3))["weights"]["dense1.0.weight"]
    assert torch.allclose(weight, torch.tensor(0.5), atol=1e-6)


def test_running_statistics_come_from_the_file_too(folder):
    network = build("networks", "convnet", channels=[2], dense=[], batch_norm=True)
    module = network.build((1, 8, 8), 10)
    old = {name: w for name, w in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    variances = {name: torch.full_like(w, 1e9) for name, w in old.items() if name.endswith("running_var")}
    torch.save({**old, **variances}, folder / "start.pth")  # as before torch counted batches
    (state,) = begun(train(network=network, pretrained={"file": "start.pth"}))
    assert len(variances) == 1
    assert all(
        (state["buffers"][name] > 1e6).all() for name in variances
    )  # which an epoch averages with ones of its own


# --------------------------------------------------------------------------------------------------- kinds of file


def test_names_of_data_parallel_modules_are_known(folder):
    torch.save(DataParallel(filled(0.25)).state_dict(), folder / "start.pth")
    (state,) = begun(train(pretrained={"file": "start.pth"}))
    assert torch.allclose(state["weights"]["output.weight"], torch.tensor(0.25), atol=1e-6)


def test_a_state_dict_may_stand_beside_other_things(folder):
    torch.save({"epoch": 3, "state_dict": filled(0.25).state_dict()}, folder / "start.pth")
    tensors, _ = pretrained.read(folder / "start.pth")
    assert {*tensors} == {"dense1.0.weight", "dense1.0.bias", "output.weight", "output.bias"}


def test_half_precision_becomes_the_networks_own(folder):
    torch.save(filled(0.25).half().state_dict(), folder / "start.pth")
    (state,) = begun(train(pretrained={"file": str(folder / "start.pth")}))
    assert state["weights"]["output.weight"].dtype == torch.float32


def test_safetensors(folder):
    safetensors = pytest.importorskip("safetensors.torch")
    module = filled(0.25)
    safetensors.save_file(module.state_dict(), folder / "start.safetensors")
    tensors, _ = pretrained.read(folder / "start.safetensors")
    assert {*tensors} == {*module.state_dict()}
    assert all(torch.equal(tensors[name], w) for name, w in module.state_dict().items())
    (folder / "start.safetensors").write_bytes(b"\x00" * 20)
    assert "start.safetensors is damaged: " in refusal(FilesError, file="start.safetensors")


def test_safetensors_without_the_package(folder, monkeypatch):
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "start.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<f", 1.0))
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    said = refusal(FilesError, file="start.safetensors")
    assert said.endswith("needs the package safetensors: pip install evoplug[safetensors]")


def run(folder, name, **evaluator):
    table = {"use": "train", "dataset": DIGITS, "network": NETWORK, **evaluator}
    config = {"run": {"stop": {"generations": 1}}, "strategy": {"use": "gradient-descent"}, "evaluator": table}
    return evoplug.run(config, out=folder / name)


@pytest.mark.parametrize("kind", ["export", "solution"])
def test_what_one_run_has_trained_the_next_begins_with(folder, kind):
    first = run(folder, "first", finish={"epochs": 2})
    path = folder / "first" / "solution.pt"
    if kind == "export":
        path = evoplug.export(first, folder / "weights.pt").path
    learned = first.best.module[1].state_dict()
    (state,) = begun(train(pretrained={"file": str(path)}))
    assert {*state["weights"]} == {*learned}
    assert all(torch.allclose(state["weights"][name], w, atol=1e-6) for name, w in learned.items())
    second = run(folder, "second", pretrained={"file": str(path)}, learning_rate=1e-9)
    path.unlink()
    assert second.best.module is not None  # which needs the file no more
    assert second.result["validation"]["accuracy"] == first.result["validation"]["accuracy"]


# ----------------------------------------------------------------------------------------------------- resumes


def test_a_resume_reads_the_file_again_and_refuses_another(file, folder):
    evaluator = train(pretrained={"file": file})
    state = evaluator.state_dict()
    train(pretrained={"file": file}).load_state_dict(state)
    torch.save(filled(0.75).state_dict(), folder / file)
    with pytest.raises(FilesError, match=r"start.pt has changed since the run began: .* SHA-256 [0-9a-f]{64} alone$"):
        train(pretrained={"file": file}).load_state_dict(state)
    unstarted = build("evaluators", "train", dataset=DIGITS, network=NETWORK, pretrained={"file": file})
    unstarted.bind(None)
    unstarted.load_state_dict(state)  # as for a solution, which needs no file


# --------------------------------------------------------------------------------------------------- bad input


def test_what_does_not_fit_is_said_in_one_line_and_refused(folder, caplog):
    module = nn.Sequential()
    module.dense1 = nn.Sequential(nn.Linear(64, 5))
    module.extra = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    module.output = nn.Linear(4, 10)
    torch.save(module.state_dict(), folder / "other.pt")
    line = (
        f"{folder}/other.pt fits 2 of the network's 4 tensors: 2 of other shapes: dense1.0.weight (5, 64) for (4, 64), "
        "dense1.0.bias (5,) for (4,); 4 not in the network: extra.0.weight, extra.0.bias, extra.1.weight, ..."
    )
    assert refusal(ConfigError, file="other.pt") == f"pretrained.file: {line}"
    (state,) = begun(train(pretrained={"file": "other.pt", "partial": True}))
    assert caplog.messages == [line]
    assert torch.allclose(state["weights"]["output.weight"], module.output.weight, atol=1e-6)
    assert state["weights"]["dense1.0.weight"].std() > 0.1


def test_a_file_of_which_nothing_fits_is_refused_whatever_is_allowed(folder):
    torch.save({"conv.weight": torch.zeros(3)}, folder / "other.pt")
    said = refusal(ConfigError, file="other.pt", partial=True)
    assert (
        "fits 0 of the network's 4 tensors: 4 not in the file: dense1.0.weight, dense1.0.bias, output.weight, ..."
        in said
    )


def test_a_pattern_that_no_weight_matches_is_refused(file):
    said = refusal(ConfigError, file=file, new=["output.*", "head.*"])
    assert said.startswith(
        "pretrained.new: no weight has a name like `head.*`; there are dense1.0.weight, dense1.0.bias"
    )


class Strange:
    """What only a pickle of arbitrary code could hold."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged: "),
        (b"no weights at all", "is damaged: "),
        (nn.Linear(1, 1), "is damaged: torch.load(weights_only=True) finds "),
        (Strange(), "is damaged: torch.load(weights_only=True) finds "),
        ([1, 2], "holds no state_dict"),
        ({"a": {"state_dict": {}}, "b": {"state_dict": {}}}, "it holds the networks a, b: store one"),
        ({"w": torch.tensor([1.0, torch.nan])}, "`w` holds numbers that are not finite"),
    ],
)
def test_a_file_that_is_no_state_dict_is_refused(folder, content, message):
    if isinstance(content, bytes):
        (folder / "start.pt").write_bytes(content)
    else:
        torch.save(content, folder / "start.pt")
    said = refusal(FilesError, file="start.pt")
    assert said.startswith(f"{folder}/start.pt")
    assert message in said


def test_a_file_that_was_cut_is_damaged(folder):
    buffer = io.BytesIO()
    torch.save(filled(1.0).state_dict(), buffer)
    (folder / "start.pt").write_bytes(buffer.getvalue()[:-100])
    assert "start.pt is damaged: " in refusal(FilesError, file="start.pt")


def test_a_file_that_is_not_there_is_said_so(folder):
    said = refusal(FilesError, file="no.pt")
    assert said == f"{folder}/no.pt is missing: pretrained.file is absolute, or relative to the data folder"
    (folder / "is-folder.pt").mkdir()
    assert "is-folder.pt: cannot be read: Is a directory" in refusal(FilesError, file="is-folder.pt")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"new": ["a"]}, "pretrained.file: is missing"),
        ({"file": "a.npz"}, "pretrained.file: must name a file that ends in .pt, .pth, .safetensors, got 'a.npz'"),
        ({"file": True}, "pretrained.file: must name a file"),
        ({"file": "a.pt", "new": "output.*"}, "pretrained.new: must be a list of patterns of names of weights"),
        ({"file": "a.pt", "partial": "yes"}, "pretrained.partial: must be true or false, got 'yes'"),
    ],
)
def test_tables_that_say_too_little_or_nonsense_are_mistakes(table, message):
    assert message in refusal(ConfigError, **table)


def test_one_file_cannot_begin_networks_of_many_architectures(file):
    genotype = build("genotypes", "composite", parts={"architecture": {"use": "block-stack"}})
    evaluator = build("evaluators", "train", dataset=DIGITS, pretrained={"file": file})
    with pytest.raises(ConfigError, match=r"pretrained: is for one network, .*`architecture` sets many"):
        evaluator.bind(genotype)
