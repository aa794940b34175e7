"""Groups of weights with rates of their own: as parameters, and as genes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import evoplug
from evoplug import ConfigError, Members, Parts, Rng, build
from evoplug.population.workers import workers
from evoplug_supervised import losses, schedules
from evoplug_supervised.groups import Rates
from evoplug_supervised.teams import Alone, state_of
from evoplug_supervised.trainer import Recipe, train

DIGITS = {"use": "digits", "validation": 60, "test": 1600}
SMALL = {"dataset": DIGITS, "network": {"use": "mlp", "hidden": [4, 4]}, "batch": 32}
HIDDEN = {"dense1": {"weights": ["dense1.*"]}, "dense2": {"weights": ["dense2.*"]}}
"""The output layer is the rest."""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with workers(1):
        yield


# ------------------------------------------------------------------------------------------------------ trainer


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(40, 3, generator=Rng(1).torch)
    return x, (x[:, 0] > 0).long()


def trained(recipe: Recipe, state: Any = None) -> Any:
    module = network()
    states = [state or state_of(module)]
    [new] = train(Alone(module), *data(), losses.cross_entropy, recipe, states, 0, [Rng(7)])
    return new


FIRST = ("0.weight", "0.bias")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_groups_are_those_of_the_library_and_take_one_schedule(optimizer: str) -> None:
    """As the chapter's: divided by 10 every 2 of 6 epochs."""
    step = schedules.step((2, 4), 0.1)
    assert [step(epoch) for epoch in range(6)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    first = Rates(FIRST, 0.01, 0.2)
    recipe = Recipe(
        epochs=6, batch=40, optimizer=optimizer, learning_rate=0.1, weight_decay=0.02, groups=(first,), schedule=step
    )  # type: ignore[arg-type]
    module = network()
    groups = [
        {"params": module[0].parameters(), "lr": 0.01, "weight_decay": 0.2},
        {"params": module[2].parameters(), "lr": 0.1, "weight_decay": 0.02},
    ]
    theirs: Any = torch.optim.Adam(groups) if optimizer == "adam" else torch.optim.SGD(groups, momentum=0.9)
    decay = torch.optim.lr_scheduler.MultiStepLR(theirs, [2, 4], 0.1)
    x, y = data()
    for _ in range(6):
        theirs.zero_grad()
        cross_entropy(module(x), y).backward()
        theirs.step()
        decay.step()
    for name, weight in trained(recipe)["weights"].items():
        torch.testing.assert_close(weight, module.get_parameter(name).detach())


def test_one_step_of_two_groups_by_hand() -> None:
    """The loss is the output, w x + b on x = 2: gradients 2 and 1; w = b = 1."""
    module = nn.Linear(1, 1)
    nn.init.ones_(module.weight)
    nn.init.ones_(module.bias)
    recipe = Recipe(epochs=1, batch=1, learning_rate=0.1, groups=(Rates(("bias",), 0.01, 0.5),))
    examples = torch.tensor([[2.0]]), torch.tensor([0])
    [state] = train(Alone(module), *examples, lambda out, y: out[..., 0], recipe, [state_of(module)], 0, [Rng(1)])
    assert state["weights"]["weight"].item() == pytest.approx(1 - 0.1 * 2)
    assert state["weights"]["bias"].item() == pytest.approx(1 - 0.01 * (1 + 0.5 * 1))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_group_whose_rate_is_0_stays_as_it_is_and_can_go_on_later(optimizer: Any) -> None:
    def recipe(rate: float) -> Recipe:
        return Recipe(1, 16, optimizer, learning_rate=0.05, groups=(Rates(FIRST, rate, 0.1),))

    new = state_of(network())
    frozen = trained(recipe(0.0))
    for name in new["weights"]:
        assert torch.equal(frozen["weights"][name], new["weights"][name]) == (name in FIRST)
        assert bool(frozen["optimizer"][name]) == (name not in FIRST)
    thawed = trained(recipe(0.05), frozen)
    assert not torch.equal(thawed["weights"]["0.weight"], new["weights"]["0.weight"])
    again = trained(recipe(0.0), thawed)
    kept, remembered = (state["optimizer"]["0.weight"] for state in (again, thawed))
    assert all(torch.equal(kept[slot], value) for slot, value in remembered.items())


# ---------------------------------------------------------------------------------------------------- evaluator


def composite(**lengths: int) -> Any:
    part = {"use": "real-vector", "low": 0.0, "high": 1.0}
    return build("genotypes", "composite", parts={name: {**part, "length": n} for name, n in lengths.items()})


def bound(genotype: Any = None, **parameters: Any) -> Any:
    evaluator: Any = build("evaluators", "train", **{**SMALL, **parameters})
    if genotype is not None:
        genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    return evaluator


def members(n: int, **genes: list[list[float]]) -> Members:
    genomes: Any = Parts({name: torch.tensor(rows, dtype=torch.float64) for name, rows in genes.items()})
    return Members(genomes if genes else [{}] * n, torch.arange(n), torch.full((n, 2), -1))


def learned(n: int, genotype: Any = None, genes: Any = None, **parameters: Any) -> list[Any]:
    evaluator = bound(genotype, **parameters)
    evaluator.start(torch.device("cpu"), Rng(1))
    states: list[Any] = evaluator.evaluate(members(n, **(genes or {})), Rng(1)).states
    return states


def same(a: Any, b: Any) -> bool:
    return all(torch.equal(weight, b["weights"][name]) for name, weight in a["weights"].items())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_groups_without_rates_change_nothing(optimizer: str) -> None:
    [plain] = learned(1, optimizer=optimizer, learning_rate=0.01, weight_decay=0.1)
    [grouped] = learned(1, optimizer=optimizer, learning_rate=0.01, weight_decay=0.1, groups=HIDDEN)
    assert same(plain, grouped)


def test_genes_are_rates_in_the_order_of_the_table_the_last_that_of_the_rest() -> None:
    genes = {"learning_rate": [[0.3, 0.02, 0.1], [0.1, 0.2, 0.3]], "weight_decay": [[0.0, 0.1, 0.2], [0.1, 0.0, 0.0]]}
    by_gene = learned(2, composite(learning_rate=3, weight_decay=3), genes, groups=HIDDEN)
    groups = {
        "dense1": {"weights": ["dense1.*"], "learning_rate": 0.3, "weight_decay": 0.0},
        "dense2": {"weights": ["dense2.*"], "learning_rate": 0.02, "weight_decay": 0.1},
    }
    by_parameter = learned(2, groups=groups, learning_rate=0.1, weight_decay=0.2)
    assert same(by_gene[0], by_parameter[0])
    assert not same(by_gene[1], by_parameter[1])


def test_one_gene_is_the_rate_of_all_that_set_none() -> None:
    groups = {"output": {"weights": ["output.*"], "learning_rate": 0.3}}
    by_gene = learned(1, composite(learning_rate=1), {"learning_rate": [[0.05]]}, groups=groups)
    assert same(by_gene[0], learned(1, groups=groups, learning_rate=0.05)[0])


def test_all_genes_of_a_member_may_be_0() -> None:
    states = learned(1, composite(learning_rate=3), {"learning_rate": [[0.0, 0.0, 0.0]]}, groups=HIDDEN)
    again = learned(1, groups=HIDDEN, learning_rate=1e-30)
    assert all(torch.allclose(weight, again[0]["weights"][name]) for name, weight in states[0]["weights"].items())


def test_the_last_training_goes_by_groups_too() -> None:
    evaluator = bound(groups={"first": {"weights": ["dense1.*"], "learning_rate": 0}}, finish={"epochs": 1})
    evaluator.start(torch.device("cpu"), Rng(1))
    member = members(1)
    [before] = member.states = evaluator.evaluate(member, Rng(1)).states
    after = evaluator.finalise(member, Rng(2))
    moved = [name for name, weight in after["weights"].items() if not torch.equal(weight, before["weights"][name])]
    assert moved
    assert not any(name.startswith("dense1.") for name in moved)


def test_a_member_is_described_with_the_names_of_the_groups() -> None:
    evaluator = bound(composite(learning_rate=3, weight_decay=1), groups=HIDDEN)
    described = evaluator.describe(members(1, learning_rate=[[0.1, 0.2, 0.3]], weight_decay=[[0.4]]))
    names = ("learning_rate.dense1", "learning_rate.dense2", "learning_rate.rest")
    assert [described[name].item() for name in names] == [0.1, 0.2, 0.3]
    assert set(described) == {"weights", *names}


def test_without_groups_everything_is_as_it_was_before_there_were_any() -> None:
    """Losses of two epochs on digits, as they came out then; on other processors the last digits may differ."""
    for parameters, expected in (
        ({}, [2.0255988761583965, 2.1924221625328064, 2.215421417474747]),
        ({"optimizer": "adam", "weight_decay": 0.01}, [2.3003646102746327, 3.0170325916806857, 2.6649221680959068]),
    ):
        data = {"use": "digits", "validation": 100, "test": 1500}
        evaluator: Any = build(
            "evaluators", "train", dataset=data, network={"use": "mlp", "hidden": [8]}, epochs=2, **parameters
        )
        evaluator.bind(None)
        evaluator.start(torch.device("cpu"), Rng(1))
        population = members(3)
        for seed in (1, 2):
            population.states = evaluator.evaluate(population, Rng(seed)).states
        assert evaluator.measure(population, "test", Rng(3))["loss"].tolist() == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize(
    ("genotype", "groups", "key", "message"),
    [
        (
            None,
            {"head": {"weights": ["fc.*"]}},
            "groups.head.weights",
            "no weight matches `fc.*`; there are `dense1.*`, `dense2.*` and `output.*`",
        ),
        (
            None,
            {**HIDDEN, "all": {"weights": ["dense*.bias"]}},
            "groups.all.weights",
            "`dense1` has `dense1.0.bias` too, and a weight is in one group",
        ),
        (None, {"all": {"weights": ["*"], "learning_rate": 0}}, "groups", "nothing would be trained"),
        (composite(learning_rate=3), {}, "groups", "are none, so the genotype's part `learning_rate` takes 1 gene"),
        (
            composite(learning_rate=2),
            HIDDEN,
            "",
            "`learning_rate` has 2 genes, and takes 3, one for each of `dense1`, `dense2` and `rest`, or 1",
        ),
        (composite(weight_decay=2), {"all": {"weights": ["*"]}}, "", "2 genes, and takes 1, of the one group, `all`"),
        (
            composite(learning_rate=2),
            {"output": {"weights": ["output.*"], "learning_rate": 0.1}},
            "groups.output.learning_rate",
            "is set by the genotype's learning_rate too",
        ),
        (
            composite(learning_rate=1),
            {"all": {"weights": ["*"], "learning_rate": 0.1}},
            "",
            "sets nothing: every group has a learning_rate of its own",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_network_or_the_genes(genotype: Any, groups: Any, key: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        bound(genotype, groups=groups)
    found = [(".".join(map(str, m.key)), m.message) for m in error.value.mistakes]
    assert any(at == key and message in said for at, said in found), found


def test_networks_of_many_shapes_have_no_groups() -> None:
    evaluator: Any = build("evaluators", "train", dataset=DIGITS, groups={"all": {"weights": ["*"]}})
    genotype: Any = build("genotypes", "block-stack")
    genotype.bind(evaluator.task())
    with pytest.raises(ConfigError, match="groups: are of one network, and the genotype's architecture gives each"):
        evaluator.bind(genotype)


def test_of_very_many_weights_a_message_names_some() -> None:
    with pytest.raises(ConfigError, match=r"`dense11\.\*` and 6 more$"):
        bound(groups={"a": {"weights": ["x"]}}, network={"use": "mlp", "hidden": [2] * 16})


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"a": {}}, "groups.a.weights"),
        ({"a": {"weights": []}}, "groups.a.weights"),
        ({"a": {"weights": 3.0}}, "groups.a.weights"),
        ({"a": {"weights": "output.*"}}, "groups.a.weights"),
        ({"a": {"weights": ["*"], "learning_rate": "0.1"}}, "groups.a.learning_rate"),
        ({"a": {"weights": ["*"], "learning_rate": float("nan")}}, "groups.a.learning_rate"),
        ({"a": {"weights": ["*"], "learning_rate": -1.0}}, "groups.a.learning_rate"),
        ({"a": {"weights": ["*"], "weight_decay": ["*"]}}, "groups.a.weight_decay"),
        ({"a": {"weights": ["*"], "learning_rate": 1e-60}}, "groups.a.learning_rate"),
        ({"rest": {"weights": ["*"]}}, "groups.rest"),
    ],
)
def test_tables_that_mean_nothing(table: Any, key: str) -> None:
    with pytest.raises(ConfigError) as error:
        build("evaluators", "train", **SMALL, groups=table)
    assert [".".join(map(str, m.key)) for m in error.value.mistakes] == [key]


def test_a_rate_of_0_needs_a_group_that_is_trained() -> None:
    head = {"head": {"weights": ["output.*"], "learning_rate": 0.1}}
    with pytest.raises(ConfigError, match="learning_rate: is 0, and no group has one of its own above 0"):
        build("evaluators", "train", **SMALL, learning_rate=0)
    [before], [after] = (learned(1, learning_rate=0, groups=head, epochs=n) for n in (1, 2))
    moved = {name for name, weight in after["weights"].items() if not torch.equal(weight, before["weights"][name])}
    assert moved == {"output.weight", "output.bias"}


# ----------------------------------------------------------------------------------------------------------- runs


def record(run: evoplug.Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in ("seconds", "time")} for row in run.metrics]


