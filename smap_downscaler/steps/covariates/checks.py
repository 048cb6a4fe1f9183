"""Whether what came out can be true: sums of soil fractions, ranges of all pixels."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from itertools import combinations

import numpy as np

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.area_means import CellMeans
from ...geo.datasets import same_crs
from ...geo.grid import Grid, Window
from .covariate import Covariate
from .numbers.conversions import LOG_OUT, plain_unit
from .numbers.ranges import FRACTIONS, QUANTITIES, fractions_verdict, judge

#: Pixels of the fine grid on which covariates are compared and drawn, at most.
_SAMPLE = 100_000
#: Tiles may overlap by some pixels or a small share of a side (SRTM: a pixel), or leave pixels between them.
_EDGE_PIXELS, _EDGE_SHARE = 2, 0.05


class FineSummary:
    """Range of each band and every n-th of its pixels, collected while they are written."""

    def __init__(self, bands: int, grid: Grid):
        self.low, self.high = np.full(bands, np.inf), np.full(bands, -np.inf)
        self._sum, self._count = np.zeros(bands), np.zeros(bands, np.int64)
        self._stride = max(1, math.ceil(math.sqrt(grid.width * grid.height / _SAMPLE)))
        shape = -(-grid.height // self._stride), -(-grid.width // self._stride)
        self.pictures = np.full((bands, *shape), np.float32(np.nan))

    def add(self, band: int, values: np.ndarray, window: Window) -> None:
        """Count a block in, shape (rows, columns), NaN where missing."""
        step = self._stride
        part = values[-window.row % step :: step, -window.col % step :: step]
        row, col = -(-window.row // step), -(-window.col // step)
        self.pictures[band, row : row + part.shape[0], col : col + part.shape[1]] = part
        valid = values[np.isfinite(values)]
        if valid.size:
            self.low[band] = min(self.low[band], float(valid.min()))
            self.high[band] = max(self.high[band], float(valid.max()))
            self._sum[band] += valid.sum(dtype=np.float64)
            self._count[band] += valid.size

    def mean(self, band: int) -> float:
        """Mean of all valid pixels of a band; NaN without any."""
        return float(self._sum[band] / self._count[band]) if self._count[band] else float("nan")

    def samples(self) -> np.ndarray:
        """Shape (bands, n)."""
        return self.pictures.reshape(len(self.pictures), -1)


def check_fractions(
    covariates: Sequence[Covariate], means: CellMeans, doubtful: Container[str], progress: Progress
) -> None:
    """Clay, sand and silt of one depth cannot add up to more than the soil; stops the run, or warns.

    Of covariates that are all `doubtful` the user was warned already.
    """
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(covariates):
        plain = one.change.log10 != LOG_OUT and plain_unit(one.unit) in ("", QUANTITIES["clay"].unit)
        if one.quantity in FRACTIONS and plain:
            groups.setdefault(one.name.replace(one.quantity, "*"), []).append(number)
    for numbers in groups.values():
        if len({covariates[number].quantity for number in numbers}) < 2:
            continue
        sums = means.values[numbers].sum(axis=0)
        if not np.isfinite(sums).any():
            continue
        verdict = fractions_verdict([covariates[number].name for number in numbers], float(np.nanmax(sums)))
        if verdict is not None and not verdict.possible:
            raise InputError(f"INPUT: {verdict.text}.")
        warned = all(covariates[number].name in doubtful for number in numbers)
        if verdict is not None and not warned:
            progress.warn(f"INPUT: {verdict.text}.")


def check_ranges(covariates: Sequence[Covariate], fine: FineSummary) -> None:
    """Raise `InputError` if the values of a fine band cannot be true."""
    for number, one in enumerate(covariates):
        ends = np.array([fine.low[number], fine.high[number]])
        if one.categorical or not one.quantity or one.change.log10 == LOG_OUT or not np.isfinite(ends).all():
            continue
        verdict = judge(one.quantity, one.unit, float(ends[0]), float(ends[1]), one.change)
        if verdict is not None and not verdict.possible:
            raise InputError(f"{one.label}: {one.name}: {verdict.text}.")


def require_means(covariates: Sequence[Covariate], means: CellMeans, mask: str) -> None:
    """Raise `InputError` if a covariate has no value on any SMAP cell: no forest could be trained with it."""
    for one, values in zip(covariates, means.values):
        if not np.isfinite(values).any():
            raise _no_value(one, "SMAP cell", f"MINIMUM_COVERED{' and MASK' if mask else ''}")


def require_complete(covariates: Sequence[Covariate], means: CellMeans) -> None:
    """Raise `InputError` if no SMAP cell has a value of all covariates: no forest could be trained."""
    finite = np.isfinite(means.values).reshape(len(covariates), -1)
    if finite.all(axis=0).any():
        return
    counts = finite.sum(axis=1)
    few = [f"{covariates[number].name} on {counts[number]:,}" for number in np.argsort(counts)[:2]]
    # Cells beside the study area have no share.
    cells = int(np.isfinite(means.shares[0]).sum())
    raise InputError(
        f"INPUT: no SMAP cell has a value of all covariates (of {cells:,} cells "
        f"{' and '.join(few)} have one, never together); choose layers of the same area, or a lower "
        "MINIMUM_COVERED."
    )


def refuse_tiles(covariates: Sequence[Covariate]) -> None:
    """Raise `InputError` for layers that lie side by side on one grid, as tiles of one raster do."""
    layers = {one.layer.path: one for one in covariates}
    for first, second in combinations(layers.values(), 2):
        if _side_by_side(first.source.grid, second.source.grid):
            raise InputError(
                f"{first.layer.label} and {second.layer.label} lie side by side, like tiles of one raster, "
                "so that no place would have values of both; merge all tiles to one raster first (Raster > "
                "Miscellaneous > Merge, or Build Virtual Raster) and give that."
            )


def _side_by_side(one: Grid, other: Grid) -> bool:
    """Whether two grids of the same pixels touch, but for a few pixels between them or shared."""
    pixels = (one.cell_width, one.cell_height), (other.cell_width, other.cell_height)
    if not np.allclose(*pixels, rtol=1e-6, atol=0) or not same_crs(one.crs, other.crs):
        return False
    first, second = one.bounds, other.bounds
    shared = (
        min(first.right, second.right) - max(first.left, second.left),
        min(first.top, second.top) - max(first.bottom, second.bottom),
    )
    sides = (
        min(first.right - first.left, second.right - second.left),
        min(first.top - first.bottom, second.top - second.bottom),
    )
    edges = [max(_EDGE_PIXELS * pixel, _EDGE_SHARE * side) for pixel, side in zip(pixels[0], sides)]
    beside = [
        -_EDGE_PIXELS * pixel <= length <= edge for pixel, length, edge in zip(pixels[0], shared, edges)
    ]
    along = [length > edge for length, edge in zip(shared, edges)]
    return (beside[0] and along[1]) or (beside[1] and along[0])


def require_pixels(covariates: Sequence[Covariate], fine: FineSummary, mask: str) -> None:
    """Raise `InputError` if a covariate has no value on any fine pixel: no map would have one."""
    for number, one in enumerate(covariates):
        if not np.isfinite(fine.low[number]):
            raise _no_value(one, "fine pixel", f"EXTENT{', AOI and MASK' if mask else ' and AOI'}")


def _no_value(one: Covariate, what: str, choices: str) -> InputError:
    return InputError(
        f"{one.label}: {one.name} has no value on any {what}; check its NoData value, {choices}, or leave "
        "the layer out."
    )
