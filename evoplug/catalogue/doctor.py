"""What is wrong with an installation: every plugin loaded, and the machine; as data."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import metadata
from typing import NamedTuple

from evoplug.catalogue import loading, lookup
from evoplug.catalogue.entry import Entry
from evoplug.catalogue.installed import GROUPS
from evoplug.catalogue.remarks import remarks
from evoplug.errors import EvoplugError


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
    """An installed distribution with components, or a file beside a configuration."""

    name: str
    version: str
    """Empty for a file."""
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


# -------------------------------------------------------------------------------------------------- plugins


def plugins(check: Callable[[str], object]) -> Iterator[Plugin]:
    """Load everything that every distribution brings, evoplug itself first.

    What a plugin prints while it is imported goes to stderr.

    Args:
        check: checks the preset of a name, and raises what is wrong with it.
    """
    entries = (*lookup.entries(), *lookup.strays())
    for name, version in dict.fromkeys((entry.distribution, entry.version) for entry in entries):
        with redirect_stdout(sys.stderr):
            parts = tuple(_loaded(entry, check) for entry in entries if entry.distribution == name)
        yield Plugin(name, version, parts, tuple(_unmet(name)) if version else ())


def _loaded(entry: Entry, check: Callable[[str], object]) -> Loaded:
    begin, used = time.perf_counter(), lookup.usable(entry)
    cls = None
    try:
        if entry.group not in GROUPS:
            problem = entry.problem
        elif entry.group == "presets":
            problem = entry.problem
            check(used)
        else:
            cls = loading.load(entry.group, used)
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
