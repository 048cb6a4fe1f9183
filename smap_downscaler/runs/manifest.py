"""The manifest of a run: a JSON that says what a folder or model file came from, and how to repeat it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..base.errors import InputError
from ..base.progress import Progress
from ..geo.datasets import whole_file
from ..geo.packed import file_of
from .fingerprint import file_state
from .hashes import file_hash
from .provenance import MOST_HASHED_BYTES, named_files

#: The manifest in a folder of results.
NAME = "smap_downscaler.json"
#: Endings of model files, whose manifests stand beside them.
MODEL_FILES = (".smapforest", ".smapmodel")
#: Files that belong to a shapefile and hold what is read of it.
_WITH_SHAPES = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def manifest_of(output: str | Path) -> Path:
    """Where the manifest of a folder or model file lies."""
    output = Path(output)
    return output / NAME if output.is_dir() else output.with_name(f"{output.name}.json")


def write_manifest(output: str | Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a folder or model file, in the place of that of an earlier run.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with whole_file(manifest_of(output)) as part:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        part.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def files_told(places: Iterable[str], progress: Progress) -> list[dict[str, object]]:
    """Path, size and SHA-256 of the files that some inputs stand for.

    Where they have more than `MOST_HASHED_BYTES` together, the times of their last changes stand for the
    hashes, as for a file that cannot be read.

    Parameters
    ----------
    places : iterable of str
        Files, folders, and GDAL's names of what is in files.
    progress : Progress
    """
    states = {}
    for place in places:
        for path in _files(place, progress):
            progress.check()
            states[path] = file_state(path)[1:]
    hashed = sum(size for size, _changed in states.values()) <= MOST_HASHED_BYTES
    return [_file_told(path, *state, hashed, progress) for path, state in states.items()]


def _file_told(path: str, size: int, changed: int, hashed: bool, progress: Progress) -> dict[str, object]:
    told: dict[str, object] = {"path": path}
    if not changed:
        # It is on the network.
        return told
    told["bytes"] = size
    if hashed:
        with contextlib.suppress(InputError):
            return {**told, "SHA-256": file_hash(path, progress)}
    return {**told, "changed": dt.datetime.fromtimestamp(changed / 1e9, dt.timezone.utc).isoformat()}


def _files(place: str, progress: Progress) -> Iterator[str]:
    """The files that a place stands for."""
    if os.path.isdir(place):
        for folder, folders, files in os.walk(place):
            progress.check()
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                # Statistics that programs leave beside a file, and what is told of its making, are no input.
                if not (name.startswith(".") or name.endswith(".aux.xml") or name == NAME):
                    yield os.path.join(folder, name)
        return
    path = file_of(place)
    ending = Path(path).suffix.lower()
    if ending == ".shp":
        beside = (str(Path(path).with_suffix(other)) for other in _WITH_SHAPES[1:])
        yield from (path, *filter(os.path.isfile, beside))
    elif ending == ".vrt":
        try:
            yield from named_files([path], progress)
        except InputError:
            # It is one of tables.
            yield path
    else:
        yield path
