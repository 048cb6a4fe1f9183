"""How one tells whether the files that a result was made from are still the same, and what their tags say."""

from __future__ import annotations

import os


def file_state(path: str) -> tuple[str, int, int]:
    """Path, size and time of change."""
    try:
        status = os.stat(path)
    except OSError:
        # The name of a subdataset, or a file on the network.
        return path, 0, 0
    return os.path.abspath(path), status.st_size, status.st_mtime_ns
