"""The cascade: one forest applied to covariates aggregated to several resolutions (paper 2.3.4, Fig. 5)."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import text
from ...geo.area_means import cell_means
from ...geo.blocks import blocks, meeting
from ...geo.crs_choice import is_metric
from ...geo.geotiff import Band, create_geotiff
from ...geo.grid import EDGE_TOLERANCE, Grid
from ...geo.sources import BandReader
from ...series.stack import open_stack
from .downscale import make_maps, map_file
from .inputs import MapInputs
from .mapped import Part

#: Parts along the side of a cell into which pixels are cut at least; with one CRS areas are exact anyway.
_PARTS = 4
_CELLS_PER_BLOCK = 1 << 16
_ADVICE = "write metres separated by commas, such as 3000, 1000, 250, 100"
#: What averaging a fine pixel costs beside predicting one, for the progress bar.
_AVERAGING = 0.1


def parse_resolutions(text: str) -> list[float]:
    """Resolutions in metres, separated by commas, from coarse to fine.

    Raises
    ------
    InputError
        If there is none, or one is no positive number or occurs twice.
    """
    sides = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            side = float(part)
        except ValueError:
            side = math.nan
        if not (math.isfinite(side) and side > 0):
            raise InputError(f"RESOLUTIONS: '{part}' is no resolution; {_ADVICE}.")
        if side in sides:
            raise InputError(f"RESOLUTIONS: {side:g} occurs twice; give each resolution once.")
        sides.append(side)
    if not sides:
        raise InputError(f"RESOLUTIONS is empty; {_ADVICE}.")
    return sorted(sides, reverse=True)


def cascade_file(folder: str | Path, date: dt.date, resolution: float) -> Path:
    """The file of the map of a date and resolution (metres)."""
    return map_file(folder, date, _ending(resolution))


def _ending(resolution: float) -> str:
    return f"_{resolution:g}m"


def make_cascade(
    inputs: MapInputs,
    folder: str | Path,
    date: dt.date,
    resolutions: Sequence[float],
    scratch: str | Path,
    minimum_share: float = 0.5,
    threads: int = 1,
    memory_mb: int = 512,
    progress: Progress = SILENT,
) -> list[Path]:
    """Write a map of one date at each resolution; returns the files from coarse to fine.

    The stack is averaged by area to square cells counted from its upper left
    corner, also where only a part of it is mapped, which then is that part of
    the whole map.  At its own resolution the map is that of `make_maps`, to the last bit.

    Parameters
    ----------
    inputs : MapInputs
        With a stack in metres.
    folder : path
    date : date
    resolutions : sequence of float
        Sides of the cells in metres, none finer than the stack's pixels.
    scratch : path
        An empty folder for the averaged covariates.
    minimum_share : float
        Cells of which valid pixels cover less get NoData, 0...1.
    threads, memory_mb
        As `make_maps`.

    Raises
    ------
    InputError
        For a stack that is not in metres, a resolution finer than it or wider than the whole stack,
        and as `make_maps`.
    """
    stack = inputs.stack
    parts = [_part(inputs, _coarser(stack.grid, side, stack.path), side, progress) for side in resolutions]
    costs = [_cost(target, inputs.part) for target in parts]
    made: list[Path] = []
    done = 0.0
    for side, target, cost in zip(resolutions, parts, costs):
        place = Path(scratch) / f"{side:g}"
        progress.log(f"{side:g} m: {target.words('cells')}")
        part = progress.part(done / sum(costs), (done + cost) / sum(costs))
        averaged = 1 - _size(target) / cost
        at_side = _averaged(inputs, target, place, minimum_share, part.part(0.0, averaged))
        mapping = part.part(averaged, 1.0)
        maps = make_maps(at_side, folder, [date], threads, memory_mb, mapping, _ending(side), bool(made))
        made.append(maps.files[date])
        # The next one may need the room.
        shutil.rmtree(place, ignore_errors=True)
        done += cost
    return made


def _coarser(grid: Grid, side: float, label: str) -> Grid:
    """The grid of square cells of `side` metres that covers `grid`; `grid` itself at its own resolution."""
    if not is_metric(grid.crs):
        raise InputError(
            f"COVARIATES ({label}): its CRS {grid.crs[:60]} is not in metres, so that resolutions in metres "
            "cannot be made from it; harmonise the covariates with a CRS in metres."
        )
    if grid.has_side(side):
        return grid
    finest = max(grid.cell_width, grid.cell_height)
    if side < finest:
        raise InputError(
            f"RESOLUTIONS: {side:g} m is finer than the pixels of {label} ({finest:g} m); leave it out, or "
            "give a finer stack."
        )
    width, height = grid.width * grid.cell_width, grid.height * grid.cell_height
    if side > max(width, height):
        raise InputError(
            f"RESOLUTIONS: {side:g} m is wider than all of {label} ({width:g} x {height:g} m); leave it out."
        )
    columns, rows = (math.ceil(length / side - EDGE_TOLERANCE) for length in (width, height))
    return Grid(grid.crs, grid.left, grid.top, side, side, max(columns, 1), max(rows, 1))


def _part(inputs: MapInputs, grid: Grid, side: float, progress: Progress) -> Part:
    """What is mapped of a coarser grid, and a warning where that is hardly a cell."""
    if grid == inputs.stack.grid:
        return inputs.part
    mapped = inputs.part.grid
    width, height = mapped.width * mapped.cell_width, mapped.height * mapped.cell_height
    if side > max(width, height):
        progress.warn(
            text(
                "RESOLUTIONS: a cell of {:g} m is larger than what is mapped of {} ({:g} x {:g} m), and most "
                "of it lies beyond; leave it out, or map a larger area",
                side,
                inputs.stack.source,
                width,
                height,
            )
        )
    return replace(inputs.wanted, touched=True).part(grid, inputs.stack.source)


def _size(part: Part) -> int:
    return part.window.width * part.window.height


def _cost(target: Part, finest: Part) -> float:
    return _size(target) + (0.0 if target is finest else _AVERAGING * _size(finest))


def _averaged(
    inputs: MapInputs, target: Part, place: Path, minimum_share: float, progress: Progress
) -> MapInputs:
    """The same inputs at the resolution of `target`, with that part of the stack averaged to it."""
    if target is inputs.part:
        return inputs
    stack, grid = inputs.stack, target.whole
    numbers = [number for number, name in enumerate(stack.names) if name in inputs.forests.names]
    sources = [stack.band(stack.names[number]) for number in numbers]
    bands = [Band(stack.names[number], stack.units[number]) for number in numbers]
    place.mkdir(parents=True, exist_ok=True)
    reader, windows = BandReader(), list(meeting(blocks(grid, _CELLS_PER_BLOCK), target.window))
    with create_geotiff(place / "stack.tif", grid, bands, sparse=True) as tiff:
        for number, (window, inside) in enumerate(windows):
            part = progress.part(number / len(windows), (number + 1) / len(windows))
            means = cell_means(
                sources,
                grid.crop(window),
                None,
                minimum_share,
                _PARTS,
                reader=reader,
                progress=part,
                wanted=window.place_of(inside),
            )
            for band, values in enumerate(means.values, start=1):
                tiff.write(values, inside, band)
        stack.check_codes()
    dynamic = tuple(replace(dated, minimum_share=minimum_share) for dated in inputs.dynamic)
    wanted = replace(inputs.wanted, touched=True)
    averaged = open_stack(place / "stack.tif", stack.source)
    return replace(inputs, stack=averaged, dynamic=dynamic, wanted=wanted)
