"""``evoplug list`` and ``evoplug show``: the catalogue, in words or as JSON; no plugin is imported."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, UNKNOWN, Entry, Parameter
from evoplug.cli import beside as files
from evoplug.cli import output, spelling
from evoplug.contracts import Use
from evoplug.errors import PluginError, printable, shown

if TYPE_CHECKING:
    from rich.table import Table

_LONGEST_DEFAULT = 24


@atexit.register
def _end_at_once() -> None:
    """Spare Python the last walk through all objects, a tenth of ``evoplug list``; only torch's libraries need it."""
    if "torch" not in sys.modules:
        gc.freeze()


@click.command("list")
@click.argument("group", required=False)
@click.option("--for", "genotype", metavar="GENOTYPE", help="Only what works with this genotype.")
@files.option
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
def list_(group: str | None, genotype: str | None, beside: tuple[str, ...], as_json: bool) -> None:
    """List what is installed.

    GROUP is one of genotypes, evaluators, strategies, selections, crossovers, mutations, datasets, networks,
    recorders, presets and plots; all of them by default.
    """
    with catalogue.beside(files.parts(beside)):
        entries: Sequence[Entry] = catalogue.entries(group)
        if genotype is not None:
            among = entries if group else [e for e in entries if e.group in spelling.GENOTYPE_MATTERS]
            entries = _fitting(among, genotype)
        else:
            entries = (*entries, *catalogue.strays(group))
        _print(entries, group, as_json)


def _print(entries: Sequence[Entry], group: str | None, as_json: bool) -> None:
    if as_json:
        output.as_json([data(entry) for entry in entries])
    elif not entries:
        click.echo(f"No {group or 'components'} here.", err=True)
    elif sys.stdout.isatty():
        from evoplug.showing.consoles import Plain

        Plain().print(listed(entries))
    else:
        output.line("\n".join(_lines(entries)))


@click.command()
@click.argument("group")
@click.argument("name")
@files.option
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
def show(group: str, name: str, beside: tuple[str, ...], as_json: bool) -> None:
    """Show one component or preset in full.

    A preset is printed as it is: evoplug show presets NAME > my.toml
    """
    with catalogue.beside(files.parts(beside)):
        entry = catalogue.find(group, name)
        if as_json:
            output.as_json(data(entry))
        elif group == "presets":
            click.echo(catalogue.preset(name).read_bytes(), nl=False)
        else:
            click.echo("\n\n".join(filter(None, _sections(entry))))


def _fitting(entries: Iterable[Entry], genotype: str) -> list[Entry]:
    """Those that work with the genotype, as far as can be told without importing them."""
    wanted = catalogue.find("genotypes", genotype)
    if not wanted.kinds:
        raise PluginError(f"genotype `{genotype}` does not say its kinds: {wanted.problem or 'it has no `genome=`'}")
    # What fits a genotype that is made of others depends on its parts: operators on each, the rest on whether all of
    # them are real vectors, and so one together.
    parts = any("Genotype" in (parameter.annotation or "") for parameter in wanted.parameters)
    kinds = {*wanted.kinds, *(["real-vector"] if parts else [])}
    evaluators = [entry for entry in catalogue.entries("evaluators") if _works_on(entry, kinds)]
    return [
        entry
        for entry in entries
        if (parts and entry.group in ("crossovers", "mutations"))
        or (_works_on(entry, kinds) and (entry.group != "strategies" or _searches(entry, evaluators)))
    ]


def _searches(strategy: Entry, evaluators: Sequence[Entry]) -> bool:
    """Whether a strategy searches genotypes, and one of the evaluators gives what it needs."""
    needs = set(strategy.class_vars.get("needs", ()))
    served = not needs or any(_provides(each, needs) for each in evaluators)
    return strategy.class_vars.get("genotype") != "none" and served


def _provides(evaluator: Entry, needs: set[str]) -> bool:
    return needs <= set(evaluator.class_vars.get("provides", ())) or not evaluator.complete


def _works_on(entry: Entry, kinds: set[str]) -> bool:
    return not entry.kinds or not kinds.isdisjoint(entry.kinds)


# ----------------------------------------------------------------------------------------------------- list


class _Row(NamedTuple):
    name: str
    text: str
    parameters: str
    broken: bool


