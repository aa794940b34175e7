"""Memory: what is free, and a refusal of what cannot fit before any of it is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from evoplug.errors import ConfigError

SMALL = 2**30
"""Bytes for which no device need be asked: asking a GPU takes seconds."""


def require(need: int, what: str, key: str | tuple[str, ...] = (), device: str = "cpu") -> None:
    """Refuse what needs more memory than is free.

    Args:
        need: bytes, estimated; rather too few than too many.
        what: that needs them, for the message: ``"a network of 75,000,000 weights"``.
        key: of the parameter to change.
        device: ``"cpu"`` or ``"cuda:N"``.

    Raises:
        ConfigError: in one line with both figures.
    """
    have = free(device) if need > SMALL else None
    if have is not None and need > have:
        raise ConfigError(key, f"{what}: about {spelled(need)} of memory, and {device} has {spelled(have)} free")


def together(needs: Iterable[int], device: str = "cpu") -> int:
    """How many of those that need so many bytes fit side by side, whichever they are: the largest come first."""
    sums = list(accumulate(sorted(needs, reverse=True)))
    have = free(device) if sums and sums[-1] > SMALL else None
    return len(sums) if have is None else sum(total <= have for total in sums)


def free(device: str = "cpu") -> int | None:
    """Bytes that can be taken on a device now; where the system does not tell, all that it has, or None."""
    if device != "cpu":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    limits = [limit for limit in (_available(), *_groups()) if limit is not None]
    return min(limits, default=None)


def spelled(count: int) -> str:
    """Bytes as people read them: ``"1.5 GiB"``."""
    return f"{count / 2**30:,.1f} GiB" if count < 10 * 2**30 else f"{count / 2**30:,.0f} GiB"


def _available() -> int | None:
    """What the machine has free, caches that can be dropped included."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _groups(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Iterator[int]:
    """What each control group around this process, of either version, lets it take."""
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _up(root, path, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
                yield from _up(root / "memory", path, *names)


def _up(root: Path, path: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    """What a group and those around it leave; a file that is missing or says ``max`` sets no limit."""
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        with suppress(OSError, ValueError, IndexError):
            used = int((folder / usage).read_text())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield max(0, int((folder / limit).read_text()) - used + int(stat.get(cache, 0)))
        if folder == root:
            return
