"""What components promise of the values that they give, and how a broken promise is told."""

from __future__ import annotations

import reprlib

import numpy
import pytest
import torch

from evoplug import Evaluation, Parts, Rng, Task, build
from evoplug.contracts import Evaluator, Film, Genotype, Model, Strategy
from evoplug.errors import PluginError
from evoplug.population.breeding import mutate
from evoplug.running import promises
from evoplug.types import Members
from fakes import Interval, problem

GOOD = torch.zeros(3)


class Learner(Evaluator):
    provides = ("states", "cases")
    reads_cases = True
    costs = ("epochs",)


def told(**given):
    return promises.evaluation(
        Evaluation(**{"fitness": GOOD, "states": [1, 2, 3], "cases": torch.zeros(3, 2), **given}),
        3,
        Learner(),
        "evaluate",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, None),
        ({"fitness": [0.0] * 3}, "fitness must be a tensor (3,), got list"),
        ({"fitness": GOOD.long()}, "fitness must be a floating tensor, got torch.int64"),
        ({"fitness": GOOD.to(torch.float8_e4m3fn)},
         "fitness must be a floating tensor of 16, 32 or 64 bits, got torch.float8_e4m3fn"),
        ({"fitness": GOOD.to("meta")}, "fitness must be numbers in memory, got a tensor on device meta"),
        ({"fitness": GOOD.to_sparse()}, "fitness must be numbers in memory, got a tensor of layout torch.sparse_coo"),
        ({"cost": None}, "cost must be a mapping column -> number, got None"),
        ({"cost": {"epochs": 10**400}}, f"cost `epochs` must be a number from 0 on, got {reprlib.repr(10**400)}"),
        ({"columns": None}, "columns must be a mapping name -> value, got None"),
        ({"columns": {"x": "a\udcff"}}, r"column x holds 'a\udcff', which is no text: UTF-8 cannot write it"),
        ({"columns": {"a\udcff": 1}}, r"column 'a\udcff' holds 'a\udcff', which is no text: UTF-8 cannot write it"),
        ({"columns": {"x": GOOD * 1j}}, "column `x` must be numbers in memory, got a tensor of complex numbers"),
        ({"columns": {"x": GOOD.to("meta")}}, "column `x` must be numbers in memory, got a tensor on device meta"),
        ({"columns": {"x": 10**400}}, "column x is an integer of 1329 bits"),
        ({"states": iter([1, 2, 3])}, "states must be a list of 3, got list_iterator"),
        ({"states": None}, "it provides states, and gave none"),
        ({"states": [1]}, "expected 3 states, got 1"),
        ({"cases": None}, "cases must have shape (3, cases), got None"),
        ({"cost": {"epochs": -1}}, "cost `epochs` must be a number from 0 on, got -1"),
        ({"cost": {"epochs": "1"}}, "cost `epochs` must be a number from 0 on, got '1'"),
        ({"cost": {"epochs": float("nan")}}, "cost `epochs` must be a number from 0 on, got nan"),
        ({"cost": {"steps": 1}}, "costs ['steps'] are not in its `costs`"),
        ({"columns": {"best": 1.0}}, "column `best` is recorded anyhow; give yours another name"),
        ({"columns": {1: 1.0}}, "names of columns must be strings, got 1"),
        ({"columns": {"x": torch.zeros(2)}}, "column `x` must be a number or a tensor (3,), got shape (2,)"),
        ({"columns": {"x": {"y": object()}}},
         "column x.y is a object: records hold numbers, strings, and lists and tables of them"),
        ({"columns": {"x": torch.zeros(3), "y": numpy.float32(1), "z": [1, 2]}}, None),
    ],
)  # fmt: skip
def test_what_an_evaluation_may_be(given, message):
    assert told(**given) == message


