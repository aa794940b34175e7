"""Any environment of Gymnasium, played by a population."""

import json

import gymnasium
import numpy as np
import pytest
import torch

import evoplug
from evoplug import ConfigError, EvaluationError, Rng, build
from evoplug.running.problem import RunProblem, start
from known_environments import Walk

CPU = torch.device("cpu")
RIGHT, LEFT, STARTS_RIGHT = [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0], [0, 0, 0, -1, 0.5, 2]
"""Of a layer for the observations of a walk: two weights of each action, and two biases."""


@pytest.fixture
def problem():
    """Makes a run of an evaluator, which is closed in the end."""
    evaluators = []

    def made(environment="Known/Walk-v0", seed=1, hidden=(), **parameters):
        evaluator = build("evaluators", "gymnasium", environment=environment, **parameters)
        genotype = build("genotypes", "weights", network=build("networks", "mlp", hidden=hidden))
        genotype.bind(evaluator.task())
        evaluator.bind(genotype)
        evaluators.append(evaluator)
        start(evaluator, seed, CPU)
        return RunProblem(genotype, evaluator, seed, CPU)

    yield made
    for evaluator in evaluators:
        evaluator.close()


def members(problem, *genomes):
    return problem.members(torch.tensor(genomes, dtype=torch.float32))


def begin(stream):
    """Where a walk begins whose episode has this stream."""
    return gymnasium.utils.seeding.np_random(stream.seed)[0].uniform()


# -------------------------------------------------------------------------------------------------- fitness


def test_fitness_is_the_mean_return_and_steps_and_episodes_are_counted(problem):
    run = problem(episodes=3)
    walkers = members(run, RIGHT, LEFT, STARTS_RIGHT)
    run.evaluate(walkers)
    (luck,) = {round(float(walkers.fitness[row]) - steps, 9) for row, steps in enumerate((5, 0, 2))}
    assert 0 < luck < 1
    assert (run.ledger["steps"], run.ledger["episodes"], run.ledger["evaluations"]) == (45, 9, 3)


def test_all_members_begin_alike_and_every_generation_anew(problem):
    run = problem()
    walkers = members(run, LEFT, LEFT, LEFT)
    first, second = (run.evaluate(walkers).fitness.tolist() for _ in range(2))
    assert len(set(first)) == len(set(second)) == 1
    assert first != second


def test_or_each_has_episodes_of_its_own(problem):
    run = problem(same_episodes=False)
    assert len(set(run.evaluate(members(run, LEFT, LEFT, LEFT)).fitness.tolist())) == 3


def test_the_seed_of_an_episode_is_that_of_its_stream(problem):
    evaluator = problem(episodes=2).evaluator
    fitness = evaluator.evaluate(members(problem(), LEFT), Rng(7)).fitness
    expected = np.mean([begin(Rng(7).child("episode", number)) for number in range(2)])
    assert float(fitness) == pytest.approx(expected)


@pytest.mark.parametrize("slots", [1, 2, 7])
def test_the_number_of_slots_changes_nothing_and_no_more_environments_are_made(problem, slots):
    runs = [problem(slots=each, episodes=3, environment="CartPole-v1", hidden=(8,), cap=60) for each in (256, slots)]
    fitness = [run.evaluate(run.sample(5)).fitness for run in runs]
    assert torch.equal(*fitness)


def test_environments_are_made_once_and_no_more_than_slots(problem):
    before = Walk.open
    run = problem(slots=2)
    assert Walk.open == before
    for _ in range(3):
        run.evaluate(members(run, LEFT, RIGHT, LEFT))
        assert Walk.open == before + 2
    run.evaluator.close()
    assert Walk.open == before


def test_the_cap_cuts_episodes_off(problem):
    run = problem(cap=2)
    walkers = members(run, RIGHT)
    run.evaluate(walkers)
    assert 2 < float(walkers.fitness) < 3
    assert run.ledger["steps"] == 2


@pytest.mark.parametrize("fault", ["observation", "reward"])
def test_what_is_no_number_makes_no_fitness(problem, fault):
    run = problem(options={"fault": fault})
    walkers = members(run, RIGHT, LEFT)
    run.evaluate(walkers)
    assert walkers.fitness.tolist() == [-torch.inf] * 2


