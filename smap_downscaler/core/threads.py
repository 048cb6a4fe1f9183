"""Work in threads with results in order, bounded look-ahead and a quick cancel."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from .errors import InputError
from .progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
_SECONDS_A_LOOK = 0.1


def thread_count(wanted: int = 0) -> int:
    """`wanted` threads, or one a core for 0.

    Raises
    ------
    InputError
        For a negative number.
    """
    if wanted < 0:
        raise InputError(f"THREADS is {wanted}; give 0 (one a core) or more.")
    return wanted or os.cpu_count() or 1


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
        """Tell all listeners to end."""
        self._stopped.set()

    def is_cancelled(self) -> bool:
        return self._stopped.is_set() or self._parent.is_cancelled()
