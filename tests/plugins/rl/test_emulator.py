import numpy as np
import pytest
from ale_py import Action, ALEInterface, LoggerMode
from ale_py.roms import get_rom_path

from evoplug_rl.area import Area
from evoplug_rl.emulator import Emulator, Rules, actions, games, no_ops

PLAIN = Rules("breakout", "minimal", side=36, stack=4, skip=4, no_ops=30, fire=False, end="game", sticky=0.0)


def loaded(game):
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(get_rom_path(game))
    ale.reset_game()
    return ale


def played(emulator, seed, steps=60):
    """What comes of an episode with actions that are always the same: rewards and the last screens."""
    rng = np.random.default_rng(5)
    emulator.begin(seed)
    rewards = [emulator.step(int(rng.integers(4)))[0] for _ in range(steps)]
    return rewards, emulator.seen.tolist()


def test_a_step_beside_the_console_itself():
    ale, emulator = loaded("breakout"), Emulator(PLAIN._replace(side=84))
    emulator.begin(4)
    for _ in range(5):
        ale.act(Action.NOOP)
    area = Area(210, 160, 84)
    first = area(ale.getScreenGrayscale())
    assert (emulator.seen == first).all()
    for _ in range(30):
        reward, screens = 0, []
        for _ in range(4):
            reward += ale.act(Action.FIRE)
            screens.append(ale.getScreenGrayscale())
        assert emulator.step(1) == (reward, ale.game_over())
        assert (emulator.seen[-1] == area(np.maximum(*screens[2:]))).all()
    assert emulator.frames == 5 + 30 * 4


def test_the_newest_screen_is_the_last():
    emulator = Emulator(PLAIN._replace(stack=3))
    emulator.begin(1)
    first = emulator.seen[-1].copy()
    emulator.step(2)
    second = emulator.seen[-1].copy()
    emulator.step(2)
    assert (emulator.seen[0] == first).all()
    assert (emulator.seen[1] == second).all()


@pytest.mark.parametrize(("seed", "most", "number"), [(0, 30, 1), (29, 30, 30), (30, 30, 1), (7, 0, 0), (7, 1, 1)])
def test_no_ops_at_the_start(seed, most, number):
    emulator = Emulator(PLAIN._replace(no_ops=most))
    emulator.begin(seed)
    assert no_ops(seed, most) == emulator.frames == number


def test_an_episode_owes_nothing_to_those_before_it():
    used, new = Emulator(PLAIN), Emulator(PLAIN)
    for seed in range(5):
        played(used, seed)
    assert played(used, 11) == played(new, 11)


def test_without_sticky_actions_the_number_of_no_ops_is_all_that_counts():
    emulator = Emulator(PLAIN)
    assert played(emulator, 3) == played(emulator, 303)
    assert played(emulator, 3) != played(emulator, 4)


def test_sticky_actions_belong_to_the_stream():
    emulator = Emulator(PLAIN._replace(sticky=0.25))
    assert played(emulator, 3) == played(emulator, 3)
    assert played(emulator, 3) != played(emulator, 303)


def test_an_action_that_always_sticks_is_never_another():
    stuck, idle = Emulator(PLAIN._replace(sticky=1 - 1e-12)), Emulator(PLAIN)
    idle.begin(2)
    stuck.begin(2)
    for action in (1, 2, 3, 2):
        idle.step(0)
        stuck.step(action)
    assert (stuck.seen == idle.seen).all()


def test_fire_starts_the_game_where_it_can():
    fired, by_hand = (Emulator(PLAIN._replace(fire=fire)) for fire in (True, False))
    fired.begin(9)
    by_hand.begin(9)
    by_hand.step(1)
    by_hand.step(2)
    assert fired.frames == by_hand.frames == 10 + 8
    assert (fired.seen == by_hand.seen[-1]).all()


def test_there_is_no_fire_in_freeway():
    emulator = Emulator(PLAIN._replace(game="freeway", fire=True))
    emulator.begin(9)
    assert emulator.frames == 10


def steps_of(end):
    emulator = Emulator(PLAIN._replace(fire=True, end=end))
    emulator.begin(0)
    for number in range(1, 10_000):
        if emulator.step(1)[1]:
            return number
    return None


def test_an_episode_ends_with_the_first_life_or_with_the_game():
    assert steps_of("life") < steps_of("game") / 3


def test_actions_and_games():
    assert [action.name for action in actions("atlantis", "minimal")] == ["NOOP", "FIRE", "RIGHTFIRE", "LEFTFIRE"]
    assert len(actions("atlantis", "full")) == 18
    assert {"assault", "space_invaders", "venture"} < set(games())
    assert "combat" not in games()  # for two


@pytest.mark.parametrize("skip", [1, 2, 5])
def test_frames_of_a_step(skip):
    emulator = Emulator(PLAIN._replace(skip=skip, no_ops=0))
    emulator.begin(1)
    emulator.step(1)
    assert emulator.frames == skip


def test_pictures_have_colours():
    emulator = Emulator(PLAIN)
    emulator.begin(1)
    assert emulator.picture().shape == (210, 160, 3)
