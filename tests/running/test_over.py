"""A search that has come to its end before its stop rules ends as finished, with the best found."""

import pytest

import evoplug

PLACES = "import torch\n\ndef flat(x):\n    return torch.zeros(len(x), dtype=x.dtype)\n"


def config(strategy, seed, **genotype):
    return {
        "run": {"seed": seed, "stop": {"generations": 2000}},
        "strategy": {"use": strategy},
        "genotype": {"use": "real-vector", "length": 2, **genotype},
        "evaluator": {"use": "function", "function": "rosenbrock"},
    }


@pytest.mark.parametrize(
    ("strategy", "dtype", "seed"), [("cma-es", "float64", 1), ("xnes", "float64", 2), ("xnes", "float32", 1)]
)
def test_a_distribution_that_collapses_ends_the_run_with_the_best_found(tmp_path, strategy, dtype, seed):
    run = evoplug.run(config(strategy, seed, dtype=dtype), out=tmp_path / "run")
    assert run.status == "finished"
    assert run.result["reason"].startswith("the search distribution has collapsed: ")
    assert 50 < len(run.metrics) < 2000
    assert run.result["ledger"]["generations"] == len(run.metrics)
    assert run.result["best"]["fitness"] > -1e-6
    assert all(row["stdev"] >= 0 and row["invalid"] == 0 for row in run.metrics)


def test_and_again_when_it_is_resumed(tmp_path):
    run = evoplug.run(config("xnes", 2), out=tmp_path / "run")
    again = evoplug.resume(run.folder, {"run.stop.generations": 3000})
    assert (again.result["reason"], len(again.metrics)) == (run.result["reason"], len(run.metrics))
    assert again.result["best"] == run.result["best"]


def test_a_covariance_that_becomes_singular_ends_it_too(tmp_path):
    """On a flat function nothing is better than anything else."""
    (tmp_path / "flat.py").write_text(PLACES)
    flat = config("cma-es", 2, low=-1.0, high=1.0)
    flat["evaluator"]["function"] = f"{tmp_path / 'flat.py'}:flat"
    run = evoplug.run(flat, out=tmp_path / "run")
    assert run.result["reason"].startswith("the search distribution has collapsed: ")
    assert run.result["best"]["fitness"] == 0


@pytest.mark.parametrize("strategy", ["cem", "pgpe", "snes", "xnes"])
def test_a_distribution_whose_first_samples_are_no_numbers_is_refused(tmp_path, strategy):
    wide = config(strategy, 1, low=0.0, high=1.0)
    wide["strategy"]["sigma"] = 1.7e308
    message = "^strategy: the first search distribution is too wide for float64: its samples are no numbers"
    with pytest.raises(evoplug.ConfigError, match=message):
        evoplug.run(wide, out=tmp_path / "run")
