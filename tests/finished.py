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


PAIR = """
import evoplug
import torch
from evoplug import Evaluation
from evoplug.contracts import Evaluator, Model, dataclass


@evoplug.register("evaluators", "pair")
@dataclass(kw_only=True)
class Pair(Evaluator, genome="real-vector"):
    '''A member is the biases of two tasks' first layers; a large layer in the middle is one for both.'''

    def evaluate(self, members, rng):
        return Evaluation(-members.genomes.square().sum(1))

    def measure(self, members, split, rng):
        each = [self.model(members[row : row + 1]) for row in range(len(members))]
        return {name: torch.stack([self._output(models[name]) for models in each]) for name in each[0]}

    def model(self, member):
        middle = torch.nn.Linear(300, 300)
        torch.nn.init.eye_(middle.weight)
        torch.nn.init.zeros_(middle.bias)
        return {name: self._task(bias, width, middle)
                for name, width, bias in zip(("first", "it's/2nd"), (4, 5), member.genomes[0].tolist())}

    def _task(self, bias, width, middle):
        first, norm, last = torch.nn.Linear(width, 300), torch.nn.BatchNorm1d(300), torch.nn.Linear(300, 2)
        for weights, value in ((first.weight, 1), (first.bias, bias), (last.weight, 0.001 * width), (last.bias, 0)):
            torch.nn.init.constant_(weights, value)
        module = torch.nn.Sequential(first, middle, norm, last).eval().requires_grad_(False)
        call = f"Sequential(Linear({width}, 300), Linear(300, 300), BatchNorm1d(300), Linear(300, 2))"
        source = f"from torch.nn import BatchNorm1d, Linear, Sequential\\nmodel = {call}"
        return Model(module, torch.zeros(2, width), source)

    @staticmethod
    def _output(model):
        return model.module(torch.ones_like(model.example)).sum()
"""
"""An evaluator that gives a network for each of two tasks, which share a layer."""


LIGHTS = """
import evoplug
import numpy
from evoplug import ConfigError, Evaluation, Task
from evoplug.contracts import Evaluator, Film, Ge, Literal, Annotated, dataclass


@evoplug.register("evaluators", "lights")
@dataclass(kw_only=True)
class Lights(Evaluator, genome="real-vector"):
    '''A member is a row of lamps, and the film of it shows a switch that passes all of them again and again.'''

    frames: Annotated[int, Ge(1), "of the film"] = 40
    rate: float = 20.0
    fault: Literal["none", "raise", "late", "small", "empty", "blind"] = "none"

    def task(self):
        return Task(domain=(-1.0, 1.0))

    def bind(self, genotype):
        self.evaluated, self.open = 0, False

    def evaluate(self, members, rng):
        self.evaluated += len(members)
        return Evaluation(members.genomes.sum(1))

    def film(self, member, rng):
        if self.fault == "blind":
            return None
        if self.fault == "raise":
            raise ConfigError((), "needs eyes: pip install eyes")
        lamps = (128 + 127 * member.genomes[0].clamp(-1, 1)).byte().numpy()
        shift = int(rng.numpy.integers(len(lamps)))
        return Film(self._frames(lamps, shift), self.rate, self.evaluated + shift / 10, "a row of lamps")

    def _frames(self, lamps, shift):
        self.open = True
        try:
            for number in range(0 if self.fault == "empty" else self.frames):
                if self.fault == "late" and number == 5:
                    raise ValueError("a lamp is broken")
                lit = (number + shift) % len(lamps)
                frame = numpy.zeros((8, 4 * len(lamps) - (self.fault == "small" and number), 3), numpy.uint8)
                frame[2:6, 4 * lit + 1 : 4 * lit + 3] = lamps[lit]
                yield frame
        finally:
            self.open = False

    def state_dict(self):
        return {"evaluated": self.evaluated}

    def load_state_dict(self, state):
        self.evaluated = state["evaluated"]
"""
"""An evaluator with a film, whose score says what it has evaluated."""


def digits():
    """The raw images, pixels from 0 to 16, and the labels of the digits' test split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    _, test, _, labels = train_test_split(x, y, test_size=300, stratify=y, random_state=0)
    return torch.from_numpy(test).float().view(-1, 1, 8, 8), torch.from_numpy(labels)
