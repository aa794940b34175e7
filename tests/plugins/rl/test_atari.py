import os
import signal

import numpy as np
import pytest
import torch

from evoplug import ConfigError, EvaluationError, Members, Rng, build
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem
from evoplug_rl import game_process
from evoplug_rl.emulator import Emulator

CPU = torch.device("cpu")
SMALL = {"game": "breakout", "side": 36, "cap": 12, "no_ops": 5, "slots": 3, "test": 3, "test_cap": 15}
NETWORK = {"use": "dqn", "channels": [2], "kernels": [8], "strides": [4], "dense": []}


@pytest.fixture
def started():
    """Makes a problem with the evaluator at work, that is closed in the end."""
    made = []

    def make(**parameters):
        evaluator = build("evaluators", "atari", **{**SMALL, **parameters})
        genotype = build("genotypes", "weights", network=NETWORK, init="normalised")
        genotype.bind(evaluator.task())
        evaluator.bind(genotype)
        evaluator.start(CPU, Rng(0))
        made.append(evaluator)
        return RunProblem(genotype, evaluator, 1, CPU)

    yield make
    for evaluator in made:
        evaluator.close()


def scores(problem, members, starts, cap=12):
    """By an emulator alone: the return and the steps ``(n, starts)`` of each member from each number of no-ops."""
    emulator = Emulator(problem.evaluator._rules)
    found = np.zeros((2, len(members), len(starts)))
    for row, genome in enumerate(members.genomes):
        network = problem.genotype.module(genome)
        for column, start in enumerate(starts):
            emulator.begin(start)
            over = False
            while not over and found[1, row, column] < cap:
                screens = torch.from_numpy(emulator.seen / np.float32(255)).unsqueeze(0)
                reward, over = emulator.step(int(network(screens).argmax()))
                found[:, row, column] += reward, 1
    return found


def test_all_starts_give_the_exact_fitness(started):
    problem = started(episodes="all", cap=40)
    members = problem.sample(6)
    found, steps = scores(problem, members, range(5), 40)
    problem.evaluate(members)
    assert problem.evaluator.deterministic
    assert members.fitness.tolist() == found.mean(1).tolist()
    assert len(set(members.fitness.tolist())) > 1
    no_ops, fire = 6 * (1 + 2 + 3 + 4 + 5), 8 * 30
    assert problem.ledger["steps"] == steps.sum()
    assert problem.ledger["frames"] == no_ops + fire + 4 * steps.sum()
    assert problem.ledger["episodes"] == 30


def test_every_evaluation_has_streams_of_its_own(started):
    problem = started(episodes=3, cap=40)
    assert not problem.evaluator.deterministic
    one = problem.sample(1)
    members = Members.cat([one] * 8)
    members.ids = problem.ids(8)
    first = problem.evaluate(members).fitness
    assert len(set(first.tolist())) > 1
    assert problem.evaluate(members).fitness.tolist() != first.tolist()
    outcomes = scores(problem, one, range(5), 40)[0]
    assert outcomes.min() <= first.min()
    assert first.max() <= outcomes.max()


@pytest.mark.parametrize(("slots", "number"), [(1, 1), (7, 2)])
def test_neither_slots_nor_workers_change_a_result(started, slots, number):
    def run(slots, number):
        with workers(number):
            problem = started(episodes=2, slots=slots)
            members = problem.sample(5)
            problem.evaluate(members)
            test = problem.measure(members, "test")["score"]
            return members.fitness.tolist(), test.tolist(), problem.ledger.row()

    assert run(slots, number) == run(3, 3)


def test_test_episodes_have_fixed_seeds_and_a_cap_of_their_own(started):
    problem = started(test=7, test_cap=60)
    members = problem.sample(3)
    starts = [(666_666 + number) % 5 for number in range(7)]
    assert problem.measure(members, "test") == {"score": pytest.approx(scores(problem, members, starts, 60)[0].mean(1))}
    assert problem.ledger["steps"] == 0


