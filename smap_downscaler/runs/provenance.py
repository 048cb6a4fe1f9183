"""What a result came from: hashes of its inputs and the versions of what made it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from osgeo import gdal

from ..base.progress import SILENT, Progress
from ..base.version import plugin_version
from ..series.series import Series
from ..series.tags import files_behind
from .fingerprint import file_state
from .hashes import file_hash

#: Bytes of many files up to which their contents are hashed, which takes about a second: years of fine maps
#: could outlast the work.
MOST_HASHED_BYTES = 1 << 28


@dataclass(frozen=True)
class ListHash:
    """One SHA-256 of many files, and what of them it is a hash of."""

    digest: str
    of: str


def files_hash(
    files: Mapping[str, str], progress: Progress = SILENT, listed: Sequence[Sequence[object]] = ()
) -> ListHash:
    """One SHA-256 over names and contents of files; where these are large, over names, sizes and times.

    It is that of a JSON list of `listed` and of the name, size and SHA-256 (or nanosecond of the last change)
    of each file.

    Parameters
    ----------
    files : mapping
        Name by path, in order; names do not depend on where the files lie.
    progress : Progress
    listed : sequence of sequence
        What else belongs to it, as JSON takes it.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    states = {}
    for path in files:
        progress.check()
        states[path] = file_state(path)[1:]
    sizes = [size for size, _changed in states.values()]
    whole = sum(sizes) <= MOST_HASHED_BYTES and all(map(os.path.isfile, files))
    # The work is done: the bar stays.
    counter = progress.part(1.0, 1.0).counter(len(files), "input files hashed")
    lines = []
    for path, (size, changed) in states.items():
        lines.append((files[path], size, file_hash(path, progress) if whole else changed))
        counter.advance()
    digest = hashlib.sha256(json.dumps([*listed, *lines]).encode()).hexdigest()
    return ListHash(digest, "contents" if whole else "names, sizes and times")


def named_files(paths: Iterable[str], progress: Progress = SILENT) -> dict[str, str]:
    """Name by path of rasters and of the files that they read, each once.

    Raises
    ------
    InputError
        If a VRT or a subdataset cannot be opened.
    """
    files = {}
    for path in dict.fromkeys(paths):
        progress.check()
        # Statistics that programs leave beside a file are no part of it.
        behind = [file for file in files_behind(path) if not file.endswith(".aux.xml")]
        for file in [file for file in behind if os.path.isfile(file)] or behind:
            files[file] = os.path.basename(file)
    return files


def series_hash(series: Series, progress: Progress = SILENT) -> ListHash:
    """One SHA-256 of a series: its dates, files, bands, and what `files_hash` says of the files.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    files = named_files((entry.path for entry in series.entries), progress)
    listed = [(entry.date.isoformat(), _short_name(entry.path), entry.band) for entry in series.entries]
    return files_hash(files, progress, listed)


def _short_name(path: str) -> str:
    """The name of a file without its folder, or that of a variable (NETCDF:"file":variable)."""
    return os.path.basename(path.rpartition(":")[2])


def versions() -> dict[str, str]:
    """Version by name, of the plugin and of what it computes with, where that is installed."""
    found = {
        "SMAP Downscaler": plugin_version(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "GDAL": gdal.__version__,
    }
    for name, module in (("scikit-learn", "sklearn"), ("SciPy", "scipy"), ("statsmodels", "statsmodels")):
        with contextlib.suppress(ImportError):
            found[name] = str(importlib.import_module(module).__version__)
    return found
