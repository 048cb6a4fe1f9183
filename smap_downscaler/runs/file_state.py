"""How one tells whether the files that a result was made from are still the same, and what their tags say."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..base.errors import InputError
from ..geo.datasets import open_dataset


def files_behind(path: str) -> list[str]:
    """The file itself, or those that a subdataset or a VRT reads."""
    if os.path.isfile(path) and not path.lower().endswith(".vrt"):
        return [path]
    return list(dict.fromkeys([path, *sorted(open_dataset(path).GetFileList() or [])]))


def tags_behind(path: str) -> Iterator[dict[str, str]]:
    """The tags of a raster, and of those that a VRT reads."""
    for file in files_behind(path):
        try:
            tags = open_dataset(file).GetMetadata()
        except InputError:
            # A VRT names side-car files too.
            continue
        yield tags or {}


def file_state(path: str) -> tuple[str, int, int]:
    """Path, size and time of change."""
    try:
        status = os.stat(path)
    except OSError:
        # The name of a subdataset, or a file on the network.
        return path, 0, 0
    return os.path.abspath(path), status.st_size, status.st_mtime_ns
