"""The fine stack block by block, and where its pixels lie among SMAP's cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.progress import SILENT, Progress
from ..geo.blocks import blocks
from ..geo.grid import Grid, Window
from ..geo.lattice import Lattice
from ..series.stack import Stack
from .base import FineBlock

_PIXELS_A_BLOCK = 1 << 20


@dataclass(frozen=True)
class FineBlocks:
    """A `FineReader`: the fine stack over the cells of the SMAP grid."""

    stack: Stack
    cells: Grid
    most_pixels: int = _PIXELS_A_BLOCK

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates of the stack."""
        return self.stack.names

    def blocks(self, names: Sequence[str], progress: Progress = SILENT) -> Iterator[FineBlock]:
        """All pixels once, in blocks, with the covariates `names`.

        Raises
        ------
        InputError
            If the stack lacks a name, or cannot be read.
        """
        lattice = Lattice(self.stack.grid, self.cells, progress)
        for window in blocks(self.stack.grid, self.most_pixels):
            progress.check()
            rows, cols = lattice.positions(window)
            yield FineBlock(self.stack.read(names, window), rows, cols)


def pixel_coordinates(fine: Grid, cells: Grid) -> Callable[[Window], np.ndarray]:
    """Gives the x and y of the pixels of a window in the CRS of `cells`: float64, (rows, columns, 2)."""
    lattice = Lattice(fine, cells)

    def coordinates(window: Window) -> np.ndarray:
        rows, cols = lattice.positions(window)
        return np.stack([cells.left + cols * cells.cell_width, cells.top - rows * cells.cell_height], axis=-1)

    return coordinates
