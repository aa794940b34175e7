"""Where each key of a TOML text stands: ``tomllib`` reads values, this reads places.

The scanner expects text that ``tomllib`` has accepted, and so it need not tell good syntax from bad.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress

from evoplug.errors import Key

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotes may stand before the three that close
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*|[^\s,\]}#]+")  # a date may hold one space


def lines(text: str) -> dict[Key, int]:
    """Key path -> line, from 1, of every key, table and array element of a valid TOML text.

    A table that is only implied (``a`` in ``[a.b]``) stands where it is first implied.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    # Text that is not valid after all ends the scan early: fewer places, never an exception.
    with suppress(_Lost, RecursionError):
        scanner.document()
    return scanner.found


def key_path(text: str) -> tuple[str, ...] | None:
    """The parts of a dotted key such as ``a."b.c".d``; None if it is not one."""
    scanner = _Scanner(text.strip())
    try:
        parts = scanner.key()
    except (_Lost, tomllib.TOMLDecodeError):
        return None
    return parts if scanner.at == len(scanner.text) else None


class _Lost(Exception):
    """The text is not what the scanner expects."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Key, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._last: dict[Key, int] = {}  # array of tables -> index of its newest element

    def document(self) -> None:
        table: Key = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            table = self._header() if self._peek("[") else self._pair(table)
            self._skip(_BLANK)

    def key(self) -> tuple[str, ...]:
        parts = []
        while True:
            self._skip(_SPACE)
            token = self._take(_STRING if self._peek('"') or self._peek("'") else _BARE)
            parts.append(tomllib.loads(f"x = {token}")["x"] if token[0] in "\"'" else token)
            self._skip(_SPACE)
            if not self._peek("."):
                return tuple(parts)
            self.at += 1

    def _header(self) -> Key:
        line, array = self._line(), self.text.startswith("[[", self.at)
        self.at += 1 + array
        *above, name = self.key()
        self.at += 1 + array
        table: Key = ()
        for part in above:
            table = (*table, part)
            self.found.setdefault(table, line)
            table = self._newest(table)
        table = (*table, name)
        if array:
            self.found.setdefault(table, line)
            self._last[table] = self._last.get(table, -1) + 1
            table = self._newest(table)
        self.found[table] = line
        return table

    def _newest(self, table: Key) -> Key:
        return (*table, self._last[table]) if table in self._last else table

    def _pair(self, table: Key) -> Key:
        """Read ``key = value`` inside ``table``; returns the table."""
        line, path = self._line(), table
        for part in self.key():
            path = (*path, part)
            self.found.setdefault(path, line)
        self._literal("=")
        self._skip(_SPACE)
        self._value(path)
        return table

    def _value(self, path: Key) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline_table(path)
        else:
            self._take(_STRING if self._peek('"') or self._peek("'") else _SCALAR)

    def _array(self, path: Key) -> None:
        self.at += 1
        index = 0
        while not self._closed("]"):
            self.found[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Key) -> None:
        self.at += 1
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        """Skip blanks and a comma; whether the bracket that follows was there and taken."""
        self._skip(_BLANK)
        if self._peek(","):
            self.at += 1
            self._skip(_BLANK)
        if self._peek(bracket):
            self.at += 1
            return True
        return False

    def _line(self) -> int:
        return bisect_right(self._breaks, self.at - 1) + 1

    def _peek(self, start: str) -> bool:
        return self.text.startswith(start, self.at)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if not match:
            raise _Lost
        self.at = match.end()
        return match.group()

    def _literal(self, character: str) -> None:
        if not self._peek(character):
            raise _Lost
        self.at += 1
