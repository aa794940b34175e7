"""The evaluator of several tasks, beside networks that are put together and passed one by one."""

import copy

import pytest
import torch
from torch import nn

from evoplug import ConfigError, Rng, Task
from evoplug_basics.assignment import Assignment
from evoplug_sharing.multitask import Multitask
from several_tasks import CPU, Blobs, Small, members, started

SHARED = [0, 0, 0, 0, 0, 0]
"""Of three tasks with two learned positions, task by task."""
MIXED = [[0, 1, 0, 2, 1, 1], [0, 1, 0, 0, 0, 1], SHARED, [2, 2, 2, 2, 2, 2]]


def networks(evaluator, assignment) -> list[nn.Module]:
    """Each task's, of modules that belong to the evaluator."""
    sets = evaluator._sets.sets
    return [
        nn.Sequential(sets["conv"][conv], sets["dense"][dense], sets["output"][task])
        for task, (conv, dense) in enumerate(zip(assignment[::2], assignment[1::2], strict=True))
    ]


def batch(evaluator, rng):
    inputs, labels = evaluator._batch(rng.child("batch"))
    return list(zip(inputs, labels, strict=True))


def loss(network, x, y):
    return nn.functional.cross_entropy(network(x), y)


def losses(evaluator, assignments, rng) -> torch.Tensor:
    """The plain double loop over assignments and tasks."""
    data = batch(evaluator, rng)
    rows = [[loss(net, *xy) for net, xy in zip(networks(evaluator, a), data, strict=True)] for a in assignments]
    return torch.stack([torch.stack(row) for row in rows])


def moved(evaluator):
    """Running statistics that are no longer those of the start."""
    for _ in range(3):
        evaluator.update(members(*MIXED), Rng(8))
    return evaluator


# ------------------------------------------------------------------------------------------- evaluate


def test_positions_are_named_task_by_task():
    assert started().task().names == ("one.conv", "one.dense", "two.conv", "two.dense", "three.conv", "three.dense")


def test_fitness_is_minus_the_mean_loss_of_the_tasks():
    evaluator = moved(started())
    fitness = evaluator.evaluate(members(*MIXED), Rng(3)).fitness
    evaluator._sets.eval()
    torch.testing.assert_close(fitness, -losses(evaluator, MIXED, Rng(3)).mean(1).detach(), atol=1e-5, rtol=0)


def test_all_assignments_get_one_batch_and_another_call_another():
    evaluator = started()
    fitness = evaluator.evaluate(members(SHARED, SHARED), Rng(3)).fitness
    assert fitness[0] == fitness[1]
    assert fitness[0] != evaluator.evaluate(members(SHARED), Rng(4)).fitness[0]


def test_evaluate_leaves_weights_and_statistics_alone():
    for statistics in ("running", "batch"):
        evaluator = moved(started(statistics=statistics))
        before = copy.deepcopy(evaluator.state_dict())
        evaluator.evaluate(members(*MIXED), Rng(3))
        for name, value in evaluator.state_dict()["sets"].items():
            torch.testing.assert_close(value, before["sets"][name], rtol=0, atol=0)


@pytest.mark.parametrize("forward", ["apart", "together"])
def test_statistics_of_the_batch(forward):
    """As in training, whatever the running ones are."""
    evaluator = moved(started(statistics="batch", forward=forward))
    fitness = evaluator.evaluate(members(SHARED), Rng(3)).fitness
    twin = copy.deepcopy(evaluator)
    twin._sets.train()
    expected = losses(twin, [SHARED], Rng(3)) if forward == "apart" else as_one_batch(twin, Rng(3))
    torch.testing.assert_close(fitness, -expected.mean(1).detach(), atol=1e-5, rtol=0)


def as_one_batch(evaluator, rng) -> torch.Tensor:
    """Full sharing, by hand: all tasks' examples pass every shared set as one batch."""
    sets, data = evaluator._sets.sets, batch(evaluator, rng)
    features = sets["dense"][0](sets["conv"][0](torch.cat([x for x, _ in data]))).split(8)
    heads = zip(sets["output"], features, data, strict=True)
    return torch.stack([nn.functional.cross_entropy(head(x), y) for head, x, (_, y) in heads])[None]


# --------------------------------------------------------------------------------------------- update


def gradients(evaluator, call) -> dict[str, torch.Tensor]:
    """What the optimizer is given."""
    seen = {}

    def step():
        seen.update({n: w.grad.clone() for n, w in evaluator._sets.named_parameters() if w.grad is not None})

    evaluator._optimizer.step = step
    call()
    return seen


