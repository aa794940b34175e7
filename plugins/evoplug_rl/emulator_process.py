"""``python -m evoplug_rl.emulator_process``: plays in some of the slots, for the process that started it.

It reads a byte when there are orders on the board, and answers with one when they are carried out. It ends when it can
read no more: so it outlives no run, however that ends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from evoplug_rl import board
from evoplug_rl.emulator import Emulator, Rules


def main() -> None:
    """The one argument is the JSON of what :func:`command` takes."""
    given = json.loads(sys.argv[1])
    rules = Rules(**given.pop("rules"))
    number = given.pop("number")
    shared = board.attach(**given, rules=rules)
    emulators: dict[int, Emulator] = {}
    while os.read(0, 1):
        for slot in range(number, given["slots"], given["processes"]):
            if shared["order"][slot] != board.NOTHING:
                shared["at"][number] = slot
                if slot not in emulators:
                    emulators[slot] = Emulator(rules)
                _carry_out(emulators[slot], shared, slot)
        shared["at"][number] = -1
        os.write(1, b".")


def command(number: int, descriptor: int, slots: int, processes: int, rules: Rules) -> list[str]:
    """The arguments of the process that has every slot of which the remainder by ``processes`` is ``number``."""
    given = {"number": number, "descriptor": descriptor, "slots": slots, "processes": processes}
    return [__name__, json.dumps({**given, "rules": rules._asdict()})]


def _carry_out(emulator: Emulator, shared: Any, slot: int) -> None:
    order, before = int(shared["order"][slot]), emulator.frames
    if order == board.BEGIN:
        before = 0
        emulator.begin(int(shared["seed"][slot]))
    else:
        shared["reward"][slot], shared["over"][slot] = emulator.step(order)
    shared["frames"][slot] = emulator.frames - before
    shared["screens"][slot] = emulator.screens
    shared["order"][slot] = board.NOTHING


if __name__ == "__main__":
    main()