FRAMES = numpy.zeros((2, 4, 6, 3), numpy.uint8)
FILM = Film(FRAMES, 30, 1.5, "four by six")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, None),
        (FILM, None),
        (FILM._replace(frames=iter(FRAMES), rate=12.5, score=float("nan")), None),
        ((FRAMES, 30), "film must return a Film or None, not tuple"),
        (FILM._replace(rate=0), "the rate of a film must be a number of frames a second, got 0"),
        (FILM._replace(rate=float("inf")), "the rate of a film must be a number of frames a second, got inf"),
        (FILM._replace(score="high"), "the score of a film must be a number, got str"),
        (FILM._replace(title="two\nlines"), "the title of a film must be a line of text, got 'two\\nlines'"),
        (FILM._replace(frames=FRAMES[:0]),
         "the frames of a film must be an array (t, height, width, 3) with a frame at least, or an iterator, "
         "got shape (0, 4, 6, 3)"),
        (FILM._replace(frames=list(FRAMES)),
         "the frames of a film must be an array (t, height, width, 3) with a frame at least, or an iterator, got list"),
        (FILM._replace(frames=FRAMES / 255), "a frame of a film must be uint8, got float64"),
        (FILM._replace(frames=FRAMES[..., :1]), "a frame of a film must have shape (height, width, 3), got (4, 6, 1)"),
    ],
)  # fmt: skip
def test_what_a_film_may_be(given, message):
    assert promises.film(given) == message


def test_frames_are_of_one_size():
    assert promises.frame(FRAMES[0], (4, 6, 3)) is None
    assert (
        promises.frame(FRAMES[0], (6, 4, 3))
        == "the frames of a film must be of one size, got (4, 6, 3) after (6, 4, 3)"
    )
    assert promises.frame([1], None) == "a frame of a film must be an array (height, width, 3), got list"


def test_an_update_owes_neither_states_nor_cases():
    assert promises.evaluation(Evaluation(GOOD), 3, Learner(), "update") is None
    assert promises.evaluation(None, 3, Learner(), "update") == "update must return an Evaluation, not None"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": GOOD}, None),
        (0.5, "measure must return a mapping metric -> (3,) tensor, not float"),
        ({0: GOOD}, "names of metrics must be strings, got 0"),
        ({"loss": 0.5}, "metric `loss` must be a tensor (3,), got float"),
        ({"loss": torch.tensor(0.5)}, "metric `loss` must be a tensor (3,), got ()"),
        ({"loss": GOOD * 1j}, "metric `loss` must be numbers in memory, got a tensor of complex numbers"),
        ({"loss": GOOD.to("meta")}, "metric `loss` must be numbers in memory, got a tensor on device meta"),
        ({"a\udcff": GOOD}, r"metric 'a\udcff' holds 'a\udcff', which is no text: UTF-8 cannot write it"),
    ],
)
def test_what_metrics_may_be(given, message):
    assert promises.metrics(given, 3) == message


MODEL = Model(torch.nn.Identity(), torch.zeros(2, 1), "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, None),
        (MODEL, None),
        ({"a/b c": MODEL, "1": MODEL}, None),
        (
            torch.nn.Identity(),
            "model must return a Model, a mapping name -> Model, or None, not torch.nn.modules.linear.Identity",
        ),
        ({}, "model must return a Model, a mapping name -> Model, or None, not an empty mapping"),
        ({"a": MODEL, "b": None}, "model must return a Model for each name, and of 'b' it is None"),
        (
            {"a.b": MODEL},
            "model names a network 'a.b', which torch.nn.ModuleDict refuses: module name can't contain \".\", got: a.b",
        ),
        (
            {"items": MODEL},
            "model names a network 'items', which torch.nn.ModuleDict refuses: attribute 'items' already exists",
        ),
        (
            {1: MODEL},
            "model names a network 1, which torch.nn.ModuleDict refuses: module name should be a string. Got int",
        ),
    ],
)
def test_what_a_model_may_be(given, message):
    assert promises.model(given) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, None),
        ({"weights": torch.tensor([1, 2, 3])}, None),
        (None, "describe must return a mapping value -> (3,) tensor, not None"),
        ({0: GOOD}, "names of values must be strings, got 0"),
        ({"weights": 3}, "value `weights` must be a tensor (3,), got int"),
        ({"weights": GOOD, "id": GOOD}, "value `id` is reported anyhow; give yours another name"),
    ],
)
def test_what_values_of_members_may_be(given, message):
    assert promises.values(given, 3) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(3, 2), None),
        ([[1, {"a": (2, "b")}]] * 3, None),
        (torch.zeros(1, 2), "sample(3) gave 1 genomes"),
        (numpy.zeros((3, 2)), "sample must return a tensor (3, d) or a list of 3 genomes, not numpy.ndarray"),
        (
            [numpy.arange(2)] * 3,
            "a checkpoint holds tensors and plain data only, and a genome is a numpy.ndarray (numpy: .tolist())",
        ),
        (
            [[numpy.int64(1)]] * 3,
            "a checkpoint holds tensors and plain data only, and a genome[0] is a numpy.int64 (numpy: .tolist())",
        ),
    ],
)
def test_what_genomes_may_be(given, message):
    assert promises.genomes(given, 3) == message


