"""Mutation ``gaussian-seed``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from evoplug.contracts import ConfigError, Genotype, Gt, Mutation, dataclass
from evoplug.population.bounds import lost

if TYPE_CHECKING:
    from evoplug import Rng
    from evoplug_rl.seed_chain import Chain


@dataclass(kw_only=True)
class GaussianSeed(Mutation, genome="seed-chain"):
    """Add normal noise to all weights, theta + sigma * N(0, 1), by writing down its seed and sigma."""

    sigma: Annotated[float, Gt(0), "mutation strength"] = 0.005

    def bind(self, space: Genotype) -> None:
        """Raises ConfigError if sigma is no number in float32."""
        if wrong := lost(self.sigma, "float32"):
            raise ConfigError("sigma", wrong)

    def describe(self) -> dict[str, float]:
        return {"sigma": self.sigma}

    def __call__(self, genome: Chain, rng: Rng) -> Chain:
        return [*genome, [rng.seed, self.sigma]]