def _row(entry: Entry) -> _Row:
    owner = f"{entry.distribution} {entry.version}".strip()
    stranger = f" ({owner})" if entry.distribution != "evoplug" else ""
    text = f"broken: {entry.problem}" if entry.problem else spelling.plain(entry.doc)
    more = ["..."] if not entry.complete and not entry.problem else []
    parameters = ", ".join([*map(_brief, entry.parameters), *more])
    return _Row(catalogue.usable(entry), f"{text}{stranger}".strip(), parameters, entry.problem is not None)


def _brief(parameter: Parameter) -> str:
    """``sigma=0.01``; a required parameter is its name alone, a component its name without parameters."""
    if parameter.default is REQUIRED:
        return parameter.name
    value = parameter.default.name if isinstance(parameter.default, Use) else spelling.default(parameter)
    return f"{parameter.name}={value if len(value) <= _LONGEST_DEFAULT else '...'}"


def listed(entries: Sequence[Entry]) -> Table:
    """The entries for a terminal: a heading for each group, no lines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=3)
    table.add_column(ratio=2)
    for group, members in groupby(entries, lambda entry: entry.group):
        if table.row_count:
            table.add_row()
        table.add_row(Text(group, "bold"))
        for row in map(_row, members):
            style = "red" if row.broken else ""
            table.add_row(Text(f"  {row.name}", style or "cyan"), Text(row.text, style), Text(row.parameters, "dim"))
    return table


def _lines(entries: Sequence[Entry]) -> list[str]:
    """The entries for a pipe: one line each, the group first, in columns that are never wrapped."""
    return _columns([(entry.group, *_row(entry)[:3]) for entry in entries])


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


# ----------------------------------------------------------------------------------------------------- show


def _sections(entry: Entry) -> list[str]:
    name = catalogue.usable(entry)
    owner = f"{entry.distribution} {entry.version}".strip()
    title = f"{click.style(name, bold=True)}, {catalogue.a(entry.group)} of {owner}"
    problem = click.style(f"Broken: {printable(entry.problem)}", fg="red") if entry.problem else ""
    unknown = "" if entry.complete or entry.problem else "Not all of it can be read without importing it."
    return [
        title,
        problem,
        shown(spelling.plain(entry.docstring)),
        "\n".join(line for parameter in entry.parameters for line in _described(parameter)),
        unknown,
        "\n".join(_facts(entry)),
        spelling.table(entry, name),
    ]


def _described(parameter: Parameter) -> Iterator[str]:
    """The declaration, and the help below it."""
    kind, bounds = spelling.kind(parameter.annotation)
    value = spelling.default(parameter)
    needed = value if parameter.default is REQUIRED else f"default {value}"
    yield f"  {click.style(parameter.name, fg='cyan')}: {', '.join((kind, *bounds))}; {needed}"
    if parameter.help:
        yield f"      {shown(spelling.plain(parameter.help))}"


def _facts(entry: Entry) -> list[str]:
    source = ":".join(str(part) for part in (entry.file, entry.line) if part)
    return _columns([*spelling.facts(entry).items(), *([("source", source)] if source else [])])


# ----------------------------------------------------------------------------------------------------- JSON


def data(entry: Entry) -> dict[str, Any]:
    """An entry as ``--json`` prints it; docs/json.md says what the keys mean."""
    return {
        "group": entry.group,
        "name": entry.name,
        "use": catalogue.usable(entry),
        "doc": entry.doc,
        "docstring": entry.docstring,
        "parameters": [_parameter(parameter) for parameter in entry.parameters],
        "kinds": list(entry.kinds),
        "class_vars": {name: _value(value) for name, value in entry.class_vars.items()},
        "value": entry.value,
        "distribution": entry.distribution,
        "version": entry.version,
        "file": str(entry.file) if entry.file else None,
        "line": entry.line,
        "problem": entry.problem,
        "complete": entry.complete,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    kind, bounds = spelling.kind(parameter.annotation)
    known = parameter.default is not REQUIRED and parameter.default is not UNKNOWN
    return {
        "name": parameter.name,
        "type": kind,
        "bounds": list(bounds),
        "required": parameter.default is REQUIRED,
        "default": _value(parameter.default) if known else None,
        "default_known": known,
        "help": parameter.help,
        "line": parameter.line,
    }


def _value(value: Any) -> Any:
    """A literal as JSON has it; a component as a configuration has it."""
    match value:
        case Use(name=name, parameters=parameters):
            return _value({"use": name, **parameters})
        case Mapping():
            return {str(key): _value(item) for key, item in value.items()}
        case list() | tuple():
            return [_value(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)
