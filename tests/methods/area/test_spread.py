"""Variances of pixels: as the formula has them, whatever is kept, tiled, or taken away."""

from __future__ import annotations

import numpy as np
import pytest

from area_case import AreaCase, ArrayStack, smooth_field
from smap_downscaler.geo.sampling import bilinear_weights
from smap_downscaler.methods.area import variance as variance_module
from smap_downscaler.methods.area import windows as windows_module
from smap_downscaler.methods.area.lags import below_part, parts_to_cells
from smap_downscaler.methods.area.levels import UNSURE
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.area.spread import Spread
from smap_downscaler.methods.base import ALL_DETAIL, BY_EVIDENCE, NO_DETAIL, Block

GIVEN = AreaSettings(footprint_km=0.0)


def fitted(case):
    return AREA_TO_POINT.fit(case.cells(), GIVEN, int(len(case.days) == 1 and case.days[0]))


def rained(dates):
    """A case of which a dated covariate explains a part."""
    case = AreaCase(side=11, dates=dates, noise=0.02, gaps=0.1 if dates > 1 else 0.0)
    rng = np.random.default_rng(3)
    rain = {int(day): 4 + 2 * smooth_field((13, 13), 3.0, rng) for day in case.days}
    case.names = (*case.names, "rain")
    case.stack = ArrayStack(case.names[:2], case.stack.layers, 1, dated={"rain": rain})
    case.y = case.y + np.array([0.02 * (rain[int(day)][1:-1, 1:-1] - 4) for day in case.days])
    return case


def pixels_of(case, day, window=np.s_[:, :]):
    """Pixels, with 3 mm of rain where the case has any."""
    block = case.block(int(day), window)
    if len(case.names) == 2:
        return block
    x = np.column_stack([block.x, np.full(len(block.x), 3.0)]).astype(np.float32)
    return Block(x, block.days, block.coordinates)


@pytest.fixture(scope="module", params=["archive", "with rain", "one date with rain"])
def case_and_model(request):
    case = {
        "archive": lambda: AreaCase(side=11, dates=7, noise=0.02, gaps=0.15),
        "with rain": lambda: rained(8),
        "one date with rain": lambda: rained(1),
    }[request.param]()
    return case, fitted(case)


def by_formula(model, block):
    """var(x) of AREAMODEL, written out for each level with all of its numbers."""
    core, fitted, day = model.core, model.fitted, int(block.days[0])
    rows = (core.grid.top - block.coordinates[:, 1]) / core.grid.cell_height
    cols = (block.coordinates[:, 0] - core.grid.left) / core.grid.cell_width
    between = bilinear_weights(core.subcells.fine_shape, *core.subcells.positions(rows, cols))
    parts = np.argwhere(np.ones(core.subcells.fine_shape, bool))
    z, total, p = fitted.standard(block.x), np.zeros(len(block.x)), len(core.static)
    static = (core.moments.terms.mixing.T @ core.moments.terms.basis(z)).T
    for level, own in enumerate(core.levels):
        half = fitted.half(level)
        one, place, v = half.answers[0], fitted.seen_at(level, half.answers[0], day), half.fit.noise[0]
        pattern, factor = core.two_levels and not level, fitted.wetness(day) if level else 1.0
        seen = one.index if pattern else one.index[np.isfinite(core.cube[place][one.index])]
        noise = core.pattern_noise(fitted.ground, seen) if pattern else None
        shapes = fitted.ground.shapes(core.cells[seen], own.hurst, noise)
        inverse = np.linalg.inv(sum(weight * shape for weight, shape in zip(half.fit.noise, shapes)))
        k1, s1 = inverse.sum(axis=1), inverse.sum()
        q = inverse - np.outer(k1, k1) / s1
        tables = fitted.ground.tables(own.hurst)
        c = v * parts_to_cells(tables, core.subcells, core.cells[seen], parts)
        t = v * tables.part - ((c @ q) * c).sum(axis=1) + 1 / s1 - 2 * c @ k1 / s1
        total += v * below_part(core.subcells.part_km, core.moments.pixel_km, own.hurst) + between @ t
        if not one.b.size:
            continue
        total += factor**2 * fitted.kept_back(level, 0)
        phi = factor * static[:, fitted.static_columns(level)]
        if core.dated is not None:
            flat = core.dated.reference.reshape(len(parts), -1)
            more = between @ flat[:, : core.dated.terms.width()]
            if not pattern:
                more = core.dated.of(block.x[:, p:], z, between @ flat if level else None)
            phi = np.concatenate([phi, more], axis=1)
        m = (c @ q + k1 / s1) @ fitted.cell_design(level, seen, place, factor)
        g = phi - between @ m
        total += UNSURE * ((g @ one.s) * g).sum(axis=1)
    return np.sqrt(total)


