"""SAGA by its own program, `saga_cmd`: found, started without a shell, listened to, stopped on request."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QProcess

from ....base.errors import InputError
from ....base.progress import Progress
from ..saga.output import SagaTalk
from ..saga.runner import Runner, SagaFailure, Session, failure
from ..saga.tools import Call, Option

#: Milliseconds between two looks at the process and at the user.
_LOOK = 100
#: Milliseconds that a process gets to end by itself before it is killed.
_GRACE = 700
#: The script's name in the session's folder.
_SCRIPT = "calls.txt"
#: Bytes of a grid that is large: all grids of a script are in memory at once, some twelve.
_LARGE = 100e6


def find_saga_cmd(given: str = "") -> str:
    """Path of `saga_cmd`: the one given, that on PATH, or one in a usual place; empty where there is none.

    Raises
    ------
    InputError
        If a path is given where no such program lies.
    """
    if given:
        return _given_saga_cmd(given)
    return shutil.which("saga_cmd") or next((path for path in usual_folders() if _is_program(path)), "")


def _given_saga_cmd(given: str) -> str:
    # People point at the folder, too.  Absolute, since SAGA runs in a folder of its own.
    path = os.path.abspath(os.path.join(given, _file_name()) if os.path.isdir(given) else given)
    if not Path(path).is_file():
        raise InputError(
            f"SAGA_CMD: there is no {path}; give the path of SAGA's {_file_name()}, or leave it empty."
        )
    if not _is_program(path):
        raise InputError(
            f"SAGA_CMD: {path} is no program that may be run; give the path of SAGA's {_file_name()}."
        )
    return path


def _file_name() -> str:
    return "saga_cmd.exe" if sys.platform == "win32" else "saga_cmd"


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def usual_folders() -> list[str]:
    """Where installers put SAGA without putting it on PATH."""
    prefix = QgsApplication.prefixPath()
    if sys.platform == "win32":
        roots = [os.path.dirname(prefix), r"C:\OSGeo4W\apps", r"C:\OSGeo4W64\apps"]
        roots += [os.environ[name] + r"\apps" for name in ("OSGEO4W_ROOT",) if name in os.environ]
        roots += [os.environ[name] for name in ("ProgramFiles", "ProgramFiles(x86)") if name in os.environ]
        # The newest first.
        return [
            path for root in roots for path in sorted(glob.glob(rf"{root}\saga*\saga_cmd.exe"), reverse=True)
        ]
    folders = [
        os.path.join(prefix, "bin"),
        "/usr/local/bin",
        "/usr/bin",
        "/opt/homebrew/bin",
        "/opt/local/bin",
    ]
    folders += sorted(glob.glob("/Applications/SAGA*.app/Contents/MacOS"), reverse=True)
    folders += sorted(glob.glob("/Applications/QGIS*.app/Contents/MacOS/bin"), reverse=True)
    return [os.path.join(folder, "saga_cmd") for folder in folders]


class SagaCmd(Runner):
    """SAGA by `saga_cmd`."""

    def __init__(self, path: str):
        self.path = path
        self.label = f"SAGA by {path}"

    @contextlib.contextmanager
    def session(self, calls: Sequence[Call], folder: Path, progress: Progress) -> Iterator[Session]:
        session = _ProgramSession(self.path, calls, folder, progress)
        try:
            yield session
        finally:
            session.stop()


class _ProgramSession(Session):
    """Calls by scripts of `saga_cmd`, whose start takes longer than a tool on a small DEM.

    One script does all calls.  SAGA keeps a script's grids in memory, so on a large DEM each has its own.
    """

    def __init__(self, path: str, calls: Sequence[Call], folder: Path, progress: Progress):
        super().__init__(calls, progress)
        self._path, self._folder = path, folder
        self._process = QProcess()
        self._lines: Iterator[str] = iter(())
        #: Calls of which the running script has heard, and calls that SAGA has begun.
        self._told = self._begun = 0

    def work(self, call: Call, talk: SagaTalk, progress: Progress) -> None:
        if self._done == self._told:
            self._start()
        for line in self._lines:
            # What SAGA prints first of each tool.
            self._begun += line.startswith("library path")
            if self._begun > self._done + 1:
                return
            talk.line(line)
            progress.set_fraction(talk.fraction)
        if self._process.exitStatus() != QProcess.ExitStatus.NormalExit:
            raise failure(call, talk, "it crashed or was ended")
        if self._process.exitCode() != 0:
            raise failure(call, talk, f"exit code {self._process.exitCode()}")

    def _start(self) -> None:
        """Start SAGA with a script of the calls that are left, or of the next one."""
        left = self._calls[self._done :]
        if any(Path(path).stat().st_size > _LARGE for path in left[0].inputs.values()):
            left = left[:1]
        self._told, self._begun = self._done + len(left), self._done
        (self._folder / _SCRIPT).write_text("".join(f"{_command(call)}\n" for call in left), encoding="ascii")
        process = self._process = QProcess()
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.setStandardInputFile(QProcess.nullDevice())
        process.setWorkingDirectory(str(self._folder))
        process.start(self._path, [_SCRIPT])
        if not process.waitForStarted():
            raise SagaFailure(
                f"{self._path}: it cannot be started ({process.errorString()}); check SAGA's installation, "
                "or set ENGINE to built-in, which needs no SAGA."
            )
        self._lines = _lines(process, self.progress)

    def stop(self) -> None:
        """End SAGA where it still runs."""
        _stop(self._process)


def _command(call: Call) -> str:
    """A call as a line of a script; SAGA runs where the files lie.

    Names without folders: SAGA loses other letters than English ones where the locale has none.
    """
    words = [call.tool.library, str(call.tool.number)]
    for name, path in {**call.inputs, **call.outputs}.items():
        words += [f"-{name}", Path(path).with_suffix(".sgrd").name]
    for name, value in call.options.items():
        words += [f"-{name}", _text(value)]
    return " ".join(words)


def _text(value: Option) -> str:
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _lines(process: QProcess, progress: Progress) -> Iterator[str]:
    """What the process prints, line by line, until it ends; raises `Cancelled`.

    Lines end in a line feed or, for progress, a carriage return.
    """
    rest, running = b"", True
    while running:
        running = not process.waitForFinished(_LOOK) and process.state() != QProcess.ProcessState.NotRunning
        *lines, rest = re.split(rb"[\r\n]", rest + bytes(process.readAllStandardOutput()))
        for line in lines:
            yield line.decode("utf-8", "replace")
        if running:
            progress.check()
    yield rest.decode("utf-8", "replace")


def _stop(process: QProcess) -> None:
    """End a process that still runs: politely, then for good."""
    if process.state() == QProcess.ProcessState.NotRunning:
        return
    process.terminate()
    begun = time.monotonic()
    while not process.waitForFinished(_LOOK) and process.state() != QProcess.ProcessState.NotRunning:
        if (time.monotonic() - begun) * 1000 > _GRACE:
            process.kill()
            process.waitForFinished(_GRACE)
            return