def test_weights_that_are_no_numbers_make_no_fitness_of_that_member(problem):
    run = problem()
    walkers = members(run, [torch.nan] * 6, RIGHT)
    run.evaluate(walkers)
    assert walkers.fitness.isfinite().tolist() == [False, True]


def test_images_and_continuous_actions(problem):
    run = problem(environment="Known/Spaces-v0")
    length = run.genotype.length
    weights = torch.zeros(2, length)
    weights[1] = 100.0  # both actions at their upper bounds, 3 and 1; without weights in the middle, at 1 and 0.5
    walkers = run.members(weights)
    run.evaluate(walkers)
    assert walkers.fitness.tolist() == pytest.approx([1.5, 4])


# --------------------------------------------------------------------------------------------------- measure


def test_test_episodes_are_the_same_in_every_run(problem):
    runs = [problem(seed=seed) for seed in (1, 2)]
    measured = [run.measure(members(run, LEFT, RIGHT), "test") for run in runs]
    begins = [begin(Rng(0).child("test", number)) for number in range(100)]
    assert measured[0]["score"].tolist() == pytest.approx([np.mean(begins), 5 + np.mean(begins)])
    assert measured[0]["deviation"].tolist() == pytest.approx([np.std(begins)] * 2)
    assert torch.equal(measured[0]["score"], measured[1]["score"])
    assert runs[0].ledger["episodes"] == 0


def test_validation_is_there_where_it_is_asked_for(problem):
    assert not problem().measure(members(problem(), LEFT), "validation")
    run = problem(validation_episodes=2)
    expected = np.mean([begin(Rng(0).child("validation", number)) for number in range(2)])
    assert float(run.measure(members(run, LEFT), "validation")["score"]) == pytest.approx(expected)


# ------------------------------------------------------------------------------------------ normalisation


def test_what_was_seen_is_used_from_the_next_generation_on(problem):
    run = problem(normalise=True)
    evaluator = run.evaluator
    walkers = members(run, STARTS_RIGHT)  # to the right until more than 1.5 steps, in units that change
    first = float(evaluator.evaluate(walkers, Rng(1)).fitness)
    assert first == pytest.approx(begin(Rng(1).child("episode", 0)) + 2)
    seen = evaluator.state_dict()["seen"]
    assert seen["count"] == 5
    assert seen["mean"][1] == pytest.approx(2)  # of 0, 1, 2, 3, 4
    assert seen["squares"][1] == pytest.approx(10)
    second = float(evaluator.evaluate(walkers, Rng(1)).fitness)
    # Less the mean, 2, and divided by the deviation, the square root of 2: all of -1.4, ..., 1.4 are below 1.5.
    assert second == pytest.approx(first + 3)


def test_measuring_uses_what_was_seen_and_leaves_it_as_it_is(problem):
    run = problem(normalise=True)
    walkers = members(run, STARTS_RIGHT)
    before = float(run.measure(walkers, "test")["score"])
    run.evaluate(walkers)
    state = run.evaluator.state_dict()["seen"]
    assert float(run.measure(walkers, "test")["score"]) == pytest.approx(before + 3)
    assert run.evaluator.state_dict()["seen"]["count"] == state["count"] == 5


def test_a_member_that_sees_no_numbers_does_not_spoil_what_was_seen(problem):
    run = problem(normalise=True, options={"fault": "observation"})
    run.evaluate(members(run, LEFT))
    assert run.evaluator.state_dict()["seen"]["count"] == 0


# ------------------------------------------------------------------------------------------ what comes out


@pytest.mark.parametrize("normalise", [False, True])
def test_a_model_takes_observations_and_gives_the_networks_outputs(problem, normalise):
    run = problem(normalise=normalise)
    walkers = members(run, STARTS_RIGHT)
    run.evaluate(walkers)
    model = run.evaluator.model(walkers)
    scope = {}
    exec(model.source, scope)
    scope["model"].load_state_dict(model.module.state_dict())
    seen = torch.tensor([[0.3, 4.0]])
    steps = (4.0 - 2) / 2**0.5 if normalise else 4.0
    expected = torch.tensor([[0.5, 2 - steps]])  # the weights of the outputs: (0, 0) and (0, -1)
    for module in (model.module, scope["model"]):
        torch.testing.assert_close(module(seen)[:, 1:], expected[:, 1:])


