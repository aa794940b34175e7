"""Mutation ``stray-class``."""


class StrayClass:
    """Extends nothing."""

    def __call__(self, genomes, rng):
        return genomes
