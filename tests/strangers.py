"""Distributions of strangers: packages that lie on the path with the metadata of an installed one."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from evoplug import catalogue

LEVY = '''
    from evoplug.contracts import Annotated, Ge, Gt, Mutation, dataclass

    @dataclass(kw_only=True)
    class Levy(Mutation, genome="real-vector"):
        """Add Levy flights.

        After Mantegna (1994).
        """

        alpha: Annotated[float, Gt(0), "stability"] = 1.5
        steps: Annotated[int, Ge(1)]

        def __call__(self, genomes, rng):
            return genomes
'''
"""The source of a sound mutation."""

PROJECTS = Path(__file__).parent / "distributions" / "strangers"
"""Third-party projects, most of them broken in one way."""


class Site:
    """A folder of packages that is on ``sys.path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        distribution: str,
        points: Mapping[str, str],
        files: Mapping[str, str],
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
    ) -> None:
        """Install a distribution: ``{"mutations/levy": "pkg.ops:Levy"}`` and path -> text of its files."""
        for path, text in files.items():
            self.write(path, text)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        sections = [f"[evoplug.{key.partition('/')[0]}]\n{key.partition('/')[2]} = {points[key]}" for key in points]
        (info / "entry_points.txt").write_text("\n".join(sections) + "\n")
        catalogue.refresh()

    def write(self, path: str, text: str) -> Path:
        """A file of a package."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file


def visit(folder: Path) -> Iterator[Site]:
    """The body of a fixture: an empty site; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    yield Site(folder)
    sys.path.remove(str(folder))
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    catalogue.refresh()


def install(site: Site, folder: str) -> None:
    """Lay one of the :data:`PROJECTS` on the path, with the metadata that pip would make."""
    project = PROJECTS / folder
    meta = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    groups = {group.removeprefix("evoplug."): names for group, names in meta["entry-points"].items()}
    points = {f"{group}/{name}": value for group, names in groups.items() for name, value in names.items()}
    files = {path.name: path.read_text() for path in project.glob("*.py")}
    site.add(meta["name"], points, files, version=meta["version"], requires=meta["dependencies"])
