"""What a run ran with: versions, machine, threads."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

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
