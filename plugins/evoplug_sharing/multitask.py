"""Evaluator ``multitask``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from torch import nn

from evoplug import Rng
from evoplug.contracts import (
    ConfigError,
    Dataset,
    DatasetInfo,
    Evaluation,
    Evaluator,
    Function,
    Ge,
    Genotype,
    Gt,
    Known,
    Members,
    Metrics,
    MinLen,
    Model,
    Network,
    Seed,
    Task,
    dataclass,
    use,
)
from evoplug.population.forward import layout
from evoplug.population.workers import look_up, parallel
from evoplug_sharing import scaling, scores, task_list
from evoplug_sharing.building import Building
from evoplug_sharing.weight_sets import Outputs, Route
from evoplug_supervised import SGD, Adam, Noise, cross_entropy, fill, of_data, of_weights, with_preprocessing

BLOCK = {"cpu": 64, "cuda": 1024}
"""Examples in one pass when assignments are measured. On a CPU three times as fast as 1,024, which leave the cache."""

Passing = Callable[[Sequence[torch.Tensor], Sequence[Sequence[Route]]], Outputs]
"""One of the ways of :class:`WeightSets` for the tasks' inputs to pass."""


@dataclass(kw_only=True)
class Multitask(Evaluator, genome="assignment"):
    """Several classification tasks, whose networks take their weights from common sets as the genome says.

    A task is a data set. Its network is cut into positions, one a layer with weights. The output is the task's own; at
    each ``learned`` position there are K sets of weights, K being the ``choices`` of the genotype, and the genome says
    for every task and learned position which of them the task uses; what is neither learned nor private is common to
    all tasks. All weights belong to the evaluator, and one optimizer trains them.

    ``evaluate`` gives minus the loss of assignments on one fresh batch, the same for all: the mean over tasks of the
    mean cross-entropy, L in equation 8.16 of the thesis on learned weight sharing. ``update`` is a step on the weights
    under some assignments, on a batch of its own, along the gradient of equation 8.20. Under a strategy that does not
    call it the weights stay as they were drawn. One that draws assignments from a distribution says with which
    probabilities in the column ``pi`` beside them, ``(n, N, K)``: gradients ``by-use`` go by it, else by how often the
    assignments of the call use a set.

    Each (task, beginning of its route) is computed once for all assignments of a call. In ``update`` running statistics
    of batch normalisation therefore move once for it, and not once for every assignment that has it. A set that no
    assignment uses is left alone altogether, as is what the optimizer remembers of it.

    ``measure`` gives accuracy, loss and error over all examples of all tasks (micro), ``error.macro``, the mean of the
    tasks' errors, and the error of each task.
    """

    tasks: Annotated[Mapping[str, Dataset] | None, "the data set of each task, by a name of its own"] = None
    tasks_of: Annotated[Dataset | None, "a data set that falls into tasks, such as omniglot by alphabet"] = None
    train: Annotated[Annotated[int, Ge(1)] | None, "training examples of each task, stratified; by default all"] = None
    train_seed: Annotated[Seed, "decides which examples these are"] = 0
    network: Annotated[Network, "architecture of every task's network"] = use("convnet", batch_norm=True)
    learned: Annotated[
        tuple[str, ...], MinLen(1), 'positions whose weights are chosen by the genome: names or patterns, as "block*"'
    ] = ("*",)
    private: Annotated[tuple[str, ...], "positions beside the output that are each task's own: names or patterns"] = ()
    init: Annotated[
        Function,
        Known("glorot-uniform", "he-normal", "he-uniform", "normal", "normalised", "torch-uniform"),
        "how weights are drawn",
    ] = "he-uniform"
    batch: Annotated[int, Ge(1), "examples of each task in a batch, drawn without replacement"] = 16
    optimizer: Annotated[Literal["sgd", "adam"], "update rule; sgd has momentum 0.9"] = "adam"
    learning_rate: Annotated[float, Gt(0), "of the weights"] = 0.001
    forward: Annotated[
        Literal["apart", "together"],
        "how tasks pass through a set that they share in `update`: one by one, as in the released code, so that batch "
        "normalisation sees one task at a time; or as one batch, as in the thesis's text",
    ] = "apart"
    gradients: Annotated[
        Literal["by-use", "mean"],
        "of a set: divided by the number of tasks expected to use it, as in the released code; or as equation 8.20 has "
        "it, over all tasks",
    ] = "by-use"
    statistics: Annotated[
        Literal["running", "batch"],
        "what batch normalisation uses in `evaluate`: its running statistics, as in the released code, or the batch's",
    ] = "running"

    provides = ("update",)
    costs = ("steps", "samples")
    headline = "accuracy"
    minimised = ("error", "loss", "weights")
    companions = {"genotype": {"use": "assignment", "choices": 3}}
    examples = ({"tasks": {"one": {"use": "digits"}, "other": {"use": "digits", "split_seed": 1}}},)

    def check(self) -> Iterable[task_list.Wrong]:
        try:
            found = task_list.listed(self.tasks or {}, self.tasks_of)
        except ConfigError as error:
            yield from ((mistake.key, mistake.message) for mistake in error.mistakes)
            return
        infos = {name: dataset.info() for name, dataset in found.items()}
        known = {name: info.sizes.get("train", 0) for name, info in infos.items() if info.sizes}
        yield from self._too_few(known, infos)

    def _too_few(self, available: Mapping[str, int], infos: Mapping[str, DatasetInfo]) -> Iterable[task_list.Wrong]:
        if available:
            classes = {name: infos[name].classes for name in available}
            yield from task_list.too_few(available, classes, self.train, self.batch)

    # ---------------------------------------------------------------------------------------------- set up

    def task(self) -> Task:
        """Its names are the genome's positions, task by task: ``"TASK.POSITION"``."""
        self._datasets = task_list.listed(self.tasks or {}, self.tasks_of)
        self._building = Building(self.network, self._datasets, self.learned, self.private)
        return Task(names=tuple(f"{task}.{name}" for task in self._datasets for name in self._building.learned))

    def bind(self, genotype: Genotype | None) -> None:
        names = self.task().names
        if getattr(genotype, "length", None) != len(names):
            raise ConfigError((), f"needs the genotype `assignment` with {len(names)} positions")
        self._choices = genotype.choices  # type: ignore[union-attr]
        self._building.require_fitting(self.batch)
        self._outline = self._building.weight_sets(self._choices, "meta")

    def footprint(self, members: int, evaluated: int) -> int:
        """Its data, and all weights, with what the optimizer remembers of each and their gradients."""
        copies = {"sgd": 3, "adam": 4}[self.optimizer]
        data = sum(of_data(dataset.info()) for dataset in self._datasets.values())
        return data + copies * of_weights(self._outline)

    def start(self, device: torch.device, rng: Rng) -> None:
        loaded = {name: dataset.load_all() for name, dataset in self._datasets.items()}
        available = {name: len(data["train"][1]) if "train" in data else 0 for name, data in loaded.items()}
        for wrong in self._too_few(available, {name: dataset.info() for name, dataset in self._datasets.items()}):
            raise ConfigError(*wrong)
        for name, data in loaded.items():
            data["train"] = task_list.cut(name, *data["train"], self.train, self.train_seed)
        self._sets = self._building.weight_sets(self._choices, "cpu").to(device)
        weights = {name: weight.data[None] for name, weight in self._sets.named_parameters()}
        fill(weights, self.init, rng.child("weights"))
        self._data = [self._laid_out(number, data, device) for number, data in enumerate(loaded.values())]
        self._optimizer = self._new_optimizer()

    def _laid_out(self, task: int, data: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
        """The examples of a task on the device, in memory as its network is fastest, and its sets too."""
        best = layout(self._sets.network(task), data["train"][0][:2].to(device))
        self._sets.to(memory_format=best)
        return {split: (x.to(device, memory_format=best), y.to(device)) for split, (x, y) in data.items()}

    def _new_optimizer(self) -> torch.optim.Optimizer:
        weights = list(self._sets.parameters())
        if self.optimizer == "adam":
            return Adam(weights, self.learning_rate, fused=True)
        return SGD(weights, self.learning_rate, momentum=0.9, fused=True)

    # ---------------------------------------------------------------------------------------------- at work

    @torch.no_grad()
    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        self._sets.eval()
        if self.statistics == "running":
            losses = self._losses(members, rng, self._sets.at_once)
        else:
            with self._sets.batch_statistics():
                losses = self._losses(members, rng, self._passing())
        return Evaluation(-losses.mean(1), cost={"samples": losses.numel() * self.batch})

    def update(self, members: Members, rng: Rng) -> Evaluation:
        self._sets.train()
        with Noise(rng.child("dropout")):
            losses = self._losses(members, rng, self._passing())
        self._optimizer.zero_grad()  # to None: the optimizer passes over what no assignment uses
        if self.gradients == "mean":
            losses.mean().backward()
        else:
            losses.sum().backward()
            scaling.divide(self._sets.by_position, self._divisors(members))
        self._optimizer.step()
        return Evaluation(-losses.detach().mean(1), cost={"steps": 1, "samples": losses.numel() * self.batch})

    def _passing(self) -> Passing:
        """How examples pass where batch normalisation sees them."""
        return self._sets.together if self.forward == "together" else self._sets.apart

    def _losses(self, members: Members, rng: Rng, passing: Passing) -> torch.Tensor:
        """``(n, tasks)``: the mean cross-entropy of each network on one batch."""
        inputs, labels = self._batch(rng.child("batch"))
        return _mean_losses(passing(inputs, self._routes(members)), labels)

    def _batch(self, rng: Rng) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Some training examples of each task and their labels."""
        drawn = []
        for data in self._data:
            x, y = data["train"]
            rows = torch.randperm(len(y), generator=rng.torch, device=y.device)[: self.batch]
            drawn.append((x[rows], y[rows]))
        inputs, labels = zip(*drawn, strict=True)
        return list(inputs), list(labels)

    def _divisors(self, members: Members) -> dict[str, torch.Tensor]:
        """Position -> by what the gradients of its sets are divided, as sums over assignments and tasks."""
        genomes: Any = members.genomes
        # Without probabilities beside the genomes, how often each set is used is the nearest to them.
        pi = members.columns.get("pi", nn.functional.one_hot(genomes, self._choices).double()).mean(0)
        return scaling.by_use(self._sets.kinds, len(members), pi.view(len(self._data), -1, self._choices))

    def _routes(self, members: Members) -> list[list[Route]]:
        assert isinstance(members.genomes, torch.Tensor)
        return self._outline.routes(members.genomes)

    # ------------------------------------------------------------------------------------------- what comes out

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        self._sets.eval()
        routes = self._routes(members)
        there = [task for task, data in enumerate(self._data) if split in data]
        if not there:
            return {}

        def work(number: int) -> torch.Tensor:
            task = there[number]
            x, y = self._data[task][split]
            return self._sums(x, y, [row[task] for row in routes])

        loss, right = torch.stack(parallel(work, len(there)), 1).unbind(-1)
        names = list(self._datasets)
        sizes = [len(self._data[task][split][1]) for task in there]
        return scores.metrics(right, loss, sizes, [names[task] for task in there])

    @torch.no_grad()
    def _sums(self, x: torch.Tensor, y: torch.Tensor, routes: Sequence[Route]) -> torch.Tensor:
        """``(n, 2)`` float64: the sum of a task's losses, and the number of right answers."""
        total = dict.fromkeys(routes, torch.zeros(2, dtype=torch.float64, device=x.device))
        block = BLOCK.get(x.device.type, BLOCK["cpu"])
        for images, labels in zip(x.split(block), y.split(block), strict=True):
            look_up()
            for route, logits in self._sets.along(images, routes).items():
                loss = cross_entropy(logits, labels).sum(dtype=torch.float64)
                total[route] = total[route] + torch.stack([loss, (logits.argmax(-1) == labels).sum()])
        return torch.stack([total[route] for route in routes])

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        """``weights``: of all tasks' networks, shared ones once."""
        return {"weights": torch.tensor([self._outline.count(row) for row in self._routes(members)])}

    def model(self, member: Members) -> dict[str, Model]:
        """Task -> its network; what tasks share is one module in all of them."""
        (routes,) = self._routes(member)
        networks = self._sets.networks(routes)
        return {
            name: with_preprocessing(dataset, self.network, network.cpu())
            for (name, dataset), network in zip(self._datasets.items(), networks, strict=True)
        }

    def state_dict(self) -> dict[str, Any]:
        return {"sets": self._sets.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if not hasattr(self, "_sets"):  # after bind alone: the solution's networks are wanted
            self._sets = self._building.weight_sets(self._choices, "cpu")
            self._optimizer = self._new_optimizer()
        self._sets.load_state_dict(state["sets"])
        self._optimizer.load_state_dict(state["optimizer"])


def _mean_losses(outputs: Outputs, labels: Sequence[torch.Tensor]) -> torch.Tensor:
    """``(n, tasks)`` from the different outputs."""
    losses = [
        nn.functional.cross_entropy(logits, labels[task])
        for logits, task in zip(outputs.logits, outputs.tasks, strict=True)
    ]
    return torch.stack(losses)[outputs.places.to(losses[0].device)]
