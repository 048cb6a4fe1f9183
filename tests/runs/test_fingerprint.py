"""Rasters that a run finds in its folder: its own, damaged ones, and those of other runs."""

from __future__ import annotations

import numpy as np
import pytest

from raster_cases import grid_raster
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.runs.fingerprint import is_made, warn_of_other_runs
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


@pytest.mark.parametrize("layers", [1, 2])
def test_a_raster_with_any_damage_is_not_kept(tmp_path, layers):
    """Bytes changed at all places, the file cut, blocks that were never written, another place on earth."""
    grid = Grid(GRID.crs, GRID.left, GRID.top, 100.0, 100.0, 300, 300)
    rng = np.random.default_rng(1)
    values = rng.uniform(0.05, 0.45, (layers, *grid.shape)).astype(np.float32)
    values[:, 40:90, :] = np.nan
    values[-1] = np.where(np.isfinite(values[-1]), 1, np.nan)
    path = tmp_path / "a_20200511.tif"
    write_geotiff(path, grid, values, [Band(f"b{number}") for number in range(layers)], {RUN_TAG: "mine"})
    whole = path.read_bytes()
    assert is_made(path, "mine", grid)
    assert not is_made(path, "other", grid)
    assert not is_made(path, "mine", GRID)
    assert not is_made(path, "mine", Grid("EPSG:32719", *list(vars(grid).values())[1:]))
    assert not is_made(tmp_path / "b.tif", "mine", grid)
    for size in (0, 100, len(whole) // 2, len(whole) - 1000):
        path.write_bytes(whole[:size])
        assert not is_made(path, "mine", grid)
    kept = []
    for place in sorted(rng.choice(len(whole), 150, replace=False)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        if is_made(path, "mine", grid):
            kept.append(place)
            # What is not read of the file: names, tags, space between blocks.
            for number, band in enumerate(values, start=1):
                assert np.array_equal(read_band(open_dataset(path), number), band, equal_nan=True)
    # A layer of one value is mostly tags.
    assert len(kept) < (100 if layers == 1 else 10)
    for start in range(5000, len(whole) - 2000, 20_000):
        path.write_bytes(whole[:start] + bytes(2000) + whole[start + 2000 :])
        assert not is_made(path, "mine", grid)


def test_rasters_without_values_and_with_one_value_are_kept(tmp_path):
    for number, values in enumerate((np.full(GRID.shape, np.nan), np.full(GRID.shape, 0.1), ONES[0] * 3e30)):
        path = tmp_path / f"{number}.tif"
        write_geotiff(path, GRID, values.astype(np.float32), tags={RUN_TAG: "mine"})
        assert is_made(path, "mine", GRID)
