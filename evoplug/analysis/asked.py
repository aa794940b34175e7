"""What was asked of a run: its parts, and where they are not as by default, not as in another arm, or in the paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from evoplug.analysis.groups import OWN
from evoplug.catalogue import UNKNOWN
from evoplug.catalogue.definitions import Missing
from evoplug.config import Paper, Spec, check, resolved, trust
from evoplug.config.difference import Difference, differences
from evoplug.config.messages import given
from evoplug.config.source import find
from evoplug.config.spec import as_toml
from evoplug.errors import EvoplugError, dotted
from evoplug.running import reading
from evoplug.running.rundir import CONFIG, RESOLVED, Run


class Setting(NamedTuple):
    """One parameter."""

    name: str
    value: str
    default: str | None
    """What it would be unless set; None where it is that, or where there is no default."""


class Part(NamedTuple):
    """One component."""

    key: str
    """Where it stands in the configuration, e.g. ``evaluator.dataset``."""
    name: str
    settings: tuple[Setting, ...]


class Row(NamedTuple):
    """The row of a paper's table for which a configuration stands, or one that it extends."""

    paper: Paper
    preset: str
    """What stands for it: a preset's name or a path, or ``config.toml`` of the run itself."""
    deviations: tuple[Difference, ...]
    """Where the run is not as the paper's."""


def parts(run: Run) -> list[Part]:
    """Every component of a run with all parameters.

    Raises:
        EvoplugError: if one of them is not installed any more, or takes other parameters now.
    """
    experiment = check(trust.read(run.folder / RESOLVED, run.trusted))
    return [Part(dotted(spec.key), spec.name, tuple(_settings_of(spec))) for spec in experiment.specs()]


def row(run: Run) -> Row | None:
    """The paper's row that is nearest in the line of what the run's configuration extends.

    None where there is none, or where that line, or the row's own configuration, cannot be read any more.

    Raises:
        FilesError: if the run's own configuration is damaged.
    """
    path, name = run.folder / CONFIG, CONFIG
    if not reading.there(path):
        return None
    data = reading.written(path)
    try:
        while "paper" not in data:
            if "extends" not in data:
                return None
            name = data["extends"]
            path = find(name, path.parent)
            data = reading.written(path)
        experiment = check(trust.read(path, run.trusted))
    except EvoplugError:
        return None
    assert experiment.paper is not None
    return Row(experiment.paper, name, tuple(differences(settings(resolved(experiment)), settings(run.config))))


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of a resolved configuration, what makes the result."""
    rest = {name: table for name, table in config.items() if name not in ("recorders", "paper", "plugins")}
    return {**rest, "run": {key: value for key, value in config["run"].items() if key not in OWN}}


def _settings_of(spec: Spec) -> Iterator[Setting]:
    """The parameters that are not components themselves; those of a table one by one."""
    for name, value in spec.table().items():
        if name == "use" or _holds_parts(spec.parameters.get(name)):
            continue
        default = spec.schema.parameters[name].default if name in spec.schema.parameters else UNKNOWN
        if isinstance(value, Mapping):
            inside = default if isinstance(default, Mapping) else {}
            yield from (_setting(f"{name}.{key}", each, inside.get(key, UNKNOWN)) for key, each in value.items())
        else:
            yield _setting(name, value, default)


def _holds_parts(value: Any) -> bool:
    held = value.values() if isinstance(value, Mapping) else [value]
    return any(isinstance(each, Spec) for each in held)


def _setting(name: str, value: Any, default: Any) -> Setting:
    if isinstance(default, Missing) or as_toml(default) == value:
        return Setting(name, _spelled(value), None)
    return Setting(name, _spelled(value), "none" if default is None else _spelled(as_toml(default)))


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else given(value)
