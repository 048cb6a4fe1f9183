"""Rasters of other runs in the folder of a run."""

from __future__ import annotations

import numpy as np
import pytest

from raster_cases import grid_raster
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.runs.fingerprint import warn_of_other_runs
from smap_downscaler.series.tags import RUN_TAG

GRID = Grid("EPSG:32718", 690000.0, 8540000.0, 100.0, 100.0, 3, 2)
ONES = np.ones((1, *GRID.shape), np.float32)


class Warned(Progress):
    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def run_at(date):
    return f"run of {date.month}"


def write(folder, name, run):
    write_geotiff(folder / name, GRID, ONES, tags={RUN_TAG: run})
    return folder / name


def warnings_of(folder, own=()):
    listener = Warned()
    warn_of_other_runs(folder, own, run_at, listener)
    return listener.warnings


def test_days_of_other_inputs_are_warned_of(tmp_path):
    own = [write(tmp_path, f"a_202005{number}.tif", "run of 5") for number in (11, 12)]
    assert warnings_of(tmp_path, own) == []
    # As good as those of this run, though it did not ask for them.
    write(tmp_path, "a_20200601.tif", "run of 6")
    # What opens as no day of the series.
    write(tmp_path, "all.tif", "other")
    write(tmp_path, "a_20200101_20200102.tif", "other")
    (tmp_path / "a_20200102.txt").write_text("")
    assert warnings_of(tmp_path, own) == []
    write(tmp_path, "a_20200103.tif", "run of 6")
    grid_raster(tmp_path / "20190701.tif", GRID, ONES)
    # Of the same day, under another name.
    write(tmp_path, "b_20200511.tif", "other")
    assert warnings_of(tmp_path, own) == [
        f"{tmp_path}: it holds 3 dated rasters not made from these inputs, the first of 2019-07-01; whoever "
        "opens the folder as a series reads them too, so remove them or choose another OUTPUT"
    ]


def test_no_folder_yet(tmp_path):
    assert warnings_of(tmp_path / "new") == []


def test_cancel(tmp_path):
    class Stopped(Progress):
        def is_cancelled(self):
            return True

    write(tmp_path, "a_20200103.tif", "other")
    with pytest.raises(Cancelled):
        warn_of_other_runs(tmp_path, [], run_at, Stopped())
