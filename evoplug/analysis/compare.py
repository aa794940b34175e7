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
    """Compare arms by a metric, those of each problem among themselves.

    Args:
        groups: finished runs by arm.
        metric: a metric of ``result.json``, see :func:`evoplug.analysis.groups.numbers`, or with ``at`` a column of
            the records. By default those of the claims; where there are none, of each problem the first on test data,
            or the best fitness (with ``at``, ``best``).
        at: a column of the ledger and a budget: values are read from the last generation within that budget.
        claims: what to test. By default the sweep's claims about the metric; where there are none, every pair.
        goal: of every pair: whether more of the metric is better, or less; by default, and for claims that do not say
            it, as the evaluator says.

    Raises:
        ConfigError: if a metric, a column or an arm is not there; it names the choices. If the arms of a claim are of
            different problems.
        FilesError: if records are damaged.
    """
    stated = [claim for claim in (groups.claims if claims is None else claims) if metric in (None, claim.metric)]
    notices = list(groups.notices)
    notices += _against_evaluators(groups, stated)
    _check_arms(groups, stated)
    wanted = _wanted(groups, stated, metric, "best" if at else None)
    values = {name: _values(problems, name, at, notices) for name, problems in wanted.items()}
    asked = stated or list(_every_pair(groups, values, goal))
    notices += _without_direction(groups, asked) if not stated else []
    tested = [directed(claim, _runs(_beside(groups, claim.better))) for claim in asked]
    here = {*groups.arms, *groups.unfinished}
    return Comparison(
        {name: tuple(_arm(groups, arm, name, found) for arm, found in of.items()) for name, of in values.items()},
        tuple(_families(tested, values, here) if stated else [_pairs(tested, values, here)]),
        bool(stated),
        groups.earlier if claims is None else (),
        tuple(spent for arms in groups.apart().values() for spent in spending.differing(arms)) if at is None else (),
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
    arms = _beside(groups, better)
    return [Claim(better, than, name, goal, margin) for name in metrics or [_default(arms)]]


def _check_arms(groups: Groups, claims: Iterable[Claim]) -> None:
    """A claim of the sweep may name an arm without finished runs; whoever asks for a pair may not. Neither may ask for
    arms of different problems."""
    for claim in claims:
        for side in (claim.better, claim.than):
            if claim not in groups.claims and side not in groups.arms:
                raise ConfigError((), f"`{side}`: {unknown(side, groups.arms, 'arm')}")
        better, than = (groups.problems.get(side) for side in (claim.better, claim.than))
        if better and than and better != than:
            what = f"`{claim.better}` and `{claim.than}` cannot be compared: they are of different problems"
            if claim in groups.claims:  # which no configuration could have stated
                raise FilesError(f"{groups.arms[claim.than][0].folder}: {what}, {better} and {than}")
            raise ConfigError((), f"{what}, {better} and {than}")


# --------------------------------------------------------------------------------------------------------- direction


def _every_pair(groups: Groups, values: ByMetric, goal: Goal | None) -> Iterator[Claim]:
    """Of the arms of each problem, by the metrics for which there are values."""
    for metric, found in values.items():
        for arms in groups.apart().values():
            if not found.keys().isdisjoint(arms):
                yield from (Claim(a, b, metric, goal) for a, b in permutations(arms, 2))


def _without_direction(groups: Groups, claims: Iterable[Claim]) -> Iterator[str]:
    """Of the metrics whose direction neither the claims nor the evaluators say."""
    open_ = [claim for claim in claims if claim.goal is None]
    for metric in dict.fromkeys(c.metric for c in open_ if goal_of(_runs(_beside(groups, c.better)), c.metric) is None):
        yield f"these runs do not say whether more or less of {metric} is better: more is taken to be"


def _against_evaluators(groups: Groups, claims: Iterable[Claim]) -> Iterator[str]:
    """Claims that more is better of what is to be small."""
    for claim in claims:
        if claim.goal == "max" and goal_of(_runs(_beside(groups, claim.better)), claim.metric) == "min":
            yield f'{claim} on {claim.metric}: less of it is better, and the claim, with goal = "max", says more is'


# ------------------------------------------------------------------------------------------------------------ values


Arms = Mapping[str, Sequence[Run]]
"""Arms of one problem."""


def _beside(groups: Groups, arm: str) -> Arms:
    """The arms of the problem that an arm is of; all where it is not here."""
    return next((arms for arms in groups.apart().values() if arm in arms), groups.arms)


def _runs(arms: Arms) -> list[Run]:
    return [run for runs in arms.values() for run in runs]


def _common(arms: Arms) -> list[str]:
    """The metrics that all runs have."""
    tables = [numbers(run) for run in _runs(arms)]
    return [name for name in tables[0] if all(name in table for table in tables)]


def _default(arms: Arms) -> str:
    return next((name for name in _common(arms) if name.startswith("test.")), "best.fitness")


Problems = Mapping[str, Arms]
"""By name."""


def _wanted(
    groups: Groups, claims: Sequence[Claim], metric: str | None, default: str | None
) -> dict[str, dict[str, Arms]]:
    """metric -> the problems that are compared by it: all by one that is given; else each by those of the claims about
    its arms, or where there are no claims, by its default."""
    wanted: dict[str, dict[str, Arms]] = {}
    for problem, arms in groups.apart().items():
        about = [claim.metric for claim in claims if _is_about(claim, arms) or not _is_about(claim, groups.arms)]
        for name in [metric] if metric else about if claims else [default or _default(arms)]:
            wanted.setdefault(name, {})[problem] = arms
    return wanted


def _is_about(claim: Claim, arms: Arms) -> bool:
    return claim.better in arms or claim.than in arms


def _values(problems: Problems, metric: str, at: tuple[str, float] | None, notices: list[str]) -> dict[str, Values]:
    """arm -> ``(n,)`` values; problems that have no such metric beside others that have it are left out, and noted.

    Raises:
        ConfigError: if none has it.
    """
    found: dict[str, Values] = {}
    missing: dict[str, ConfigError] = {}
    for problem, arms in problems.items():
        try:
            found |= _of_arms(arms, metric, at, notices)
        except ConfigError as error:
            missing[problem] = error
    if not found:
        raise next(iter(missing.values()))
    notices += [f"{problem}: left out: {error}" for problem, error in missing.items()]
    return found


def _of_arms(arms: Arms, metric: str, at: tuple[str, float] | None, notices: list[str]) -> dict[str, Values]:
    found = {}
    for arm, runs in arms.items():
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
        paper, deviations = None, ()
    return Arm(name, values, statistics.summary(values), paper, deviations, groups.problems.get(name, ""))


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
