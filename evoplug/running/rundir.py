"""Run folders: what a run leaves on disk, and reading it again."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from evoplug.errors import FilesError
from evoplug.running import records
from evoplug.running.solution import Solution
from evoplug.types import Members, compact

CONFIG, RESOLVED, ENVIRONMENT, LOCK = "config.toml", "resolved.toml", "environment.json", "plugins.lock"
METRICS, RESULT, SOLUTION, ERROR_LOG, CHECKPOINTS = (
    "metrics.jsonl", "result.json", "solution.pt", "error.log", "checkpoints",
)  # fmt: skip

_SEED_FOLDER = re.compile(r"seed-\d+(-\d+)?")


def arm_folder(folder: Path) -> Path:
    """The folder that names a run's arm: the one above ``seed-<n>``, else the run's own."""
    path = folder.resolve()
    return path.parent if _SEED_FOLDER.fullmatch(path.name) else path


class Run:
    """A run folder, finished or not. Reads only. It stands wherever a folder can: ``evoplug.compare(*runs)``.

    Args:
        folder: the folder, e.g. ``runs/leea-mnist/run/seed-1``.

    Raises:
        FilesError: if it is no run folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._kept: dict[str, tuple[tuple[int, int], Any]] = {}
        if not (self.folder / RESOLVED).is_file():
            raise FilesError(f"{self.folder}: not a run folder ({RESOLVED} is missing)")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration with every default."""
        import tomllib

        try:
            return tomllib.loads((self.folder / RESOLVED).read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise FilesError(f"{self.folder / RESOLVED}: cannot be read: {error}") from error

    @property
    def arm(self) -> str:
        """Whose run it is: ``"small-batch"`` of ``.../small-batch/seed-1``; of any other folder its own name."""
        return arm_folder(self.folder).name

    @property
    def seed(self) -> int:
        """The seed that it began from."""
        seed: int = self.config["run"]["seed"]
        return seed

    @property
    def result(self) -> dict[str, Any]:
        """``result.json``: status, reason, ledger, best, metrics; empty while the run has not ended."""
        found: dict[str, Any] = self._parsed(RESULT, _json) or {}
        return found

    @property
    def status(self) -> str:
        """ "finished", "interrupted", "failed", or "unfinished" where the run was killed or still goes on."""
        return self.result.get("status", "unfinished")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The records, a mapping a generation; a torn last line is left out."""
        found: list[dict[str, Any]] = self._parsed(METRICS, lambda path: records.read(path)[0]) or []
        return found

    @property
    def records(self) -> dict[str, list[Any]]:
        """The records by column, as ``evoplug plot`` names them: a value a generation, None where it has none.

        ``pandas.DataFrame(run.records)`` is the table.
        """
        return records.columns(self.metrics)

    def _parsed(self, name: str, parse: Callable[[Path], Any]) -> Any:
        """What a file holds, parsed anew only where it has changed since; None where it is not there."""
        path = self.folder / name
        if not path.is_file():
            return None
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if name not in self._kept or self._kept[name][0] != stamp:
            self._kept[name] = stamp, parse(path)
        return self._kept[name][1]

    @cached_property
    def best(self) -> Solution:
        """What a finished run found: genome, description, fitness and, where there is one, the ready network."""
        if self.status != "finished" or not (self.folder / SOLUTION).is_file():
            raise FilesError(f"{self.folder}: the run has not finished, so it has no solution")
        return Solution(self.folder / RESOLVED, self.result["best"], *_read_solution(self.folder / SOLUTION))

    @property
    def validation(self) -> dict[str, float]:
        """Validation metrics of the reported solution."""
        return self.result.get("validation", {})

    @property
    def test(self) -> dict[str, float]:
        """Test metrics of the reported solution."""
        return self.result.get("test", {})

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.status})"


def _json(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise FilesError(f"{path}: is damaged: {error}") from error
    return data


def create(out: str | os.PathLike[str] | None, name: str, seed: int) -> Path:
    """Make a new run folder: ``out``, or ``runs/<name>/run/seed-<seed>`` with a suffix where that is taken.

    Raises:
        FilesError: if ``out`` exists and is not empty, or cannot be made.
    """
    try:
        if out is not None:
            folder = Path(out)
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise FilesError(f"{folder}: exists and is not empty; resume it, or name another")
            return folder
        parent = Path("runs") / name / "run"
        parent.mkdir(parents=True, exist_ok=True)
        return _unused(parent, f"seed-{seed}")
    except OSError as error:
        raise FilesError(f"{error.filename}: cannot make a run folder: {error.strerror}") from error


def _unused(parent: Path, name: str) -> Path:
    """Make ``parent/name``, or the first of ``name-2``, ``name-3`` ... that is free; mkdir decides every race."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


def make(folder: Path) -> None:
    """Make a folder, with those above it, unless it is there.

    Raises:
        FilesError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FilesError(f"{folder}: cannot make a run folder: {error.strerror}") from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run folder: no other live process can, and a dead one's hold is gone with it.

    Raises:
        FilesError: if another run holds it: its pid and host.
    """
    from filelock import FileLock, Timeout

    owner = folder / ".owner"
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = owner.read_text(encoding="utf-8") if owner.is_file() else "another process"
        raise FilesError(f"{folder}: another run holds this folder ({who})") from None
    except OSError as error:
        raise FilesError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        owner.write_text(f"pid {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def write_solution(folder: Path, member: Members, owned: Mapping[str, Any]) -> None:
    """Replace ``solution.pt`` in one step: the reported member with its state, and the state of the evaluator that
    its network needs, as plain data and tensors."""
    import torch

    with replacing(folder / SOLUTION) as file:
        torch.save(compact({"member": member.state_dict(), "evaluator": owned}), file)


def _read_solution(path: Path) -> tuple[Members, Mapping[str, Any]]:
    """The inverse of :func:`write_solution`, on the CPU."""
    import torch

    try:
        with path.open("rb") as file:
            data = torch.load(file, map_location="cpu", weights_only=True)
        return Members.from_state_dict(data["member"], "cpu"), data["evaluator"]
    except Exception as error:  # damaged bytes can raise nearly anything
        raise FilesError(f"{path}: is damaged, or holds more than tensors and plain data") from error


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step."""
    write_text(path, json.dumps(records.plain(data), indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step."""
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``path`` in one step at the end of the block, or not at all.

    Raises:
        FilesError: if it cannot be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch wraps a failed write in a RuntimeError
        temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise FilesError(f"{path}: cannot be written: {reason}") from error
