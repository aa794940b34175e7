"""Is one arm better than another, and can it be shown?

Every claim is tested with the one-sided Mann-Whitney U test over the runs of its two arms. With a margin it is a claim
of non-inferiority: the margin is added to the arm that is not to be worse. Claims that are expected to hold are
corrected for their number by Holm's procedure, and those that are expected not to hold, controls and known failures,
among themselves: a control costs the claims of the first kind nothing.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from evoplug.analysis import asked, spending, statistics
from evoplug.analysis.comparison import ALPHA, Answer, Arm, Comparison, Family, Verdict
from evoplug.analysis.direction import Goal, directed
from evoplug.analysis.direction import goal as goal_of
from evoplug.analysis.groups import Groups, column, curve, numbers
from evoplug.analysis.statistics import Effect, Values
from evoplug.config import Claim, Paper
from evoplug.config.messages import unknown
from evoplug.errors import ConfigError, FilesError
from evoplug.rng import Rng
from evoplug.running.rundir import Run


def compare(
    groups: Groups,
    metric: str | None = None,
    *,
    at: tuple[str, float] | None = None,
    claims: Sequence[Claim] | None = None,
    goal: Goal | None = None,
) -> Comparison:
    """Compare arms by a metric.

    Args:
        groups: finished runs by arm.
        metric: a metric of ``result.json``, see :func:`evoplug.analysis.groups.numbers`, or with ``at`` a column of
            the records. By default those of the claims; where there are none, the first on test data, or the best
            fitness (with ``at``, ``best``).
        at: a column of the ledger and a budget: values are read from the last generation within that budget.
        claims: what to test. By default the sweep's claims about the metric; where there are none, every pair.
        goal: of every pair: whether more of the metric is better, or less; by default, and for claims that do not say
            it, as the evaluator says.

    Raises:
        ConfigError: if a metric, a column or an arm is not there; it names the choices.
        FilesError: if records are damaged.
    """
    stated = [claim for claim in (groups.claims if claims is None else claims) if metric in (None, claim.metric)]
    metrics = [metric] if metric is not None else list(dict.fromkeys(claim.metric for claim in stated))
    metrics = metrics or [_default(groups) if at is None else "best"]
    notices = list(groups.notices)
    notices += _against_evaluators(groups, stated)
    if not stated and goal is None and goal_of(groups.runs, metrics[0]) is None:
        notices.append(f"these runs do not say whether more or less of {metrics[0]} is better: more is taken to be")
    _check_arms(groups, stated)
    tested = [directed(claim, groups.runs) for claim in stated or _every_pair(groups, metrics[0], goal)]
    values = {name: _values(groups, name, at, notices) for name in metrics}
    here = {*groups.arms, *groups.unfinished}
    return Comparison(
        {name: tuple(_arm(groups, arm, name, values[name][arm]) for arm in groups.arms) for name in metrics},
        tuple(_families(tested, values, here) if stated else [_pairs(tested, values, here)]),
        bool(stated),
        groups.earlier if claims is None else (),
        tuple(spending.differing(groups.arms)) if at is None else (),
        tuple(notices),
    )


def pair(
    groups: Groups,
    better: str,
    than: str,
    metric: str | None = None,
    *,
    margin: float = 0.0,
    goal: Goal | None = None,
) -> list[Claim]:
    """A claim about two arms that no sweep has stated, for :func:`compare`; by default about the metrics of the
    sweep's claims."""
    metrics = [metric] if metric else list(dict.fromkeys(claim.metric for claim in groups.claims))
    return [Claim(better, than, name, goal, margin) for name in metrics or [_default(groups)]]


def _check_arms(groups: Groups, claims: Iterable[Claim]) -> None:
    """A claim of the sweep may name an arm without finished runs; whoever asks for a pair may not."""
    for claim in claims:
        for side in (claim.better, claim.than):
            if claim not in groups.claims and side not in groups.arms:
                raise ConfigError((), f"`{side}`: {unknown(side, groups.arms, 'arm')}")


# --------------------------------------------------------------------------------------------------------- direction


def _every_pair(groups: Groups, metric: str, goal: Goal | None) -> list[Claim]:
    return [Claim(a, b, metric, goal) for a, b in permutations(groups.arms, 2)]


def _against_evaluators(groups: Groups, claims: Iterable[Claim]) -> Iterator[str]:
    """Claims that more is better of what is to be small."""
    for claim in claims:
        if claim.goal == "max" and goal_of(groups.runs, claim.metric) == "min":
            yield f'{claim} on {claim.metric}: less of it is better, and the claim, with goal = "max", says more is'


# ------------------------------------------------------------------------------------------------------------ values


def _common(groups: Groups) -> list[str]:
    """The metrics that all runs have."""
    tables = [numbers(run) for runs in groups.arms.values() for run in runs]
    return [name for name in tables[0] if all(name in table for table in tables)]


def _default(groups: Groups) -> str:
    return next((name for name in _common(groups) if name.startswith("test.")), "best.fitness")


