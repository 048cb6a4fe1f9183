"""The plugin in `qgis_process`, a process of its own with a profile of its own: run to its end, or killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SECONDS_A_LOOK = 0.002

needs_qgis_process = pytest.mark.skipif(
    shutil.which("qgis_process") is None, reason="qgis_process is not on the PATH"
)


class OwnProcess:
    """A copy of the plugin, enabled in a fresh profile in `folder`."""

    def __init__(self, folder: Path):
        self._environment = os.environ | {
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(folder),
        }
        plugins = folder / "profiles" / "default" / "python" / "plugins"
        plugins.mkdir(parents=True)
        shutil.copytree(ROOT / "smap_downscaler", plugins / "smap_downscaler", symlinks=False)
        shutil.copytree(ROOT / "help", plugins / "smap_downscaler" / "help", dirs_exist_ok=True)
        shutil.copy(ROOT / "metadata.txt", plugins / "smap_downscaler" / "metadata.txt")
        # As `qgis_process plugins enable` writes it, which test_package.py tries.
        settings = folder / "profiles" / "default" / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir()
        settings.write_text("[PythonPlugins]\nsmap_downscaler=true\n")

    def run(self, algorithm: str, inputs: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """The end of a run."""
        return self._ended(_words(algorithm), json.dumps({"inputs": inputs}))

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """The end of a command in a POSIX shell."""
        return subprocess.run(
            ["sh", "-c", command],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _ended(self, words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["qgis_process", *words],
            env=self._environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def kill_when(self, state: Callable[[], bool], algorithm: str, inputs: dict[str, Any], log: Path) -> None:
        """Start a run and kill it, without a chance to tidy up, as soon as `state` holds."""
        with log.open("w") as stream:
            child = subprocess.Popen(
                ["qgis_process", *_words(algorithm)],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                text=True,
            )
            child.stdin.write(json.dumps({"inputs": inputs}))
            child.stdin.close()
            while not state():
                assert child.poll() is None, f"it ended before it could be killed: {log.read_text()}"
                time.sleep(_SECONDS_A_LOOK)
            child.kill()
            assert child.wait() == -signal.SIGKILL


def _words(algorithm: str) -> list[str]:
    return ["run", f"smapdownscaler:{algorithm}", "--json", "-"]
