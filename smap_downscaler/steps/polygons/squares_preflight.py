"""The look before squares are placed: SMAP, the mask and the raster whose pixels they follow."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...geo.datasets import dataset_grid, open_dataset
from ...geo.sources import Mask, Source
from ...preflight.look import Preflight, looks, row_of, smap_row
from ...preflight.sample import Sampler, box_grid
from ...series.series import Series
from .squares import SquareDesign


def check_squares(
    design: SquareDesign,
    smap: Series | None,
    mask: str,
    stack: str,
    progress: Progress = SILENT,
) -> Preflight:
    """Look at SMAP, the mask and the raster whose pixels squares follow, over the study area.

    Parameters
    ----------
    design : SquareDesign
    smap : Series or None
        None: the cells are those of the global grid.
    mask, stack : str
        Their files, empty where there is none.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    found, area = Preflight(), design.regions[0]
    sampler = Sampler(box_grid(area.crs, area.bounds), None, progress)
    if smap is None:
        found.add(row_of("SMAP cells", design.cells), "SMAP")
    else:
        row = smap_row("SMAP", smap.grid, smap.dates, looks(smap, sampler))
        found.add(row, f"SMAP ({smap.source})")
    if mask:
        grid = Mask(mask).grid
        sample = sampler.look(Source(mask, 1, grid))
        found.rows.append(row_of("mask", grid, sample))
        if sample.covered < 1:
            share = f"{100 * sample.covered:.0f} %" if sample.covered else "nothing"
            found.warnings.append(
                f"MASK ({mask}): it covers {share} of the study area; outside it no square is masked"
            )
    if stack:
        grid = dataset_grid(open_dataset(stack), f"COVARIATES ({stack})")
        for band, name in enumerate(_band_names(stack), start=1):
            found.rows.append(row_of(name, grid, sampler.look(Source(stack, band, grid))))
    return found


def _band_names(path: str) -> list[str]:
    # Bands die with their dataset.
    dataset = open_dataset(path)
    bands = range(1, dataset.RasterCount + 1)
    return [dataset.GetRasterBand(band).GetDescription() or f"band {band}" for band in bands]
