"""Evaluator ``gymnasium``."""

from __future__ import annotations

import copy
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property, partial
from typing import Annotated, Any, NamedTuple

import gymnasium
import numpy as np
import torch
from torch import nn

from evoplug import EvaluationError, Rng
from evoplug.contracts import (
    ConfigError,
    Evaluation,
    Evaluator,
    Film,
    Ge,
    Genotype,
    Members,
    Metrics,
    Model,
    Task,
    dataclass,
    field,
)
from evoplug.population.workers import count
from evoplug_rl.actions import Actions, actions
from evoplug_rl.arena import Arena
from evoplug_rl.dealt_arena import DealtArena
from evoplug_rl.ensembles import Ensembles, ensemble
from evoplug_rl.environment import Environment, EnvironmentGame, bare, make
from evoplug_rl.filming import frames
from evoplug_rl.game import Shapes, told
from evoplug_rl.local_arena import LocalArena
from evoplug_rl.moments import Moments, Seen
from evoplug_rl.observations import Observations, observations
from evoplug_rl.playing import EpisodeError, Played, Policy, arenas, play
from evoplug_rl.process_arena import ProcessArena
from evoplug_rl.senses import Senses

BLOCK = 2**27
"""Weights of members that are held at once: 512 MiB of those that are computed and not stored."""


class Spaces(NamedTuple):
    """What is to be known of the environment."""

    observations: Observations
    actions: Actions
    limit: int | None
    """Steps after which it cuts an episode off."""
    drawn: bool
    """Whether it can draw itself."""
    rate: float
    """Of its frames, in frames a second."""


