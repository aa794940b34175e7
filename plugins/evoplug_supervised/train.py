"""Evaluator ``train``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

import torch
from torch import nn

from evoplug import EvaluationError, Rng
from evoplug.contracts import (
    ConfigError,
    Dataset,
    Evaluation,
    Evaluator,
    Function,
    Ge,
    Genotype,
    Gt,
    Known,
    Lt,
    Members,
    Metrics,
    Model,
    Network,
    Parts,
    Task,
    dataclass,
    field,
    use,
)
from evoplug.population.bounds import lost
from evoplug.population.workers import parallel
from evoplug_supervised import beginnings, class_weights, finishing, genome_parts, groups, pretrained, schedules
from evoplug_supervised.architectures import Architectures
from evoplug_supervised.augmentation import AUGMENTATIONS, Augmentation, augmented, stream
from evoplug_supervised.groups import Groups
from evoplug_supervised.initialisers import fill
from evoplug_supervised.lazy_cases import LazyCases
from evoplug_supervised.losses import Loss, binary_cross_entropy, by_network, cross_entropy, per_example
from evoplug_supervised.metrics import beside_accuracy, measured, misfits, subjects
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.orders import Dealt, Order, Shuffled
from evoplug_supervised.preprocessing import with_preprocessing
from evoplug_supervised.rotation import Turning
from evoplug_supervised.size import of_buffers, of_data, of_weights, require_pass, require_step, require_weights
from evoplug_supervised.teams import STACK, Alone, Stack, Teams, load, state_of
from evoplug_supervised.trainer import (
    BLOCK,
    Recipe,
    averaged,
    by_example,
    count_steps,
    score,
    smallest_step,
    taken,
    train,
    trains_on_one,
)


@dataclass(kw_only=True)
class Train(Evaluator, genome=("composite", "architecture", "loss")):
    """Train each member for some epochs, from what its parent had learned; fitness is measured on held-out examples.

    The parts of a composite genome set, by their names, what no parameter may set beside them: ``architecture`` (a
    genotype that offers ``network(genome)``, a network; equal ones are of equal shape and can be keys of a mapping),
    ``loss`` (one that offers ``loss(genomes)``: of ``(..., d)``, a function of logits ``(..., b, classes)`` and labels
    ``(..., b)`` to ``(..., b)``), ``learning_rate``, ``momentum`` and ``weight_decay`` (real vectors of length 1). A
    genotype of architectures or of losses can stand alone. Without a genotype all members are trained alike.

    Groups of weights have learning rates and weight decays of their own. Where a part ``learning_rate`` or
    ``weight_decay`` has several genes, each is that of one group, in the order of the table, the last that of the rest,
    if there are weights that no group has; ``describe`` names them, ``learning_rate.GROUP`` and ``learning_rate.rest``.
    A group whose learning rate is 0 stays as it is, but for the running statistics of its layers.

    Small networks that are plain chains of linear layers are trained several at a time, with sgd and without groups.

    A member's epochs are counted in its own column of the records, ``lineage_epochs``: its ancestors' and its own. Its
    loss over the last epoch, as it was trained, is in another, ``training_loss``.
    Where examples are dealt, an epoch is one over a share of them, and is counted as that share of one, in the ledger's
    ``epochs`` too: all members together make one. A new member whose parents are known, and were never trained, begins
    with the weights that the first of them would have begun with.
    A member whose training diverges gets a fitness that is not finite.

    ``pretrained`` names a file of weights and buffers, by their names in the network, with which new members begin, and
    so does a last training with fresh weights: a state_dict, with or without the `module.` of ``DataParallel``, a .pt
    that ``evoplug export`` has written, or the ``solution.pt`` of a run. It is read at the start of a run and at each
    resume, which refuses one that has changed. Its examples should have been normalised as these are.

    A case is an example of the split on which fitness is measured, as it is and in evaluation mode: whether the member
    has it right, or minus its loss. It is the same one in every generation. Cases come with fitness, at no cost; with
    ``fitness = "training-loss"`` no more than two examples are looked at after training, and cases are computed as they
    are read.
    """

    dataset: Annotated[Dataset, "examples and labels"] = use("digits")
    network: Annotated[Network | None, "architecture of every member; by default an mlp"] = None
    init: Annotated[
        Function,
        Known("glorot-uniform", "he-normal", "he-uniform", "normal", "normalised", "torch-uniform"),
        "how weights are drawn",
    ] = "he-normal"
    pretrained: Annotated[
        Mapping[Literal["file", "new", "partial"], str | bool | tuple[str, ...]] | None,
        "weights that new members begin with: file (.pt, .pth or .safetensors, in the data folder or absolute); new, "
        "patterns of names of weights that are drawn all the same, such as output.*; partial, true where not all the "
        "rest has to fit",
    ] = None
    epochs: Annotated[int, Ge(1), "of training in one evaluation, that is in a generation"] = 1
    batch: Annotated[int, Ge(1), "examples in a gradient step"] = 128
    optimizer: Annotated[Literal["sgd", "adam"], "update rule; sgd has momentum"] = "sgd"
    learning_rate: Annotated[
        Annotated[float, Ge(0)] | None, "at the start of the schedule; by default 0.1 for sgd, 0.001 for adam"
    ] = None
    momentum: Annotated[Annotated[float, Ge(0), Lt(1)] | None, "of sgd; by default 0.9"] = None
    weight_decay: Annotated[Annotated[float, Ge(0)] | None, "L2 penalty, by default 0"] = None
    groups: Annotated[
        Mapping[str, Mapping[Literal["weights", "learning_rate", "weight_decay"], float | str | tuple[str, ...]]],
        "by name: weights, shell patterns of their names; learning_rate and weight_decay, by default those of the "
        "evaluator, by which weights that no group has go too",
    ] = field(default_factory=dict)
    loss: Annotated[
        Annotated[Function, Known("cross-entropy", "squared-error", "binary-cross-entropy")] | None,
        "per example, by default cross-entropy, of one logit binary-cross-entropy",
    ] = None
    class_weights: Annotated[
        tuple[Annotated[float, Ge(0)], ...] | Literal["balanced"] | None,
        "by which the loss of an example is multiplied, wherever it is taken, one a class; balanced: all examples of a "
        "class count what those of any other do, and an example 1 on average",
    ] = None
    output: Annotated[
        Literal["classes", "binary"],
        "of the network: a logit a class; or one for two classes, above 0 for class 1. Losses get one of class 0 too, "
        "which is 0",
    ] = "classes"
    drop_last: Annotated[bool, "leave out the last examples of an epoch where they are too few for a batch"] = False
    schedule: Annotated[Literal["constant", "step", "cosine"], "of the learning rate, by epochs"] = "constant"
    milestones: Annotated[tuple[Annotated[int, Ge(1)], ...], "step: epochs at which the learning rate decays"] = ()
    decay: Annotated[float, Gt(0), Lt(1), "step: factor at each milestone"] = 0.1
    total_epochs: Annotated[Annotated[int, Ge(1)] | None, "cosine: epochs until the learning rate is zero"] = None
    augmentation: Annotated[
        tuple[Literal["crop", "flip", "flip-vertical", "rotate", "translate"], ...],
        "of training images, in this order: a crop padded by an eighth of the side; a mirror image half of the time, "
        "left to right or top to bottom; a turn by any angle; a move by up to a fifth of the side. Zeros come in",
    ] = ()
    rotations: Annotated[
        int,
        Ge(1),
        "at measuring, of each image by equal angles, whose mean logits count; fitness, cases and the exported network "
        "take the image as it is",
    ] = 1
    fitness: Annotated[
        Literal["accuracy", "loss", "training-loss"],
        "what is maximised, losses with their sign changed; training-loss: of the last epoch, as it was trained, which "
        "needs no pass of its own",
    ] = "accuracy"
    fitness_split: Annotated[
        Literal["validation", "train"], "examples on which fitness and cases are measured, without augmentation"
    ] = "validation"
    share: Annotated[
        Literal["all", "dealt"],
        "training examples of a member: all, or those of the batches that it gets when all are dealt in turn to the "
        "members that are trained together, anew in each epoch",
    ] = "all"
    cases: Annotated[
        Literal["correct", "loss"], "of an example: 1 if it is right, else 0; or the loss with its sign changed"
    ] = "correct"
    augmented_cases: Annotated[
        bool, 'with fitness = "training-loss", whether cases are images as in training, drawn anew when they are read'
    ] = False
    headline: Annotated[
        Literal["accuracy", "f1", "f1.macro", "sensitivity", "specificity", "auc"],
        "the metric that decides between solutions; sensitivity and specificity are of class 1, of more than two the "
        "means of all",
    ] = "accuracy"
    metrics: Annotated[
        tuple[Literal["f1", "f1.macro", "sensitivity", "specificity", "auc", "by-class", "by-subject"], ...],
        "measured beside accuracy and loss; f1 is weighted by examples; by-class: recall; by-subject: accuracy, where "
        "the data set knows whose each example is",
    ] = ()
    inherit: Annotated[
        Mapping[Literal["weights", "buffers", "optimizer", "schedule_clock"], bool],
        "what of its parent's a child goes on with; without schedule_clock it takes the epochs of the whole run so far",
    ] = field(default_factory=lambda: {"weights": True, "buffers": True, "optimizer": True, "schedule_clock": True})

    finish: Annotated[
        Mapping[Literal["epochs", "milestones", "decay", "split", "weights"], int | float | str | tuple[int, ...]]
        | None,
        "last training of the solution, which no budget counts: epochs; milestones, at which the learning rate takes "
        "decay, by default 0.1; split, train or train+validation; weights, inherited or fresh",
    ] = None

    provides = ("states", "cases")
    costs = ("epochs", "steps", "samples")
    minimised = ("loss", "weights", "training_loss")

    @property
    def fixed_cases(self) -> bool:
        return not self.augmented_cases

    def check(self) -> Iterable[tuple[str | tuple[str, ...], str]]:
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if value and (wrong := lost(value, "float32")):
                yield name, f"{wrong}, the type of the weights"
        if self.optimizer == "adam" and self.momentum is not None:
            yield "momentum", 'is for optimizer = "sgd"; adam has none to set'
        if (self.schedule == "step") != bool(self.milestones):
            yield "milestones", 'belong to schedule = "step", which needs at least one'
        if (self.schedule == "cosine") != (self.total_epochs is not None):
            yield "total_epochs", 'belongs to schedule = "cosine", which needs it'
        if self.augmented_cases and (self.fitness != "training-loss" or not self.augmentation):
            yield "augmented_cases", 'belongs to fitness = "training-loss" and an augmentation'
        yield from misfits(self.metrics, self.dataset)
        yield from finishing.mistakes(self.finish or {"epochs": 1})
        yield from pretrained.mistakes(self.pretrained or {"file": "none.pt"})
        yield from groups.mistakes(self.groups)
        if self.learning_rate == 0 and not any(group.get("learning_rate") for group in self.groups.values()):
            yield "learning_rate", "is 0, and no group has one of its own above 0: nothing would be trained"
        if not self._passes("weights") and (self._passes("buffers") or self._passes("optimizer")):
            yield (
                "inherit",
                "buffers and optimizer belong to the weights: with weights = false, set them false too",
            )

    # ---------------------------------------------------------------------------------------------- set up

    def task(self) -> Task:
        info = self.dataset.info()
        return Task(input_shape=tuple(info.shape), outputs=self._outputs)

    @property
    def _outputs(self) -> int:
        return 1 if self.output == "binary" else self.dataset.info().classes

    def bind(self, genotype: Genotype | None) -> None:
        self._genes = genome_parts.parts(genotype)
        usual = binary_cross_entropy if self.output == "binary" else cross_entropy
        self._loss: Loss = by_network(per_example(self.loss)) if self.loss else usual
        self._weigh: Callable[[Loss], Loss] = lambda loss: loss
        self._decay = self._schedule()
        self._rounds = 0
        self._given = pretrained.NOTHING
        _refuse([*genome_parts.misfits(self, genotype), *self._data_misfits()])
        info = self.dataset.info()
        self._architectures = Architectures(
            tuple(info.shape), self._outputs, self.network or MLP(), self._genes.get("architecture")
        )
        network = self._architectures.build(self._architectures.example(), "meta")
        self._groups = Groups(self.groups, [name for name, _ in network.named_parameters()])
        rates = {name: part.length for name, part in self._genes.items() if name in groups.RATES}
        _refuse(self._groups.misfits(rates))
        require_weights(network, copies=2)  # their gradients beside them
        slots = {"sgd": 1, "adam": 2}[self.optimizer]
        self._state = (1 + slots) * of_weights(network) + of_buffers(network)
        self._require_steps(network, torch.zeros(1, *info.shape, device="meta"), info.sizes.get("train", 0))

    def footprint(self, members: int, evaluated: int) -> int:
        """Its data, and of each member weights, buffers, what the optimizer remembers of each weight, and cases."""
        info = self.dataset.info()
        measured = self.reads_cases and self.fitness != "training-loss"
        cases = 4 * info.sizes.get(self.fitness_split, 0) if measured else 0
        return of_data(info) + members * (self._state + cases)

    def start(self, device: torch.device, rng: Rng) -> None:
        self._device = device
        data = self.dataset.load_all()
        for misfit in self._absent(data):
            raise ConfigError(*misfit)
        self._subjects = subjects(self.metrics, self.dataset, {split: len(y) for split, (_, y) in data.items()})
        x, _ = data["train"]
        example = self._architectures.example()
        network = self._architectures.build(example, "cpu")
        self._require_steps(network, x[:1], len(x))
        require_step(network, x[:2], min(self.batch, len(x)))
        require_pass(network, x[:2], min(BLOCK, len(x)), "network")
        # Adam counts each network's steps; shares can be of different sizes; a stack's weights are one tensor.
        most = 1 if self.optimizer == "adam" or self.share == "dealt" or self.groups else STACK
        self._architectures.start(x[:2], device, most)
        layout = self._architectures.teams(example).layout
        if self.pretrained is not None:
            template = self._architectures.teams(example).template
            self._given = pretrained.begin(pretrained.of(self.pretrained), template, getattr(example, "renamed", str))
        self._data = {split: (x.to(device, memory_format=layout), y.to(device)) for split, (x, y) in data.items()}
        if self.class_weights is not None:
            weights = class_weights.of_classes(self.class_weights, data["train"][1], self.dataset.info().classes)
            self._weigh = partial(class_weights.weighted, weights=weights.to(device))
            self._loss = self._weigh(self._loss)

    # ---------------------------------------------------------------------------------------------- at work

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        plans = [self._plan(members, row) for row in range(len(members))]
        orders = self._orders(members, rng)
        pieces = list(self._architectures.split(members, plans))

        def work(number: int) -> _Trained:
            teams, rows = pieces[number]
            return self._train(teams, members, rows, *plans[rows[0]], [orders[row] for row in rows], rng)

        trained = parallel(work, len(pieces))
        states = [state for team in trained for state in team.states]
        self._rounds += 1
        examples = sum(map(len, orders))
        steps = [count_steps(len(order), self.batch, self.drop_last) for order in orders]
        return Evaluation(
            torch.cat([team.fitness for team in trained]),
            states,
            cost={
                "epochs": self.epochs * examples // len(self._data["train"][0]),
                "steps": self.epochs * sum(steps),
                "samples": self.epochs * sum(min(len(o), n * self.batch) for o, n in zip(orders, steps, strict=True)),
            },
            columns={
                "lineage_epochs": _counts([state["passes"] for state in states]),
                "training_loss": torch.cat([team.training_loss for team in trained]),
            },
            cases=self._cases(trained, rng.child("cases")) if self.reads_cases else None,
        )

    def _orders(self, members: Members, rng: Rng) -> list[Order]:
        """Of each member."""
        n, examples = len(members), len(self._data["train"][0])
        if self.share == "all":
            return [Shuffled(examples, rng.child(member)) for member in members.ids.tolist()]
        if n > count_steps(examples, self.batch, self.drop_last):
            largest = examples // n if self.drop_last else (examples - 1) // (n - 1)
            most = f"batch may be at most {largest}" if n <= examples else "there are fewer examples than members"
            batches = f"{examples:,} training examples in batches of {self.batch}"
            raise EvaluationError(f"train: share: {batches} are too few to deal one to each of {n} members: {most}")
        return [Dealt(examples, self.batch, number, n, rng) for number in range(n)]

    def _cases(self, trained: Sequence[_Trained], rng: Rng) -> Any:
        """``(n, cases)`` as they were measured with fitness, or to be computed as they are read."""
        if self.fitness != "training-loss":
            return torch.cat([self._of_cases(team.examples) for team in trained])
        x, y = self._data[self.fitness_split]
        changes, noise = self._augmentations() if self.augmented_cases else (), stream(rng)

        def examples(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            numbers = numbers.to(y.device)
            return augmented(taken(x, numbers), changes, noise), y[numbers]

        def scored(networks: Alone | Stack, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self._of_cases(by_example(networks, x, y, self._loss))

        networks = [team.networks for team in trained if team.networks is not None]
        return LazyCases(networks, len(y), examples, scored)

    def _of_cases(self, examples: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return examples["correct"] if self.cases == "correct" else -examples["loss"]

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        """``accuracy`` and ``loss`` (cross-entropy where genes set the loss) of trained members, and what ``headline``
        and ``metrics`` name, see :func:`evoplug_supervised.metrics.measured`."""
        if split not in self._data:
            return {}
        assert members.states is not None, "only trained members can be measured"
        pieces = list(self._architectures.split(members, [None] * len(members)))
        scores = parallel(lambda number: self._measure(*pieces[number], members, split), len(pieces))
        return {metric: torch.cat([score[metric] for score in scores]) for metric in scores[0]}

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        """``weights``: how many each one's network has; and the rates of groups that its genes set."""
        weights = {"weights": torch.tensor(self._architectures.weights(members), dtype=torch.int64)}
        genes = self._numbers(members, [*range(len(members))])
        return weights | {
            f"{rate}.{name}": gene
            for rate in groups.RATES
            if rate in genes and self._genes[rate].length > 1
            for name, gene in zip(self._groups.names, genes[rate].T, strict=True)
        }

    def finalise(self, member: Members, rng: Rng) -> dict[str, Any] | None:
        """The member's state after ``finish``; where new weights are drawn, the stream of the call decides on them."""
        if self.finish is None:
            return None
        last = finishing.of(self.finish)
        old, genes = beginnings.state(member, 0), self._numbers(member, [0])
        ((teams, _),) = self._architectures.split(member, [None])
        kept = (
            {**old, "optimizer": {}}
            if last.weights == "inherited"
            else {**beginnings.UNTRAINED, "member": old["member"]}
        )
        begin = self._begin(kept, teams.template, old["member"], rng)
        decay = schedules.step(last.milestones, last.decay)
        recipe = replace(self._recipe(genes), epochs=last.epochs, schedule=decay)
        (state,) = train(
            teams.team(1), *self._examples(last.split), self._loss_of(genes, ()), recipe, [begin], 0, [rng]
        )
        return {**state, **beginnings.older(begin, last.epochs, 1), "member": old["member"]}

    def _examples(self, splits: finishing.Split) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [self._data[split] for split in splits.split("+") if split in self._data]
        x, y = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return x, y

    def model(self, member: Members) -> Model:
        assert member.states is not None, "only trained members have a network"
        network = self._architectures.of(member, 0)
        module = self._architectures.build(network, "cpu")
        load(module, member.states[0])
        return with_preprocessing(self.dataset, network, module, self._outputs)

    def state_dict(self) -> dict[str, Any]:
        return {"rounds": self._rounds, "pretrained": self._given.digest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rounds = state["rounds"]
        if self.pretrained is not None and self._given.digest:  # started: a solution needs no file
            pretrained.require_same(pretrained.of(self.pretrained), self._given, state["pretrained"])

    def _train(
        self,
        teams: Teams,
        members: Members,
        rows: list[int],
        recipe: Recipe,
        clock: int,
        orders: Sequence[Order],
        rng: Rng,
    ) -> _Trained:
        """A team after its epochs."""
        networks, genes = teams.team(len(rows)), self._numbers(members, rows)
        ids = members.ids[rows].tolist()
        begins = [
            self._begin(
                beginnings.state(members, row), teams.template, member, rng.child(beginnings.origin(members, row))
            )
            for row, member in zip(rows, ids, strict=True)
        ]
        loss = self._loss_of(genes, networks.lead)
        examples = len(self._data["train"][0])
        steps = count_steps(len(orders[0]), recipe.batch, recipe.drop_last)
        seen = deque[torch.Tensor](maxlen=steps)  # of the last epoch
        streams = [rng.child(member) for member in ids]
        states = train(networks, *self._data["train"], loss, recipe, begins, clock, streams, seen.append, orders)
        for state, begin, member, order in zip(states, begins, ids, orders, strict=True):
            state |= {"member": member, **beginnings.older(begin, self.epochs, len(order) / examples)}
        x, y = self._data[self.fitness_split]
        mean = torch.cat([*seen], -1).mean(-1, dtype=torch.float64).view(-1)
        if self.fitness == "training-loss":
            sound = by_example(networks, x[:2], y[:2], self._loss)["correct"].isfinite().all(-1)  # after the last step
            return _Trained(
                states, -mean.where(sound, torch.nan), mean, networks=networks if self.reads_cases else None
            )
        scored = by_example(networks, x, y, self._loss)
        scores = averaged(scored)
        fitness = scores["accuracy"] if self.fitness == "accuracy" else -scores["loss"]
        return _Trained(states, fitness, mean, scored)

    def _loss_of(self, genes: Mapping[str, torch.Tensor], lead: tuple[int, ...]) -> Loss:
        """The loss of a team, ``lead`` being its dimensions: that of its genes, if they set it."""
        if "loss" not in genes:
            return self._loss
        return self._weigh(self._genes["loss"].loss(genes["loss"].view(*lead, -1)))

    def _begin(self, old: Mapping[str, Any], template: nn.Module, member: int, rng: Rng) -> dict[str, Any]:
        """What a member starts from: all of its own state, of a parent's what is passed on, and the rest new."""
        kept = {
            part: old.get(part, {}) if old["member"] == member or self._passes(part) else {}
            for part in ("weights", "buffers", "optimizer")
        }
        new = state_of(template)
        there = {**self._given.weights, **kept["weights"]}
        missing = {name: torch.empty_like(w) for name, w in new["weights"].items() if name not in there}
        if missing:
            fill({name: weight[None] for name, weight in missing.items()}, self.init, rng.child("weights"))
        new["weights"] = {**missing, **self._given.weights}
        new["buffers"] |= self._given.buffers
        age = {count: old[count] for count in ("epochs", "passes")}
        return {**{part: {**new[part], **kept[part]} for part in kept}, **age}

    def _measure(self, teams: Teams, rows: list[int], members: Members, split: str) -> dict[str, torch.Tensor]:
        networks = teams.team(len(rows))
        networks.load([beginnings.state(members, row) for row in rows])
        seen = networks if self.rotations == 1 else Turning(networks, self.rotations)
        x, y = self._data[split]
        if not (names := beside_accuracy(self.headline, self.metrics)):
            return score(seen, x, y, self._loss)
        examples = by_example(seen, x, y, self._loss, keep_logits=True)
        return averaged(examples) | measured(names, examples["logits"], y, self._subjects.get(split, ()))

    def _passes(self, part: str) -> bool:
        return self.inherit.get(part, True)  # type: ignore[call-overload]

    # ---------------------------------------------------------------------------------------- the parameters

    def _plan(self, members: Members, row: int) -> tuple[Recipe, int]:
        """How a member is trained, and the epoch at which its schedule goes on."""
        clock = (
            beginnings.state(members, row)["epochs"] if self._passes("schedule_clock") else self._rounds * self.epochs
        )
        return self._recipe(self._numbers(members, [row])), clock

    def _numbers(self, members: Members, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        """part -> the genes ``(k, d)`` of some members; an architecture is no number."""
        genomes = members.genomes
        parts = genomes if isinstance(genomes, Parts) else dict.fromkeys(self._genes, genomes)
        return {name: part[rows] for name, part in parts.items() if name != "architecture"}  # type: ignore

    def _recipe(self, genes: Mapping[str, torch.Tensor]) -> Recipe:

        def rate(name: str, default: float) -> float:
            fixed = getattr(self, name)
            return genes[name][0, -1].item() if name in genes else default if fixed is None else fixed

        own = {
            "learning_rate": rate("learning_rate", 0.1 if self.optimizer == "sgd" else 0.001),
            "weight_decay": rate("weight_decay", 0.0),
        }
        return Recipe(
            epochs=self.epochs,
            batch=self.batch,
            optimizer=self.optimizer,
            **own,
            momentum=rate("momentum", 0.9),
            groups=self._groups.rates(own, {name: genes[name][0].tolist() for name in own if name in genes}),
            drop_last=self.drop_last,
            schedule=self._decay,
            augmentation=self._augmentations(),
        )

    def _augmentations(self) -> tuple[Augmentation, ...]:
        return tuple(AUGMENTATIONS[name] for name in self.augmentation)

    def _schedule(self) -> schedules.Schedule:
        if self.schedule == "step":
            return schedules.step(self.milestones, self.decay)
        return schedules.constant if self.total_epochs is None else schedules.cosine(self.total_epochs)

    # -------------------------------------------------------------------------------------- what does not fit

    def _data_misfits(self) -> Iterable[tuple[str, str]]:
        info = self.dataset.info()
        yield from class_weights.mistakes(self.class_weights, info.classes)
        if info.classes != 2:
            if self.output == "binary":
                yield "output", f"binary is for two classes, and the data set has {info.classes}"
            elif self.loss == "binary-cross-entropy":
                yield "loss", f"is for two classes, and the data set has {info.classes}"
        if info.sizes:
            yield from self._absent([split for split, size in info.sizes.items() if size])
        for key, changes in (("augmentation", bool(self.augmentation)), ("rotations", self.rotations > 1)):
            if changes and len(info.shape) != 3:
                yield key, f"is for images, and an example has shape {tuple(info.shape)}"

    def _require_steps(self, network: nn.Module, x: torch.Tensor, examples: int) -> None:
        """Raise ConfigError if a gradient step has too few examples for the network, or an epoch for a step.

        Args:
            x: one input, on the network's device.
            examples: in the training split; 0 where it is not known yet.
        """
        if self.drop_last and 0 < examples < self.batch:
            raise ConfigError("drop_last", f"leaves no step: {examples:,} examples fill no batch of {self.batch:,}")
        if smallest_step(examples, self.batch, self.drop_last) == 1 and not trains_on_one(network, x):
            step = "is one" if self.batch == 1 else f"leaves one of {examples:,} for the last step"
            raise ConfigError(
                "batch", f"{step}, and the network cannot be trained on one example (batch normalisation)"
            )

    def _absent(self, splits: Collection[str]) -> Iterable[tuple[str, str]]:
        """(key, message) of each split that is needed and not among those that have examples."""
        if "train" not in splits:
            yield "dataset", "has no training examples"
        elif self.fitness_split not in splits:
            yield "fitness_split", f"the data set has no {self.fitness_split} examples"


def _refuse(misfits: Iterable[tuple[str | tuple[str, ...], str]]) -> None:
    """Raise ConfigError if there are any, (key, message)."""
    if mistakes := [mistake for misfit in misfits for mistake in ConfigError(*misfit).mistakes]:
        raise ConfigError(mistakes=mistakes)


class _Trained(NamedTuple):
    """A team after training."""

    states: list[dict[str, Any]]
    fitness: torch.Tensor
    """``(k,)``."""
    training_loss: torch.Tensor
    """``(k,)``: the mean of the last epoch, as it was trained."""
    examples: Mapping[str, torch.Tensor] = MappingProxyType({})
    """As :func:`by_example` gives them, where fitness was measured by example."""
    networks: Alone | Stack | None = None
    """As they are now, where cases are to be read of them."""


def _counts(values: Sequence[float]) -> torch.Tensor:
    """Whole ones as such."""
    return torch.tensor(values, dtype=torch.int64 if all(isinstance(value, int) for value in values) else torch.float64)
