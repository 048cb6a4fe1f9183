"""Held-out cells: means and variances of the area-to-point model against all in one large Gaussian."""

from __future__ import annotations

import numpy as np
import pytest

from area_case import AreaCase
from small_area_case import make_area_case
from smap_downscaler.methods.area.levels import UNSURE
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.area.told import told_cells
from smap_downscaler.methods.base import Block
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.areamodel.rows import AreaInputs, area_rows

#: Variance of what is not known at all.
FLAT = 1e4


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    case = make_area_case(tmp_path_factory.mktemp("told"), with_rain=True)
    rain = DatedCovariate(open_series(case.folder / "rain"), minimum_share=0.0)
    inputs = AreaInputs(open_series(case.folder / "smap"), open_stack(case.folder / "fine.tif"), (rain,))
    return area_rows(inputs).cells


def conditional(total, seen, asked, y):
    """Mean and variance of some of a Gaussian, given others."""
    both = np.linalg.solve(total[np.ix_(seen, seen)], np.column_stack([y, total[np.ix_(seen, asked)]]))
    mean = total[np.ix_(asked, seen)] @ both[:, 0]
    return mean, np.diag(total)[asked] - np.einsum("ij,ji->i", total[np.ix_(asked, seen)], both[:, 1:])


@pytest.mark.parametrize("footprint", [0.0, 20.0])
def test_a_date_alone_is_told_as_one_large_gaussian_tells_it(rows, footprint):
    own = rows.take(rows.days == rows.days[0])
    held = (own.cells[:, 0] - own.cells[:, 0].min() < 5) & (own.cells[:, 1] - own.cells[:, 1].min() < 4)
    model = AREA_TO_POINT.fit(own.take(~held), AreaSettings(footprint_km=footprint), 1).with_detail("all")
    told = told_cells(model, own.cells[held], own.days[held])
    known = np.isfinite(told.mean)
    core, ground = model.core, model.fitted.ground
    asked = own.cells[held][known] - np.array(core.subcells.corner)
    places = np.concatenate([core.cells, asked])
    half = core.levels[0].full
    design = np.concatenate([ground.static, ground.dated_terms(0, centred=False)], axis=2)[tuple(places.T)]
    shapes = ground.shapes(places, core.levels[0].hurst)
    known_terms = sum(v * shape for v, shape in zip(half.fit.noise, shapes)) + FLAT
    total = known_terms + (design * half.fit.groups[half.groups]) @ design.T
    n = len(core.cells)
    own, others, y = np.arange(n), np.arange(n, len(places)), core.cube[0] - 0.2
    mean, variance = conditional(total, own, others, y)
    _, least = conditional(known_terms, own, others, y)
    # What coefficients add to the variance counts more often than if theirs were known.
    variance = least + UNSURE * (variance - least)
    np.testing.assert_allclose(told.mean[known], mean + 0.2, atol=2e-5)
    np.testing.assert_allclose(told.sd[known] ** 2, variance, rtol=2e-3)


def test_one_cell_left_out_is_told_as_in_closed_form(rows):
    """The variances are those of all cells there: of one cell they hardly hang on it."""
    own = rows.take(rows.days == rows.days[0])
    whole = AREA_TO_POINT.fit(own, AreaSettings(footprint_km=0.0), 1)
    errors = whole.each_left_out()[0][0]
    for number in (20, 57, 90):
        out = np.zeros(len(own.y), bool)
        out[number] = True
        model = AREA_TO_POINT.fit(own.take(~out), AreaSettings(footprint_km=0.0), 1)
        told = told_cells(model, own.cells[out], own.days[out])
        at = np.flatnonzero((whole.core.cells + whole.core.subcells.corner == own.cells[number]).all(axis=1))
        assert told.mean[0] == pytest.approx(own.y[number] - errors[at[0]], abs=2e-3)


def test_two_levels_tell_cells_of_all_dates_within_their_intervals(rows):
    corner = rows.cells.min(axis=0)
    held = ((rows.cells - corner) // 3).sum(axis=1) % 3 == 0
    model = AREA_TO_POINT.fit(rows.take(~held), AreaSettings(footprint_km=0.0), 0)
    told = told_cells(model, rows.cells[held], rows.days[held])
    assert np.isfinite(told.mean).all()
    y = rows.y[held]
    assert np.sqrt(np.mean((told.mean - y) ** 2)) < 0.6 * y.std()
    assert 0.8 <= np.mean((y >= told.lower) & (y <= told.upper)) <= 0.98
    far = told_cells(model, rows.cells[:5] + np.array([40, 0]), rows.days[:5])
    assert np.isnan(far.mean).all()
    other = told_cells(model, rows.cells[held], rows.days[held] + 1)
    assert (other.sd > told.sd).mean() > 0.95


def test_two_levels_tell_cells_whose_noise_the_others_share():
    """Through a footprint: what is known of the noise of a held-out cell is no more than there is."""
    case = AreaCase(side=14, dates=8, footprint_km=33.0, noise=0.02, margin=5)
    cells = case.cells()
    held = (cells.cells.sum(axis=1) + cells.cells[:, 0] // 3) % 4 == 0
    settings = AreaSettings(footprint_km=33.0, terms=("linear",))
    model = AREA_TO_POINT.fit(cells.take(~held), settings, 0)
    told = told_cells(model, cells.cells[held], cells.days[held])
    y = cells.y[held]
    assert (told.sd > 0).all()
    assert np.sqrt(np.mean((told.mean - y) ** 2)) < 0.2 * y.std()
    assert np.mean((y >= told.lower) & (y <= told.upper)) >= 0.85


def test_curves_are_what_a_pixel_gains_by_one_covariate_alone(rows):
    """Static ones by the mean pattern and, on a wet date, the departures; dated ones by the departures."""
    settings = AreaSettings(footprint_km=0.0, terms=("linear", "spline"))
    model = AREA_TO_POINT.fit(rows, settings, 0).with_detail("all")
    wet = int(np.argmax(np.abs(model.core.wetness)))
    place = rows.coordinates[30:31] + 700.0
    base = np.array([[310.0, 3050.0, 5.5]], np.float32)
    for column, (name, low, high) in enumerate(
        (("clay", 240, 370), ("elevation", 2700, 3400), ("rain", 3, 8))
    ):
        x = np.repeat(base, 2, axis=0)
        x[:, column] = low, high
        block = Block(x, np.full(2, model.days[wet]), np.repeat(place, 2, axis=0))
        gained = float(np.diff(model.predict(block).mean)[0])
        rises = [np.diff(model.curve(level, name, np.array([low, high]))[0])[0] for level in (0, 1)]
        expected = rises[1] if name == "rain" else rises[0] + model.core.wetness[wet] * rises[1]
        assert gained == pytest.approx(expected, abs=1e-9)
        assert abs(gained) > 1e-7
    assert (model.curve(1, "rain", np.array([3.0, 8.0]))[1] > 0).all()
