"""Granules of both layouts and products, and the real one."""

from __future__ import annotations

import datetime as dt
import time

import h5py
import numpy as np
import pytest

from granules import granule_name, truncate, write_granule
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Bounds, Window, ease2_grid
from smap_downscaler.steps.smap.granule import open_granule, read_granule
from smap_downscaler.steps.smap.importing import ease2_bounds
from smap_downscaler.steps.smap.numbers.screening import Choices, summarise

WINDOW = Window(100, 200, 2, 3)
AM = {
    (100, 200): (0.2, 0),
    (100, 201): (0.3, 1),
    (100, 202): (0.4, 5),
    (101, 200): (0.02, 0),
    (101, 201): (0.6, 0),
}
PM = {(100, 200): (0.4, 0), (101, 202): (0.1, 1), (101, 201): (0.25, 0), (100, 202): (0.3, 65534)}
WANTED = "choose granules of SPL3SMP (SMAP_L3_SM_P_...) or SPL3SMP_E (SMAP_L3_SM_P_E_...)"
NAN = np.nan


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


def check(found, expected):
    np.testing.assert_array_equal(found.values, np.array(expected, np.float32))


@pytest.fixture(scope="module")
def granule(tmp_path_factory):
    cells = {
        "AM": AM,
        "PM": PM,
        ("AM", "dca"): AM,
        ("AM", "scav"): {(100, 200): (0.11, 1)},
        ("AM", "scah"): {(101, 202): (0.12, 0)},
        ("PM", "scav"): {(100, 200): (0.13, 0)},
    }
    return open_granule(write_granule(tmp_path_factory.mktemp("granules"), cells))


def test_what_a_granule_says_of_itself(granule):
    assert granule.date == dt.date(2020, 1, 5)
    assert (granule.product, granule.release) == ("SPL3SMP", "R18290")
    assert granule.grid == ease2_grid("36 km")


@pytest.mark.parametrize(
    ("overpass", "quality", "expected", "counts"),
    [
        ("AM", "successful", [[0.2, 0.3, NAN], [0.02, NAN, NAN]], (5, 1, 1)),
        ("AM", "recommended", [[0.2, NAN, NAN], [0.02, NAN, NAN]], (5, 1, 2)),
        ("AM", "all", [[0.2, 0.3, 0.4], [0.02, NAN, NAN]], (5, 1, 0)),
        ("PM", "successful", [[0.4, NAN, NAN], [NAN, 0.25, 0.1]], (4, 0, 1)),
        ("PM", "recommended", [[0.4, NAN, NAN], [NAN, 0.25, NAN]], (4, 0, 2)),
        ("PM", "all", [[0.4, NAN, 0.3], [NAN, 0.25, 0.1]], (4, 0, 0)),
        ("both", "successful", [[0.3, 0.3, NAN], [0.02, 0.25, 0.1]], (9, 1, 2)),
    ],
)
def test_overpass_and_quality(granule, overpass, quality, expected, counts):
    found = read_granule(granule, Choices(overpass, quality), WINDOW)
    check(found, expected)
    assert (found.retrieved, found.out_of_range, found.failed_quality) == counts


@pytest.mark.parametrize(
    ("algorithm", "overpass", "quality", "expected"),
    [
        ("DCA", "AM", "all", [[0.2, 0.3, 0.4], [0.02, NAN, NAN]]),
        ("SCA-V", "AM", "successful", [[0.11, NAN, NAN], [NAN, NAN, NAN]]),
        ("SCA-V", "AM", "recommended", [[NAN, NAN, NAN], [NAN, NAN, NAN]]),
        ("SCA-V", "both", "successful", [[0.12, NAN, NAN], [NAN, NAN, NAN]]),
        ("SCA-H", "AM", "recommended", [[NAN, NAN, NAN], [NAN, NAN, 0.12]]),
    ],
)
def test_each_retrieval_has_its_own_flag(granule, algorithm, overpass, quality, expected):
    found = read_granule(granule, Choices(overpass, quality, algorithm), WINDOW)
    np.testing.assert_allclose(found.values, np.array(expected, np.float32), rtol=1e-6)


def test_a_missing_retrieval_is_named(granule):
    assert refusal(read_granule, granule, Choices("PM", algorithm="SCA-H"), WINDOW) == (
        f"{granule.path}: it has no soil_moisture_scah_pm for ALGORITHM SCA-H "
        "(it has soil_moisture_pm, soil_moisture_scav_pm); choose another ALGORITHM."
    )


