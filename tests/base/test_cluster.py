"""Work on a Dask cluster: as in threads, and what becomes of workers and schedulers that fail."""

import shutil
import threading
import time
from functools import partial

import pytest

import cluster_work
from dask_cluster import ROOT, needs_dask
from smap_downscaler.base import cluster
from smap_downscaler.base.cluster import check_address, on_cluster, spread, working_at
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.base.version import plugin_version

NOBODY = "tcp://127.0.0.1:9"


def work(address, function, items, progress=SILENT, files=()):
    with working_at(address, progress):
        return [(own, found) for (_, own), found in spread(function, items, 1, progress, files)]


def refusal(address, function=cluster_work.add, items=((1, 2),), files=()):
    with pytest.raises(InputError) as caught:
        work(address, function, items, SILENT, files)
    return str(caught.value)


def until(state):
    """Wait for what must come."""
    end = time.monotonic() + 30
    while not state():
        assert time.monotonic() < end
        time.sleep(0.02)


def has_begun(folder):
    """Whether a worker is at `cluster_work.wait_for`."""
    return any(folder.glob("begun *"))


class InThread:
    """Work on a cluster in a thread of its own, so that a test can meddle with it."""

    def __init__(self, address, function, items):
        self.cancelled = threading.Event()
        self.result = self.error = None
        listener = Progress()
        listener.is_cancelled = self.cancelled.is_set

        def run():
            try:
                self.result = work(address, function, items, listener)
            except (InputError, Cancelled) as error:
                self.error = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def end(self):
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.result


def test_without_an_address_work_is_done_in_threads():
    with working_at("", SILENT):
        assert not on_cluster()
        items = [(3, 4), (5, 6)]
        found = list(spread(lambda shared, own, _: (shared + own, threading.get_ident()), items, 2, SILENT))
    assert [(item, total) for item, (total, _thread) in found] == [((3, 4), 7), ((5, 6), 11)]
    assert threading.get_ident() not in [thread for _item, (_total, thread) in found]


def test_what_is_no_address_is_refused():
    for address in ("host", "tcp://host", "8786", "http//host:1"):
        with pytest.raises(InputError) as caught:
            check_address(address)
        assert str(caught.value) == f"SCHEDULER is '{address}'; give an address such as tcp://host:8786."


def test_addresses_are_known():
    for address in ("tcp://host:8786", "host:8786", "tls://10.0.0.1:8786", "tcp://[::1]:8786"):
        check_address(address)


@needs_dask
def test_results_come_in_order_from_both_workers(dask_cluster, tmp_path):
    found = work(dask_cluster.address, cluster_work.meet, ((tmp_path, number) for number in range(9)))
    assert found == [(number, number + 10) for number in range(9)]
    assert {path.name for path in tmp_path.iterdir()} == {str(one.number) for one in dask_cluster.workers}
    assert not on_cluster()


@needs_dask
def test_what_is_shared_is_not_unpacked_for_each_piece(dask_cluster, tmp_path):
    first, second = (cluster_work.Counted(tmp_path / name, value) for name, value in (("a", 1), ("b", 100)))
    items = [*((first, number) for number in range(8)), *((second, number) for number in range(8))]
    found = work(dask_cluster.address, cluster_work.add_counted, items)
    assert [total for _own, total in found] == [*range(1, 9), *range(100, 108)]
    for name in ("a", "b"):
        processes = (tmp_path / name).read_text().split()
        # New versions of dask unpack it once more where it was made.
        assert len(processes) <= 4


@needs_dask
def test_the_first_error_in_order_is_told(dask_cluster):
    text = refusal(dask_cluster.address, cluster_work.refuse, [(0, 7), (0, 8)])
    assert text == "number 7 cannot be worked on; leave it out."


@needs_dask
def test_a_cancel_stops_workers_within_two_seconds(dask_cluster, tmp_path):
    running = InThread(dask_cluster.address, cluster_work.wait_for, [(tmp_path, n) for n in range(9)])
    until(lambda: len(list(tmp_path.glob("begun *"))) >= 2)
    begun = time.monotonic()
    running.cancelled.set()
    running.end()
    assert time.monotonic() - begun < 2
    assert isinstance(running.error, Cancelled)
    assert 2 <= len(list(tmp_path.glob("stopped *"))) == len(list(tmp_path.glob("begun *")))


@needs_dask
def test_nobody_at_the_address(monkeypatch):
    monkeypatch.setattr(cluster, "_SECONDS_TO_CONNECT", 0.5)
    text = refusal(NOBODY)
    assert text.startswith(f"SCHEDULER: no Dask scheduler answers at {NOBODY} (")
    assert text.endswith(
        "); check the address, whether it runs and whether it is of the same version, or leave SCHEDULER "
        "empty."
    )


