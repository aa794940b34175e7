"""The report page: complete in itself, true to the run folders, and whole in a browser."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy
import pytest
import tomli_w

import evoplug
from analysis.folders import finished, recorded, sweep
from evoplug import FilesError
from evoplug.analysis.report import duration, number, spread, write
from evoplug.analysis.statistics import Summary
from evoplug.cli import main
from evoplug.contracts import Film
from evoplug.running import filming

SNES: dict[str, Any] = {
    "evoplug": 1,
    "run": {"name": "a <b>search & more", "stop": {"generations": 5}},
    "strategy": {"use": "snes", "sigma": 0.4},
    "genotype": {"use": "real-vector", "length": 3, "low": -5.0, "high": 5.0},
    "evaluator": {"use": "function"},
}
PAPER = {"metric": "best.fitness", "value": -0.5, "deviation": 0.125, "source": "table 9 of nowhere"}


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.figures: list[list[str]] = []
        """The tags in each figure."""
        self.text = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " " if tag in ("td", "th", "div") else ""
        given = dict(attrs)
        self.ids += [str(value) for name, value in given.items() if name == "id"]
        self.links += [str(value) for name, value in given.items() if name in ("src", "href", "xlink:href", "data")]
        if tag == "figure":
            self.figures.append([])
        elif self.figures:
            self.figures[-1].append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of one real run."""
    run = evoplug.run(SNES, out=tmp_path_factory.mktemp("report") / "run")
    return Page(write(run.folder)[0])


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of two arms with two seeds each."""
    folder = tmp_path_factory.mktemp("report")
    for name, length in (("short", 3), ("wide", 3)):
        for seed in (1, 2):
            settings = {"run.seed": seed, "genotype.length": length, "strategy.sigma": 0.4 if name == "short" else 0.9}
            evoplug.run(SNES, settings, out=folder / name / f"seed-{seed}")
    return Page(write(folder)[0])


def test_everything_is_in_the_page(page: Page, arms: Page) -> None:
    for each in (page, arms):
        assert each.figures
        assert all("svg" in figure for figure in each.figures)
        assert all(link.startswith(("#", "data:")) for link in each.links)
        assert not {"script", "link", "iframe", "object", "img"} & set(each.tags)
        assert "@import" not in each.source
        assert "url(http" not in each.source


def test_every_mark_in_it_is_unique_and_every_reference_leads_somewhere(arms: Page) -> None:
    assert len(arms.ids) == len(set(arms.ids))
    assert {link.removeprefix("#") for link in arms.links if link.startswith("#")} <= set(arms.ids)


def test_it_says_what_was_asked_and_what_is_not_the_default(page: Page) -> None:
    assert "snes · real-vector · function" in page.text
    assert "Stop at generations = 5" in page.text
    text = " ".join(page.text.split())
    assert "sigma 0.4 (0.2)" in text
    assert "length 3 (10)" in text
    assert "function sphere" in text
    assert "sphere (" not in text
    assert 'name = "a <b>search & more"' in page.text  # the whole configuration


def test_what_a_user_wrote_is_text(page: Page) -> None:
    assert "<b>search" not in page.source
    assert "a <b>search & more" in page.text


def test_it_says_what_came_out_what_it_cost_and_with_what(page: Page) -> None:
    for word in ("best fitness", "Best solution", "evaluations", "reproduction", "SHA-256", "Python", "torch "):
        assert word in page.text
    assert "evoplug_basics.searchers:SNES" in page.text


def test_arms_are_told_apart_by_what_differs(arms: Page) -> None:
    assert "strategy.sigma" in arms.text
    assert "0.9" in arms.text
    assert "±" in arms.text


def test_arms_of_several_problems_have_all_their_columns(tmp_path: Path) -> None:
    trained = {"strategy": {"use": "gradient-descent"}, "evaluator": {"use": "train", "epochs": 1}}
    evoplug.run({**SNES, "run": {"stop": {"generations": 2}}}, out=tmp_path / "a" / "seed-1")
    evoplug.run({"evoplug": 1, "run": {"stop": {"generations": 1}}, **trained}, out=tmp_path / "b" / "seed-1")
    (tmp_path / "sweep.toml").write_text(tomli_w.dumps({**SNES, "sweep": {"base": "a", "arms": {"b": {}}}}))
    page = Page(write(tmp_path)[0])
    text = " ".join(page.text.split())
    assert "a function=sphere 1 - - - - -" in text  # n, and the metrics that it has not
    assert "b dataset=digits 1 0." in text
    assert "test loss less is better" in text
    assert "generations evaluations seconds epochs steps samples" in text
    assert "best fitness against generations; function=sphere" in text.lower()


def test_parts_of_metrics_are_folded_a_line_each(tmp_path: Path) -> None:
    """The only part of a metric has its column."""
    parts = {"error.mnist": 0.25, "error.kmnist": 0.75, "f1": 0.5, "f1.macro": 0.125}
    for arm in ("a", "b"):
        folder = finished(tmp_path / arm / "seed-1", strategy={"use": "snes", "sigma": 0.1 + (arm == "a")})
        result = json.loads((folder / "result.json").read_text())
        result["test"] |= {"error": 0.5, **parts}
        (folder / "result.json").write_text(json.dumps(result))
    text = " ".join(Page(write(complete(tmp_path))[0]).text.split())
    assert "test error test f1 test f1 macro" in text
    assert "Parts of these metrics" in text
    assert "standard deviation over runs a b test error mnist 0.25 0.25 0.25 0.25 test error kmnist" in text


def test_the_papers_value_and_what_deviates_by_an_override(tmp_path: Path) -> None:
    run = evoplug.run({**SNES, "paper": PAPER}, {"strategy.sigma": 0.7}, out=tmp_path / "run")
    text = " ".join(Page(write(run.folder)[0]).text.split())
    assert "paper -0.5 ± 0.125 table 9 of nowhere" in text
    assert "deviate from config.toml" in text
    assert "strategy.sigma 0.7 0.4" in text


def test_the_papers_value_and_what_deviates_in_a_file_that_extends_the_row(tmp_path: Path) -> None:
    row = {**SNES, "paper": PAPER}
    (tmp_path / "row.toml").write_text(tomli_w.dumps(row))
    own = {"evoplug": 1, "extends": str(tmp_path / "row.toml"), "genotype": {"high": 6.0}}
    (tmp_path / "own.toml").write_text(tomli_w.dumps(own))
    text = " ".join(Page(write(evoplug.run(tmp_path / "own.toml", out=tmp_path / "run").folder)[0]).text.split())
    assert f"deviate from {tmp_path / 'row.toml'}" in text
    assert "genotype.high 6.0 5.0" in text
    assert "strategy.sigma 0.4 0.2" not in text


def test_a_run_as_in_the_paper_says_so(tmp_path: Path) -> None:
    run = evoplug.run({**SNES, "paper": PAPER}, out=tmp_path / "run")
    assert "All settings are those of config.toml" in Page(write(run.folder)[0]).text


def complete(folder: Path) -> Path:
    """Made run folders, with the seconds that they took and the two files that say with what they ran."""
    versions: dict[str, Any] = {"started": "2026-01-01T00:00:00", "python": "3", "platform": "p", "processor": "c"}
    session = {**versions, "device": "cpu", "threads": 1, "workers": 1, "versions": {"torch": "2"}, "git": None}
    for resolved in folder.rglob("resolved.toml"):
        result = json.loads((resolved.parent / "result.json").read_text())
        result["ledger"]["seconds"] = 1.5
        (resolved.parent / "result.json").write_text(json.dumps(result))
        (resolved.parent / "environment.json").write_text(json.dumps({"sessions": [session]}))
        (resolved.parent / "plugins.lock").write_text(json.dumps({"a:B": {"sha256": "0123456789abcdef"}}))
    return folder


def test_claims_have_their_verdicts(tmp_path: Path) -> None:
    claim = {"better": "good", "than": "bad", "metric": "test.accuracy", "margin": 0.01}
    other = {"better": "bad", "than": "good", "metric": "test.accuracy", "expect": "not reproduced", "reason": "small"}
    arms = {"good": [0.9, 0.91, 0.92, 0.93], "bad": [0.1, 0.2, 0.3, 0.4]}
    text = " ".join(Page(write(complete(sweep(tmp_path, arms, [claim, other])))[0]).text.split())
    hold, fail = text.index("Claims that are expected to hold"), text.index("Claims that are expected not to hold")
    assert "p corrected by Holm over this one claim, apart from the others" in text[hold:fail]
    assert "good > bad − 0.01 test.accuracy 0.01429 0.01429 1.00 1.00 to 1.00 shown reproduced" in text[hold:fail]
    assert "controls and known failures" in text[fail:]
    assert "not shown not reproduced: small" in text[fail:]
    assert "8 of 8 runs began before claims were recorded" in text


@pytest.mark.parametrize("now", [{}, {"expect": "not reproduced", "reason": "small"}, None])
def test_claims_that_were_changed_after_the_runs_are_said(now: dict[str, str] | None, tmp_path: Path) -> None:
    claim = {"better": "good", "than": "bad", "metric": "test.accuracy"}
    sweep(tmp_path, {"good": [0.9, 0.91], "bad": [0.1, 0.2]}, [] if now is None else [{**claim, **now}])
    recorded(tmp_path, claim)
    text = " ".join(Page(write(complete(tmp_path))[0]).text.split())
    said = {
        "{}": "",
        "None": "good > bad on test.accuracy was dropped",
    }.get(str(now), 'good > bad on test.accuracy: expect was "reproduced", is "not reproduced"')
    assert ("the claims were changed after 4 of 4 runs" in text) == bool(said)
    assert said in text


def test_what_was_left_out_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    finished(tmp_path / "a" / "seed-1")
    finished(tmp_path / "a" / "seed-2", 2, status="failed")
    with pytest.raises(SystemExit) as end:
        main(["report", str(complete(tmp_path))])
    assert end.value.code == 0
    output, errors = capfd.readouterr()
    assert output == f"{tmp_path}/report.html\n"
    assert "seed-2: failed, left out" in errors
    assert "seed-2: failed, left out" in Page(tmp_path / "report.html").text


@pytest.mark.parametrize("ended", ["interrupted", "killed"])
def test_a_run_that_has_not_finished_is_shown_as_far_as_it_is(ended: str, tmp_path: Path) -> None:
    run = evoplug.run(SNES, {"run.stop.generations": 3}, out=tmp_path / "run").folder
    result = run / "result.json"
    if ended == "killed":
        result.unlink()
    else:
        result.write_text(json.dumps({"status": ended, "reason": "stopped by signal 2", "ledger": {}, "seconds": {}}))
    path, notices = write(run)
    page = Page(path)
    reason = "; interrupted: stopped by signal 2" if ended == "interrupted" else ""
    assert notices[0] == f"unfinished: generation 3 of 3{reason}"
    assert notices[0] in page.text
    assert "a <b>search & more (unfinished)" in page.text
    assert "As last recorded" in page.text
    assert "Best solution" not in page.text
    assert "evaluations" in page.text
    assert page.figures


def filmed(folder: Path, title: str = "lamps", seed: int = 1) -> Path:
    """A run of which an episode was filmed, with the score 9."""
    evoplug.run(SNES, {"run.seed": seed}, out=folder)
    (folder / "plots").mkdir()
    film = Film(numpy.zeros((1, 4, 6, 3), numpy.uint8), 30, 9.0, title)
    filming.write(film, folder / "plots" / "episode.gif")
    return folder


def test_an_episode_is_shown_inside_the_page_and_as_a_strip(tmp_path: Path) -> None:
    found = Page(write(filmed(tmp_path / "run", "a <b> & more"))[0])
    assert found.tags.count("img") == 1
    assert "An episode of the best solution: a <b> & more, score 9" in found.text
    (image,) = (link for link in found.links if link.startswith("data:image/gif;base64,"))
    assert b64decode(image.partition(",")[2]) == (tmp_path / "run/plots/episode.gif").read_bytes()
    assert "Frames of an episode of the best solution" in found.text


def test_of_an_arm_the_best_run_that_was_filmed_is_shown(tmp_path: Path) -> None:
    for arm, seed in (("one", 1), ("one", 3), ("two", 1)):
        evoplug.run(SNES, {"run.seed": seed}, out=tmp_path / arm / f"seed-{seed}")
    filmed(tmp_path / "one/seed-2", seed=2)
    text = Page(write(tmp_path)[0]).text
    assert "An episode of the best solution of one, seed 2: lamps, score 9" in text
    assert "solution of two" not in text


def test_a_damaged_episode_is_said_and_leaves_the_rest(tmp_path: Path) -> None:
    folder = filmed(tmp_path / "run")
    (folder / "plots/episode.gif").write_bytes(b"no GIF")
    path, notices = write(folder)
    assert "img" not in Page(path).tags
    assert any("an episode is not shown" in notice and "is damaged, or no GIF" in notice for notice in notices)


def test_a_part_that_is_not_installed_any_more_leaves_the_rest(tmp_path: Path) -> None:
    finished(tmp_path / "run", strategy={"use": "long-gone"})
    path, notices = write(complete(tmp_path))
    assert any("defaults are not known" in notice and "long-gone" in notice for notice in notices)
    assert "long-gone" in Page(path).text


@pytest.mark.parametrize("name", ["environment.json", "plugins.lock", "result.json"])
def test_damaged_files_are_named(name: str, tmp_path: Path) -> None:
    finished(tmp_path / "run")
    (complete(tmp_path) / "run" / name).write_text("{")
    with pytest.raises(FilesError, match=name):
        write(tmp_path)


def test_numbers_are_short_and_deviations_end_at_their_second_digit() -> None:
    assert [number(value) for value in (0.12345, 12.0, 1234567, 12345.67, 1e-7, math.nan, None)] == [
        "0.1235", "12", "1,234,567", "12,345.7", "1e-07", "-", "-",
    ]  # fmt: skip
    assert spread(Summary(3, 0.0, 0.87351, 0.0086)) == "0.8735 ± 0.0086"
    assert spread(Summary(3, 0.0, 1234.5, 21.4)) == "1,234 ± 21"
    assert spread(Summary(3, 0.0, 0.5, 0.0)) == "0.5 ± 0"
    assert spread(Summary(1, 0.0, 0.87351, math.nan)) == "0.8735"
    assert spread(Summary(3, 0.0, 2e-7, 1.234e-8)) == "2e-07 ± 1.2e-08"
    assert spread(Summary(3, 0.0, 1e200, 3e199)) == "1e+200 ± 3e+199"
    assert spread(Summary(3, 0.0, 1e308, math.inf)) == "1e+308 ± infinite"
    assert [duration(seconds) for seconds in (4.25, 61, 7800)] == ["4.2 s", "1 min 1 s", "2 h 10 min"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium")
def test_a_browser_shows_its_figures_and_complains_of_nothing(arms: Page, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(arms.source, encoding="utf-8")
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    command = [
        "chromium", "--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{each}" for each in quiet),
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("<figure>") == done.stdout.count("</svg>") == len(arms.figures)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
