"""What a run ran with: versions, machine, threads, and the source of each component."""

from __future__ import annotations

import hashlib
import inspect
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evoplug import catalogue
from evoplug.contracts import Component

LIBRARIES = ("evoplug", "torch", "torchvision", "evotorch", "deap", "numpy", "scipy", "scikit-learn")


def environment(device: str, threads: int, workers: int) -> dict[str, Any]:
    """The session's part of ``environment.json``."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": device,
        "threads": threads,
        "workers": workers,
        "versions": {name: _version(name) for name in LIBRARIES},
        "git": _git(),
    }


def lock(components: Iterable[Component]) -> dict[str, Any]:
    """``plugins.lock``: for each component's class, the distribution and the hash of the source file."""
    entries = {entry.value: entry for entry in catalogue.entries()}
    locked = {}
    for cls in sorted({type(part) for part in _with_parts(components)}, key=lambda cls: (cls.__module__, cls.__name__)):
        value = f"{cls.__module__}:{cls.__qualname__}"
        entry = entries.get(value)
        locked[value] = {
            "distribution": entry.distribution if entry else None,
            "version": entry.version if entry else None,
            "sha256": hashlib.sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest(),
        }
    return locked


def _with_parts(components: Iterable[Component]) -> Iterator[Component]:
    """The components and those that their fields hold."""
    for component in components:
        yield component
        for value in vars(component).values():
            held = value.values() if isinstance(value, Mapping) else [value]
            yield from _with_parts(part for part in held if isinstance(part, Component))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git() -> str | None:
    """The commit of the working folder, with ``-dirty`` where it has changes; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
