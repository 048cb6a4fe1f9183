"""Covariates to the fine grid, each the way that was chosen for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..core.grid import Grid, Window
from ..core.products.rows import AUTO, BILINEAR, MEAN, NEAREST
from ..core.progress import SILENT, Progress
from ..core.resample import nearest
from . import resample_fine as fine
from .coordinates import Lattice
from .covariates import Covariate
from .resample_fine import FineResampler
from .resample_sources import Mask, Source

_WAYS = {BILINEAR: fine.BILINEAR, NEAREST: fine.BILINEAR, MEAN: fine.AREA_MEAN}


class _OneWay(FineResampler):
    """Brings all sources the way that was asked for; those that lie on the grid are copied still."""

    def __init__(
        self, sources: Sequence[Source], target: Grid, asked: str, mask: Mask | None, progress: Progress
    ):
        super().__init__(sources, target, mask, progress)
        self._nearest = asked == NEAREST
        if asked != AUTO:
            self.ways = {grid: way if way == fine.COPIED else _WAYS[asked] for grid, way in self.ways.items()}
            self._lattices = {
                grid: Lattice(target, grid, progress)
                for grid, way in self.ways.items()
                if way == fine.BILINEAR
            }

    def _bilinear(
        self, grid: Grid, members: list[tuple[int, Source]], window: Window
    ) -> Iterator[tuple[int, np.ndarray]]:
        if not self._nearest:
            yield from super()._bilinear(grid, members, window)
            return
        rows, cols = self._lattices[grid].positions(window)
        needed = fine._needed(rows, cols, grid)
        for number, source in members:
            if needed is None:
                yield number, np.full(rows.shape, np.nan)
                continue
            yield number, nearest(self._reader.read(source, needed), rows - needed.row, cols - needed.col)

    def way(self, source: Source) -> str:
        """What is done to a source, in words."""
        way = self.ways[source.grid]
        return NEAREST if self._nearest and way != fine.COPIED else way


class FineCovariates:
    """Brings covariates to the blocks of a fine grid; for one thread.

    Parameters
    ----------
    covariates : sequence of Covariate
    target : Grid
    mask : Mask or None
        Cells whose centre it masks are NaN in all bands.
    progress : Progress
        Asked for cancellation.
    """

    def __init__(
        self,
        covariates: Sequence[Covariate],
        target: Grid,
        mask: Mask | None = None,
        progress: Progress = SILENT,
    ):
        self.target = target
        groups: dict[str, list[int]] = {}
        for number, one in enumerate(covariates):
            groups.setdefault(one.resampling, []).append(number)
        self.ways = [""] * len(covariates)
        self._parts = []
        for asked, numbers in groups.items():
            sources = [covariates[number].source for number in numbers]
            part = _OneWay(sources, target, asked, mask, progress)
            self._parts.append((numbers, part))
            for number, source in zip(numbers, sources):
                self.ways[number] = part.way(source)

    def block(self, window: Window) -> Iterator[tuple[int, np.ndarray]]:
        """Number and values, float32, shape (rows, columns), of each covariate in a block; in any order."""
        for numbers, part in self._parts:
            for number, values in part.block(window):
                yield numbers[number], values
