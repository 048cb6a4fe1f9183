"""Results that are there already, made from the same inputs: a run goes on where it stopped."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..base.dates import find_date
from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..base.version import plugin_version
from ..base.words import counted, text
from ..geo.datasets import dataset_grid, open_dataset, same_crs
from ..geo.geotiff import is_as_written
from ..geo.grid import Grid
from ..geo.packed import file_of
from ..geo.texts import OF_GDAL, tag_of
from ..series.series import SeriesEntry, raster_files
from ..series.tags import RUN_TAG, files_behind
from .hashes import file_hash

#: Folders of what the steps of a model hand on to each other, which QGIS names anew each time.
_TEMPORARY = re.compile(r"processing_\w{6}")


def digest(content: Mapping[str, Any]) -> str:
    """A hash of what a result is made from, and of the plugin's version."""
    text = json.dumps({**content, "version": plugin_version()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(paths: Iterable[str], settings: Mapping[str, Any]) -> str:
    """The `digest` of files, see `identity`, and of settings."""
    files = [identity(file) for path in paths for file in files_behind(path)]
    return digest({"files": files, "settings": settings})


def contents(entries: Iterable[SeriesEntry]) -> list[tuple[object, ...]]:
    """Day, file, variable and band of rasters of a series, in order.

    For `fingerprint`, whose files do not say which of them is which day of which covariate.
    """
    found: list[tuple[object, ...]] = []
    for entry in entries:
        file, state = file_of(entry.path), identity(entry.path)
        found.append((entry.date.isoformat(), entry.path.replace(file, state[0]), *state[1:], entry.band))
    return found


def run_of(path: Path) -> str:
    """The digest that a raster was made with; empty where there is no raster, a damaged one, or no digest."""
    return tags_of_file(path, (RUN_TAG,)).get(RUN_TAG, "")


def tags_of_file(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Those of some tags that a raster has; none where there is no raster, or a damaged one."""
    if not path.is_file():
        return {}
    try:
        dataset = open_dataset(path)
        found = {name: tag_of(dataset, name) for name in names}
    except (InputError, *OF_GDAL):
        # GDAL reads the keys of a GeoTIFF when it is asked for tags, and may raise then.
        return {}
    return {name: value for name, value in found.items() if value}


def is_made(path: Path, run: str, grid: Grid, progress: Progress = SILENT) -> bool:
    """Whether a raster is there that was made with the digest `run` on `grid`, with all cells as written.

    They are read: what a disk or a copy lost of them is made anew.
    """
    if run_of(path) != run:
        return False
    try:
        dataset = open_dataset(path)
        lies = dataset_grid(dataset, str(path))
        return (
            lies.shape == grid.shape
            and lies.cell_offset_in(grid) == (0, 0)
            and same_crs(lies.crs, grid.crs)
            and is_as_written(dataset, progress)
        )
    except InputError:
        return False


def warn_of_other_runs(
    folder: str | Path, own: Iterable[Path], run_at: Callable[[dt.date], str], progress: Progress
) -> None:
    """Warn of dated rasters in the folder of a run that others have left there: a series would mix them.

    Parameters
    ----------
    folder : path
    own : iterable of Path
        The rasters of the run.
    run_at : callable
        The digest that the run gives to the raster of a date; those of other dates with it are as good
        as its own.
    progress : Progress
    """
    folder, names = Path(folder), {path.name for path in own}
    dates = []
    for path in raster_files(folder) if folder.is_dir() else []:
        progress.check()
        date = None
        with contextlib.suppress(InputError):
            date = find_date(path.name)
        if date is not None and path.name not in names and run_of(path) != run_at(date):
            dates.append(date)
    if dates:
        progress.warn(
            text(
                "{}: it holds {} not made from these inputs, the first of {}; whoever opens the folder as a "
                "series reads them too, so remove them or choose another OUTPUT",
                folder,
                counted(len(dates), "dated raster"),
                min(dates),
            )
        )


def file_state(path: str) -> tuple[str, int, int]:
    """Path, size and time of change of a file, or of that behind a NETCDF:"file":variable or in a ZIP."""
    file = file_of(path)
    try:
        status = os.stat(file)
    except OSError:
        # A file on the network.
        return path, 0, 0
    return os.path.abspath(file), status.st_size, status.st_mtime_ns


def identity(path: str) -> tuple[str, int, int | str]:
    """The `file_state` of a file; of what a step of a model made for the next one, name, size and a hash.

    So a model that is run again goes on where it was stopped.

    Raises
    ------
    InputError
        If such a file cannot be read.
    """
    file, size, changed = file_state(path)
    if changed and is_handed_on(file):
        return Path(file).name, size, _content(file, size, changed)
    return file, size, changed


def lasting(path: str) -> str:
    """A path as results keep it: of what a step of a model made for the next one the name alone."""
    return Path(path).name if is_handed_on(path) else path


def is_handed_on(path: str) -> bool:
    """Whether QGIS made a file for a step of a model, or for this session, and removes it."""
    return any(_TEMPORARY.fullmatch(part) for part in Path(path).parts)


@lru_cache(maxsize=4096)
def _content(file: str, _size: int, _changed: int) -> str:
    return file_hash(file)
