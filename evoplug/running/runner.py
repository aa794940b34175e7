"""The loop of a run, and no more."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch

from evoplug.catalogue.blame import blamed, text
from evoplug.config import Experiment
from evoplug.config.difference import differences
from evoplug.config.fit import Built, located
from evoplug.config.settings import SHARE
from evoplug.contracts import Evaluator, Loop
from evoplug.errors import PASSING, EvaluationError, FilesError, Interrupted, PluginError, named
from evoplug.population.workers import workers
from evoplug.running import rundir
from evoplug.running.checkpoint import Checkpoints
from evoplug.running.concluding import concluded, table
from evoplug.running.marks import Marks
from evoplug.running.problem import RunProblem, start
from evoplug.running.promises import inside
from evoplug.running.records import Records, Whole, plain, require
from evoplug.running.signals import GRACE, Stopper
from evoplug.running.writing import appending
from evoplug.types import Members, Outcome

LONG = GRACE / 2
"""Seconds of a generation after which a checkpoint is written whatever the rule, unless that takes more than its share
of the time: the next may take too long after a signal and be given up, and those before it are not to be lost."""


class Watch:
    """What a run tells whoever looks on. The methods do nothing; the command line's watches print."""

    def prepare(self, folder: Path) -> None:
        """The run folder is there; now the parts start, and data are loaded."""

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        """Everything is loaded; ``resumed_at`` generations are done already."""

    def generation(self, row: Mapping[str, Any]) -> None:
        """A line of records was written."""

    def notice(self, text: str) -> None:
        """Something that the user should know and that is no error."""

    def end(self, result: Mapping[str, Any]) -> None:
        """``result.json`` was written."""

    def stuck(self, error: BaseException) -> None:
        """Called from another thread, after ``end``: the run has been given up with this error, but code that cannot be
        interrupted goes on in it. A process that has nothing else to do may end itself here."""


