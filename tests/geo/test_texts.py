"""Texts of files that hold no UTF-8, as Windows programs of Latin America wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest
from osgeo import gdal

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import open_dataset
from smap_downscaler.geo.texts import band_name, band_unit, tag_of, tags_of, text_of, texts_of


def in_windows_letters(path: Path) -> str:
    """A raster whose band is called fracción, with unit and tag, in Windows-1252."""
    gdal.GetDriverByName("GTiff").Create(str(path), 4, 3, 1, gdal.GDT_Float32)
    dataset = gdal.Open(str(path), gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    band.SetDescription("fracci@n")
    band.SetUnitType("kilogramaci@n")
    band.SetMetadataItem("note", "precipitaci@n")
    del band, dataset
    path.write_bytes(path.read_bytes().replace(b"aci@n", b"aci\xf3n").replace(b"cci@n", b"cci\xf3n"))
    return str(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("sequía", "sequía"),
        ("sequía".encode(), "sequía"),
        ("sequía".encode("cp1252"), "sequía"),
        ("sequ\udceda", "sequía"),
        (b"\xff\x81", "ÿ\ufffd"),
    ],
)
def test_a_text_is_unicode_else_windows(value, text):
    assert text_of(value) == text
    assert texts_of([value]) == (text,)


def test_names_units_and_tags_of_a_file_in_windows_letters(tmp_path):
    path = in_windows_letters(tmp_path / "a.tif")
    # A band dies with its dataset.
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1)
    assert (band_name(band), band_unit(band)) == ("fracción", "kilogramación")
    assert tags_of(band)["note"] == tag_of(band, "note") == "precipitación"
    assert tag_of(band, "other") is None


@pytest.mark.parametrize(("damage", "said"), [(b"=\x00", "null byte in value"), (b"= =", "Line 2: ")])
def test_a_file_whose_names_and_units_are_damaged_is_refused(tmp_path, damage, said):
    path = Path(in_windows_letters(tmp_path / "a.tif"))
    whole = path.read_bytes()
    assert whole.count(b" name=") == 3
    at = whole.index(b" name=", whole.index(b" name=") + 1) + 5
    path.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    with pytest.raises(InputError, match=f"{said}.*; check that the file is whole and a raster."):
        open_dataset(path)
