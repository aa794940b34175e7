"""The only door to EvoTorch: rows of a tensor bred by one function, its own searchers, and what new ones are made of.

Importing this package imports EvoTorch, and torch with it: do it when a run needs it. What EvoTorch imports for its
actors, tables, PyCMAES, loggers and neuroevolution waits until one of these is used.
"""

from __future__ import annotations

import logging
import os
import warnings

from evoplug.backends.evotorch.lazily import imported_lazily

SELDOM = ("cma", "evotorch.logging", "evotorch.neuroevolution", "pandas", "ray", "ray.util")
"""No base class of what is imported here is in one of these."""

os.environ.setdefault("EVOTORCH_VERBOSE_LEVEL", "-1")
with warnings.catch_warnings(), imported_lazily(*SELDOM):
    warnings.simplefilter("ignore")
    from evotorch import SolutionBatch, algorithms
    from evotorch.algorithms.searchalgorithm import SearchAlgorithm, SinglePopulationAlgorithmMixin
    from evotorch.distributions import Distribution
logging.getLogger("evotorch").setLevel(logging.WARNING)

from evoplug.backends.evotorch.bridge import Bridge, plain  # noqa: E402
from evoplug.backends.evotorch.rows import RowsLoop  # noqa: E402
from evoplug.backends.evotorch.searcher import SearcherLoop  # noqa: E402

__all__ = [
    "Bridge", "Distribution", "RowsLoop", "SearchAlgorithm", "SearcherLoop", "SinglePopulationAlgorithmMixin",
    "SolutionBatch", "algorithms", "plain",
]  # fmt: skip