def test_validation_is_fitness_without_the_noise_of_the_search(started):
    problem = started(validation="all", cap=40)
    members = problem.sample(3)
    exact = scores(problem, members, range(5), 40)[0].mean(1)
    metrics = problem.measure(members, "validation")
    assert metrics["fitness"].tolist() == metrics["score"].tolist() == exact.tolist()
    assert problem.validation(members).tolist() == exact.tolist()


def test_splits_may_be_empty(started):
    problem = started(test=0)
    assert problem.metrics(problem.sample(1)) == {}


def test_a_process_that_dies_is_not_seen_in_the_records(started):
    def run(disturb):
        problem = started(episodes=2)
        members = problem.sample(6)
        problem.evaluate(members)
        if disturb:
            os.kill(problem.evaluator._arenas[0].pids[0], signal.SIGKILL)
        problem.evaluate(members)
        return members.fitness.tolist(), problem.ledger.row()

    assert run(True) == run(False)


def test_a_member_with_which_it_dies_twice_is_named(started, monkeypatch):
    command = game_process.command
    monkeypatch.setattr(game_process, "command", lambda *given: ["failing_game", *command(*given)[1:]])
    monkeypatch.setenv("FAILING", "dies")
    problem = started(episodes="all", no_ops=14)
    problem.sample(3)
    with pytest.raises(EvaluationError, match=r"^atari: breakout: member 3: its process failed twice"):
        problem.evaluate(problem.sample(2))


def test_weights_that_are_not_finite_give_no_fitness(started):
    problem = started()
    members = problem.sample(2)
    members.genomes[1] = torch.nan
    fitness = problem.evaluate(members).fitness
    assert fitness.isfinite().tolist() == [True, False]
    assert problem.invalid == 1


@pytest.mark.parametrize("parameters", [{"actions": "full"}, {"actions": "minimal"}])
def test_actions_are_outputs(parameters):
    task = build("evaluators", "atari", **SMALL, **parameters).task()
    assert task.input_shape == (4, 36, 36)
    assert task.outputs == len(task.names) == {"full": 18, "minimal": 4}[parameters["actions"]]
    assert task.names[:3] == (("noop", "fire", "up") if task.outputs == 18 else ("noop", "fire", "right"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"game": "sequest"}, "game: there is no game 'sequest'; the nearest: seaquest"),
        ({"game": "Space Invaders"}, "the nearest: space_invaders"),
        ({"game": "xx"}, "choices: adventure, air_raid, "),
        ({"game": "combat"}, "there is no game 'combat'"),
        ({"episodes": "all", "sticky": 0.25}, "episodes: must be a number where actions are sticky"),
        ({"validation": "all", "sticky": 0.25}, "validation: must be a number where actions are sticky"),
        ({"side": 161}, "side: must be at most 160"),
        ({"episodes": 0}, "episodes"),
    ],
)
def test_mistakes(parameters, said):
    with pytest.raises(ConfigError, match=said):
        build("evaluators", "atari", **{**SMALL, **parameters})


def test_a_genotype_of_networks_is_needed():
    evaluator = build("evaluators", "atari", **SMALL)
    with pytest.raises(ConfigError, match="needs a genotype of networks"):
        evaluator.bind(None)


def test_one_that_did_not_start_can_be_closed():
    build("evaluators", "atari", **SMALL).close()


def test_a_film_is_the_episode_of_its_stream(started):
    problem = started()
    member = problem.sample(1)
    film = problem.evaluator.film(member, Rng(3))
    frames = list(film.frames)
    (score, steps) = scores(problem, member, [3])[:, 0, 0]
    assert film.score == score
    assert len(frames) == steps + 1
    assert (film.rate, film.title) == (15, "Breakout")
    assert frames[0].shape == (210, 160, 3)
    assert any((frame != frames[0]).any() for frame in frames[1:])


def test_a_model_takes_screens_as_they_are(started):
    problem = started()
    member = problem.sample(1)
    model = problem.evaluator.model(member)
    screens = torch.randint(256, model.example.shape, dtype=torch.uint8)
    outputs = problem.genotype.module(member.genomes[0])(screens / 255)
    assert torch.equal(model.module(screens), outputs)
    scope = {}
    exec(model.source, scope)
    scope["model"].load_state_dict(model.module.state_dict())
    assert torch.equal(scope["model"].eval()(screens), outputs)
