"""Study areas for tests: layers of polygons, and which cells they touch and hold by OGR, cell by cell."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from osgeo import ogr, osr

from smap_downscaler.geo.grid import Grid, Window

#: Share of a cell that is no dust.
DUST = 1e-9


def box(left: float, bottom: float, right: float, top: float) -> str:
    """The rings of a box, in the brackets of WKT."""
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    return "((" + ",".join(f"{x:.17g} {y:.17g}" for x, y in corners) + "))"


def geometries_of(*texts: str) -> list[ogr.Geometry]:
    return [ogr.CreateGeometryFromWkt(text) for text in texts]


def layer_file(path: Path, crs: str, *texts: str, kind: int = ogr.wkbUnknown) -> str:
    """A GeoPackage of geometries of WKT, whose layer is named as the file is; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    reference = None
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
    layer = dataset.CreateLayer(path.stem, reference, kind)
    for geometry in geometries_of(*texts):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(geometry)
        layer.CreateFeature(feature)
    del layer, dataset
    return str(path)


def touched_and_inside(grid: Grid, geometries: list[ogr.Geometry]) -> tuple[np.ndarray, np.ndarray]:
    """Which cells share area with any of the geometries (in the grid's CRS), and whose centres lie in one."""
    touched, inside = np.zeros((2, *grid.shape), bool)
    x, y = grid.x_centres(), grid.y_centres()
    for row in range(grid.height):
        for col in range(grid.width):
            cell = grid.crop(Window(row, col, 1, 1)).bounds
            square, centre = geometries_of(
                f"POLYGON {box(cell.left, cell.bottom, cell.right, cell.top)}",
                f"POINT ({x[col]:.17g} {y[row]:.17g})",
            )
            for one in geometries:
                shared = one.Intersection(square).GetArea() if one.Intersects(square) else 0.0
                touched[row, col] |= shared > DUST * grid.cell_width * grid.cell_height
                inside[row, col] |= one.Contains(centre)
    return touched, inside


def kept_in(said_lines: list[str], name: str) -> list[str]:
    """What the log says of the cells that an area keeps: `12 of 80 SMAP cells`."""
    pattern = re.compile(rf"^AOI \({re.escape(name)}\): (.*) in its box kept, the others .*$")
    return [found.group(1) for line in said_lines if (found := pattern.match(line))]
