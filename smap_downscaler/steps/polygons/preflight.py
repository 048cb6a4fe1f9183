"""The look before polygons get their statistics: where they lie, and the rasters below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...geo.grid import Bounds
from ...geo.sources import Source
from ...preflight.layer_check import LayerCheck, dates_text, gaps_note
from ...preflight.look import Preflight, looks, row_of, together
from ...preflight.sample import Sampler, box_grid, same_values
from ...series.series import Series
from ...series.stack import Stack
from .placing import AREA, Placed, Shapes


def check_polygons(
    shapes: Shapes,
    layers: Mapping[str, tuple[Series | Stack, Placed]],
    rule: str,
    progress: Progress = SILENT,
) -> Preflight:
    """Look at polygons and the rasters below them, over the box around the polygons.

    Parameters
    ----------
    shapes : Shapes
    layers : mapping
        A series or stack by the parameter that holds it, and how the polygons lie on it.
    rule : str
        CENTRE or AREA.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    found = Preflight()
    notes = (
        counted(shapes.count, "polygon"),
        f"{len(shapes.empty):,} without area" if len(shapes.empty) else "",
    )
    found.rows.append(LayerCheck("polygons", shapes.crs, notes=notes))
    found.warnings += _polygons_twice(shapes)
    sampler = _sampler_around(shapes, progress)
    for parameter, (raster, placed) in layers.items():
        found.warnings += _where_polygons_lie(parameter, placed, shapes, rule)
        outside = f"{counted(placed.outside, 'polygon')} outside" if placed.outside else ""
        if isinstance(raster, Series):
            sample = together(looks(raster, sampler)) if sampler else None
            days = dates_text(raster.dates)
            row = row_of(raster.name, raster.grid, sample, days, gaps_note(raster.dates), outside)
            found.add(row, raster.source)
        else:
            _add_bands(found, raster, sampler, outside)
    return found


def _add_bands(found: Preflight, stack: Stack, sampler: Sampler | None, outside: str) -> None:
    """Rows of the bands of a stack; bands may lack values, unlike those that forests need."""
    sources = [Source(stack.path, band, stack.grid) for band in range(1, len(stack.names) + 1)]
    samples = [sampler.look(source) for source in sources] if sampler else []
    for number, name in enumerate(stack.names):
        found.rows.append(row_of(name, stack.grid, samples[number] if samples else None, "", outside))
    for first, second in same_values(samples):
        found.warnings.append(
            f"{stack.path}: {stack.names[first]} and {stack.names[second]} hold the same values"
        )


def _where_polygons_lie(parameter: str, placed: Placed, shapes: Shapes, rule: str) -> list[str]:
    told = [
        (placed.outside, "wholly outside the raster, and without statistics"),
        (placed.across, "across the edge of the raster: only the part inside counts"),
        (placed.missed, f"without a pixel whose centre is inside; give {AREA} as WEIGHTS"),
    ]
    return [f"{parameter}: {of_polygons(number, shapes)} {text}" for number, text in told if number]


def of_polygons(number: int, shapes: Shapes) -> str:
    """`1 of 80 polygons is`, `2 of 80 polygons are`."""
    return f"{number:,} of {counted(shapes.count, 'polygon')} {'is' if number == 1 else 'are'}"


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
    return [f"INPUT: {of_polygons(twice, shapes)} the same as another one"] if twice else []


def _sampler_around(shapes: Shapes, progress: Progress) -> Sampler | None:
    """Looks at the box around the polygons; None where none of them has an area."""
    x, y = shapes.rings.x, shapes.rings.y
    if not x.size:
        return None
    bounds = Bounds(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    return Sampler(box_grid(shapes.crs, bounds), None, progress)
