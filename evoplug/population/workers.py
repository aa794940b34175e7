"""Pieces of work side by side, on threads. The pieces decide the result, the number of threads never does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Literal, TypeVar

import torch

T = TypeVar("T")

_pool: ThreadPoolExecutor | None = None
_workers = 1


@contextmanager
def workers(count: int | Literal["auto"], threads: int = 1) -> Iterator[None]:
    """Inside the block, :func:`parallel` runs ``count`` pieces at once, each on ``threads`` threads of torch's own."""
    global _pool, _workers
    old_pool, old_workers, old_threads = _pool, _workers, torch.get_num_threads()
    _workers = resolve(count)
    torch.set_num_threads(threads)
    _pool = ThreadPoolExecutor(_workers, "evoplug", torch.set_num_threads, (threads,)) if _workers > 1 else None
    try:
        yield
    finally:
        if _pool is not None:
            _pool.shutdown(cancel_futures=True)
        torch.set_num_threads(old_threads)
        _pool, _workers = old_pool, old_workers


def resolve(count: int | Literal["auto"]) -> int:
    """``"auto"`` is one a core."""
    return (os.cpu_count() or 1) if count == "auto" else count


def count() -> int:
    """How many pieces run at once."""
    return _workers


def parallel(work: Callable[[int], T], pieces: int) -> list[T]:
    """``[work(0), ..., work(pieces - 1)]``, several at once; the first exception is raised."""
    if _pool is None or pieces == 1:
        return [work(number) for number in range(pieces)]
    return list(_pool.map(work, range(pieces)))
