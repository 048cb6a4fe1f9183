"""A Dask scheduler and workers on loopback: processes that are ended by their number.

They are forked from one child that has loaded packages once, since a worker takes seconds to load them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="dask.distributed is not installed"
)

# Forks for each line "scheduler FAILURES FOLDER" or "worker SCHEDULER FOLDERS"; forks tell their number and
# address.
_PARENT = """
import asyncio, os, signal, sys
import dask.sizeof, distributed, distributed.http.scheduler.info, distributed.http.worker.prometheus
import numpy, osgeo.gdal, pandas, pyproj, scipy.linalg, sklearn.ensemble

async def scheduler(failures, folder):
    # New ones unpack what they hand on.
    sys.path.insert(0, folder)
    async with distributed.Scheduler(
        host="127.0.0.1", port=0, dashboard_address=":0", allowed_failures=int(failures)
    ) as one:
        print(os.getpid(), one.address, flush=True)
        await one.finished()

async def worker(address, folders):
    sys.path[:0] = folders.split(":")
    async with distributed.Worker(
        address, nthreads=1, host="127.0.0.1", dashboard=False, local_directory="."
    ) as one:
        print(os.getpid(), one.address, flush=True)
        await one.finished()

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    kind, *arguments = line.split()
    if os.fork() == 0:
        sys.stdin.close()
        asyncio.run(globals()[kind](*arguments))
        os._exit(0)
"""
#: Workers of `dask worker` have these.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Child(NamedTuple):
    """A scheduler or worker."""

    number: int
    address: str

    def kill(self) -> None:
        """End it as a lack of memory or a power failure does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, signal.SIGKILL)


class Parent:
    """The child that forks."""

    def __init__(self, folder: Path):
        self.folder, self._log = folder, folder / "dask.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PARENT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env=os.environ | _ONE_THREAD,
            )

    def fork(self, *words: object) -> Child:
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline().split()
        assert told, self._log.read_text()
        return Child(int(told[0]), told[1])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class DaskCluster:
    """A scheduler with workers."""

    def __init__(self, parent: Parent, workers: int = 2, failures: int = 3):
        self._parent = parent
        self.scheduler = parent.fork("scheduler", failures, ROOT)
        self.address = self.scheduler.address
        self.workers: list[Child] = []
        for _ in range(workers):
            self.add_worker()

    def add_worker(self, *folders: Path) -> Child:
        """One more; `folders` hold what it imports."""
        places = folders or (ROOT, ROOT / "tests" / "support")
        worker = self._parent.fork("worker", self.address, ":".join(map(str, places)))
        self.workers.append(worker)
        return worker

    def kill_worker(self, number: int = 0) -> None:
        self.workers.pop(number).kill()

    def end(self) -> None:
        while self.workers:
            self.kill_worker()
        self.scheduler.kill()


@pytest.fixture(scope="module")
def dask_parent(tmp_path_factory):
    parent = Parent(tmp_path_factory.mktemp("dask"))
    yield parent
    parent.end()


@pytest.fixture(scope="module")
def dask_cluster(dask_parent):
    """A scheduler and two workers for all tests that leave them as they are."""
    cluster = DaskCluster(dask_parent)
    yield cluster
    cluster.end()


@pytest.fixture
def make_cluster(dask_parent):
    """Makes clusters of a test's own."""
    made = []

    def make(workers: int = 2, failures: int = 3) -> DaskCluster:
        made.append(DaskCluster(dask_parent, workers, failures))
        return made[-1]

    yield make
    for cluster in made:
        cluster.end()