@pytest.mark.parametrize("detail", [ALL_DETAIL, BY_EVIDENCE, NO_DETAIL])
def test_they_are_those_of_the_formula(case_and_model, detail, monkeypatch):
    case, model = case_and_model
    monkeypatch.setattr("smap_downscaler.methods.area.spread.MOST_DIRECTIONS", 1000)
    model = model.with_detail(detail)
    block = pixels_of(case, case.days[-1], np.s_[5:60, 20:90])
    np.testing.assert_allclose(model.predict(block, sd=True).sd, by_formula(model, block), rtol=2e-5)


def test_days_do_not_hang_on_what_is_kept(case_and_model):
    """What pixels share on all days, some of them, none; days in one block; too little room."""
    case, model = case_and_model
    block = pixels_of(case, case.days[0])
    alone = [model.predict(pixels_of(case, day), sd=True) for day in case.days]
    still = model.still(block, sd=True)
    assert still.nbytes > sum(one.seen.nbytes for one in still.sure) > 16 * len(block.x)
    nothing = np.zeros_like(block.x)
    nothing[:, len(model.core.static) :] = block.x[:, len(model.core.static) :]
    some = np.random.default_rng(1).random(len(block.x)) < 0.3
    for day, one in zip(case.days, alone):
        days = np.full(len(block.x), day)
        found = model.predict(Block(nothing, days, None, still), sd=True)
        np.testing.assert_array_equal(found.sd, one.sd)
        few = Block(nothing[some], days[some], None, still.take(some))
        np.testing.assert_allclose(model.predict(few, sd=True).sd, one.sd[some], rtol=1e-5)
    days = np.random.default_rng(2).choice(case.days, len(block.x))
    mixed = model.predict(Block(block.x, days, block.coordinates), sd=True).sd
    for day, one in zip(case.days, alone):
        np.testing.assert_allclose(mixed[days == day], one.sd[days == day], rtol=1e-5)


def test_there_may_be_no_room_for_what_cells_tell(monkeypatch):
    case = AreaCase(side=11, dates=7, noise=0.02, gaps=0.15)
    model = fitted(case)
    block = case.block(case.days[3], np.s_[:40, :40])
    whole = model.predict(block, sd=True).sd
    monkeypatch.setattr(variance_module, "_MOST_SPREAD", 0)
    np.testing.assert_array_equal(model.with_detail(BY_EVIDENCE).predict(block, sd=True).sd, whole)


def test_cells_are_taken_away_in_closed_form():
    model = fitted(AreaCase(side=11, dates=7, noise=0.02))
    core, half = model.core, model.fitted.half(1)
    seen, rng = np.ones(len(core.cells), bool), np.random.default_rng(1)
    seen[
        rng.choice(np.flatnonzero((core.cells != core.cells.max(axis=0)).all(axis=1)), 40, replace=False)
    ] = False
    # The box of those that are left is that of all.
    seen[[0, -1]] = True
    box, followed = core.windows[0].parts_of(core.subcells), rng.normal(size=(int(seen.sum()), 3))

    def spread(cells):
        return Spread(model.fitted.ground, cells, None, core.levels[1].hurst, half.fit.noise, box)

    whole = spread(core.cells)
    found, direct = whole.of(seen, followed, whole.piece), spread(core.cells[seen]).of_all(followed)
    np.testing.assert_allclose(found[..., 0], direct[..., 0], rtol=2e-5)
    np.testing.assert_allclose(found[..., 1:], direct[..., 1:], atol=1e-4 * np.abs(direct).max())


def test_windows_look_at_their_own_sub_cells(monkeypatch):
    case = AreaCase(side=24)
    monkeypatch.setattr(windows_module, "MOST_CELLS", 200)
    monkeypatch.setattr(windows_module, "_SIDE", 14)
    monkeypatch.setattr(windows_module, "_OVERLAP", 6)
    model = fitted(case)
    block = case.block(case.days[0])
    own = model.predict(block, sd=True).sd
    parts = [
        np.prod([one.stop - one.start for one in w.parts_of(model.core.subcells)]) for w in model.core.windows
    ]
    assert sum(parts) < 4 * np.prod(model.core.subcells.fine_shape)
    everything = tuple(slice(0, size) for size in model.core.subcells.fine_shape)
    monkeypatch.setattr(windows_module.Window, "parts_of", lambda *_: everything)
    np.testing.assert_allclose(model.with_detail(BY_EVIDENCE).predict(block, sd=True).sd, own, rtol=1e-5)
