"""How one tells whether the files that a result was made from are still the same."""

from __future__ import annotations

import os

from .files import open_dataset


def files_behind(path: str) -> list[str]:
    """The file itself, or those that a subdataset or a VRT reads."""
    if os.path.isfile(path) and not path.lower().endswith(".vrt"):
        return [path]
    return [path, *sorted(open_dataset(path).GetFileList() or [])]


def file_state(path: str) -> tuple[str, int, int]:
    """Path, size and time of change."""
    try:
        status = os.stat(path)
    except OSError:
        # The name of a subdataset, or a file on the network.
        return path, 0, 0
    return os.path.abspath(path), status.st_size, status.st_mtime_ns
