"""`evoplug doctor`: what people read, what programs read, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from evoplug.catalogue import Entry, conformance, doctor
from evoplug.catalogue.conformance import Result
from evoplug.catalogue.doctor import Loaded, Machine, Plugin
from evoplug.cli.doctoring import doctor_
from evoplug.running import datafiles
from evoplug.running.datafiles import Data

MACHINE = Machine("3.11.7", "Linux", "2.10.0", 1.25, ("NVIDIA H200",), 2, 16, 128.0)
LEVY = Entry("mutations", "levy", "levy:Levy", "evoplug-levy", "1.0")
REMARK = "no installed genotype is of kind `real-vectr`"
WELL = Plugin("evoplug-levy", "1.0", (Loaded(LEVY, "evoplug-levy/levy", 0.5, None, (REMARK,)),), ())
ILL = Plugin(
    "evoplug-levy", "1.0", (Loaded(LEVY, "levy", 0.5, "ImportError: no"),), ("needs torch>=99; 2.10.0 is installed",)
)
DATA = (
    Data("digits", "no files"),
    Data("mnist", "here", (Path("data/MNIST/train"), Path("data/MNIST/test"))),
    Data("svhn", "missing", (Path("data/SVHN/train.mat"),), "data/SVHN/train.mat"),
    Data("folder", "your own files", detail="`folder`"),
    Data("gone", "broken", detail="no such library"),
)


def said(monkeypatch: pytest.MonkeyPatch, plugins: Sequence[Plugin], *arguments: str) -> tuple[str, object]:
    """The output, and what the command returns, which is the exit code."""
    monkeypatch.setattr(doctor, "machine", lambda: MACHINE)
    monkeypatch.setattr(doctor, "plugins", lambda check: iter(plugins))
    monkeypatch.setattr(datafiles, "installed", lambda: iter(DATA))
    result = CliRunner().invoke(doctor_, arguments, standalone_mode=False, catch_exceptions=False)
    return result.output, result.return_value


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_sound_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    output, code = said(monkeypatch, [WELL])
    assert code == 0
    assert lines(output) == [
        "machine",
        "python 3.11.7 on Linux",
        "torch 2.10.0, imported in 1.25 s, 2 threads",
        "device cuda:0 NVIDIA H200",
        "cores 16, 128.0 GiB of memory",
        "plugins",
        "evoplug-levy 1.0 1 part 0.50 s",
        'mutations: levy its name is taken; use = "evoplug-levy/levy"',
        f"mutations: levy {REMARK}",
        "data sets",
        "digits comes with its package",
        "mnist here, in data/MNIST",
        "svhn missing from data/SVHN",
        "folder your own files",
        "gone broken: no such library",
        "(evoplug data NAME --download fetches what is missing; the folder is EVOPLUG_DATA)",
        "",
        "all is well",
    ]


def test_a_broken_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    output, code = said(monkeypatch, [ILL])
    assert code == 3
    assert lines(output)[6:9] == [
        "evoplug-levy 1.0 1 part 0.50 s",
        "needs torch>=99; 2.10.0 is installed",
        "mutations: levy ImportError: no",
    ]
    assert lines(output)[-1] == "1 plugin is broken"


@pytest.mark.parametrize(("plugin", "code"), [(WELL, 0), (ILL, 3)])
def test_as_json(monkeypatch: pytest.MonkeyPatch, plugin: Plugin, code: int) -> None:
    output, returned = said(monkeypatch, [plugin], "--json")
    found = json.loads(output)
    assert returned == code
    assert found["well"] == plugin.well
    assert found["machine"]["devices"] == ["NVIDIA H200"]
    assert found["plugins"][0]["unmet"] == list(plugin.unmet)
    (part,) = found["plugins"][0]["parts"]
    assert (part["group"], part["name"], part["problem"]) == ("mutations", "levy", plugin.parts[0].problem)
    assert part["remarks"] == list(plugin.parts[0].remarks)
    assert found["data"][1] == {"name": "mnist", "state": "here", "place": "data/MNIST"}


RESULTS = [
    Result("mutations/levy", "it works (bounded)", "passed", ""),
    Result("mutations/levy", "it works (log)", "failed", "assert 1 == 2"),
    Result("networks/net", "it works", "skipped", "not for it"),
]


@pytest.mark.parametrize(("results", "code"), [(RESULTS, 3), (RESULTS[:1] + RESULTS[2:], 0)])
def test_the_suites(monkeypatch: pytest.MonkeyPatch, results: list[Result], code: int) -> None:
    monkeypatch.setattr(conformance, "conformance", lambda distribution, watch: results)
    output, returned = said(monkeypatch, [], "--suite", "evoplug-levy")
    assert returned == code
    assert lines(output) == [
        f"mutations/levy 1 passed{', 1 failed' if code else ''}",
        *(["it works (log): assert 1 == 2"] if code else []),
        "networks/net 1 skipped",
        "",
        "1 test failed" if code else "all is well",
    ]
    as_json, returned = said(monkeypatch, [], "--suite", "evoplug-levy", "--json")
    assert returned == code
    assert json.loads(as_json) == [result._asdict() for result in results]
