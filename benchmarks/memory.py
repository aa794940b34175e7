"""Peak memory of a whole run: 8,000 networks of 92k weights at batch 64, some generations and a checkpoint.

python benchmarks/memory.py
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

from leea import Noise
from timing import show

import evoplug
from evoplug_supervised.classification import Classification

POPULATION, BATCH, GENERATIONS = 8000, 64, 3
WEIGHTS = 92_234


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        configuration = {
            "extends": "leea/mnist-validation",
            "run": {"stop": {"generations": GENERATIONS}},
            "strategy": {"population": POPULATION},
            "evaluator": Classification(dataset=Noise(), batch=BATCH),
        }
        start = peak()
        run = evoplug.run(configuration, out=Path(folder) / "run")
        checkpoint = max(path.stat().st_size for path in (run.folder / "checkpoints").iterdir())
        seconds = run.result["seconds"]
    copy = 4 * POPULATION * WEIGHTS
    show(
        f"A run of {POPULATION:,} x {WEIGHTS:,} at batch {BATCH}: {GENERATIONS} generations and a checkpoint",
        ["", "GiB"],
        [
            ["peak resident, in all", gibibytes(peak())],
            ["of it, before the run", gibibytes(start)],
            ["one population", gibibytes(copy)],
            ["checkpoint, on disk", gibibytes(checkpoint)],
        ],
        ", ".join(f"{part} {spent:.1f} s" for part, spent in seconds.items()),
    )


def peak() -> int:
    """Most bytes that this process has had resident."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def gibibytes(count: int) -> str:
    return f"{count / 2**30:.2f}"


if __name__ == "__main__":
    main()