@pytest.mark.parametrize(
    ("genotype", "given", "message"),
    [
        ("assignment", torch.zeros(2, 3, dtype=torch.int64), None),
        ("assignment", torch.zeros(2, 3), "gives genomes float32 (2, 3), and those of the space are int64 (2, 3)"),
        ("assignment", [[0, 1, 0]] * 2, "gives genomes that are a list, not a tensor int64 (2, 3)"),
        ("real-vector", torch.zeros(2, 3), "gives genomes float32 (2, 3), and those of the space are float64 (2, 3)"),
    ],
)
def test_members_of_vectors_have_the_dtype_and_the_shape_of_their_space(genotype, given, message):
    space = build("genotypes", genotype, length=3, **({"choices": 2} if genotype == "assignment" else {}))
    space.bind(Task(domain=(0.0, 1.0)))
    members = Members(given, torch.arange(2), torch.full((2, 2), -1))
    assert promises.members(members, space) == message


class Drawing(Genotype, genome="letters"):
    def sample(self, n, rng):
        return [numpy.arange(2)] * n


def test_who_draws_or_makes_what_cannot_be_stored_is_named():
    with pytest.raises(PluginError, match=r"^Drawing: a checkpoint holds .* and a genome is a numpy.ndarray"):
        problem(genotype=Drawing()).sample(2)

    def shuffled(genome, rng):
        return rng.numpy.permutation(genome)

    parents = Members([[1, 2], [2, 1]], torch.arange(2), torch.full((2, 2), -1))
    out = Members([None, None], torch.arange(2), torch.full((2, 2), -1))
    with pytest.raises(PluginError, match=r"function: a checkpoint holds .* and a genome is a numpy.ndarray"):
        mutate(shuffled, parents, torch.arange(2), Rng(1), out)


def test_a_solution_is_inside_where_repair_finds_nothing_to_mend():
    space = Interval(length=2)
    assert promises.inside(space, torch.tensor([[5.0, -5.0]]))
    assert not promises.inside(space, torch.tensor([[5.1, 0.0]]))
    assert not promises.inside(space, torch.tensor([[torch.nan, 0.0]]))
    assert promises.inside(Genotype(), Parts({"a": ["x"], "b": torch.zeros(1, 2)}))


@pytest.mark.parametrize(
    ("base", "variables", "message"),
    [
        (Evaluator, {"provides": ("state",)}, "`provides` may hold states, cases and update, got state"),
        (Evaluator, {"costs": "epochs"}, "`costs` must be a tuple of names, got 'epochs'"),
        (Strategy, {"needs": ("gradients",)}, "`needs` may hold states, cases and update, got gradients"),
    ],
)
def test_a_typing_error_in_what_a_class_declares_is_found_as_it_is_made(base, variables, message):
    with pytest.raises(TypeError) as caught:
        type("Mine", (base,), variables)
    assert str(caught.value) == message
