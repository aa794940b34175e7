"""``evoplug.Run(DIR).best``: what a finished run found, ready for use."""

import subprocess
import sys

import pytest
import torch

import evoplug
from evoplug import FilesError

LEEA = {
    "run": {"stop": {"generations": 30}},
    "strategy": {"use": "leea", "population": 40},
    "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [16]}},
    "evaluator": {"use": "classification"},
    "operators": {"mutation": {"use": "gaussian", "sigma": 0.05}},
}
GRADIENT = {
    "run": {"stop": {"generations": 2}},
    "strategy": {"use": "gradient-descent"},
    "evaluator": {"use": "train", "network": {"use": "convnet", "channels": [4], "dense": [], "batch_norm": True}},
}
SPHERE = {
    "run": {"stop": {"generations": 3}},
    "strategy": {"use": "random-search", "population": 5},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function"},
}

OWNER = """
import evoplug
import torch
from evoplug import Evaluation
from evoplug.contracts import Evaluator, Genotype, Model, dataclass


@evoplug.register("evaluators", "owner")
@dataclass(kw_only=True)
class Owner(Evaluator, genome="real-vector"):
    '''A member is the bias of a linear layer; its weight is the evaluator's, and grows with every evaluation.'''

    def bind(self, genotype: Genotype | None) -> None:
        self.weight = torch.zeros(3, 3)

    def evaluate(self, members, rng):
        self.weight = self.weight + torch.rand(3, 3, generator=rng.torch)
        return Evaluation(-members.genomes.square().sum(1))

    def measure(self, members, split, rng):
        return {"output": members.genomes.sum(1) + self.weight.sum()}

    def model(self, member):
        layer = torch.nn.Linear(3, 3).eval().requires_grad_(False)
        layer.load_state_dict({"weight": self.weight, "bias": member.genomes[0]})
        return Model(layer, torch.zeros(2, 3), "from torch.nn import Linear\\nmodel = Linear(3, 3)")

    def state_dict(self):
        return {"weight": self.weight}

    def load_state_dict(self, state):
        self.weight = state["weight"]
"""
"""An evaluator that owns weights which every member's network needs."""


@pytest.fixture(scope="module")
def owned(tmp_path_factory):
    """A finished run of an evaluator that owns weights."""
    folder = tmp_path_factory.mktemp("owned")
    (folder / "owner.py").write_text(OWNER)
    box = {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0}
    config = {**SPHERE, "plugins": [str(folder / "owner.py")], "genotype": box, "evaluator": "owner"}
    return evoplug.run(config, out=folder / "run")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """name -> a finished run."""
    folder = tmp_path_factory.mktemp("runs")
    configs = {"leea": LEEA, "gradient": GRADIENT, "sphere": SPHERE}
    return {name: evoplug.run(config, out=folder / name) for name, config in configs.items()}


def digits():
    """The raw images, pixels from 0 to 16, and the labels of the digits' test split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    _, test, _, labels = train_test_split(x, y, test_size=300, stratify=y, random_state=0)
    return torch.from_numpy(test).float().view(-1, 1, 8, 8), torch.from_numpy(labels)


@pytest.mark.parametrize("name", ["leea", "gradient"])
def test_the_network_takes_raw_examples_and_has_the_reported_accuracy(runs, name):
    best = evoplug.Run(runs[name].folder).best
    x, y = digits()
    assert not best.module.training
    right = (best.module(x).argmax(1) == y).double().mean().item()
    assert right == pytest.approx(runs[name].test["accuracy"], abs=1e-9)
    assert right > 0.3


def test_what_stands_in_the_result_is_there(runs):
    run = runs["sphere"]
    best = run.best
    assert best.genome.tolist() == best.description == run.result["best"]["description"]
    assert best.fitness == pytest.approx(-sum(x * x for x in best.genome.tolist()))
    assert best.generation == run.result["best"]["generation"]
    assert best.module is None


def test_a_solution_is_read_once_and_its_network_is_its_own(runs):
    run = evoplug.Run(runs["leea"].folder)
    assert run.best is run.best
    before = run.best.genome.clone()
    for parameter in run.best.module.parameters():
        parameter.zero_()
    assert torch.equal(run.best.genome, before)


def test_a_run_is_read_without_torch(runs):
    code = (
        "import sys, evoplug; run = evoplug.Run(sys.argv[1]); run.result, run.config, run.status;"
        "assert 'torch' not in sys.modules; run.best; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(runs["sphere"].folder)], check=True)


def test_weights_that_an_evaluator_owns_come_back_in_another_process(owned):
    code = "import sys, evoplug, torch; print(evoplug.Run(sys.argv[1]).best.module(torch.ones(3)).sum().item())"
    done = subprocess.run([sys.executable, "-c", code, owned.folder], check=True, capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(owned.test["output"], abs=1e-4)


def test_a_solution_holds_no_state_that_no_network_needs(runs, owned):
    held = {name: torch.load(run.folder / "solution.pt")["evaluator"] for name, run in (*runs.items(), ("own", owned))}
    assert held["leea"] == held["sphere"] == {}
    assert held["own"]["weight"].shape == (3, 3)


def test_an_unfinished_run_has_no_solution(runs, tmp_path):
    (tmp_path / "resolved.toml").write_bytes((runs["sphere"].folder / "resolved.toml").read_bytes())
    with pytest.raises(FilesError, match="has not finished"):
        evoplug.Run(tmp_path).best  # noqa: B018


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: b"\x80\x02]q\x00."])
def test_a_damaged_solution_is_named(runs, tmp_path, damage):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["sphere"].folder / name).read_bytes())
    path = tmp_path / "solution.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FilesError, match=r"solution\.pt: is damaged"):
        evoplug.Run(tmp_path).best  # noqa: B018


def test_a_cuda_run_is_read_on_a_machine_without(runs, tmp_path):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["leea"].folder / name).read_bytes())
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('device = "auto"', 'device = "cuda:7"'))
    assert 'device = "cuda:7"' in resolved.read_text()
    assert evoplug.Run(tmp_path).best.module is not None