def _values(groups: Groups, metric: str, at: tuple[str, float] | None, notices: list[str]) -> dict[str, Values]:
    """arm -> ``(n,)`` values."""
    found = {}
    for arm, runs in groups.arms.items():
        read = [column(run, metric) if at is None else _within(run, metric, *at) for run in runs]
        found[arm] = np.array(read)
        if at is not None and (ended := [run.result["ledger"].get(at[0], 0) for run in runs]) and min(ended) < at[1]:
            notices.append(f"arm {arm}: a run ended at {at[0]} = {min(ended):g}; its last value counts")
        if not np.isfinite(found[arm]).all():
            seeds = [
                run.config["run"]["seed"] for run, value in zip(runs, read, strict=True) if not math.isfinite(value)
            ]
            notices.append(f"arm {arm}: {metric} is not finite for seed {', '.join(map(str, seeds))}; it ranks last")
    return found


def _within(run: Run, metric: str, ledger: str, budget: float) -> float:
    """The metric in the last generation that is within the budget."""
    spent, values = curve(run, metric, ledger)
    within = [value for x, value in zip(spent, values, strict=True) if x <= budget]
    if not within:
        first = f"{ledger} = {spent[0]:g}" if spent else "no generation"
        raise FilesError(f"{run.folder}: nothing within {ledger} = {budget:g}: it has {metric} from {first} on")
    return within[-1]


def _arm(groups: Groups, name: str, metric: str, values: Values) -> Arm:
    paper, deviations = _reported(groups.arms[name][0])
    if paper is None or paper.metric != metric:
        return Arm(name, values, statistics.summary(values), None)
    return Arm(name, values, statistics.summary(values), paper, deviations)


def _reported(run: Run) -> tuple[Paper | None, tuple[str, ...]]:
    """What a paper reports, and in what the run differs from the configuration that stands for it."""
    row = asked.row(run)
    own = Paper(**run.config["paper"]) if "paper" in run.config else None
    if own is not None and (row is None or row.paper != own):  # an arm that stands for a row of its own
        return own, ()
    return (row.paper, tuple(map(str, row.deviations))) if row else (None, ())


# ---------------------------------------------------------------------------------------------------------- verdicts


ByMetric = Mapping[str, Mapping[str, Values]]
"""metric -> arm -> ``(n,)`` values."""


def _families(claims: Sequence[Claim], values: ByMetric, here: Container[str]) -> Iterator[Family]:
    """By what is expected of the claims; none that is empty."""
    hold = [claim for claim in claims if claim.expect == "reproduced"]
    others = [claim for claim in claims if claim.expect != "reproduced"]
    if hold:
        yield Family("expected to hold", tuple(_verdicts(hold, values, here)), len(hold))
    if others:
        yield Family("expected not to hold", tuple(_verdicts(others, values, here)), len(others))


def _pairs(claims: Sequence[Claim], values: ByMetric, here: Container[str]) -> Family:
    return Family("every pair", tuple(_one_way(_verdicts(claims, values, here))), len(claims))


def _verdicts(claims: Sequence[Claim], values: ByMetric, here: Container[str]) -> list[Verdict]:
    """Of one family, in its order; ``here`` are the arms of which the folders hold anything."""
    sides = [_sides(claim, values[claim.metric]) for claim in claims]
    tests = [statistics.mann_whitney(x + claim.margin, y) if len(x) and len(y) else (1.0, True)
             for claim, (x, y) in zip(claims, sides, strict=True)]  # fmt: skip
    least = [statistics.least_p(len(x), len(y)) for x, y in sides]
    corrected, reachable = statistics.holm([p for p, _ in tests]), statistics.holm(least)
    absent = [tuple(arm for arm in (claim.better, claim.than) if arm not in here) for claim in claims]
    return [
        Verdict(
            claim,
            *tests[i],
            corrected[i],
            least[i],
            _effect(claim, *sides[i]),
            "not among these runs" if absent[i] else _answer(corrected[i], reachable[i]),
            absent[i],
        )
        for i, claim in enumerate(claims)
    ]


def _sides(claim: Claim, values: Mapping[str, Values]) -> tuple[Values, Values]:
    """The values of both arms, higher is better; what is not finite ranks last."""
    sign = 1 if claim.goal == "max" else -1
    x, y = (sign * values.get(arm, np.empty(0)) for arm in (claim.better, claim.than))
    return np.where(np.isfinite(x), x, -np.inf), np.where(np.isfinite(y), y, -np.inf)


def _effect(claim: Claim, x: Values, y: Values) -> Effect:
    """Without the margin: how the arms really stand to each other."""
    if not (len(x) and len(y)):
        return Effect(math.nan, math.nan, math.nan)
    return statistics.effect(x, y, Rng(0).child("compare", claim.better, claim.than, claim.metric))


def _answer(corrected: float, reachable: float) -> Answer:
    if reachable > ALPHA:
        return "not enough runs"
    return "shown" if corrected <= ALPHA else "not shown"


def _one_way(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Of both ways of each pair the one with the smaller p."""
    kept: dict[frozenset[str], Verdict] = {}
    for verdict in verdicts:
        pair = frozenset((verdict.claim.better, verdict.claim.than))
        if pair not in kept or verdict.p < kept[pair].p:
            kept[pair] = verdict
    return list(kept.values())
