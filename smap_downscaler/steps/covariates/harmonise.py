"""Rasters of any CRS and resolution -> a coarse stack on SMAP's cells and a fine stack, band for band."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...base.errors import InputError
from ...base.nodata import NoDataChoice
from ...base.progress import SILENT, Progress
from ...geo.area import Area, Cells
from ...geo.area_means import CellMeans, cell_means
from ...geo.crs_choice import Region, default_crs
from ...geo.geotiff import Band, GeoTiff, create_geotiff
from ...geo.grid import Bounds, Grid
from ...geo.sources import Mask, window_over
from ...geo.to_fine_grid import FineResampler, blocks
from ...preflight.checks import LayerToCheck, row_of, shift_warning
from ...preflight.layer_check import Preflight, gaps_note
from ...series.tags import area_tags
from .checks import (
    FineSummary,
    check_fractions,
    check_ranges,
    refuse_tiles,
    require_complete,
    require_means,
    require_pixels,
)
from .covariate import Covariate, Layer
from .grids import CoarseGrid, FineGrid, check_finer, coarse_grid, fine_grid
from .layers import expand_classes, read_covariates, require_meeting, with_looks
from .numbers.alike import COARSE_R, FINE_R, alike_pairs
from .numbers.layers_table import LayerRow
from .preflight import check_covariates, in_doubt
from .products import log_choices


@dataclass(frozen=True)
class Request:
    """What to harmonise.

    Attributes
    ----------
    layers : sequence of Layer
    smap : Grid
        Grid of the SMAP series.
    smap_label : str
        What messages call the series.
    coarse_path, fine_path : str
        The two stacks to write.
    extent : Bounds, optional
        Study area in `extent_crs`; by default that of the series.
    crs : str, optional
        CRS of the fine stack; by default that of the first metric layer, else UTM.
    resolution : float
        Side of a fine pixel in units of the CRS.
    mask : str, optional
        Raster that masks where it is neither 0 nor NoData.
    names, categorical, rows, guess
        See `read_covariates`.
    minimum_covered : float
        Minimum share of a SMAP cell that valid pixels cover, 0...1.
    nodata : NoDataChoice
        Which numbers of layers are no values.
    smap_dates : sequence of date
        Dates of the series, for the table of the preflight.
    area : Area, optional
        Study area of polygons: cells that it does not touch, and pixels whose centre lies outside, have no
        value.
    """

    layers: Sequence[Layer]
    smap: Grid
    smap_label: str
    coarse_path: str
    fine_path: str
    extent: Bounds | None = None
    extent_crs: str = ""
    crs: str = ""
    resolution: float = 100.0
    mask: str = ""
    names: Sequence[str] = ()
    categorical: Sequence[str] = ()
    minimum_covered: float = 0.5
    rows: Sequence[LayerRow] = ()
    guess: bool = False
    nodata: NoDataChoice = field(default_factory=NoDataChoice)
    smap_dates: Sequence[dt.date] = ()
    area: Area | None = None


@dataclass(frozen=True)
class LayerReport:
    """What became of a covariate: way to the fine grid, share of the coarse cells' area, fine range."""

    name: str
    crs: str
    pixel: tuple[float, float]
    way: str
    covered: float
    cells: int
    low: float
    mean: float
    high: float
    unit: str = ""

    def line(self) -> str:
        """One line of the log."""
        width, height = self.pixel
        pixel = f"{width:.6g}" if math.isclose(width, height, rel_tol=1e-6) else f"{width:.6g} x {height:.6g}"
        return (
            f"{self.name}: {self.crs[:40]}, pixel {pixel}, {self.way}, covers {100 * self.covered:.1f} % of "
            f"the SMAP cells ({self.cells} have a mean), fine min {self.low:.6g}, mean {self.mean:.6g}, "
            f"max {self.high:.6g}"
        )


@dataclass(frozen=True)
class Harmonised:
    """What was made, of which covariates, and what the preflight found.

    `pictures` holds each band at reduced size, float32, shape (bands, rows, columns).
    """

    coarse: Grid
    fine: Grid
    layers: tuple[LayerReport, ...]
    covariates: tuple[Covariate, ...]
    preflight: Preflight
    pictures: np.ndarray


