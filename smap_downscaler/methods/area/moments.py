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
from .terms import Columns, Terms, columns_of, terms_of

#: Pixels that scales and the scatter within cells are worked out from.
_SAMPLE, _SCATTER = 50_000, 15_000
#: Pieces of pixels that are summed up at once.
_PIECES_AT_ONCE = 1 << 14
#: Share of the work that is done after the first look.
_SEEN = 0.5
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
    for pixels in _pixels(fine, names, subcells, progress.part(0.0, _SEEN)):
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
    second = progress.part(_SEEN, 1.0)
    blocks = _pixels(fine, names, subcells, second) if kept is None else iter(kept)
    share, means, pixel = _sums(blocks, columns, terms, subcells, progress)
    flat, z = means @ terms.mixing, means[:, 1 : 1 + len(terms.scales.mean)]
    shape = subcells.fine_shape
    progress.check()
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
) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Shares and means of the basis, float64, a row a sub-cell (0 without pixels), and the pixel size."""
    size = subcells.fine_shape[0] * subcells.fine_shape[1]
    weight, total = np.zeros(size), np.zeros((size, len(terms.mixing)))
    sizes = []
    for pixels in blocks:
        sizes.append((len(pixels.x), *pixels.pixel))
        area = np.full(len(pixels.x), pixels.size[0] * pixels.size[1])
        number, part, areas = split_over_cells(
            pixels.rows, pixels.cols, pixels.size, area, subcells.fine_shape
        )
        z = np.zeros((len(pixels.x), 0), np.float32)
        if len(terms.scales.mean):
            # Single precision is enough for means, and twice as fast.
            z = terms.scales.z(columns.of(pixels.x)).astype(np.float32)
        order = np.argsort(part, kind="stable")
        number, part, areas = number[order], part[order], areas[order]
        begins = np.flatnonzero(np.diff(part, prepend=-1))
        counts = np.diff(np.append(begins, len(part)))
        # Sub-cells with about as many pixels are summed up together; what is padded weighs nothing.
        by_count = np.argsort(counts, kind="stable")
        at = 0
        while at < len(by_count):
            progress.check()
            some = by_count[at : at + max(_PIECES_AT_ONCE // int(counts[by_count[at]]), 1)]
            some = some[counts[some] <= 1.3 * counts[some[0]] + 2]
            at += len(some)
            longest = int(counts[some].max())
            place = begins[some, None] + np.minimum(np.arange(longest), counts[some, None] - 1)
            share = np.where(np.arange(longest) < counts[some, None], areas[place], 0.0)
            weight[part[begins[some]]] += share.sum(axis=1)
            total[part[begins[some]]] += _basis_sums(terms, z[number[place]], share)
    shape = np.array([one[0] for one in sizes], float)
    pixel = tuple(float(np.average([one[axis] for one in sizes], weights=shape)) for axis in (1, 2))
    return np.minimum(weight, 1.0), total / np.maximum(weight, 1e-12)[:, None], (pixel[0], pixel[1])


def _basis_sums(terms: Terms, z: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Sums of the terms' basis over pixels: float64, shape (parts, size of the basis).

    Parameters
    ----------
    z : float32, shape (parts, pixels, p)
    share : float64, shape (parts, pixels)
    """
    weights = share.astype(np.float32)[:, None, :]
    parts = [share.sum(axis=1)[:, None], (weights @ z)[:, 0]]
    hinges = []
    for knot in terms.scales.knots.T.astype(np.float32):
        above = z - knot
        hinges.append((weights @ np.maximum(above, 0.0, out=above))[:, 0])
    parts.append(np.stack(hinges, axis=2).reshape(len(z), -1) if hinges else np.zeros((len(z), 0)))
    if len(terms.pairs):
        second = (z * weights.transpose(0, 2, 1)).transpose(0, 2, 1) @ z
        parts.append(second[:, terms.pairs[:, 0], terms.pairs[:, 1]])
    return np.concatenate(parts, axis=1)


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
    inside[np.flatnonzero(inside)[_SCATTER:]] = False
    shape = subcells.fine_shape
    weight = subcells.mean_over_cells(share.reshape(shape)).ravel()
    summed = subcells.mean_over_cells((means * share[:, None]).reshape(*shape, -1))
    of_cells = summed.reshape(len(weight), -1) / np.maximum(weight, 1e-12)[:, None]
    cell = (rows[inside] // subcells.parts).astype(int) * subcells.shape[1] + cols[inside].astype(
        int
    ) // subcells.parts
    off = terms.of_pixels(used[inside]) - of_cells[cell]
    return np.asarray(off.T @ off / max(len(off), 1))
