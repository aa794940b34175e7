"""``evoplug data``: which data sets are here, and fetching those that are not."""

from __future__ import annotations

import click

from evoplug import catalogue
from evoplug.catalogue import Entry
from evoplug.cli import output
from evoplug.running import datafiles
from evoplug.running.datafiles import Data


@click.command()
@click.argument("name", required=False)
@click.option("--download", is_flag=True, help="Fetch the files into the data folder.")
def data(name: str | None, download: bool) -> None:
    """Show or fetch data sets.

    Without NAME, all of them with their state and size. Files are looked for in the folder that the environment's
    EVOPLUG_DATA names, else in the user's cache folder.
    """
    if name is None:
        if download:
            raise click.UsageError("--download needs the NAME of a data set")
        found = list(datafiles.installed())
        width = max((len(each.name) for each in found), default=0)
        for each in found:
            output.line(f"{each.name:{width}}  {_state(each)}")
    elif download:
        _download(catalogue.find("datasets", name))
    else:
        output.line("\n".join(_details(catalogue.find("datasets", name))))


def _download(entry: Entry) -> None:
    found = datafiles.find(entry)
    if found.state == "here":
        output.line(f"{found.name} is there already; remove {found.place} to fetch it again")
        return
    datafiles.dataset(found.name).download()
    output.line(f"{found.name} is in {found.place}")


def _state(found: Data) -> str:
    """Where the data are, or why they are not, in one line."""
    match found.state:
        case "here":
            size = sum(path.stat().st_size for path in found.files) / 2**20
            return f"{size:,.1f} MiB in {found.place}"
        case "missing":
            return f"missing {found.detail}"
        case "no files":
            return "needs no files"
        case "your own files":
            return f"your own files, by {found.detail}"
    return found.detail


def _details(entry: Entry) -> list[str]:
    found = datafiles.find(entry)
    lines = [f"{found.name}: {entry.doc}", f"state: {_state(found)}"]
    if found.state != "your own files":
        info = datafiles.dataset(found.name).info()
        sizes = ", ".join(f"{size:,} {split}" for split, size in info.sizes.items())
        lines.append(f"examples: {sizes}; {' x '.join(map(str, info.shape))}, {info.classes} classes")
    return [*lines, f"parameters: evoplug show datasets {found.name}"]
