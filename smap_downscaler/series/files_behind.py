"""Files behind a raster or its bands, and the tags that they carry."""

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
