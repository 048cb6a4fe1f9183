"""Rasters in ZIP, tar and gzip files, read where they are."""

import gzip
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import listing, raw_raster
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.packed import file_of, packed_rasters

VALUES = np.array([[1, 2], [3, 4]], np.float32)


def pack(folder, name, members):
    """A packed file of rasters and of a text beside them."""
    for member in members:
        raw_raster(folder / member, VALUES)
    path = folder / name
    if name.endswith(".gz") and not name.endswith(".tar.gz"):
        with open(folder / members[0], "rb") as plain, gzip.open(path, "wb") as packed:
            shutil.copyfileobj(plain, packed)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as packed:
            for member in members:
                packed.write(folder / member, f"in/{member}")
                packed.writestr(f"__MACOSX/in/._{member}", "x")
            packed.writestr("readme.txt", "x")
    else:
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as packed:
            for member in members:
                packed.add(folder / member, member)
    for member in members:
        (folder / member).unlink()
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tif.gz", "a.tar", "a.tar.gz", "a.tgz", "in a blank (1).zip"])
@pytest.mark.usefixtures("gdal_mode")
def test_the_one_raster_of_a_packed_file_is_read(tmp_path, name):
    path = pack(tmp_path, name, ["a.tif"])
    dataset = open_dataset(path)
    assert np.array_equal(read_band(dataset, 1), VALUES)
    assert dataset_grid(dataset, "a").shape == (2, 2)
    (inner,) = packed_rasters(path)
    assert np.array_equal(read_band(open_dataset(inner), 1), VALUES)
    assert file_of(inner) == str(path)
    del dataset
    # GDAL would note beside a .gz how long its content is.
    assert listing(tmp_path) == [name]


def test_of_several_rasters_one_must_be_named(tmp_path):
    path = pack(tmp_path, "a.zip", ["a.tif", "b.tif"])
    first = f"/vsizip/{{{path}}}/in/a.tif"
    with pytest.raises(InputError) as caught:
        open_dataset(path)
    assert str(caught.value) == f"{path}: it holds 2 rasters; unpack it, or name one of them, as {first}."
    assert np.array_equal(read_band(open_dataset(first), 1), VALUES)
    assert np.array_equal(read_band(open_dataset(f"/vsizip/{path}/in/b.tif"), 1), VALUES)


def test_files_behind_names(tmp_path, monkeypatch):
    path = tmp_path / "a.nc"
    path.write_text("x")
    names = (f'NETCDF:"{path}":v', f"NETCDF:{path}:v", f'HDF5:"{path}"://Grid/v', f"GPKG:{path}:t")
    for name in (*names, str(path)):
        assert file_of(name) == str(path)
    assert file_of("none.tif") == "none.tif"
    assert file_of("/vsizip/none.zip/a.tif") == "/vsizip/none.zip/a.tif"
    monkeypatch.chdir(tmp_path)
    assert file_of('NETCDF:"a.nc":v') == "a.nc"
    assert packed_rasters("a.nc") == []


def test_a_geopackage_of_several_rasters(tmp_path):
    path = str(tmp_path / "two.gpkg")
    for number, options in ((1, ()), (2, ("APPEND_SUBDATASET=YES",))):
        source = raw_raster(tmp_path / "a.tif", VALUES + number)
        gdal.Translate(path, source, format="GPKG", creationOptions=[f"RASTER_TABLE=t{number}", *options])
    assert np.array_equal(read_band(open_dataset(f"GPKG:{path}:t2"), 1), VALUES + 2)
    with pytest.raises(InputError, match=f"name one of its variables, as GPKG:{path}:t1"):
        dataset_grid(open_dataset(path), path)
    assert Path(file_of(f"GPKG:{path}:t2")) == Path(path)
    assert os.path.exists(path)
