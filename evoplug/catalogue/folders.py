"""Python files beside a configuration, and the modules beside them that they import.

A folder is a package of its own here: ``helpers.py`` in it is ``evoplug_beside_<digits>.helpers``. Its modules import
each other by plain names, as scripts in one folder do, at the top and inside functions alike; those of two folders
never mix, and no path of the process changes. What is installed as well, from the same file, is imported as installed,
and the standard library goes first. ``importlib.import_module("helpers")`` is not seen: it finds what Python finds.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, invalidate_caches
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "evoplug_beside_"
"""Of the names of modules that were loaded from files beside a configuration."""
LOADED = re.compile(rf"{PREFIX}[0-9a-f]{{16}}\.\w+")
"""The name of a module that was loaded here, up to the folder's own modules and packages."""


def load(file: Path) -> ModuleType:
    """The module in a file, run once in a process, and anew when it or a module beside it has changed.

    Raises:
        OSError: if it cannot be read.
        Exception: whatever its code raises.
    """
    folder = _folders.get(file.parent)
    if folder is None or folder.has_changed():
        folder = _folders[file.parent] = _Folder(file.parent)
    return folder.load(file)


def imported(file: Path) -> Iterator[Path]:
    """The files beside one that it imports, anywhere in it, and what those import: told by reading."""
    seen = {file}
    yield from _imported(file, file.parent, (), seen)


class _Folder:
    """A package around the modules of a folder, as long as none of them changes."""

    def __init__(self, path: Path) -> None:
        _Folder.made += 1
        digits = hashlib.sha256(bytes(path) + bytes(str(_Folder.made), "ascii")).hexdigest()[:16]
        self.path, self.name = path, f"{PREFIX}{digits}"
        self.odd: dict[str, Path] = {}
        """Module -> file, where the one cannot be called as the other."""
        self._seen: dict[Path, str] = {}
        self._own: dict[str, bool] = {}
        package = ModuleType(self.name)
        package.__path__ = [str(path)]
        sys.modules[self.name] = package
        invalidate_caches()

    made = 0

    def load(self, file: Path) -> ModuleType:
        name = file.stem
        if not name.isidentifier():
            name = "_" + re.sub(r"\W", "_", name)
            self.odd[name] = file
        return import_module(f"{self.name}.{name}")

    def has_changed(self) -> bool:
        """Whether a file is not what was run."""
        return any(not file.is_file() or _digest(file.read_bytes()) != digest for file, digest in self._seen.items())

    def source(self, file: Path) -> bytes:
        """What is to be run."""
        source = file.read_bytes()
        self._seen[file] = _digest(source)
        return source

    def importing(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] = (), level: int = 0
    ) -> Any:
        """``__import__`` of the folder's modules."""
        top = name.partition(".")[0]
        if level or not self._is_own(top):
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = builtins.__import__(f"{self.name}.{name}", globals, locals, fromlist, 0)
        return module if fromlist else sys.modules[f"{self.name}.{top}"]

    def _is_own(self, top: str) -> bool:
        if top not in self._own:
            found = _sibling(self.path, top)
            self._own[top] = found is not None and not _is_installed(top, found, self.path)
        return self._own[top]


class _Loader(SourceFileLoader):
    """Runs the source as it is now; compiled files have the time of change by the second only."""

    def __init__(self, name: str, path: str, folder: _Folder) -> None:
        super().__init__(name, path)
        self._folder = folder

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._folder.source(Path(self.path)), self.path, "exec", dont_inherit=True)
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._folder.importing}
        exec(code, module.__dict__)


class _Finder:
    """Finds the modules of folders."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, inside = name.partition(".")
        folder = next((each for each in _folders.values() if each.name == package), None)
        if folder is None:
            return None
        if inside in folder.odd:
            file = str(folder.odd[inside])
            return spec_from_file_location(name, file, loader=_Loader(name, file, folder))
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.origin, folder)
        return spec


_folders: dict[Path, _Folder] = {}
sys.meta_path.insert(0, _Finder)


def _sibling(folder: Path, top: str) -> Path | None:
    """The file of a module or package in a folder; of none that the standard library or evoplug has."""
    if top in sys.stdlib_module_names or top == "evoplug":
        return None
    files = (folder / top / "__init__.py", folder / f"{top}.py")
    return next((file for file in files if file.is_file()), None)


def _is_installed(top: str, file: Path, folder: Path) -> bool:
    """Whether Python finds the same file by itself, and not because the working folder is on its path."""
    try:
        spec = find_spec(top)
        here = folder == Path.cwd().resolve()
    except (ValueError, ImportError, OSError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == file.resolve() and not here


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def _imported(file: Path, folder: Path, package: tuple[str, ...], seen: set[Path]) -> Iterator[Path]:
    for parts in _names(file, package):
        if not _sibling(folder, parts[0]):
            continue
        for depth in range(1, len(parts) + 1):
            place = folder.joinpath(*parts[:depth])
            inner, module = place / "__init__.py", place.with_name(f"{place.name}.py")
            found = inner if inner.is_file() else module
            if found.is_file() and found not in seen:
                seen.add(found)
                yield found
                yield from _imported(found, folder, parts[:depth] if found == inner else parts[: depth - 1], seen)


def _names(file: Path, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a file imports, as paths in its folder; a file that cannot be read or parsed fails when it is run."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((*module, alias.name) for alias in node.names)
