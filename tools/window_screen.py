"""A QGIS with a window, on a screen of its own and with a throw-away profile that holds the plugin."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import install
from tree import TOP

SIZE = (1400, 900)
TOOLS = TOP / "tools"
#: Where the script in QGIS finds its job.
JOB_VARIABLE = "SMAP_WINDOW_JOB"
_SETTINGS = """[General]
[PythonPlugins]
smap_downscaler=true
processing=true
[app]
askToSaveMemoryLayers=false
checkVersion=false
[plugin_installer]
checkOnStart=false
[core]
httpsfeedqgisorg\\disabled=true
[locale]
overrideFlag=true
userLocale=en_US
globalLocale=en_US
[qgis]
enableMacros=Never
showTips=false
"""


class WindowError(Exception):
    """The screen or QGIS did not come up, or QGIS did not come to an end."""


@contextlib.contextmanager
def screen(width: int = SIZE[0], height: int = SIZE[1]) -> Iterator[str]:
    """Start Xvfb and openbox, yield the name of the display, and end these two processes."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, pass_fds=[writing], **quiet)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    if not number:
        raise WindowError("Xvfb did not start; is the package xvfb installed?")
    display = f":{number}"
    manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": display}, **quiet)
    try:
        yield display
    finally:
        for process in (manager, server):
            end(process)


def end(process: subprocess.Popen) -> None:
    """End a process of ours."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_data(folder: Path, cells: int, days: int, sheet: Path | None = None) -> None:
    """The demo basin (window_data.py), made in a process of its own without a screen."""
    command = [sys.executable, str(TOOLS / "window_data.py"), str(folder)]
    command += ["--cells", str(cells), "--days", str(days), *(["--sheet", str(sheet)] if sheet else [])]
    subprocess.run(command, check=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})


def make_profile(folder: Path) -> None:
    """A fresh configuration folder with the plugin's ZIP installed, as users get it, and switched on."""
    profile = folder / "profiles" / "default"
    settings = profile / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(_SETTINGS, encoding="utf-8")
    install.deploy(profile)


def run_qgis(job: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Start QGIS with the steps of `job` (see window_inside.py) and return the status that they leave.

    Raises
    ------
    WindowError
        If QGIS leaves no status, or does not end in `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="smap-window-") as name, screen() as display:
        folder = Path(name)
        make_profile(folder / "config")
        status = folder / "status.json"
        told = folder / "job.json"
        told.write_text(json.dumps({**job, "status": str(status), "tools": str(TOOLS)}), encoding="utf-8")
        output = folder / "qgis.log"
        code = _run(_environment(folder, display, told), Path(job["data"]).parent, output, timeout)
        said = output.read_text(encoding="utf-8", errors="replace")
        if not status.is_file():
            raise WindowError(f"QGIS ended with code {code} before the first step:\n{said[-3000:]}")
        result = json.loads(status.read_text(encoding="utf-8"))
    result["exit_code"] = code
    result["stderr"] = said
    return result


def _environment(folder: Path, display: str, job: Path) -> dict[str, str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("QGIS_", "QT_", "XDG_", "WAYLAND_"))
    }
    for variable in ("CONFIG", "DATA", "STATE", "CACHE", "RUNTIME"):
        place = folder / f"xdg_{variable.lower()}"
        place.mkdir(mode=0o700)
        environment[f"XDG_{variable}_{'DIR' if variable == 'RUNTIME' else 'HOME'}"] = str(place)
    temporary = folder / "tmp"
    temporary.mkdir()
    environment.update(
        DISPLAY=display,
        QT_QPA_PLATFORM="xcb",
        QGIS_CUSTOM_CONFIG_PATH=str(folder / "config"),
        HOME=str(folder),
        TMPDIR=str(temporary),
        LC_ALL="C.UTF-8",
    )
    environment[JOB_VARIABLE] = str(job)
    return environment


def _run(environment: dict[str, str], place: Path, output: Path, timeout: float) -> int | None:
    """QGIS's exit code, or None where it had to be ended."""
    command = ["qgis", "--nologo", "--noversioncheck", "--code", str(TOOLS / "window_start.py")]
    with output.open("wb") as log:
        qgis = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            return qgis.wait(timeout)
        except subprocess.TimeoutExpired:
            print(f"QGIS did not end in {timeout:.0f} s; it is ended now.", file=sys.stderr)
            return None
        finally:
            end(qgis)
