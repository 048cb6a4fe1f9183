"""Cutting a grid into blocks that fit a memory budget."""

from __future__ import annotations

from collections.abc import Iterator

from .geotiff import TILE
from .grid import Grid, Window


def blocks(grid: Grid, most_pixels: int) -> Iterator[Window]:
    """Windows of whole file tiles with at most `most_pixels` cells (never less than one tile), row by row."""
    width = grid.width
    if width * TILE > most_pixels:
        width = max(most_pixels // TILE // TILE, 1) * TILE
    height = max(most_pixels // max(width, 1) // TILE, 1) * TILE
    for row in range(0, grid.height, height):
        for col in range(0, grid.width, width):
            yield Window(row, col, min(height, grid.height - row), min(width, grid.width - col))