def test_a_film_shows_the_episode_that_its_stream_plays(problem):
    run, before = problem(), Walk.open
    walkers = members(run, RIGHT)
    film = run.evaluator.film(walkers, Rng(3))
    assert film.score == pytest.approx(5 + begin(Rng(3)))
    assert (film.rate, film.title) == (7, "Known/Walk-v0")
    assert [int(frame[0, 0, 0]) for frame in film.frames] == [0, 1, 2, 3, 4, 5]
    assert Walk.open == before


def test_a_film_that_is_not_seen_to_its_end_leaves_nothing_open(problem):
    run, before = problem(), Walk.open
    film = run.evaluator.film(members(run, RIGHT), Rng(3))
    next(film.frames)
    film.frames.close()
    assert Walk.open == before


def test_a_film_that_cannot_be_drawn_is_refused_in_words(problem):
    run, before = problem(options={"fault": "render"}), Walk.open
    with pytest.raises(ConfigError, match=r"Known/Walk-v0 cannot be drawn here: DependencyNotInstalled: no pencil"):
        run.evaluator.film(members(run, RIGHT), Rng(3))
    assert Walk.open == before
    assert problem(environment="Known/Spaces-v0").evaluator.film(members(run, RIGHT), Rng(3)) is None


# -------------------------------------------------------------------------------------- bad input and faults


def config(environment="Known/Walk-v0", network=None, **evaluator):
    return {
        "run": {"name": "walk", "stop": {"generations": 2}},
        "strategy": {"use": "snes", "population": 4},
        "genotype": {"use": "weights", "network": network or {"use": "mlp", "hidden": [2]}},
        "evaluator": {"use": "gymnasium", "environment": environment, "test_episodes": 2, **evaluator},
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"environment": "CartPol-v1"}, "evaluator.environment: there is no environment `CartPol-v1`; near it are"),
        ({"environment": "Nothing/Like-v7"}, "ale_py:ALE/Pong-v5"),
        ({"environment": "no_such_module:A-v0"}, "No module named 'no_such_module'"),
        ({"environment": "a b"}, "Malformed environment ID"),
        ({"options": {"colour": "red"}}, "unexpected keyword argument 'colour'"),
        ({"options": {"nested": {"no": 1}}}, "evaluator.options.nested"),
        ({"environment": "Known/Spaces-v0", "normalise": True}, "evaluator.normalise: is for vectors"),
        ({"network": {"use": "convnet"}}, "genotype.network"),
    ],
)
def test_mistakes_are_told_before_anything_is_played(tmp_path, wrong, message):
    with pytest.raises(ConfigError) as caught:
        evoplug.run(config(**wrong), out=tmp_path / "run")
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [("reset", "reset raised RuntimeError: no ground to stand on"), ("step", "step raised RuntimeError: a hole")],
)
def test_an_environment_that_raises_ends_the_run_and_is_named_with_the_member(tmp_path, fault, message):
    before = Walk.open
    with pytest.raises(EvaluationError, match=r"environment Known/Walk-v0, member \d+: " + message):
        evoplug.run(config(options={"fault": fault}), out=tmp_path / "run")
    assert "Traceback" in (tmp_path / "run" / "error.log").read_text()
    assert Walk.open == before


@pytest.mark.parametrize(
    "strategy", [{"use": "snes", "population": 6}, {"use": "mu-plus-lambda", "population": 6, "offspring": 6}]
)
def test_a_run_is_the_same_with_any_number_of_workers_and_after_a_stop(tmp_path, strategy):
    whole = config(environment="CartPole-v1", normalise=True, episodes=2, cap=40)
    whole["strategy"] = strategy
    whole["run"] |= {"stop": {"generations": 4}, "checkpoint": {"every": 1}}
    evoplug.run({**whole, "run": {**whole["run"], "workers": 1}}, out=tmp_path / "one")
    short = {**whole["run"], "workers": 3, "stop": {"generations": 2}}
    evoplug.run({**whole, "run": short}, out=tmp_path / "other")
    evoplug.resume(tmp_path / "other", {"run.stop.generations": 4})
    rows = [
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "other")
    ]
    for row in rows[0] + rows[1]:
        del row["seconds"], row["time"]
    assert rows[0] == rows[1]
