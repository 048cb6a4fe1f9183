"""The model: what it predicts, how sure it is, and that nothing changes on the way through a file."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from area_case import DAYS, AreaCase, ArrayStack, rmse, smooth_field
from smap_downscaler.base.errors import InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.methods.area import levels as levels_module
from smap_downscaler.methods.area import windows as windows_module
from smap_downscaler.methods.area.data import data_of
from smap_downscaler.methods.area.footprint import choose_footprint
from smap_downscaler.methods.area.lags import part_covariances
from smap_downscaler.methods.area.levels import UNSURE
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.pattern import two_way
from smap_downscaler.methods.area.settings import AreaSettings, read_settings
from smap_downscaler.methods.area.windows import windows_of
from smap_downscaler.methods.base import ALL_DETAIL, BY_EVIDENCE, NO_DETAIL, Block, ModelFileError

GIVEN = AreaSettings(footprint_km=0.0)


def fitted(case, settings=GIVEN, mask=None):
    return AREA_TO_POINT.fit(case.cells(mask), settings, int(len(case.days) == 1 and case.days[0]))


@pytest.fixture(scope="module")
def single():
    case = AreaCase(side=16)
    return case, fitted(case)


@pytest.fixture(scope="module")
def archive():
    case = AreaCase(side=12, dates=8, gaps=0.15, noise=0.02)
    return case, fitted(case)


def test_a_date_is_mapped_better_than_by_interpolation(single):
    case, model = single
    found = model.predict(case.block(case.days[0])).mean
    assert rmse(found, case.truth[0]) < 0.7 * rmse(case.bilinear(0), case.truth[0])
    assert model.levels[0].supported
    assert model.levels[0].shown == pytest.approx(0.8, abs=1e-3)
    assert 0.005 < model.noise_sd < 0.03
    assert sum(model.levels[0].shares.values()) == pytest.approx(1.0)


def test_two_levels_are_mapped_better_than_by_interpolation(archive):
    case, model = archive
    ratios = []
    for number, day in enumerate(case.days):
        found = model.predict(case.block(day)).mean.reshape(case.truth[number].shape)
        between = case.bilinear(number)
        seen = np.isfinite(between)
        ratios.append(
            rmse(found[seen], case.truth[number][seen]) / rmse(between[seen], case.truth[number][seen])
        )
    assert np.mean(ratios) < 0.75
    assert [one.name for one in model.levels] == ["mean pattern", "departures"]
    assert model.noise_sd == pytest.approx(0.02, rel=0.25)


def by_hand(case, model, masked):
    """The posterior of all pixels, dense: pixels are sub-cells, so that nothing lies below them."""
    core = model.core
    level = core.levels[0]
    half = level.full
    rows, cols = np.indices(core.subcells.fine_shape).reshape(2, -1)
    table = part_covariances(core.subcells.part_km, core.subcells.fine_shape, level.hurst)
    field = half.fit.noise[0] * table[np.abs(rows[:, None] - rows), np.abs(cols[:, None] - cols)]
    stack = case.stack.layers.reshape(2, -1).T
    valid = np.isfinite(stack).all(axis=1)
    design = np.zeros((len(stack), core.moments.terms.width()))
    design[valid] = core.moments.terms.of_pixels(core.moments.columns.of(stack[valid]))
    prior = half.fit.groups[half.groups]
    # A cell is the mean of its nine pixels; the terms are the mean of the valid ones.
    n = len(core.cells)
    seen, terms = np.zeros((n, len(rows))), np.zeros((n, len(rows)))
    for number, (row, col) in enumerate(core.cells):
        inside = (rows // 3 == row) & (cols // 3 == col)
        seen[number, inside] = 1 / 9
        terms[number, inside & valid] = 1 / (inside & valid).sum()
    phi = terms @ design
    covariance = seen @ field @ seen.T + half.fit.noise[1] * np.eye(n) + (phi * prior) @ phi.T
    cross = field @ seen.T + (design * prior) @ phi.T
    inverse = np.linalg.inv(covariance)
    ones = np.ones(n)
    total = ones @ inverse @ ones
    y = core.cube[0]
    mu = ones @ inverse @ y / total
    mean = mu + cross @ inverse @ (y - mu)
    known = left_over(np.diag(field), seen @ field @ seen.T + half.fit.noise[1] * np.eye(n), field @ seen.T)
    variance = left_over(np.diag(field) + np.square(design) @ prior, covariance, cross)
    # What coefficients add to the variance counts more often than if theirs were known.
    variance = known + UNSURE * (variance - known)
    keep = valid if masked else np.ones(len(rows), bool)
    return mean, variance, keep, rows, cols


def left_over(before, covariance, cross):
    """Variance after the data, about a mean that is estimated."""
    inverse = np.linalg.inv(covariance)
    ones = np.ones(len(covariance))
    off = 1 - cross @ inverse @ ones
    return before - np.einsum("ij,jk,ik->i", cross, inverse, cross) + off**2 / (ones @ inverse @ ones)


@pytest.mark.parametrize("masked", [False, True])
def test_means_and_variances_are_those_of_the_whole_posterior(masked, monkeypatch):
    case = AreaCase(side=9, pixels=3, noise=0.02, slope=0.02)
    if masked:
        # A lake over the border of four cells, and half a cell at the edge of the stack.
        case.stack.layers[:, 10:14, 11:15] = np.nan
        case.stack.layers[:, 3:5, 3:6] = np.nan
    # All directions of the coefficients, where maps take those that carry little at their mean.
    monkeypatch.setattr("smap_downscaler.methods.area.spread.MOST_DIRECTIONS", 1000)
    model = fitted(case, AreaSettings(footprint_km=0.0, noise=0.02)).with_detail(ALL_DETAIL)
    mean, variance, keep, rows, cols = by_hand(case, model, masked)
    core = model.core
    box = (rows >= 3) & (rows < rows.max() - 2) & (cols >= 3) & (cols < cols.max() - 2) & keep
    x = case.grid.left + ((cols + 0.5) / 3 + core.subcells.corner[1]) * case.grid.cell_width
    y = case.grid.top - ((rows + 0.5) / 3 + core.subcells.corner[0]) * case.grid.cell_height
    stack = case.stack.layers.reshape(2, -1).T
    block = Block(stack[box], np.full(box.sum(), case.days[0]), np.column_stack([x, y])[box])
    found = model.predict(block, sd=True)
    np.testing.assert_allclose(found.mean, mean[box], atol=2e-6)
    np.testing.assert_allclose(found.sd, np.sqrt(variance[box]), atol=5e-5)
    np.testing.assert_allclose(found.upper - found.mean, 1.6449 * found.sd, rtol=1e-4)


def test_left_out_cells_are_those_of_models_without_them(single):
    case, model = single
    held = AreaSettings(footprint_km=0.0)
    for row, col in ((3, 4), (0, 7)):
        mask = np.ones((1, case.side, case.side), bool)
        mask[0, row, col] = False
        place = row * case.side + col
        error = model.each_left_out()[0][0, place]
        # The other model has variances of its own, nearly the same.
        other = fitted(case, held, mask)
        pixels = np.s_[row * 9 : row * 9 + 9, col * 9 : col * 9 + 9]
        predicted = other.predict(case.block(case.days[0], pixels)).mean.mean()
        assert case.y[0, row, col] - predicted == pytest.approx(error, abs=0.004)
    assert model.scores.n == case.side**2
    assert 0.8 < model.scores.held < 1.0
    assert 0.02 < model.scores.width < 0.2
    assert model.scores.rmse == pytest.approx(np.sqrt(np.mean(model.each_left_out()[0] ** 2)))


def test_tiled_is_untiled(archive):
    case, model = archive
    day = case.days[2]
    whole = model.predict(case.block(day), sd=True)
    size = case.layers.shape[1]
    for values in ("mean", "sd"):
        image = getattr(whole, values).reshape(size, size)
        part = getattr(model.predict(case.block(day, np.s_[13:50, 40:77]), sd=True), values)
        # A variance is worked out in single precision.
        limit = 1e-12 if values == "mean" else 1e-7
        np.testing.assert_allclose(part.reshape(37, 37), image[13:50, 40:77], rtol=0, atol=limit)


def test_it_is_the_same_after_a_file(single, archive):
    for case, model in (single, archive):
        members = model.members(2)
        assert all(name.endswith((".npy", ".json")) for name in members)
        again = AREA_TO_POINT.load(members, case.names, model.scores)
        for detail in ("by evidence", NO_DETAIL):
            one, other = (
                own.with_detail(detail).predict(case.block(case.days[0]), sd=True) for own in (model, again)
            )
            np.testing.assert_array_equal(one.mean, other.mean)
            # The terms of the cells are kept in single precision.
            np.testing.assert_allclose(one.sd, other.sd, rtol=1e-4)
        for one, other in zip(again.levels, model.levels):
            assert (one.name, one.snr, one.shown, one.variances) == (
                other.name,
                other.snr,
                other.shown,
                other.variances,
            )
            assert one.shares == pytest.approx(other.shares)
        assert again.evidence() == model.evidence()
        assert again.members(2) == members


@pytest.mark.parametrize(
    "change",
    [
        {"static_mean.npy": None},
        {"scatter.npy": b"nothing"},
        {"model.json": b"{}"},
        {"model.json": b"\xff"},
        {"cells.npy": "days.npy"},
    ],
)
def test_damaged_members_are_refused(single, change):
    case, model = single
    members = model.members(2)
    for name, content in change.items():
        if content is None:
            del members[name]
        else:
            members[name] = members[content] if isinstance(content, str) else content
    with pytest.raises(ModelFileError):
        AREA_TO_POINT.load(members, case.names, None)


def test_numbers_that_do_not_fit_are_refused(single):
    case, model = single
    members = model.members(2)
    content = json.loads(members["model.json"])
    for change in (
        {"noise": "much"},
        {"static": ["clay"]},
        {"windows": []},
        {"two_levels": True},
        {"subcells": {**content["subcells"], "parts": 2}},
    ):
        damaged = {**members, "model.json": json.dumps({**content, **change}).encode()}
        with pytest.raises(ModelFileError):
            AREA_TO_POINT.load(damaged, case.names, None)
    with pytest.raises(ModelFileError, match="other covariates"):
        AREA_TO_POINT.load(members, ("sand", "twi"), None)


def test_a_day_without_smap_has_the_pattern_and_wider_intervals(archive):
    case, model = archive
    block = case.block(case.days[3])
    seen = model.predict(block, sd=True)
    unseen = model.predict(Block(block.x, block.days + 1, block.coordinates), sd=True)
    assert unseen.sd.mean() > 1.1 * seen.sd.mean()
    low, high = sorted([np.nanmean(case.y[3]), np.nanmean(case.y[4])])
    assert low - 0.01 < unseen.mean.mean() < high + 0.01
    other = AreaCase(side=9)
    alone, block = fitted(other), other.block(other.days[0] + 1)
    with pytest.raises(InputError, match="another date"):
        alone.predict(block)


def test_without_terms_it_is_kriging_alone(single):
    case, model = single
    bare = fitted(case, AreaSettings(footprint_km=0.0, terms=()))
    np.testing.assert_allclose(
        bare.predict(case.block(case.days[0])).mean,
        model.with_detail(NO_DETAIL).predict(case.block(case.days[0])).mean,
        atol=0.02,
    )
    assert bare.evidence() == ["No terms were asked for: the map is smooth within cells"]
    # The rule and its intervals were tried with terms.
    assert bare.measured is None
    assert model.measured.footprint_km == 0


@pytest.mark.parametrize("dates", [1, 8])
def test_kriging_alone_looks_through_a_footprint(dates):
    case = AreaCase(side=14, dates=dates, footprint_km=33.0, noise=0.02, margin=5)
    bare = fitted(case, AreaSettings(footprint_km=33.0, terms=()))
    block = case.block(case.days[0])
    found = bare.predict(block, sd=True)
    smooth = fitted(case, AreaSettings(footprint_km=33.0)).with_detail(NO_DETAIL).predict(block, sd=True)
    np.testing.assert_allclose(found.mean, smooth.mean, atol=0.02)
    np.testing.assert_allclose(found.sd, smooth.sd, rtol=0.3)
    assert np.ptp(found.mean) > 0.02


def test_of_a_pattern_that_is_none_little_is_shown():
    case = AreaCase(side=16, seed=11)
    case.stack.layers = np.random.default_rng(0).normal(size=case.stack.layers.shape).astype(np.float32)
    case.layers = case.stack.layers[:, 9:-9, 9:-9]
    model = fitted(case)
    assert not model.levels[0].supported
    block = case.block(case.days[0])
    full, shown, bare = (
        model.with_detail(choice).predict(block).mean for choice in (ALL_DETAIL, BY_EVIDENCE, NO_DETAIL)
    )
    assert np.std(full - bare) < 0.01
    assert np.std(shown - bare) < 0.5 * np.std(full - bare)


@pytest.mark.parametrize("model", ["single", "archive"])
def test_by_evidence_maps_lie_between_all_of_the_pattern_and_none(model, request):
    """Each level is kriging and lambda times what its terms change of it."""
    case, model = request.getfixturevalue(model)
    lambdas = [
        0.4 + 0.4 / (1 + np.exp(-(level.plain.fit.value - level.full.fit.value - 6) / 2))
        for level in model.core.levels
    ]
    assert [level.shown for level in model.levels] == pytest.approx(lambdas)
    block = case.block(case.days[0])
    full, shown, bare = (
        model.with_detail(choice).predict(block).mean for choice in (ALL_DETAIL, BY_EVIDENCE, NO_DETAIL)
    )
    # One lambda is exact; two, which are close here, leave what they differ by times a level's pattern.
    limit = 1e-12 + np.ptp(lambdas) * np.abs(full - bare).max()
    np.testing.assert_allclose(shown, bare + lambdas[0] * (full - bare), rtol=0, atol=limit)


def test_what_is_kept_back_makes_maps_less_sure(single):
    case, model = single
    block, level = case.block(case.days[0]), model.core.levels[0]
    shown, full = (model.with_detail(choice).predict(block, sd=True) for choice in (BY_EVIDENCE, ALL_DETAIL))
    b = level.full.answers[0].b
    hidden = (1 - level.shown) ** 2 * b @ model.core.moments.scatter @ b
    np.testing.assert_allclose(shown.sd**2, full.sd**2 + hidden, rtol=1e-5)


def test_beyond_the_cells_there_is_nothing(single):
    case, model = single
    block = case.block(case.days[0])
    far = Block(block.x[:1], block.days[:1], block.coordinates[:1] - (500_000, 0))
    assert np.isnan(model.predict(far).mean).all()


def test_effects_are_what_the_map_shows(single):
    _, model = single
    values = np.linspace(-2, 2, 5)
    effect, sd = model.curve(0, "clay", values)
    # .05 a standard deviation of clay, of which .25 dates' wetness makes nothing here.
    slope = (effect[-1] - effect[0]) / 4
    assert slope == pytest.approx(0.05, rel=0.25)
    assert (sd > 0).all()
    none, _ = model.curve(0, "sand", values)
    assert not none.any()


def test_what_smap_saw_is_kept(archive):
    case, model = archive
    cells, values = model.observed(int(case.days[1]))
    np.testing.assert_array_equal(values, case.y[1][tuple(cells.T)])
    assert len(values) == np.isfinite(case.y[1]).sum()
    assert len(model.observed(3)[1]) == 0


def with_rain(block, mm):
    """The pixels, with so much rain."""
    x = np.column_stack([block.x, np.full(len(block.x), mm)]).astype(np.float32)
    return Block(x, block.days, block.coordinates)


def test_a_dated_covariate_takes_part(monkeypatch):
    case = AreaCase(side=12, dates=10, noise=0.01)
    rng = np.random.default_rng(3)
    whole = case.side + 2
    rain = {int(day): 4 + 2 * smooth_field((whole, whole), 3.0, rng) for day in case.days}
    case.names = (*case.names, "rain")
    case.stack = ArrayStack(case.names[:2], case.stack.layers, 1, dated={"rain": rain})
    effect = np.array([0.02 * (rain[int(day)][1:-1, 1:-1] - 4) for day in case.days])
    case.y = case.y + effect
    model = AREA_TO_POINT.fit(case.cells(), GIVEN, 0)
    assert "rain" in model.levels[1].variances
    assert "rain x static" in model.levels[1].variances
    # Nothing hangs on how many dates are laid out at a time.
    monkeypatch.setattr(levels_module, "_DATES_AT_ONCE", 3)
    few = AREA_TO_POINT.fit(case.cells(), GIVEN, 0)
    for one, other in zip(few.core.levels[1].full.answers, model.core.levels[1].full.answers):
        np.testing.assert_allclose(one.b, other.b, rtol=1e-9)
        np.testing.assert_allclose(one.departures, other.departures, rtol=1e-7)
    block = case.block(int(case.days[4]))
    dry, wet = (model.predict(with_rain(block, mm), sd=True) for mm in (2.0, 6.0))
    assert (wet.mean - dry.mean).mean() == pytest.approx(0.08, rel=0.3)
    again = AREA_TO_POINT.load(model.members(3), case.names, None)
    one, other = (own.predict(with_rain(block, 3.0), sd=True) for own in (model, again))
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-6)
    np.testing.assert_allclose(one.sd, other.sd, rtol=1e-4)
    # Of what rain says a share is shown as a pattern, but all where it alone tells how wet cells are.
    shown, full = model.core.levels[1].shown, model.with_detail(ALL_DETAIL)
    assert 0.3 < shown < 0.9
    unseen = Block(block.x, block.days + 1, block.coordinates)
    for where, share in ((block, shown), (unseen, 1.0)):
        gains = []
        for own in (model, full):
            dry, wet = (own.predict(with_rain(where, mm)).mean for mm in (2.0, 6.0))
            gains.append(wet - dry)
        np.testing.assert_allclose(gains[0], share * gains[1], rtol=1e-6, atol=1e-9)
    # The same covariate on a single date.
    only = AREA_TO_POINT.fit(case.cells(np.arange(10)[:, None, None] == 2), GIVEN, int(case.days[2]))
    assert "rain x static" in only.levels[0].variances


def test_covariates_of_elsewhere_are_shown_least_on_a_single_date():
    """Their pattern is surer than not by its own variances, but the cells are no likelier for it."""
    own, other = AreaCase(side=12), AreaCase(side=12, seed=5)
    assert fitted(own).core.levels[0].gain > 50
    other.stack = own.stack
    model = fitted(other)
    (level,) = model.levels
    assert level.snr > 0.5
    assert model.core.levels[0].gain < 1
    assert level.shown < 0.45
    (sentence,) = model.evidence()
    words = r"The pattern within cells is (not|weakly) supported by the data .*: maps show 4\d % of it"
    assert re.fullmatch(words, sentence)
    assert model.doubts() == [sentence]


def test_windows_are_blended_into_one_map(monkeypatch):
    case = AreaCase(side=24)
    whole = fitted(case)
    monkeypatch.setattr(windows_module, "MOST_CELLS", 200)
    monkeypatch.setattr(windows_module, "_SIDE", 14)
    monkeypatch.setattr(windows_module, "_OVERLAP", 6)
    cut = fitted(case)
    assert len(cut.core.windows) == 9
    block = case.block(case.days[0])
    one, other = (model.predict(block, sd=True) for model in (whole, cut))
    ratio = rmse(other.mean, case.truth[0]) / rmse(one.mean, case.truth[0])
    assert ratio < 1.15
    # No step where a window begins or ends: lines of pixels differ as they do in the map of the whole.
    steps = [
        np.abs(np.diff(own.mean.reshape(case.truth[0].shape), axis=0)).mean(axis=1) for own in (one, other)
    ]
    assert (steps[1] / steps[0]).max() < 1.1 * np.median(steps[1] / steps[0])
    again = AREA_TO_POINT.load(cut.members(2), case.names, None)
    np.testing.assert_array_equal(again.predict(block).mean, other.mean)
    assert np.isfinite(cut.each_left_out()[0]).all()


def test_weights_of_windows_cover_all_cells():
    cells = np.argwhere(np.ones((110, 95), bool))
    windows = windows_of(cells, (110, 95), 12)
    rows, cols = np.meshgrid(np.linspace(0, 110, 300), np.linspace(0, 95, 300), indexing="ij")
    total = sum(window.weights(rows, cols) for window in windows)
    assert total.min() > 0.99
    assert all(window.rows[1] - window.rows[0] == 48 for window in windows)
    assert len(windows_of(cells[:2500], (110, 95), 12)) == 1


def test_effects_of_cells_and_dates_are_found_over_gaps():
    rng = np.random.default_rng(1)
    cells, dates = rng.normal(size=30), rng.normal(size=12)
    dates -= dates.mean()
    cube = cells + dates[:, None]
    cube[rng.random(cube.shape) < 0.3] = np.nan
    found = two_way(cube)
    np.testing.assert_allclose(found[0], cells, atol=1e-7)
    np.testing.assert_allclose(found[1], dates, atol=1e-7)


def test_footprints_are_found():
    for footprint in (0.0, 33.0):
        case = AreaCase(side=20, dates=6, footprint_km=footprint, noise=0.02, margin=8 if footprint else 5)
        found = choose_footprint(
            data_of(case.cells(), AreaSettings(), SILENT).moments,
            np.argwhere(np.ones((20, 20), bool))
            - np.array(data_of(case.cells(), AreaSettings(), SILENT).moments.subcells.corner),
            case.y.reshape(6, -1),
        )
        assert abs(found.km - footprint) <= 7
        assert set(found.values) == {0.0, 20.0, 27.0, 33.0, 40.0}


def test_settings_come_back_from_json():
    settings = AreaSettings(33.0, 0.02, ("products", "linear"), ("landcover",))
    assert settings.terms == ("linear", "products")
    assert read_settings(json.loads(json.dumps(settings.as_dict()))) == settings
    of_old = {name: value for name, value in settings.as_dict().items() if name != "noise_factor"}
    assert read_settings(of_old) == settings
    for content in (
        {},
        {**settings.as_dict(), "noise_factor": 1.0},
        {**settings.as_dict(), "noise": "x"},
        {**settings.as_dict(), "terms": "linear"},
    ):
        with pytest.raises(TypeError):
            read_settings(content)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"footprint_km": 200.0}, "FOOTPRINT is 200 km; give 0 to 100, or auto."),
        ({"noise": 0.0}, "NOISE is 0 m3 m-3; give more than 0, at most 0.2, or auto."),
        ({"terms": ("cubic",)}, "TERMS has 'cubic'; choose from linear, spline, products."),
    ],
)
def test_settings_out_of_their_limits_are_refused(settings, message):
    with pytest.raises(InputError) as error:
        AreaSettings(**settings)
    assert str(error.value) == message


def test_too_little_is_refused_in_a_sentence():
    small = AreaCase(side=7)
    with pytest.raises(InputError) as error:
        fitted(small)
    assert str(error.value) == (
        "49 SMAP cells can be used, and an area-to-point model needs 60; use a larger area."
    )
    case = AreaCase(side=10, margin=1)
    with pytest.raises(InputError) as error:
        fitted(case, AreaSettings(footprint_km=40.0))
    assert str(error.value) == (
        "44 SMAP cells can be used with a footprint of 40 km (56 of 100 lie too far out of the fine stack, "
        "or under a mask), and an area-to-point model needs 60; use a stack that covers more of them and one "
        "footprint beyond them, or a smaller FOOTPRINT."
    )
    case = AreaCase(side=10)
    case.stack.layers[:, 6 * case.pixels :] = np.nan
    with pytest.raises(InputError) as error:
        fitted(case)
    assert str(error.value) == (
        "50 SMAP cells can be used (50 of 100 lie too far out of the fine stack, or under a mask), and an "
        "area-to-point model needs 60; use a stack that covers more of them."
    )
    few = AreaCase(side=9, dates=5)
    with pytest.raises(InputError) as error:
        fitted(few)
    assert str(error.value) == (
        "5 dates can be used, and two levels need 6; give more dates, or choose single dates as LEVELS."
    )


def test_dates_that_share_too_few_cells_are_left_out_by_name():
    case = AreaCase(side=10, dates=8)
    case.y[5, 2:] = np.nan
    case.y[5, 1, 3:] = np.nan
    model = fitted(case)
    assert model.skipped == {int(DAYS[5]): "it shares 13 cells with the other dates, and 20 are needed"}
    assert len(model.days) == 7


def test_dates_that_see_other_places_are_not_mixed():
    """What dates of the one half are wetter than those of the other must not become a step between them."""
    case = AreaCase(side=12, dates=14)
    mask = np.ones(case.y.shape, bool)
    # Eight dates see the upper eight rows, six the lower four.
    mask[:8, 8:] = False
    mask[8:, :8] = False
    model = fitted(case, AreaSettings(footprint_km=0.0, terms=()), mask)
    assert model.days == tuple(DAYS[:8].tolist())
    none = "it shares 0 cells with the other dates, and 20 are needed"
    assert model.skipped == dict.fromkeys(DAYS[8:14].tolist(), none)
    # One date that sees both makes them comparable.
    mask[3] = True
    model = fitted(case, AreaSettings(footprint_km=0.0, terms=()), mask)
    assert (len(model.days), model.skipped) == (14, {})


def test_the_stack_is_read_once_for_all_folds():
    case = AreaCase(side=10)
    fitted(case)
    before = case.stack.reads
    mask = np.ones((1, 10, 10), bool)
    mask[0, :2] = False
    fitted(case, mask=mask)
    assert case.stack.reads == before
