"""``evoplug new-plugin``."""

from __future__ import annotations

from pathlib import Path

import click

from evoplug.catalogue import GROUPS


@click.command("new-plugin")
@click.argument("name")
@click.option("--kind", "group", required=True, metavar="GROUP", help=f"What it brings, one of {', '.join(GROUPS)}.")
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path(), help="Folder for the new one; here by default."
)
def new_plugin(name: str, group: str, into: Path) -> None:
    """Write a small, complete plugin project into the folder NAME, e.g. evoplug-levy.

    It works as it stands: it can be installed, tested and used, and then changed.
    """
    from evoplug import scaffold

    folder = scaffold.create(name, group, into)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(f"wrote {path}")
    click.echo(f"\nnow:  cd {folder} && pip install -e '.[test]' && pytest")
    click.echo(f"then: evoplug show {group} {scaffold.component(name)}")
