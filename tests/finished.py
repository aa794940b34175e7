"""Runs that have finished, to take solutions from."""

import torch

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


def digits():
    """The raw images, pixels from 0 to 16, and the labels of the digits' test split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    _, test, _, labels = train_test_split(x, y, test_size=300, stratify=y, random_state=0)
    return torch.from_numpy(test).float().view(-1, 1, 8, 8), torch.from_numpy(labels)
