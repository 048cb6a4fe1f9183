"""Means of the terms over sub-cells, gathered from the fine stack block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.sampling import split_over_cells
from ..base import FineReader
from .subcells import SubCells
from .terms import PRODUCTS, Columns, Terms, columns_of, terms_of

#: Pixels that scales and the scatter within cells are worked out from.
_SAMPLE = 50_000
#: Blocks of the stack are kept between the two looks at it while they take no more bytes than this.
_MOST_KEPT = 400 * 2**20


@dataclass(frozen=True, eq=False)
class Moments:
    """The terms of the stack over sub-cells, before any footprint.

    Attributes
    ----------
    subcells : SubCells
    columns : Columns
    terms : Terms
    left_out : dict of str to str
        Covariates that are not used, and why.
    share : float64, shape (fine rows, fine columns)
        Share of each sub-cell that valid pixels cover, 0...1.
    design : float64, shape (fine rows, fine columns, columns of the design)
        Means of the terms over that share; 0 where it is 0.
    z : float64, shape (fine rows, fine columns, columns)
        Means of the standard covariates.
    scatter : float64, shape (columns of the design, columns of the design)
        Covariance of the terms of pixels about the mean of their cell.
    pixel_km : tuple of float
        Height and width of a pixel.
    """

    subcells: SubCells
    columns: Columns
    terms: Terms
    left_out: dict[str, str]
    share: np.ndarray
    design: np.ndarray
    z: np.ndarray
    scatter: np.ndarray
    pixel_km: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Valid pixels of a block, in pieces: covariates, float32, shape (n, p), places, sizes in sub-cells."""

    x: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    size: tuple[float, float]
    pixel: tuple[float, float]


def gather(
    fine: FineReader,
    names: Sequence[str],
    categorical: Sequence[str],
    kinds: Sequence[str],
    subcells: SubCells,
    progress: Progress = SILENT,
) -> Moments:
    """Look at the stack twice: for the scales of the terms, and for their means over sub-cells.

    Parameters
    ----------
    fine : FineReader
    names : sequence of str
        Covariates of the stack.
    categorical : sequence of str
        Those of them that are codes of classes.
    kinds : sequence of str
        Of `terms.KINDS`.
    subcells : SubCells
    progress : Progress

    Raises
    ------
    InputError
        If no pixel within the sub-cells has all covariates.
    """
    kept: list[_Pixels] | None = []
    sample, size = _Sample(len(names)), 0
    for pixels in _pixels(fine, names, subcells, progress):
        sample.add(pixels)
        if kept is not None:
            kept.append(pixels)
            size += pixels.x.nbytes + pixels.rows.nbytes + pixels.cols.nbytes
            kept = kept if size <= _MOST_KEPT else None
    if not sample.count:
        raise InputError(
            "The fine stack has no pixel with all covariates near the SMAP cells; choose a stack and a "
            "series of the same area."
        )
    x, rows, cols = sample.pixels()
    columns, left_out = columns_of(x, names, categorical) if kinds else (Columns((), (), ()), {})
    used = columns.of(x)
    terms = terms_of(used, kinds)
    blocks = _pixels(fine, names, subcells, progress) if kept is None else iter(kept)
    share, z, hinges, products, pixel = _sums(blocks, columns, terms, subcells, progress)
    flat = terms.columns(z, hinges, products)
    flat[share <= 0] = 0.0
    shape = subcells.fine_shape
    scatter = _scatter(terms, used, rows, cols, flat, share, subcells)
    km = pixel[0] * subcells.part_km[0], pixel[1] * subcells.part_km[1]
    return Moments(
        subcells,
        columns,
        terms,
        left_out,
        share.reshape(shape),
        flat.reshape(*shape, -1),
        z.reshape(*shape, -1),
        scatter,
        km,
    )


def _pixels(
    fine: FineReader, names: Sequence[str], subcells: SubCells, progress: Progress
) -> Iterator[_Pixels]:
    """The valid pixels of each block that lie over sub-cells."""
    high, wide = subcells.fine_shape
    size: tuple[float, float] | None = None
    for block in fine.blocks(names, progress):
        progress.check()
        rows, cols = subcells.positions(block.rows, block.cols)
        with np.errstate(invalid="ignore"):
            valid = (rows > -1) & (rows < high + 1) & (cols > -1) & (cols < wide + 1)
        if not valid.any():
            continue
        size = _size(rows, cols, size)
        valid &= np.isfinite(block.x).all(axis=0)
        if valid.any():
            yield _cut(np.ascontiguousarray(block.x[:, valid].T), rows[valid], cols[valid], size)


def _cut(x: np.ndarray, rows: np.ndarray, cols: np.ndarray, size: tuple[float, float]) -> _Pixels:
    """Pixels that are larger than a sub-cell are cut into pieces that are not."""
    down, across = (math.ceil(side - 1e-3) for side in size)
    if down * across > 1:
        steps = [(np.arange(n) + 0.5) / n - 0.5 for n in (down, across)]
        off = [part.ravel() for part in np.meshgrid(steps[0] * size[0], steps[1] * size[1], indexing="ij")]
        x = np.repeat(x, down * across, axis=0)
        rows = (rows[:, None] + off[0]).ravel()
        cols = (cols[:, None] + off[1]).ravel()
    return _Pixels(x, rows, cols, (min(size[0] / down, 1.0), min(size[1] / across, 1.0)), size)


