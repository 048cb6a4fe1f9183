"""Runs of algorithms in a QGIS of its own process, which may be killed, crash or hang without harm to others.

    with Child(folder) as child:
        ended = child.run("downscale", {...}, seconds=60)

A child answers one run after the other; after a crash, a hang or a kill the next run starts a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
OK, REFUSED, FAULT, CRASH, HANG, KILLED = "ok", "refused", "fault", "crash", "hang", "killed"
CANCELLED = "cancelled"
#: What a refusal says where an error was not foreseen.
_UNFORESEEN = "an error that was not foreseen"
#: Seconds in which QGIS starts.
_START = 60.0


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Parameters
    ----------
    kind : str
        `ok`, `refused` (by a sentence), `fault` (by an error that nobody foresaw), `crash`, `hang`, `killed`,
        `cancelled`.
    told : str
        The refusal, or the signal of a crash.
    warnings : list of str
    outputs : dict
    seconds : float
        Of the whole run; where it was cancelled, from then to its end.
    """

    kind: str
    told: str = ""
    warnings: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


class Child:
    """A process with QGIS and the plugin of this checkout; profile and temporary files are in `folder`."""

    def __init__(self, folder: str | Path):
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | _Copy | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the process, if it does not run, and wait until it takes runs."""
        if self._process is not None:
            return
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"TMPDIR": str(self._folder), "OMP_NUM_THREADS": "1"},
            )
        if self._answer(_START) != {"ready": True}:
            log_text = (self._folder / "log").read_text(errors="replace")
            raise RuntimeError(f"QGIS did not start: {log_text[-2000:]}")

    def run(
        self,
        algorithm: str,
        parameters: Mapping[str, Any],
        seconds: float = 120.0,
        largest_file: int | None = None,
        kill_after: float | None = None,
        cancel_after: float | None = None,
        cancel_at: str = "",
    ) -> Ended:
        """Run an algorithm to its end.

        Parameters
        ----------
        algorithm : str
            Without the provider's name.
        parameters : mapping
            As JSON takes it.
        seconds : float
            After which it counts as hanging, and is killed.
        largest_file : int, optional
            Bytes up to which files can be written, as on a disk that is full then.
        kill_after : float, optional
            Seconds after which it is killed, if it is not at its end.
        cancel_after : float, optional
            Seconds after which the cancel button is pressed.
        cancel_at : str
            It is pressed when this is what the run says that it does.
        """
        self.start()
        process = self._process
        order = {
            "algorithm": algorithm,
            "parameters": dict(parameters),
            "largest_file": largest_file,
            "cancel_after": cancel_after,
            "cancel_at": cancel_at,
        }
        begun = time.monotonic()
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        answer = self._answer(seconds if kill_after is None else kill_after)
        taken = time.monotonic() - begun
        if answer is not None:
            return Ended(**{"seconds": taken, **answer})
        if process.poll() is None:
            self.kill()
            return Ended(HANG if kill_after is None else KILLED, seconds=taken)
        self._process = None
        return Ended(CRASH, f"exit {process.returncode}", seconds=taken)

    def fork(self, folder: str | Path) -> Child:
        """A child that is a copy of this one's process, in which QGIS has started already."""
        self.start()
        copy = Child(folder)
        pipes = [Path(folder) / name for name in ("orders", "answers")]
        for pipe in pipes:
            os.mkfifo(pipe)
        self._process.stdin.write(json.dumps({"fork": [str(pipe) for pipe in pipes]}).encode() + b"\n")
        self._process.stdin.flush()
        orders, answers = pipes[0].open("wb"), pipes[1].open("rb", buffering=0)
        copy._process = _Copy(self._answer(_START)["fork"], orders, answers)
        return copy

    def kill(self) -> None:
        """End the process as the system does when memory is short: at once."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The next line of the process; None where none comes in time, or it ended."""
        output, end = self._process.stdout, time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(end - time.monotonic(), 0))
            piece = os.read(output.fileno(), 1 << 16) if ready else b""
            if not piece:
                if ready:
                    # It closed its end: wait for how it ended.
                    self._process.wait()
                return None
            line += piece
        return json.loads(line)


class _Copy:
    """What `Child` uses of a `Popen`, of a process that another one made by forking."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]):
        self._pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it runs; how it ended is not known."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            self.returncode = -1
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def wait(self) -> None:
        """Wait until it is gone."""
        while self.poll() is None:
            time.sleep(0.005)


def _serve(folder: Path) -> None:
    """In the child: take runs from standard input and answer each with a line."""
    # Libraries print where they like: what they print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from qgis_session import qgis_session

    def answer(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    # Copies that have ended are gone at once.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with qgis_session(folder / "profile"):
        answer(ready=True)
        orders = sys.stdin
        while line := orders.readline():
            order = json.loads(line)
            if "fork" not in order:
                answer(**_run(**order))
                continue
            pid = os.fork()
            if pid:
                answer(fork=pid)
                continue
            orders, answers = (open(pipe, mode) for pipe, mode in zip(order["fork"], "rw"))  # noqa: SIM115


def _run(
    algorithm: str,
    parameters: dict[str, Any],
    largest_file: int | None,
    cancel_after: float | None,
    cancel_at: str,
) -> dict[str, Any]:
    import processing
    from processing.tools import dataobjects
    from qgis.core import QgsProcessingException, QgsProcessingFeedback

    warnings: list[str] = []
    cancelled: list[float] = []

    class Listening(QgsProcessingFeedback):
        def __init__(self) -> None:
            super().__init__(False)

        def pushWarning(self, text: str) -> None:
            warnings.append(text)

        def setProgressText(self, text: str) -> None:
            if text == cancel_at:
                self.press()

        def press(self) -> None:
            cancelled.append(time.monotonic())
            self.cancel()

        def pushDebugInfo(self, text: str) -> None:
            print(text, file=sys.stderr, flush=True)

    if cancel_at:
        from smap_downscaler.toolbox.feedback import QgisProgress

        # All that is said, not a line from time to time.
        QgisProgress.QUIET = QgisProgress.OFTEN = QgisProgress.SELDOM = 0.0
    feedback = Listening()
    # As the toolbox does, with its setting for invalid shapes.
    context = dataobjects.createContext(feedback)
    button = threading.Timer(cancel_after or 0.0, feedback.press)
    if cancel_after is not None:
        button.start()
    try:
        with _limited(largest_file):
            outputs = processing.run(
                f"smapdownscaler:{algorithm}", parameters, feedback=feedback, context=context
            )
    except QgsProcessingException as error:
        told = " ".join(str(error).removeprefix("Unable to execute algorithm").split())
        if not cancelled or _UNFORESEEN in told:
            return {"kind": FAULT if _UNFORESEEN in told else REFUSED, "told": told, "warnings": warnings}
    except Exception as error:
        return {"kind": FAULT, "told": f"{type(error).__name__}: {error}", "warnings": warnings}
    finally:
        button.cancel()
    if cancelled:
        return {"kind": CANCELLED, "warnings": warnings, "seconds": time.monotonic() - cancelled[0]}
    plain = {name: value for name, value in outputs.items() if isinstance(value, (str, int, float, list))}
    return {"kind": OK, "warnings": warnings, "outputs": plain}


@contextlib.contextmanager
def _limited(largest_file: int | None) -> Any:
    """No file grows beyond `largest_file`: writing fails there with an error from the system."""
    if largest_file is None:
        yield
        return
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
