"""``evoplug check``."""

from pathlib import Path

import pytest

from evoplug.cli import main

RIGHT = """evoplug = 1
strategy = "random-search"
evaluator = "function"
[genotype]
use = "real-vector"
length = 1200
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *map(str, arguments)])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(RIGHT)
    return path


def test_what_would_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, file, "--set", "run.stop={ hours = 2 }", "--device", "cpu")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "random-search" in rows["strategy"]
    assert "1,200 genes" in " ".join(out.split())
    assert "hours = 2" in rows["stop"]
    assert "runs/mine/run/seed-1" in rows["folder"]
    assert out.endswith("ok\n")


def test_parameters_of_the_strategys_own_operator(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "strategy=mu-plus-lambda", "--set", "operators.mutation.sigma=0.2"]
    _, out, _ = run(capsys, file, *settings)
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert rows["mutation"] == ["mutation", "gaussian", "sigma=0.2"]


def test_all_mistakes_come_at_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, types, and the rules between parameters that only a component knows."""
    file.write_text(
        'evoplug = 1\n[run]\nsed = 1\n[strategy]\nuse = "leea"\nelites = 0.5\n'
        '[genotype]\nuse = "weights"\n[evaluator]\nuse = "classification"\nbatch = 5000\n'
    )
    code, _, err = run(capsys, file)
    assert code == 2
    assert sorted(err.splitlines()) == [
        f"evoplug: error: {file}:11: evaluator.batch: must not exceed the 1,200 training examples, got 5,000",
        f"evoplug: error: {file}:3: run.sed: unknown key; did you mean `seed`?",
        f"evoplug: error: {file}:6: strategy.elites: elites + crossover_share + mutation_share must be 1, are 1.45",
    ]


def test_the_rules_of_all_arms_come_at_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        'evoplug = 1\nstrategy = "leea"\ngenotype = "weights"\nevaluator = "classification"\n'
        '[sweep.arms]\na = { "strategy.elites" = 0.5 }\nb = { "evaluator.batch" = 5000 }\n'
    )
    code, _, err = run(capsys, file)
    assert code == 2
    assert [line.partition(": must")[0].partition(": elites ")[0] for line in err.splitlines()] == [
        f"evoplug: error: {file}:6: strategy.elites",
        f"evoplug: error: {file}:7: evaluator.batch",
    ]


def test_nothing_is_written(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    run(capsys, file)
    assert list(file.parent.iterdir()) == [file]


def test_claims_are_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claim = '[[claim]]\nbetter = "wide"\nthan = "run"\nmetric = "best.fitness"\n'
    file.write_text(f'{RIGHT}[sweep.arms.wide]\n"genotype.high" = 9.0\n{claim}{claim}margin = 0.01\n')
    _, out, _ = run(capsys, file)
    text = " ".join(out.split())
    assert "wide better than run; expected: reproduced" in text
    assert "wide not worse than run by more than 0.01; expected: reproduced" in text


def test_notices_are_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, file, "--set", "genotype.use=real-vector", "--set", "evaluator.function=ackley")
    assert "note" not in out
    base = file.with_name("over.toml")
    base.write_text(
        'evoplug = 1\nextends = "mine.toml"\n[genotype]\nuse = "weights"\n[evaluator]\nuse = "classification"\n'
    )
    _, out, _ = run(capsys, base)
    assert "note: " in out
    assert "drops what `real-vector` had: length" in " ".join(out.split())


def test_what_arms_drop_is_said_with_their_names(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = RIGHT.replace('strategy = "random-search"', 'strategy = { use = "random-search", population = 9 }')
    file.write_text(changed + '[sweep.grid]\n"strategy.use" = ["snes", "random-search"]\n')
    _, out, _ = run(capsys, file)
    (note,) = (line for line in out.splitlines() if line.startswith("note: "))
    assert note.endswith("strategy: use = `snes` drops what `random-search` had: population (arm `use=snes`)")


def test_a_sweep_is_summed_up(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RIGHT + '[sweep]\nseeds = 3\n[sweep.arms.small]\n"genotype.length" = 2\n')
    _, out, _ = run(capsys, file)
    assert "6 runs" in out
    assert "run, small; seeds 1, 2, 3" in out


def test_every_mistake_is_a_line_of_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RIGHT + "lenght = 3\n[run]\nseed = 1.5\n")
    code, out, err = run(capsys, file, "--set", "evaluator.function=sphre")
    assert (code, out) == (2, "")
    assert sorted(err.splitlines()) == sorted([
        f"evoplug: error: {file}:7: genotype.lenght: unknown key; did you mean `length`?",
        f"evoplug: error: {file}:9: run.seed: must be an integer, got 1.5",
        'evoplug: error: --set: evaluator.function: got "sphre"; did you mean `sphere`?',
    ])  # fmt: skip


def test_what_only_building_finds_is_found(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, file, "--set", "evaluator.function=rosenbrock", "--set", "genotype.length=1")
    assert code == 2
    assert err == "evoplug: error: --set: evaluator.function: rosenbrock needs at least 2 genes, got 1\n"
    code, _, err = run(capsys, file, "--device", "cuda:99")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("evoplug: error: --set: run.device: no such CUDA device")


def test_an_arm_that_does_not_fit_is_found(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RIGHT + '[sweep.arms.bad]\n"evaluator.function" = "rosenbrock"\n"genotype.length" = 1\n')
    code, _, err = run(capsys, file)
    assert code == 2
    assert err == f"evoplug: error: {file}:8: evaluator.function: rosenbrock needs at least 2 genes, got 1\n"


def test_a_preset_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "quickstrat")
    assert code == 2
    assert "did you mean `quickstart`?" in err
    assert len(err.splitlines()) == 1
