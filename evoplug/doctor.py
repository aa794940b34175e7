"""What is wrong with an installation: every plugin loaded, and the machine; as data."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from evoplug import api, catalogue, registry
from evoplug.catalogue import Entry
from evoplug.errors import ConfigError, EvoplugError
from evoplug.installed import normalised
from evoplug.remarks import remarks

if TYPE_CHECKING:
    import pytest


class Loaded(NamedTuple):
    """A component or a preset after an attempt to load it."""

    entry: Entry
    used: str
    """What ``use`` has to say."""
    seconds: float
    """What the import took; near 0 where an earlier one had brought its module."""
    problem: str | None
    """Why it cannot be used."""
    remarks: tuple[str, ...] = ()
    """What may not be meant so."""


class Plugin(NamedTuple):
    """An installed distribution with components."""

    name: str
    version: str
    parts: tuple[Loaded, ...]
    unmet: tuple[str, ...]
    """Requirements other than evoplug's version that do not hold."""

    @property
    def well(self) -> bool:
        return not self.unmet and not any(part.problem for part in self.parts)


class Machine(NamedTuple):
    """What runs work with."""

    python: str
    platform: str
    torch: str
    torch_seconds: float
    """What importing torch took."""
    devices: tuple[str, ...]
    """CUDA devices by number."""
    threads: int
    """Of torch's own, unless a configuration says otherwise."""
    cores: int
    """That this process may use."""
    memory: float | None
    """In GiB; None where the system does not tell."""


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


# -------------------------------------------------------------------------------------------------- plugins


def plugins() -> Iterator[Plugin]:
    """Load everything that every distribution brings, evoplug itself first.

    What a plugin prints while it is imported goes to stderr.
    """
    entries = (*catalogue.entries(), *catalogue.strays())
    for name, version in dict.fromkeys((entry.distribution, entry.version) for entry in entries):
        with redirect_stdout(sys.stderr):
            parts = tuple(_loaded(entry) for entry in entries if entry.distribution == name)
        yield Plugin(name, version, parts, tuple(_unmet(name)))


def _loaded(entry: Entry) -> Loaded:
    begin, used = time.perf_counter(), catalogue.usable(entry)
    cls = None
    try:
        if entry.group not in catalogue.GROUPS:
            problem = entry.problem
        elif entry.group == "presets":
            problem = entry.problem
            api.check(used)
        else:
            cls = registry.load(entry.group, used)
            problem = None
    except EvoplugError as error:
        first, *others = str(error).splitlines()
        problem = first.removeprefix(f"{entry}: ") + (f" (and {len(others)} more)" if others else "")
    seconds = time.perf_counter() - begin
    return Loaded(entry, used, seconds, problem, tuple(remarks(entry, cls)) if cls else ())


def _unmet(distribution: str) -> Iterator[str]:
    """Requirements that the installed versions do not meet; that of evoplug is the catalogue's to check."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in metadata.requires(distribution) or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            yield f"its requirement `{line}` cannot be read"
            continue
        if requirement.name == "evoplug" or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"needs {requirement.name}{requirement.specifier}, which is not installed"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"needs {requirement.name}{requirement.specifier}; {installed} is installed"


# -------------------------------------------------------------------------------------------------- machine


def machine() -> Machine:
    """Versions, devices, cores and memory."""
    begin = time.perf_counter()
    import torch

    seconds = time.perf_counter() - begin
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(
        platform.python_version(),
        platform.platform(),
        torch.__version__,
        seconds,
        tuple(torch.cuda.get_device_name(number) for number in range(count)),
        torch.get_num_threads(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        _memory(),
    )


def _memory() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return None


# ------------------------------------------------------------------------------------------------ conformance

_TESTS = "from evoplug.testing import suites\n\nglobals().update(suites({distribution!r}))\n"


def conformance(distribution: str, watch: Callable[[Result], object]) -> list[Result]:
    """Run the suites of :mod:`evoplug.testing` on everything that a distribution brings, from its examples.

    Args:
        distribution: its name, in any spelling.
        watch: is told each result as it comes.

    Raises:
        ConfigError: if no such distribution is installed, or pytest is not.
    """
    known = {normalised(entry.distribution): entry.distribution for entry in catalogue.entries()}
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
