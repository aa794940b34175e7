"""Where a module's source lies, found without running any of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec
from pathlib import Path


def locate(module: str) -> tuple[Path | None, str | None]:
    """A module's source file, or why there is none; both None where that cannot be told."""
    found = list(places(module))
    for place in found:
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                return file, None
    compiled = [place.with_name(place.name + end) for place in found for end in EXTENSION_SUFFIXES + BYTECODE_SUFFIXES]
    archived = [parent for place in found for parent in place.parents]
    if any(file.is_file() for file in compiled + archived):
        return None, None
    return None, f"there is no module `{module}`"


def places(module: str) -> Iterator[Path]:
    """Where a module may lie, without suffix. Only its top package is looked up: looking further would run it."""
    top, *rest = module.split(".")
    spec = found(top)
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        yield from (Path(place).joinpath(*rest) for place in spec.submodule_search_locations)
    elif spec.origin and not rest:
        yield Path(spec.origin).with_suffix("")


@cache
def found(top: str) -> ModuleSpec | None:
    """The spec of a top package or module; looked up once in a process."""
    try:
        return find_spec(top)
    except Exception:  # finders are foreign code
        return None
