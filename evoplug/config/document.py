"""A whole configuration: a file, what it extends and the overrides, as one table whose values know their origin."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from evoplug.config import leftover, locate, source, tree
from evoplug.config.leftover import LeftOver
from evoplug.config.messages import mistake
from evoplug.config.spec import OBJECT, as_toml, named
from evoplug.config.tree import Node, Origin
from evoplug.errors import ConfigError, Key, Mistake

Config = str | os.PathLike[str] | Mapping[str, Any]
Overrides = Sequence[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A configuration as read, before anything in it is checked."""

    root: Node
    name: str
    """Stem of the file, ``"run"`` for a mapping."""
    text: str
    """The file as written; of a mapping, its TOML."""
    notices: tuple[str, ...] = ()
    """What the user should know about how the parts were put together."""
    overridden: tuple[Key, ...] = ()
    """Keys that overrides replaced."""
    left_over: LeftOver = field(default_factory=dict)
    """What was written for another strategy than the one that is there."""

    def __repr__(self) -> str:
        return f"Document({self.name}: {', '.join(self.root.value)})"

    @cached_property
    def data(self) -> dict[str, Any]:
        """Everything as plain values; a section that says ``"none"`` is as if it were not there."""
        plain: dict[str, Any] = self.root.plain()
        return {name: value for name, value in plain.items() if not (isinstance(value, str) and value == tree.NONE)}

    def origin(self, key: Key) -> Origin:
        """Where the value at ``key``, or the innermost table around it, was written."""
        return self.root.nearest(key).origin

    def override(self, values: Iterable[tuple[tuple[str, ...], Node]]) -> Document:
        """This document with values replaced as wholes, tables too.

        The order does not matter: outer keys go first, ``use`` before the parameters beside it.
        """
        root, notices = self.root, list(self.notices)
        ordered = sorted(values, key=lambda item: (len(item[0]), item[0][-1] != "use"))
        keys = tuple(key for key, _ in ordered)
        for key, node in ordered:
            root = tree.replace(root, key, node, notices, keys)
        left_over = leftover.after(self.root, root, keys, self.left_over)
        overridden = (*self.overridden, *keys)
        return replace(self, root=root, notices=tuple(notices), overridden=overridden, left_over=left_over)


def load(config: Config, overrides: Overrides = ()) -> Document:
    """Read a configuration, what it extends, and put overrides on top.

    Args:
        config: a path, a preset's name, or the configuration as a mapping, in which components and functions may
            stand as objects.
        overrides: ``["evaluator.batch=64"]`` (a TOML value, else a string) or ``{"evaluator.batch": 64}``.

    Raises:
        ConfigError: if something cannot be read.
    """
    if isinstance(config, Mapping):
        document = _from_mapping(config)
    else:
        path = source.find(config)
        read = source.read(path)
        put = _with_base(read)
        document = Document(put.root, path.stem, read.text, tuple(put.notices), (), put.left_over)
    return override(document, overrides)


def override(document: Document, overrides: Overrides) -> Document:
    """A document with overrides on top, as :func:`load` takes them.

    Raises:
        ConfigError: if one cannot be read.
    """
    return document.override(_parsed(overrides))


def with_objects(document: Document, objects: Mapping[str, Any]) -> Document:
    """A document with the objects again that :func:`evoplug.config.resolved` could only note.

    Args:
        document: a resolved configuration.
        objects: them, where they stood: ``{"evaluator": X, "operators": {"mutation": Y}}``.

    Raises:
        ConfigError: where there was no object.
    """
    here, mistakes, nodes = Origin("", Path.cwd()), [], []
    for key, given in _leaves(objects):
        noted = document.root.nearest(key).plain()
        noted = noted.get("use") if isinstance(noted, Mapping) else noted
        if not (isinstance(noted, str) and noted.startswith(OBJECT)):
            mistakes.append(mistake(key, "was not given as an object when the run began, and cannot be now"))
        elif named(given) != noted:
            mistakes.append(mistake(key, f"must be an {noted} again, got an {named(given)}"))
        nodes.append((key, tree.annotate(given, lambda _: here)))
    if mistakes:
        raise ConfigError(mistakes=mistakes)
    return document.override(nodes)


