"""Algorithm 4 beside its own recursion, and what a search keeps over a checkpoint."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evoplug
from evoplug import Evaluation, Members
from evoplug.contracts import Evaluator
from evoplug.running.problem import RunProblem
from evoplug_basics.mutations import Gaussian
from evoplug_basics.real_vector import RealVector
from evoplug_lamarck.block_edit import BlockEdit
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.niching import EvoNAS, NichingOnePlusOne

CPU = torch.device("cpu")


class Scripted(Evaluator):
    """The fitness of the n-th evaluation is the n-th of a list."""

    provides = ("states",)

    def __init__(self, fitness) -> None:
        self.fitness, self.evaluated = fitness, []

    def evaluate(self, members, rng) -> Evaluation:
        (member,) = members.ids.tolist()
        self.evaluated.append((int(members.parents[0, 0]), member))
        value = self.fitness[len(self.evaluated) - 1]
        return Evaluation(torch.tensor([value]), states=[{"of": member}])


def loop_of(evaluator, omega, k=3) -> EvoNAS:
    genotype = RealVector(length=2, low=-1.0, high=1.0)
    genotype.bind(evoplug.Task())
    mutation = Gaussian(sigma=0.1)
    mutation.bind(genotype)
    strategy = NichingOnePlusOne(omega=omega, k=k, mutation=mutation)
    return strategy.start(RunProblem(genotype, evaluator, 1, CPU, strategy))


def step(loop) -> None:
    loop.step()
    loop.problem.ledger.add(generations=1)


class Enough(Exception):
    """The budget is spent."""


def algorithm_4(fitness, omega, k):
    """(parent, child) of every evaluation, as the thesis has it: a recursion."""
    made = [(-1, 0)]

    def evo_nas(parent, steps, niching):
        while steps > 0:
            steps -= 1
            child = len(made)
            if child == len(fitness):
                raise Enough
            made.append((parent, child))
            if niching and fitness[child] <= fitness[parent] and omega == 1:
                child = evo_nas(child, k, False)
            if fitness[child] > fitness[parent]:
                parent = child
        return parent

    with pytest.raises(Enough):
        evo_nas(0, 10**6, True)
    return made


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.sampled_from([0, 1]), st.integers(1, 4))
def test_it_is_algorithm_4(values, omega, k) -> None:
    fitness = [float(value) for value in values]
    evaluator = Scripted(fitness)
    loop = loop_of(evaluator, omega, k)
    for number in range(1, len(fitness) + 1):
        step(loop)
        best = max(fitness[:number])
        assert loop.best.fitness.item() == best, "the reported solution is the best so far"
        assert loop.best.ids.item() == fitness.index(best)
        assert loop.finish().generation == fitness.index(best) + 1
    assert evaluator.evaluated == algorithm_4(fitness, omega, k)


def test_a_niche_is_founded_with_probability_omega() -> None:
    fitness = [1.0] + [0.0] * 600
    loop, founded = loop_of(Scripted(fitness), omega=0.25, k=1), 0
    outside = 0
    for _ in fitness:
        before = loop.left
        step(loop)
        outside += not before
        founded += not before and loop.left == 1
    assert abs(founded / outside - 0.25) < 0.06


def test_what_is_invalid_founds_no_niche() -> None:
    loop = loop_of(Scripted([1.0] + [float("nan")] * 5), omega=1.0)
    for _ in range(6):
        step(loop)
        assert loop.left == 0
    assert loop.best.ids.item() == 0


def test_states_come_from_the_parent_of_the_moment() -> None:
    loop = loop_of(Scripted([5.0, 3.0, 4.0, 2.0]), omega=1.0)
    for _ in range(4):
        step(loop)
    assert loop.members.states == [{"of": 0}, {"of": 2}]  # the parent, and the niche's best
    assert loop.status["niche"] == 1


def architectures(**limits) -> EvoNAS:
    genotype = BlockStack(channels=(4, 8), kernels=(1, 3), **limits)
    genotype.bind(evoplug.Task(input_shape=(3, 8, 8), outputs=10))
    mutation = BlockEdit()
    mutation.bind(genotype)
    strategy = NichingOnePlusOne(mutation=mutation)

    return strategy.start(RunProblem(genotype, Scripted([float(i % 7) for i in range(400)]), 1, CPU, strategy))


def test_no_architecture_is_evaluated_twice() -> None:
    loop, seen = architectures(strided=1, blocks=2), []
    for _ in range(40):
        step(loop)
        seen.append(str([block[:3] for block in loop.status["genome"]]))
    assert len(set(seen)) == len(seen)


def test_where_no_single_edit_is_new_edits_are_stacked() -> None:
    """Eight stacks of one block: single edits lead from each to three others at the most."""
    loop, seen = architectures(strided=1, blocks=1), set()
    for _ in range(8):
        step(loop)
        seen.add(str([block[:3] for block in loop.status["genome"]]))
    assert len(seen) == 8
    assert loop.over is None
    loop.step()
    assert loop.over == "every solution within reach has been evaluated"
    assert len(loop.problem.evaluator.evaluated) == 8


def test_it_goes_on_from_a_checkpoint_in_the_middle_of_a_niche() -> None:
    def states(loop, steps):
        found = []
        for _ in range(steps):
            step(loop)
            told = {**loop.status, "genome": loop.status["genome"].tolist()}
            found.append((told, loop.members.ids.tolist(), loop.members.states))
        return found

    def started():
        return loop_of(Scripted([float(9 - i % 5) for i in range(60)]), omega=0.5)

    whole = started()
    states(whole, 30)
    while not 0 < whole.left < 3:
        step(whole)
    buffer = io.BytesIO()
    torch.save({"problem": whole.problem.state_dict(), "loop": whole.state_dict()}, buffer)
    buffer.seek(0)
    kept = torch.load(buffer, weights_only=True)
    again = started()
    again.problem.evaluator.evaluated = list(whole.problem.evaluator.evaluated)
    again.problem.load_state_dict(kept["problem"])
    again.load_state_dict(kept["loop"])
    assert again.left == whole.left
    assert isinstance(again.members, Members)
    assert states(again, 10) == states(whole, 10)
