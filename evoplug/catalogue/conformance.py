"""The suites run on everything that an installed distribution brings, as ``evoplug doctor --suite`` does."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from evoplug.catalogue import lookup
from evoplug.catalogue.installed import normalised
from evoplug.errors import ConfigError

if TYPE_CHECKING:
    import pytest


class Result(NamedTuple):
    """What a conformance test said."""

    component: str
    """``GROUP/NAME``."""
    test: str
    """In words."""
    outcome: str
    """``passed``, ``failed`` or ``skipped``."""
    reason: str
    """Of a failure or a skip."""


_TESTS = "from evoplug.testing import suites\n\nglobals().update(suites({distribution!r}))\n"


def conformance(distribution: str, watch: Callable[[Result], object]) -> list[Result]:
    """Run the suites of :mod:`evoplug.testing` on everything that a distribution brings, from its examples.

    Args:
        distribution: its name, in any spelling.
        watch: is told each result as it comes.

    Raises:
        ConfigError: if no such distribution is installed, or pytest is not.
    """
    known = {normalised(entry.distribution): entry.distribution for entry in lookup.entries()}
    if normalised(distribution) not in known:
        raise ConfigError(
            "", f"no distribution `{distribution}` with components is installed; {_choices(known.values())}"
        )
    try:
        import pytest
    except ImportError:
        raise ConfigError("", "conformance suites need pytest: pip install 'evoplug[test]'") from None
    listener = _Listener(watch)
    with TemporaryDirectory() as folder:
        # A folder of its own, so that no configuration of pytest's around the working folder has a say.
        Path(folder, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        file = Path(folder, "test_installed.py")
        file.write_text(_TESTS.format(distribution=known[normalised(distribution)]), encoding="utf-8")
        with redirect_stdout(sys.stderr):
            # One part that cannot be loaded leaves the others to be tested.
            options = ["--continue-on-collection-errors", "-p", "no:terminal", "-p", "no:cacheprovider"]
            pytest.main([str(file), *options], plugins=[listener])
    return listener.results


class _Listener:
    """A plugin of pytest's that keeps the results."""

    def __init__(self, watch: Callable[[Result], object]) -> None:
        self.results: list[Result] = []
        self._watch = watch

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            _, suite, test = report.nodeid.split("::")
            self._tell(Result(_component(suite), _words(test), report.outcome, _reason(report)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            suite = report.nodeid.rpartition("::")[2]
            self._tell(Result(_component(suite), "it can be loaded", "failed", _reason(report)))

    def _tell(self, result: Result) -> None:
        self.results.append(result)
        self._watch(result)


def _component(suite: str) -> str:
    """``TestMutations_levy`` is ``mutations/levy``."""
    group, _, name = suite.removeprefix("Test").partition("_")
    return f"{group.lower()}/{name}"


def _words(test: str) -> str:
    """``test_it_works[bounded]`` is ``it works (bounded)``."""
    name, _, case = test.removeprefix("test_").partition("[")
    return name.replace("_", " ") + (f" ({case.removesuffix(']')})" if case else "")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The first line of what went wrong."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext.strip().rpartition("\nE   ")[2]
    line = " ".join(text.partition("\n")[0].split())
    return re.sub(r"^(AssertionError|Failed|evoplug\.errors\.\w+): ", "", line)


def _choices(known: Iterable[str]) -> str:
    return f"choices: {', '.join(sorted(known))}"
