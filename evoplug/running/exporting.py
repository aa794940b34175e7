"""A solution as a file that needs no evoplug: what plain torch, or any reader of JSON, loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evoplug.errors import ConfigError
from evoplug.running.rundir import write_json
from evoplug.running.writing import replacing

if TYPE_CHECKING:
    import torch

    from evoplug.contracts import Model
    from evoplug.running.solution import Solution


class Exported(NamedTuple):
    """A file, and what its reader must know."""

    path: Path
    load: str
    """Lines of Python that load it."""
    notes: tuple[str, ...]
    """What it holds, a line each."""


def export(solution: Solution, file: Path) -> Exported:
    """Write a solution to a file; one that is there already is replaced.

    ``.pt2``
        The network with its preprocessing, as a program of ``torch.export``, for batches of any size. Where
        ``torch.export`` cannot take the network, a ``.pt`` beside it.
    ``.pt``
        The network's ``state_dict`` and the code that makes the network; without a network, the genome.
    ``.json``
        Fitness, description and genome.

    Raises:
        ConfigError: for another suffix, or ``.pt2`` without a network.
        FilesError: if the file cannot be written, or data that the preprocessing was fitted to are missing.
    """
    exported = _exported(solution, file)
    return exported._replace(notes=(*exported.notes, *solution.notes))


def _exported(solution: Solution, file: Path) -> Exported:
    if file.suffix not in (".pt2", ".pt", ".json"):
        raise ConfigError("", f"{file}: must end in .pt2 (program), .pt (weights or genome) or .json (genome)")
    if file.suffix == ".json":
        return _values(solution, file)
    if solution.model is None:
        if file.suffix == ".pt2":
            raise ConfigError("", f"{file}: this solution is no network; export its genome to a .pt or .json file")
        return _genome(solution, file)
    return _program(solution.model, file) if file.suffix == ".pt2" else _weights(solution.model, file)


def _program(model: Model, file: Path) -> Exported:
    import torch

    try:
        batches = ({0: torch.export.Dim("batch")},)
        program = torch.export.export(model.module, (model.example,), dynamic_shapes=batches)
    except Exception as error:  # whatever a network does that cannot be traced
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        instead = _weights(model, file.with_suffix(".pt"))
        return instead._replace(notes=(f"torch.export cannot take this network ({reason})", *instead.notes))
    with replacing(file) as stream:
        torch.export.save(program, stream)
    load = f"import torch\nmodel = torch.export.load({str(file)!r}).module()"
    return Exported(file, load, (model.source.splitlines()[-1], _takes(model.example)))


def _weights(model: Model, file: Path) -> Exported:
    import torch

    from evoplug.catalogue.local import importable

    source = importable(model.source)
    with replacing(file) as stream:
        torch.save({"source": source, "state_dict": model.module.state_dict()}, stream)
    load = [
        "import torch",
        source,
        f"model.load_state_dict(torch.load({str(file)!r}, weights_only=True)['state_dict'])",
        "model.eval()",
    ]
    return Exported(file, "\n".join(load), (_takes(model.example),))


def _genome(solution: Solution, file: Path) -> Exported:
    import torch

    genome = solution.genome
    with replacing(file) as stream:
        torch.save(genome, stream)
    shape = f" {tuple(genome.shape)}" if isinstance(genome, torch.Tensor) else ""
    load = f"import torch\ngenome = torch.load({str(file)!r}, weights_only=True)"
    return Exported(file, load, (f"genome{shape}, fitness {solution.fitness}",))


def _values(solution: Solution, file: Path) -> Exported:
    values = {"fitness": solution.fitness, "description": solution.description, "genome": solution.genome}
    write_json(file, values)
    load = f"import json, pathlib\nsolution = json.loads(pathlib.Path({str(file)!r}).read_text('utf-8'))"
    return Exported(file, load, (", ".join(values),))


def _takes(example: torch.Tensor) -> str:
    shape = ", ".join(["n", *map(str, example.shape[1:])])
    return f"model(x) takes raw examples: x ({shape}), {str(example.dtype).removeprefix('torch.')}"
