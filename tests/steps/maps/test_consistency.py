"""Maps over SMAP's cells: sums against brute force, exact closure against a dense solution, no seams."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest

from map_case import refusal
from raster_cases import Listener
from seams import seam
from smap_downscaler.geo.area_means import cell_means
from smap_downscaler.geo.geotiff import TILE, Band, write_geotiff
from smap_downscaler.geo.grid import EASE2_CRS, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.geo.sources import Source
from smap_downscaler.methods.area.residual import fit_residual
from smap_downscaler.steps.maps.consistency import Finish, Finished, Finishing, Places, Run
from smap_downscaler.steps.maps.numbers.closure import OverCells, Shares
from smap_downscaler.steps.maps.under import CellsUnder

#: Cells of the 9 km grid in southern Peru.
SMAP = ease2_grid("9 km").crop(Window(985, 1150, 30, 30))
#: Pixels that nest in 6 x 5 of them, 12 x 12 in each, and begin 3 pixels before the first.
SIDE = SMAP.cell_width / 12
NESTED = Grid(EASE2_CRS, SMAP.left + (36 - 3) * SIDE, SMAP.top - (48 - 3) * SIDE, SIDE, SIDE, 66, 78)
#: Pixels in UTM that nest nowhere, of four tiles.
UTM = Grid("EPSG:32718", 765000.0, 8545000.0, 300.0, 300.0, TILE + 60, TILE + 40)


def made_up(grid, seed=5):
    """A map with a lake, and SMAP's cells that it should return."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width]
    values = 0.25 + 0.05 * np.sin(rows / 9) * np.cos(cols / 11) + 0.02 * rng.normal(size=grid.shape)
    values[30:33, 40:42] = np.nan
    return values


def over(under, values):
    return under.over(under.sums_of((under.grid.whole, [values])))


def smap_of(under, values, seed=6):
    smap = np.nan_to_num(over(under, values).means, nan=0.25)
    return smap + 0.03 * np.random.default_rng(seed).normal(size=smap.shape)


def hat(rows, cols, row, col):
    """The weight of the node at the centre of a cell."""
    return np.clip(1 - np.abs(rows - row - 0.5), 0, None) * np.clip(1 - np.abs(cols - col - 0.5), 0, None)


def nested_means(values):
    """Means of the 6 x 5 cells that `NESTED` covers wholly."""
    return np.nanmean(values[3:75, 3:63].reshape(6, 12, 5, 12), axis=(1, 3))


def test_means_are_those_of_blocks_of_pixels():
    values = made_up(NESTED)
    under = CellsUnder(NESTED, SMAP, "SMAP")
    found = over(under, values)
    first = 4 - under.window.row, 3 - under.window.col
    inside = slice(first[0], first[0] + 6), slice(first[1], first[1] + 5)
    assert np.allclose(found.means[inside], nested_means(values), rtol=0, atol=1e-12)
    shares = np.isfinite(values[3:75, 3:63]).reshape(6, 12, 5, 12).mean(axis=(1, 3))
    assert np.allclose(found.areas[inside], shares, rtol=0, atol=1e-9)
    assert found.full[inside].sum() == 29


def test_means_of_pixels_that_nest_nowhere_are_those_of_area_means(tmp_path):
    values = made_up(UTM)
    write_geotiff(tmp_path / "map.tif", UTM, values.astype(np.float32), [Band("m")])
    under = CellsUnder(UTM, SMAP, "SMAP")
    found = over(under, values.astype(np.float32).astype(np.float64))
    expected = cell_means([Source(str(tmp_path / "map.tif"), 1, UTM)], under.cells)
    assert np.allclose(found.areas, expected.shares[0], rtol=0, atol=2e-4)
    well = expected.shares[0] > 0.5
    assert well.sum() > 40
    assert np.allclose(found.means[well], expected.values[0][well], rtol=0, atol=2e-6)


