"""Terms at pixels, their means, and what coefficients come to."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.geo.ground import ground_size
from smap_downscaler.methods.area.moments import gather
from smap_downscaler.methods.area.subcells import (
    Sights,
    SubCells,
    blocks_of,
    spread_evenly,
    subcells_of,
)
from smap_downscaler.methods.area.terms import KINDS, columns_of, terms_of
from smap_downscaler.methods.base import FineBlock


def sample(n=4000, seed=1):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(3, 2, n), rng.gamma(2, 5, n), rng.integers(0, 2, n)])


def test_a_surface_is_the_design_times_coefficients():
    x = sample()
    terms = terms_of(x)
    # Linear, four components each but for the 0/1 share, which is linear only, and three products.
    assert [int((terms.groups == number).sum()) for number in range(4)] == [5, 5, 1, 3]
    b = np.random.default_rng(2).normal(size=terms.width())
    other = sample(500, 9) * 2
    np.testing.assert_allclose(terms.surface(b).at(other), terms.of_pixels(other) @ b, atol=1e-9)
    twice = terms.surface(b).plus(terms.surface(b), 1.0)
    np.testing.assert_allclose(twice.at(other), 2 * (terms.of_pixels(other) @ b), atol=1e-9)


def test_columns_are_standard():
    x = sample()
    design = terms_of(x).of_pixels(x)
    p = 3
    np.testing.assert_allclose(design[:, :p].std(axis=0), 1.0, atol=0.05)
    # What is linear in a covariate was taken out of its curve.
    z = design[:, 0]
    assert abs(np.corrcoef(z, design[:, p])[0, 1]) < 1e-6
    assert design[:, p].std() == pytest.approx(1.0, abs=1e-6)


def test_curves_are_the_columns_of_one_covariate():
    x = sample()
    terms = terms_of(x)
    design, columns = terms.curve(1, x[:, 1])
    np.testing.assert_allclose(design, terms.of_pixels(x)[:, columns])


def test_constants_are_left_out_and_codes_become_indicators():
    x = np.column_stack(
        [np.full(1000, 4.0), np.repeat([1.0, 2.0, 7.0, 9.0], [500, 300, 198, 2]), np.arange(1000.0)]
    )
    columns, left_out = columns_of(x, ("flat", "landcover", "elevation"), ("landcover",))
    assert left_out == {"flat": "constant"}
    # Two pixels of a thousand are too few for a class.
    assert columns.names == ("landcover = 1", "landcover = 2", "landcover = 7", "elevation")
    found = columns.of(x)
    np.testing.assert_array_equal(found[:, 1], x[:, 1] == 2)
    np.testing.assert_array_equal(found[:, 3], x[:, 2])


class Stack:
    """Pixels of any size and place over cells; `size` in cells."""

    names = ("a", "b")

    def __init__(self, size, offset, shape, seed=3):
        rng = np.random.default_rng(seed)
        rows, cols = np.arange(shape[0]) * size[0] + offset[0], np.arange(shape[1]) * size[1] + offset[1]
        self.rows, self.cols = np.meshgrid(rows + size[0] / 2, cols + size[1] / 2, indexing="ij")
        self.x = rng.normal(size=(2, *shape)).cumsum(axis=1).astype(np.float32)
        self.x[:, rng.random(shape) < 0.1] = np.nan
        self.size = size

    def blocks(self, names, progress=None):
        for part in np.array_split(np.arange(self.rows.shape[0]), max(self.rows.shape[0] // 8, 1)):
            yield FineBlock(self.x[:, part], self.rows[part], self.cols[part])


@pytest.mark.parametrize("size", [(0.08, 0.07), (0.9, 0.5)])
def test_means_over_sub_cells_are_exact_for_pixels_that_do_not_nest(size):
    subcells = SubCells((2, 1), (2, 3), 3, (9.0, 9.0))
    stack = Stack(size, (1.85, 0.9), (int(2.6 / size[0]), int(3.4 / size[1])))
    moments = gather(stack, ("a", "b"), (), KINDS, subcells)
    # By hand: each pixel is cut into 60 x 60 points, each of which lies in one sub-cell.
    n = 60
    inner = (np.arange(n) + 0.5) / n - 0.5
    valid = np.isfinite(stack.x).all(axis=0)
    weight = np.zeros(subcells.fine_shape)
    design = moments.terms.of_pixels(stack.x[:, valid].T)
    total = np.zeros((*subcells.fine_shape, design.shape[1]))
    for row, col, own in zip(stack.rows[valid], stack.cols[valid], design):
        r = np.floor((row + inner * size[0] - 2) * 3).astype(int)
        c = np.floor((col + inner * size[1] - 1) * 3).astype(int)
        r, c = np.meshgrid(r, c, indexing="ij")
        inside = (r >= 0) & (r < 6) & (c >= 0) & (c < 9)
        share = np.zeros(subcells.fine_shape)
        np.add.at(share, (r[inside], c[inside]), size[0] * size[1] * 9 / n**2)
        weight += share
        total += share[:, :, None] * own
    np.testing.assert_allclose(moments.share, np.minimum(weight, 1), atol=0.05)
    some = weight > 0.05
    np.testing.assert_allclose(moments.design[some], total[some] / weight[some][:, None], atol=0.12)
    assert (
        np.corrcoef(moments.design[some].ravel(), (total[some] / weight[some][:, None]).ravel())[0, 1] > 0.999
    )
    np.testing.assert_allclose(moments.pixel_km, np.array(size) * 9.0, rtol=1e-6)


def test_cells_see_what_is_valid_through_the_footprint():
    subcells = SubCells((0, 0), (9, 9), 3, (9.0, 9.0))
    share = np.ones(subcells.fine_shape)
    share[:6, :12] = 0.0
    image = np.random.default_rng(4).normal(size=subcells.fine_shape)
    sights = Sights(subcells, share, 0.0)
    seen = sights.of(image[:, :, None])[:, :, 0]
    assert seen[4, 4] == pytest.approx(image[12:15, 12:15].mean())
    assert not sights.usable[:2, :4].any()
    assert sights.usable[2:].all()
    wide = Sights(subcells, share, 20.0)
    # A cell at the edge has lost too much of its footprint, one in the middle has not.
    assert not wide.usable[8, 8]
    assert wide.usable[5, 5]
    flat = wide.of(np.full((*subcells.fine_shape, 1), 3.0))
    np.testing.assert_allclose(flat[wide.usable], 3.0)


def test_cells_of_the_ease_grid_have_their_size_on_the_ground():
    height, width = ground_size(ease2_grid("9 km").crop(Window(1011, 1134, 1, 1)))
    # SCIENCE.md: the cells of Cusco, 13.5 degrees south, are 8.0 km high (of a sphere) and 10.1 km wide.
    assert (round(height / 1000, 1), round(width / 1000, 1)) == (8.1, 10.1)
    coarse = ease2_grid("36 km").crop(Window(250, 280, 9, 9))
    found = subcells_of(coarse, np.array([[1, 1], [7, 7]]), 0.0)
    assert (found.parts, found.shape, found.corner) == (11, (9, 9), (0, 0))


def test_variances_are_estimated_on_blocks_that_are_whole():
    cells = np.argwhere(np.ones((40, 50), bool))
    some = blocks_of(cells, 400)
    assert some.sum() == 400
    chosen = cells[some] // 10
    assert len(np.unique(chosen, axis=0)) == 4
    assert blocks_of(cells[:300], 400).all()
    assert spread_evenly(101, 3) == [0, 50, 100]
