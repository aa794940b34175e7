"""Run folders: what a run leaves on disk, and reading it again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from evoplug.errors import FilesError, printable
from evoplug.running import reading, records
from evoplug.running.solution import Solution
from evoplug.running.writing import STRAY, Hashing, replacing, write_text
from evoplug.types import Members, compact

if TYPE_CHECKING:
    from evoplug.config import Experiment
    from evoplug.contracts import Film

CONFIG, RESOLVED, ENVIRONMENT, LOCK = "config.toml", "resolved.toml", "environment.json", "plugins.lock"
METRICS, RESULT, SOLUTION, ERROR_LOG, CHECKPOINTS = (
    "metrics.jsonl", "result.json", "solution.pt", "error.log", "checkpoints",
)  # fmt: skip
HOLD, OWNER, PLOTS, CLAIMS = ".lock", ".owner", "plots", "claims.json"
EPISODE = "episode.gif"
"""In the folder of the plots: the solution's episode."""
_FIRST_FILES = {HOLD, OWNER, LOCK, CONFIG, CLAIMS}
"""What a folder may have before :data:`RESOLVED` makes it a run folder."""

_SEED_FOLDER = re.compile(r"seed-\d+(-\d+)?")


def arm_folder(folder: Path) -> Path:
    """The folder that names a run's arm: the one above ``seed-<n>``, else the run's own."""
    path = folder.resolve()
    return path.parent if _SEED_FOLDER.fullmatch(path.name) else path


class Run:
    """A run folder, finished or not; it stands wherever a folder can, as in ``evoplug.compare(*runs)``.

    It reads only, and runs no code that the folder names: installed plugins alone are used, and what stands in files
    beside the run's configuration is left out.

    Args:
        folder: the folder, e.g. ``runs/leea-mnist/run/seed-1``.
        plugins: of the code beside the configuration, what you trust: files, or modules that functions come from.

    Raises:
        FilesError: if it is no run folder; and, from every property that reads, if a file of it is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], plugins: Iterable[str | os.PathLike[str]] = ()) -> None:
        self.folder = Path(folder)
        self.trusted = tuple(_place(os.fspath(each), Path()) for each in plugins)
        self._kept: dict[str, tuple[tuple[int, int], Any]] = {}
        if not reading.there(self.folder / RESOLVED):
            raise FilesError(f"{self.folder}: not a run folder ({RESOLVED} is missing)")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration with every default."""
        return reading.configuration(self.folder / RESOLVED)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The files beside the configuration that are not trusted."""
        named = (_place(str(each), self.folder) for each in self.config.get("plugins", ()))
        return tuple(each for each in named if each not in self.trusted)

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
        found: dict[str, Any] = self._parsed(RESULT, read_result) or {}
        return found

    @property
    def status(self) -> str:
        """ "finished", "interrupted", "failed", or "unfinished" where the run was killed or still goes on."""
        return self.result.get("status", "unfinished")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The records, a mapping a generation; a torn last line is left out."""
        return self._recorded[0]

    @property
    def torn(self) -> str | None:
        """A warning where the last line of the records is torn."""
        return self._recorded[1]

    @property
    def _recorded(self) -> tuple[list[dict[str, Any]], str | None]:
        """Against their checksum, where the run has finished."""
        whole = self.result.get("records")
        found = self._parsed(METRICS, lambda path: records.read(path, whole and records.Whole(**whole)))
        return found or ([], None)

    @property
    def records(self) -> dict[str, list[Any]]:
        """The records by column, as ``evoplug plot`` names them: a value a generation, None where it has none.

        ``pandas.DataFrame(run.records)`` is the table.
        """
        return records.columns(self.metrics)

    def _parsed(self, name: str, parse: Callable[[Path], Any]) -> Any:
        """What a file holds, parsed anew only where it has changed since; None where it is not there."""
        path = self.folder / name
        if not reading.there(path):
            return None
        stat = path.lstat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if name not in self._kept or self._kept[name][0] != stamp:
            self._kept[name] = stamp, parse(path)
        return self._kept[name][1]

    @cached_property
    def best(self) -> Solution:
        """What a finished run found: genome, description, fitness and, where there is one, the ready network."""
        if self.status != "finished" or not reading.there(self.folder / SOLUTION):
            raise FilesError(f"{self.folder}: the run has not finished, so it has no solution")
        checksum = self.result.get("solution")
        member, owned = _read_solution(self.folder / SOLUTION, checksum)
        notes = () if checksum else (f"{RESULT} has no checksum of {SOLUTION}: it was not verified",)
        return Solution(self.folder / RESOLVED, self.result["best"], member, owned, self.trusted, notes)

    def episode(self, count: int) -> Film | None:
        """What ``evoplug play`` has filmed of the solution, into ``plots/episode.gif``; None where it has not.

        Args:
            count: frames at most, about evenly spaced, the first and the last among them; 1 or more.

        Returns:
            The frames as an array ``(t, height, width, 3)``.
        """
        from evoplug.running import filming

        path = plots(self.folder) / EPISODE
        return filming.read(path, count) if reading.there(path) else None

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


