"""EPBT's Algorithm 1 and PBT, on members that learn by counting."""

import pytest
import torch

import evoplug
from evoplug import Evaluation, Parts, Task
from evoplug.contracts import Evaluator
from evoplug_basics.composite import Composite
from evoplug_basics.mutations import MultiplicativeGaussian, Perturb
from evoplug_basics.selections import Tournament, Truncation
from evoplug_epbt.epbt import EPBT
from evoplug_epbt.pbt import PBT
from fakes import Interval, problem, reloaded, steps


class Learner(Evaluator):
    """A member's skill grows by its first gene in every evaluation of 8 epochs; fitness is the skill."""

    provides = ("states",)
    costs = ("epochs",)

    def __init__(self, broken=()):
        self.broken = broken
        self.trained = []

    def evaluate(self, members, rng):
        genes = members.genomes["h"] if isinstance(members.genomes, Parts) else members.genomes
        old = members.states or [None] * len(members)
        states = [
            {
                "skill": (state["skill"] if state else 0.0) + float(gene[0]),
                "epochs": (state["epochs"] if state else 0) + 8,
            }
            for state, gene in zip(old, genes, strict=True)
        ]
        self.trained.append(members.ids.tolist())
        fitness = torch.tensor([state["skill"] for state in states], dtype=torch.float64)
        fitness[[row for row in self.broken if row < len(fitness)]] = torch.nan
        return Evaluation(fitness, states, {"epochs": 8 * len(members)})


def space():
    genotype = Composite(parts={"h": Interval(length=3)})
    genotype.bind(Task())
    return genotype


def operators(kind, mutation):
    from evoplug.config.partwise import PartwiseCrossover, PartwiseMutation
    from evoplug_basics.crossovers import Uniform

    crossover = PartwiseCrossover(parts={"h": Uniform()})
    partwise = PartwiseMutation(parts={"h": mutation})
    crossover.bind(space())
    partwise.bind(space())
    return {
        "selection": kind,
        "mutation": partwise,
        **({"crossover": crossover} if isinstance(kind, Tournament) else {}),
    }


def epbt(evaluator=None, mutation=None, **parameters):
    mutation = mutation or MultiplicativeGaussian(sigma=0.2, reset=0.2)
    settings = {"population": 8, "elites": 4, **parameters}
    strategy = EPBT(**{**operators(Tournament(size=2), mutation), **settings})
    assert not list(strategy.check())
    return strategy.start(problem(evaluator or Learner(), space()))


def pbt(evaluator=None, **parameters):
    strategy = PBT(**operators(Truncation(proportion=0.25), Perturb()), **{"population": 8, **parameters})
    return strategy.start(problem(evaluator or Learner(), space()))


@pytest.mark.parametrize(("retrain", "epochs"), [(False, 4160), (True, 8000)])
def test_the_papers_arithmetic(retrain, epochs):
    """p = 40, k = 20, 25 generations of 8 epochs: 520 loss functions, and the two totals of epochs."""
    loop = steps(epbt(population=40, elites=20, elites_retrain=retrain), 25)
    explored = {i for ids in loop.problem.evaluator.trained for i in ids}
    assert len(explored) == 40 + 24 * 20 == 520
    assert loop.problem.ledger["epochs"] == epochs
    assert len(loop.members) == 40


def test_stage_3_the_k_best_of_the_old_population_are_carried_over():
    loop = steps(epbt(), 1)
    old = loop.members
    best = old.fitness.argsort(descending=True)[:4]
    steps(loop, 1)
    assert loop.members.ids[4:].tolist() == old.ids[best].tolist()
    assert torch.equal(loop.members.fitness[4:], old.fitness[best])  # their old fitness
    assert [s["epochs"] for s in loop.members.states] == [16] * 4 + [8] * 4


def test_elites_that_are_trained_again_keep_their_genes_and_get_a_new_fitness():
    loop = steps(epbt(elites_retrain=True), 1)
    old = loop.members
    best = old.fitness.argsort(descending=True)[:4]
    steps(loop, 1)
    assert loop.members.ids[4:].tolist() == old.ids[best].tolist()
    assert torch.equal(loop.members.genomes["h"][4:], old.genomes["h"][best])
    assert torch.allclose(loop.members.fitness[4:], 2 * old.fitness[best])
    assert [s["epochs"] for s in loop.members.states] == [16] * 8


def test_stage_2_the_network_comes_from_the_tournament_s_winner():
    loop = steps(epbt(), 1)
    skill = dict(zip(loop.members.ids.tolist(), loop.members.states, strict=True))
    steps(loop, 1)
    for row in range(4):
        winner = loop.members.parents[row, 0].item()
        gained = loop.members.genomes["h"][row, 0].item()
        assert loop.members.states[row]["skill"] == pytest.approx(skill[winner]["skill"] + gained)


def test_stage_2_is_the_mutation_alone_without_a_crossover():
    mutation = MultiplicativeGaussian(sigma=1e-9, reset=0.0)
    loop = steps(epbt(mutation=mutation, crossover=None), 1)
    genes = dict(zip(loop.members.ids.tolist(), loop.members.genomes["h"].clone(), strict=True))
    steps(loop, 1)
    assert (loop.members.parents[:4, 1] == -1).all()
    for row, parent in enumerate(loop.members.parents[:4, 0].tolist()):
        assert torch.allclose(loop.members.genomes["h"][row], genes[parent], atol=1e-6)


