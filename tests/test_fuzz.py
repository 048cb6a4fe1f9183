"""A short part of `make fuzz`, and that it sees what it counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fuzz_mutations import mutate
from fuzz_reader import apart, look, results_in
from raster_cases import netcdf, raw_raster
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid

ROOT = Path(__file__).resolve().parents[1]
GRID = Grid("EPSG:32718", 300000.0, 8600000.0, 90.0, 90.0, 7, 6)


def test_no_damaged_file_ends_badly():
    words = ["--seed", "5", "--count", "12", "--kinds", "netcdf", "granule", "vrt", "ismn", "polygons"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "fuzz.py"), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    bad = "0 crashes, 0 catch-alls, 0 hangs, 0 partial files, 0 silently other, "
    assert last.startswith(f"12 files, seed 5: {bad}"), done.stdout + done.stderr
    assert done.returncode == 0


@pytest.fixture
def files(tmp_path):
    """A file of each form."""
    raw_raster(tmp_path / "a.tif", np.arange(12, dtype=np.float32).reshape(3, 4))
    netcdf(tmp_path / "a.nc", {"rain": np.ones((2, 3, 4), np.float32)}, [0, 1])
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "a,b\n" + "1,2\n" * 100)
    raw_raster(tmp_path / "b.tif", np.ones((3, 4), np.uint8))
    from osgeo import gdal

    gdal.Translate(str(tmp_path / "a.gpkg"), str(tmp_path / "b.tif"), format="GPKG").FlushCache()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.tif", "tiff"), ("a.nc", "hdf5"), ("a.csv", "text"), ("a.zip", "zip"), ("a.gpkg", "sqlite")],
)
def test_damage_is_of_all_kinds_and_the_same_each_time(files, name, form):
    data = (files / name).read_bytes()
    made = [mutate(data, form, np.random.default_rng([1, number])) for number in range(60)]
    assert made == [mutate(data, form, np.random.default_rng([1, number])) for number in range(60)]
    assert all(changed != data for changed, _ in made)
    assert {kind for _, kind in made} == {
        "extreme", "flip", "zeros", "ones", "cut", "grow", "swap", "repeat", "lose",
    }  # fmt: skip


def test_what_files_hold_and_what_is_wrong_with_them(files):
    def changed(name, edit):
        path = files / name
        before, data = look(str(path)), bytearray(path.read_bytes())
        assert before.noticed == ""
        edit(data)
        path.write_bytes(data)
        after = look(str(path))
        return after.content != before.content, bool(after.noticed)

    def cell(data):
        data[data.index(np.float32(7).tobytes())] ^= 1

    def packed(data):
        data[45] ^= 255

    # Another cell in plain bytes is other content; what stands behind a checksum is damaged.
    assert changed("a.tif", cell) == (True, False)
    assert changed("a.zip", packed)[1]
    assert changed("a.csv", lambda data: data.extend(b"5,6,7\n")) == (True, True)
    assert changed("a.gpkg", lambda data: data.__delitem__(slice(5000, None)))[1]


def test_results_that_are_half_or_left_over(tmp_path):
    write_geotiff(tmp_path / "a.tif", GRID, np.ones(GRID.shape))
    whole, broken = results_in(str(tmp_path))
    assert broken == []
    (tmp_path / ".b.part.tif").write_bytes(b"")
    assert results_in(str(tmp_path)) == (whole, [".b.part.tif is left over"])
    (tmp_path / ".b.part.tif").unlink()
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:100])
    assert [text.split(":")[0] for text in results_in(str(tmp_path))[1]] == ["a.tif"]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_crash_of_a_library_is_seen_from_outside():
    assert apart(die) == ("crash", -signal.SIGKILL)
    assert apart(os.getcwd) == ("ok", os.getcwd())
