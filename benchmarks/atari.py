"""Members that play Atari: agent steps a second, beside what emulators alone and networks alone allow.

python benchmarks/atari.py

Both share the cores, and a step needs both: B = 1 / (1 / emulators alone + 1 / networks alone). The last table has the
networks alone, for one member's episodes side by side.
"""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from timing import interleaved, show
from torch import nn

from evoplug import Rng
from evoplug.contracts import Task
from evoplug.population.forward import prepared
from evoplug.population.workers import workers
from evoplug_rl.atari import Atari
from evoplug_rl.dqn import DQN
from evoplug_rl.emulator import Emulator, shapes
from evoplug_rl.playing import Policy, play
from evoplug_rl.process_arena import ProcessArena
from evoplug_rl.screens import Screens
from evoplug_supervised import Weights

CORES = os.cpu_count() or 1
GAME, STEPS, SLOTS, SECONDS = "seaquest", 40, 16, 20.0
MEMBERS = (8, 32, 100)
SMALL = {"channels": (8, 16), "kernels": (8, 4), "strides": (4, 2), "dense": (32,)}


class Size(NamedTuple):
    """Of screens and networks."""

    name: str
    side: int
    network: DQN


SIZES = (Size("full, 84 x 84", 84, DQN()), Size("small, 42 x 42", 42, DQN(**SMALL)))  # type: ignore[arg-type]


def main() -> None:
    rows = []
    for size in SIZES:
        for members in MEMBERS:
            rows.append([size.name, str(members), *speeds(size, members)])
    columns = ["network", "members", "emulators /s", "networks /s", "B", "ours /s", "ours / B"]
    show(f"{GAME}, agent steps a second, {SLOTS} slots", columns, rows)
    rows = [[size.name, *side_by_side(size)] for size in SIZES]
    show("networks alone, observations a second", ["network", "8 members", "8 episodes of one", "ratio"], rows)


def speeds(size: Size, members: int) -> list[str]:
    """Of emulators and networks alone, of both as they bound each other, and of ours."""
    game, template, weights = setting(size, members)
    at_once = min(members, SLOTS)
    arena = ProcessArena(partial(Emulator, game._rules), shapes(game._rules), at_once, CORES)
    rng = np.random.default_rng(0)
    waves = [np.arange(begin, min(begin + at_once, members)) for begin in range(0, members, at_once)]

    def emulate() -> None:
        for wave in waves:
            arena.begin(wave % at_once, [Rng(member) for member in wave.tolist()])
            for _ in range(STEPS):
                arena.step_async(wave % at_once, rng.integers(0, 6, len(wave)))
                arena.step_wait()

    def think() -> None:
        for wave in waves:
            x = torch.rand(len(wave), 1, 4, size.side, size.side)
            call = prepared(template, weights, wave.tolist(), x[0])
            for _ in range(STEPS):
                call(x)

    def ours() -> None:
        policy = Policy(template, lambda outputs: outputs.argmax(1).numpy(), Screens())
        play(policy, weights, [(member, Rng(member)) for member in range(members)], [arena], at_once, STEPS)

    timings = interleaved({"emulators": emulate, "networks": think, "ours": ours}, SECONDS)
    arena.close()
    seconds = {name: timings.median(name) for name in ("emulators", "networks", "ours")}
    bound = seconds["emulators"] + seconds["networks"]
    steps = members * STEPS
    speeds = [f"{steps / each:,.0f}" for each in (seconds["emulators"], seconds["networks"], bound, seconds["ours"])]
    return [*speeds, f"{bound / seconds['ours']:.2f}"]


def side_by_side(size: Size) -> list[str]:
    """Eight networks with an observation each, and one with eight."""
    _, template, weights = setting(size, 8)
    apart, beside = (torch.rand(*batch, 4, size.side, size.side) for batch in ((8, 1), (1, 8)))
    calls = {
        "apart": (prepared(template, weights, list(range(8)), apart[0]), apart),
        "beside": (prepared(template, weights, [0], beside[0]), beside),
    }
    variants = {name: lambda call=call, x=x: [call(x) for _ in range(STEPS)] for name, (call, x) in calls.items()}
    timings = interleaved(variants, SECONDS / 2)
    speeds = [f"{8 * STEPS / timings.median(name):,.0f}" for name in variants]
    return [*speeds, f"{timings.ratio('apart', 'beside'):.1f}"]


def setting(size: Size, members: int) -> tuple[Atari, nn.Module, torch.Tensor]:
    game, genotype = Atari(game=GAME, side=size.side), Weights(network=size.network)
    genotype.bind(Task(input_shape=(4, size.side, size.side), outputs=game.task().outputs))
    return game, genotype.template, genotype.sample(members, Rng(1))


if __name__ == "__main__":
    with workers("auto"):
        main()
