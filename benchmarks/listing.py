"""`evoplug list` with 20 third-party distributions beside evoplug's own, as a ratio to `python -c pass`.

python benchmarks/listing.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from timing import interleaved, show

STRANGERS = 20
SECONDS = 10

MODULE = '''"""Mutation ``levy``."""

from typing import Annotated

import torch
from evoplug.contracts import Gt, Mutation, dataclass


@dataclass(kw_only=True)
class Levy(Mutation, genome="real-vector"):
    """Add Levy flights."""

    alpha: Annotated[float, Gt(0), "stability"] = 1.5
    scale: Annotated[float, Gt(0), "of the flights"] = 0.01

    def __call__(self, genomes, rng):
        return genomes + self.scale * torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype)
'''


@click.command(help=__doc__)
def main() -> None:
    with TemporaryDirectory() as folder:
        for number in range(STRANGERS):
            install(Path(folder), f"evoplug_levy{number}")
        # With bytecode, as pip leaves it; the first round, which does not count, writes it.
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        commands = {"python -c pass": ["-c", "pass"], "evoplug list": ["-m", "evoplug", "list"]}
        listed = output(commands["evoplug list"], environment)
        assert sum("(evoplug-levy" in line for line in listed.splitlines()) == STRANGERS
        calls = {name: lambda command=command: output(command, environment) for name, command in commands.items()}
        timings = interleaved(calls, SECONDS, "cpu")
    show(
        f"Listing {len(listed.splitlines())} components and presets, {STRANGERS} of them strangers'",
        ["command", "median, ms", "x python -c pass"],
        [
            [name, f"{1e3 * timings.median(name):.0f}", f"{timings.ratio(name, 'python -c pass'):.1f}"]
            for name in commands
        ],
    )


def install(folder: Path, package: str) -> None:
    """A package with one mutation, as pip would leave it."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    (folder / package / "ops.py").write_text(MODULE)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    name = package.replace("_", "-")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: evoplug>=0.1\n")
    (info / "entry_points.txt").write_text(f"[evoplug.mutations]\n{name} = {package}.ops:Levy\n")


def output(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