def _leaves(objects: Mapping[str, Any], key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(key, value) of everything that is no table."""
    for name, value in objects.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _from_mapping(config: Mapping[str, Any]) -> Document:
    wrong = [*tree.unfit(config, objects=True), *source.bad_version(config.get("evoplug", source.FORMAT))]
    if wrong:
        raise ConfigError(mistakes=[mistake(key, message) for key, message in wrong])
    import tomli_w

    here = Origin("", Path.cwd())
    put = _extended(tree.annotate(config, lambda key: here), here.folder, ())
    text = tomli_w.dumps(as_toml({"evoplug": source.FORMAT, **config}))
    return Document(put.root, "run", text, tuple(put.notices), (), put.left_over)


class _Put(NamedTuple):
    """A configuration, put on what it extends."""

    root: Node
    notices: list[str]
    left_over: LeftOver


def _with_base(read: source.Source, chain: tuple[Path, ...] = ()) -> _Put:
    chain = (*chain, read.path.resolve())
    return _extended(read.tree, read.path.parent, chain)


def _extended(root: Node, folder: Path, chain: tuple[Path, ...]) -> _Put:
    """``root`` merged over what it extends; ``chain`` are the files on the way here."""
    own = Node({key: node for key, node in root.value.items() if key != "extends"}, root.origin)
    if "extends" not in root.value:
        return _Put(own, [], {})
    extends = root.value["extends"]
    if not isinstance(extends.value, str):
        raise _wrong_base(extends, "must be the name of a preset or a path")
    try:
        path = source.find(extends.value, folder)
    except ConfigError as error:
        raise _wrong_base(extends, error.mistakes[0].message) from None
    if path.resolve() in chain:
        raise _wrong_base(extends, f"{extends.value!r} leads back to itself")
    try:
        read = source.read(path)
    except ConfigError as error:
        if error.mistakes[0].key:
            raise
        raise _wrong_base(extends, f"{error.mistakes[0].where}: {error.mistakes[0].message}") from None
    base, notices, left_over = _with_base(read, chain)
    inherited = _unreported(base)
    merged = tree.merge(inherited, own, notices)
    return _Put(merged, notices, leftover.after(inherited, merged, leftover.keys(own), left_over))


def _unreported(base: Node) -> Node:
    """Without what papers report: that holds for the very file that says so, and for its arms, not for what is made of
    them."""
    arms = base.nearest(("sweep", "arms")).value
    named = [("sweep", "arms", arm, "paper") for arm in arms] if isinstance(arms, dict) else []
    for key in [("paper",), *named]:
        base = tree.without(base, key)
    return base


def _wrong_base(extends: Node, message: str) -> ConfigError:
    return ConfigError(mistakes=[mistake(("extends",), message, extends.origin.where)])


def _parsed(overrides: Overrides) -> list[tuple[tuple[str, ...], Node]]:
    where = "" if isinstance(overrides, Mapping) else "--set"
    pairs = overrides.items() if isinstance(overrides, Mapping) else map(_split, overrides)
    nodes, mistakes = [], []
    for name, value in pairs:
        node, wrong = replacement(str(name), value, Origin(where, Path.cwd()))
        mistakes += wrong
        nodes.append(node)
    if mistakes:
        raise ConfigError(mistakes=mistakes)
    return nodes


def replacement(name: str, value: Any, origin: Origin) -> tuple[tuple[tuple[str, ...], Node], list[Mistake]]:
    """The key and the node of one override, and what is wrong with them."""
    key = locate.key_path(name)
    if key is None or len(key) > tree.MAX_DEPTH or key[0] in ("evoplug", "extends"):
        return ((name,), Node(None, origin)), [mistake((), f"{name!r} is not a key that can be set", origin.where)]
    unfit = tree.unfit(value, objects=True)
    wrong = [mistake((*key, *inner), message, origin.where) for inner, message in unfit]
    return (key, tree.annotate(value, lambda _: origin)), wrong


def _split(text: str) -> tuple[str, Any]:
    """``a.b=value`` as the key's text and the value."""
    # The key may hold "=" inside quotes: the first "=" that leaves a whole key in front of it.
    for at, character in enumerate(text):
        if character == "=" and locate.key_path(text[:at]) is not None:
            return text[:at], _value(text[at + 1 :])
    raise ConfigError(mistakes=[mistake((), f"expected KEY=VALUE, got {text!r}", "--set")])


def _value(text: str) -> Any:
    """A TOML value, else the string itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    value = parsed["value"]
    # More than one key: the text held a line break. A date has no use, a string that looks like one does.
    return value if len(parsed) == 1 and not hasattr(value, "isoformat") else text.strip()