def test_exact_closure_is_the_dense_solution():
    """Every weight is written out: means over pixels of the hats of all cells, and the rule for cells
    beside those that are returned."""
    values = made_up(NESTED)
    under = CellsUnder(NESTED, SMAP, "SMAP")
    smap = smap_of(under, values)
    smap[3, 4] = np.nan
    found = over(under, values)
    rows, cols = Lattice(NESTED, under.cells).positions()
    valid = np.isfinite(values)
    wanted = [tuple(cell) for cell in np.argwhere(found.full & np.isfinite(smap))]
    assert len(wanted) == 28
    around = sorted({(r + i, c + j) for r, c in wanted for i in (-1, 0, 1) for j in (-1, 0, 1)})
    spread = np.zeros((len(around), len(wanted)))
    for number, (r, c) in enumerate(around):
        if (r, c) in wanted:
            spread[number, wanted.index((r, c))] = 1
            continue
        near = [k for k, (i, j) in enumerate(wanted) if abs(i - r) <= 1 and abs(j - c) <= 1]
        spread[number, near] = 1 / len(near)
    hats = np.stack([hat(rows, cols, r, c) for r, c in around])
    means = []
    for r, c in wanted:
        inside = valid & (np.floor(rows) == r) & (np.floor(cols) == c)
        means.append(hats[:, inside].mean(axis=1))
    residual = np.array([smap[cell] - found.means[cell] for cell in wanted])
    solved = np.linalg.solve(np.array(means) @ spread, residual)
    expected = np.tensordot(spread @ solved, hats, axes=1)
    assert np.allclose(found.exact(smap).at(rows, cols), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("grid", [NESTED, UTM], ids=["nested", "in UTM"])
def test_exact_maps_return_smap_and_have_no_seams(grid):
    values = made_up(grid)
    under = CellsUnder(grid, SMAP, "SMAP")
    smap = smap_of(under, values)
    rows, cols = under.positions(grid.whole)
    added = over(under, values).exact(smap).at(rows, cols)
    closure = over(under, values + added).closure(smap)
    assert closure.full > 20
    assert closure.part > 5
    assert closure.worst < 1e-12
    # The map itself was 3 % off, and a constant a cell would show its borders.
    assert over(under, values).closure(smap).worst > 0.03
    assert seam(added, rows, cols) < 1.1
    constant = np.where(
        np.isfinite(rows),
        (smap - over(under, values).means)[np.floor(rows).astype(int), np.floor(cols).astype(int)],
        0,
    )
    assert seam(np.nan_to_num(constant) + 1e-3 * values, rows, cols) > 1.1


def test_the_field_is_continuous_everywhere():
    """No step between points that lie close together, within and beyond the cells that are returned."""
    rng = np.random.default_rng(3)
    under = CellsUnder(NESTED, SMAP, "SMAP")
    values = made_up(NESTED)
    field = over(under, values).exact(smap_of(under, values))
    start = rng.uniform(-4, 14, (2, 5000))
    step = 1e-6 * rng.normal(size=(2, 5000))
    assert np.abs(field.at(*start) - field.at(*(start + step))).max() < 1e-5
    assert np.abs(field.at(*start)).max() > 0.02
    # Far from all cells nothing is added.
    assert not field.at(np.array([-3.0, 30.0, np.nan]), np.array([-3.0, 30.0, 2.0])).any()


def test_without_a_cell_nothing_is_added():
    under = CellsUnder(NESTED, SMAP, "SMAP")
    found = over(under, made_up(NESTED))
    nothing = np.full(found.means.shape, np.nan)
    assert not found.exact(nothing).at(*under.positions(NESTED.whole)).any()
    closure = found.closure(nothing)
    assert (closure.cells, closure.full, closure.part) == (0, 0, 0)
    assert np.isnan([closure.rmse, closure.bias, closure.worst]).all()


def test_numbers_of_closure():
    shares = Shares.of((1, 3), 4, np.arange(4), np.array([0, 0, 1, 2]), np.array([0.5, 0.5, 0.6, 0.3]))
    sums = shares.sums(np.array([0.2, 0.4, 0.5, 0.1]))
    found = OverCells.of([sums], (1, 3)).closure(np.array([[0.28, 0.6, 0.3]]))
    assert (found.cells, found.full, found.part) == (2, 1, 2)
    assert found.rmse == pytest.approx(np.sqrt((0.02**2 + 0.1**2) / 2))
    assert found.bias == pytest.approx((0.02 - 0.1) / 2)
    assert found.worst == pytest.approx(0.02)


def finished(under, smap, values, blocks, keep, threads, finish):
    """A map finished block by block."""
    made = []

    def predict(block, _progress):
        made.append(block)
        return block, [values[block.slices], np.ones((block.height, block.width))]

    run = Run(lambda: blocks, predict, threads, Listener())
    passes = []
    done = Finishing(under, smap, finish, Places(), keep).of(run, lambda: passes.append(1))
    out = np.full((2, *under.grid.shape), np.nan)
    for block, layers in done.blocks(lambda layers: layers):
        out[(slice(None), *block.slices)] = layers
    return out, len(made), len(passes)


@pytest.mark.parametrize("finish", [Finish(exact=True), Finish(True, True)], ids=["exact", "both"])
def test_blocks_threads_and_passes_do_not_change_a_bit(finish):
    values = made_up(UTM)
    under = CellsUnder(UTM, SMAP, "SMAP")
    smap = smap_of(under, values)
    whole = [UTM.whole]
    tiles = [
        Window(row, col, min(TILE, UTM.height - row), min(TILE, UTM.width - col))
        for row in (0, TILE)
        for col in (0, TILE)
    ]
    first, made, passes = finished(under, smap, values, whole, True, 1, finish)
    assert (made, passes) == (1, finish.steps)
    other, made, passes = finished(under, smap, values, tiles, False, 3, finish)
    assert (made, passes) == (4 * (1 + finish.steps), 4 * finish.steps)
    assert np.array_equal(first.view(np.uint64), other.view(np.uint64))
    assert (other[1] == 1).all()
    assert over(under, first[0]).closure(smap).worst < 1e-12
    if not finish.residual:
        expected = values + over(under, values).exact(smap).at(*under.positions(UTM.whole))
        assert np.array_equal(first[0], expected, equal_nan=True)
    # The prediction itself is as it was.
    assert np.array_equal(values, made_up(UTM), equal_nan=True)


def test_the_residual_is_the_field_of_what_means_leave_of_smap():
    """Without seams, finite beyond SMAP's cells too, and less than all of SMAP: its noise stays out."""
    values = made_up(UTM)
    under = CellsUnder(UTM, SMAP, "SMAP")
    rows, cols = under.positions(UTM.whole)
    means = over(under, values)
    row, col = np.nonzero(means.areas >= 0.5)
    rng = np.random.default_rng(4)
    smap = np.full(means.means.shape, np.nan)
    left = 0.05 * np.sin(row / 3) * np.cos(col / 4) + 0.02 * rng.normal(size=len(row))
    smap[row, col] = means.means[row, col] + left
    out, _made, _passes = finished(under, smap, values, [UTM.whole], True, 1, Finish(residual=True))
    added = (out[0] - values)[np.isfinite(values)]
    field = fit_residual(under.cells, np.column_stack([row, col]), left, 0.0)
    inside = np.isfinite(values)
    assert np.allclose(added, field.at(rows[inside], cols[inside]), rtol=0, atol=1e-9)
    assert 0.01 < field.noise_sd < 0.03
    assert seam(field.at(rows, cols), rows, cols) < 1.1
    before, after = (over(under, one).closure(smap) for one in (values, out[0]))
    assert 0.005 < after.rmse < 0.7 * before.rmse


def test_beyond_smap_the_residual_goes_on_as_at_its_edge():
    whole = CellsUnder(UTM, SMAP, "SMAP").window
    smaller = SMAP.crop(Window(whole.row + 4, whole.col + 3, 9, 9))
    under = CellsUnder(UTM, smaller, "SMAP")
    assert under.window.height < whole.height
    values = made_up(UTM)
    row, col = np.mgrid[0 : under.window.height, 0 : under.window.width]
    smap = smap_of(under, values) + 0.1 * np.sin(row / 3) * np.cos(col / 4)
    out, _made, _passes = finished(under, smap, values, [UTM.whole], True, 1, Finish(residual=True))
    assert np.array_equal(np.isfinite(out[0]), np.isfinite(values))
    added = out[0] - values
    assert np.nanmax(np.abs(added)) > 0.01
    rows, cols = under.positions(UTM.whole)
    for axis, place in ((0, rows), (1, cols)):
        step = np.abs(np.diff(added, axis=axis))
        edge = np.diff(place < 0, axis=axis)
        assert edge.sum() > 100
        assert np.nanmax(step[edge]) <= np.nanmax(step[~edge])


def test_too_few_cells_for_a_field_are_told():
    under = CellsUnder(NESTED, SMAP, "SMAP")
    values = made_up(NESTED)
    run = Run(lambda: [NESTED.whole], lambda block, _progress: (block, [values]), 1, Listener())
    done = Finishing(under, smap_of(under, values), Finish(True, True), Places(), True).of(run, list)
    assert done.residual is None
    assert done.why_not.endswith("an area-to-point model needs 60; use a larger area")
    ((_block, layers),) = done.blocks(lambda layers: layers)
    assert over(under, layers[0]).closure(smap_of(under, values)).worst < 1e-12


class Sloping:
    """A residual that is known: .01 of the row, and its deviation .02."""

    def at(self, rows, cols):
        return 0.01 * rows

    def sd_at(self, rows, cols):
        return np.full(rows.shape, 0.02)


def test_intervals_move_with_what_is_added_and_widen_as_the_residual_is_uncertain():
    under = CellsUnder(NESTED, SMAP, "SMAP")
    mean = made_up(NESTED)
    layers = [mean, np.zeros_like(mean), mean - 0.05, mean + 0.08, np.full(mean.shape, 0.04)]
    rows, cols = under.positions(NESTED.whole)
    exact = over(under, mean).exact(smap_of(under, mean))
    done = Finished(under, Run(list, None, 1, Listener()), Places(2, 3, 4), Sloping(), exact)
    _block, found = done.block((NESTED.whole, layers), done.places)
    valid = np.isfinite(mean)
    expected = mean + 0.01 * rows + exact.at(rows, cols)
    z = statistics.NormalDist().inv_cdf(0.95)
    lower = expected - np.sqrt(0.05**2 + (z * 0.02) ** 2)
    upper = expected + np.sqrt(0.08**2 + (z * 0.02) ** 2)
    sd = np.full(mean.shape, np.sqrt(0.04**2 + 0.02**2))
    for layer, wanted in zip(found, (expected, np.zeros_like(mean), lower, upper, sd)):
        assert np.allclose(layer[valid], wanted[valid], rtol=0, atol=1e-12)
    assert np.isnan(found[0][~valid]).all()
    # What only returns SMAP leaves widths as they are.
    done = replace(done, residual=None)
    _block, found = done.block((NESTED.whole, layers), done.places)
    assert np.allclose((found[3] - found[2])[valid], 0.13, rtol=0, atol=1e-12)
    assert np.allclose(found[4][valid], 0.04, rtol=0, atol=1e-12)


def test_what_is_refused():
    coarse = Grid(EASE2_CRS, SMAP.left, SMAP.top, 7000.0, 7000.0, 20, 20)
    assert refusal(CellsUnder(coarse, SMAP, "SMAP (here)").check, True) == (
        "SMAP (here): the pixels of the maps are 0.78 times as long as its cells, and CONSISTENCY cannot be "
        "exact there; leave it at 'none', or give a finer stack."
    )
    CellsUnder(coarse, SMAP, "SMAP (here)").check(False)
    far = Grid("EPSG:32632", 500000.0, 5300000.0, 100.0, 100.0, 20, 20)
    assert refusal(CellsUnder(far, SMAP, "SMAP (here)").check, False) == (
        "SMAP (here): it does not meet the maps; give the SMAP series of the same area."
    )
    assert refusal(Finish, noise=0.0) == (
        "NOISE is 0; give the standard deviation of SMAP's noise, m3 m-3, such as 0.02."
    )
    assert refusal(Finish, footprint_km=-1.0) == "FOOTPRINT is -1; give its width in km, or 0."