def plots(folder: Path) -> Path:
    """The folder of a run's figures, there or not.

    Raises:
        FilesError: if it is a link.
    """
    path = folder / PLOTS
    if path.is_symlink():
        raise FilesError(f"{path}: is a symbolic link; none is followed inside a run folder")
    return path


def _place(name: str, folder: Path) -> str:
    """A file as an absolute path, a module as it is."""
    return str((folder / name).resolve()) if name.endswith(".py") else name


def write_result(folder: Path, result: Mapping[str, Any]) -> None:
    """Replace ``result.json``, with a checksum of all that is in it.

    Raises:
        FilesError: as :func:`write_json`.
    """
    plain = records.plain(result)
    write_json(folder / RESULT, {**plain, "checksum": _checksum(plain)})


def _checksum(result: Mapping[str, Any]) -> str:
    """Of values as JSON gives them back, however the file is laid out."""
    text = json.dumps({key: value for key, value in result.items() if key != "checksum"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_result(path: Path) -> dict[str, Any]:
    """A ``result.json``.

    Raises:
        FilesError: if it is damaged.
    """
    from evoplug.running.shapes import Ended, Finished

    found = reading.from_json(path, dict)
    if "checksum" in found and found["checksum"] != _checksum(found):
        raise FilesError(f"{path}: is damaged: its checksum is wrong")
    shape = Finished if found.get("status") == "finished" else Ended
    result: dict[str, Any] = reading.checked(found, shape, path)
    return result


def create(out: str | os.PathLike[str] | None, name: str, seed: int, here: Path = Path()) -> Path:
    """Make a new run folder: ``out``, or ``runs/<name>/run/seed-<seed>`` in ``here``, with a suffix where it is taken.

    Raises:
        FilesError: if ``out`` exists and holds anything but what a run left that ended while it was set up, or cannot
            be made.
    """
    try:
        if out is not None:
            folder = Path(out)
            folder.mkdir(parents=True, exist_ok=True)
            require_unused(folder)
            return folder
        parent = here / "runs" / name / "run"
        parent.mkdir(parents=True, exist_ok=True)
        return _unused(parent, f"seed-{seed}")
    except OSError as error:
        raise FilesError(f"{error.filename}: cannot make a run folder: {error.strerror}") from error


def require_unused(folder: Path) -> None:
    """Raise FilesError if a folder holds anything but what a run left that ended while it was set up."""
    inside = names(folder)
    if inside and not (HOLD in inside and is_set_up(inside)):
        raise FilesError(f"{folder}: exists and is not empty; resume it, or name another")


def names(folder: Path) -> set[str]:
    """What is in a folder.

    Raises:
        FilesError: if it is none, or cannot be read.
    """
    try:
        return {path.name for path in folder.iterdir()}
    except OSError as error:
        raise FilesError(f"{folder}: cannot be read: {error.strerror}") from error


def is_set_up(names: Iterable[str]) -> bool:
    """Whether a folder with these files in it is one that is being set up, or was when its process ended."""
    return all(name in _FIRST_FILES or STRAY.fullmatch(name) for name in names)


def begin(folder: Path, config: str, experiment: Experiment, lock: Mapping[str, Any]) -> None:
    """Make an unused folder a run folder. What makes it one is written last.

    Args:
        folder: held.
        config: as written.
        experiment: what it says.
        lock: the parts of the run.

    Raises:
        FilesError: if it cannot be written.
    """
    write_json(folder / LOCK, lock)
    write_text(folder / CONFIG, config)
    write_resolved(folder, experiment)


def write_resolved(folder: Path, experiment: Experiment) -> None:
    """Replace ``resolved.toml`` in one step."""
    import tomli_w

    from evoplug.config import resolved

    write_text(folder / RESOLVED, tomli_w.dumps(resolved(experiment)))


def is_finished(folder: Path) -> bool:
    """Whether the result of a finished run is in a folder.

    Raises:
        FilesError: if it is damaged.
    """
    path = folder / RESULT
    return reading.there(path) and read_result(path)["status"] == "finished"


def require_whole(run: Run) -> None:
    """Raise FilesError if a file is damaged that a session of a run goes on from."""
    _ = run.config, run.result, sessions(run.folder)


def sessions(folder: Path) -> list[Any]:
    """What ``environment.json`` says of the sessions so far.

    Raises:
        FilesError: if it is damaged.
    """
    from evoplug.running.shapes import Environment

    path = folder / ENVIRONMENT
    return list(reading.from_json(path, Environment)["sessions"]) if reading.there(path) else []


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
        raise FilesError(f"{folder}: cannot be made: {error.strerror}") from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run folder: no other live process can, and a dead one's hold is gone with it.

    Raises:
        FilesError: if another run holds it: its pid and host; or if it cannot be written.
    """
    from filelock import FileLock, Timeout

    owner, hold = folder / OWNER, folder / HOLD
    if hold.is_symlink():
        raise FilesError(f"{hold}: is a symbolic link; none is followed inside a run folder")
    lock = FileLock(hold)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FilesError(f"{folder}: another run holds this folder ({_who(owner)})") from None
    except OSError as error:
        raise FilesError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        write_text(owner, f"pid {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        with suppress(OSError):
            owner.unlink()
        lock.release()


def _who(owner: Path) -> str:
    try:
        return " ".join(reading.content(owner).decode(errors="replace").split())[:200]
    except FilesError:
        return "another process"


def write_solution(folder: Path, member: Members, owned: Mapping[str, Any]) -> str:
    """Replace ``solution.pt`` in one step: the reported member with its state, and the state of the evaluator that
    its network needs, as plain data and tensors.

    Returns:
        Its checksum, for ``result.json``.
    """
    import torch

    with replacing(folder / SOLUTION) as file:
        hashing = Hashing(file)
        torch.save(compact({"member": member.state_dict(), "evaluator": owned}), cast(IO[bytes], hashing))
    return hashing.digest


def _read_solution(path: Path, checksum: str | None) -> tuple[Members, Mapping[str, Any]]:
    """The inverse of :func:`write_solution`, on the CPU.

    Raises:
        FilesError: if it has another checksum, or holds anything else.
    """
    import torch

    try:
        with reading.opened(path) as file:
            if checksum is not None and hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                raise FilesError(f"{path}: is damaged: its checksum is not the one in {RESULT}")
            file.seek(0)
            data = torch.load(file, map_location="cpu", weights_only=True)
        return Members.from_state_dict(data["member"], "cpu"), data["evaluator"]
    except FilesError:
        raise
    except Exception as error:  # damaged bytes can raise nearly anything
        raise FilesError(f"{path}: is damaged, or holds more than tensors and plain data") from error


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step.

    Raises:
        FilesError: if it cannot be written, or a name in it is no UTF-8.
    """
    try:
        text = json.dumps(records.plain(data), indent=2, ensure_ascii=False) + "\n"
    except TypeError as error:
        raise FilesError(f"{path}: cannot be written: {printable(str(error))}") from error
    write_text(path, text.encode(errors="backslashreplace").decode())  # as JSON's own escapes
