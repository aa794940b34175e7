import pytest

from evoplug.types import Ledger


def spent(**columns):
    ledger = Ledger()
    ledger.add(**columns)
    return ledger


def test_counts_stay_integers_and_new_columns_open():
    ledger = spent(generations=1, epochs=8)
    ledger.add(epochs=8)
    assert ledger["epochs"] == 16
    assert isinstance(ledger["epochs"], int)
    assert ledger["frames"] == 0


@pytest.mark.parametrize(
    ("stop", "best", "reason"),
    [
        ({"generations": 10}, None, "generations = 10"),
        ({"generations": 11}, None, None),
        ({"minutes": 1.5}, None, "minutes = 1.5"),
        ({"hours": 0.025}, None, "hours = 0.025"),
        ({"seconds": 91}, None, None),
        ({"fitness": -0.5}, -0.4, "fitness = -0.5"),
        ({"fitness": -0.5}, -0.6, None),
        ({"fitness": -0.5}, None, None),
        ({"epochs": 5}, None, None),
        ({"generations": 99, "evaluations": 7}, None, "evaluations = 7"),
    ],
)
def test_the_first_rule_that_holds_ends_a_run(stop, best, reason):
    assert spent(generations=10, evaluations=7, seconds=90.0).reached(stop, best) == reason


def test_state_round_trip():
    ledger = spent(generations=3, seconds=0.25, epochs=2)
    copy = Ledger()
    copy.load_state_dict(ledger.state_dict())
    assert copy.row() == ledger.row()
