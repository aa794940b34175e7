"""The trainer: some networks, some epochs, on tensors in memory."""

import copy
import io
from itertools import chain, product

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from evoplug import Rng
from evoplug_supervised import schedules
from evoplug_supervised.augmentation import crop, flip
from evoplug_supervised.losses import by_network
from evoplug_supervised.teams import Alone, load, state_of
from evoplug_supervised.trainer import Recipe, score, train

LOSS = by_network(nn.CrossEntropyLoss(reduction="none"))


def examples(n=40, width=3, classes=2):
    x = torch.randn(n, width, generator=Rng(1).torch)
    return x, (x[:, 0] > 0).long() % classes


def network(batch_norm=False):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), *([nn.BatchNorm1d(4)] if batch_norm else []), nn.ReLU(), nn.Linear(4, 2))


def trained(recipe, state=None, clock=0, seed=7, module=None, data=None, loss=LOSS):
    module = module or network()
    [new] = train(
        Alone(module), *(data or examples()), loss, recipe, [state or state_of(module)], clock, [Rng(seed)]
    )  # fmt: skip
    return new


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# ---------------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_full_batches_are_the_library_s_own_steps(optimizer):
    recipe = Recipe(epochs=5, batch=40, optimizer=optimizer, learning_rate=0.05, weight_decay=0.01)
    module = network()
    if optimizer == "adam":
        theirs = torch.optim.Adam(module.parameters(), lr=0.05, weight_decay=0.01)
    else:
        theirs = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    x, y = examples()
    for _ in range(5):
        theirs.zero_grad()
        cross_entropy(module(x), y).backward()
        theirs.step()
    for name, weight in trained(recipe)["weights"].items():
        torch.testing.assert_close(weight, module.get_parameter(name).detach())


