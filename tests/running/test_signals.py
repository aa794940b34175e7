"""What stops a run."""

import signal

import pytest

from evoplug.errors import Interrupted
from evoplug.running.signals import Stopper

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals hang up on POSIX only")


def test_a_closed_terminal_ends_a_run_as_sigterm_does():
    before = signal.getsignal(signal.SIGHUP)
    with pytest.raises(Interrupted) as caught, Stopper() as stopper:
        signal.raise_signal(signal.SIGHUP)
        assert stopper.signal == signal.SIGTERM
        signal.raise_signal(signal.SIGHUP)
    assert caught.value.exit_code == 143
    assert signal.getsignal(signal.SIGHUP) == before


def test_under_nohup_a_run_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopper() as stopper:
            signal.raise_signal(signal.SIGHUP)
        assert stopper.signal is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
