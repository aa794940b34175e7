"""What parts of a genome can set of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evoplug.contracts import Genotype
from evoplug_supervised import groups

PARTS = ("architecture", "loss", "learning_rate", "momentum", "weight_decay")
"""All of them."""


def parts(genotype: Genotype | None) -> Mapping[str, Any]:
    """Name -> what sets it, a part or the whole; empty where nothing is set by genes, or nobody can tell what is."""
    if genotype is None or genotype.parts:
        return {} if genotype is None else genotype.parts
    return {name: genotype for name in ("architecture", "loss") if name in genotype.kinds}


def misfits(settings: Any, genotype: Genotype | None) -> Iterator[tuple[str, str]]:
    """(key, message) of each part of the genotype that cannot set what it is named after.

    Args:
        settings: the parameters of `train`.
    """
    known = parts(genotype)
    if settings.groups and "architecture" in known:
        yield "groups", "are of one network, and the genotype's architecture gives each member its own"
    if genotype is not None and not known:
        yield "", f"needs a composite genotype, whose parts are of {', '.join(PARTS)}; or none"
    for name, part in known.items():
        if name not in PARTS:
            yield "", f"does not know the genotype's part `{name}`; choices: {', '.join(PARTS)}"
        elif getattr(settings, (key := "network" if name == "architecture" else name)) is not None:
            yield key, f"is set by the genotype's {name} too; leave out one of the two"
        elif name == "architecture":
            if settings.pretrained is not None:
                yield "pretrained", "is for one network, and the genotype's part `architecture` sets many"
            if not hasattr(part, "network"):
                yield "", f"the genotype's part `architecture` is a {part.kinds[0]}, which gives no network"
        elif name == "loss":
            if not hasattr(part, "loss"):
                yield "", f"the genotype's part `loss` is a {part.kinds[0]}, which gives no loss function"
        elif name == "momentum" and settings.optimizer == "adam":
            yield "optimizer", "the genotype's part `momentum` sets that of sgd; adam has none to set"
        elif (length := getattr(part, "length", None)) is None or (length > 1 and name not in groups.RATES):
            yield "", f"the genotype's part `{name}` must be a real-vector of length 1"
        elif length > 1 and not settings.groups:
            yield "groups", f"are none, so the genotype's part `{name}` takes 1 gene; it has {length}"
        elif (part.lower < 0).any():
            yield "", f"the genotype's part `{name}` must not go below 0"
        elif name == "momentum" and (part.upper >= 1).any():
            yield "", "the genotype's part `momentum` must stay below 1: set its `high`"
