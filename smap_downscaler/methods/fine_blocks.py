"""The fine stack block by block, and where its pixels lie among SMAP's cells."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..base.progress import SILENT, Progress
from ..geo.blocks import blocks
from ..geo.grid import Grid, Window
from ..geo.lattice import Lattice
from ..geo.sources import Mask
from ..series.dated import DatedCovariate
from ..series.dated_on_grid import OnPixels
from ..series.stack import Stack
from .base import FineBlock

_T = TypeVar("_T")
_PIXELS_A_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class FineBlocks:
    """A `FineReader`: the fine stack over the cells of the SMAP grid, and dated covariates.

    Pixels that `mask` covers are as those without a value.
    """

    stack: Stack
    cells: Grid
    most_pixels: int = _PIXELS_A_BLOCK
    dynamic: tuple[DatedCovariate, ...] = ()
    mask: Mask | None = None
    token: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)
    _kept: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __reduce__(self) -> tuple[Callable[..., FineBlocks], tuple[Any, ...]]:
        mine = self.stack, self.cells, self.most_pixels, self.dynamic, self.mask, self.token
        return _arrived, mine

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
        mask, on_mask = self.mask, None
        if mask is not None:
            on_mask = Lattice(self.stack.grid, mask.grid, progress)
        windows = list(blocks(self.stack.grid, self.most_pixels))
        counter = progress.counter(len(windows), "blocks of the fine stack read")
        for window in windows:
            rows, cols = lattice.positions(window)
            x = self.stack.read(names, window)
            if mask is not None and on_mask is not None:
                with self._lock:
                    x[:, mask.covers(*on_mask.positions(window))] = np.nan
            counter.advance()
            yield FineBlock(x, rows, cols)
        self.stack.check_codes()
        if mask is not None:
            mask.check_codes()

    @property
    def dated(self) -> tuple[str, ...]:
        """The dated covariates."""
        return tuple(one.name for one in self.dynamic)

    def dated_on(self, name: str, day: int, grid: Grid, progress: Progress = SILENT) -> np.ndarray:
        """A dated covariate on a day over a grid, as `OnPixels` gives it."""
        covariate = self.dynamic[self.dated.index(name)]
        on_grid = self.kept(("dated", name, grid), lambda: OnPixels(covariate, grid, progress))
        return on_grid.block(dt.date.fromordinal(day), grid.whole)(progress)

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What was made under a key before; threads wait for the one that makes it."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            found: _T = self._kept[key]
            return found


_last: list[FineBlocks] = []
_lock = threading.Lock()


def _arrived(*parts: Any) -> FineBlocks:
    """What came from another machine: the same for all models of a run, which share what it has kept."""
    found = FineBlocks(*parts)
    with _lock:
        if not (_last and _last[0].token == found.token):
            _last[:] = [found]
        return _last[0]


def pixel_coordinates(fine: Grid, cells: Grid) -> Callable[[Window], np.ndarray]:
    """Gives the x and y of the pixels of a window in the CRS of `cells`: float64, (rows, columns, 2)."""
    lattice = Lattice(fine, cells)

    def coordinates(window: Window) -> np.ndarray:
        rows, cols = lattice.positions(window)
        return np.stack([cells.left + cols * cells.cell_width, cells.top - rows * cells.cell_height], axis=-1)

    return coordinates