class Execution:
    """One run in its folder, from its start or its last checkpoint to ``result.json``.

    Args:
        built: the components of a checked configuration.
        folder: a run folder that this process holds.
        watch: is told of progress.

    Raises:
        FilesError: if what the folder holds is damaged, so that the run cannot go on from it; nothing is changed then.
    """

    def __init__(self, built: Built, folder: Path, watch: Watch) -> None:
        self.experiment, self.settings = built.experiment, built.experiment.run
        self.built, self.folder, self.watch = built, folder, watch
        self.device = torch.device(built.device)
        self.checkpoints = Checkpoints(folder / rundir.CHECKPOINTS, self.settings.checkpoint.keep)
        self.profile: dict[str, float] = defaultdict(float)
        self.marks = Marks(self.settings.marks)
        self._goes_on = False
        self._best: float | None = None  # of the last generation, as the records have it
        self._saved_at, self._saved_generation, self._save_seconds = time.perf_counter(), 0, 0.0
        self._finished = rundir.is_finished(folder)  # its result stays until this session has its own
        self._restored = self._look()

    def run(self, stopper: Stopper) -> None:
        """Go on until a stop rule holds, then report.

        Args:
            stopper: lets the generations end after a signal, and limits evaluations; entered by whoever wants that.

        Raises:
            EvoplugError: what ended the run early; ``result.json`` says so too.
            Interrupted: after a signal, with a checkpoint in place.
        """
        self.watch.prepare(self.folder)
        restored, self._restored = self._restored, None
        if restored is None and (self.folder / rundir.METRICS).exists():
            self.watch.notice(f"{self.checkpoints.folder}: no checkpoint yet; the run starts again")
        with (
            workers(self.settings.workers, self.settings.threads),
            self._closing(),
        ):
            self.problem, self.loop = self._start(stopper)
            offset = self._restore(*restored) if restored else 0
            self._goes_on = True
            if not self._finished:
                self._supersede()
            self.watch.begin(self.experiment, self.folder, int(self.problem.ledger["generations"]))
            with Records(self.folder / rundir.METRICS, offset) as records, stopper.step():
                reason = self._generations(records, stopper)
                whole = records.sync()
            self._finish(reason, whole)

    def _start(self, stopper: Stopper) -> tuple[RunProblem, Loop]:
        built, seed, timeout = self.built, self.settings.seed, self.settings.timeout
        limit = None if timeout is None else partial(stopper.limit, timeout)
        problem = RunProblem(built.genotype, built.evaluator, seed, self.device, built.strategy, limit)
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
            except PASSING:
                raise
            except BaseException as error:
                name = named(type(self.built.evaluator))
                self.watch.notice(f"{name}: close raised {type(error).__name__}: {text(error)}")

    def _generations(self, records: Records, stopper: Stopper) -> str:
        """Step until a stop rule holds; returns the rule."""
        with blamed(self.built.strategy):
            for recorder in self.built.recorders:
                recorder.open(str(self.folder))
        try:
            while not (reason := self.problem.ledger.reached(self.settings.stop, self._best) or self._over()):
                row = self._generation()
                stopper.settle()
                if row is None:
                    continue
                self._best = row["best"]
                with blamed(self.built.strategy):
                    self.marks.look(self.problem.ledger, lambda: self.loop.best)
                records.append(row)
                with blamed(self.built.strategy):
                    for recorder in self.built.recorders:
                        recorder.row(row)
                self.watch.generation(row)
                if stopper.signal is not None:
                    stopper.settle()
                    self._save(records)
                    raise Interrupted(stopper.signal)
                if self._due(row["time"]):
                    self._save(records)
            self._save(records)
            return reason
        finally:
            with blamed(self.built.strategy):
                for recorder in self.built.recorders:
                    recorder.close()

    def _over(self) -> str | None:
        """Why the search itself has come to its end, if it has."""
        with blamed(self.built.strategy):
            return self.loop.over

    def _generation(self) -> dict[str, Any] | None:
        """One step of the loop and its line of records; None where the search was over before it."""
        problem, loop = self.problem, self.loop
        problem.seconds.clear()
        problem.columns.clear()
        problem.invalid = 0
        begin, evaluated = time.perf_counter(), problem.ledger["evaluations"]
        with blamed(self.built.strategy):
            loop.step()
            if loop.over and problem.ledger["evaluations"] == evaluated:
                return None
            status = plain(dict(loop.status))
            if loop.members.fitness is None:
                raise ValueError("step left `members` without fitness: call problem.evaluate(members)")
        problem.ledger.add(generations=1)
        _require_valid(loop.members, int(problem.ledger["generations"]))
        breeding = time.perf_counter() - begin - sum(problem.seconds.values())
        measured = self._measured()
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
            **measured,
            "time": spent,
        }

    def _measured(self) -> dict[str, float]:
        """What is measured in this generation, by column."""
        rule = self.settings.measure
        if rule is None or int(self.problem.ledger["generations"]) % rule.every:
            return {}
        best = self.loop.best
        measured = {split: self.problem.measure(best, split) for split in rule.splits}
        return {f"{split}.{name}": value.item() for split, values in measured.items() for name, value in values.items()}

    # --------------------------------------------------------------------------------------- checkpoints

    def _due(self, spent: Mapping[str, float]) -> bool:
        """Whether a checkpoint is to be written, as the rule says, or because of what the last generation has taken."""
        rule, passed = self.settings.checkpoint, time.perf_counter() - self._saved_at
        if sum(spent.values()) >= LONG and passed >= self._save_seconds / SHARE:
            return True
        if rule.every is not None:
            return int(self.problem.ledger["generations"]) % rule.every == 0
        return passed >= rule.wait(self._save_seconds)

    def _look(self) -> tuple[dict[str, Any], list[str]] | None:
        """The checkpoint to go on from, with its warnings.

        Raises:
            FilesError: if there is none although there should be, or the folder is not as it left it.
        """
        found = self.checkpoints.load()
        if found is None:
            if self._finished:
                raise FilesError(f"{self.checkpoints.folder}: is empty, so this finished run cannot go on; run it anew")
            return None
        state, _ = found
        try:
            config, whole, generation = state["config"], state["records"], state["problem"]["ledger"]["generations"]
            whole = Whole(*whole)
            changed = [difference.key for difference in differences(config, self.experiment.fixed())]
        except (LookupError, TypeError, AttributeError) as error:
            raise FilesError(f"{self.checkpoints.folder}: holds no checkpoints of a run") from error
        if changed:
            raise FilesError(
                f"{self.folder / rundir.RESOLVED}: changed since the checkpoint was written: {', '.join(changed)}; "
                "only budgets and checkpoints may change"
            )
        require(self.folder / rundir.METRICS, whole, int(generation))
        return found

    def _supersede(self) -> None:
        """Let go of what the session before left as its result: from here on this one can be resumed instead."""
        rundir.write_resolved(self.folder, self.experiment)
        (self.folder / rundir.RESULT).unlink(missing_ok=True)
        self._finished = False

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
                "marks": self.marks.state_dict(),
                "records": tuple(records.sync()),
                "profile": dict(self.profile),
            }
            self.checkpoints.save(generation, state)
        if self._finished:
            self._supersede()
        self._saved_at, self._saved_generation = time.perf_counter(), generation
        self._save_seconds = self._saved_at - begin
        self.profile["checkpoint"] += self._save_seconds

    def _restore(self, state: Mapping[str, Any], warnings: list[str]) -> int:
        """Continue from a checkpoint; returns the length of the records that belong to it."""
        for warning in warnings:
            self.watch.notice(warning)
        with blamed(self.built.strategy, " on the state in its checkpoint"):
            self.problem.load_state_dict(state["problem"])
            self.loop.load_state_dict(state["loop"])
            self.marks.load_state_dict(state["marks"], self.device)
        self._best = state["best"]
        self.profile.update(state["profile"])
        return Whole(*state["records"]).length

    # -------------------------------------------------------------------------------------------- the end

    def _finish(self, reason: str, records: Whole) -> None:
        seconds = self.problem.seconds
        seconds.clear()
        with self.problem.timed("report"):
            with blamed(self.built.strategy):
                outcome = self.loop.finish()
            outcome = concluded(self.problem, outcome, self.marks.kept)
        for missed in self.marks.missed:
            self.watch.notice(f"mark of {missed}: the run ended before it, or its first generation after it")
        if finishing := seconds.get("finishing"):
            self.profile["finishing"] += finishing
        self.profile["report"] += seconds["report"] - seconds["finishing"]
        with blamed(self.built.genotype or self.built.strategy):
            report = plain(table(self.problem, outcome))
            self._doubts(outcome)
        if self._finished:
            self._supersede()
        checksum = rundir.write_solution(self.folder, self.problem.reported(outcome.best), self._owned())
        result = {**self._result("finished", reason), **report, "solution": checksum, "records": records._asdict()}
        rundir.write_result(self.folder, result)
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
        """The evaluator's state, where it makes networks or films, and may need it to make the solution's again."""
        kind = type(self.built.evaluator)
        makes = kind.model is not Evaluator.model or kind.film is not Evaluator.film
        return self.built.evaluator.state_dict() if makes else {}

    def stuck(self, error: BaseException) -> None:
        """The run is given up with this error, but its code goes on; called from another thread."""
        try:
            self.stopped("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", str(error))
        finally:
            self.watch.stuck(error)

    def stopped(self, status: str, reason: str) -> None:
        """Write the ``result.json`` of a run that did not finish; one that had finished, or was interrupted before it
        went on, keeps its own. Where it cannot be written, what stopped the run is what the user should hear."""
        result = self._result(status, reason)
        has_one = (self.folder / rundir.RESULT).exists()
        if not self._finished and (self._goes_on or status == "failed" or not has_one):
            with suppress(FilesError):
                rundir.write_result(self.folder, result)
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
    """Write the traceback of the exception that is being handled to ``error.log``, where that can be done."""
    import traceback

    text = "".join(traceback.format_exception(*sys.exc_info()))
    with suppress(FilesError, OSError), appending(folder / rundir.ERROR_LOG) as file:
        file.write(text.encode(errors="backslashreplace"))
