"""A solution as a file that needs no evoplug: what plain torch, or any reader of JSON, loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evoplug.catalogue.local import importable
from evoplug.contracts import Model
from evoplug.errors import ConfigError
from evoplug.running.rundir import write_json
from evoplug.running.writing import replacing

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from evoplug.running.solution import Solution


class Exported(NamedTuple):
    """A file, and what its reader must know."""

    path: Path
    load: str
    """Lines of Python that load it."""
    notes: tuple[str, ...]
    """What it holds, a line each."""


def export(solution: Solution, file: Path) -> Exported:
    """Write a solution to a file; one that is there already is replaced. Weights that networks share are stored once.

    ``.pt2``
        The network with its preprocessing, as a program of ``torch.export``, for batches of any size; of several
        networks a program each, under its name. Where ``torch.export`` cannot take a network, a ``.pt`` beside it.
    ``.pt``
        The network's ``state_dict`` and the code that makes the network, as a dict; of several networks such a dict
        each, by name; without a network, the genome.
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
    model = solution.model
    if model is None:
        if file.suffix == ".pt2":
            raise ConfigError("", f"{file}: this solution is no network; export its genome to a .pt or .json file")
        return _genome(solution, file)
    if isinstance(model, Model):
        return _program(model, file) if file.suffix == ".pt2" else _weights(model, file)
    return _programs(model, file) if file.suffix == ".pt2" else _all_weights(model, file)


def _program(model: Model, file: Path) -> Exported:
    import torch

    try:
        program = _traced(model)
    except Exception as error:  # whatever a network does that cannot be traced
        return _instead("this network", error, _weights(model, file.with_suffix(".pt")))
    with replacing(file) as stream:
        torch.export.save(program, stream)
    load = f"import torch\nmodel = torch.export.load({str(file)!r}).module()"
    return Exported(file, load, (model.source.splitlines()[-1], f"model(x) {_takes(model)}"))


def _programs(models: Mapping[str, Model], file: Path) -> Exported:
    programs = {}
    for name, model in models.items():
        try:
            programs[name] = _traced(model)
        except Exception as error:
            return _instead(f"the network {name}", error, _all_weights(models, file.with_suffix(".pt")))
    from evoplug.running.archive import package

    with replacing(file) as stream:
        package(programs, stream)
    load = [
        "import torch",
        "from torch.export.pt2_archive._package import load_pt2",
        f"programs = load_pt2({str(file)!r}).exported_programs",
        "models = {name: program.module() for name, program in programs.items()}",
    ]
    return Exported(file, "\n".join(load), tuple(_all_take(models)))


def _traced(model: Model) -> ExportedProgram:
    """For batches of any size."""
    import torch

    return torch.export.export(model.module, (model.example,), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _instead(what: str, error: Exception, exported: Exported) -> Exported:
    """A file in place of a program, with the reason."""
    reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return exported._replace(notes=(f"torch.export cannot take {what} ({reason})", *exported.notes))


def _weights(model: Model, file: Path) -> Exported:
    saved = _saved(model)
    _save(saved, file)
    load = [
        "import torch",
        saved["source"],
        f"model.load_state_dict(torch.load({str(file)!r}, weights_only=True)['state_dict'])",
        "model.eval()",
    ]
    return Exported(file, "\n".join(load), (f"model(x) {_takes(model)}",))


def _all_weights(models: Mapping[str, Model], file: Path) -> Exported:
    saved = {name: _saved(model) for name, model in models.items()}
    _save(saved, file)
    load = ["import torch", f"saved = torch.load({str(file)!r}, weights_only=True)", "models = {}"]
    for name, of_one in saved.items():
        known = {line for line in load if line.startswith(("import ", "from "))}
        load += [line for line in of_one["source"].splitlines() if line not in known]
        load.append(f"models[{name!r}] = model")
    load += [
        "for name, model in models.items():",
        "    model.load_state_dict(saved[name]['state_dict'])",
        "    model.eval()",
    ]
    return Exported(file, "\n".join(load), tuple(_all_take(models)))


def _saved(model: Model) -> dict[str, Any]:
    return {"source": importable(model.source), "state_dict": model.module.state_dict()}


def _save(value: Any, file: Path) -> None:
    """Tensors that share memory are stored once, as ``torch.save`` does."""
    import torch

    with replacing(file) as stream:
        torch.save(value, stream)


def _genome(solution: Solution, file: Path) -> Exported:
    import torch

    genome = solution.genome
    _save(genome, file)
    shape = f" {tuple(genome.shape)}" if isinstance(genome, torch.Tensor) else ""
    load = f"import torch\ngenome = torch.load({str(file)!r}, weights_only=True)"
    return Exported(file, load, (f"genome{shape}, fitness {solution.fitness}",))


def _values(solution: Solution, file: Path) -> Exported:
    values = {"fitness": solution.fitness, "description": solution.description, "genome": solution.genome}
    write_json(file, values)
    load = f"import json, pathlib\nsolution = json.loads(pathlib.Path({str(file)!r}).read_text('utf-8'))"
    return Exported(file, load, (", ".join(values),))


def _takes(model: Model) -> str:
    shape = ", ".join(["n", *map(str, model.example.shape[1:])])
    return f"takes raw examples: x ({shape}), {str(model.example.dtype).removeprefix('torch.')}"


def _all_take(models: Mapping[str, Model]) -> Iterator[str]:
    """A line for all that take the same."""
    alike: dict[str, list[str]] = {}
    for name, model in models.items():
        alike.setdefault(_takes(model), []).append(name)
    for takes, names in alike.items():
        yield f"models[name](x) {takes}; name: {', '.join(names)}"
