"""The same work as in threads, on other machines: futures of a Dask scheduler.

dask.distributed is optional. Workers import this package, without QGIS, and read and write the same paths.
What travels is packed by dask.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from .errors import Cancelled, InputError
from .progress import Progress
from .threads import interruptible, ordered_map
from .version import plugin_version
from .words import counted

Shared = TypeVar("Shared")
Own = TypeVar("Own")
Result = TypeVar("Result")

_ADDRESS = re.compile(r"([a-z]+://)?[^\s/:]+:\d{1,5}|[a-z]+://\[[0-9a-f:.]+\]:\d{1,5}")
_NO_MODULE = re.compile(r"No module named '[\w.]+'")
#: What results may depend on, by what it is called here and as a module: those of QGIS for Windows do not
#: all say under which name they were installed.
_PACKAGES = {
    "NumPy": "numpy",
    "SciPy": "scipy",
    "scikit-learn": "sklearn",
    "GDAL": "osgeo",
    "dask.distributed": "distributed",
}
_SECONDS_TO_CONNECT, _SECONDS_TO_STOP, _SECONDS_A_LOOK, _SECONDS_A_COUNT = 20.0, 1.5, 0.1, 1.0
#: Pieces of work under way for each thread of the workers.
_AHEAD = 2


def check_address(address: str) -> None:
    """Raise `InputError` for what is no address of a scheduler."""
    if not _ADDRESS.fullmatch(address):
        raise InputError(f"SCHEDULER is '{address}'; give an address such as tcp://host:8786.")


def spread(
    function: Callable[[Shared, Own, Progress], Result],
    items: Iterable[tuple[Shared, Own]],
    threads: int,
    progress: Progress,
    files: Iterable[str] = (),
) -> Generator[tuple[tuple[Shared, Own], Result], None, None]:
    """``function(shared, own, listener)`` of each item ``(shared, own)``; items and results, in their order.

    On the cluster where `working_at` has one, else in `threads` threads; the rest is as `ordered_map` says.

    Parameters
    ----------
    function : callable
        Of a module, for a cluster: what dask can pack; `shared` and `own` too.
    items : iterable of tuple
        What an item shares with those before and after it, the same object, and what is its own. What is
        shared is given to a worker once.
    threads : int
    progress : Progress
    files : iterable of str
        Files that workers read, and folders that they write.

    Raises
    ------
    InputError
        Of the work, and if workers lack files or have other versions, or the scheduler is lost.
    """
    cluster = _CLUSTER.get()
    if cluster is not None:
        return cluster.spread(function, items, progress, files)

    def both(item: tuple[Shared, Own], listener: Progress) -> tuple[tuple[Shared, Own], Result]:
        return item, function(*item, listener)

    return ordered_map(both, items, threads, progress)


def on_cluster() -> bool:
    """Whether `spread` in this thread works on a cluster."""
    return _CLUSTER.get() is not None


@contextlib.contextmanager
def working_at(address: str, progress: Progress) -> Iterator[None]:
    """In this thread `spread` works on the cluster of a scheduler; nothing changes without an `address`.

    dask.distributed must be there.

    Raises
    ------
    InputError
        If no scheduler answers, it has no workers, or as `check_address`.
    """
    if not address:
        yield
        return
    check_address(address)
    cluster = Cluster(address, _client(address, progress))
    token = _CLUSTER.set(cluster)
    try:
        threads = cluster.threads(progress)
        workers = counted(len(threads), "worker")
        progress.log(f"SCHEDULER: {address} has {workers} with {counted(sum(threads.values()), 'thread')}")
        yield
    finally:
        _CLUSTER.reset(token)
        cluster.close()


def _client(address: str, progress: Progress) -> Any:
    from distributed import Client

    def connected() -> Any:
        return Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)

    progress.set_text(f"Connecting to {address}")
    try:
        return interruptible(connected, progress)
    except Cancelled:
        raise
    # Whatever an address or another version makes of it: TimeoutError, OSError, ValueError, TypeError...
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"SCHEDULER: no Dask scheduler answers at {address} ({reason.rstrip('.')}); check the address, "
            "whether it runs and whether it is of the same version, or leave SCHEDULER empty."
        ) from error


@dataclass(frozen=True)
class _Expected:
    """What workers must have: versions by name, and sizes of files by path (None: a folder)."""

    versions: Mapping[str, str]
    files: Mapping[str, int | None]


class Cluster:
    """A scheduler that is connected; see `working_at`."""

    def __init__(self, address: str, client: Any):
        self._address, self._client = address, client

    def threads(self, progress: Progress) -> dict[str, int]:
        """Threads of each worker, by its address; raises `InputError` where there is none."""
        found: dict[str, int] = self._asked(self._client.nthreads, progress)
        if not found:
            raise InputError(
                f"SCHEDULER: {self._address} has no worker; start some with: dask worker {self._address}"
            )
        return found

    def close(self) -> None:
        """Let go of it."""
        self._within(_SECONDS_TO_STOP, partial(self._client.close, timeout=_SECONDS_TO_STOP))

    def spread(
        self,
        function: Callable[[Shared, Own, Progress], Result],
        items: Iterable[tuple[Shared, Own]],
        progress: Progress,
        files: Iterable[str],
    ) -> Generator[tuple[tuple[Shared, Own], Result], None, None]:
        """See the function `spread`."""
        from distributed.protocol import deserialize_bytes, serialize_bytes

        run, expected = uuid.uuid4().hex, _Expected(_versions(), _sizes(files))
        self._check_workers(run, expected, progress)
        pending: deque[tuple[tuple[Shared, Own], Any]] = deque()
        known, carried, counted_at = None, None, -_SECONDS_A_COUNT
        threads: dict[str, int] = {}
        submit = partial(self._client.submit, pure=False)
        try:
            for item in items:
                shared, own = item
                progress.check()
                if carried is None or shared is not known:
                    # A task of its own, and not scattered: what a dying worker takes along is made anew.
                    known, carried = shared, submit(deserialize_bytes, serialize_bytes((function, shared)))
                    threads = {}
                if not threads or time.monotonic() - counted_at >= _SECONDS_A_COUNT:
                    before, threads = threads, self._asked(self._client.nthreads, progress)
                    counted_at = time.monotonic()
                    if threads.keys() - before.keys():
                        self._check_workers(run, expected, progress)
                        # Dask gives pieces to workers that have it, and thinks of the others late or never.
                        self._asked(partial(self._client.replicate, carried), progress)
                pending.append((item, submit(_work, run, expected, carried, serialize_bytes(own))))
                while len(pending) >= _AHEAD * max(sum(threads.values()), 1):
                    yield pending[0][0], self._taken(pending[0][1], progress)
                    pending.popleft()
            while pending:
                yield pending[0][0], self._taken(pending[0][1], progress)
                pending.popleft()
        finally:
            if pending:
                self._within(_SECONDS_TO_STOP, partial(self._stop, run, [future for _, future in pending]))

    def _check_workers(self, run: str, expected: _Expected, progress: Progress) -> None:
        """Raise `InputError` if a worker lacks what is expected."""
        self.threads(progress)
        found = self._asked(
            partial(self._client.run, _problem_here, run, expected, on_error="return"), progress
        )
        for worker, problem in sorted(found.items()):
            if isinstance(problem, Exception):
                # Dask hands on what the worker met as text.
                reason = _NO_MODULE.search(str(problem))
                raise InputError(
                    f"SCHEDULER: the worker at {worker} cannot work with this plugin "
                    f"({reason[0] if reason else problem}); put the folder that holds smap_downscaler, of "
                    "the same version, on its PYTHONPATH."
                )
            if problem:
                raise InputError(f"SCHEDULER: the worker at {worker} {problem}")

    def _asked(self, question: Callable[[], Any], progress: Progress) -> Any:
        """The answer of the scheduler."""
        from distributed.comm import CommClosedError

        if self._is_lost:
            raise self._lost()
        try:
            return interruptible(question, progress)
        except (CommClosedError, OSError, TimeoutError) as error:
            raise self._lost() from error

    @property
    def _is_lost(self) -> bool:
        return self._client.status != "running"

    def _lost(self) -> InputError:
        return InputError(
            f"SCHEDULER: the connection to {self._address} was lost; what was finished before is kept: see "
            "that the scheduler runs, and start the run again."
        )

    def _taken(self, future: Any, progress: Progress) -> Any:
        """The result of a future, once it is there."""
        ended, begun = threading.Event(), time.monotonic()
        future.add_done_callback(lambda _future: ended.set())
        while not (ended.wait(_SECONDS_A_LOOK) or future.done()):
            progress.check()
            if self._is_lost:
                raise self._lost()
            if time.monotonic() - begun > _SECONDS_TO_CONNECT:
                begun = time.monotonic()
                if not self._asked(self._client.nthreads, progress):
                    progress.set_text(f"{self._address} has no worker left; waiting for one")
        if future.status == "error":
            raise self._error_of(future.exception())
        if future.cancelled():
            raise self._lost()
        return self._asked(future.result, progress)

    def _error_of(self, error: BaseException) -> BaseException:
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):
            return InputError(
                "SCHEDULER: workers died one after the other at the same piece of work, most likely for lack "
                "of memory; give them more, or fewer threads, and start the run again."
            )
        if "deserialization of the task graph" in str(error):
            return InputError(
                f"SCHEDULER: the scheduler at {self._address} cannot work with this plugin; put the folder "
                "that holds smap_downscaler, of the same version, on its PYTHONPATH."
            )
        return error

    def _stop(self, run: str, futures: list[Any]) -> None:
        """Cancel futures, and wait until no worker is at one."""
        self._client.cancel(futures)
        until = time.monotonic() + _SECONDS_TO_STOP
        while any(self._client.run(_stop_here, run, on_error="ignore").values()):
            if time.monotonic() > until:
                break
            time.sleep(_SECONDS_A_LOOK)

    def _within(self, seconds: float, work: Callable[[], object]) -> None:
        """Do what nobody can wait for, if a scheduler is lost, for longer than some seconds."""

        def quietly() -> None:
            # Whatever goes wrong with a scheduler that nobody wants any more.
            with contextlib.suppress(Exception):
                work()

        thread = threading.Thread(target=quietly, name="smap-cluster", daemon=True)
        thread.start()
        thread.join(seconds)


_CLUSTER: ContextVar[Cluster | None] = ContextVar("cluster", default=None)

# What follows is done by workers.

_stopped: set[str] = set()
_at_work: Counter[str] = Counter()
_checked: dict[str, str] = {}
_lock = threading.Lock()


class _Listener(Progress):
    """What work on a worker listens to: that nobody wants its result any more."""

    def __init__(self, run: str):
        self._run = run

    def is_cancelled(self) -> bool:
        return self._run in _stopped


def _work(run: str, expected: _Expected, carried: tuple[Callable[..., Any], Any], packed: bytes) -> Any:
    from distributed import get_worker
    from distributed.protocol import deserialize_bytes

    # A worker that came later was not asked before.
    problem = _problem_here(run, expected)
    if problem:
        raise InputError(f"SCHEDULER: the worker at {get_worker().address} {problem}")
    function, shared = carried
    with _lock:
        _at_work[run] += 1
    try:
        return function(shared, deserialize_bytes(packed), _Listener(run))
    finally:
        with _lock:
            _at_work[run] -= 1


def _stop_here(run: str) -> bool:
    """Stop the work of a run; whether some still goes on."""
    _stopped.add(run)
    return _at_work[run] > 0


def _problem_here(run: str, expected: _Expected) -> str:
    """What this worker lacks, as the end of a sentence; empty where nothing."""
    if run not in _checked:
        _checked[run] = _problem(expected, _versions())
    return _checked[run]


def _problem(expected: _Expected, versions: Mapping[str, str]) -> str:
    for name, wanted in expected.versions.items():
        found = versions.get(name, "")
        if found != wanted:
            return (
                f"has {name} {found or '(none)'}, and this QGIS has {wanted or 'none'}, so that results may "
                "differ; install the same version on both."
            )
    for path, size in expected.files.items():
        if not os.path.exists(path):
            return f"does not find {path}; give files and folders by paths that are the same on all machines."
        found_size = _size(path)
        if found_size != size:
            return (
                f"finds another file at {path} ({found_size or 0:,} bytes in place of {size or 0:,}); give "
                "files and folders that all machines share."
            )
    return ""


def _sizes(files: Iterable[str]) -> dict[str, int | None]:
    """Size by path, see `_size`; without what is no file, such as a service."""
    return {path: _size(path) for path in files if os.path.exists(path)}


def _size(path: str) -> int | None:
    """Bytes of a file; None for a folder, or nothing."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def _versions() -> dict[str, str]:
    """Versions by name of what results may depend on; empty where it is not installed."""
    found = {"SMAP Downscaler": plugin_version(), "Python": ".".join(platform.python_version_tuple()[:2])}
    for name, module in _PACKAGES.items():
        found[name] = ""
        with contextlib.suppress(ImportError):
            found[name] = str(importlib.import_module(module).__version__)
    return found
