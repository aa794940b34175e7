"""``evoplug.Run(DIR).best``: what a finished run found, ready for use."""

import subprocess
import sys

import numpy
import pytest
import torch

import evoplug
from evoplug import FilesError, PluginError
from finished import GRADIENT, LEEA, SPHERE, digits


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """name -> a finished run."""
    folder = tmp_path_factory.mktemp("runs")
    configs = {"leea": LEEA, "gradient": GRADIENT, "sphere": SPHERE}
    return {name: evoplug.run(config, out=folder / name) for name, config in configs.items()}


@pytest.mark.parametrize("name", ["leea", "gradient"])
def test_the_network_takes_raw_examples_and_has_the_reported_accuracy(runs, name):
    best = evoplug.Run(runs[name].folder).best
    x, y = digits()
    assert not best.module.training
    right = (best.module(x).argmax(1) == y).double().mean().item()
    assert right == pytest.approx(runs[name].test["accuracy"], abs=1e-9)
    assert right > 0.3


def test_what_stands_in_the_result_is_there(runs):
    run = runs["sphere"]
    best = run.best
    assert best.genome.tolist() == best.description == run.result["best"]["description"]
    assert best.fitness == pytest.approx(-sum(x * x for x in best.genome.tolist()))
    assert best.generation == run.result["best"]["generation"]
    assert best.module is None


def test_a_solution_is_read_once_and_its_network_is_its_own(runs):
    run = evoplug.Run(runs["leea"].folder)
    assert run.best is run.best
    before = run.best.genome.clone()
    for parameter in run.best.module.parameters():
        parameter.zero_()
    assert torch.equal(run.best.genome, before)


def test_a_run_is_read_without_torch(runs):
    code = (
        "import sys, evoplug; run = evoplug.Run(sys.argv[1]); run.result, run.config, run.status;"
        "assert 'torch' not in sys.modules; run.best; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(runs["sphere"].folder)], check=True)


def test_weights_that_an_evaluator_owns_come_back_in_another_process(owned):
    code = (
        "import sys, torch; from evoplug import Run; best = Run(sys.argv[1], sys.argv[2:]).best;"
        "print(best.module(torch.ones(3)).sum().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, owned.folder, *owned.trusted], check=True, capture_output=True, text=True
    )
    assert float(done.stdout) == pytest.approx(owned.test["output"], abs=1e-4)


def test_a_solution_holds_no_state_that_no_network_needs(runs, owned):
    held = {name: torch.load(run.folder / "solution.pt")["evaluator"] for name, run in (*runs.items(), ("own", owned))}
    assert held["leea"] == held["sphere"] == {}
    assert held["own"]["weight"].shape == (3, 3)


def test_several_networks_are_one_module_by_name(pair):
    best = evoplug.Run(pair.folder, pair.trusted).best
    assert isinstance(best.module, torch.nn.ModuleDict)
    assert list(best.module) == list(best.model) == ["first", "it's/2nd"]
    assert not best.module.training
    assert best.module["first"](torch.ones(2, 4)).sum().item() == pytest.approx(pair.test["first"])
    assert best.module["first"][1].weight is best.module["it's/2nd"][1].weight


def test_a_film_shows_the_genome_and_is_the_same_for_the_same_seed(lit):
    run = lit()
    lamps = (128 + 127 * run.best.genome).byte().tolist()
    film, again, other = (run.best.film(seed) for seed in (1, 1, 2))
    frames, same, others = (list(each.frames) for each in (film, again, other))
    assert (film.rate, film.title, len(frames)) == (20.0, "a row of lamps", 40)
    assert int(film.score) == 15  # the evaluator's state came back
    assert {int(frame.max()) for frame in frames} == set(lamps)
    assert numpy.array_equal(frames, same)
    assert film.score == again.score != other.score
    assert not numpy.array_equal(frames, others)


def test_a_film_that_is_not_read_to_its_end_lets_go_of_all(lit):
    film = lit().best.film()
    evaluator = film.frames.gi_frame.f_locals["evaluator"]
    next(film.frames)
    assert evaluator.open
    film.frames.close()
    assert not evaluator.open


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("raise", evoplug.ConfigError, "^needs eyes: pip install eyes$"),
        ("late", PluginError, r"^evaluator: film: ValueError: a lamp is broken \(.*lights.py"),
        ("small", PluginError, r"the frames of a film must be of one size, got \(8, 11, 3\) after \(8, 12, 3\)"),
        ("empty", PluginError, "a film must have a frame at least"),
    ],
)
def test_a_film_that_breaks_off_says_whose_fault_it_is(lit, fault, error, message):
    run = lit(fault=fault)
    with pytest.raises(error, match=message):
        list(run.best.film().frames)


def test_a_film_of_code_that_is_not_trusted_is_refused(lit):
    with pytest.raises(FilesError, match="code beside it was left out"):
        evoplug.Run(lit().folder).best.film()


def test_most_solutions_have_no_film(runs):
    assert runs["sphere"].best.film() is None


def test_an_unfinished_run_has_no_solution(runs, tmp_path):
    (tmp_path / "resolved.toml").write_bytes((runs["sphere"].folder / "resolved.toml").read_bytes())
    with pytest.raises(FilesError, match="has not finished"):
        evoplug.Run(tmp_path).best  # noqa: B018


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: b"\x80\x02]q\x00."])
def test_a_damaged_solution_is_named(runs, tmp_path, damage):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["sphere"].folder / name).read_bytes())
    path = tmp_path / "solution.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FilesError, match=r"solution\.pt: is damaged"):
        evoplug.Run(tmp_path).best  # noqa: B018


def test_a_cuda_run_is_read_on_a_machine_without(runs, tmp_path):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["leea"].folder / name).read_bytes())
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('device = "auto"', 'device = "cuda:7"'))
    assert 'device = "cuda:7"' in resolved.read_text()
    assert evoplug.Run(tmp_path).best.module is not None
