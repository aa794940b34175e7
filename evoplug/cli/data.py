"""``evoplug data``: which data sets are here, and fetching those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from evoplug import catalogue, registry
from evoplug.catalogue import REQUIRED, Entry
from evoplug.contracts import Dataset
from evoplug.errors import EvoplugError


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
        entries = catalogue.entries("datasets")
        width = max((len(catalogue.usable(entry)) for entry in entries), default=0)
        for entry in entries:
            click.echo(f"{catalogue.usable(entry):{width}}  {_state(entry)}")
    elif download:
        _download(name)
    else:
        click.echo("\n".join(_details(catalogue.find("datasets", name))))


def _download(name: str) -> None:
    dataset = _built(name)
    files = dataset.files()
    if files and not _absent(files):
        click.echo(f"{name} is there already; remove {_common(files)} to fetch it again")
        return
    dataset.download()
    click.echo(f"{name} is in {_common(dataset.files())}")


def _state(entry: Entry) -> str:
    """Where the data are, or why they are not, in one line."""
    if needed := _required(entry):
        return f"your own files, by {needed}"
    try:
        files = _built(catalogue.usable(entry)).files()
    except EvoplugError as error:
        return str(error).splitlines()[0]
    if not files:
        return "needs no files"
    if absent := _absent(files):
        return f"missing {absent[0]}"
    return f"{_size(files)} in {_common(files)}"


def _details(entry: Entry) -> list[str]:
    lines = [f"{catalogue.usable(entry)}: {entry.docstring.partition(chr(10))[0]}", f"state: {_state(entry)}"]
    if not _required(entry):
        info = _built(catalogue.usable(entry)).info()
        sizes = ", ".join(f"{size:,} {split}" for split, size in info.sizes.items())
        lines.append(f"examples: {sizes}; {' x '.join(map(str, info.shape))}, {info.classes} classes")
    return [*lines, f"parameters: evoplug show datasets {catalogue.usable(entry)}"]


def _built(name: str) -> Dataset:
    dataset = registry.build("datasets", name)
    assert isinstance(dataset, Dataset)
    return dataset


def _required(entry: Entry) -> str:
    """The parameters without which it is nowhere, e.g. ``"`folder`"``."""
    return ", ".join(f"`{parameter.name}`" for parameter in entry.parameters if parameter.default is REQUIRED)


def _absent(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if not path.exists()]


def _common(files: Sequence[Path]) -> Path:
    """The folder of the files."""
    return files[0].parent if files else Path()


def _size(files: Sequence[Path]) -> str:
    return f"{sum(path.stat().st_size for path in files) / 2**20:,.1f} MiB"
