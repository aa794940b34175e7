"""One entry of the catalogue: what the metadata and the source of a component or a preset say, read without running it.

What is wrong with a component is noted in its entry and disturbs no other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from evoplug.catalogue import definitions, modules
from evoplug.catalogue.definitions import Definition, Parameter
from evoplug.catalogue.installed import GROUPS, Owner, qualify, unmet
from evoplug.contracts import CONTRACTS

_CONTRACTS = {contract.group: contract.__name__ for contract in CONTRACTS}


class Entry(NamedTuple):
    """One component, or one preset, as far as metadata and source tell."""

    group: str
    name: str
    value: str
    """``module:Class``, or ``FILE.py:Class``; of a preset, the package that holds it."""
    distribution: str
    """Of a part beside a configuration, the name of its file."""
    version: str
    """Empty for a part beside a configuration."""
    file: Path | None = None
    line: int | None = None
    docstring: str = ""
    """Of a preset, the comment that it begins with."""
    parameters: tuple[Parameter, ...] = ()
    kinds: tuple[str, ...] = ()
    """The kinds of genome that it works on; empty means any."""
    class_vars: Mapping[str, Any] = {}
    """Literal class variables of the class and its bases in the same package, e.g. ``needs``, ``costs``, ``examples``;
    those that only the contract has are not among them."""
    problem: str | None = None
    """What is broken."""
    complete: bool = True
    """False where only an import tells all, e.g. because a base class is in another package."""

    @property
    def doc(self) -> str:
        """The first line of the docstring."""
        return self.docstring.partition("\n")[0]

    def __str__(self) -> str:
        """As error messages name it: ``evoplug.mutations: levy = evoplug_levy:Levy (evoplug-levy 1.0)``."""
        group = qualify(self.group) if self.group in GROUPS else self.group
        owner = f" ({self.distribution} {self.version})" if self.version else ""
        return f"{group}: {self.name} = {self.value}{owner}"


def component(group: str, owner: Owner, file: Path | None, definition: Definition | None, problem: str | None) -> Entry:
    """The entry of a component: what its definition says, as far as there is one."""
    known = definition or Definition(complete=False)
    return Entry(
        group,
        owner.name,
        owner.value,
        owner.distribution,
        owner.version,
        known.file or file,
        known.line,
        known.docstring,
        known.parameters,
        known.kinds,
        known.class_vars,
        problem or (_misfit(group, owner.value, definition) if definition else None),
        known.complete,
    )


def installed(group: str, owner: Owner) -> Entry:
    """The entry of an installed component, read from its source."""
    file, definition, problem = _read(owner.value)
    return component(group, owner, file, definition, unmet(owner.distribution) or problem)


def _read(value: str) -> tuple[Path | None, Definition | None, str | None]:
    """The file of ``module:Class``, what it says, and what is wrong; None for each that is not known."""
    module, _, name = value.partition("[")[0].strip().partition(":")
    if not name:
        return None, None, f"its entry point `{value}` names no class: write `module:Class`"
    file, problem = modules.locate(module)
    if file is None:
        return None, None, problem
    try:
        text = definitions.read(module, file)
        definition = text.definition(name)
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}" if error.lineno else error.filename
        return file, None, f"syntax error in {place}: {error.msg}"
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return file, None, f"{file} cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
    if definition is None:
        found = text.binds(name.partition(".")[0])
        return file, None, None if found else f"module `{module}` has no `{name}`"
    return file, definition, None


def _misfit(group: str, value: str, definition: Definition) -> str | None:
    """What a class does not do that its group's contract asks for."""
    name = value.rpartition(":")[2].partition("[")[0].strip()
    wanted = _CONTRACTS.get(group)
    if wanted is not None and not definition.contracts & {wanted, "?"}:
        return f"`{name}` does not extend `{wanted}`, the contract of evoplug.{group}"
    if definition.ignored:
        fields = ", ".join(f"`{field}`" for field in definition.ignored)
        above = "write @dataclass(kw_only=True) above it"
        return f"`{name}` is no dataclass, so its fields are no parameters ({fields}): {above}"
    return None


def presets(owner: Owner) -> Iterator[Entry]:
    """An entry for each TOML file in the package that an entry point of the group ``presets`` names."""
    source = (owner.value, owner.distribution, owner.version)
    folders = [place for place in modules.places(owner.value) if place.is_dir()]
    if not folders:
        yield Entry("presets", owner.name, *source, problem=f"there is no package `{owner.value}`")
    for folder in folders:
        for file in sorted(folder.rglob("*.toml")):
            name = file.relative_to(folder).with_suffix("").as_posix()
            yield Entry("presets", name, *source, file, 1, _opening_comment(file), problem=unmet(owner.distribution))


def _opening_comment(file: Path) -> str:
    lines = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return "\n".join(lines)
