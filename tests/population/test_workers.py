"""Pieces of work side by side: their results, whose error is raised, and how work ends that nobody needs."""

import os
import signal
import threading
import time

import pytest
import torch

from evoplug.population import workers as module
from evoplug.population.workers import Unneeded, count, give_up, look_up, parallel, workers


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "evoplug"]


@pytest.mark.parametrize("size", [1, 3])
def test_results_are_in_order_and_threads_end_with_their_block(size):
    with workers(size):
        assert count() == size
        assert parallel(lambda number: number * 10, 7) == [0, 10, 20, 30, 40, 50, 60]
        assert parallel(lambda number: number, 0) == []
        assert len(threads()) == (size if size > 1 else 0)
    assert threads() == []
    assert count() == 1


def test_each_piece_has_its_own_threads_of_torch():
    outside = torch.get_num_threads()
    with workers(2, threads=1):
        assert parallel(lambda _: torch.get_num_threads(), 2) == [1, 1]
    assert torch.get_num_threads() == outside


def test_inside_a_piece_pieces_are_done_one_by_one():
    with workers(2):
        assert parallel(lambda outer: parallel(lambda inner: (outer, inner), 2), 3)[2] == [(2, 0), (2, 1)]


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_the_error_of_the_first_piece_is_raised_whichever_fails_first(error):
    later = threading.Event()

    def work(number):
        if number == 0:
            later.wait()
        else:
            later.set()
        raise error(number)

    with workers(2), pytest.raises(error) as caught:
        parallel(work, 2)
    assert caught.value.args == (0,)


def test_pieces_behind_one_that_failed_end_where_they_look_up():
    seen = []

    def work(number):
        if number == 0:
            raise ValueError("first")
        try:
            while True:
                look_up()
                time.sleep(0.001)
        except Unneeded:
            seen.append(number)
            raise

    with workers(2), pytest.raises(ValueError, match="first"):
        parallel(work, 2)
    assert seen == [1] or seen == []  # it may not have begun


def test_work_that_is_given_up_ends_where_it_looks_up():
    def work(number):
        while True:
            look_up()
            time.sleep(0.001)

    with workers(2):
        threading.Timer(0.05, give_up, [TimeoutError("given up")]).start()
        with pytest.raises(TimeoutError, match="given up"):
            parallel(work, 2)
        with pytest.raises(TimeoutError, match="given up"):
            look_up()  # in this thread too
    look_up()
    assert threads() == []


def test_what_does_not_look_up_is_left_behind(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    release, begun = threading.Event(), threading.Event()
    with workers(2):
        crew = module._crew
        job = threading.Thread(target=lambda: crew.do(lambda _: begun.set() or release.wait(), 1), daemon=True)
        job.start()
        begun.wait()
        give_up(TimeoutError("given up"))
    assert len(threads()) == 1
    release.set()
    job.join(5)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_its_pieces_alone():
    with workers(2):
        parallel(lambda number: number, 2)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            os._exit(0 if parallel(lambda number: number, 3) == [0, 1, 2] else 1)
        assert os.waitpid(child, 0)[1] == 0
