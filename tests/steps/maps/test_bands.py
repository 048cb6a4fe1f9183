"""Bands of intervals and applicability, and soil moisture beyond what soil can hold, against plain NumPy."""

import numpy as np
import pytest
from osgeo import gdal

from forest_cases import block_of
from map_case import DAYS, FINE, SETTINGS, Case, refusal
from raster_cases import Listener, grid_raster
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.grid import Window
from smap_downscaler.methods.base import Wishes
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.method import RandomForest
from smap_downscaler.methods.forest.model import Forest
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.series.one_file import write_series_file
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.bands import Extra
from smap_downscaler.steps.maps.downscale import map_file
from smap_downscaler.steps.maps.limits import Beyond, Limits
from smap_downscaler.steps.maps.made import tell_beyond
from smap_downscaler.steps.maps.mapped import Wanted
from smap_downscaler.steps.maps.tables import map_dates

BOTH = Extra(intervals=True, applicability=True)
DAY = DAYS[0]
BANDS = [
    "2019-12-31",
    "soil_moisture_lower",
    "soil_moisture_upper",
    "soil_moisture_sd",
    "dissimilarity",
    "outside",
    "out_of_range",
]


@pytest.fixture
def case(tmp_path):
    """Forests of two bands of the stack."""
    made = Case(tmp_path)
    given = ("clay", "twi_fd8"), {}, "soil_moisture", "m3 m-3", SETTINGS, "0"
    with ModelWriter(made.forests, *given, trust=True) as writer:
        for day, (x, y) in zip(DAYS[:2], made.train):
            writer.add(day, grow_forest(x[:, :2], y, SETTINGS, Wishes(trust=True), day.toordinal()))
    return made


def make(case, folder=None, extra=BOTH, dates=DAYS[:1], **more):
    return case.make(folder, dates, dynamic=(), extra=extra, **more)


def layers(path):
    dataset = open_dataset(path)
    return np.stack([read_band(dataset, number) for number in range(1, dataset.RasterCount + 1)])


def of_model(case, model):
    """What each pixel's bands have to be: shape (bands, pixels), NaN where a covariate is missing."""
    x = case.fine[[2, 0]].reshape(2, -1).T
    whole = np.isfinite(x).all(axis=1)
    mean, sd, lower, upper = model.predict(block_of(x[whole], DAY), sd=True)
    known = model.applicability
    far = known.dissimilarity(x[whole])
    expected = np.full((7, len(x)), np.nan, np.float32)
    expected[:, whole] = mean, lower, upper, sd, far, far > known.threshold, known.out_of_range(x[whole])
    return expected.reshape(7, *FINE.shape)


def test_bands_are_what_the_model_says_of_each_pixel(case):
    """The model itself is held against plain loops elsewhere."""
    make(case)
    with open_models(case.forests) as models:
        expected = of_model(case, models.load(DAY))
    found = layers(map_file(case.maps, DAY))
    assert np.array_equal(found, expected, equal_nan=True)
    assert 0 < np.nanmean(found[5]) < 0.5
    assert set(np.unique(found[6][np.isfinite(found[6])])) == {0, 1, 2}


def test_what_bands_say_of_themselves(case):
    make(case)
    dataset = open_dataset(map_file(case.maps, DAY))
    bands = [dataset.GetRasterBand(number) for number in range(1, 8)]
    assert [band.GetDescription() for band in bands] == BANDS
    assert [band.GetUnitType() for band in bands] == ["m3 m-3"] * 4 + [""] * 3
    names = {key: value for key, value in bands[6].GetMetadata().items() if key.isdigit()}
    assert names == {"0": "none", "1": "clay", "2": "twi_fd8"}
    assert not list(case.maps.glob("*.aux.xml"))


@pytest.mark.parametrize(
    ("extra", "taken"),
    [(Extra(), [0]), (Extra(intervals=True), [0, 1, 2, 3]), (Extra(applicability=True), [0, 4, 5, 6])],
)
def test_each_choice_has_its_bands_with_the_same_bits(case, extra, taken):
    make(case, case.folder / "both")
    make(case, extra=extra)
    found, both = layers(map_file(case.maps, DAY)), layers(map_file(case.folder / "both", DAY))
    assert np.array_equal(found.view(np.uint32), both[taken].view(np.uint32))
    dataset = open_dataset(map_file(case.maps, DAY))
    names = [dataset.GetRasterBand(number + 1).GetDescription() for number in range(len(taken))]
    assert names == [BANDS[number] for number in taken]


