"""Pixels of polygons and their moments, against shoelace areas, tessellations, and NumPy on masks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.placing import Shapes
from smap_downscaler.geo.placing import place as placed_on
from smap_downscaler.geo.polygon_edges import Rings, edges_of
from smap_downscaler.geo.polygon_runs import AREA, CENTRE, area_runs, centre_runs, overlapping
from smap_downscaler.steps.polygons.numbers.statistics import (
    Moments,
    Statistics,
    driest_and_wettest,
    over_dates,
    spreads,
)

SHAPE = (12, 15)
coordinates = st.one_of(
    st.floats(-3, 18), st.integers(-3, 18).map(float), st.integers(-3, 18).map(lambda n: n + 0.5)
)


def rings_of(*polygons):
    """Rings of polygons, each a list of closed vertex lists, the first one the shell."""
    flat = [
        (number, place > 0, np.array(ring, float))
        for number, p in enumerate(polygons)
        for place, ring in enumerate(p)
    ]
    points = np.concatenate([ring for _, _, ring in flat]) if flat else np.zeros((0, 2))
    return Rings(
        np.array([number for number, _, _ in flat], np.int64),
        np.array([hole for _, hole, _ in flat], bool),
        np.cumsum([0, *(len(ring) for _, _, ring in flat)]),
        *points.T,
    )


def dense(runs, polygons, shape=SHAPE):
    """The weight of each pixel in each polygon; a pixel that a polygon has twice would show."""
    out = np.zeros((polygons, *shape))
    for polygon, row, start, stop, weight in zip(runs.polygon, runs.row, runs.start, runs.stop, runs.weight):
        out[polygon, row, start:stop] += weight
    return out


def box(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_box_with_a_hole(backwards):
    shell, hole = box(1.5, 2.25, 6, 7), box(3, 4, 4.5, 5)
    if backwards:
        shell, hole = shell[::-1], hole[::-1]
    edges = edges_of(rings_of([shell, hole]))
    share = np.zeros(SHAPE)
    share[2:7, 1:6] = 1.0
    share[2] *= 0.75
    share[:, 1] *= 0.5
    share[4, 3], share[4, 4] = 0.0, 0.5
    np.testing.assert_allclose(dense(area_runs(edges, SHAPE), 1)[0], share, atol=1e-12)
    inside = np.zeros(SHAPE)
    inside[2:7, 1:6] = 1
    # The centre of column 4 lies on the hole's right edge, which belongs to the polygon.
    inside[4, 3] = 0
    assert (dense(centre_runs(edges, SHAPE), 1)[0] == inside).all()


@given(
    st.lists(st.tuples(coordinates, st.floats(0.05, 4)), min_size=1, max_size=8),
)
def test_two_polygons_at_one_line_share_out_the_pixels(steps):
    """A crooked line from top to bottom: what is left of it and what is right of it are the whole grid."""
    y = np.cumsum([-2.0, *(step for _, step in steps), 40.0])
    x = np.clip([7.0, *(x for x, _ in steps), 7.0], -1.9, 16.9)
    line = list(zip(x, y))
    left = [(-2.0, y[0]), *line, (-2.0, y[-1]), (-2.0, y[0])]
    right = [(17.0, y[0]), *line, (17.0, y[-1]), (17.0, y[0])]
    edges = edges_of(rings_of([left], [right]))
    centres = dense(centre_runs(edges, SHAPE), 2)
    assert (centres.sum(axis=0) == 1).all()
    areas = dense(area_runs(edges, SHAPE), 2)
    np.testing.assert_allclose(areas.sum(axis=0), 1.0, atol=1e-9)
    assert areas.max() <= 1.0


def distance_to_outline(px, py, x, y):
    """From each point to the nearest of the segments between consecutive x and y."""
    along, across = np.diff(x), np.diff(y)
    to_x, to_y = px[..., None] - x[:-1], py[..., None] - y[:-1]
    share = np.clip((to_x * along + to_y * across) / (along**2 + across**2), 0, 1)
    return np.hypot(to_x - share * along, to_y - share * across).min(axis=-1)


@given(
    st.tuples(st.floats(3, 12), st.floats(3, 9)),
    st.lists(st.floats(0.2, 2.9), min_size=3, max_size=12),
    st.floats(0, 6),
)
def test_shares_add_up_to_the_area_of_a_star(centre, radii, turn):
    angles = turn + np.arange(len(radii)) / len(radii) * 2 * np.pi
    x, y = centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)
    x, y = np.append(x, x[0]), np.append(y, y[0])
    area = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    edges = edges_of(rings_of([list(zip(x, y))]))
    shares = dense(area_runs(edges, SHAPE), 1)[0]
    assert shares.sum() == pytest.approx(area, abs=1e-7)
    # Every centre by the winding angle of the ring about it.
    rows, cols = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] + 0.5
    to = np.angle((x[None, None] - cols[..., None]) + 1j * (y[None, None] - rows[..., None]))
    winding = np.abs(((np.diff(to, axis=-1) + np.pi) % (2 * np.pi) - np.pi).sum(axis=-1)) > np.pi
    # Of a centre on the outline rounding decides, here and there.
    away = distance_to_outline(cols, rows, x, y) > 1e-9
    assert (dense(centre_runs(edges, SHAPE), 1)[0][away] == winding[away]).all()
    # Far away and large in number, the same.
    edges = edges_of(rings_of([list(zip(x + 90_000, y + 70_000))]))
    assert area_runs(edges, (80_000, 100_000)).weight.max() <= 1
    assert not len(centre_runs(edges, SHAPE).row)
    assert not len(area_runs(edges, SHAPE).row)


def test_polygons_wider_than_the_grid_cover_it():
    edges = edges_of(rings_of([box(-500, -400, 900, 800)], [box(-5, 3, 4, 5)]))
    for find in (area_runs, centre_runs):
        both = dense(find(edges, SHAPE), 2)
        assert (both[0] == 1).all()
        assert both[1].sum() == 8
        assert (both[1][3:5, :4] == 1).all()


def test_no_polygons():
    for find in (area_runs, centre_runs):
        runs = find(edges_of(rings_of()), SHAPE)
        assert runs.pixels == 0
        assert overlapping(runs) == 0


def test_overlaps_are_counted_and_neighbours_are_none():
    polygons = [
        [box(0, 0, 4, 4)],
        [box(4, 0, 8, 4)],
        [box(6, 2, 9, 5)],
        [box(0, 8, 2.5, 9)],
        [box(2.5, 8, 5, 9)],
    ]
    edges = edges_of(rings_of(*polygons))
    assert overlapping(centre_runs(edges, SHAPE)) == 1
    assert overlapping(area_runs(edges, SHAPE)) == 1


def test_batches_hold_whole_polygons():
    rings = rings_of([box(0, 0, 4, 4), box(1, 1, 2, 2)], [box(4, 0, 8, 4)], [box(6, 2, 9, 5)])
    parts = list(rings.batches(10))
    assert [part.polygon.tolist() for part in parts] == [[0, 0], [1, 2]]
    assert [part.start.tolist() for part in parts] == [[0, 5, 10], [0, 5, 10]]
    assert np.concatenate([part.x for part in parts]).tolist() == rings.x.tolist()
    assert [part.polygon.tolist() for part in rings.batches(1)] == [[0, 0], [1], [2]]


def test_windows_and_pieces_hold_the_same_pixels():
    polygons = [[box(0.2, 0.4, 9.3, 11)], [box(3, 2, 14.5, 6)], [box(0, 0, 15, 12)]]
    runs = area_runs(edges_of(rings_of(*polygons)), SHAPE)
    whole = dense(runs, 3)
    parts = np.zeros_like(whole)
    for row in (0, 5, 10):
        for col in (0, 7, 14):
            window = Window(row, col, min(5, 12 - row), min(7, 15 - col))
            for piece in runs.inside(window).split(9):
                run, pixel = piece.pixel_numbers(window.width)
                assert len(pixel) == piece.pixels <= 9 + 7
                rows, cols = np.divmod(pixel, window.width)
                np.add.at(parts, (piece.polygon[run], rows + row, cols + col), piece.weight[run])
    np.testing.assert_array_equal(parts, whole)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([0, 1]), st.floats(-1e6, 1e6))
def test_moments_are_numpys(seed, weighted, ddof, offset):
    rng = np.random.default_rng(seed)
    size, blocks = 5, 4
    moments = Moments(2, size)
    pairs = [[] for _ in range(size)]
    for _ in range(blocks):
        polygons = np.sort(rng.choice(size, rng.integers(1, size + 1), replace=False))
        group = rng.integers(0, len(polygons), rng.integers(0, 30))
        values = offset + rng.normal(size=len(group))
        values[rng.random(len(group)) < 0.2] = np.nan
        weights = rng.uniform(0.1, 1, len(group)) if weighted else None
        moments.add(1, polygons, group, values, weights)
        for place, value, weight in zip(group, values, weights if weighted else np.ones(len(group))):
            if np.isfinite(value):
                pairs[polygons[place]].append((value, weight))
    found = moments.statistics(ddof)
    assert (found.n[0] == 0).all()
    assert np.isnan(found.mean[0]).all()
    for number, pair in enumerate(pairs):
        assert found.n[1, number] == len(pair)
        if not pair:
            assert np.isnan([found.mean[1, number], found.sd[1, number], found.cv[1, number]]).all()
            continue
        value, weight = np.array(pair).T
        mean = np.average(value, weights=weight)
        assert found.mean[1, number] == pytest.approx(mean, rel=1e-12)
        if len(pair) <= ddof:
            assert np.isnan(found.sd[1, number])
            continue
        # NumPy's own weighted covariance, by reliability weights (aweights).
        variance = float(np.cov(value - offset, aweights=weight, ddof=ddof))
        assert found.sd[1, number] == pytest.approx(np.sqrt(variance), rel=1e-6, abs=1e-9)
        if mean > 0:
            assert found.cv[1, number] == found.sd[1, number] / found.mean[1, number]
        else:
            assert np.isnan(found.cv[1, number])


def test_a_small_sd_on_a_great_mean_is_kept():
    values = 1e8 + np.array([0.0, 1.0, 2.0, 3.0])
    moments = Moments(1, 1)
    for part in (values[:1], values[1:]):
        moments.add(0, np.array([0]), np.zeros(len(part), int), part)
    assert moments.statistics(1).sd[0, 0] == pytest.approx(np.sqrt(5 / 3), rel=1e-12)


NAN = np.nan
SOME = Statistics(
    np.array([[3, 3, 0], [3, 3, 3], [0, 0, 3], [3, 3, 3]]),
    np.array([[0.3, 0.2, NAN], [0.1, 0.2, 0.3], [NAN, NAN, 0.01], [0.4, 0.4, 0.4]]),
    np.array([[0.03, 0.02, NAN], [0.01, 0.02, 0.03], [NAN, NAN, NAN], [0, 0, 0]]),
    np.array([[0.1, 0.1, NAN], [0.1, 0.1, 0.1], [NAN, NAN, NAN], [0, 0, 0]]),
)
DATES = [dt.date(2021, 1, day) for day in (1, 2, 3, 4)]


def test_spreads_over_the_polygons():
    rows = spreads([("theta", date) for date in DATES], SOME)
    assert [(row.date, row.statistic) for row in rows[:4]] == [
        (DATES[0], "mean"),
        (DATES[0], "sd"),
        (DATES[0], "cv"),
        (DATES[1], "mean"),
    ]
    row = rows[3]
    assert (row.polygons, row.minimum, row.q1, row.median, row.q3, row.maximum) == pytest.approx(
        (3, 0.1, 0.15, 0.2, 0.25, 0.3)
    )
    assert (row.mean, row.sd) == pytest.approx((0.2, 0.1))
    assert rows[7].polygons == 0
    assert np.isnan([rows[7].mean, rows[7].maximum, rows[6].sd]).all()


def test_means_over_the_dates():
    found = over_dates(SOME)
    assert found.dates.tolist() == [3, 3, 3]
    assert found.mean == pytest.approx([0.8 / 3, 0.8 / 3, 0.71 / 3])
    assert found.sd == pytest.approx([0.04 / 3, 0.04 / 3, 0.015])


def test_the_driest_and_the_wettest_date_have_enough_polygons():
    # The third date is drier, but one polygon of three has it.
    assert driest_and_wettest(DATES, SOME) == (DATES[1], DATES[3])
    one = Statistics(*(part[:1] for part in (SOME.n, SOME.mean, SOME.sd, SOME.cv)))
    assert driest_and_wettest(DATES[:1], one) == (DATES[0],)
    none = Statistics(*(part[2:3, :2] for part in (SOME.n, SOME.mean, SOME.sd, SOME.cv)))
    assert driest_and_wettest(DATES[2:3], none) == ()


@pytest.mark.parametrize("rule", [CENTRE, AREA])
def test_a_ring_without_a_place_puts_its_polygon_outside(rule):
    """A vertex beyond what the CRS can transform, in one of several rings."""
    lost = [(0.0, 0.0), (5.0, np.inf), (5.0, 5.0), (0.0, 0.0)]
    pieces = [[(1.0, 9.0), (4.0, 9.0), (4.0, 6.0), (1.0, 6.0), (1.0, 9.0)], lost]
    points = np.array([point for ring in pieces for point in ring])
    rings = Rings(np.array([0, 0]), np.array([False, False]), np.array([0, 5, 9]), points[:, 0], points[:, 1])
    none = np.zeros(0, int)
    placed = placed_on(
        Shapes("EPSG:32718", 1, rings, none, none), Grid("EPSG:32718", 0, 10, 1, 1, 10, 10), rule
    )
    assert (placed.outside, len(placed.runs.polygon)) == (1, 0)