def harmonise(request: Request, progress: Progress = SILENT) -> Harmonised:
    """Write the coarse and the fine stack: the same covariates in the same order.

    Raises
    ------
    InputError
        For input that does not fit together; nothing is written then.
    """
    covariates = read_covariates(
        request.layers, request.names, request.categorical, request.rows, request.guess
    )
    covariates = with_looks(covariates, request.nodata)
    refuse_tiles(covariates)
    mask = Mask(request.mask) if request.mask else None
    cells, fine = _grids(request, covariates, mask, progress)
    coarse, grid = cells.grid, fine.grid
    if fine.follows:
        progress.log(
            f"The fine grid follows the pixels of layer {fine.follows} ({grid.cell_width:.6g} x "
            f"{grid.cell_height:.6g})."
        )
    progress.log(
        f"SMAP cells: {coarse.width} x {coarse.height}; fine grid: {grid.width:,} x {grid.height:,} pixels, "
        f"{grid.crs[:60]}."
    )
    inside = None
    if request.area is not None:
        inside = request.area.inside(grid, "the fine stack", progress=progress)
        request.area.log_kept(inside, "fine pixel", progress)
    log_choices(covariates, request.guess, progress)
    smap = LayerToCheck(
        row_of("SMAP", request.smap, request.smap_dates, gaps_note(request.smap_dates)),
        warnings=[shift_warning(request.smap_label, request.smap)],
    )
    preflight, covariates = check_covariates(covariates, coarse, mask, smap, progress, request.area)
    preflight.log(progress)
    used = tuple(covariates)
    covariates = expand_classes(covariates, coarse, progress)
    means = _coarse_means(covariates, cells, mask, request, progress.part(0.0, 0.35))
    covariates, means = _occurring(covariates, means)
    require_means(covariates, means, request.mask)
    require_complete(covariates, means)
    check_fractions(covariates, means, in_doubt(preflight), progress)
    sources, wanted = [one.source for one in covariates], [one.resampling for one in covariates]
    resampler = FineResampler(sources, grid, mask, progress, wanted)
    ways = resampler.ways
    tags = area_tags(request.area)
    coarse_stack = create_geotiff(request.coarse_path, coarse, _coarse_bands(covariates), tags)
    fine_stack = create_geotiff(request.fine_path, grid, _fine_bands(covariates, ways), tags)
    with coarse_stack as coarse_file, fine_stack as fine_file:
        for number, values in enumerate(means.values, start=1):
            coarse_file.write(values.astype(np.float32), band=number)
        summary = _write_fine(fine_file, resampler, len(covariates), inside, progress.part(0.35, 1.0))
        _check_codes(covariates, mask)
        # The sample before the work may have missed a few pixels.
        check_ranges(covariates, summary)
        require_pixels(covariates, summary, request.mask)
    reports = tuple(
        _report(one, way, means, number, summary) for number, (one, way) in enumerate(zip(covariates, ways))
    )
    _log_result(reports, covariates, means, summary, progress)
    return Harmonised(coarse, grid, reports, used, preflight, summary.pictures)


def _grids(
    request: Request, covariates: Sequence[Covariate], mask: Mask | None, progress: Progress
) -> tuple[CoarseGrid, FineGrid]:
    series = Region(request.smap.bounds, request.smap.crs, request.smap_label)
    extent, area = None, request.area
    if request.extent is not None:
        extent = Region(request.extent, request.extent_crs, "EXTENT")
    cells = coarse_grid(request.smap, request.smap_label, extent, area, progress)
    coarse = cells.grid
    region = extent or series
    what = "EXTENT" if extent else request.smap_label
    require_meeting(covariates, region.bounds, region.crs, what)
    if area is not None:
        require_meeting(covariates, area.bounds, area.crs, area.label)
    if mask is not None and window_over(mask.grid, region.bounds, region.crs, margin=0) is None:
        raise InputError(
            f"MASK ({request.mask}) and {what} do not meet; choose a mask of the same area, or none."
        )
    layers = [(one.layer.name, one.source.grid) for one in covariates]
    # A study area may be far larger than the series: the cells that both share choose the CRS.
    crs = request.crs or default_crs(
        [grid for _name, grid in layers], Region(coarse.bounds, coarse.crs, what)
    )
    fine = fine_grid(region, series, crs, request.resolution, layers, area)
    check_finer(fine.grid, coarse)
    return cells, fine


