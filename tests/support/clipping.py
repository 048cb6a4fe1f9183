"""Pixels cut with cells as polygons, exactly and slowly."""

from __future__ import annotations

import numpy as np
from osgeo import ogr

from smap_downscaler.geo.grid import Bounds, Window
from smap_downscaler.geo.lattice import Transformation


def outline(grid, row, col, transform):
    """A pixel as a polygon in another CRS, its edges cut into ten."""
    steps = np.arange(10) / 10
    zero, one = np.zeros(10), np.ones(10)
    u = np.concatenate([steps, one, 1 - steps, zero])
    v = np.concatenate([zero, steps, one, 1 - steps])
    x, y = transform(grid.left + (col + u) * grid.cell_width, grid.top - (row + v) * grid.cell_height)
    return polygon(zip(x, y, strict=True))


def polygon(points):
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in points:
        ring.AddPoint_2D(x, y)
    ring.CloseRings()
    out = ogr.Geometry(ogr.wkbPolygon)
    out.AddGeometry(ring)
    return out


def clipped_means(values, grid, cells):
    """Means and shares by cutting every pixel with every cell, exactly."""
    transform = Transformation(grid.crs, cells.crs)
    sums, areas = np.zeros(cells.shape), np.zeros(cells.shape)
    for row in range(grid.height):
        for col in range(grid.width):
            if np.isnan(values[row, col]):
                continue
            pixel = outline(grid, row, col, transform)
            left, right, bottom, top = pixel.GetEnvelope()
            window = cells.window_touching(Bounds(left, bottom, right, top))
            if window is None:
                continue
            for r in range(window.row, window.row + window.height):
                for c in range(window.col, window.col + window.width):
                    box = cells.crop(Window(r, c, 1, 1)).bounds
                    xs = box.left, box.right, box.right, box.left
                    ys = box.bottom, box.bottom, box.top, box.top
                    area = pixel.Intersection(polygon(zip(xs, ys, strict=True))).GetArea()
                    sums[r, c] += area * values[row, col]
                    areas[r, c] += area
    with np.errstate(invalid="ignore"):
        return sums / areas, areas / (cells.cell_width * cells.cell_height)