def test_stage_2_crossover_takes_each_variable_from_the_mutant_or_another_individual():
    loop = steps(epbt(mutation=MultiplicativeGaussian(sigma=1e-9, reset=0.0), population=40, elites=10), 1)
    genes = dict(zip(loop.members.ids.tolist(), loop.members.genomes["h"].clone(), strict=True))
    steps(loop, 1)
    swapped = 0
    for child, (winner, mate) in zip(loop.members.genomes["h"][:30], loop.members.parents[:30].tolist(), strict=True):
        assert winner != mate
        own, other = torch.isclose(child, genes[winner]), torch.isclose(child, genes[mate])
        assert (own | other).all()
        swapped += (other & ~own).sum().item()
    assert 0.3 < swapped / 90 < 0.7


def test_tournaments_are_drawn_from_the_whole_old_population_elites_included():
    loop = steps(epbt(), 3)
    before = set(loop.members.ids.tolist())
    steps(loop, 1)
    assert set(loop.members.parents[:4].flatten().tolist()) <= before


@pytest.mark.parametrize("make", [epbt, lambda e: epbt(e, elites_retrain=True), pbt])
def test_resume_is_exact(make):
    whole = steps(make(Learner()), 8)
    rest = steps(reloaded(steps(make(Learner()), 3), lambda: make(Learner())), 5)
    assert torch.equal(whole.members.genomes["h"], rest.members.genomes["h"])
    assert torch.equal(whole.members.parents, rest.members.parents)
    assert torch.equal(whole.members.ids, rest.members.ids)
    assert whole.members.states == rest.members.states


@pytest.mark.parametrize("make", [epbt, lambda e: epbt(e, elites_retrain=True), pbt])
def test_a_member_that_diverged_is_never_elite_nor_parent_nor_reported(make):
    loop = make(Learner(broken=(1,)))
    for _ in range(6):
        steps(loop, 1)
        assert torch.isfinite(loop.best.fitness).all()
        invalid = set(loop.members.ids[~torch.isfinite(loop.members.fitness)].tolist())
        assert len(invalid) <= 1


def test_k_must_be_below_the_population():
    strategy = EPBT(selection=None, crossover=None, mutation=None, population=4, elites=4)
    assert list(strategy.check()) == [("elites", "must be below population = 4, got 4")]


def test_pbt_the_worst_quarter_copies_the_best_quarter_and_all_are_trained():
    loop = steps(pbt(), 1)
    order = loop.members.fitness.argsort(descending=True)
    worst, best = loop.members.ids[order[-2:]].tolist(), loop.members.ids[order[:2]].tolist()
    states = dict(zip(loop.members.ids.tolist(), loop.members.states, strict=True))
    genes = dict(zip(loop.members.ids.tolist(), loop.members.genomes["h"].clone(), strict=True))
    steps(loop, 1)
    assert not set(worst) & set(loop.members.ids.tolist())
    assert set(loop.members.parents[-2:, 0].tolist()) <= set(best)
    assert loop.problem.ledger["epochs"] == 2 * 8 * 8
    for row in (6, 7):
        parent = loop.members.parents[row, 0].item()
        child = loop.members.genomes["h"][row]
        assert loop.members.states[row]["skill"] == pytest.approx(states[parent]["skill"] + child[0].item())
        kept = (child / genes[parent] - 1.2).abs().lt(1e-9) | (child / genes[parent] - 0.8).abs().lt(1e-9)
        assert kept.any() or (child.abs() <= 5).all()


def test_records_tell_the_genes_and_the_lineage():
    loop = steps(epbt(), 2)
    status = loop.status
    assert status["ids"].tolist() == loop.members.ids.tolist()
    assert status["parents"].shape == (8, 2)
    assert status["genes"]["h"].shape == (8, 3)


TINY = {
    "run": {"stop": {"generations": 3}, "checkpoint": {"every": 1}},
    "genotype": {"use": "composite", "parts": {"loss": {"use": "taylorglo"}}},
    "strategy": {"use": "epbt", "population": 4, "elites": 2},
    "evaluator": {
        "use": "train", "dataset": {"use": "digits"}, "network": {"use": "mlp", "hidden": [8]}, "batch": 200,
        "inherit": {"weights": True, "buffers": True, "optimizer": True, "schedule_clock": False},
    },
}  # fmt: skip


def test_a_whole_run_with_taylorglo_losses_is_the_same_with_any_number_of_workers(tmp_path):
    runs = [evoplug.run(TINY, {"run.workers": workers}, out=tmp_path / str(workers)) for workers in (1, 3)]
    one, three = ([{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in r.metrics] for r in runs)
    assert one == three
    assert len(one[-1]["genes"]["loss"]) == 4
    assert len(one[-1]["genes"]["loss"][0]) == 8
    assert one[-1]["epochs"] == 4 + 2 + 2
    assert runs[0].test == runs[1].test


def test_checkpoints_stay_small_states_shared_by_elites_are_stored_once(tmp_path):
    run = evoplug.run(TINY, out=tmp_path / "run")
    weights = 64 * 8 + 8 + 8 * 10 + 10
    tensors = 4 * 2 * 4 * weights  # four members, weights and momentum, float32
    newest = max((run.folder / "checkpoints").iterdir())
    assert newest.stat().st_size < 3 * tensors + 40_000