def _coarse_means(
    covariates: Sequence[Covariate],
    cells: CoarseGrid,
    mask: Mask | None,
    request: Request,
    progress: Progress,
) -> CellMeans:
    """Means of whole cells, also of those that the edge of the study area cuts: SMAP saw them whole."""
    sources = [one.source for one in covariates]
    means = cell_means(sources, cells.grid, mask, request.minimum_covered, progress=progress)
    _check_codes(covariates, mask)
    if cells.touched is not None:
        for values in (means.values, means.shares):
            values[:, ~cells.touched] = np.nan
    return means


def _check_codes(covariates: Sequence[Covariate], mask: Mask | None) -> None:
    """Refuse codes of no value among what was read so far."""
    for one in covariates:
        if one.source.look is not None:
            one.source.look.check()
    if mask is not None:
        mask.check_codes()


def _occurring(covariates: list[Covariate], means: CellMeans) -> tuple[list[Covariate], CellMeans]:
    """Without classes that occur beside the SMAP cells (or under the mask) only."""
    kept = [
        number
        for number, one in enumerate(covariates)
        if one.source.value is None or bool(np.nansum(means.values[number]) > 0)
    ]
    if not kept:
        raise InputError(
            f"{covariates[0].label if covariates else 'INPUT'}: no class occurs on the SMAP cells; "
            "choose another EXTENT, AOI or MASK."
        )
    return [covariates[number] for number in kept], CellMeans(means.values[kept], means.shares[kept])


def _coarse_bands(covariates: Sequence[Covariate]) -> list[Band]:
    return [
        Band(one.name, one.unit, {"source": one.layer.name, "resampling": "area mean"}) for one in covariates
    ]


def _fine_bands(covariates: Sequence[Covariate], ways: Sequence[str]) -> list[Band]:
    return [
        Band(one.name, one.unit, {"source": one.layer.name, "resampling": way})
        for one, way in zip(covariates, ways)
    ]


def _write_fine(
    target: GeoTiff, resampler: FineResampler, bands: int, inside: Cells | None, progress: Progress
) -> FineSummary:
    summary = FineSummary(bands, resampler.target)
    windows = blocks(resampler.target)
    counter = progress.counter(sum(w.height * w.width for w in windows) * bands, "fine pixels")
    for window in windows:
        outside = None if inside is None else ~inside.mask(window)
        for number, values in resampler.block(window):
            if outside is not None:
                values[outside] = np.nan
            summary.add(number, values, window)
            target.write(values, window, number + 1)
            counter.advance(values.size)
    return summary


def _report(
    covariate: Covariate, way: str, means: CellMeans, number: int, summary: FineSummary
) -> LayerReport:
    grid = covariate.source.grid
    low, high = float(summary.low[number]), float(summary.high[number])
    return LayerReport(
        covariate.name,
        grid.crs,
        (grid.cell_width, grid.cell_height),
        way,
        float(np.nanmean(np.minimum(means.shares[number], 1.0))),
        int(np.isfinite(means.values[number]).sum()),
        low if math.isfinite(low) else float("nan"),
        summary.mean(number),
        high if math.isfinite(high) else float("nan"),
        covariate.unit,
    )


def _log_result(
    reports: Sequence[LayerReport],
    covariates: Sequence[Covariate],
    means: CellMeans,
    summary: FineSummary,
    progress: Progress,
) -> None:
    for report, covariate, values in zip(reports, covariates, means.values):
        progress.log(report.line())
        valid = values[np.isfinite(values)]
        if valid.size > 1 and valid.min() == valid.max():
            progress.warn(
                f"{covariate.label}: {report.name} is {valid[0]:g} on all SMAP cells; no forest learns from "
                "it."
            )
    flat = means.values.reshape(len(reports), -1)
    for pair in alike_pairs([report.name for report in reports], flat, summary.samples()):
        progress.warn(
            f"{pair.first} and {pair.second} are almost the same on the SMAP cells (r = {pair.coarse_r:.3f}, "
            f"limit {COARSE_R}) but differ on the fine grid (r = {pair.fine_r:.3f}, limit {FINE_R}): "
            "a forest cannot know which to follow; keep one of them."
        )
