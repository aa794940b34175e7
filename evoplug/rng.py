"""Random numbers: keyed streams, one root seed a run. Nothing else in evoplug draws numbers."""

from __future__ import annotations

import hashlib
import random
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import torch


class Rng:
    """A stream of random numbers that its seed alone determines.

    ``rng.torch``, ``rng.numpy`` and ``rng.python`` are generators of the three libraries, each made on first use and
    advancing as it is drawn from. ``rng.child(*key)`` is an independent stream that depends on the seed and the key
    alone, never on what was drawn before: so a row's numbers are the same whoever makes the row, and when.

    Args:
        seed: any integer of at most 64 bits.
        device: where ``rng.torch`` lives; a torch generator draws only for tensors on its own device.
    """

    def __init__(self, seed: int, device: str | torch.device = "cpu") -> None:
        self.seed = int(seed)
        self.device = device

    def child(self, *key: int | str) -> Rng:
        """The stream of ``key`` below this one; keys are integers and strings, e.g. ``child("mutation", 12)``."""
        text = f"{self.seed}|{key!r}".encode()
        return Rng(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1, self.device)

    @cached_property
    def torch(self) -> torch.Generator:
        import torch

        return torch.Generator(device=self.device).manual_seed(self.seed)

    @cached_property
    def numpy(self) -> numpy.random.Generator:
        import numpy

        return numpy.random.Generator(numpy.random.SFC64(abs(self.seed)))

    @cached_property
    def python(self) -> random.Random:
        return random.Random(self.seed)

    def __repr__(self) -> str:
        return f"Rng({self.seed}, device={str(self.device)!r})"
