"""Genotype ``composite``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from evoplug.contracts import ConfigError, Genotype, MinLen, Parts, Task, dataclass, field

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Composite(Genotype, genome="composite"):
    """Genomes of several parts, each with a genotype of its own, e.g. a loss function beside a learning rate.

    Genomes are :class:`evoplug.Parts`; one genome is a mapping part -> its row or value. Where all parts are real
    vectors, they are one together to whatever works on these and not on composites: part after part in one tensor.
    """

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"parts": {"position": {"use": "real-vector", "low": -1.0, "high": 1.0}}},
    )

    parts: Annotated[Mapping[str, Genotype], MinLen(1), "the genotype of each part, by name"] = field()

    def bind(self, task: Task) -> None:
        """Bind every part.

        Raises:
            ConfigError: what a part raised, with ``parts.NAME`` before its key.
        """
        for name, part in self.parts.items():
            try:
                part.bind(task)
            except ConfigError as error:
                raise ConfigError(mistakes=[m._replace(key=("parts", name, *m.key)) for m in error.mistakes]) from error

    def sample(self, n: int, rng: Rng) -> Parts:
        """n genomes; each part draws from a stream of its own, so that another part changes none of its numbers."""
        return Parts({name: part.sample(n, rng.child(name)) for name, part in self.parts.items()})

    def repair(self, genomes: Any) -> Parts:
        return Parts({name: part.repair(genomes[name]) for name, part in self.parts.items()})

    def describe(self, genome: Any) -> dict[str, Any]:
        """part -> its description."""
        return {name: part.describe(genome[name]) for name, part in self.parts.items()}

    def inherit(self, state: Any, parent: Any, child: Any, rng: Rng) -> Any:
        """What remains of the state after each part in turn has taken away what its change voids."""
        for name, part in self.parts.items():
            state = part.inherit(state, parent[name], child[name], rng.child(name))
        return state