@pytest.mark.parametrize(
    "strategy",
    [
        {"use": "pbt", "population": 4},
        {"use": "epbt", "population": 4, "elites": 2},
        {"use": "cma-es", "population": 4},
    ],
    ids=lambda strategy: str(strategy["use"]),
)
def test_rates_of_groups_evolve_the_same_with_any_workers_and_after_a_stop(
    strategy: dict[str, Any], tmp_path: Path
) -> None:
    rate = {"use": "real-vector", "length": 3, "low": 1e-4, "high": 1.0, "scale": "log"}
    config: Any = {
        "strategy": strategy,
        "genotype": {"use": "composite", "parts": {"learning_rate": rate}},
        "evaluator": {"use": "train", **SMALL, "groups": HIDDEN},
        "run": {"stop": {"generations": 3}, "workers": 1},
    }
    whole = evoplug.run(config, out=tmp_path / "whole")
    stopped = evoplug.run(config, {"run.stop.generations": 2, "run.workers": 2}, out=tmp_path / "stopped")
    resumed = evoplug.resume(stopped.folder, {"run.stop.generations": 3})
    assert record(resumed) == record(whole)
    genes = whole.best.description["learning_rate"]
    best = whole.result["best"]
    assert [best[f"learning_rate.{name}"] for name in (*HIDDEN, "rest")] == genes
    assert len({round(gene, 6) for gene in genes}) == 3
