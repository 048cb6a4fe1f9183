"""Cutting a grid into windows that are worked on one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from .geotiff import TILE
from .grid import Grid, Window


def windows(whole: Window, height: int, width: int | None = None) -> Iterator[Window]:
    """Windows of `height` rows and `width` columns (all without one) of a whole, row by row.

    The last ones may be smaller.
    """
    width = width or whole.width
    bottom, right = whole.row + whole.height, whole.col + whole.width
    for row in range(whole.row, bottom, height):
        for col in range(whole.col, right, width):
            yield Window(row, col, min(height, bottom - row), min(width, right - col))


def row_blocks(whole: Window) -> Iterator[Window]:
    """As many rows of a whole as file tiles have, so that each tile is read or packed once."""
    return windows(whole, TILE)


def meeting(cut: Iterable[Window], part: Window) -> Iterator[tuple[Window, Window]]:
    """Those of some windows that meet a part of the grid, and the cells of each that lie in it."""
    for window in cut:
        inside = window.common(part)
        if inside is not None:
            yield window, inside


def tiles_of(grid: Grid, part: Window) -> Iterator[tuple[Window, Window]]:
    """The tiles that a file of a grid has under a part of it, whole ones, and their cells that lie in it."""
    row, col = part.row // TILE * TILE, part.col // TILE * TILE
    bottom = min(math.ceil((part.row + part.height) / TILE) * TILE, grid.height)
    right = min(math.ceil((part.col + part.width) / TILE) * TILE, grid.width)
    return meeting(windows(Window(row, col, bottom - row, right - col), TILE, TILE), part)


def blocks(grid: Grid, most_pixels: int) -> Iterator[Window]:
    """Windows of whole file tiles with at most `most_pixels` cells (never less than one tile), row by row."""
    width = grid.width
    if width * TILE > most_pixels:
        width = max(most_pixels // TILE // TILE, 1) * TILE
    return windows(grid.whole, max(most_pixels // max(width, 1) // TILE, 1) * TILE, width)