def test_the_window_is_that_of_the_whole(granule):
    whole = read_granule(granule, Choices("both"))
    assert whole.values.shape == (406, 964)
    check(read_granule(granule, Choices("both"), WINDOW), whole.values[WINDOW.slices])
    assert whole.valid == 5


def test_older_layout_has_the_morning_only(tmp_path):
    granule = open_granule(write_granule(tmp_path, {"AM": AM}, layout="single"))
    expected = [[0.2, 0.3, NAN], [0.02, NAN, NAN]]
    check(read_granule(granule, Choices("AM"), WINDOW), expected)
    check(read_granule(granule, Choices("both"), WINDOW), expected)
    assert refusal(read_granule, granule, Choices("PM"), WINDOW) == (
        f"{granule.path}: it has no PM overpass (its group of retrievals is Soil_Moisture_Retrieval_Data); "
        "choose another OVERPASS."
    )


def test_the_enhanced_product(tmp_path):
    granule = open_granule(write_granule(tmp_path, {"AM": {(1623, 3855): (0.33, 0)}}, product="SPL3SMP_E"))
    assert granule.grid == ease2_grid("9 km")
    check(read_granule(granule, Choices(), Window(1622, 3854, 2, 2)), [[NAN, NAN], [NAN, 0.33]])


def test_the_range_is_that_of_the_file(tmp_path):
    wide = write_granule(tmp_path, {"AM": AM}, valid_range=(np.float32(0.25), np.float32(0.7)))
    check(read_granule(open_granule(wide), Choices("AM", "all"), WINDOW), [[NAN, 0.3, 0.4], [NAN, 0.6, NAN]])
    cells = {(100, 200): (1.0, 0), (100, 201): (1.1, 0), (100, 202): (-0.1, 0)}
    none = write_granule(tmp_path, {"AM": cells}, "20200106", valid_range=None)
    check(read_granule(open_granule(none), Choices(), WINDOW), [[1.0, NAN, NAN], [NAN, NAN, NAN]])


def test_the_date_of_name_and_metadata(tmp_path):
    renamed = write_granule(tmp_path, {"AM": {}}, name="mine.h5")
    assert open_granule(renamed).date == dt.date(2020, 1, 5)
    wrong = write_granule(tmp_path, {"AM": {}}, inside_date="2020-01-06")
    assert refusal(open_granule, wrong) == (
        f"{wrong}: its name says 2020-01-05 but its metadata say 2020-01-06; give it its original name again."
    )
    none = write_granule(tmp_path, {"AM": {}}, name="none.h5", inside_date="unknown")
    assert refusal(open_granule, none) == (
        f"{none}: neither its name nor its metadata hold a date; give it its original name again "
        "(SMAP_L3_SM_P_20150402_R13080_001.h5)."
    )


def test_another_product_is_named(tmp_path):
    path = write_granule(tmp_path, {"AM": {}}, short_name="SPL3SMAP")
    assert refusal(open_granule, path) == f"{path}: it is of the product SPL3SMAP; {WANTED}."


def test_another_product_without_metadata(tmp_path):
    path = tmp_path / "SMAP_L4_SM_gph_20200105T013000_Vv7032_001.h5"
    with h5py.File(path, "w") as file:
        file["Geophysical_Data/sm_surface"] = np.zeros((4, 4), np.float32)
        file.create_group("Metadata")
    assert refusal(open_granule, path) == (
        f"{path}: it has no group Soil_Moisture_Retrieval_Data (it has the groups Geophysical_Data, "
        f"Metadata); {WANTED}."
    )
    with h5py.File(path, "w") as file:
        file["numbers"] = np.zeros(4)
    assert refusal(open_granule, path) == (
        f"{path}: it has no group Soil_Moisture_Retrieval_Data (it has no group); {WANTED}."
    )
    with h5py.File(path, "w") as file:
        file["Soil_Moisture_Retrieval_Data_AM/albedo"] = np.zeros((406, 964), np.float32)
    assert refusal(open_granule, path) == (
        f"{path}: its group Soil_Moisture_Retrieval_Data_AM has no soil_moisture; {WANTED}."
    )


