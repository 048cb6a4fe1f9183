"""What workers of a Dask cluster are given in tests; they import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from smap_downscaler.base.errors import InputError


class Counted:
    """Something that leaves a line in a file wherever it is unpacked."""

    def __init__(self, log: Path, value: int):
        self.log, self.value = log, value

    def __setstate__(self, state):
        vars(self).update(state)
        with self.log.open("a") as stream:
            stream.write(f"{os.getpid()}\n")


def add(shared, own, progress):
    return shared + own


def meet(folder, own, progress):
    """Leaves the number of its process in a folder, and waits until there are two."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.02)
    return own + 10


def add_counted(shared, own, progress):
    return shared.value + own


def refuse(shared, own, progress):
    raise InputError(f"number {own} cannot be worked on; leave it out.")


def die(shared, own, progress):
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(folder, own, progress):
    """Leaves "begun N" in a folder, waits for a file "go" there, and leaves "stopped N" when it must stop."""
    (folder / f"begun {own}").write_text(str(os.getpid()))
    try:
        while not (folder / "go").exists():
            progress.check()
            time.sleep(0.02)
    except BaseException:
        (folder / f"stopped {own}").touch()
        raise
    return own
