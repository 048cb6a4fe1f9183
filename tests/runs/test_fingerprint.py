"""Rasters that a run finds in its folder: its own, damaged ones, and those of other runs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from raster_cases import grid_raster
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.runs.fingerprint import contents, fingerprint, is_made, lasting, warn_of_other_runs
from smap_downscaler.series.series import SeriesEntry
from smap_downscaler.series.tags import RUN_TAG

DAY = dt.date(2020, 1, 1)
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


def handed_on(folder, step, content):
    """A file that a step of a model made for the next one, in a folder as QGIS names it."""
    file = folder / f"processing_{step}" / "5d0f" / "OUTPUT.tif"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return str(file)


def test_what_a_step_of_a_model_hands_on_is_known_by_its_content(tmp_path):
    first = handed_on(tmp_path, "abCD12", b"same")
    again = handed_on(tmp_path, "XyZ987", b"same")
    other = handed_on(tmp_path, "qQqQqQ", b"rame")
    assert fingerprint([first], {}) == fingerprint([again], {}) != fingerprint([other], {})
    days = [[SeriesEntry(DAY, path, 1)] for path in (first, again, other)]
    assert contents(days[0]) == contents(days[1]) != contents(days[2])
    assert (lasting(first), lasting("/data/OUTPUT.tif")) == ("OUTPUT.tif", "/data/OUTPUT.tif")
    # A file that changes between two looks.
    before = fingerprint([first], {})
    (tmp_path / "processing_abCD12" / "5d0f" / "OUTPUT.tif").write_bytes(b"longer")
    assert fingerprint([first], {}) != before


def test_files_of_users_are_known_by_path_and_time(tmp_path):
    one, other = tmp_path / "a.tif", tmp_path / "processing_files" / "a.tif"
    other.parent.mkdir()
    for file in (one, other):
        file.write_bytes(b"same")
    assert fingerprint([str(one)], {}) != fingerprint([str(other)], {})


def test_variables_of_one_file_are_other_inputs(tmp_path):
    file = tmp_path / "weather.nc"
    file.write_bytes(b"")
    rain, heat = ([SeriesEntry(DAY, f'NETCDF:"{file}":{name}', 1)] for name in ("rain", "heat"))
    assert contents(rain) != contents(heat)
    assert contents(rain) == contents([SeriesEntry(DAY, f'NETCDF:"{file}":rain', 1)])
