"""What must be equal in two runs for their metrics to mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def problem(config: Mapping[str, Any]) -> dict[str, Any]:
    """The data set, whoever evaluates on it, or the function and its number of genes.

    Args:
        config: of one run, with every default.
    """
    evaluator, genotype = config["evaluator"], config.get("genotype", {})
    if isinstance(dataset := evaluator.get("dataset"), Mapping):
        return {"evaluator": {"dataset": dataset.get("use")}}
    function = {"use": evaluator["use"], "function": evaluator.get("function")}
    return {"evaluator": function, "genotype": {"length": genotype.get("length")}}
