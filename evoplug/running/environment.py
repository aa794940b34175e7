"""What a run ran with: versions, machine, threads."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from evoplug.running.lock import Lock

COMMIT = re.compile(r"[0-9a-f]{40,64}")
LIBRARIES = ("evoplug", "torch", "torchvision", "evotorch", "deap", "numpy", "scipy", "scikit-learn")


def environment(device: str, threads: int, workers: int, parts: Lock, data: Sequence[str]) -> dict[str, Any]:
    """The session's part of ``environment.json``: the versions are those of the libraries that every run may use, and
    of each distribution that has a part of this one; ``data`` are the folders from which data are read."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": device,
        "threads": threads,
        "workers": workers,
        "versions": {name: _version(name) for name in dict.fromkeys([*LIBRARIES, *_distributions(parts)])},
        "git": _git(),
        "data": list(data),
    }


def _distributions(parts: Lock) -> list[str]:
    """Those of the parts: of a component from its entry point, of functions and objects from their modules."""
    found = {row["distribution"] for row in parts.values() if row.get("distribution")}
    others = [row.get("object") or key for key, row in parts.items() if not row.get("distribution")]
    if modules := {name.partition(":")[0].partition(".")[0] for name in others if ".py:" not in name and ":" in name}:
        owners = packages_distributions()
        found |= {owner for module in modules for owner in owners.get(module, ())}
    return sorted(found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git() -> str | None:
    """The commit of the working folder; None outside a checkout.

    Only this is asked: to tell whether files have changed, git would run whatever filters and monitors the
    configuration of a checkout names, which may be a stranger's.
    """
    command = [
        "git",
        "-c",
        "core.fsmonitor=false",
        "--no-optional-locks",
        "--no-pager",
        "rev-parse",
        "--verify",
        "HEAD",
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    commit = done.stdout.strip()
    return commit if COMMIT.fullmatch(commit) else None
