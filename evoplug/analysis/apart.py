"""Which arms are about one problem, so that they can be compared; and what must be known of their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from evoplug.config.difference import Difference, differences
from evoplug.config.problem import data, problem, told_apart
from evoplug.errors import FilesError
from evoplug.running.rundir import Run


def problems(arms: Mapping[str, Sequence[Run]], sweeps: Iterable[Sequence[str]]) -> dict[str, str]:
    """Arm -> its problem, nothing where there is but one.

    Args:
        arms: finished runs.
        sweeps: the arms of each sweep.

    Raises:
        FilesError: if there is a problem that no sweep has beside another one: it is here by mistake.
    """
    told = dict(zip(arms, told_apart([problem(runs[0].config) for runs in arms.values()]), strict=True))
    if not any(told.values()):
        return {}
    swept = [{told[arm] for arm in sweep if arm in told} for sweep in sweeps]
    beside = {name for names in swept if len(names) > 1 for name in names}
    first, *_ = next(iter(arms.values()))
    for arm, (run, *_) in arms.items():
        different = next(differences(problem(first.config), problem(run.config)), None)
        if different and not {told[arm], next(iter(told.values()))} <= beside:
            raise FilesError(f"{run.folder}: another problem: {different} as in {first.folder}")
    return told


def order(problems: Mapping[str, str]) -> Callable[[str], int]:
    """A key that sorts arms by problem, in the order in which these first come."""
    names = list(dict.fromkeys(problems.values()))
    return lambda arm: names.index(problems[arm]) if problems else 0


def other_data(arms: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """What must be known of the data to compare arms of one problem."""
    (of_first, (first, *_)), *others = arms.items()
    told: set[str] = set()
    for label, (run, *_) in others:
        for difference in _data_differences(first, run):
            if difference.key not in told:
                told.add(difference.key)
                yield f"the data are not the same: in arm {label} {difference} as in arm {of_first}"


def _data_differences(first: Run, run: Run) -> Iterator[Difference]:
    return differences(data(first.config), data(run.config), "evaluator.")
