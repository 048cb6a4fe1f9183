"""A method that is one file and one line of the register goes through training, validation and maps."""

from __future__ import annotations

import datetime as dt
import json
import zipfile

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import CELLS, Listener
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.area_means import cell_means
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.geo.sources import Source
from smap_downscaler.methods.base import Candidate
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.fine_blocks import FineBlocks
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.methods.register import METHODS
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.crossvalidation.tables import write_choices, write_scores
from smap_downscaler.steps.forests.effects import effects_of_file
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.tables import write_scores as write_training_scores
from smap_downscaler.steps.forests.training import train_by_date, train_pooled
from smap_downscaler.steps.maps.bands import Extra
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.maps.mapped import Wanted
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import open_matrix
from smap_downscaler.steps.matrix.write import create_matrix
from two_level_linear import NORMAL, LinearSettings, TwoLevelLinear

NAMES = ("clay", "elevation")
DAYS = tuple(dt.date(2020, 1, 1 + 2 * number) for number in range(6))
METHOD = TwoLevelLinear()


class Case:
    """A stack at 500 m, its means on SMAP's cells, and soil moisture that is linear on both levels."""

    def __init__(self, folder):
        rng = np.random.default_rng(3)
        self.folder, self.grid = folder, CELLS
        bounds = CELLS.bounds
        # The stack lies in the CRS of the cells, so that coordinates need no projection in the test.
        self.fine = Grid(CELLS.crs, bounds.left - 900, bounds.top + 900, 500.0, 500.0, 150, 112)
        rows, cols = np.mgrid[0 : self.fine.height, 0 : self.fine.width]
        smooth = np.sin(rows / 17.0) + np.cos(cols / 23.0)
        self.layers = np.stack(
            [300 + 40 * smooth + 5 * rng.normal(size=rows.shape), 3000 + 3 * rows + 20 * np.sin(cols / 9.0)]
        ).astype(np.float32)
        path = folder / "fine.tif"
        write_geotiff(path, self.fine, self.layers, [Band(name, "") for name in NAMES])
        self.stack = open_stack(path)
        sources = [Source(str(path), number, self.fine) for number in (1, 2)]
        self.coarse = cell_means(sources, CELLS).values.astype(np.float32)
        z = (self.coarse.astype(float) - self.layers.mean(axis=(1, 2))[:, None, None]) / self.layers.std(
            axis=(1, 2)
        )[:, None, None]
        with create_matrix(folder / "m.gpkg", CELLS, NAMES, {}) as writer:
            row, col = (index.ravel() for index in np.mgrid[0 : CELLS.height, 0 : CELLS.width])
            for number, date in enumerate(DAYS):
                y = 0.25 + 0.03 * z[0] - 0.02 * z[1] * (1 + 0.1 * number) + 0.01 * number
                y = y + 0.004 * rng.normal(size=y.shape)
                seen = rng.random(row.size) > 0.1
                x = self.coarse.reshape(2, -1).T[seen]
                writer.write(DayRows(date, row[seen], col[seen], y.ravel()[seen], x))
        self.table = open_matrix(folder / "m.gpkg")
        self.reader = FineBlocks(self.stack, CELLS, most_pixels=4000)

    def rows(self):
        """All rows: covariates, soil moisture, coordinates and dates."""
        found = self.table.pooled()
        place = np.column_stack([CELLS.x_centres()[found.cols], CELLS.y_centres()[found.rows]])
        return found.x.astype(float), found.y, place, found.days, found.rows * 100 + found.cols


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("second"))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The one line."""
    monkeypatch.setitem(METHODS, METHOD.name, METHOD)


@pytest.fixture(scope="module")
def inside(case):
    """Pixels whose centres lie in the cells."""
    rows, cols = Lattice(case.fine, CELLS).positions()
    return (rows >= 0) & (rows < CELLS.height) & (cols >= 0) & (cols < CELLS.width)


def by_hand(case, inside, ridge, seen=None):
    """Both levels in plain NumPy; gives a function of covariates, coordinates and a day."""
    x, y, place, days, cell = case.rows()
    pixels = case.layers[:, inside].astype(float)
    mean, scale = pixels.mean(axis=1), pixels.std(axis=1)
    frame = np.array([CELLS.left, CELLS.top])
    size = np.array([CELLS.width * CELLS.cell_width, -CELLS.height * CELLS.cell_height])

    def design(x):
        return np.column_stack([np.ones(len(x)), (x - mean) / scale])

    def least_squares(a, b):
        more = np.sqrt(ridge) * np.eye(a.shape[1])[1:]
        return np.linalg.lstsq(np.vstack([a, more]), np.concatenate([b, np.zeros(len(more))]), rcond=None)[0]

    seen = np.ones(len(y), bool) if seen is None else seen
    x, y, place, days, cell = (part[seen] for part in (x, y, place, days, cell))
    numbers = np.unique(cell)
    first = np.array([np.flatnonzero(cell == number)[0] for number in numbers])
    means = np.array([y[cell == number].mean() for number in numbers])
    both = np.column_stack([design(x), (place - frame) / size])
    pattern = least_squares(both[first], means)
    rest = y - both @ pattern
    departures = {day: least_squares(design(x)[days == day], rest[days == day]) for day in np.unique(days)}

    def predict(x, place, day):
        level = np.column_stack([design(x), (place - frame) / size]) @ pattern
        return level + (design(x) @ departures[day] if day in departures else 0)

    predicted = np.concatenate([predict(x[days == day], place[days == day], day) for day in np.unique(days)])
    return predict, float(np.std(predicted - np.concatenate([y[days == day] for day in np.unique(days)])))


def trained(case, name="m.smapmodel", ridge=0.5):
    path = case.folder / name
    choices = TrainingChoices(LinearSettings(ridge), method=METHOD, fine=case.reader)
    return path, train_pooled(case.table, path, choices)


def test_it_is_trained_saved_and_mapped_with_its_deviation(case, inside):
    path, report = trained(case)
    assert report.trained == 1
    write_training_scores(case.folder / "scores.gpkg", report)
    predict, sd = by_hand(case, inside, 0.5)
    with open_models(path) as models:
        assert (models.method, models.mode, models.names) == (METHOD, "pooled", NAMES)
        assert models.settings == LinearSettings(0.5)
        assert models.grid == CELLS
        assert models.scores(PooledKey()).n == len(case.rows()[1])
        wanted = [DAYS[1], dt.date(2020, 2, 1)]
        inputs = MapInputs(models, case.stack, extra=Extra(intervals=True))
        made = make_maps(inputs, case.folder / "maps", wanted, 2, 1)
    rows, cols = np.mgrid[0 : case.fine.height, 0 : case.fine.width]
    coordinates = np.column_stack(
        [case.fine.left + (cols.ravel() + 0.5) * 500.0, case.fine.top - (rows.ravel() + 0.5) * 500.0]
    )
    for date, factor in zip(wanted, (1, 2)):
        bands = gdal.Open(str(made.files[date])).ReadAsArray()
        expected = predict(case.layers.reshape(2, -1).T.astype(float), coordinates, date.toordinal())
        np.testing.assert_allclose(bands[0].ravel(), expected, atol=2e-6)
        reach = NORMAL * factor * sd
        np.testing.assert_allclose(bands[1].ravel(), expected - reach, atol=2e-6)
        np.testing.assert_allclose(bands[2].ravel(), expected + reach, atol=2e-6)
        np.testing.assert_allclose(bands[3], factor * sd, rtol=1e-5)


def test_its_effects_are_those_of_its_coefficients(case, inside):
    """Its slopes differ from day to day, and it needs places: rows are asked with their own."""
    path = case.folder / "e.smapmodel"
    choices = TrainingChoices(LinearSettings(0.5), method=METHOD, fine=case.reader, effects=True)
    report = train_pooled(case.table, path, choices)
    found = effects_of_file(path, report.samples)
    predict, _ = by_hand(case, inside, 0.5)
    x, y, place, days, _ = case.rows()
    assert len(report.samples[PooledKey()].y) == len(y)
    assert [one.covariate for one in found] == list(NAMES)
    for column, one in enumerate(found):
        interval = np.clip(np.searchsorted(one.values, x[:, column]) - 1, 0, None)
        changes = np.empty(len(y))
        for day in np.unique(days):
            of_day, ends = days == day, []
            for side in (0, 1):
                asked = x[of_day].copy()
                asked[:, column] = one.values[interval[of_day] + side]
                ends.append(predict(asked, place[of_day], day))
            changes[of_day] = ends[1] - ends[0]
        steps = [changes[interval == number].mean() for number in range(one.values.size - 1)]
        np.testing.assert_allclose(np.diff(one.median), steps, atol=1e-7)
    assert (found[0].rising, found[1].falling) == (1, 1)


def test_a_part_of_a_map_with_its_deviation_is_that_of_the_whole(case):
    """Coordinates are counted from the corner of the stack; the part begins anywhere."""
    path, _ = trained(case)
    window = Window(17, 40, 61, 83)
    box = case.fine.crop(window).bounds
    wanted = [DAYS[1], dt.date(2020, 2, 1)]
    for part, name in ((Wanted(), "whole"), (Wanted((box, case.fine.crs)), "part")):
        with open_models(path) as models:
            inputs = MapInputs(models, case.stack, extra=Extra(intervals=True), wanted=part)
            make_maps(inputs, case.folder / name, wanted, 2, 1)
    for date in wanted:
        whole, part = (
            gdal.Open(str(map_file(case.folder / name, date))).ReadAsArray() for name in ("whole", "part")
        )
        assert whole.shape == (4, *case.fine.shape)
        assert np.array_equal(part.view(np.uint32), whole[(slice(None), *window.slices)].view(np.uint32))


def test_maps_without_the_deviation_have_one_band(case):
    path, _ = trained(case)
    with open_models(path) as models:
        made = make_maps(MapInputs(models, case.stack), case.folder / "plain", [DAYS[0]])
    assert gdal.Open(str(made.files[DAYS[0]])).RasterCount == 1


def test_what_forests_do_not_keep_is_refused(case):
    path = case.folder / "f.smapforest"
    train_by_date(case.table, path, TrainingChoices(ForestSettings(3, None, None, 4, 1, None, 1)))
    for extra, sentence in (
        (
            Extra(intervals=True),
            "it has nothing that intervals are made from; train it again, or leave out INTERVALS.",
        ),
        (
            Extra(applicability=True),
            "it has no training rows that pixels are held against; train it again, or leave out "
            "APPLICABILITY.",
        ),
    ):
        with open_models(path) as models, pytest.raises(InputError) as caught:
            make_maps(MapInputs(models, case.stack, extra=extra), case.folder / "none", [DAYS[0]])
        assert str(caught.value) == f"{path}: {sentence}"
        assert not list((case.folder / "none").glob("*"))


def test_the_manifest_names_method_and_settings(case):
    path, _ = trained(case)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert set(archive.namelist()) == {
            "manifest.json",
            "models/pooled/numbers.json",
            "models/pooled/scale.npy",
        }
    assert (manifest["version"], manifest["method"]) == (3, "two-level linear")
    assert manifest["settings"] == {"ridge": 0.5, "seed": 1}


def test_a_method_that_is_not_installed_is_named(case, monkeypatch):
    path, _ = trained(case, "other.smapmodel")
    monkeypatch.delitem(METHODS, METHOD.name)
    with pytest.raises(InputError) as caught:
        open_models(path)
    assert str(caught.value) == (
        f"{path} is damaged: its method 'two-level linear' is unknown; get another copy or train it again."
    )


def test_damaged_numbers_are_refused(case, tmp_path):
    path, _ = trained(case)
    bad = tmp_path / "bad.smapmodel"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(bad, "w") as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name).replace(b'"sd": 0.', b'"sd": 1.'))
    with open_models(bad) as models, pytest.raises(InputError, match=r"numbers\.json"):
        models.load(PooledKey())


def test_it_is_cross_validated_with_a_choice_of_settings(case, inside, tmp_path):
    settings = ValidationSettings(
        folds=3,
        repeats=1,
        block_km=0.0,
        candidates=tuple(Candidate(LinearSettings(ridge)) for ridge in (0.0, 2.0, 4000.0)),
        inner_folds=2,
        mode="pooled",
        importance=True,
        method=METHOD,
        fine=case.reader,
    )
    run = crossvalidate_table(case.table, settings, progress=Listener())
    x, y, place, days, _ = case.rows()
    for result in run.results:
        predicted = np.full(len(y), np.nan)
        for fold, choice in enumerate(result.choices):
            test = result.fold_of_row == fold
            ridge = settings.candidates[choice.candidate].settings.ridge
            assert ridge < 4000
            if result.piece.scheme == "random":
                predict, _ = by_hand(case, inside, ridge, ~test)
                for day in np.unique(days):
                    rows = test & (days == day)
                    predicted[rows] = predict(x[rows], place[rows], day)
        if result.piece.scheme == "random":
            np.testing.assert_allclose(result.predicted, predicted, atol=1e-9)
            assert result.scores["rmse"] == pytest.approx(float(np.sqrt(np.mean((predicted - y) ** 2))))
            assert result.importance[0] > 0
    assert {result.piece.scheme for result in run.results} == {"random", "locations", "locations and dates"}
    assert run.plan.text().startswith("3 pieces of work with 63 models: ")
    write_scores(tmp_path / "scores.gpkg", run)
    write_choices(tmp_path / "choices.gpkg", run)


def test_modes_that_it_has_not_are_refused(case):
    choices = TrainingChoices(LinearSettings(), method=METHOD, fine=case.reader)
    with pytest.raises(InputError, match=r"^MODE is 'by date', which a two-level linear cannot be\.$"):
        train_by_date(case.table, case.folder / "x.smapmodel", choices)
    with pytest.raises(InputError) as caught:
        ValidationSettings(3, 1, 0.0, (Candidate(LinearSettings()),), mode="by date", method=METHOD)
    assert str(caught.value) == "MODE is 'by date', which a two-level linear cannot be."


def test_settings_out_of_their_limits_are_refused(case):
    with pytest.raises(InputError, match=r"^RIDGE is -1; give 0 or more\.$"):
        trained(case, ridge=-1)


def test_day_of_year_stands_behind_the_covariates_of_the_stack(case):
    """The fine stack has no derived covariates: a method that asks for them is refused."""
    choices = TrainingChoices(
        LinearSettings(), features=FeatureSettings(True), method=METHOD, fine=case.reader
    )
    with pytest.raises(InputError, match="no band named doy_sin, doy_cos"):
        train_pooled(case.table, case.folder / "x.smapmodel", choices)