@pytest.mark.parametrize(("shape", "size"), [((2000,), "2000"), ((100, 100), "100 x 100")])
def test_another_level_or_a_cut_out_is_known_by_its_shape(tmp_path, shape, size):
    path = write_granule(tmp_path, {"AM": {}}, layout="single", shape=shape)
    assert refusal(open_granule, path) == (
        f"{path}: its soil moisture has {size} cells, neither 406 x 964 (SPL3SMP) nor 1624 x 3856 "
        f"(SPL3SMP_E), so it is of another level or a cut-out; {WANTED}, whole."
    )


def test_a_truncated_granule(tmp_path):
    path = write_granule(tmp_path, {"AM": AM})
    whole, left = truncate(path)
    assert refusal(open_granule, path) == (
        f"{path}: the HDF5 file is truncated (it has {left:,} of {whole:,} bytes); download it again."
    )


def test_a_granule_with_a_damaged_block(tmp_path):
    path = write_granule(tmp_path, {"AM": AM})
    with h5py.File(path) as file:
        blocks = file["Soil_Moisture_Retrieval_Data_AM/soil_moisture"].id
        block = blocks.get_chunk_info_by_coord((100, 0))
    data = bytearray(path.read_bytes())
    data[block.byte_offset : block.byte_offset + block.size] = b"\xff" * block.size
    path.write_bytes(data)
    sentence = refusal(read_granule, open_granule(path), Choices(), WINDOW)
    assert sentence.startswith(f"{path}: it cannot be read (")
    assert sentence.endswith("); the file may be damaged, download it again.")


@pytest.fixture(scope="module")
def real(shared_data):
    path = shared_data / "smap_l3_36km" / granule_name("20150402", release="R13080")
    if not path.is_file():
        pytest.skip("the real granule is not on this machine")
    return open_granule(path)


def ask_h5py(granule, bits):
    """The counts of a whole granule, by h5py and NumPy alone."""
    with h5py.File(granule.path) as file:
        group = file["Soil_Moisture_Retrieval_Data"]
        values, flags = group["soil_moisture"][...], group["retrieval_qual_flag"][...]
        low, high = (group["soil_moisture"].attrs[name] for name in ("valid_min", "valid_max"))
    retrieved = values != -9999
    inside = retrieved & ~(values < low) & ~(values > high)
    good = np.array([[flag != 65534 and not flag & bits for flag in row] for row in flags.tolist()])
    return values, retrieved, inside, (inside & good if bits else inside)


@pytest.mark.parametrize(("quality", "bits"), [("recommended", 7), ("successful", 6), ("all", 0)])
def test_counts_of_the_real_granule(real, quality, bits):
    found = read_granule(real, Choices(quality=quality))
    values, retrieved, inside, good = ask_h5py(real, bits)
    assert (found.retrieved, found.out_of_range) == (32052, 1539)
    assert found.retrieved == retrieved.sum()
    assert found.out_of_range == (retrieved & ~inside).sum()
    assert found.failed_quality == (inside & ~good).sum()
    np.testing.assert_array_equal(np.isfinite(found.values), good)
    np.testing.assert_array_equal(found.values[good], values[good])


def peru():
    bounds = ease2_bounds(Bounds(-72.30, -14.68, -70.83, -13.13), "EPSG:4326")
    return ease2_grid("36 km").window_touching(bounds)


def test_the_basin_of_the_paper(real):
    window = peru()
    found = read_granule(real, Choices(), window)
    summary = summarise(found.values)
    assert summary.valid == 30
    assert summary.minimum == pytest.approx(0.155, abs=5e-4)
    assert summary.maximum == pytest.approx(0.48, abs=5e-4)
    assert read_granule(real, Choices(quality="recommended"), window).valid == 21


def test_the_named_cell(real):
    window = peru()
    here = ease2_bounds(Bounds(-71.888 - 1e-6, -13.538 - 1e-6, -71.888 + 1e-6, -13.538 + 1e-6), "EPSG:4326")
    cell = ease2_grid("36 km").window_touching(here)
    assert (cell.height, cell.width) == (1, 1)
    place = cell.row - window.row, cell.col - window.col
    assert read_granule(real, Choices(), window).values[place] == pytest.approx(0.1781, abs=5e-5)
    # Quality 1 is uncertain: kept by default, not recommended.
    assert np.isnan(read_granule(real, Choices(quality="recommended"), window).values[place])


def test_a_window_is_read_quickly(real, record_property):
    window = peru()
    begun = time.process_time()
    for _ in range(20):
        read_granule(open_granule(real.path), Choices(), window)
    spent = (time.process_time() - begun) / 20
    record_property("ms_per_granule", round(1e3 * spent, 1))
    assert spent < 0.2
