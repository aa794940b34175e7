"""What needs more memory than is free is refused before any of it is there, in one line with both figures."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import evoplug
from evoplug import ConfigError, Task
from evoplug.config import check, load
from evoplug.config.fit import fit
from evoplug.contracts import Dataset
from evoplug.population import memory

VECTORS = {
    "strategy": {"use": "mu-plus-lambda"},
    "genotype": {"use": "real-vector", "length": 10},
    "evaluator": {"use": "function"},
}
TRAINED = {"strategy": {"use": "gradient-descent"}, "evaluator": {"use": "train"}}
WEIGHTS = {
    "strategy": {"use": "snes"},
    "genotype": {"use": "weights"},
    "evaluator": {"use": "classification"},
}


@pytest.fixture(autouse=True)
def _sixteen_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda device="cpu": 16 * 2**30)


def refusal(base: dict, **changes: object) -> str:
    begin = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        fit(check(load(base, {name.replace("__", "."): value for name, value in changes.items()})))
    assert time.perf_counter() - begin < 20, "a second or two, on a machine that has nothing else to do"
    (line,) = str(caught.value).splitlines()
    return line


END = " of memory, and cpu has 16 GiB free"


def test_of_vectors() -> None:
    members = "strategy: 1,000,000,020 members (genomes 75 GiB, the search 224 GiB): about 328 GiB" + END
    assert refusal(VECTORS, strategy__offspring=10**9) == members
    assert refusal(VECTORS, genotype__length=10**8) == f"strategy: 120 members (genomes 89 GiB): about 89 GiB{END}"
    sampled = {**VECTORS, "strategy": {"use": "random-search"}}
    assert refusal(sampled, strategy__population=10**9, genotype__dtype="float32").startswith(
        "strategy: 2,000,000,000 "
    )


@pytest.mark.parametrize("strategy", ["cma-es", "xnes"])
def test_of_covariance_matrices(strategy: str) -> None:
    line = refusal({**VECTORS, "strategy": {"use": strategy}}, genotype__length=10**5)
    assert line.startswith("strategy: 76 members (the search ")
    assert line.endswith(END)


def test_of_separable_searches_there_are_none() -> None:
    for strategy in ({"use": "cma-es", "separable": True}, {"use": "snes"}):
        fit(check(load({**VECTORS, "strategy": strategy}, {"genotype.length": 10**5})))


def test_of_trained_networks() -> None:
    assert refusal(TRAINED, strategy__population=10**9) == f"strategy: 2,000,000,000 members: about 60 GiB{END}"
    line = refusal(TRAINED, strategy__population=10**6)
    assert line == f"strategy: 2,000,000 members (evaluation 72 GiB): about 72 GiB{END}"


def test_of_cases_where_a_selection_reads_them() -> None:
    """4 bytes for each of 1,000 examples, of parents and children."""
    base = {
        "strategy": {"use": "leea", "population": 1000},
        "genotype": {"use": "weights"},
        "evaluator": {"use": "classification", "batch": 1000},
    }
    plain, by_cases = (
        fit(check(load({**base, "operators": {"selection": use}}))).memory for use in ("truncation", "lexicase")
    )
    assert by_cases - plain == 2000 * 1000 * 4


@pytest.mark.parametrize(
    ("base", "changes", "key"),
    [
        (TRAINED, {"evaluator.batch": 1024}, "evaluator.batch: a step of 1,024 examples: about "),
        (TRAINED, {"evaluator.batch": 1}, "evaluator.network: a pass of 512 examples: about "),
        (WEIGHTS, {"evaluator.batch": 1024}, "evaluator.batch: a pass of 1,024 examples: about "),
        (WEIGHTS, {"evaluator.batch": 1}, "evaluator: a pass of 1,024 examples: about "),
    ],
)
def test_of_what_passes_through_networks(
    base: dict, changes: dict, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told at the start of the run, by two examples."""
    small: list[int] = [2**40]
    monkeypatch.setattr(memory, "free", lambda device="cpu": small[0])
    monkeypatch.setattr(
        Dataset, "load_all", lambda self, load=Dataset.load_all: small.__setitem__(0, 10**5) or load(self)
    )
    monkeypatch.setattr(memory, "SMALL", 0)
    network = "genotype.network" if "genotype" in base else "evaluator.network"
    run = {"run.stop.generations": 1, network: {"use": "mlp", "hidden": [64]}}
    with pytest.raises(ConfigError) as caught:
        evoplug.run(base, {**run, **changes}, out=tmp_path / "run")
    assert str(caught.value).startswith(key)


@pytest.mark.parametrize(("base", "where"), [(TRAINED, "evaluator"), (WEIGHTS, "genotype")])
def test_of_one_network(base: dict, where: str) -> None:
    network = {"use": "mlp", "hidden": [10**9]}
    line = refusal(base, **{f"{where}__network": network})
    assert line.startswith(f"{where}.network: a network of 75,000,000,010 weights: about ")
    assert line.endswith(END)


def test_of_more_weights_than_can_be_counted() -> None:
    network = {"use": "mlp", "hidden": [10**18, 10**18]}
    assert refusal(TRAINED, evaluator__network=network) == (
        "evaluator.network: has more weights than any memory could hold"
    )
    assert "genotype.network: cannot take inputs" in refusal(WEIGHTS, genotype__network=network)


def test_of_a_tournament() -> None:
    line = refusal(VECTORS, operators__selection={"use": "tournament", "size": 10**12})
    assert line == f"operators.selection: its work: about 298,023 GiB{END}"


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        (TRAINED, {"evaluator__network": {"use": "resnet", "depth": 600_002}}, "must be at most 2000, got 600002"),
        (TRAINED, {"evaluator__network": {"use": "mlp", "hidden": [1] * 1001}}, "must be of at most 1000 entries"),
        (VECTORS, {"genotype": {"use": "taylorglo", "order": 1000}}, "genotype.order: must be at most 20, got 1000"),
        (VECTORS, {"run__threads": 10**9}, "run.threads: must be at most 1024, got 1000000000"),
        (VECTORS, {"run__workers": 10**9}, "run.workers: must be at most 1024 or `auto`"),
    ],
)
def test_what_would_never_end_has_a_bound(base: dict, changes: dict, message: str) -> None:
    assert message in refusal(base, **changes)


def test_nothing_is_written(tmp_path) -> None:
    with pytest.raises(ConfigError):
        evoplug.run(VECTORS, {"strategy.population": 10**9}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("dtype", "itemsize"), [("float64", 8), ("float32", 4)])
def test_a_genome_of_real_numbers(dtype: str, itemsize: int) -> None:
    genotype = evoplug.build("genotypes", "real-vector", length=7, low=-1.0, high=1.0, dtype=dtype)
    genotype.bind(Task())
    assert genotype.footprint() == 7 * itemsize


def test_a_genome_of_choices() -> None:
    genotype = evoplug.build("genotypes", "assignment", length=7, choices=2)
    genotype.bind(Task())
    assert genotype.footprint() == 7 * 8


def test_the_parts_of_a_composite_add_up() -> None:
    part = {"use": "real-vector", "length": 3, "low": 0.0, "high": 1.0}
    genotype = evoplug.build("genotypes", "composite", parts={"a": part, "b": {**part, "dtype": "float32"}})
    genotype.bind(Task())
    assert genotype.footprint() == 3 * (8 + 4)


def test_what_is_small_asks_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda device: pytest.fail("asked"))
    memory.require(memory.SMALL, "this", device="cuda:0")
