"""Squares on a regular grid with a random start: positions, and which of them are taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....geo.grid import Bounds, Grid

#: Steps along an edge of a square at which its true place in another CRS is looked at.
_STEPS = 4
#: Largest lattice that is laid out, as a multiple of the squares wanted.
MOST_POSITIONS = 4
#: A lattice that gives too few squares is made finer by this factor.
FINER = 0.97


@dataclass(frozen=True)
class Sides:
    """Width and height of a square, and the pixels that it shall cut whole, if any."""

    width: float
    height: float
    pixels: Grid | None = None

    def snapped(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres, shape (n,) each, moved by at most half a pixel, so that squares cut whole pixels."""
        if self.pixels is None:
            return x, y
        left, top = self.pixels.left, self.pixels.top
        across, down = self.pixels.cell_width, self.pixels.cell_height
        col = np.round((x - self.width / 2 - left) / across)
        row = np.round((top - y - self.height / 2) / down)
        return left + col * across + self.width / 2, top - row * down - self.height / 2

    def outline(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points around squares with the centres x, y of shape (n,), corners included; shape (n, 16)."""
        along = np.linspace(-0.5, 0.5, _STEPS + 1)[:-1]
        half = np.full(_STEPS, 0.5)
        across = np.concatenate([along, half, -along, -half]) * self.width
        up = np.concatenate([half, -along, -half, along]) * self.height
        return x[:, None] + across, y[:, None] + up

    def inner_points(self, x: float, y: float, across: int, down: int) -> tuple[np.ndarray, np.ndarray]:
        """Points evenly inside a square, centres of equal parts; shapes (1, across) and (down, 1)."""
        parts_x, parts_y = ((np.arange(number) + 0.5) / number - 0.5 for number in (across, down))
        return x + parts_x[None, :] * self.width, y - parts_y[:, None] * self.height


def sides_on(size: float, pixels: Grid | None) -> Sides:
    """Squares of side `size`, or of the whole pixels nearest to it (one at least)."""
    if pixels is None:
        return Sides(size, size)
    across = max(round(size / pixels.cell_width), 1) * pixels.cell_width
    down = max(round(size / pixels.cell_height), 1) * pixels.cell_height
    return Sides(across, down, pixels)


def lattice(box: Bounds, spacing: float, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points `spacing` apart over a box, shape (n,) each; `start` in 0...1 says where the first one is."""
    x = np.arange(box.left + start[0] * spacing, box.right, spacing)
    y = np.arange(box.top - start[1] * spacing, box.bottom, -spacing)
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x.ravel(), grid_y.ravel()


class Choice:
    """Squares taken so far: at most `per_cell` per cell, none over another.

    Squares of different cells cannot overlap, since each lies inside its own.
    """

    def __init__(self, sides: Sides, per_cell: int):
        self._sides, self._per_cell = sides, per_cell
        self._of_cell: dict[int, list[tuple[float, float]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._of_cell.values()))

    def is_full(self, cell: int) -> bool:
        """Whether a cell has all squares that it may have."""
        return len(self._of_cell.get(cell, ())) >= self._per_cell

    def take(self, cells: np.ndarray, x: np.ndarray, y: np.ndarray, most: int) -> None:
        """Take squares in the order given, until there are `most`.

        Parameters
        ----------
        cells : int64, shape (n,)
            Flat numbers of their cells; below 0 for no cell.
        x, y : float64, shape (n,)
            Centres.
        most : int
        """
        left = most - len(self)
        for cell, east, north in zip(cells.tolist(), x.tolist(), y.tolist()):
            if left <= 0:
                return
            if cell >= 0 and not self.is_full(cell) and self._is_free(cell, east, north):
                self._of_cell.setdefault(cell, []).append((east, north))
                left -= 1

    def _is_free(self, cell: int, x: float, y: float) -> bool:
        # Squares that touch share no area; their edges are sums of rounded numbers.
        width, height = self._sides.width * (1 - 1e-9), self._sides.height * (1 - 1e-9)
        return all(
            abs(x - east) >= width or abs(y - north) >= height for east, north in self._of_cell.get(cell, ())
        )

    def squares(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells, x and y of the squares, shape (n,) each, by cell and then from north-west."""
        rows = [(cell, -north, east) for cell, taken in self._of_cell.items() for east, north in taken]
        table = np.array(sorted(rows), np.float64).reshape(-1, 3)
        return table[:, 0].astype(np.int64), table[:, 2], -table[:, 1]


def outline_areas(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Areas of outlines given as points one after another, shape (n, points) each, in square units."""
    # From the first point, or the areas would drown in the rounding of large coordinates.
    x, y = x - x[:, :1], y - y[:, :1]
    return np.abs(np.sum(x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y, axis=1)) / 2