@dataclass(kw_only=True)
class Gymnasium(Evaluator, genome=("weights", "seed-chain")):
    """Play an environment of Gymnasium; fitness is the mean return of some episodes.

    The members' networks are the policies. Observations are vectors, images (bytes, which are divided by 255, with
    the channels first) or what Gymnasium flattens into a vector. An action is the largest of the outputs, of several
    discrete ones the largest of each part; of a continuous one each output is squashed by tanh and stretched over the
    bounds. All members are stepped together, see :func:`evoplug_rl.playing.play`.

    The run's `workers` step an equal share of the environments each, in processes of their own but for one. Where an
    environment is registered with a class, and not with its name, ``module:Class``, that one steps all.

    A member whose observations, rewards or outputs are no finite numbers has no finite fitness. A case is an
    episode, its return; the episodes of the next generation are others.

    ``measure`` plays the same episodes in every run, whatever its seed, and gives the mean return, ``score``, and the
    ``deviation`` of single returns. ``describe`` gives the number of ``weights``.
    """

    environment: Annotated[str, "id, as `gymnasium.make` takes it; of another package MODULE:ID"] = "CartPole-v1"
    options: Annotated[
        Mapping[str, bool | int | float | str | tuple[bool | int | float | str, ...]],
        "further arguments of `gymnasium.make`, such as `max_episode_steps` in place of its own limit",
    ] = field(default_factory=dict)
    episodes: Annotated[int, Ge(1), "a member, whose mean return is its fitness"] = 1
    same_episodes: Annotated[
        bool,
        "whether all members of a generation begin alike: better where they are only held against each other, as in "
        "snes, pgpe, cma-es or leea. Where a fitness is kept for generations, as in mu-plus-lambda, luck is kept "
        "either way, that of a generation or that of a member: take more episodes",
    ] = True
    cap: Annotated[
        Annotated[int, Ge(1)] | None, "steps after which an episode is cut off; by default at the environment's limit"
    ] = None
    normalise: Annotated[
        bool,
        "take the running mean from observations and divide by the running deviation, of all that was seen in "
        "generations before",
    ] = False
    slots: Annotated[
        int, Ge(1), "environments at most, of each half where the networks are on a GPU; changes no result"
    ] = 256
    test_episodes: Annotated[int, Ge(1), "played on test"] = 100
    validation_episodes: Annotated[int, Ge(0), "played on validation; by default there is no such split"] = 0

    provides = ("cases",)
    costs = ("steps", "episodes")
    headline = "score"
    minimised = ("deviation", "weights")
    examples = ({}, {"environment": "Pendulum-v1", "episodes": 2, "normalise": True, "cap": 20, "test_episodes": 2})

    def check(self) -> Iterable[tuple[str, str]]:
        try:
            spaces = self._spaces
        except ConfigError as error:
            yield from ((str(key), message) for (key,), message, _ in error.mistakes)
            return
        if self.normalise and spaces.observations.image:
            yield "normalise", "is for vectors: images are divided by 255"

    def task(self) -> Task:
        seen, actions = self._spaces.observations, self._spaces.actions
        return Task(input_shape=Senses(seen.shape, seen.image).inputs, outputs=actions.outputs)

    def bind(self, genotype: Genotype | None) -> None:
        if not hasattr(genotype, "weights"):
            raise ConfigError((), "needs a genotype of weights")
        if self.reads_cases and not self.same_episodes:
            raise ConfigError("same_episodes", "must be true for a selection by cases: a case is an episode of all")
        self._genotype: Any = genotype
        self._moments = Moments.none(self._spaces.observations.shape)

    def start(self, device: torch.device, rng: Rng) -> None:
        self._genotype.template.to(device)
        self._device = device
        self._arenas = arenas(device, self._arena)

    def close(self) -> None:
        for arena in getattr(self, "_arenas", ()):
            arena.close()

    # ---------------------------------------------------------------------------------------------- at work

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        def of(member: int) -> list[Rng]:
            key = () if self.same_episodes else (member,)
            return [rng.child("episode", number, *key) for number in range(self.episodes)]

        returns, steps, seen = self._played(members, [of(member) for member in members.ids.tolist()], self.normalise)
        self._moments = self._moments.joined(seen)
        cost = {"steps": int(steps.sum()), "episodes": steps.size}
        cases = self._tensor(returns) if self.reads_cases else None
        return Evaluation(self._tensor(returns.mean(1)), cost=cost, cases=cases)

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        episodes = {"validation": self.validation_episodes, "test": self.test_episodes}[split]
        if not episodes:
            return {}
        each = [[Rng(0).child(split, number) for number in range(episodes)] for _ in range(len(members))]
        returns, _, _ = self._played(members, each, False)
        return {"score": self._tensor(returns.mean(1)), "deviation": self._tensor(returns.std(1))}

    def ensemble(self, members: Members, split: str, rng: Rng) -> Metrics:
        one = copy.copy(self)
        one._genotype = Ensembles(self._genotype, len(members))
        return one.measure(ensemble(members), split, rng)

    def _played(
        self, members: Members, episodes: Sequence[Sequence[Rng]], watched: bool
    ) -> tuple[np.ndarray, np.ndarray, Moments]:
        """Returns and steps ``(n, episodes)``, and what was seen where this is watched."""
        size = max(1, BLOCK // self._genotype.length)
        seen, blocks = Moments.none(tuple(self._moments.mean.shape)), []
        for begin in range(0, len(members), size):
            block, streams = members[begin : begin + size], episodes[begin : begin + size]
            listed = [(row, rng) for row, own in enumerate(streams) for rng in own]
            watch = Seen(len(listed), self._moments.mean) if watched else None
            blocks.append(self._played_at_once(block, listed, watch))
            seen = seen if watch is None else seen.joined(watch.moments())
        returns, steps = (np.concatenate(each).reshape(len(members), -1) for each in zip(*blocks, strict=True))
        return returns, steps, seen

    def _played_at_once(self, members: Members, episodes: Sequence[tuple[int, Rng]], watch: Seen | None) -> Played:
        weights = self._genotype.weights(members.genomes)
        with self._blamed(members):
            return play(self._policy(self._device), weights, episodes, self._arenas, self.slots, self._cap, watch)

    @contextmanager
    def _blamed(self, members: Members) -> Iterator[None]:
        try:
            yield
        except EpisodeError as error:
            member = int(members.ids[error.row])
            raise EvaluationError(f"environment {self.environment}, member {member}: {error.reason}") from error

    def _policy(self, device: torch.device | str) -> Policy:
        senses = self._senses().to(device)
        act = self._spaces.actions.act
        return Policy(self._genotype.template, act, lambda seen: senses(seen.to(device)))

    def _senses(self) -> Senses:
        """As the statistics are now."""
        senses = Senses(self._spaces.observations.shape, self._spaces.observations.image, self.normalise)
        if self.normalise:
            senses.mean.copy_(self._moments.mean)
            senses.deviation.copy_(self._moments.deviation)
        return senses

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)

    # ------------------------------------------------------------------------------------------- what comes out

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        return {"weights": torch.full((len(members),), self._genotype.length)}

    def model(self, member: Members) -> Model:
        """From observations to the network's outputs: those of ``spaces.observations``, not yet an action."""
        senses, network = self._senses(), self._genotype.network
        (weights,) = self._genotype.weights(member.genomes).cpu()
        found = self._spaces.observations
        example = torch.zeros(2, *found.shape, dtype=torch.uint8 if found.image else torch.float32)
        task = self.task()
        parts = sorted({(type(part).__module__, type(part).__qualname__) for part in (senses, network)})
        imports = [f"from {home} import {name}" for home, name in [*parts, ("torch.nn", "Sequential")]]
        call = f"model = Sequential({senses!r}, {network!r}.build({task.input_shape}, {task.outputs}))"
        module = nn.Sequential(senses, self._genotype.module(weights)).eval().requires_grad_(False)
        return Model(module, example, "\n".join([*imports, call]))

    def film(self, member: Members, rng: Rng) -> Film | None:
        if not self._spaces.drawn:
            return None
        weights, policy = self._genotype.weights(member.genomes).cpu(), self._policy("cpu")
        with closing(LocalArena(self._game, self._shapes)) as unseen, self._blamed(member):
            score = play(policy, weights, [(0, rng)], [unseen], 1, self._cap).returns[0]
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # nothing opens a window; without, SDL complains of no screen
        drawn = frames(policy, weights, rng, self._game(render_mode="rgb_array"), self._shapes, self._cap)
        try:
            first = next(drawn)
        except Exception as error:  # mostly for want of a library
            raise ConfigError((), f"{self.environment} cannot be drawn here: {told(error)}") from error
        return Film(_with_first(first, drawn), self._spaces.rate, float(score), self.environment)

    def state_dict(self) -> dict[str, Any]:
        return {"seen": vars(self._moments)} if self.normalise else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if self.normalise:
            self._moments = Moments(**state["seen"])

    @cached_property
    def _spaces(self) -> Spaces:
        with closing(self._made()) as environment:
            metadata = environment.metadata
            return Spaces(
                observations(environment.observation_space),
                actions(environment.action_space),
                bare(environment)[1],
                "rgb_array" in metadata.get("render_modes", ()),
                float(metadata.get("render_fps", 30)),
            )

    def _made(self) -> Environment:
        return make(self.environment, self.options)

    def _arena(self) -> Arena:
        """In this process, and in others, where there are more workers; these have to make the environment too: its
        class has to be named, not given."""
        here, spec, workers = LocalArena(self._game, self._shapes), gymnasium.spec(self.environment), count()
        if workers == 1 or not isinstance(spec.entry_point, str):
            return here
        game = partial(EnvironmentGame, spec, self.options, self._spaces.observations.array)
        slots = -(-self.slots // workers)
        return DealtArena([here, *(ProcessArena(game, self._shapes, slots, 1) for _ in range(workers - 1))])

    def _game(self, **options: Any) -> EnvironmentGame:
        return EnvironmentGame(self.environment, {**self.options, **options}, self._spaces.observations.array)

    @property
    def _shapes(self) -> Shapes:
        seen, actions = self._spaces.observations, self._spaces.actions
        return Shapes(seen.shape, seen.dtype, actions.shape, actions.dtype)

    @property
    def _cap(self) -> int | None:
        return min((limit for limit in (self.cap, self._spaces.limit) if limit is not None), default=None)


def _with_first(first: np.ndarray, others: Generator[np.ndarray]) -> Iterator[np.ndarray]:
    """All of them; closed, where this is."""
    with closing(others):
        yield first
        yield from others
