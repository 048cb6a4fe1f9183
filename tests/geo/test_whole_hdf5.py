"""HDF5 files known from login pages and cut-off downloads before GDAL sees them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from granules import LOGIN_PAGE
from raster_cases import netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import open_dataset
from smap_downscaler.geo.whole_hdf5 import check_hdf5

#: libver bounds that give superblocks 0, 2 and 3.
VERSIONS = {0: ("earliest", "v108"), 3: ("v110", "v110")}


def make(path, version=0, userblock=0):
    with h5py.File(path, "w", libver=VERSIONS[version], userblock_size=userblock) as file:
        file["numbers"] = np.arange(1000)
    return path


def refusal(path):
    with pytest.raises(InputError) as caught:
        check_hdf5(path)
    return str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("userblock", [0, 512, 2048])
def test_whole_files_pass_and_cut_ones_do_not(tmp_path, version, userblock):
    path = make(tmp_path / "a.h5", version, userblock)
    data = path.read_bytes()
    assert data[userblock + 8] == version
    check_hdf5(path)
    path.write_bytes(data[:-1])
    assert refusal(path) == (
        f"{path}: the HDF5 file is truncated (it has {len(data) - 1:,} of {len(data):,} bytes); "
        "download it again."
    )


def test_superblock_1_has_its_addresses_four_bytes_later(tmp_path):
    path = make(tmp_path / "a.h5")
    data = path.read_bytes()
    old = data[:8] + b"\x01" + data[9:24] + b"\x20\x00\x00\x00" + data[24:]
    path.write_bytes(old[: len(data)])
    check_hdf5(path)
    path.write_bytes(old[: len(data) - 1])
    assert "truncated" in refusal(path)


def test_superblock_2_is_read_as_3(tmp_path):
    path = make(tmp_path / "a.h5", 3)
    data = bytearray(path.read_bytes())
    data[8] = 2
    path.write_bytes(data)
    check_hdf5(path)
    path.write_bytes(data[:-5])
    assert "truncated" in refusal(path)


def test_narrow_addresses(tmp_path):
    path = tmp_path / "a.h5"
    head = b"\x89HDF\r\n\x1a\n" + bytes([2, 4, 4, 0])
    addresses = [0, 0xFFFFFFFF, 100, 48]
    data = head + b"".join(number.to_bytes(4, "little") for number in addresses)
    path.write_bytes(data.ljust(100, b"\0"))
    check_hdf5(path)
    path.write_bytes(data.ljust(99, b"\0"))
    assert refusal(path) == f"{path}: the HDF5 file is truncated (it has 99 of 100 bytes); download it again."


def test_a_block_put_before_the_file_later(tmp_path):
    path = make(tmp_path / "a.h5")
    data = path.read_bytes()
    path.write_bytes(b"#" * 512 + data)
    check_hdf5(path)
    path.write_bytes(b"#" * 512 + data[:-1])
    assert f"{len(data) + 511:,} of {len(data) + 512:,} bytes" in refusal(path)


@pytest.mark.parametrize("length", [8, 15, 40])
def test_cut_off_within_the_superblock(tmp_path, length):
    path = make(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:length])
    assert refusal(path) == f"{path}: the HDF5 file is truncated (it has {length} bytes); download it again."


def test_empty_file(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"")
    assert refusal(path) == f"{path}: the file is empty; download it again."


@pytest.mark.parametrize(
    "page", [LOGIN_PAGE, "\ufeff\n <HTML><body/></HTML>", "<?xml version='1.0'?><html/>"]
)
def test_login_page(tmp_path, page):
    path = tmp_path / "a.h5"
    path.write_text(page, encoding="utf-8")
    assert refusal(path) == (
        f"{path}: it is a web page, not a granule: Earthdata answers with its login page when one is not "
        "logged in; log in to Earthdata and download it again."
    )


def test_denied_access(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("HTTP Basic: Access denied.\n")
    assert refusal(path) == (
        f"{path}: it is Earthdata's answer that the access was denied, not a granule; check your login and "
        "download it again."
    )


def test_something_else(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"PK\x03\x04" + bytes(3000))
    assert refusal(path) == (
        f"{path}: it is not an HDF5 file (it has no HDF5 signature); download it again, or give it its true "
        "extension."
    )


@pytest.mark.parametrize(("place", "value", "what"), [(8, 9, "version 9"), (13, 3, "addresses of 3 bytes")])
def test_damaged_superblock(tmp_path, place, value, what):
    path = make(tmp_path / "a.h5")
    data = bytearray(path.read_bytes())
    data[place] = value
    path.write_bytes(data)
    assert refusal(path) == (
        f"{path}: the first block of the HDF5 file is damaged ({what}); download it again."
    )


def test_missing_file(tmp_path):
    path = tmp_path / "none.h5"
    assert refusal(path) == (
        f"{path}: it cannot be read (No such file or directory); check the path and your rights."
    )


def test_a_file_longer_than_it_says(tmp_path):
    """The library reads on beyond its end, and may crash."""
    path = make(tmp_path / "a.h5")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + bytes(100))
    assert refusal(path) == (
        f"{path}: the HDF5 file is longer than it says of itself ({size + 100:,} bytes, not {size:,}); "
        "download it again."
    )


def test_netcdf_files_are_hdf5_files(tmp_path):
    path = tmp_path / "rain.nc"
    netcdf(path, {"rain": np.ones((2, 3, 4), np.float32)}, [0, 1])
    whole = path.read_bytes()
    for data, what in ((whole + b"\0", "is longer than"), (whole[:-1], "is truncated")):
        path.write_bytes(data)
        for name in (str(path), f'NETCDF:"{path}":rain'):
            with pytest.raises(InputError, match=f"^{path}: the HDF5 file {what}"):
                open_dataset(name)
    path.write_bytes(whole)
    assert open_dataset(path).RasterCount == 2