def _size(rows: np.ndarray, cols: np.ndarray, before: tuple[float, float] | None) -> tuple[float, float]:
    """How far a step of one pixel leads down and to the right, in sub-cells.

    A block of one row or column does not tell: it has the pixels of the one before, or square ones.
    """
    steps = [
        float(np.nanmean(np.abs(np.diff(part, axis=axis)))) if part.shape[axis] > 1 else None
        for axis, part in enumerate((rows, cols))
    ]
    down, right = steps if before is None else [one or old for one, old in zip(steps, before)]
    return down or right or 1.0, right or down or 1.0


class _Sample:
    """Some of the valid pixels, each with the same chance, and always the same ones."""

    def __init__(self, covariates: int):
        self._rng = np.random.default_rng(0)
        self._kept: list[tuple[np.ndarray, ...]] = [
            (np.zeros((0, covariates), np.float32), np.zeros(0), np.zeros(0), np.zeros(0))
        ]
        self._chance, self.count = 1.0, 0

    def add(self, pixels: _Pixels) -> None:
        drawn = self._rng.random(len(pixels.x))
        some = np.flatnonzero(drawn < self._chance)
        self._kept.append((pixels.x[some], pixels.rows[some], pixels.cols[some], drawn[some]))
        self.count += len(some)
        while self.count > 2 * _SAMPLE:
            self._chance /= 2.0
            self._kept = [tuple(part[one[3] < self._chance] for part in one) for one in self._kept]
            self.count = sum(len(one[3]) for one in self._kept)

    def pixels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Covariates and places in sub-cells."""
        x, rows, cols, _ = (np.concatenate(parts) for parts in zip(*self._kept))
        return x, rows, cols


def _sums(
    blocks: Iterator[_Pixels], columns: Columns, terms: Terms, subcells: SubCells, progress: Progress
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[float, float]]:
    """Shares, means of z, hinges and products, float64, a row a sub-cell, and the size of a pixel."""
    high, wide = subcells.fine_shape
    p = len(terms.scales.mean)
    knots = terms.scales.knots.astype(np.float32)
    with_products = PRODUCTS in terms.kinds
    weight, first = np.zeros(high * wide), np.zeros((high * wide, p))
    hinges = np.zeros((high * wide, p, knots.shape[1]))
    second = np.zeros((high * wide, p, p)) if with_products else None
    sizes = []
    for pixels in blocks:
        progress.check()
        sizes.append((len(pixels.x), *pixels.pixel))
        area = np.full(len(pixels.x), pixels.size[0] * pixels.size[1])
        number, part, areas = split_over_cells(
            pixels.rows, pixels.cols, pixels.size, area, subcells.fine_shape
        )
        z = terms.scales.z(columns.of(pixels.x)) if p else np.zeros((len(pixels.x), 0))
        order = np.argsort(part, kind="stable")
        number, part, areas = number[order], part[order], areas[order]
        begins = np.flatnonzero(np.diff(part, prepend=-1))
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(part)]):
            place, share = part[begin], areas[begin:end]
            own = z[number[begin:end]]
            weight[place] += share.sum()
            if not p:
                continue
            weighted = own * share[:, None]
            first[place] += weighted.sum(axis=0)
            if second is not None:
                second[place] += weighted.T @ own
            above = own.astype(np.float32)[:, :, None] - knots
            np.maximum(above, 0.0, out=above)
            flat = share.astype(np.float32) @ above.reshape(len(own), -1)
            hinges[place] += flat.reshape(p, -1)
    total = np.maximum(weight, 1e-12)
    first /= total[:, None]
    hinges /= total[:, None, None]
    products = np.zeros((high * wide, 0))
    if second is not None:
        products = second[:, terms.pairs[:, 0], terms.pairs[:, 1]] / total[:, None]
    counts = np.array([one[0] for one in sizes], float)
    pixel = tuple(float(np.average([one[axis] for one in sizes], weights=counts)) for axis in (1, 2))
    return np.minimum(weight, 1.0), first, hinges, products, (pixel[0], pixel[1])


def _scatter(
    terms: Terms,
    used: np.ndarray,
    rows: np.ndarray,
    cols: np.ndarray,
    means: np.ndarray,
    share: np.ndarray,
    subcells: SubCells,
) -> np.ndarray:
    """Covariance of the terms of pixels about the mean of their cell."""
    high, wide = subcells.fine_shape
    inside = (rows >= 0) & (rows < high) & (cols >= 0) & (cols < wide)
    inside[np.flatnonzero(inside)[_SAMPLE // 2 :]] = False
    shape = subcells.fine_shape
    weight = subcells.mean_over_cells(share.reshape(shape)).ravel()
    summed = subcells.mean_over_cells((means * share[:, None]).reshape(*shape, -1))
    of_cells = summed.reshape(len(weight), -1) / np.maximum(weight, 1e-12)[:, None]
    cell = (rows[inside] // subcells.parts).astype(int) * subcells.shape[1] + cols[inside].astype(
        int
    ) // subcells.parts
    off = terms.of_pixels(used[inside]) - of_cells[cell]
    return np.asarray(off.T @ off / max(len(off), 1))
