"""What a result came from: hashes of its inputs and the versions of what made it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import platform
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..core.errors import InputError
from ..core.progress import SILENT, Progress
from ..core.version import plugin_version

_BLOCK = 1 << 22


def file_hash(path: str | Path, progress: Progress = SILENT) -> str:
    """SHA-256 of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as stream:
            while block := stream.read(_BLOCK):
                progress.check()
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror}); check the path.") from None
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Version by name, of the plugin and of what it computes with, where that is installed."""
    told = {
        "SMAP Downscaler": plugin_version(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "GDAL": gdal.__version__,
    }
    for name, module in (("scikit-learn", "sklearn"), ("SciPy", "scipy"), ("statsmodels", "statsmodels")):
        with contextlib.suppress(ImportError):
            told[name] = str(importlib.import_module(module).__version__)
    return told
