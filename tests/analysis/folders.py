"""Run folders as finished runs leave them, without running anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

from evoplug.config import Claim
from evoplug.running import stated
from evoplug.running.rundir import CLAIMS

CONFIG: dict[str, Any] = {
    "evoplug": 1,
    "run": {"name": "made", "seed": 1, "stop": {"generations": 2}, "workers": "auto", "threads": 1},
    "strategy": {"use": "snes"},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function", "function": "sphere"},
}
DATA = {"use": "train", "dataset": {"use": "mnist", "train": 1000}}
ACKLEY = {"evaluator": {"use": "function", "function": "ackley"}}


def finished(
    folder: Path,
    seed: int = 1,
    accuracy: float | None = 0.5,
    status: str = "finished",
    ledger: Mapping[str, float] = MappingProxyType({}),
    minimised: Sequence[str] | None = None,
    rows: Sequence[Mapping[str, Any]] = ({"generations": 1, "best": 0.1}, {"generations": 2, "best": 0.2}),
    **config: Any,
) -> Path:
    """A run folder; ``config`` replaces whole sections, a run of an older evoplug has no ``minimised``."""
    folder.mkdir(parents=True)
    if "generations" in ledger:
        rows = [{**rows[-1], "generations": number} for number in range(1, int(ledger["generations"]) + 1)]
    whole = {**CONFIG, **config}
    whole["run"] = {**whole["run"], "seed": seed}
    (folder / "resolved.toml").write_text(tomli_w.dumps(whole))
    (folder / "config.toml").write_text(tomli_w.dumps(whole))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = {
        "status": status,
        "reason": "generations = 2",
        "seed": seed,
        "ledger": {
            **{"generations": rows[-1]["generations"], "evaluations": 20, "seconds": 3.0},
            **{k: v for k, v in rows[-1].items() if k == "epochs"},
            **ledger,
        },
        "seconds": {"evaluation": 1.5},
        "best": {"fitness": -1.0, "generation": 2, "id": 7, "description": {"x": 3.0}},
        "validation": {},
        "test": {"accuracy": accuracy, "loss": None if accuracy is None else 1 - accuracy},
        "beside": {"mean of the weights": {"test": {"accuracy": 0.25}}},
    }
    if minimised is not None:
        result["minimised"] = list(minimised)
    (folder / "result.json").write_text(json.dumps(result))
    return folder


def arm(folder: Path, values: Sequence[float | None], **more: Any) -> Path:
    """An arm's folder with a run for every value, seeds from 1."""
    for seed, value in enumerate(values, start=1):
        finished(folder / f"seed-{seed}", seed, value, **more)
    return folder


def recorded(folder: Path, *claims: Mapping[str, Any]) -> None:
    """What the runs in a folder keep of the claims under which they began."""
    for run in folder.rglob("resolved.toml"):
        (run.parent / CLAIMS).write_text(stated.text(Claim(**claim) for claim in claims))


def sweep(
    folder: Path,
    arms: Mapping[str, Sequence[float | None]],
    claims: Sequence[Mapping[str, Any]] = (),
    sections: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Path:
    """A sweep's folder; ``sections`` are what an arm has instead of those of :data:`CONFIG`."""
    for name, values in arms.items():
        arm(folder / name, values, **sections.get(name, {}))
    base, *others = arms
    written = {**CONFIG, "sweep": {"base": base, "arms": {name: {} for name in others}}, "claim": list(claims)}
    (folder / "sweep.toml").write_text(tomli_w.dumps(written))
    return folder