def test_one_step_by_hand():
    """loss = w x - y on x = 1, 2 (mean gradient 1.5) with momentum 0.5, decay 0.1, lr 0.1, w = 1."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    recipe = Recipe(epochs=2, batch=2, learning_rate=0.1, momentum=0.5, weight_decay=0.1)
    data = torch.tensor([[1.0], [2.0]]), torch.tensor([0, 0])
    state = trained(recipe, module=module, data=data, loss=lambda out, y: out[..., 0] - y)
    first = 1 - 0.1 * (1.5 + 0.1)
    second = first - 0.1 * (0.5 * 1.6 + 1.5 + 0.1 * first)
    assert state["weights"]["weight"].item() == pytest.approx(second)
    assert state["optimizer"]["weight"]["momentum_buffer"].item() == pytest.approx(0.5 * 1.6 + 1.5 + 0.1 * first)


def test_every_example_is_used_once_an_epoch_in_a_new_order():
    seen = []

    def watch(inputs, rng):
        seen.append(inputs[:, 0].tolist())
        return inputs

    x = torch.arange(10.0)[:, None].expand(10, 3)
    recipe = Recipe(epochs=2, batch=4, augmentation=(watch,))
    trained(recipe, data=(x, torch.zeros(10, dtype=torch.int64)))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = [*chain(*seen[:3])], [*chain(*seen[3:])]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != sorted(second)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_holds_whole_images_and_lies_in_memory_as_the_data_do(channels, layout):
    seen = []

    def watch(inputs, rng):
        seen.append(inputs)
        return inputs

    x = torch.randn(5, channels, 4, 4, generator=Rng(1).torch).to(memory_format=layout)
    recipe = Recipe(epochs=1, batch=3, augmentation=(watch,))
    module = nn.Sequential(nn.Conv2d(channels, 2, 4), nn.Flatten())
    trained(recipe, module=module, data=(x, torch.zeros(5, dtype=torch.int64)))
    assert all(batch.is_contiguous(memory_format=layout) for batch in seen)
    images = torch.cat(seen)
    assert sorted(images.flatten(1).tolist()) == sorted(x.flatten(1).tolist())


def test_the_schedule_goes_on_from_the_clock():
    rates = []
    recipe = Recipe(epochs=3, batch=40, schedule=lambda epoch: rates.append(epoch) or 1.0)
    trained(recipe, clock=5)
    assert rates == [5, 6, 7]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_state_goes_through_a_file_and_on_as_if_never_stopped(optimizer):
    recipe = Recipe(epochs=1, batch=16, optimizer=optimizer)
    straight, broken = network(batch_norm=True), network(batch_norm=True)
    one = trained(recipe, module=straight, seed=1)
    two = trained(recipe, state=one, module=copy.deepcopy(straight), seed=2)
    again = through_a_file(trained(recipe, module=broken, seed=1))
    resumed = trained(recipe, state=again, module=network(batch_norm=True), seed=2)
    assert flat(resumed).keys() == flat(two).keys()
    assert all(torch.equal(value, flat(two)[name]) for name, value in flat(resumed).items())
    assert "1.running_mean" in two["buffers"]


def test_a_state_is_never_changed():
    recipe = Recipe(epochs=1, batch=16)
    state = trained(recipe, module=network(batch_norm=True))
    before = {name: value.clone() for name, value in flat(state).items()}
    trained(recipe, state=state, module=network(batch_norm=True))
    assert all(torch.equal(value, before[name]) for name, value in flat(state).items())


def flat(state, prefix=""):
    if isinstance(state, torch.Tensor):
        return {prefix: state}
    return {key: value for name, part in state.items() for key, value in flat(part, f"{prefix}/{name}").items()}


def test_divergence_shows_in_the_score():
    module = network()
    state = trained(Recipe(epochs=3, batch=8, learning_rate=1e30), module=module)
    assert not all(weight.isfinite().all() for weight in state["weights"].values())
    assert all(value != value for value in score(Alone(module), *examples(), LOSS).values())


def test_training_learns_and_the_score_says_so():
    module = network()
    before = score(Alone(module), *examples(), LOSS)
    trained(Recipe(epochs=30, batch=8), module=module)
    after = score(Alone(module), *examples(), LOSS)
    assert after["accuracy"] > 0.95 > before["accuracy"]
    assert after["loss"] < before["loss"]


def test_score_by_hand_over_several_blocks():
    """The logits are (0, x): class 1 where x > 0. Of 1,200 examples with label 1, 900 have x = 2, 300 have x = -1."""
    module = nn.Linear(1, 2, bias=False)
    load(module, {"weights": {"weight": torch.tensor([[0.0], [1.0]])}, "buffers": {}})
    x = torch.cat([torch.full((900, 1), 2.0), torch.full((300, 1), -1.0)])
    scores = score(Alone(module), x, torch.ones(1200, dtype=torch.int64), LOSS)
    right, wrong = torch.tensor([2.0, -1.0]).neg().exp().log1p().tolist()
    assert scores["accuracy"] == 0.75
    assert scores["loss"] == pytest.approx(0.75 * right + 0.25 * wrong, rel=1e-6)


# ---------------------------------------------------------------------------------------------- schedules


def test_schedules_by_hand():
    step, cosine = schedules.step([100, 150], 0.1), schedules.cosine(4)
    assert [step(epoch) for epoch in (0, 99, 100, 149, 150, 500)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert [cosine(epoch) for epoch in (0, 1, 2, 4, 9)] == pytest.approx([1, (1 + 0.5**0.5) / 2, 0.5, 0, 0])
    assert schedules.constant(7) == 1


# ---------------------------------------------------------------------------------------------- augmentation

IMAGES = torch.arange(64 * 3 * 16 * 8, dtype=torch.float32).reshape(64, 3, 16, 8) + 1


def test_flip_mirrors_about_half_of_the_images_left_to_right():
    flipped = flip(IMAGES, Rng(1))
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, IMAGES, strict=True)]
    same = [torch.equal(new, old) for new, old in zip(flipped, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 20 < sum(mirrored) < 44


def test_crop_moves_each_image_by_up_to_an_eighth_and_fills_with_zeros():
    moves = set()
    for new, old in zip(crop(IMAGES, Rng(1)), IMAGES, strict=True):
        found = [move for move in product(range(-2, 3), (-1, 0, 1)) if torch.equal(new, moved(old, *move))]
        assert len(found) == 1
        moves.add(found[0])
    assert len(moves) > 10  # of 15


def moved(image, down, right):
    """The image shifted, with zeros where nothing comes from."""
    padded = nn.functional.pad(image, (1, 1, 2, 2))
    return padded[:, 2 - down : 2 - down + 16, 1 - right : 1 - right + 8]