def test_tiles_threads_memory_and_parts_do_not_change_a_bit(case):
    make(case, threads=1, memory_mb=4096)
    whole = layers(map_file(case.maps, DAY))
    for number, (threads, memory) in enumerate([(1, 1), (3, 40)]):
        folder = case.folder / str(number)
        make(case, folder, threads=threads, memory_mb=memory)
        assert np.array_equal(layers(map_file(folder, DAY)).view(np.uint32), whole.view(np.uint32))
    window = Window(90, 200, 61, 103)
    make(case, case.folder / "part", wanted=Wanted((FINE.crop(window).bounds, FINE.crs)))
    part = layers(map_file(case.folder / "part", DAY))
    assert np.array_equal(part.view(np.uint32), whole[(slice(None), *window.slices)].view(np.uint32))


def test_who_reads_maps_as_a_series_gets_soil_moisture(case):
    make(case, dates=DAYS[:2])
    series = open_series(case.maps)
    assert list(series.dates) == DAYS[:2]
    mean = layers(map_file(case.maps, DAY))[0]
    assert [entry.band for entry in series.entries] == [1, 1]
    assert np.array_equal(series.read(DAY), mean, equal_nan=True)
    files = [map_file(case.maps, day) for day in DAYS[:2]]
    write_series_file(case.folder / "series.vrt", FINE, DAYS[:2], files, "m3 m-3")
    shown = gdal.Open(str(case.folder / "series.vrt"))
    assert shown.RasterCount == 2
    assert np.array_equal(read_band(shown, 1), mean, equal_nan=True)


def test_maps_with_other_bands_are_made_anew(case):
    runs = set()
    for extra in (Extra(), Extra(intervals=True), Extra(applicability=True), BOTH):
        for clip in (False, True):
            assert make(case, extra=extra, clip=clip).kept == []
            assert make(case, extra=extra, clip=clip).kept == [DAY]
            inputs = case.inputs(dynamic=(), extra=extra, clip=clip)
            with inputs.forests:
                runs.add(inputs.fingerprint(DAY))
    assert len(runs) == 8


def test_what_data_took_away_is_a_band_of_methods_that_know_it(case, monkeypatch):
    monkeypatch.setattr(RandomForest, "has_prior", True)
    monkeypatch.setattr(Forest, "prior_share", lambda self, block, progress: 0.5 + 0.1 * block.x[:, 0])
    make(case)
    dataset = open_dataset(map_file(case.maps, DAY))
    assert dataset.GetRasterBand(8).GetDescription() == "variance_explained"
    found = layers(map_file(case.maps, DAY))[7]
    whole = np.isfinite(case.fine[[0, 2]]).all(axis=0)
    np.testing.assert_allclose(found[whole], 0.5 + 0.1 * case.fine[2][whole], rtol=1e-6)
    inputs = case.inputs(dynamic=(), extra=BOTH)
    with inputs.forests:
        table = map_dates(inputs, make(case))
    assert table.column("explained")[0] == pytest.approx(100 * float(np.nanmean(found)), rel=1e-6)


def test_the_numbers_of_a_date(case):
    report = make(case)
    inputs = case.inputs(dynamic=(), extra=BOTH)
    with inputs.forests:
        tell_beyond(inputs, report)
        table = map_dates(inputs, report)
        scores = inputs.forests.scores(DAY)
    found = layers(map_file(case.maps, DAY)).astype(float)
    row = dict(zip(table.fields, table.rows[0]))
    assert list(row)[6:] == ["beyond", "width", "sd", "held", "dissimilarity", "outside", "note"]
    assert row["width"] == pytest.approx(np.nanmean(found[2] - found[1]), rel=1e-6)
    assert row["sd"] == pytest.approx(np.nanmean(found[3]), rel=1e-6)
    assert row["held"] == 100 * scores.held
    assert row["dissimilarity"] == pytest.approx(np.nanmean(found[4]), rel=1e-6)
    assert row["outside"] == pytest.approx(100 * np.nanmean(found[5]), rel=1e-6)
    assert row["beyond"] == 0


