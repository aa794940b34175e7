"""Evaluator ``train``: what members inherit, what their genes set, and what it costs."""

import io
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from evoplug import ConfigError, FilesError, Members, Parts, Rng
from evoplug.contracts import Dataset, DatasetInfo, Genotype, Network
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem
from evoplug_supervised.augmentation import AUGMENTATIONS
from evoplug_supervised.gradient_descent import GradientDescent
from evoplug_supervised.orders import Dealt
from evoplug_supervised.train import Train

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    with workers(1):
        yield


@dataclass(kw_only=True)
class Sides(Dataset):
    """Points on the plane, or images of noise around a level: which side of zero are they on?"""

    shape: tuple = (2,)
    train: int = 50
    validation: int = 20

    def info(self):
        return DatasetInfo(self.shape, 2, {"train": self.train, "validation": self.validation, "test": 30})

    def load(self, split):
        n = self.info().sizes[split]
        if not n:
            raise FilesError(f"no {split} examples")
        x = torch.randn(n, *self.shape, generator=Rng(n).torch)
        level = torch.randn(n, generator=Rng(n + 1).torch)
        return x + level.view(n, *[1] * len(self.shape)), (level > 0).long()


@dataclass(kw_only=True)
class Small(Network):
    """Linear with batch normalisation, after a convolution for images."""

    takes: int = 1

    def build(self, shape, outputs):
        if len(shape) not in (1, 3):
            raise ConfigError("takes", f"cannot take examples of shape {shape}")
        front = [nn.Conv2d(shape[0], 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()] if len(shape) == 3 else []
        width = 4 if front else shape[0]
        return nn.Sequential(*front, nn.BatchNorm1d(width), nn.Linear(width, outputs))


class Widths(Genotype, genome="architecture"):
    """How wide the hidden layer is."""

    def sample(self, n, rng):
        return [1] * n

    def network(self, genome):
        return Wide(width=genome)


@dataclass(kw_only=True, frozen=True)
class Wide(Network):
    width: int

    def build(self, shape, outputs):
        return nn.Sequential(nn.Linear(shape[0], self.width), nn.Linear(self.width, outputs))


def test_each_member_has_the_weights_of_its_own_network():
    """Before there are any data."""
    evaluator = Train(dataset=Sides())
    evaluator.bind(Widths())
    several = Members([3, 1, 3], torch.arange(3), torch.full((3, 2), -1))
    assert evaluator.describe(several)["weights"].tolist() == [17, 7, 17]  # of 2 x w + w + w x 2 + 2
    evaluator = Train(dataset=Sides(), network=Small())
    evaluator.bind(None)
    assert (
        evaluator.describe(Members([{}] * 2, torch.arange(2), torch.full((2, 2), -1)))["weights"].tolist() == [10] * 2
    )


class Part(Genotype):
    """A part of a composite genotype."""

    kinds = ("real-vector",)

    def __init__(self, length=1, low=0.0, high=0.5):
        self.length, self.lower, self.upper = length, torch.full((length,), low), torch.full((length,), high)


class Scaled(Part):
    """A genotype of loss functions: the squared error of the second logit, times the gene."""

    def loss(self, genomes):
        return lambda logits, y: genomes.float() * (logits[..., 1] - y) ** 2


class Together(Genotype, genome="composite"):
    """A composite genotype."""

    def __init__(self, **parts):
        self._parts = parts

    @property
    def parts(self):
        return self._parts


def evaluator(genotype=None, **parameters):
    train = Train(**{"dataset": Sides(), "network": Small(), "batch": 10, **parameters})
    assert list(train.check()) == []
    train.bind(genotype)
    train.start(CPU, Rng(1))
    return train


def members(n, states=None, first_id=0, **genes):
    genomes = Parts({name: torch.tensor(values, dtype=torch.float64)[:, None] for name, values in genes.items()})
    return Members(
        genomes if genes else [{} for _ in range(n)],
        torch.arange(first_id, first_id + n),
        torch.full((n, 2), -1),
        states=states,
    )


def equal(a, b):
    """Whether two states are the same, bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a) if isinstance(a, dict) else a == b


def weights(state):
    return torch.cat([weight.flatten() for weight in state["weights"].values()])


def same_weights(a, b):
    """Whether all weights are the same but for steps at a learning rate of 1e-30."""
    return torch.allclose(weights(a), weights(b), rtol=0, atol=1e-20)


# ------------------------------------------------------------------------------------------- evaluation


def test_fitness_is_the_validation_accuracy_after_training():
    train = evaluator(epochs=5)
    population = members(3)
    evaluation = train.evaluate(population, Rng(1))
    population.states = evaluation.states
    assert evaluation.fitness.dtype == torch.float64
    assert torch.equal(evaluation.fitness, train.measure(population, "validation", Rng(9))["accuracy"])
    assert evaluation.fitness.min() > 0.6
    assert train.measure(population, "nowhere", Rng(9)) == {}
    assert train.measure(population, "test", Rng(9))["loss"].shape == (3,)


def test_fitness_can_be_the_loss_with_its_sign_changed():
    train = evaluator(fitness="loss")
    evaluation = train.evaluate(members(2), Rng(1))
    measured = train.measure(members(2, evaluation.states), "validation", Rng(9))
    assert torch.equal(evaluation.fitness, -measured["loss"])


def test_cost_counts_epochs_steps_and_samples():
    """50 examples in batches of 20 are 3 steps; 2 epochs; 4 members."""
    evaluation = evaluator(epochs=2, batch=20).evaluate(members(4), Rng(1))
    assert evaluation.cost == {"epochs": 8, "steps": 24, "samples": 400}
    assert set(evaluation.cost) == set(Train.costs)


def test_a_network_that_diverges_has_no_finite_fitness():
    evaluation = evaluator(learning_rate=1e30, epochs=3).evaluate(members(2), Rng(1))
    assert not evaluation.fitness.isfinite().any()


@pytest.mark.parametrize("parameters", [{}, {"dataset": Sides(shape=(3, 8, 8)), "augmentation": tuple(AUGMENTATIONS)}])
def test_neither_workers_nor_company_change_a_member(parameters):
    alone = evaluator(**parameters).evaluate(members(1, first_id=2), Rng(1))
    one = evaluator(**parameters).evaluate(members(4), Rng(1))
    with workers(3):
        three = evaluator(**parameters).evaluate(members(4), Rng(1))
    assert equal(one.states[2], alone.states[0])
    assert all(equal(a, b) for a, b in zip(one.states, three.states, strict=True))
    assert not equal(one.states[0]["weights"], one.states[1]["weights"])


def test_evaluation_changes_no_state():
    train = evaluator()
    states = train.evaluate(members(1), Rng(1)).states
    before = weights(states[0]).clone()
    train.evaluate(members(1, states), Rng(2))
    assert torch.equal(weights(states[0]), before)


def test_a_data_set_without_validation_examples_is_judged_on_the_training_examples():
    train = evaluator(dataset=Sides(validation=0), fitness_split="train", epochs=3)
    evaluation = train.evaluate(members(1), Rng(1))
    assert evaluation.fitness[0] > 0.6
    assert train.measure(members(1, evaluation.states), "validation", Rng(1)) == {}


def test_rotations_change_what_is_measured_and_neither_training_nor_the_exported_network():
    images = {"dataset": Sides(shape=(1, 8, 8)), "epochs": 3}
    plain, turning = evaluator(**images), evaluator(**images, rotations=4)
    one, four = (train.evaluate(members(1), Rng(1)) for train in (plain, turning))
    assert equal(one.states[0], four.states[0])
    assert torch.equal(one.fitness, four.fitness)

    x, y = images["dataset"].load("test")
    models = [train.model(members(1, one.states)).module for train in (plain, turning)]
    assert torch.equal(*(model(x) for model in models))
    turns = [x.rot90(quarter, (-2, -1)) for quarter in range(4)]
    loss = nn.functional.cross_entropy(torch.stack([models[0](turn) for turn in turns]).mean(0), y)
    measured = [train.measure(members(1, one.states), "test", Rng(1))["loss"].item() for train in (plain, turning)]
    assert measured[1] == pytest.approx(loss.item(), abs=1e-5)
    assert measured[1] != pytest.approx(measured[0], abs=1e-5)


# ------------------------------------------------------------------------------------------- inheritance

EVERYTHING = dict.fromkeys(("weights", "buffers", "optimizer", "schedule_clock"), True)


def child_of(state, passes, **parameters):
    """The state of a child that is trained with a learning rate too small to move a weight."""
    train = evaluator(inherit=EVERYTHING | passes, learning_rate=1e-30, **parameters)
    return train.evaluate(members(1, [state], first_id=7), Rng(2)).states[0]


@pytest.mark.parametrize("size", [1, 2])
def test_a_tensor_that_a_child_lacks_is_drawn_anew(size):
    """As a genotype leaves it out whose change has voided it; alone, and stacked with another network."""
    train = evaluator(epochs=2, learning_rate=1e-30)
    parent = evaluator(epochs=2).evaluate(members(1), Rng(1)).states[0]
    first, *rest = parent["weights"]
    lacking = {
        **parent,
        "weights": {name: parent["weights"][name] for name in rest},
        "optimizer": {name: parent["optimizer"][name] for name in rest},
    }
    child = train.evaluate(members(size, [lacking] * size, first_id=7), Rng(2)).states[0]
    new = train.evaluate(members(1, first_id=7), Rng(2)).states[0]
    torch.testing.assert_close(child["weights"][first], new["weights"][first])
    for name in rest:
        torch.testing.assert_close(child["weights"][name], parent["weights"][name])
    assert list(child["weights"]) == list(parent["weights"])


def test_what_a_child_inherits_is_what_inherit_says():
    parent = evaluator().evaluate(members(1), Rng(1)).states[0]
    heir = child_of(parent, {})
    assert same_weights(heir, parent)
    assert not same_weights(child_of(parent, {"weights": False, "buffers": False, "optimizer": False}), parent)

    def batches(state):
        return int(next(buffer for name, buffer in state["buffers"].items() if "tracked" in name))

    assert batches(heir) == 2 * batches(child_of(parent, {"buffers": False})) == 10
    (name, slots), *_ = heir["optimizer"].items()
    fresh = child_of(parent, {"optimizer": False})["optimizer"][name]
    assert not torch.equal(slots["momentum_buffer"], fresh["momentum_buffer"])


def test_a_member_that_goes_on_keeps_all_of_its_own():
    nothing = dict.fromkeys(EVERYTHING, False)
    train = evaluator(inherit=nothing)
    state = train.evaluate(members(1), Rng(1)).states[0]
    again = train.evaluate(members(1, [state]), Rng(2)).states[0]
    whole = evaluator()
    assert equal(again, whole.evaluate(members(1, whole.evaluate(members(1), Rng(1)).states), Rng(2)).states[0])
    assert not equal(train.evaluate(members(1, [state], first_id=1), Rng(2)).states[0], again)


def test_the_clock_goes_by_lineage_or_by_generation():
    """From epoch 2 on the learning rate is too small to move a weight."""
    schedule = {"schedule": "step", "milestones": (2,), "decay": 1e-30, "epochs": 2}
    for by_lineage in (True, False):
        train = evaluator(inherit=EVERYTHING | {"schedule_clock": by_lineage}, **schedule)
        first = train.evaluate(members(1), Rng(1)).states[0]
        newcomer = train.evaluate(members(1, first_id=1), Rng(2)).states[0]
        child = train.evaluate(members(1, [first], first_id=2), Rng(3)).states[0]
        stranger = train.evaluate(members(1, [newcomer], first_id=3), Rng(3)).states[0]
        assert same_weights(child, first)
        assert same_weights(stranger, newcomer)
        fresh = evaluator(learning_rate=1e-30, epochs=2).evaluate(members(1, first_id=1), Rng(2)).states[0]
        assert same_weights(newcomer, fresh) == (not by_lineage)


def test_epochs_of_the_lineage_are_counted():
    train = evaluator(epochs=3)
    first = train.evaluate(members(2), Rng(1))
    second = train.evaluate(members(2, [first.states[0], None], first_id=2), Rng(2))
    assert first.columns["lineage_epochs"].tolist() == [3, 3]
    assert second.columns["lineage_epochs"].tolist() == [6, 3]


def test_the_count_of_generations_is_kept_by_checkpoints():
    train, other = (evaluator(inherit={"schedule_clock": False}, schedule="cosine", total_epochs=4) for _ in range(2))
    train.evaluate(members(1), Rng(1))
    other.load_state_dict(train.state_dict())
    assert equal(*(t.evaluate(members(1, first_id=1), Rng(2)).states[0] for t in (train, other)))


# ------------------------------------------------------------------------------------------ shares of the data


def test_what_is_dealt_is_shared_out_among_the_members():
    """50 examples in batches of 8 are 7, the last of 2: three for the first of three members, two for the others."""
    orders = [Dealt(50, 8, number, 3, Rng(1)) for number in range(3)]
    epochs = [[order(epoch).tolist() for order in orders] for epoch in range(2)]
    assert [len(order) for order in orders] == [len(order(0)) for order in orders] == [18, 16, 16]
    for shares in epochs:
        assert sorted(example for share in shares for example in share) == list(range(50))
    assert epochs[0] != epochs[1]


def test_a_share_costs_what_it_is_and_counts_as_a_part_of_an_epoch():
    train = evaluator(share="dealt", epochs=2, batch=8)
    evaluation = train.evaluate(members(3), Rng(1))
    assert evaluation.cost == {"epochs": 2, "steps": 14, "samples": 100}
    assert evaluation.columns["lineage_epochs"].tolist() == pytest.approx([0.72, 0.64, 0.64])
    child = evaluator(share="dealt", batch=8).evaluate(members(3, evaluation.states, first_id=3), Rng(2))
    assert child.columns["lineage_epochs"].tolist() == pytest.approx([1.08, 0.96, 0.96])


def test_a_member_sees_none_of_the_examples_of_another():
    def learned(changed):
        train = evaluator(share="dealt", batch=25)
        train._data["train"][0][changed] += 1
        return train.evaluate(members(2), Rng(1)).states

    others = Dealt(50, 25, 1, 2, Rng(1))(0)
    before, after = learned([]), learned(others)
    assert equal(before[0], after[0])
    assert not same_weights(before[1], after[1])


def test_children_of_one_that_was_never_trained_begin_alike():
    siblings = members(3, first_id=5)
    siblings.parents[:2, 0] = 4
    states = evaluator(learning_rate=1e-30).evaluate(siblings, Rng(1)).states
    assert same_weights(states[0], states[1])
    assert not same_weights(states[0], states[2])


# ------------------------------------------------------------------------------------------------------- cases


def read(by_case, *numbers):
    return by_case[:, torch.tensor(numbers)]


def test_augmented_cases_are_drawn_anew_when_they_are_read():
    parameters = {
        "dataset": Sides(shape=(1, 16, 16)), "augmentation": ("crop", "flip"), "cases": "loss",
        "fitness": "training-loss", "fitness_split": "train",
    }  # fmt: skip
    plain, drawn = evaluator(**parameters), evaluator(**parameters, augmented_cases=True)
    for train in (plain, drawn):
        train.reads_cases = True
    same, new = (train.evaluate(members(2), Rng(1)).cases for train in (plain, drawn))
    assert torch.equal(read(same, 3, 7), read(same, 3, 7))
    assert not torch.equal(read(new, 3, 7), read(new, 3, 7))
    assert (plain.fixed_cases, drawn.fixed_cases) == (True, False)


# ------------------------------------------------------------------------------------------- genes


def test_a_gene_does_what_the_parameter_does():
    fixed = {"learning_rate": 0.03, "momentum": 0.5, "weight_decay": 0.01}
    genes = Together(**dict.fromkeys(fixed, Part()))
    by_gene = evaluator(genes).evaluate(
        members(2, learning_rate=[0.3, 0.03], momentum=[0.0, 0.5], weight_decay=[0.0, 0.01]), Rng(1)
    )
    by_parameter = evaluator(**fixed).evaluate(members(2), Rng(1))
    assert equal(by_gene.states[1], by_parameter.states[1])
    assert not equal(by_gene.states[0], by_parameter.states[0])


def test_the_loss_comes_from_the_gene_and_members_are_compared_by_cross_entropy():
    train = evaluator(Together(loss=Scaled()), fitness="loss")
    evaluation = train.evaluate(members(2, loss=[1.0, 0.0]), Rng(1))
    ours = evaluator(loss=lambda logits, y: (logits[:, 1] - y) ** 2).evaluate(members(2), Rng(1))
    assert equal(evaluation.states[0], ours.states[0])
    assert torch.equal(evaluation.states[1]["weights"]["0.weight"], torch.ones(2))  # without a gradient nothing moves
    states = [{**state, "buffers": evaluation.states[0]["buffers"]} for state in evaluation.states]
    assert train.measure(members(2, states, loss=[1.0, 0.0]), "test", Rng(1))["loss"].min() > 0


@pytest.mark.parametrize(
    ("genotype", "parameters", "key", "message"),
    [
        (Together(dropout=Part()), {}, "", "part `dropout`; choices: architecture, loss, learning_rate, momentum"),
        (Together(learning_rate=Part()), {"learning_rate": 0.1}, "learning_rate", "leave out one of the two"),
        (Together(loss=Scaled()), {"loss": "cross-entropy"}, "loss", "leave out one of the two"),
        (Together(loss=Part()), {}, "", "gives no loss function"),
        (Together(momentum=Part(length=2)), {}, "", "must be a real-vector of length 1"),
        (Together(weight_decay=Part(low=-1.0)), {}, "", "must not go below 0"),
        (Together(momentum=Part(high=2.0)), {}, "", "part `momentum` must stay below 1: set its `high`"),
        (Together(momentum=Part()), {"optimizer": "adam"}, "optimizer", "adam has none"),
        (Part(), {}, "", "needs a composite genotype"),
        (None, {"dataset": Sides(shape=(3, 3))}, "network.takes", "cannot take examples of shape (3, 3)"),
        (None, {"dataset": Sides(validation=0)}, "fitness_split", "has no validation examples"),
        (None, {"augmentation": ("flip",)}, "augmentation", "is for images"),
        (None, {"rotations": 8}, "rotations", "is for images, and an example has shape (2,)"),
    ],
)
def test_what_does_not_fit_is_found_before_anything_is_loaded(genotype, parameters, key, message):
    train = Train(**{"dataset": Sides(), "network": Small(), **parameters})
    with pytest.raises(ConfigError) as error:
        train.bind(genotype)
    (mistake,) = error.value.mistakes
    assert ".".join(mistake.key) == key
    assert message in mistake.message


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "momentum"),
        ({"schedule": "step"}, "milestones"),
        ({"milestones": (3,)}, "milestones"),
        ({"schedule": "cosine"}, "total_epochs"),
        ({"total_epochs": 3}, "total_epochs"),
        ({"inherit": {"weights": False, "buffers": False}}, "inherit"),
    ],
)
def test_parameters_that_contradict_each_other(parameters, key):
    assert [name for name, _ in Train(**parameters).check()] == [key]


# ------------------------------------------------------------------------------------------- in a run


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_gradient_descent_resumed_from_a_file_goes_on_bit_for_bit(optimizer):
    def start():
        train = evaluator(optimizer=optimizer, schedule="cosine", total_epochs=4)
        problem = RunProblem(None, train, seed=1, device=CPU)
        return problem, GradientDescent(population=2).start(problem)

    problem, loop = start()
    for _ in range(2):
        loop.step()
    file = io.BytesIO()
    torch.save({"problem": problem.state_dict(), "loop": loop.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again, resumed = start()
    again.load_state_dict(saved["problem"])
    resumed.load_state_dict(saved["loop"])
    for each in (loop, resumed):
        each.step()
        each.step()
    assert torch.equal(resumed.members.fitness, loop.members.fitness)
    assert all(equal(a, b) for a, b in zip(resumed.members.states, loop.members.states, strict=True))
    assert again.ledger.row() == problem.ledger.row()
    assert problem.ledger["epochs"] == 8


# ---------------------------------------------------------------------------------------------- teams


@dataclass(kw_only=True)
class Line(Network):
    """Linear: small enough to be trained several at a time."""

    def build(self, shape, outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(*shape, outputs))


def learned(genotype, rows, genes, workers_=1):
    with workers(workers_):
        train = evaluator(genotype, network=Line(), epochs=2)
        population = members(len(genes["loss"]), **genes)
        return train.evaluate(population[rows], Rng(1))


@pytest.mark.parametrize("parts", [("loss",), ("loss", "learning_rate")])
def test_members_learn_in_company_what_they_learn_alone(parts):
    """Each with its own loss; where learning rates differ, neighbours with the same one are a team."""
    genes = {"loss": [0.5, 1.0, 2.0, 3.0], "learning_rate": [0.1, 0.1, 0.2, 0.2]}
    genes = {part: genes[part] for part in parts}
    genotype = Together(**{part: Scaled() if part == "loss" else Part() for part in parts})
    together = learned(genotype, [0, 1, 2, 3], genes, workers_=3)
    for row in range(4):
        alone = learned(genotype, [row], genes)
        torch.testing.assert_close(weights(together.states[row]), weights(alone.states[0]))
        assert together.fitness[row] == alone.fitness[0]
    assert not torch.allclose(weights(together.states[2]), weights(together.states[3]))


def test_a_network_that_cannot_have_its_channels_last_is_trained_all_the_same():
    class Viewed(nn.Conv2d):
        def forward(self, x):
            return super().forward(x).view(len(x), -1)[:, :2]

    class Views(Network):
        def build(self, shape, outputs):
            return Viewed(shape[0], outputs, 2)

    train = evaluator(dataset=Sides(shape=(2, 3, 3)), network=Views())
    assert train.evaluate(members(2), Rng(1)).fitness.isfinite().all()


# ---------------------------------------------------------------------------------------------- dropout


@dataclass(kw_only=True)
class Dropped(Network):
    """Dropout as a module and as a function."""

    dropout: type[nn.Module] = nn.Dropout

    def build(self, shape, outputs):
        class Half(nn.Linear):
            def forward(self, x):
                return nn.functional.dropout(super().forward(x), 0.5, self.training)

        return nn.Sequential(self.dropout(0.3), Half(*shape, 8), nn.ReLU(), nn.Linear(8, outputs))


def test_dropout_is_the_same_in_every_run_and_with_any_number_of_workers():
    def learned(count):
        with workers(count):
            return evaluator(network=Dropped()).evaluate(members(3), Rng(1)).states

    before = torch.get_rng_state()
    first, again, three = learned(1), learned(1), learned(3)
    assert torch.equal(before, torch.get_rng_state())
    assert all(equal(a, b) and equal(a, c) for a, b, c in zip(first, again, three, strict=True))
    train = evaluator(network=Dropped())
    scores = [train.measure(members(1, first[:1]), "test", Rng(seed)) for seed in (1, 2)]
    assert scores[0] == scores[1]


def test_random_numbers_that_no_run_could_repeat_are_refused():
    with pytest.raises(ConfigError, match="network: draws random numbers, not by plain dropout"):
        evaluator(network=Dropped(dropout=nn.AlphaDropout))
