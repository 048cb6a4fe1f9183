"""Work in threads: order, bounded look-ahead, errors, cancel."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.base.threads import (
    _LinearAlgebra,
    growing_threads,
    interruptible,
    ordered_map,
    thread_count,
)


def test_results_come_in_order_and_items_are_pulled_lazily():
    pulled = []

    def items():
        for number in range(50):
            pulled.append(number)
            yield number

    ahead = []
    results = []
    for result in ordered_map(lambda n, _: n * n, items(), 3, SILENT):
        results.append(result)
        ahead.append(len(pulled) - len(results))
    assert results == [n * n for n in range(50)]
    assert max(ahead) <= 6


def test_the_first_error_ends_the_work_and_no_thread_stays():
    def work(number, _):
        if number == 5:
            raise InputError("five")
        return number

    before = threading.active_count()
    with pytest.raises(InputError, match="five"):
        list(ordered_map(work, range(100), 2, SILENT))
    assert threading.active_count() == before


def test_cancel_reaches_the_threads():
    class Listener(Progress):
        cancelled = False

        def is_cancelled(self):
            return self.cancelled

    listener = Listener()
    ended = []

    def work(number, progress):
        if number == 3:
            listener.cancelled = True
        try:
            while number >= 3:
                progress.check()
                time.sleep(0.005)
        except Cancelled:
            ended.append(number)
            raise
        return number

    with pytest.raises(Cancelled):
        list(ordered_map(work, range(100), 2, listener))
    assert ended


def test_closing_early_stops_the_threads():
    seen = []

    def work(number, progress):
        if number == 0:
            return number
        while True:
            seen.append(number)
            progress.check()
            time.sleep(0.005)

    before = threading.active_count()
    results = ordered_map(work, range(10), 2, SILENT)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_a_call_that_cannot_be_stopped_is_left_to_itself():
    begun, released, ended = threading.Event(), threading.Event(), threading.Event()

    class CancelledOnceBegun(Progress):
        def is_cancelled(self):
            return begun.is_set()

    def stubborn():
        begun.set()
        released.wait(60)
        ended.set()
        raise InputError("nobody hears this")

    before = set(threading.enumerate())
    with pytest.raises(Cancelled):
        interruptible(stubborn, CancelledOnceBegun())
    assert not ended.is_set()
    (left,) = set(threading.enumerate()) - before
    assert left.daemon, "a session that ends does not wait for it"
    released.set()
    left.join(60)
    assert ended.is_set()
    assert set(threading.enumerate()) == before


def test_an_interruptible_call_returns_and_raises_as_any_other():
    assert interruptible(lambda: 42, SILENT) == 42
    with pytest.raises(InputError, match="no"):
        interruptible(lambda: (_ for _ in ()).throw(InputError("no")), SILENT)


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 3), (8, 9)])
def test_all_cores_are_busy_with_forests_when_one_thread_waits(monkeypatch, cores, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert growing_threads(0) == threads
    assert growing_threads(2) == 2
    with pytest.raises(InputError, match="THREADS is -2; "):
        growing_threads(-2)


def test_thread_count():
    assert thread_count(3) == 3
    assert thread_count(0) >= 1
    with pytest.raises(InputError) as caught:
        thread_count(-1)
    assert str(caught.value) == "THREADS is -1; give 0 (all cores) or more."


def test_threads_that_work_leave_linear_algebra_one_thread_each():
    """Also where one run begins before another has ended; then its own number is back."""

    def threads(*_):
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    np.ones((2, 2)) @ np.ones((2, 2))
    if not threads():
        pytest.skip("the library behind NumPy has no threads here")
    with threadpool_limits(2, "blas"):
        assert threads() == {2}
        first, second = (ordered_map(threads, range(4), 2, SILENT) for _ in range(2))
        assert next(first) == next(second) == {1}
        first.close()
        assert threads() == {1}
        assert list(second) == [{1}] * 3
        assert threads() == {2}


def test_threads_work_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr("smap_downscaler.base.threads._LINEAR_ALGEBRA", _LinearAlgebra())
    assert list(ordered_map(lambda n, _: -n, range(3), 2, SILENT)) == [0, -1, -2]


def test_the_library_of_scipy_is_there_before_it_is_left_one_thread():
    """Its wheel brings one beside NumPy's; the first product in a thread would load it with all cores."""
    code = (
        "import sys\n"
        "from smap_downscaler.base.progress import SILENT\n"
        "from smap_downscaler.base.threads import ordered_map\n"
        "print(*ordered_map(lambda *_: 'scipy.linalg.blas' in sys.modules, range(2), 2, SILENT))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
