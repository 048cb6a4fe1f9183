"""Work in threads with a quick cancel: many things in order, or one call that cannot be interrupted."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from .errors import InputError
from .progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
_SECONDS_A_LOOK = 0.1


def thread_count(wanted: int = 0) -> int:
    """`wanted` threads, or one per core for 0 (see `growing_threads` for forests).

    Raises
    ------
    InputError
        For a negative number.
    """
    if wanted < 0:
        raise InputError(f"THREADS is {wanted}; give 0 (all cores) or more.")
    return wanted or os.cpu_count() or 1


def growing_threads(wanted: int = 0) -> int:
    """`wanted` threads that grow forests, or for 0 as many as keep all cores busy: one more than those.

    scikit-learn spends about a tenth of a small tree's time in Python, where one thread works at a
    time: two threads on two cores leave one of them idle that long.

    Raises
    ------
    InputError
        For a negative number.
    """
    cores = thread_count()
    return thread_count(wanted) if wanted or cores == 1 else cores + 1


def ordered_map(
    function: Callable[[Item, Progress], Result],
    items: Iterable[Item],
    threads: int,
    progress: Progress,
) -> Generator[Result, None, None]:
    """``function(item, listener)`` of each item in `threads` threads; results in the order of `items`.

    `items` is pulled in the caller's thread, at most 2 `threads` ahead of what was taken, so that
    memory stays bounded.  The first error in order ends the work, and so do a cancelled `progress`
    and closing the iterator; the listener then says "cancelled" to all threads and none stays behind.
    """
    stoppable = Stoppable(progress)
    pending: deque[Future[Result]] = deque()
    with _LINEAR_ALGEBRA.one_thread():
        pool = ThreadPoolExecutor(threads, thread_name_prefix="smap")
        try:
            for item in items:
                progress.check()
                pending.append(pool.submit(function, item, stoppable))
                if len(pending) >= 2 * threads:
                    yield _taken(pending.popleft(), progress)
            while pending:
                yield _taken(pending.popleft(), progress)
        finally:
            stoppable.stop()
            pool.shutdown(wait=True, cancel_futures=True)


class _LinearAlgebra:
    """The library behind NumPy's products, whose own threads take ten times as long for small matrices.

    Its setting is that of the whole process: the first one that works in threads changes it, the last one
    changes it back.
    """

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0
        self._before: Any = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """While threads of ours work, it has one in each of them."""
        with self._lock:
            if not self._users:
                # They come with scikit-learn, which not all steps need.
                with suppress(ImportError):
                    # SciPy's wheel has a library of its own, which a limit set before it is loaded misses.
                    import scipy.linalg.blas  # noqa: F401
                    from threadpoolctl import threadpool_limits

                    self._before = threadpool_limits(1, "blas")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._before is not None:
                    self._before.restore_original_limits()
                    self._before = None


_LINEAR_ALGEBRA = _LinearAlgebra()


def interruptible(function: Callable[[], Result], progress: Progress) -> Result:
    """``function()``, for a call into a library that cannot be stopped: a cancel leaves it to itself.

    It runs in a thread of its own, which the caller waits for with an eye on the cancel button.  After
    a cancel nobody waits for it and what it returns or raises is dropped: its memory is free when it
    ends, and a session that ends before it does not wait for it either.  So `function` must touch
    nothing but its own objects.

    Raises
    ------
    Cancelled
        Within a tenth of a second of the cancel, whatever `function` is at.
    """
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # handed to the caller, who raises it
            future.set_exception(error)

    # A pool's threads are waited for at the end of the session; those of a daemon are not.
    threading.Thread(target=work, name="smap-interruptible", daemon=True).start()
    return _taken(future, progress)


def interruptible_if(long: bool, function: Callable[[], Result], progress: Progress) -> Result:
    """``function()``, interruptible where it may take `long`: a thread costs more than a short call."""
    return interruptible(function, progress) if long else function()


def _taken(future: Future[Result], progress: Progress) -> Result:
    while not wait([future], timeout=_SECONDS_A_LOOK).done:
        progress.check()
    return future.result()


class Stoppable(Progress):
    """What threads listen to: the user's cancel, or that nobody wants the results any more."""

    def __init__(self, parent: Progress):
        self._parent = parent
        self._stopped = threading.Event()

    def stop(self) -> None:
        """From now on all listeners are cancelled."""
        self._stopped.set()

    def is_cancelled(self) -> bool:
        return self._stopped.is_set() or self._parent.is_cancelled()
