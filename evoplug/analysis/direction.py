"""Whether more or less of a metric is better: as the evaluators of the runs say, whose word each run folder keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from evoplug.config import Claim
from evoplug.running.metrics import is_any
from evoplug.running.rundir import Run

Goal = Literal["max", "min"]

_FITNESS = ("best", "mean", "best.fitness")
_COSTS = ("ledger.", "seconds.")
_TABLE = re.compile(r"^(beside\..+\.)?(validation|test|best)\.")
"""In whose name a metric stands in ``result.json``: of which solution, on which split."""


def goal(runs: Iterable[Run], metric: str) -> Goal | None:
    """``"min"`` where less is better, None where the runs, of an older evoplug, do not say.

    What a run has spent is better the less it is. A part of a metric, as ``error.mnist`` of ``error``, goes its way.

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
    minimised = {name for names in told for name in names}
    return "min" if is_any(metric, minimised) or is_any(_TABLE.sub("", metric), minimised) else "max"


def directed(claim: Claim, runs: Iterable[Run]) -> Claim:
    """The claim in its own direction, else that of its metric; where these runs do not say it, more is better."""
    return claim if claim.goal else replace(claim, goal=goal(runs, claim.metric) or "max")


def remark(runs: Iterable[Run], metric: str) -> str:
    """What stands beside the name of a metric of which less is better; nothing beside others."""
    return "less is better" if goal(runs, metric) == "min" else ""
