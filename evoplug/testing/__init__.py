"""Conformance suites: what evoplug promises of the components of each contract, as tests.

::

    from evoplug.testing import MutationSuite
    from evoplug_levy import Levy


    class TestLevy(MutationSuite):
        component = Levy

The cases are the component's ``examples``, each built as a configuration builds it; so its package has to be
installed. Needs pytest.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evoplug import catalogue

_MODULES = (
    "crossovers", "datasets", "evaluators", "genotypes", "mutations", "networks", "operators", "plots",
    "presets", "randomness", "recorders", "selections", "strategies", "suite",
)  # fmt: skip
# Before they are imported, so that a failed assertion says what it compared.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))

from evoplug.testing.crossovers import CrossoverSuite  # noqa: E402
from evoplug.testing.datasets import DatasetSuite  # noqa: E402
from evoplug.testing.evaluators import EvaluatorSuite  # noqa: E402
from evoplug.testing.genotypes import GenotypeSuite  # noqa: E402
from evoplug.testing.mutations import MutationSuite  # noqa: E402
from evoplug.testing.networks import NetworkSuite  # noqa: E402
from evoplug.testing.plots import PlotSuite  # noqa: E402
from evoplug.testing.presets import PresetSuite  # noqa: E402
from evoplug.testing.recorders import RecorderSuite  # noqa: E402
from evoplug.testing.selections import SelectionSuite  # noqa: E402
from evoplug.testing.strategies import StrategySuite  # noqa: E402

__all__ = [
    "SUITES", "CrossoverSuite", "DatasetSuite", "EvaluatorSuite", "GenotypeSuite", "MutationSuite", "NetworkSuite",
    "PlotSuite", "PresetSuite", "RecorderSuite", "SelectionSuite", "StrategySuite", "suites",
]  # fmt: skip

SUITES: Mapping[str, type] = {
    suite.group: suite
    for suite in (
        GenotypeSuite, EvaluatorSuite, StrategySuite, SelectionSuite, CrossoverSuite, MutationSuite, DatasetSuite,
        NetworkSuite, RecorderSuite, PlotSuite, PresetSuite,
    )
}  # fmt: skip
"""Group -> its suite."""


def suites(distribution: str) -> dict[str, type]:
    """A subclass of the right suite for everything that an installed distribution registers, by its name.

    ``globals().update(suites("evoplug-levy"))`` makes a test module of it.
    """
    made = {}
    for entry in catalogue.entries():
        if entry.distribution == distribution:
            name = f"Test{entry.group.title()}_{entry.name}"
            made[name] = type(name, (SUITES[entry.group],), {"name": catalogue.usable(entry)})
    return made
