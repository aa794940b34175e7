"""Weights that members begin with, from a file: ``[evaluator.pretrained]``."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from evoplug import FilesError
from evoplug.contracts import ConfigError
from evoplug_supervised.folder import damaged, data_folder, unreadable
from evoplug_supervised.teams import state_of

SUFFIXES = (".pt", ".pth", ".safetensors")

NAMED = 3
"""Weights that a message names, at most."""

Rename = Callable[[str], str]
"""The name that a network gives to what a file calls otherwise."""

Tensors = Mapping[str, torch.Tensor]


class Pretrained(NamedTuple):
    """Which file, and what is taken from it."""

    file: str
    """Absolute, or in the data folder."""
    new: tuple[str, ...] = ()
    """Patterns of names of weights that are drawn, whatever the file holds."""
    partial: bool = False
    """Whether the rest may fit in part."""

    @property
    def path(self) -> Path:
        return data_folder(None) / Path(self.file).expanduser()


class Beginning(NamedTuple):
    """What members begin with; what is not in it is drawn."""

    weights: Tensors
    buffers: Tensors
    digest: str
    """SHA-256 of the file."""


NOTHING = Beginning({}, {}, "")
"""All is drawn."""


def of(table: Mapping[Any, Any]) -> Pretrained:
    """A table without mistakes."""
    return Pretrained(**{**table, "new": tuple(table.get("new", ()))})


def mistakes(table: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """(key, message) of each value that cannot be."""
    file, new = table.get("file"), table.get("new", ())
    if file is None:
        yield "pretrained.file", "is missing"
    elif not isinstance(file, str) or Path(file).suffix not in SUFFIXES:
        yield "pretrained.file", f"must name a file that ends in {', '.join(SUFFIXES)}, got {file!r}"
    if not isinstance(new, list | tuple) or not all(isinstance(pattern, str) for pattern in new):
        yield "pretrained.new", f"must be a list of patterns of names of weights, got {new!r}"
    if not isinstance(table.get("partial", False), bool):
        yield "pretrained.partial", f"must be true or false, got {table['partial']!r}"


def begin(pretrained: Pretrained, module: nn.Module, rename: Rename) -> Beginning:
    """Read what members of an architecture begin with.

    Args:
        module: one of them; it stays as it is.
        rename: of names in the file.

    Raises:
        FilesError: if the file is missing, damaged or holds no weights.
        ConfigError: if a pattern matches no weight, nothing fits, or not all fits where it has to; with the key.
    """
    state, path = state_of(module), pretrained.path
    for pattern in pretrained.new:
        if not _matches(pattern, state["weights"]):
            raise ConfigError(
                "pretrained.new", f"no weight has a name like `{pattern}`; there are {_first([*state['weights']])}"
            )
    given, digest = read(path)
    given = {rename(name): tensor for name, tensor in given.items() if not _is_new(rename(name), pretrained.new)}
    wanted = {name: w for part in ("weights", "buffers") for name, w in state[part].items()}
    wanted = {name: tensor for name, tensor in wanted.items() if not _is_new(name, pretrained.new)}
    fitting = {name: w for name, w in given.items() if name in wanted and wanted[name].shape == w.shape}
    unfit = _unfit(path, wanted, given, fitting)
    if unfit and not (pretrained.partial and fitting):
        raise ConfigError("pretrained.file", unfit)
    if unfit:
        logging.getLogger(__name__).warning(unfit)  # on stderr, unless a program wants it elsewhere
    parts = [
        {name: fitting[name].to(w.device, w.dtype) for name, w in state[part].items() if name in fitting}
        for part in ("weights", "buffers")
    ]
    return Beginning(parts[0], parts[1], digest)


def require_same(pretrained: Pretrained, now: Beginning, then: str) -> None:
    """Refuse to go on with another file than a run began with.

    Raises:
        FilesError: if the digest was another one.
    """
    if now.digest != then:
        raise FilesError(
            f"{pretrained.path} has changed since the run began: it goes on with the file of SHA-256 {then} alone"
        )


def read(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """The tensors of a file by their names, on the CPU, and its SHA-256.

    A state_dict may stand alone or under the key `state_dict`; of DataParallel's names, `module.` is left out; of a
    network with its preprocessing, as an export has them, only the network is taken; of a run's ``solution.pt`` the
    weights and buffers of its member.

    Raises:
        FilesError: if the file is missing, damaged or holds none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FilesError(f"{path} is missing: pretrained.file is absolute, or relative to the data folder") from error
    except OSError as error:
        raise unreadable(error, path) from error
    found = _safetensors(content, path) if path.suffix == ".safetensors" else _torch(content, path)
    tensors = _state_dict(found)
    if not tensors:
        raise FilesError(f"{path} holds no state_dict, names of weights with tensors{_several(found)}")
    if wrong := next((name for name, w in tensors.items() if w.is_floating_point() and not w.isfinite().all()), None):
        raise FilesError(f"{path}: `{wrong}` holds numbers that are not finite")
    return tensors, hashlib.sha256(content).hexdigest()


def _torch(content: bytes, path: Path) -> Any:
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can raise nearly anything
        raise damaged(
            path, "torch.load(weights_only=True) finds more in it than tensors and plain data, or less"
        ) from error


def _safetensors(content: bytes, path: Path) -> Any:
    try:
        from safetensors.torch import load
    except ModuleNotFoundError as error:
        raise FilesError(f"{path} needs the package safetensors: pip install evoplug[safetensors]") from error
    try:
        return load(content)
    except Exception as error:  # of its own kinds
        raise damaged(path, str(error)) from error


def _state_dict(found: Any) -> dict[str, torch.Tensor]:
    """As :func:`read` says; empty where there is none."""
    if not isinstance(found, Mapping):
        return {}
    if isinstance(member := found.get("member"), Mapping):  # a solution
        (state,) = member.get("states") or [{}]
        return {**state.get("weights", {}), **state.get("buffers", {})} if isinstance(state, Mapping) else {}
    prefix = "1." if "source" in found else ""  # an export: preprocessing and network
    tensors = found.get("state_dict", found)
    if not isinstance(tensors, Mapping):
        return {}
    tensors = {name: tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
    if tensors and all(name.startswith("module.") for name in tensors):
        prefix = "module."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _several(found: Any) -> str:
    """What else an export of several networks may be told."""
    parts = found.items() if isinstance(found, Mapping) else ()
    names = [str(name) for name, part in parts if isinstance(part, Mapping) and "state_dict" in part]
    return f"; it holds the networks {', '.join(names)}: store one as a file of its own" if names else ""


def _unfit(path: Path, wanted: Tensors, given: Tensors, fitting: Tensors) -> str:
    """One line that says what of the file or the network has no counterpart; empty where all fits.

    Old files lack counts of batches, by which no output goes.
    """
    shapes = [
        f"{name} {tuple(given[name].shape)} for {tuple(wanted[name].shape)}"
        for name in given
        if name in wanted and name not in fitting
    ]
    lacking = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    beyond = [name for name in given if name not in wanted]
    parts = [("of other shapes", shapes), ("not in the file", lacking), ("not in the network", beyond)]
    said = "; ".join(f"{len(names)} {what}: {_first(names)}" for what, names in parts if names)
    if not said:
        return ""
    return f"{path} fits {len(fitting)} of the network's {len(wanted)} tensors: {said}"


def _first(names: Sequence[str]) -> str:
    return ", ".join([*names[:NAMED], *(["..."] if len(names) > NAMED else [])])


def _matches(pattern: str, names: Mapping[str, Any]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _is_new(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