@needs_dask
@pytest.mark.parametrize("name", ["Python", "NumPy", "scikit-learn", "GDAL", "SMAP Downscaler"])
def test_other_versions_are_refused(dask_cluster, monkeypatch, name):
    own = cluster._versions()
    monkeypatch.setattr(cluster, "_versions", lambda: own | {name: "1.0"})
    first = min(worker.address for worker in dask_cluster.workers)
    assert refusal(dask_cluster.address) == (
        f"SCHEDULER: the worker at {first} has {name} {own[name]}, and this QGIS has 1.0, so that results "
        "may differ; install the same version on both."
    )


@needs_dask
def test_a_path_that_a_worker_lacks_is_refused(dask_cluster):
    # Each process has its own threads.
    path = f"/proc/self/task/{threading.get_native_id()}/comm"
    first = min(worker.address for worker in dask_cluster.workers)
    assert refusal(dask_cluster.address, files=[path]) == (
        f"SCHEDULER: the worker at {first} does not find {path}; give files and folders by paths that are "
        "the same on all machines."
    )


@needs_dask
def test_another_file_by_the_same_path_is_refused(dask_cluster, dask_parent, tmp_path, monkeypatch):
    # Workers have a working folder of their own.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.tif").write_bytes(bytes(1234))
    (dask_parent.folder / "stack.tif").write_bytes(bytes(5))
    first = min(worker.address for worker in dask_cluster.workers)
    assert refusal(dask_cluster.address, files=["stack.tif"]) == (
        f"SCHEDULER: the worker at {first} finds another file at stack.tif (5 bytes in place of 1,234); give "
        "files and folders that all machines share."
    )


@needs_dask
def test_workers_without_the_package_or_with_another_one(make_cluster, tmp_path):
    own = make_cluster(0)
    assert refusal(own.address) == (
        f"SCHEDULER: {own.address} has no worker; start some with: dask worker {own.address}"
    )
    bare, other = tmp_path / "bare", tmp_path / "other"
    bare.mkdir()
    worker = own.add_worker(bare)
    assert refusal(own.address) == (
        f"SCHEDULER: the worker at {worker.address} cannot work with this plugin (No module named "
        "'smap_downscaler'); put the folder that holds smap_downscaler, of the same version, on its "
        "PYTHONPATH."
    )
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "smap_downscaler", other / "smap_downscaler", ignore=ignored)
    (other / "metadata.txt").write_text("[general]\nversion=0.0.1\n")
    for folders, problem in (
        ([bare], "cannot work with this plugin (No module named 'smap_downscaler'); put "),
        (
            [other, ROOT / "tests" / "support"],
            f"has SMAP Downscaler 0.0.1, and this QGIS has {plugin_version()}, so that results may differ; "
            "install the same version on both.",
        ),
    ):
        folder = tmp_path / str(len(folders))
        folder.mkdir()
        # One of its own: a scheduler learns late of workers that are gone.
        own = make_cluster(1)
        running = InThread(own.address, cluster_work.wait_for, [(folder, n) for n in range(4)])
        until(partial(has_begun, folder))
        # One that comes when all were asked already.
        late = own.add_worker(*folders)
        time.sleep(cluster._SECONDS_A_COUNT)
        (folder / "go").touch()
        running.end()
        # Newer Dask may give it none of the pieces that were handed out before: then all is as without it.
        if running.error is not None or _gives_to_late_workers():
            assert str(running.error).startswith(f"SCHEDULER: the worker at {late.address} {problem}")


def _gives_to_late_workers():
    import distributed

    return int(distributed.__version__.partition(".")[0]) < 2024


@needs_dask
def test_a_worker_that_is_killed_loses_nothing(make_cluster, tmp_path):
    own = make_cluster()
    running = InThread(own.address, cluster_work.wait_for, [(tmp_path, n) for n in range(9)])
    until(lambda: len(list(tmp_path.glob("begun *"))) == 2)
    own.kill_worker()
    (tmp_path / "go").touch()
    assert running.end() == [(n, n) for n in range(9)]


@needs_dask
def test_work_at_which_workers_die_is_told(make_cluster):
    assert refusal(make_cluster(1, failures=0).address, cluster_work.die) == (
        "SCHEDULER: workers died one after the other at the same piece of work, most likely for lack of "
        "memory; give them more, or fewer threads, and start the run again."
    )


@needs_dask
def test_a_scheduler_that_is_lost(make_cluster, tmp_path):
    own = make_cluster()
    running = InThread(own.address, cluster_work.wait_for, [(tmp_path, n) for n in range(9)])
    until(lambda: len(list(tmp_path.glob("begun *"))) == 2)
    own.scheduler.kill()
    running.end()
    assert str(running.error) == (
        f"SCHEDULER: the connection to {own.address} was lost; what was finished before is kept: see that "
        "the scheduler runs, and start the run again."
    )
