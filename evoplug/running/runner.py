"""The loop of a run, and no more."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from evoplug.catalogue.blame import blamed
from evoplug.config import Experiment
from evoplug.config.difference import differences
from evoplug.config.fit import Built, located
from evoplug.contracts import Evaluator, Loop
from evoplug.errors import EvaluationError, FilesError, Interrupted, PluginError, named
from evoplug.population.workers import workers
from evoplug.running import rundir
from evoplug.running.checkpoint import Checkpoints
from evoplug.running.problem import RunProblem, start
from evoplug.running.promises import inside
from evoplug.running.records import Records, plain
from evoplug.running.signals import Stopper
from evoplug.types import Members, Outcome, genome


class Watch:
    """What a run tells whoever looks on. The methods do nothing; the command line's watches print."""

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        """Everything is loaded; ``resumed_at`` generations are done already."""

    def generation(self, row: Mapping[str, Any]) -> None:
        """A line of records was written."""

    def notice(self, text: str) -> None:
        """Something that the user should know and that is no error."""

    def end(self, result: Mapping[str, Any]) -> None:
        """``result.json`` was written."""


class Execution:
    """One run in its folder, from its start or its last checkpoint to ``result.json``.

    Args:
        built: the components of a checked configuration.
        folder: a run folder that this process holds.
        watch: is told of progress.
    """

    def __init__(self, built: Built, folder: Path, watch: Watch) -> None:
        self.experiment, self.settings = built.experiment, built.experiment.run
        self.built, self.folder, self.watch = built, folder, watch
        self.device = torch.device(built.device)
        self.checkpoints = Checkpoints(folder / rundir.CHECKPOINTS, self.settings.checkpoint.keep)
        self.profile: dict[str, float] = defaultdict(float)
        self._best: float | None = None  # of the last generation, as the records have it
        self._saved_at, self._saved_generation, self._save_seconds = time.perf_counter(), 0, 0.0

    def run(self) -> None:
        """Go on until a stop rule holds, then report.

        Raises:
            EvoplugError: what ended the run early; ``result.json`` says so too.
            Interrupted: after a signal, with a checkpoint in place.
        """
        restored = self.checkpoints.load()
        if restored is None and (self.folder / rundir.METRICS).exists():
            self.watch.notice(f"{self.checkpoints.folder}: no checkpoint yet; the run starts again")
        with (
            workers(self.settings.workers, self.settings.threads),
            Stopper() as stopper,
            self._closing(),
        ):
            self.problem, self.loop = self._start()
            offset = self._restore(*restored) if restored else 0
            (self.folder / rundir.RESULT).unlink(missing_ok=True)  # of where it was stopped: it goes on
            self.watch.begin(self.experiment, self.folder, int(self.problem.ledger["generations"]))
            with Records(self.folder / rundir.METRICS, offset) as records:
                reason = self._generations(records, stopper)
            self._finish(reason)

    def _start(self) -> tuple[RunProblem, Loop]:
        strategy = self.built.strategy
        problem = RunProblem(self.built.genotype, self.built.evaluator, self.settings.seed, self.device, strategy)
        with located(self.experiment, ("evaluator",)), blamed(self.built.strategy):
            start(problem.evaluator, self.settings.seed, self.device)
        with located(self.experiment, ("strategy",)), blamed(self.built.strategy):
            loop = self.built.strategy.start(problem)
        name = named(type(self.built.strategy))
        if not isinstance(loop, Loop):
            raise PluginError(f"{name}: start must return a Loop, not {type(loop).__qualname__}")
        missing = [
            name for name in ("state_dict", "load_state_dict") if getattr(type(loop), name) is getattr(Loop, name)
        ]
        if missing:
            raise PluginError(f"{name}: its loop has no {' and no '.join(missing)}, so no checkpoint could be written")
        return problem, loop

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Whatever happens inside the block, the evaluator is closed; how that goes changes no result."""
        try:
            yield
        finally:
            try:
                self.built.evaluator.close()
            except Exception as error:
                name = named(type(self.built.evaluator))
                self.watch.notice(f"{name}: close raised {type(error).__name__}: {error}")

    def _generations(self, records: Records, stopper: Stopper) -> str:
        """Step until a stop rule holds; returns the rule."""
        with blamed(self.built.strategy):
            for recorder in self.built.recorders:
                recorder.open(str(self.folder))
        try:
            while not (reason := self.problem.ledger.reached(self.settings.stop, self._best)):
                row = self._generation()
                stopper.settle()
                self._best = row["best"]
                records.append(row)
                with blamed(self.built.strategy):
                    for recorder in self.built.recorders:
                        recorder.row(row)
                self.watch.generation(row)
                if stopper.signal is not None:
                    self._save(records)
                    raise Interrupted(stopper.signal)
                if self._due():
                    self._save(records)
            self._save(records)
            return reason
        finally:
            for recorder in self.built.recorders:
                recorder.close()

    def _generation(self) -> dict[str, Any]:
        """One step of the loop and its line of records."""
        problem, loop = self.problem, self.loop
        problem.seconds.clear()
        problem.columns.clear()
        problem.invalid = 0
        begin = time.perf_counter()
        with blamed(self.built.strategy):
            loop.step()
            status = plain(dict(loop.status))
            if loop.members.fitness is None:
                raise ValueError("step left `members` without fitness: call problem.evaluate(members)")
        problem.ledger.add(generations=1)
        _require_valid(loop.members, int(problem.ledger["generations"]))
        breeding = time.perf_counter() - begin - sum(problem.seconds.values())
        validation = self._validation()
        problem.ledger.add(seconds=time.perf_counter() - begin)
        spent = {"reproduction": breeding, **problem.seconds}
        for part, seconds in spent.items():
            self.profile[part] += seconds
        return {
            **problem.ledger.row(),
            **_statistics(loop.members),
            "invalid": problem.invalid,
            **problem.columns,
            **status,
            **validation,
            "time": spent,
        }

    def _validation(self) -> dict[str, float]:
        every = self.settings.measure.every if self.settings.measure else 0
        if not every or int(self.problem.ledger["generations"]) % every:
            return {}
        metrics = self.problem.measure(self.loop.best, "validation")
        return {f"validation.{name}": value.item() for name, value in metrics.items()}

    # --------------------------------------------------------------------------------------- checkpoints

    def _due(self) -> bool:
        rule = self.settings.checkpoint
        if rule.every is not None:
            return int(self.problem.ledger["generations"]) % rule.every == 0
        return time.perf_counter() - self._saved_at >= rule.wait(self._save_seconds)

    def _save(self, records: Records) -> None:
        generation = int(self.problem.ledger["generations"])
        if generation == self._saved_generation:
            return
        begin = time.perf_counter()
        with blamed(self.built.strategy):
            state = {
                "config": self.experiment.fixed(),
                "problem": self.problem.state_dict(),
                "loop": self.loop.state_dict(),
                "best": self._best,
                "records": records.sync(),
                "profile": dict(self.profile),
            }
            self.checkpoints.save(generation, state)
        self._saved_at, self._saved_generation = time.perf_counter(), generation
        self._save_seconds = self._saved_at - begin
        self.profile["checkpoint"] += self._save_seconds

    def _restore(self, state: Mapping[str, Any], warnings: list[str]) -> int:
        """Continue from a checkpoint; returns the length of the records that belong to it."""
        for warning in warnings:
            self.watch.notice(warning)
        changed = [difference.key for difference in differences(state["config"], self.experiment.fixed())]
        if changed:
            raise FilesError(
                f"{self.folder / rundir.RESOLVED}: changed since the checkpoint was written: {', '.join(changed)}; "
                "only budgets and checkpoints may change"
            )
        with blamed(self.built.strategy, " on the state in its checkpoint"):
            self.problem.load_state_dict(state["problem"])
            self.loop.load_state_dict(state["loop"])
        self._best = state["best"]
        self.profile.update(state["profile"])
        records: int = state["records"]
        return records

    # -------------------------------------------------------------------------------------------- the end

    def _finish(self, reason: str) -> None:
        with self.problem.timed("report"), blamed(self.built.strategy):
            outcome = self.loop.finish()
        self.profile["report"] += self.problem.seconds["report"]
        rundir.write_solution(self.folder, self.problem.reported(outcome.best), self._owned())
        with blamed(self.built.genotype or self.built.strategy):
            result = {**self._result("finished", reason), **plain(_report(self.problem, outcome))}
            self._doubts(outcome)
        rundir.write_json(self.folder / rundir.RESULT, result)
        self.watch.end(result)

    def _doubts(self, outcome: Outcome) -> None:
        """Say what makes the solution doubtful."""
        genotype, evaluator = self.problem.genotype, self.built.evaluator
        if genotype is not None and not inside(genotype, outcome.best.genomes):
            self.watch.notice("the solution is outside of its space: an operator or the strategy does not repair")
        measured = set().union(*outcome.metrics.values())
        if evaluator.headline and measured and evaluator.headline not in measured:
            self.watch.notice(f"{named(type(evaluator))}: `measure` gave no `{evaluator.headline}`, its headline")

    def _owned(self) -> Mapping[str, Any]:
        """The evaluator's state, where it makes networks and may need it to make the solution's again."""
        evaluator = self.built.evaluator
        return evaluator.state_dict() if type(evaluator).model is not Evaluator.model else {}

    def stopped(self, status: str, reason: str) -> None:
        """Write the ``result.json`` of a run that did not finish."""
        result = self._result(status, reason)
        rundir.write_json(self.folder / rundir.RESULT, result)
        self.watch.end(result)

    def _result(self, status: str, reason: str) -> dict[str, Any]:
        problem = getattr(self, "problem", None)
        return {
            "status": status,
            "reason": reason,
            "seed": self.settings.seed,
            "ledger": problem.ledger.row() if problem else {},
            "seconds": dict(self.profile),
            "minimised": self.built.evaluator.minimised,
        }


def _report(problem: RunProblem, outcome: Outcome) -> dict[str, Any]:
    best = outcome.best
    fitness = None if best.fitness is None else best.fitness[0].item()
    described = problem.genotype.describe(genome(best.genomes, 0)) if problem.genotype is not None else None
    return {
        "best": {
            "fitness": fitness,
            "generation": outcome.generation or int(problem.ledger["generations"]),
            "id": int(best.ids[0]),
            "description": described,
        },
        **{split: _ordered(outcome.metrics.get(split, {}), problem.evaluator) for split in ("validation", "test")},
        "beside": outcome.beside,
    }


def _ordered(metrics: Mapping[str, float], evaluator: Evaluator) -> dict[str, float]:
    """The headline first: what comes first is shown, and compared where nobody says what."""
    return dict(sorted(metrics.items(), key=lambda metric: metric[0] != evaluator.headline))


def _statistics(members: Members) -> dict[str, float]:
    """Best, mean and standard deviation of the finite fitness values."""
    assert members.fitness is not None  # checked after every step
    finite = members.fitness[torch.isfinite(members.fitness)].double()
    std = finite.std(correction=0).item() if len(finite) else 0.0
    return {"best": finite.max().item(), "mean": finite.mean().item(), "std": std}


def _require_valid(members: Members, generation: int) -> None:
    fitness = members.fitness
    if fitness is not None and not torch.isfinite(fitness).any():
        raise EvaluationError(f"generation {generation}: 0 of {len(members)} members have a finite fitness")


def log_error(folder: Path) -> None:
    """Write the traceback of the exception that is being handled to ``error.log``."""
    import traceback

    with (folder / rundir.ERROR_LOG).open("a", encoding="utf-8", errors="backslashreplace") as file:
        traceback.print_exception(*sys.exc_info(), file=file)
