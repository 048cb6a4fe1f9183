"""Terrain by the book: one cell at a time, in plain Python, to hold the fast code against."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid

AROUND = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
LENGTHS = [1.0, math.sqrt(2.0)] * 4
GRID = Grid("EPSG:32718", 300000.0, 8600000.0, 90.0, 90.0, 70, 60)


def rough_dem(folder) -> str:
    """A file of rough slopes with pits, and a lake of NoData, on `GRID`."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0 : GRID.height, 0 : GRID.width]
    z = 2000 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7 + x / 20) - 3 * y + rng.normal(0, 3, x.shape)
    z[30:36, 40:47] = np.nan
    path = folder / "dem.tif"
    write_geotiff(path, GRID, z.astype(np.float32))
    return str(path)


@st.composite
def dems(draw, most=9, missing=True, steps=6):
    """Small DEMs full of ties, sinks, flats and missing cells; float32."""
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    whole = st.integers(0, steps).map(float)
    rough = st.integers(0, 2000).map(lambda n: n / 128)
    z = draw(hnp.arrays(np.float32, shape, elements=draw(st.sampled_from([whole, rough]))))
    if missing:
        holes = draw(hnp.arrays(bool, shape, elements=st.booleans(), fill=st.just(False)))
        if not holes.all():
            z[holes] = np.nan
    return z


def neighbours(z, row, col):
    """Direction, row and column of the eight neighbours; None where missing."""
    for direction, (dr, dc) in enumerate(AROUND):
        r, c = row + dr, col + dc
        inside = 0 <= r < z.shape[0] and 0 <= c < z.shape[1] and not math.isnan(z[r, c])
        yield direction, (r, c) if inside else None


def valid_cells(z):
    return [(int(r), int(c)) for r, c in zip(*np.nonzero(~np.isnan(z)))]


def at_edge(z, cell):
    return any(other is None for _, other in neighbours(z, *cell))


def falls_of(z, place):
    """Fall to each of the eight neighbours, None where missing."""
    return [
        None if other is None else float(z[place]) - float(z[other]) for _, other in neighbours(z, *place)
    ]


def mirrored_falls(falls):
    out = []
    for direction, fall in enumerate(falls):
        back = falls[(direction + 4) % 8]
        out.append(fall if fall is not None else -back if back is not None else 0.0)
    return out


def shares_of(weights):
    total = sum(weights)
    return [w / total for w in weights] if total > 0 else [0.0] * 8


def fd8_slowly(falls, cell):
    falls = mirrored_falls(falls)
    return shares_of([max(f, 0.0) ** 1.1 / length**1.1 for f, length in zip(falls, LENGTHS)])


def mfd_md_slowly(falls, cell):
    tans = [max(f, 0.0) / (length * cell) for f, length in zip(mirrored_falls(falls), LENGTHS)]
    exponent = 8.9 * min(max(tans), 1.0) + 1.1
    return shares_of([t**exponent if t > 0 else 0.0 for t in tans])


def mtfd_slowly(falls, cell):
    """Seibert & McGlynn's triangles by angles: the steepest descent of each, then who gets it."""
    tiny = 1e-9
    descents = [_descent(falls, triangle) for triangle in range(8)]
    weights = [0.0] * 8
    for triangle, descent in enumerate(descents):
        if descent is None:
            continue
        slope, angle = descent
        start, end = math.pi / 4 * triangle, math.pi / 4 * (triangle + 1)
        if start + tiny < angle < end - tiny:
            amount = slope**1.1
            weights[triangle] += amount * (end - angle) / (end - start)
            weights[(triangle + 1) % 8] += amount * (angle - start) / (end - start)
    for direction in range(8):
        fall = falls[direction]
        if fall is None or fall <= 0:
            continue
        sides = []
        for triangle, other in (((direction - 1) % 8, (direction - 1) % 8), (direction, (direction + 1) % 8)):
            if falls[other] is None:
                sides.append(True)
            else:
                slope, angle = descents[triangle]
                turned = math.remainder(angle - math.pi / 4 * direction, 2 * math.pi)
                sides.append(slope > 0 and abs(turned) < tiny)
        if all(sides):
            weights[direction] += (fall / LENGTHS[direction]) ** 1.1
    return shares_of(weights)


def _descent(falls, triangle):
    """Slope and direction (clockwise from north) of the steepest descent within a triangle."""
    first, second = triangle, (triangle + 1) % 8
    if falls[first] is None or falls[second] is None:
        return None
    (north1, east1), (north2, east2) = ((-AROUND[d][0], AROUND[d][1]) for d in (first, second))
    north, east = np.linalg.solve([[north1, east1], [north2, east2]], [falls[first], falls[second]])
    angle = math.atan2(east, north) % (2 * math.pi)
    middle = math.pi / 4 * (triangle + 0.5)
    if math.hypot(north, east) > 0 and abs(math.remainder(angle - middle, 2 * math.pi)) <= math.pi / 8 + 1e-9:
        return math.hypot(north, east), angle
    slopes = [falls[d] / LENGTHS[d] for d in (first, second)]
    # On an outer edge the steeper of the two; the inner product decides which edge is nearer.
    best = 0 if falls[first] > falls[second] else 1
    return slopes[best], math.pi / 4 * (triangle + best)


SLOWLY = {"fd8": fd8_slowly, "mfdmd": mfd_md_slowly, "mtfd": mtfd_slowly}


def accumulate_slowly(z, cell, router):
    """Upslope cells by pouring from the highest cell down; also what left the raster and what stayed."""
    amounts = np.where(np.isnan(z), 0.0, 1.0)
    out, edge, kept = 0.0, 0.0, 0.0
    for place in sorted(valid_cells(z), key=lambda p: -z[p]):
        shares = SLOWLY[router](falls_of(z, place), cell)
        for (_, other), share in zip(neighbours(z, *place), shares):
            if other is None:
                out += share * amounts[place]
            else:
                amounts[other] += share * amounts[place]
        if sum(shares) == 0:
            if at_edge(z, place):
                edge += amounts[place]
            else:
                kept += amounts[place]
    return amounts, out, edge, kept
