"""One case of an experiment as methods see it, and the rows and pixels that they get of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...methods.base import Block, Cells
from .scene import Scene


@dataclass(frozen=True)
class Asked:
    """Pixels of a date whose soil moisture is asked for.

    Attributes
    ----------
    where : int array, shape (n,)
        Flat numbers in the fine grid.
    rows, cols : float64, shape (n,)
        Where they lie among the cells.
    block : Block
    """

    where: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    block: Block


@dataclass(eq=False)
class Trial:
    """What is observed of a truth, for methods.

    Attributes
    ----------
    scene : Scene
        With the covariates that methods are given.
    observed : float64, shape (dates, rows, columns)
        NaN where SMAP did not see.
    footprint_km : float
        Of the truth.
    estimated : bool
        Whether methods of many dates find out footprint and noise by themselves.
    noise : float
        SD of the noise, m3 m-3.
    noise_factor : float
        How surely it is known; see `AreaSettings`.
    seed : int
    truth : callable
        Gives the truth of a date (its number), shape of the fine grid, for the ceiling.
    wanted : tuple of int
        Numbers of the dates whose maps are asked for.
    """

    scene: Scene
    observed: np.ndarray
    footprint_km: float
    estimated: bool
    noise: float
    noise_factor: float
    seed: int
    truth: Callable[[int], np.ndarray]
    wanted: tuple[int, ...]
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def days(self) -> tuple[int, ...]:
        """Ordinals of the dates."""
        return self.scene.days

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """What several methods share."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def rows(self, dates: tuple[int, ...]) -> Cells:
        """The rows of cells that SMAP saw on some dates."""
        scene = self.scene
        parts = []
        usable = np.isfinite(scene.cell_x).all(axis=0)
        for date in dates:
            x = scene.cell_x
            if scene.dated:
                own = [scene.dated_on(name, self.days[date], scene.cells) for name in scene.dated]
                x = np.concatenate([x, np.stack(own)])
            seen = np.isfinite(self.observed[date]) & usable & np.isfinite(x).all(axis=0)
            cells = np.argwhere(seen)
            parts.append(
                (x[:, seen].T, self.observed[date][seen], cells, np.full(len(cells), self.days[date]))
            )
        x, y, cells, days = (np.concatenate(part) for part in zip(*parts))
        centres = cells + 0.5
        return Cells(
            np.ascontiguousarray(x, np.float32), y, cells.astype(np.int64), days.astype(np.int64),
            self._coordinates(centres[:, 0], centres[:, 1]), scene.all_names, scene.cells, scene,
        )  # fmt: skip

    def pixels(self, date: int) -> Asked:
        """The pixels in cells that SMAP saw on a date, with all covariates."""
        return self.kept(("pixels", date), lambda: self._pixels(date))

    def _pixels(self, date: int) -> Asked:
        scene, seen = self.scene, np.append(np.isfinite(self.observed[date]), False)
        inside = scene.valid & seen[scene.cell_of]
        own = [scene.dated_on(name, self.days[date], scene.grid) for name in scene.dated]
        for band in own:
            inside &= np.isfinite(band)
        where = np.flatnonzero(inside)
        x = np.stack([band.ravel()[where] for band in (*scene.x, *own)], axis=1)
        rows, cols = (part.ravel()[where] for part in scene.positions)
        block = Block(x, np.full(len(where), self.days[date]), self._coordinates(rows, cols))
        return Asked(where, rows, cols, block)

    def on_cells(self, date: int, values: np.ndarray, least: float = 0.0) -> np.ndarray:
        """Means over the cells of the pixels of a date; NaN where they cover a share of `least` or less."""
        scene = self.scene
        image = np.full(scene.grid.width * scene.grid.height, np.nan, np.float32)
        image[self.pixels(date).where] = values
        return scene.landing.means(image.reshape(scene.grid.shape), least)

    def _coordinates(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        cells = self.scene.cells
        return np.column_stack([cells.left + cols * cells.cell_width, cells.top - rows * cells.cell_height])
