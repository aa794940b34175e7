"""The command line: parses, calls the API, prints. Nothing else prints."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

import click

from evoplug import __version__
from evoplug.cli.leaving import end, leave, said
from evoplug.errors import EvaluationError, EvoplugError, FilesError
from evoplug.running.signals import Stopper
from evoplug.showing.streams import UNWRITABLE, drop, open_closed


class _Lazy(NamedTuple):
    """A command that is imported when it is called."""

    target: str
    """``module:function``."""
    summary: str


_COMMANDS = {
    "run": _Lazy("evoplug.cli.running:run", "Run an experiment from a file or a preset."),
    "resume": _Lazy("evoplug.cli.running:resume", "Go on with an interrupted run."),
    "list": _Lazy("evoplug.cli.listing:list_", "List what is installed."),
    "show": _Lazy("evoplug.cli.listing:show", "Show one component or preset in full."),
    "check": _Lazy("evoplug.cli.checking:check", "Check a configuration without running it."),
    "compare": _Lazy("evoplug.cli.comparing:compare", "Compare the arms of sweeps, with a test of every claim."),
    "export": _Lazy("evoplug.cli.exporting:export", "Write a run's solution to a file that plain torch loads."),
    "play": _Lazy("evoplug.cli.playing:play", "Film an episode of a run's solution."),
    "plot": _Lazy("evoplug.cli.plotting:plot", "Draw the figures of runs."),
    "report": _Lazy("evoplug.cli.reporting:report", "Write one page about a run or a sweep."),
    "new-plugin": _Lazy("evoplug.cli.scaffolding:new_plugin", "Write a new plugin project."),
    "data": _Lazy("evoplug.cli.data:data", "Show or fetch data sets."),
    "doctor": _Lazy(
        "evoplug.cli.doctoring:doctor_", "Load every plugin, and show what is broken, the machine and the data."
    ),
}


class Commands(click.Group):
    """A group whose help knows its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if cmd_name not in _COMMANDS:
            near = get_close_matches(cmd_name, _COMMANDS, n=1)
            ctx.fail(f"there is no command `{cmd_name}`" + (f"; did you mean `{near[0]}`?" if near else ""))
        module, _, function = _COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in _COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="evoplug", message="%(prog)s %(version)s")
def commands() -> None:
    """Evolutionary methods for deep learning, from one TOML file."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command ``evoplug``; always ends in SystemExit. A command that returns an int sets the exit code.

    Without ``arguments`` they are those of this process, which is then the command's own: after a signal it ends at
    once, and so it does where an evaluation has failed and left threads at work, for which Python would wait.
    """
    open_closed()
    # A notebook's backend, which the commands it starts inherit and often lack; figures go to files, with none.
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an encoding lacks is shown as an escape
    before = set(threading.enumerate())
    try:
        with Stopper(patient=False, stuck=leave):
            code = _run(arguments)
    except KeyboardInterrupt as error:
        code = said(error)
    strays = set(threading.enumerate()) - before
    if arguments is None and (code > 128 or (code == EvaluationError.exit_code and strays)):
        end(code)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """Carry out a command; its exit code."""
    try:
        result = commands.main(arguments, prog_name="evoplug", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EvoplugError as error:
        return said(error)
    except click.Abort as error:  # how click passes on a KeyboardInterrupt, of which Interrupted is one
        return said(error.__cause__ or error)
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        drop()
        return 1 if isinstance(error, BrokenPipeError) else said(FilesError(f"cannot write: {error.strerror}"))
