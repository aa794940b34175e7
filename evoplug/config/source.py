"""Configuration files: finding, reading and parsing one."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoplug import catalogue
from evoplug.config import locate
from evoplug.config.messages import given, mistake
from evoplug.config.tree import Node, Origin, annotate, unfit
from evoplug.errors import ConfigError, Key

FORMAT = 1
"""The ``evoplug = N`` that this version reads."""


@dataclass(frozen=True)
class Source:
    """One file as read."""

    path: Path
    text: str
    tree: Node


def find(name: str | os.PathLike[str], folder: Path | None = None) -> Path:
    """The file that a path or a preset's name stands for.

    A string that ends in ``.toml`` or starts with a dot is a path, and so is any that names an existing file; else
    it is a preset.

    Args:
        name: as the user gave it.
        folder: what relative paths are relative to; the working folder by default.

    Raises:
        ConfigError: if there is no such preset.
    """
    path = (folder or Path()) / name
    if isinstance(name, os.PathLike) or name.endswith(".toml") or name.startswith(".") or _is_file(path):
        return path
    try:
        return catalogue.preset(name)
    except ConfigError:
        if _is_folder(path):
            return path
        raise


def read(path: Path) -> Source:
    """Read and parse a file.

    Raises:
        ConfigError: with the file, and the line where there is one.
    """
    text = _text(path)
    data = _parse(path, text)
    places = locate.lines(text)
    folder = path.absolute().parent

    def origin(key: Key) -> Origin:
        while key and key not in places:
            key = key[:-1]
        return Origin(f"{path}:{places[key]}" if key else f"{path}", folder)

    mistakes = [mistake(key, message, origin(key).where) for key, message in [*unfit(data), *_bad_format(data)]]
    if mistakes:
        raise ConfigError(mistakes=mistakes)
    return Source(path, text, annotate(data, origin))


def _text(path: Path) -> str:
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _wrong(path, "is a pipe or a device, not a TOML file")
            return file.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise _wrong(path, "no such file") from None
    except IsADirectoryError:
        raise _wrong(path, "is a folder, not a TOML file") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _wrong(path, f"is not UTF-8 text (byte {error.object[error.start]:#04x})", line) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise _wrong(path, f"cannot be read: {reason}") from None


def _at_once(path: str, flags: int) -> int:
    """Opened without waiting, as one does for whoever writes into a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        last = text.count("\n") + 1
        raise _wrong(path, f"is not TOML: {message}", int(line[1]) if line else last) from None
    except RecursionError:
        raise _wrong(path, "arrays or tables are nested too deeply") from None
    except ValueError:  # Python refuses to convert integers of thousands of digits
        raise _wrong(path, "holds an integer of thousands of digits") from None


def _bad_format(data: dict[str, Any]) -> list[tuple[Key, str]]:
    if "evoplug" not in data:
        return [(("evoplug",), f"is missing; write evoplug = {FORMAT}, the format of the file, in the first line")]
    return bad_version(data["evoplug"])


def bad_version(version: Any) -> list[tuple[Key, str]]:
    """The mistake in a value of the key ``evoplug``, if it is one."""
    if type(version) is not int or version < FORMAT:
        return [(("evoplug",), f"must be {FORMAT}, got {given(version)}")]
    if version > FORMAT:
        return [(("evoplug",), f"the file has format {version}, this evoplug reads {FORMAT}; a newer evoplug reads it")]
    return []


def _wrong(path: Path, message: str, line: int | None = None) -> ConfigError:
    return ConfigError(mistakes=[mistake((), message, f"{path}:{line}" if line else f"{path}")])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
