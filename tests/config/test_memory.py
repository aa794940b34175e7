"""Whether a population fits into memory, told before any of it is there."""

import pytest

import evoplug
from evoplug import ConfigError, Task
from evoplug.config import memory


def real(length, **more):
    genotype = evoplug.build("genotypes", "real-vector", length=length, low=-1.0, high=1.0, **more)
    genotype.bind(Task())
    return genotype


@pytest.mark.parametrize(("dtype", "itemsize"), [("float64", 8), ("float32", 4)])
def test_a_population_of_vectors_and_its_children(dtype, itemsize):
    assert memory.needed(real(7, dtype=dtype), 10) == 2 * 10 * 7 * itemsize


def test_the_parts_of_a_composite_add_up():
    part = {"use": "real-vector", "length": 3, "low": 0.0, "high": 1.0}
    genotype = evoplug.build("genotypes", "composite", parts={"a": part, "b": {**part, "dtype": "float32"}})
    genotype.bind(Task())
    assert memory.needed(genotype, 5) == 2 * 5 * 3 * (8 + 4)


def test_what_cannot_fit_is_refused_before_anything_is_written(tmp_path):
    config = {
        "strategy": {"use": "random-search", "population": 10**9},
        "genotype": {"use": "real-vector", "length": 10**6},
        "evaluator": {"use": "function"},
    }
    with pytest.raises(ConfigError, match="strategy.population: 1,000,000,000 genomes and their children need about "):
        evoplug.run(config, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
