"""``evoplug doctor``: is everything here as it should be?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click

from evoplug import api, catalogue
from evoplug.catalogue import conformance, doctor
from evoplug.catalogue.conformance import Result
from evoplug.catalogue.doctor import Loaded, Machine, Plugin
from evoplug.cli import beside as files
from evoplug.errors import printable
from evoplug.running import datafiles
from evoplug.running.datafiles import Data


@click.command("doctor")
@click.option("--suite", metavar="DISTRIBUTION", help="Test everything that this distribution brings instead.")
@files.option
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
def doctor_(suite: str | None, beside: tuple[str, ...], as_json: bool) -> int:
    """Load every plugin, and show what is broken, the machine and the data.

    With --suite, the conformance suites of evoplug.testing run on all components of one installed distribution, from
    their examples. Ends with exit code 3 where something is broken.
    """
    if suite is not None:
        return _suite(suite, as_json)
    with catalogue.beside(files.parts(beside)):
        return _json() if as_json else _report()


def _report() -> int:
    _heading("machine")
    for name, value in _machine(doctor.machine()):
        click.echo(f"  {name:<8}{value}")
    _heading("plugins")
    width = max(len(f"{entry.distribution} {entry.version}".strip()) for entry in catalogue.entries())
    broken = 0
    for plugin in doctor.plugins(api.check):
        click.echo("\n".join(_plugin(plugin, width)))
        broken += not plugin.well
    _heading("data sets")
    sets = list(datafiles.installed())
    width = max((len(each.name) for each in sets), default=0)
    for each in sets:
        click.echo(f"  {each.name:<{width}}  {_data(each)}")
    if any(each.state == "missing" for each in sets):
        click.echo("  (evoplug data NAME --download fetches what is missing; the folder is EVOPLUG_DATA)")
    click.echo()
    return _verdict("" if not broken else f"{broken} plugin{'s are' if broken > 1 else ' is'} broken")


def _json() -> int:
    machine, plugins, data = doctor.machine(), list(doctor.plugins(api.check)), list(datafiles.installed())
    well = all(plugin.well for plugin in plugins)
    found = {
        "well": well,
        "machine": machine._asdict(),
        "plugins": [
            {**plugin._asdict(), "well": plugin.well, "parts": [_part(part) for part in plugin.parts]}
            for plugin in plugins
        ],
        "data": [{"name": each.name, "state": each.state, "place": each.place} for each in data],
    }
    click.echo(json.dumps(found, indent=2, default=str))
    return 0 if well else 3


def _part(part: Loaded) -> dict[str, Any]:
    entry = part.entry
    names = {"group": entry.group, "name": entry.name, "use": part.used, "value": entry.value}
    return {**names, "seconds": part.seconds, "problem": part.problem, "remarks": part.remarks}


def _machine(machine: Machine) -> list[tuple[str, str]]:
    devices = ", ".join(f"cuda:{number} {name}" for number, name in enumerate(machine.devices))
    memory = "" if machine.memory is None else f", {machine.memory:.1f} GiB of memory"
    return [
        ("python", f"{machine.python} on {machine.platform}"),
        ("torch", f"{machine.torch}, imported in {machine.torch_seconds:.2f} s, {machine.threads} threads"),
        ("device", devices or "cpu; no CUDA device is here"),
        ("cores", f"{machine.cores}{memory}"),
    ]


def _plugin(plugin: Plugin, width: int) -> list[str]:
    """A line, and one for each thing that is wrong or worth knowing."""
    title = f"{plugin.name} {plugin.version}".strip()
    count, seconds = len(plugin.parts), sum(part.seconds for part in plugin.parts)
    parts = f"{count} part{'s' if count > 1 else ''}"
    colour = "green" if plugin.well else "red"
    lines = [f"  {_coloured(f'{title:<{width}}', colour)}  {parts:>9}  {seconds:6.2f} s"]
    lines += [f"    {_coloured(problem, 'red')}" for problem in plugin.unmet]
    for part in plugin.parts:
        what = f"{part.entry.group}: {part.entry.name}"
        if part.problem:
            lines.append(f"    {what}  {_coloured(part.problem, 'red')}")
        elif part.used != part.entry.name:
            taken = _coloured("its name is taken", "yellow")
            lines.append(f'    {what}  {taken}; use = "{part.used}"')
        lines += [f"    {what}  {_coloured(remark, 'yellow')}" for remark in part.remarks]
    return lines


def _data(data: Data) -> str:
    match data.state:
        case "here":
            return f"here, in {data.place}"
        case "missing":
            return f"missing from {data.place}"
        case "no files":
            return "comes with its package"
        case "broken":
            return f"broken: {data.detail}"
    return data.state


# ---------------------------------------------------------------------------------------------------- suite


def _suite(distribution: str, as_json: bool) -> int:
    from rich.text import Text

    from evoplug.showing.consoles import Plain

    with Plain(stderr=True).status(Text(f"testing {distribution}")) as status:
        results = conformance.conformance(
            distribution, lambda said: status.update(Text(f"{said.component}: {said.test}"))
        )
    failed = [result for result in results if result.outcome == "failed"]
    if as_json:
        click.echo(json.dumps([result._asdict() for result in results], indent=2))
        return 3 if failed else 0
    width = max((len(result.component) for result in results), default=0)
    for component, group in groupby(results, lambda result: result.component):
        click.echo("\n".join(_component(component, list(group), width)))
    click.echo()
    return _verdict(f"{len(failed)} test{'s' if len(failed) > 1 else ''} failed" if failed else "")


def _component(name: str, results: Sequence[Result], width: int) -> list[str]:
    counts = Counter(result.outcome for result in results)
    colour = "red" if counts["failed"] else "green"
    said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped") if counts[outcome])
    failed = [result for result in results if result.outcome == "failed"]
    shown = _distinct(failed)
    more = [f"    (and {len(failed) - len(shown)} more like these; --json has them all)"] if shown != failed else []
    return [
        f"  {_coloured(f'{name:<{width}}', colour)}  {said}",
        *(f"    {result.test}: {_coloured(result.reason, 'red')}" for result in shown),
        *more,
    ]


def _distinct(failed: Sequence[Result]) -> list[Result]:
    """The first case of each test, and of those that failed for one reason the first test."""
    by_test = {result.test.partition(" (")[0]: result for result in reversed(failed)}
    by_reason = {result.reason: result for result in by_test.values()}
    return [result for result in failed if result in by_reason.values()]


def _coloured(text: str, colour: str) -> str:
    return click.style(printable(text), fg=colour)


def _heading(text: str) -> None:
    click.secho(text, bold=True)


def _verdict(problem: str) -> int:
    """The last line, and the exit code."""
    click.secho(problem or "all is well", fg="red" if problem else "green", bold=True)
    return 3 if problem else 0
