"""Whether more or less of a metric is better: as the evaluators of the runs say, whose word each run folder keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from evoplug.config import Claim
from evoplug.running.rundir import Run

Goal = Literal["max", "min"]

SPLITS = ("validation", "test")
_FITNESS = ("best", "mean", "best.fitness")
_COSTS = ("ledger.", "seconds.")


def goal(runs: Iterable[Run], metric: str) -> Goal | None:
    """``"min"`` where less is better, None where the runs, of an older evoplug, do not say.

    What a run has spent is better the less it is.

    Args:
        runs: of one problem.
        metric: a metric of ``result.json`` or a column of the records, by its dotted name.
    """
    if metric in _FITNESS or (metric.startswith("beside.") and metric.endswith(".best.fitness")):
        return "max"
    if metric == "invalid" or metric.startswith(_COSTS):
        return "min"
    told = [run.result["minimised"] for run in runs if "minimised" in run.result]
    if not told:
        return None
    return "min" if any(_is(metric, name) for names in told for name in names) else "max"


def directed(claim: Claim, runs: Iterable[Run]) -> Claim:
    """The claim in its own direction, else that of its metric; where these runs do not say it, more is better."""
    return claim if claim.goal else replace(claim, goal=goal(runs, claim.metric) or "max")


def _is(metric: str, name: str) -> bool:
    """Whether a dotted name means an evaluator's metric or column, on whatever split and of whatever solution."""
    ends = {f"{split}.{name}" for split in SPLITS}
    beside = metric.startswith("beside.") and metric.endswith(tuple(f".{end}" for end in ends))
    return metric == name or metric in ends or beside


def remark(runs: Iterable[Run], metric: str) -> str:
    """What stands beside the name of a metric of which less is better; nothing beside others."""
    return "less is better" if goal(runs, metric) == "min" else ""
