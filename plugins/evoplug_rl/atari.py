"""Evaluator ``atari``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Literal

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
    Le,
    Lt,
    Members,
    Metrics,
    Model,
    Task,
    dataclass,
)
from evoplug.population.network_space import NetworkSpace, blocks
from evoplug.population.workers import count
from evoplug_rl.emulator import Emulator, Rules, actions, games, no_ops, shapes
from evoplug_rl.ensembles import Ensembles, ensemble
from evoplug_rl.playing import EpisodeError, Policy, arenas, play
from evoplug_rl.process_arena import ProcessArena
from evoplug_rl.screens import Screens

TEST_SEED = 666_666
"""Of the first test episode, and one more for each further one, as in the thesis's released code."""
FRAMES_A_SECOND = 60
"""Of the console."""

Streams = Callable[[int], Sequence[Rng]]
"""The id of a member to the streams of its episodes, as many for each."""


@dataclass(kw_only=True)
class Atari(Evaluator, genome=("weights", "seed-chain")):
    """Play an Atari 2600 game from its pixels; fitness is the mean score of some episodes, as it is (not clipped).

    As in chapter 6 of the thesis on it and in deep Q-learning (Mnih et al. 2015): a network sees the last screens, in
    grey and made smaller by area, and takes the action whose output is the largest. That is held for `skip` frames; the
    brighter of the last two is what is seen. An episode begins with a random number of no-ops, and every one of every
    evaluation has a stream of its own, as in the released code. The default settings are that code's too, except that
    it sets no `test_cap`. Grey is that of the emulator's palette; OpenCV, which that code takes, weighs colours a
    little differently.

    Without sticky actions nothing but the number of no-ops is random, and an agent has at most so many outcomes:
    `episodes = "all"` plays each once, and fitness is exact. `measure` gives the mean `score`: on "test" of episodes
    with fixed seeds, which `cap` does not end; on "validation", where `validation` says how many, of new episodes as in
    the search, which is also the `fitness` without the noise by which a member was chosen.

    The game runs in processes of its own, one for each of the run's `workers`. One that ends or hangs is replaced, and
    what it played is played again; a member with which that happens twice is an error of evaluation.
    """

    game: Annotated[str, "its name as ale-py has it, e.g. seaquest or space_invaders"]
    episodes: Annotated[
        Annotated[int, Ge(1)] | Literal["all"], 'of each member in an evaluation; "all": one for each number of no-ops'
    ] = 1
    cap: Annotated[int, Ge(1), "steps after which an episode of the search is over"] = 3000
    actions: Annotated[Literal["minimal", "full"], "those that do something in the game, or all 18"] = "minimal"
    side: Annotated[int, Ge(1), Le(160), "of the screens that networks see, in pixels"] = 84
    stack: Annotated[int, Ge(1), "screens that networks see"] = 4
    skip: Annotated[int, Ge(1), "frames of a step"] = 4
    no_ops: Annotated[int, Ge(0), "the most frames without an action at the start, of at least 1; 0: always none"] = 30
    fire: Annotated[
        bool, "whether FIRE and the action after it, a step each, start the game, in games in which there is FIRE"
    ] = True
    end: Annotated[Literal["game", "life"], "what is over with an episode: the game, or the first life"] = "game"
    sticky: Annotated[float, Ge(0), Lt(1), "probability that a frame repeats the action of the one before"] = 0.0
    validation: Annotated[
        Annotated[int, Ge(0)] | Literal["all"], "episodes of the validation split, as `episodes`; 0: there is none"
    ] = 0
    test: Annotated[int, Ge(0), "episodes of the test split; 0: there is none"] = 100
    test_cap: Annotated[
        int, Ge(1), "steps after which one of them is over: some games never end. 27,000 of 4 frames are half an hour"
    ] = 27_000
    slots: Annotated[
        int, Ge(1), "episodes at once, in each half where the networks are on a GPU; changes no result"
    ] = 16

    costs = ("steps", "frames", "episodes")
    headline = "score"
    minimised = ("overestimation",)  # strategies take it from `fitness`
    examples = ({"game": "assault", "side": 36, "cap": 5, "test": 2, "test_cap": 10, "slots": 3},)

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.episodes == "all"

    def check(self) -> Iterable[tuple[str, str]]:
        if self.game not in games():
            near = get_close_matches(self.game.lower().replace(" ", "_").replace("-", "_"), games())
            yield "game", f"there is no game {self.game!r}; {_choices(near or games())}"
        for key in ("episodes", "validation"):
            if getattr(self, key) == "all" and self.sticky:
                yield key, 'must be a number where actions are sticky: "all" is one for each number of no-ops'

    def task(self) -> Task:
        names = tuple(action.name.lower() for action in actions(self.game, self.actions))
        return Task(input_shape=(self.stack, self.side, self.side), outputs=len(names), names=names)

    def bind(self, genotype: Genotype | None) -> None:
        if not isinstance(genotype, NetworkSpace):
            raise ConfigError((), "needs a genotype of networks: `weights` or `seed-chain`")
        self._space: NetworkSpace = genotype

    def start(self, device: torch.device, rng: Rng) -> None:
        self._device = device
        self._policy = Policy(self._space.template.to(device), _largest, lambda seen: Screens()(seen.to(device)))
        self._arenas = arenas(device, self._emulators)

    def _emulators(self) -> ProcessArena:
        return ProcessArena(partial(Emulator, self._rules), shapes(self._rules), self.slots, count())

    def close(self) -> None:
        for arena in getattr(self, "_arenas", ()):  # none where it did not start
            arena.close()

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        before = self._frames
        scores, steps = self._play(members, lambda member: self._streams(self.episodes, rng.child(member)), self.cap)
        cost = {"steps": steps, "frames": self._frames - before, "episodes": scores.size}
        return Evaluation(self._means(scores), cost=cost)

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        if split == "test":
            streams = [Rng(TEST_SEED + number) for number in range(self.test)]
            return {"score": self._score(members, streams, self.test_cap)} if streams else {}
        streams = self._streams(self.validation, rng)
        if not streams:
            return {}
        score = self._score(members, streams, self.cap)
        return {"score": score, "fitness": score}

    def ensemble(self, members: Members, split: str, rng: Rng) -> Metrics:
        one = copy.copy(self)
        one._space = Ensembles(self._space, len(members))
        one._policy = self._policy._replace(template=one._space.template)
        return one.measure(ensemble(members), split, rng)

    def model(self, member: Members) -> Model:
        shape = (self.stack, self.side, self.side)
        network = self._space.module(self._space.weights(member.genomes)[0].cpu())
        parts = [Screens(), self._space.network]
        imports = sorted(f"from {type(part).__module__} import {type(part).__qualname__}" for part in parts)
        call = f"model = Sequential(Screens(), {self._space.network!r}.build({shape}, {self.task().outputs}))"
        module = nn.Sequential(Screens(), network).eval().requires_grad_(False)
        example = torch.zeros(2, *shape, dtype=torch.uint8)
        return Model(module, example, "\n".join([*imports, "from torch.nn import Sequential", call]))

    def film(self, member: Members, rng: Rng) -> Film:
        """To the end, or to the cap of the search; a frame a step, in colour."""
        network = self._space.module(self._space.weights(member.genomes)[0].cpu())
        emulator = Emulator(self._rules)
        taken, score = _taken(emulator, network, rng.seed, self.cap)
        title = f"{self.game.replace('_', ' ').title()}"
        return Film(_frames(emulator, taken, rng.seed), FRAMES_A_SECOND / self.skip, score, title)

    @property
    def _frames(self) -> int:
        """Played since the start."""
        return sum(arena.frames for arena in self._arenas)

    @property
    def _rules(self) -> Rules:
        return Rules(**{name: getattr(self, name) for name in Rules._fields})

    def _streams(self, episodes: int | Literal["all"], rng: Rng) -> list[Rng]:
        """Those of so many episodes as in the search."""
        if episodes == "all":
            return [Rng(number) for number in range(max(1, self.no_ops))]
        return [rng.child(number) for number in range(episodes)]

    def _score(self, members: Members, streams: Sequence[Rng], cap: int) -> torch.Tensor:
        """``(n,)``: the mean score in the same episodes for all; such as cannot differ are played once."""
        starts = [stream.seed if self.sticky else no_ops(stream.seed, self.no_ops) for stream in streams]
        _, first, which = np.unique(starts, return_index=True, return_inverse=True)
        scores, _ = self._play(members, lambda _: [streams[number] for number in first], cap)
        return self._means(scores[:, which])

    def _play(self, members: Members, streams: Streams, cap: int) -> tuple[np.ndarray, int]:
        """Scores ``(n, episodes)`` of n members, and the steps of all.

        Raises:
            EvaluationError: if an emulator fails again and again, with the member.
        """
        ids = members.ids.tolist()
        scores: list[np.ndarray] = []
        steps = 0
        for weights in blocks(self._space, members.genomes, self._device):
            block = ids[len(scores) : len(scores) + len(weights)]
            episodes = [(row, stream) for row, member in enumerate(block) for stream in streams(member)]
            try:
                played = play(self._policy, weights, episodes, self._arenas, self.slots, cap)
            except EpisodeError as error:
                raise EvaluationError(f"atari: {self.game}: member {block[error.row]}: {error.reason}") from error
            scores.extend(played.returns.reshape(len(block), -1))
            steps += int(played.steps.sum())
        return np.array(scores), steps

    def _means(self, scores: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(scores.mean(1)).to(self._device)


def _largest(outputs: torch.Tensor) -> np.ndarray:
    """The actions that networks choose, ``(k,)``."""
    return outputs.argmax(1).cpu().numpy()


@torch.no_grad()
def _taken(emulator: Emulator, network: nn.Module, seed: int, cap: int) -> tuple[list[int], float]:
    """The actions of a network in an episode, and its score."""
    taken, score, over = list[int](), 0.0, False
    emulator.begin(seed)
    while not over and len(taken) != cap:
        screens = torch.from_numpy(emulator.seen / np.float32(255))
        taken.append(int(network(screens.unsqueeze(0)).argmax()))
        reward, over = emulator.step(taken[-1])
        score += reward
    return taken, score


def _frames(emulator: Emulator, taken: Sequence[int], seed: int) -> Iterator[np.ndarray]:
    """The screens of an episode, played again."""
    emulator.begin(seed)
    yield emulator.picture()
    for action in taken:
        emulator.step(action)
        yield emulator.picture()


def _choices(names: Sequence[str]) -> str:
    return f"the nearest: {', '.join(names)}" if len(names) < 10 else f"choices: {', '.join(names)}"