class TestLimits:
    """Saturation of half of the stack lies in the middle of what forests give."""

    @pytest.fixture
    def saturated(self, case):
        theta = np.full(FINE.shape, np.nan, np.float32)
        # Beside it what cannot be saturation: 0, per cent, nothing.
        theta[:, :300], theta[:, 300:310], theta[:, 310:320] = 0.25, 0.0, 45.0
        values = np.concatenate([case.fine, theta[None]])
        names = ("twi_fd8", "aspect", "clay", "theta_s")
        case.stack = grid_raster(case.folder / "more.tif", FINE, values, names=names, nodata=-1)
        return case

    def expected(self, case):
        mean = layers(map_file(case.maps, DAY))[0]
        most = np.full(FINE.shape, np.float32(0.6))
        most[:, :300] = 0.25
        return mean, most

    def test_pixels_beyond_are_counted_and_told(self, saturated):
        report, listener = make(saturated, extra=Extra()), Listener()
        inputs = saturated.inputs(dynamic=())
        tell_beyond(inputs, report, listener)
        mean, most = self.expected(saturated)
        with np.errstate(invalid="ignore"):
            above = int((mean > most).sum())
        pixels = int(np.isfinite(mean).sum())
        assert 0 < above < pixels / 2
        assert report.beyond == {DAY: Beyond(pixels, 0, above)}
        assert listener.warnings == [
            f"0.00 % of the pixels lie below zero and {100 * above / pixels:.2f} % above saturation (theta_s "
            "of the stack); mistrust them, or bring them to it with CLIP"
        ]

    def test_pixels_are_clipped_and_the_same_are_told(self, saturated):
        make(saturated)
        before = layers(map_file(saturated.maps, DAY))
        report, listener = make(saturated, clip=True), Listener()
        _, most = self.expected(saturated)
        found = layers(map_file(saturated.maps, DAY))
        for number in range(3):
            assert np.array_equal(found[number], np.clip(before[number], 0, most), equal_nan=True)
        assert np.array_equal(found[3:], before[3:], equal_nan=True)
        tell_beyond(saturated.inputs(dynamic=(), clip=True), report, listener)
        with np.errstate(invalid="ignore"):
            above = int((before[0] >= most).sum())
        assert report.beyond[DAY].above == above
        assert listener.warnings == []
        assert listener.lines[-1].endswith("(theta_s of the stack), and were brought to it (CLIP)")

    def test_a_part_is_held_against_its_own_saturation(self, saturated):
        window = Window(60, 280, 50, 60)
        box = Wanted((FINE.crop(window).bounds, FINE.crs))
        make(saturated, clip=True)
        make(saturated, saturated.folder / "part", clip=True, wanted=box)
        whole, part = (
            layers(map_file(folder, DAY)) for folder in (saturated.maps, saturated.folder / "part")
        )
        assert np.array_equal(part.view(np.uint32), whole[(slice(None), *window.slices)].view(np.uint32))

    def test_without_a_band_it_is_the_most_that_soils_hold(self, case):
        values = np.array([[-0.1, 0.0, 0.3, 0.6, 0.61, np.nan]], np.float32)
        block = Window(0, 0, 1, 6)
        limits = Limits(open_stack(case.stack), block)
        assert limits.beyond(values, block, False) == Beyond(5, 1, 1)
        assert limits.beyond(values, block, True) == Beyond(5, 2, 2)
        assert limits.words == "0.6 m3 m-3 (the stack has no theta_s)"
        limits.clip([values], block)
        assert values[0, :5].tolist() == np.array([0, 0, 0.3, 0.6, 0.6], np.float32).tolist()
        assert np.isnan(values[0, 5])

    def test_a_few_are_no_warning(self, case):
        report, listener = make(case, extra=Extra()), Listener()
        tell_beyond(case.inputs(dynamic=()), report, listener)
        assert listener.warnings == []
        assert listener.lines == [
            "0.00 % of the pixels lie below zero and 0.00 % above 0.6 m3 m-3 (the stack has no theta_s)"
        ]


def test_forests_that_keep_nothing_are_refused(case):
    x, y = case.train[0]
    with ModelWriter(case.forests, ("clay", "twi_fd8"), {}, "sm", "", SETTINGS, "0") as writer:
        writer.add(DAY, grow_forest(x[:, :2], y, SETTINGS))
    assert refusal(make, case, extra=Extra(intervals=True)) == (
        f"{case.forests}: it has nothing that intervals are made from; train it again, or leave out "
        "INTERVALS."
    )
    assert refusal(make, case, extra=Extra(applicability=True)) == (
        f"{case.forests}: it has no training rows that pixels are held against; train it again, or leave out "
        "APPLICABILITY."
    )
    assert not list(case.maps.glob("*.tif"))
