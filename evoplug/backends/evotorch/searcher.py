"""EvoTorch's own searchers behind the loop: SNES, XNES, PGPE, CEM, CMA-ES and their kin."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from evotorch import SolutionBatch
from evotorch.algorithms import CMAES
from evotorch.algorithms.searchalgorithm import SearchAlgorithm
from evotorch.distributions import Distribution
from evotorch.optimizers import ClipUp, TorchOptimizer

from evoplug.backends import choice
from evoplug.backends.evotorch.bridge import Bridge, plain
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import ConfigError, Problem
from evoplug.population.box import Box
from evoplug.types import Members, Outcome


class _NotFinite(ArithmeticError):
    """A sample of the search distribution is no number."""


class SearcherLoop(TrackedLoop):
    """A searcher of EvoTorch that samples and evaluates one population a step.

    The search is unbounded; where it leaves the range of the genotype, the nearest genome inside is evaluated. Genes
    on a log scale are searched by their logarithms.

    Args:
        problem: what to solve, with a genotype that is a ``"real-vector"``.
        make: builds the searcher around EvoTorch's view of the problem, given the width of each gene's range
            ``(d,)`` in search units (1 where a gene is unbounded).
        isotropic: whether one step size serves all genes: then they are searched in units in which all ranges are
            equally wide.
    """

    def __init__(
        self, problem: Problem, make: Callable[[Bridge, torch.Tensor], SearchAlgorithm], isotropic: bool = False
    ) -> None:
        super().__init__(problem)
        self._collapse: str | None = None
        assert problem.genotype is not None
        self._box = Box.of(problem.genotype)
        self._bridge = Bridge(problem, self._start_values, self._evaluate)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CMA-ES copies tensors in ways that torch and numpy advise against
            width = self._width()
            unequal = isotropic and bool((width != width[0]).any())
            self._unit = width / width.mean() if unequal else None
            self._searcher = make(self._bridge, width if self._unit is None else width / self._unit)

    def step(self) -> None:
        """One step of the searcher: sample, evaluate, update; where its distribution does not survive that, the search
        is :attr:`over`.

        Raises:
            ConfigError: if the first distribution already gives samples that are no numbers.
        """
        try:
            self._searcher.step()
        except torch.linalg.LinAlgError:
            self._collapse = "its covariance matrix has become singular"
        except _NotFinite:
            if self._best is None:
                raise ConfigError("strategy", self._too_wide()) from None
            self._collapse = "it is no longer finite"
            return
        self.track()

    @property
    def over(self) -> str | None:
        """Once the search distribution has collapsed: no sample can differ from its centre, or it is no distribution
        any more, which both happens where rounding decides between samples."""
        collapse = self._collapse
        if collapse is None and self.problem.generation > 1:
            centre = self._centre()[0]
            collapse = "no sample differs from its centre" if (centre + self._stdev() == centre).all() else None
        return None if collapse is None else f"the search distribution has collapsed: {collapse}"

    def _too_wide(self) -> str:
        dtype = str(self._bridge.dtype).removeprefix("torch.")
        return f"the first search distribution is too wide for {dtype}: its samples are no numbers; make sigma smaller"

    @property
    def status(self) -> Mapping[str, Any]:
        """``stdev``: mean deviation of the search distribution (CMA-ES: its step size), in search units."""
        if isinstance(self._searcher, CMAES):
            return {"stdev": torch.as_tensor(self._searcher.status["stepsize"]).item()}
        return {"stdev": self._stdev().mean().item()}

    def _stdev(self) -> torch.Tensor:
        """``(d,)`` deviation of each coordinate of the search distribution, in search units."""
        if isinstance(self._searcher, CMAES):
            root = plain(self._searcher.A)
            return plain(self._searcher.sigma) * (root.norm(dim=1) if root.ndim == 2 else root)
        stdev = plain(torch.as_tensor(self._searcher.status["stdev"]))
        return stdev.norm(dim=1) if stdev.ndim == 2 else stdev  # of xnes, a root of the covariance matrix

    def finish(self) -> Outcome:
        """Of the best sample and the centre of the search distribution the better one; beside it the other."""
        if not self._centre().isfinite().all():
            return super().finish()
        centre = self.problem.members(self._genomes(self._centre()))
        return choice.outcome(self.problem, self.best, self._best_generation, centre)

    def _centre(self) -> torch.Tensor:
        """``(1, d)``, in search units."""
        return plain(torch.as_tensor(self._searcher.status["center"])).reshape(1, -1)

    def _start_values(self, n: int) -> torch.Tensor:
        genomes: Any = self.problem.sample(n).genomes
        coordinates = self._box.encode(genomes)
        return coordinates if self._unit is None else coordinates / self._unit

    def _genomes(self, values: torch.Tensor) -> torch.Tensor:
        """What stands at points ``(n, d)`` of the search, in natural units inside the bounds: a new tensor."""
        return self._box.decode_(values.clone() if self._unit is None else values * self._unit)

    def _width(self) -> torch.Tensor:
        width = self._box.width
        bridge = self._bridge
        ones = torch.ones(bridge.solution_length, dtype=bridge.dtype, device=bridge.device)
        if width is None:
            return ones
        width = width.to(bridge.device)
        return torch.where(width.isinf(), ones, width)

    def _evaluate(self, values: torch.Tensor) -> torch.Tensor:
        if not values.isfinite().all():
            raise _NotFinite
        self.members = self.problem.members(self._genomes(values))
        return self.problem.evaluate(self.members).fitness

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "searcher": _plain(vars(self._searcher)),
            "generator": self._bridge.generator.get_state(),
            "members": self.members.state_dict(),
            "collapse": self._collapse,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        _restore(self._searcher, state["searcher"], self._bridge)
        self._collapse = state["collapse"]
        self._bridge.generator.set_state(state["generator"])
        self.members = Members.from_state_dict(state["members"], self.problem.device)
        super().load_state_dict(state)


# A searcher is never pickled: its hooks and its problem would come apart. Rebuilt from the configuration, it differs
# from the saved one in attributes of the few types below, whatever the algorithm.


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that are data."""
    saved: dict[str, Any] = {}
    for name, value in attributes.items():
        if isinstance(value, torch.Tensor):
            saved[name] = plain(value)
        elif isinstance(value, bool | int):
            saved[name] = value
        elif isinstance(value, float):
            saved[name] = float(value)  # numpy's floats are no plain data
        elif isinstance(value, SolutionBatch):
            saved[name] = {"values": plain(value.values), "evals": plain(value.evals)}
        elif isinstance(value, Distribution):
            saved[name] = {key: plain(part) for key, part in value.parameters.items() if _is_tensor(part)}
        elif isinstance(value, TorchOptimizer):
            saved[name] = value._optim.state_dict()
        elif isinstance(value, ClipUp):
            saved[name] = _plain(vars(value))
    return saved


def _restore(target: Any, saved: Mapping[str, Any], bridge: Bridge) -> None:
    """Set the attributes that :func:`_plain` took."""
    for name, value in saved.items():
        old = getattr(target, name, None)
        if isinstance(old, Distribution):
            setattr(target, name, old.modified_copy(**{k: v.to(bridge.device) for k, v in value.items()}))
        elif isinstance(old, TorchOptimizer):
            old._optim.load_state_dict(value)
        elif isinstance(old, ClipUp):
            _restore(old, value, bridge)
        elif isinstance(value, Mapping):
            batch = SolutionBatch(bridge, len(value["values"]), empty=True)
            batch.set_values(value["values"].to(bridge.device))
            batch.set_evals(value["evals"].to(bridge.device))
            setattr(target, name, batch)
        else:
            setattr(target, name, value.to(bridge.device) if _is_tensor(value) else value)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
