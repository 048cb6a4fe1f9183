"""Sink filling by a flood from the edges (Wang & Liu 2006), with a minimum slope, as SAGA does it."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np

from ....base.progress import SILENT, Counter, Progress
from .surface import DISTANCES, Surface

#: Cells between two looks at the user's wish to stop.
_LOOK = 4096


def fill_sinks(surface: Surface, minimum_slope: float = 0.0, progress: Progress = SILENT) -> Surface:
    """Raise cells until from each a way leads to the edge on which every step falls.

    A cell takes the larger of its own elevation and that of the first of its neighbours to be settled (a
    lowest one after filling) plus tan(minimum slope) times the distance.  Cells at the edge of the raster or
    beside missing ones stay.

    Where several neighbours are equally low and the minimum slope is above 0, the result depends on which
    one is settled first: this goes as in SAGA's `Fill Sinks (Wang & Liu)`, to the last bit (see `_flood`).
    So a turned raster is filled a little differently, and filling again with a minimum slope may raise a few
    cells again, as SAGA's tool does too; with a minimum slope of 0 neither happens.

    Parameters
    ----------
    surface : Surface
        Left as it is; its first row is the northernmost.
    minimum_slope : float
        Degrees; with 0 sinks become flat.
    progress : Progress

    Returns
    -------
    Surface
    """
    filled = Surface(surface.inner(surface.z), surface.cell)
    valid = ~np.isnan(filled.z)
    edge = _edge(filled, valid, progress)
    counter = progress.counter(int(np.count_nonzero(valid)), "cells filled")
    heap = _seeds(filled, edge, progress)
    np.logical_and(valid, ~edge, out=valid)
    # In SAGA's order of multiplication: a rounding apart, equal heights would not be equal.
    rises = math.tan(math.radians(minimum_slope)) * (filled.cell * DISTANCES)
    _flood(filled, valid, heap, rises, counter)
    return filled


class _Spill(float):
    """A height in the heap, and the cell it belongs to.

    Comparing goes by the height alone: the heap must not see the cell, or it would order equal heights by it.
    """

    __slots__ = ("cell",)
    cell: int


def _spill(height: float, cell: int) -> _Spill:
    spill = _Spill(height)
    spill.cell = cell
    return spill


def _edge(surface: Surface, valid: np.ndarray, progress: Progress) -> np.ndarray:
    """Valid cells with a missing neighbour, shape (size,)."""
    edge = np.zeros(surface.size, bool)
    for part in surface.chunks():
        progress.check()
        inside = valid[part].copy()
        for direction in range(8):
            inside &= surface.neighbour(valid, part, direction)
        np.greater(valid[part], inside, out=edge[part])
    return edge


def _seeds(surface: Surface, edge: np.ndarray, progress: Progress) -> list[_Spill]:
    """The heap of the cells at the edge, put in row by row from the south, each row from the west."""
    rows, columns = np.nonzero(edge.reshape(-1, surface.stride)[::-1])
    cells = (surface.rows + 1 - rows) * surface.stride + columns
    heap: list[_Spill] = []
    for start in range(0, cells.size, _LOOK):
        progress.check()
        part = cells[start : start + _LOOK]
        for height, cell in zip(surface.z[part].tolist(), part.tolist()):
            heapq.heappush(heap, _spill(height, cell))
    return heap


def _flood(
    surface: Surface, waiting: np.ndarray, heap: list[_Spill], rises: np.ndarray, counter: Counter
) -> None:
    """Settle the waiting cells from the lowest one of the heap upwards, neighbours clockwise from north.

    Which of equal heights leaves a heap first depends on all that was put in before.  Python's `heapq` and
    `std::priority_queue`, which SAGA uses, move their elements alike: the gap sinks to the bottom, by the
    right child where both are equal, and the last element rises from there past larger ones only.  Every
    cell must go through the heap for this, even where nothing is to fill.  As in SAGA, the heap compares
    float64 and the next rise starts from the float32 that was stored.
    """
    push, pop, new = heapq.heappush, heapq.heappop, _Spill
    z: Any = surface.z.data
    open_cells = waiting.view(np.uint8).data
    around = tuple(zip(surface.steps.tolist(), rises.tolist()))
    unseen = 0
    while heap:
        turns = min(len(heap), _LOOK)
        for _ in range(turns):
            settled = pop(heap).cell
            level = z[settled]
            for step, rise in around:
                other = settled + step
                if open_cells[other]:
                    open_cells[other] = 0
                    height = z[other]
                    least = level + rise
                    if height < least:
                        height = z[other] = least
                    spill = new(height)
                    spill.cell = other
                    push(heap, spill)
        unseen += turns
        if unseen >= _LOOK:
            counter.advance(unseen)
            unseen = 0
    counter.advance(unseen)