def own_gradients(evaluator, value) -> dict[str, torch.Tensor]:
    evaluator._sets.zero_grad()
    value.backward()
    return {n: w.grad.clone() for n, w in evaluator._sets.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("forward", ["apart", "together"])
def test_mean_gradient_is_that_of_the_mean_loss(forward):
    """Equation 8.20, L being the mean over tasks; networks without batch normalisation do not tell how tasks pass."""
    evaluator = started(gradients="mean", forward=forward, network=Small(normalise=False))
    given = gradients(evaluator, lambda: evaluator.update(members(*MIXED), Rng(3)))
    expected = own_gradients(evaluator, losses(evaluator, MIXED, Rng(3)).mean())
    assert given.keys() == expected.keys()
    for name in given:
        torch.testing.assert_close(given[name], expected[name], atol=1e-6, rtol=1e-4)


def test_tasks_that_pass_apart_are_normalised_apart():
    evaluator = started(gradients="mean")
    given = gradients(evaluator, lambda: evaluator.update(members(*MIXED), Rng(3)))
    expected = own_gradients(evaluator, losses(evaluator, MIXED, Rng(3)).mean())
    for name in given:
        torch.testing.assert_close(given[name], expected[name], atol=1e-6, rtol=1e-4)


def test_tasks_that_pass_together_are_normalised_together():
    evaluator = started(gradients="mean", forward="together")
    given = gradients(evaluator, lambda: evaluator.update(members(SHARED), Rng(3)))
    expected = own_gradients(evaluator, as_one_batch(evaluator, Rng(3)).mean())
    for name in given:
        torch.testing.assert_close(given[name], expected[name], atol=1e-6, rtol=1e-4)


def test_gradients_by_use_are_divided_by_the_expected_number_of_tasks():
    """Of a learned set lambda times the sum of its probabilities, of the output, which one task has, lambda."""
    evaluator = started(network=Small(normalise=False))
    population = members(*MIXED)
    pi = torch.rand(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    population.columns["pi"] = pi.expand(4, 6, 3)
    given = gradients(evaluator, lambda: evaluator.update(population, Rng(3)))
    expected = own_gradients(evaluator, losses(evaluator, MIXED, Rng(3)).sum())
    convs, outputs = 4 * pi[::2].sum(0), torch.full((3,), 4.0)
    for number in range(3):
        for name, divisor in (
            (f"sets.conv.{number}.conv.0.weight", convs),
            (f"sets.output.{number}.output.weight", outputs),
        ):
            torch.testing.assert_close(given[name], expected[name] / divisor[number].float(), atol=1e-6, rtol=1e-4)


def test_common_sets_are_divided_by_all_tasks():
    evaluator = started(network=Small(normalise=False), learned=("dense",))
    population = members([0, 1, 2], [0, 0, 0])
    given = gradients(evaluator, lambda: evaluator.update(population, Rng(3)))
    data, sets = batch(evaluator, Rng(3)), evaluator._sets.sets
    total = sum(
        nn.functional.cross_entropy(sets["output"][t](sets["dense"][a[t]](sets["conv"][0](x))), y)
        for a in ([0, 1, 2], [0, 0, 0])
        for t, (x, y) in enumerate(data)
    )
    expected = own_gradients(evaluator, total)
    name = "sets.conv.0.conv.0.weight"
    torch.testing.assert_close(given[name], expected[name] / (2 * 3), atol=1e-6, rtol=1e-4)
    # Without probabilities the sample counts: of the dense sets 0 has four uses, 1 and 2 one each.
    for number, uses in enumerate([4, 1, 1]):
        name = f"sets.dense.{number}.dense.0.weight"
        torch.testing.assert_close(given[name], expected[name] / uses, atol=1e-6, rtol=1e-4)


def test_a_set_that_no_assignment_uses_is_left_alone():
    evaluator = started()
    evaluator.update(members([1] * 6), Rng(2))  # Adam remembers set 1 now
    before = copy.deepcopy(evaluator.state_dict())
    evaluator.update(members(SHARED, SHARED), Rng(3))
    used = {
        name for name, value in evaluator.state_dict()["sets"].items() if not torch.equal(value, before["sets"][name])
    }
    assert {name.split(".")[2] for name in used if "output" not in name} == {"0"}
    remembered = {name for name, w in evaluator._sets.named_parameters() if w in evaluator._optimizer.state}
    assert not any(name.startswith(("sets.conv.2", "sets.dense.2")) for name in remembered)


def test_running_statistics_move_once_for_equal_beginnings():
    evaluator = started()
    evaluator.update(members(SHARED, SHARED, [0, 1, 0, 1, 0, 1]), Rng(3))
    norm = evaluator._sets.sets["conv"][0][0][1]
    assert norm.num_batches_tracked == 3  # once a task
    evaluator = started(forward="together")
    evaluator.update(members(SHARED, SHARED, [0, 1, 0, 1, 0, 1]), Rng(3))
    assert evaluator._sets.sets["conv"][0][0][1].num_batches_tracked == 1


def test_costs():
    evaluator = started()
    assert evaluator.evaluate(members(SHARED, SHARED), Rng(1)).cost == {"samples": 2 * 3 * 8}
    assert evaluator.update(members(SHARED), Rng(1)).cost == {"steps": 1, "samples": 3 * 8}


def test_training_learns():
    evaluator = started(learning_rate=0.01)
    before = evaluator.measure(members(SHARED), "test", Rng(0))["error"].item()
    for step in range(60):
        evaluator.update(members(SHARED), Rng(step))
    assert evaluator.measure(members(SHARED), "test", Rng(0))["error"].item() < 0.5 * before


# ------------------------------------------------------------------------------------------ what comes out


def test_measure_is_micro_and_macro():
    evaluator = moved(started())
    given = evaluator.measure(members(*MIXED), "test", Rng(0))
    evaluator._sets.eval()
    for row, assignment in enumerate(MIXED):
        wrong, total, sizes = [], 0.0, [30, 60, 30]
        for network, data in zip(networks(evaluator, assignment), evaluator._data, strict=True):
            x, y = data["test"]
            wrong.append((network(x).argmax(1) != y).sum().item())
            total += nn.functional.cross_entropy(network(x), y, reduction="sum").item()
        assert given["error"][row].item() == pytest.approx(sum(wrong) / 120)
        assert given["accuracy"][row].item() == pytest.approx(1 - sum(wrong) / 120)
        assert given["loss"][row].item() == pytest.approx(total / 120, abs=1e-5)
        errors = [w / n for w, n in zip(wrong, sizes, strict=True)]
        assert given["error.macro"][row].item() == pytest.approx(sum(errors) / 3)
        assert [given[f"error.{name}"][row].item() for name in ("one", "two", "three")] == pytest.approx(errors)


def test_a_split_that_no_task_has():
    assert started().measure(members(SHARED), "validation", Rng(0)) == {}


def test_a_task_whose_loss_is_nan_has_no_error():
    evaluator = started()
    with torch.no_grad():
        evaluator._sets.sets["output"][1][0].weight.fill_(torch.nan)
    given = evaluator.measure(members(SHARED), "test", Rng(0))
    assert given["error.one"].isfinite().all()
    assert given["error.two"].isnan().all()
    assert given["error"].isnan().all()


def test_number_of_weights_counts_shared_ones_once():
    """A convolution has 4 x 3 weights, 4 biases and 2 x 4 of normalisation; the dense layer 24 x 5 + 5; outputs 18 and
    for four classes 24."""
    conv, dense, outputs = 24, 125, 18 + 24 + 18
    counts = started().describe(members(SHARED, [0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1]))["weights"].tolist()
    assert counts == [conv + dense + outputs, 3 * conv + 3 * dense + outputs, 2 * conv + 2 * dense + outputs]


def test_models_are_plain_networks_that_share_their_weights():
    evaluator = moved(started())
    models = evaluator.model(members(MIXED[0]))
    expected = evaluator.measure(members(MIXED[0]), "test", Rng(0))
    assert list(models) == ["one", "two", "three"]
    for name, data in zip(models, evaluator._data, strict=True):
        x, y = data["test"]
        error = (models[name].module(x).argmax(1) != y).double().mean()
        assert error.item() == pytest.approx(expected[f"error.{name}"].item())
    one, two, three = (dict(model.module.named_parameters()) for model in models.values())
    conv, dense = "1.conv.0.weight", "1.dense.0.weight"
    assert one[conv] is two[conv]
    assert one[conv] is not three[conv]
    assert one[dense] is three[dense]
    assert one[conv].data_ptr() != evaluator._sets.sets["conv"][0][0][0].weight.data_ptr()


def test_state_makes_the_same_evaluator_again():
    evaluator = moved(started())
    state = copy.deepcopy(evaluator.state_dict())
    twin = started(seed=9)
    twin.load_state_dict(state)
    for each in (evaluator, twin):
        each.update(members(*MIXED), Rng(3))
    first, second = evaluator.state_dict(), twin.state_dict()
    for name, value in first["sets"].items():
        assert torch.equal(value, second["sets"][name])


def test_networks_of_a_solution_need_no_start():
    evaluator = moved(started())
    fresh = Multitask(tasks=evaluator.tasks, network=Small(), batch=8)
    genotype = Assignment(choices=3)
    genotype.bind(fresh.task())
    fresh.bind(genotype)
    fresh.load_state_dict(evaluator.state_dict())
    x = torch.randn(2, 1, 1, 6)
    (one, again) = (each.model(members(SHARED))["two"].module(x) for each in (evaluator, fresh))
    torch.testing.assert_close(one, again)


def test_sets_are_drawn_apart():
    evaluator = started()
    first, second, _ = evaluator._sets.sets["conv"]
    assert not torch.equal(first[0][0].weight, second[0][0].weight)


def test_training_examples_are_cut_by_class():
    evaluator = started(train=12)
    assert [data["train"][1].bincount().tolist() for data in evaluator._data] == [[4] * 3, [3] * 4, [4] * 3]
    assert [len(data["test"][1]) for data in evaluator._data] == [30, 60, 30]


# ------------------------------------------------------------------------------------------------ bad input


class Fallen(Blobs):
    """Two tasks."""

    def tasks(self):
        return {"two": Blobs(), "three": Blobs(seed=5)}


def test_a_set_that_falls_into_tasks():
    evaluator = started(tasks={"one": Blobs()}, tasks_of=Fallen())
    assert [name.split(".")[0] for name in evaluator.task().names[::2]] == ["one", "two", "three"]


def mistakes(choices=2, **parameters) -> list[tuple[str, str]]:
    """What ``check``, ``task`` and ``bind`` say."""
    evaluator = Multitask(**{"tasks": {"one": Blobs(), "two": Blobs()}, "network": Small(), "batch": 8, **parameters})
    found = [(key if isinstance(key, str) else ".".join(map(str, key)), message) for key, message in evaluator.check()]
    if found:
        return found
    try:
        genotype = Assignment(choices=choices)
        genotype.bind(evaluator.task())
        evaluator.bind(genotype)
    except ConfigError as error:
        return [(".".join(map(str, mistake.key)), mistake.message) for mistake in error.mistakes]
    return []


@pytest.mark.parametrize(
    ("parameters", "key", "message"),
    [
        ({"tasks": {}}, "tasks", "must be two or more, or `tasks_of` given, got none"),
        ({"tasks": {"one": Blobs()}}, "tasks", "must be two or more, or `tasks_of` given, got 1"),
        (
            {"tasks": {"o.ne": Blobs(), "two": Blobs()}},
            "tasks.o.ne",
            "cannot be a task's name: module name can't contain",
        ),
        ({"tasks": {"items": Blobs(), "two": Blobs()}}, "tasks.items", "cannot be a task's name: attribute 'items'"),
        ({"tasks_of": Blobs()}, "tasks_of", "is one task"),
        ({"tasks_of": Fallen()}, "tasks.two", "is the name of a task of `tasks_of` too"),
        ({"train": 61}, "train", "asks for 61 examples of each task, and `one` has 60 to train on"),
        ({"train": 2, "batch": 2}, "train", "must be at least one of each class, and `one` has 3, got 2"),
        ({"batch": 61}, "batch", "must not exceed the 60 training examples of `one`, got 61"),
        ({"train": 20, "batch": 21}, "batch", "must not exceed the 20 training examples of `one`, got 21"),
        ({"batch": 1}, "batch", "cannot be trained on one example"),
        ({"tasks": {"one": Blobs(), "two": Blobs(train=0)}}, "tasks.two", "has no training examples"),
        ({"learned": ("block*",)}, "learned.0", "is none of the positions; choices: conv, dense"),
        (
            {"tasks": {"one": Blobs(), "wide": Blobs(width=7)}},
            "tasks.wide",
            r"examples of shape \(1, 1, 7\) need other weights at the position `dense` than those of `one`, of shape "
            r"\(1, 1, 6\): dense.0.weight \(5, 28\), not \(5, 24\)",
        ),
    ],
)
def test_what_cannot_be_is_said_with_its_place(parameters, key, message):
    ((given, said),) = mistakes(**parameters)
    assert given == key
    pytest.importorskip("re").search(message, said) or pytest.fail(said)


def test_a_private_position_lets_shapes_differ():
    assert not mistakes(tasks={"one": Blobs(), "wide": Blobs(width=7)}, private=("dense",))


def test_a_genotype_of_another_length():
    evaluator = Multitask(tasks={"one": Blobs(), "two": Blobs()}, network=Small())
    genotype = Assignment(length=5, choices=2)
    genotype.bind(Task())
    with pytest.raises(ConfigError, match="needs the genotype `assignment` with 4 positions"):
        evaluator.bind(genotype)


def test_data_that_only_loading_shows_to_be_too_few():
    class Unknown(Blobs):
        def info(self):
            return super().info()._replace(sizes={})

        def load(self, split):
            return Blobs(train=5).load(split)

    evaluator = Multitask(tasks={"one": Unknown(), "two": Unknown()}, network=Small(), batch=8)
    genotype = Assignment(choices=2)
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    with pytest.raises(ConfigError, match="must not exceed the 5 training examples of `one`"):
        evaluator.start(CPU, Rng(0))
