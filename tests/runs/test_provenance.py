"""One SHA-256 of a series: what changes it, what does not, what it is made of, and a stop."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from raster_cases import CELLS, Listener, netcdf
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.runs import hashes, provenance
from smap_downscaler.runs.provenance import file_hash, series_hash
from smap_downscaler.series.one_file import write_series_file
from smap_downscaler.series.series import open_series

DATES = [dt.date(2021, 1, 1), dt.date(2021, 1, 2), dt.date(2021, 1, 5)]
STATES = "names, sizes and times"


def write_days(folder, last=0.3):
    """Three days; `last` is a single pixel of the last one."""
    files = [folder / f"ñ_{date:%Y%m%d}.tif" for date in DATES]
    for number, file in enumerate(files):
        values = np.full(CELLS.shape, 0.1 * (number + 1), np.float32)
        values[-1, -1] = last if number == 2 else 0.2
        write_geotiff(file, CELLS, values, [Band("theta", "m3 m-3")])
    return files


@pytest.fixture
def files(tmp_path):
    return write_days(tmp_path / "días")


def hash_of(path, **more):
    return series_hash(open_series(path), **more)


def test_a_folder_is_hashed_as_the_help_of_the_function_says(files):
    listed = [[date.isoformat(), file.name, 1] for date, file in zip(DATES, files)]
    contents = [
        [file.name, file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()] for file in files
    ]
    text = json.dumps(listed + contents)
    found = hash_of(files[0].parent)
    assert (found.digest, found.of) == (hashlib.sha256(text.encode()).hexdigest(), "contents")


def as_folder(files):
    return files[0].parent


def as_layer(files):
    path = files[0].parent / "series.vrt"
    write_series_file(path, CELLS, DATES, files, "m3 m-3")
    return path


def as_file(files):
    path = files[0].parent / "series.tif"
    write_series_file(path, CELLS, DATES, files, "m3 m-3")
    return path


@pytest.mark.parametrize("kind", [as_folder, as_layer, as_file])
def test_a_pixel_changes_it_and_a_move_does_not(tmp_path, files, kind):
    path, folder = kind(files), files[0].parent
    found = hash_of(path)
    other = hash_of(kind(write_days(tmp_path / "other" / "días", last=0.30001)))
    assert found.of == other.of == "contents"
    assert found.digest != other.digest
    shutil.move(folder, tmp_path / "moved")
    assert hash_of(tmp_path / "moved" / path.relative_to(folder)) == found


def test_dates_and_bands_count(tmp_path, files):
    series = open_series(as_file(files))
    assert series_hash(series.between(DATES[0], DATES[1])) != series_hash(series)
    path = tmp_path / "other.tif"
    write_series_file(path, CELLS, [*DATES[:2], dt.date(2021, 1, 6)], files, "m3 m-3")
    assert hash_of(path).digest != series_hash(series).digest


def test_a_variable_of_a_netcdf_file_can_be_moved(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    values = np.arange(36, dtype=np.float32).reshape(3, 3, 4)
    path = netcdf(folder / "rain.nc", {"precip": values, "snow": values}, [0, 1, 2])
    rain, snow = (hash_of(f'NETCDF:"{path}":{name}') for name in ("precip", "snow"))
    assert rain.of == "contents"
    assert rain.digest != snow.digest
    shutil.move(folder, tmp_path / "moved")
    assert hash_of(f'NETCDF:"{tmp_path / "moved" / "rain.nc"}":precip') == rain


def test_statistics_beside_a_file_do_not_count(tmp_path):
    path = netcdf(tmp_path / "rain.nc", {"precip": np.ones((3, 3, 4), np.float32)}, [0, 1, 2])
    name = f'NETCDF:"{path}":precip'
    found = hash_of(name)
    (tmp_path / "rain.nc.aux.xml").write_text("<PAMDataset></PAMDataset>", encoding="utf-8")
    assert hash_of(name) == found


def test_of_large_series_names_sizes_and_times_are_hashed(tmp_path, files, monkeypatch):
    monkeypatch.setattr(provenance, "MOST_HASHED_BYTES", sum(file.stat().st_size for file in files))
    whole = hash_of(files[0].parent)
    assert whole.of == "contents"
    monkeypatch.setattr(provenance, "MOST_HASHED_BYTES", provenance.MOST_HASHED_BYTES - 1)
    monkeypatch.setattr(provenance, "file_hash", None)
    found = hash_of(files[0].parent)
    assert found.of == STATES
    assert found.digest != whole.digest
    shutil.copytree(files[0].parent, tmp_path / "copied")
    assert hash_of(tmp_path / "copied") == found
    os.utime(files[1], ns=(0, 0))
    changed = hash_of(files[0].parent)
    assert changed.of == STATES
    assert changed.digest != found.digest


def test_a_file_of_many_dates_is_read_once(files, monkeypatch):
    series = open_series(as_file(files))
    read = []

    def counted(path, progress):
        read.append(path)
        return file_hash(path, progress)

    monkeypatch.setattr(provenance, "file_hash", counted)
    series_hash(series)
    assert read == [str(series.source)]


def test_a_stop_within_a_file(files, monkeypatch):
    path = as_file(files)
    monkeypatch.setattr(hashes, "BYTES_AT_ONCE", 64)
    asked = Listener()
    series = open_series(path)
    series_hash(series, asked)
    assert asked.asked > path.stat().st_size // 64
    with pytest.raises(Cancelled):
        series_hash(series, Listener(calls=asked.asked // 2))


def test_a_stop_while_files_are_looked_at(files):
    series = open_series(files[0].parent)
    for calls in range(5):
        with pytest.raises(Cancelled):
            series_hash(series, Listener(calls=calls))
