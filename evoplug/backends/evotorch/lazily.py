"""Modules that another library imports at its top, imported when it first uses them.

EvoTorch brings Ray, pandas, pycma, Gymnasium and, with them, matplotlib and scipy.stats: over half of the time until
a run that uses none of them begins. ``importlib.util.LazyLoader`` is not enough, because EvoTorch's files use some of
these modules while they are imported (``@ray.remote``, ``pandas.DataFrame`` as a name for a type).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import local
from types import ModuleType
from typing import Any


@contextmanager
def imported_lazily(*names: str) -> Iterator[None]:
    """Whoever imports one of these modules in the block gets a stand-in, which imports the real one on its first use.

    In the block no use counts, and what is asked of a stand-in is put off, too: one can be called as a decorator, and
    stand in annotations, but it cannot be a base class. Afterwards the stand-ins are known only to those that
    imported them: to everyone else the modules are not imported yet. Those that were, or that are not installed, are
    left alone; so are other threads.
    """
    finder = _Finder(names)
    sys.meta_path.insert(0, finder)
    _here.putting_off = True
    try:
        yield
    finally:
        _here.putting_off = False
        sys.meta_path.remove(finder)
        for name in names:
            _withdraw(name)


class _Here(local):
    """What the running thread is doing."""

    putting_off = False


_here = _Here()


class _Finder(MetaPathFinder, Loader):
    """Finds stand-ins for modules that are installed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in self._names and _here.putting_off else None
        if spec is not None:
            spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """The real one runs when it is used."""


class _StandIn(ModuleType):
    """A module that has whatever the real one has."""

    def __getattr__(self, attribute: str) -> Any:
        return _asked(lambda: _real(self.__name__), attribute)

    def __dir__(self) -> list[str]:
        return dir(_real(self.__name__))


class _Later:
    """A value that is made when it is used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = cache(make)

    def __getattr__(self, attribute: str) -> Any:
        return _asked(self._made, attribute)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if _here.putting_off:
            return _Later(lambda: self._made()(*arguments, **options))
        return self._made()(*arguments, **options)


def _asked(owner: Callable[[], Any], attribute: str) -> Any:
    """An attribute, or in the block one that is put off; but none by which Python tells what sort of thing it is."""
    if not _here.putting_off:
        return getattr(owner(), attribute)
    if attribute.startswith("__"):
        raise AttributeError(attribute)
    return _Later(lambda: getattr(owner(), attribute))


def _real(name: str) -> ModuleType:
    _withdraw(name)
    return import_module(name)


def _withdraw(name: str) -> None:
    """Nobody else is to find a stand-in."""
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
