"""What is looked at before polygons get their statistics, and before squares are placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from ...base.nodata import Look
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...geo.datasets import dataset_grid, open_dataset
from ...geo.grid import Bounds, Grid
from ...geo.placing import Shapes
from ...geo.polygon_runs import AREA, Placed
from ...geo.sources import Mask, Source
from ...geo.texts import band_name
from ...preflight.checks import (
    SAME_VALUES,
    LayerToCheck,
    check_layers,
    moisture_judge,
    row_of,
    series_layer,
    shift_warning,
    smap_layer,
)
from ...preflight.layer_check import LayerCheck, Preflight
from ...preflight.sample import Sample, Sampler, box_grid
from ...series.series import Series
from ...series.stack import Stack
from .squares import SquareDesign


def check_polygons(
    shapes: Shapes,
    layers: Mapping[str, tuple[Series | Stack, Placed]],
    progress: Progress = SILENT,
) -> Preflight:
    """Polygons, and the rasters below them over the box around the polygons.

    Parameters
    ----------
    shapes : Shapes
    layers : mapping
        A series or stack by the parameter that holds it, and how the polygons lie on it.
    """
    empty = text("{:,} without area", len(shapes.empty)) if len(shapes.empty) else ""
    row = LayerCheck("polygons", shapes.crs, notes=(counted(shapes.count, "polygon"), empty))
    looked_at = [LayerToCheck(row, warnings=_polygons_twice(shapes))]
    for parameter, (raster, placed) in layers.items():
        looked_at.append(LayerToCheck(None, warnings=_where_polygons_lie(parameter, placed, shapes)))
        outside = text("{} outside", counted(placed.outside, "polygon")) if placed.outside else ""
        if isinstance(raster, Series):
            judge = moisture_judge(raster.source)
            looked_at.append(series_layer(raster, raster.source, notes=[outside], judge=judge))
        else:
            looked_at += _bands(raster.path, raster.grid, raster.names, outside, SAME_VALUES, raster.looks)
    return check_layers(looked_at, _sampler_around(shapes, progress), "the box around the polygons")


def check_squares(
    design: SquareDesign, smap: Series | None, mask: str, stack: str, progress: Progress = SILENT
) -> Preflight:
    """SMAP (None: the cells of the global grid), the files of the mask and of the raster whose pixels squares
    follow, empty where there is none, over the study area.
    """
    area = design.region
    sampler = Sampler(box_grid(area.crs, area.bounds), None, progress, design.area)
    if smap is None:
        row, warning = row_of("SMAP cells", design.cells), shift_warning("SMAP", design.cells)
        layers = [LayerToCheck(row, warnings=[warning])]
    else:
        layers = [smap_layer(smap)]
    if mask:
        opened = Mask(mask)
        grid, look = opened.grid, opened.looks[0]
        row, judge = row_of("mask", grid), partial(_coverage, mask)
        layers.append(LayerToCheck(row, [Source(mask, opened.band, grid, look=look)], judge=judge))
    if stack:
        grid = dataset_grid(open_dataset(stack), f"COVARIATES ({stack})")
        layers += _bands(stack, grid, _band_names(stack))
    return check_layers(layers, sampler, "the study area")


def _coverage(mask: str, sample: Sample) -> tuple[str, str]:
    if sample.covered >= 1:
        return "", ""
    share = text("{:.0f} %", 100 * sample.covered) if sample.covered else "nothing"
    return text("MASK ({}): it covers {} of the study area; outside it no square is masked", mask, share), ""


def _bands(
    path: str,
    grid: Grid,
    names: Sequence[str],
    note: str = "",
    twins: str = "",
    looks: Mapping[str, Look] | None = None,
) -> Iterator[LayerToCheck]:
    """Bands of a raster, which may lack values, unlike those that forests need."""
    for band, name in enumerate(names, start=1):
        source = Source(path, band, grid, look=(looks or {}).get(name))
        yield LayerToCheck(row_of(name, grid, (), note), [source], path, twins=twins)


def _band_names(path: str) -> list[str]:
    # Bands die with their dataset.
    dataset = open_dataset(path)
    bands = range(1, dataset.RasterCount + 1)
    return [band_name(dataset.GetRasterBand(band)) or f"band {band}" for band in bands]


def _where_polygons_lie(parameter: str, placed: Placed, shapes: Shapes) -> list[str]:
    counts = [
        (placed.outside, "wholly outside the raster, and without statistics"),
        (placed.across, "across the edge of the raster: only the part inside counts"),
        (placed.missed, f"without a pixel whose centre is inside; give {AREA} as WEIGHTS"),
    ]
    return [text("{}: {} {}", parameter, shapes.of_all(number), words) for number, words in counts if number]


def _polygons_twice(shapes: Shapes) -> list[str]:
    """A warning of polygons with the same corners in the same order, if there are any."""
    corners: dict[int, list[bytes]] = {}
    rings = shapes.rings
    for polygon, start, end in zip(
        rings.polygon.tolist(), rings.start[:-1].tolist(), rings.start[1:].tolist()
    ):
        ring = rings.x[start:end].tobytes() + rings.y[start:end].tobytes()
        corners.setdefault(polygon, []).append(ring)
    alike = Counter(tuple(parts) for parts in corners.values())
    twice = sum(count - 1 for count in alike.values())
    return [text("INPUT: {} the same as another one", shapes.of_all(twice))] if twice else []


def _sampler_around(shapes: Shapes, progress: Progress) -> Sampler | None:
    """Looks at the box around the polygons; None where none of them has an area."""
    x, y = shapes.rings.x, shapes.rings.y
    if not x.size:
        return None
    bounds = Bounds(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    return Sampler(box_grid(shapes.crs, bounds), None, progress)
