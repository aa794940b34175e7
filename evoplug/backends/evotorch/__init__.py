"""The core's only door to EvoTorch: rows of a tensor bred by one function, and its own searchers.

Importing this package imports EvoTorch, which is slow to import: do it when a run needs it.
"""

from __future__ import annotations

import logging
import os
import warnings

os.environ.setdefault("EVOTORCH_VERBOSE_LEVEL", "-1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from evotorch import algorithms
logging.getLogger("evotorch").setLevel(logging.WARNING)

from evoplug.backends.evotorch.rows import RowsLoop  # noqa: E402
from evoplug.backends.evotorch.searcher import SearcherLoop  # noqa: E402

__all__ = ["RowsLoop", "SearcherLoop", "algorithms"]
