"""Sink filling by a flood from the edges (Wang & Liu 2006), with a minimum slope."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np

from ..progress import SILENT, Progress
from .surface import DISTANCES, Surface

#: Cells between two looks at the user's wish to stop.
_LOOK = 4096


def fill_sinks(surface: Surface, minimum_slope: float = 0.0, progress: Progress = SILENT) -> Surface:
    """Raise cells until from each a way leads to the edge on which every step falls.

    A cell takes the larger of its own elevation and that of its lowest neighbour (after filling) plus
    tan(minimum slope) times the distance.  Cells at the edge of the raster or beside missing ones stay.
    Among equally low neighbours the nearer one counts, which makes the result independent of the order of
    the work and of the raster's orientation; filling twice changes nothing.  As in SAGA's `Fill Sinks (Wang
    & Liu)`, each step is rounded to float32.

    Parameters
    ----------
    surface : Surface
        Left as it is.
    minimum_slope : float
        Degrees; with 0 sinks become flat.
    progress : Progress

    Returns
    -------
    Surface
    """
    filled = Surface(surface.inner(surface.z), surface.cell)
    rises = math.tan(math.radians(minimum_slope)) * surface.cell * DISTANCES
    open_cells = _open_cells(filled, rises, progress)
    seeds = _seeds(filled, open_cells, progress)
    _flood(filled, open_cells, seeds, rises, progress)
    return filled


def _open_cells(surface: Surface, rises: np.ndarray, progress: Progress) -> np.ndarray:
    """Cells that have no way to the edge by steps to the lowest neighbour that fall enough, shape (size,).

    The others keep their elevation, and most of the work is spared: the lowest neighbour stays the lowest,
    as it keeps its elevation too and the others can only rise.
    """
    z = surface.z
    edge = np.zeros(surface.size, bool)
    towards = np.arange(surface.size, dtype=np.int32 if surface.size < 2**31 else np.int64)
    for part in surface.chunks():
        progress.check()
        here = z[part]
        lowest = np.full(here.size, np.inf, np.float32)
        step = np.zeros(here.size, towards.dtype)
        rise = np.zeros(here.size)
        missing = np.zeros(here.size, bool)
        for direction in (0, 2, 4, 6, 1, 3, 5, 7):
            there = surface.neighbour(z, part, direction)
            lower = there < lowest
            np.copyto(lowest, there, where=lower)
            step[lower] = surface.steps[direction]
            rise[lower] = rises[direction]
            np.logical_or(missing, np.isnan(there), out=missing)
        edge[part] = missing & ~np.isnan(here)
        falls = (here >= lowest.astype(np.float64) + rise) & (here > lowest) & ~edge[part]
        np.add(towards[part], step, out=towards[part], where=falls)
    _follow(surface, towards, progress)
    return ~(np.isnan(z) | edge[towards])


def _follow(surface: Surface, towards: np.ndarray, progress: Progress) -> None:
    """Replace each cell's next cell by the last one of its way (pointer jumping, in place)."""
    moved = True
    while moved:
        moved = False
        for part in surface.chunks():
            progress.check()
            further = towards[towards[part]]
            if not np.array_equal(further, towards[part]):
                towards[part] = further
                moved = True


def _seeds(surface: Surface, open_cells: np.ndarray, progress: Progress) -> np.ndarray:
    """Settled cells beside open ones, lowest first, then in reading order."""
    found = []
    for part in surface.chunks():
        progress.check()
        beside = np.zeros(part.stop - part.start, bool)
        for direction in range(8):
            beside |= surface.neighbour(open_cells, part, direction)
        beside &= ~open_cells[part] & ~np.isnan(surface.z[part])
        found.append(np.flatnonzero(beside) + part.start)
    seeds = np.concatenate(found)
    return seeds[np.argsort(surface.z[seeds], kind="stable")]


def _flood(
    surface: Surface, open_cells: np.ndarray, seeds: np.ndarray, rises: np.ndarray, progress: Progress
) -> None:
    """Settle the open cells from the lowest seed upwards.

    Cells of one elevation wait in one bucket, and the heap holds elevations: integer DEMs have few.
    """
    buckets = _buckets(surface, seeds, progress)
    heap = list(buckets)
    counter = progress.counter(int(np.count_nonzero(open_cells)) + seeds.size, "cells filled")
    z: Any = surface.z.data
    waiting = open_cells.view(np.uint8).data
    row = surface.stride
    nearer = float(rises[0]), -row, -1, 1, row
    farther = float(rises[1]), -row - 1, -row + 1, row - 1, row + 1
    unseen = 0
    while heap:
        level = heapq.heappop(heap)
        bucket = buckets[level]
        read = 0
        # On flats the bucket grows while it is read.
        while read < len(bucket):
            cells = bucket[read:]
            read = len(bucket)
            for rise, a, b, c, d in (nearer, farther):
                least = level + rise
                for cell in cells:
                    for other in (cell + a, cell + b, cell + c, cell + d):
                        if waiting[other]:
                            waiting[other] = 0
                            height = z[other]
                            if height < least:
                                z[other] = least
                                height = z[other]
                            if height in buckets:
                                buckets[height].append(other)
                            else:
                                buckets[height] = [other]
                                heapq.heappush(heap, height)
            unseen += len(cells)
            if unseen >= _LOOK:
                counter.advance(unseen)
                unseen = 0
        del buckets[level]
    counter.advance(unseen)


def _buckets(surface: Surface, seeds: np.ndarray, progress: Progress) -> dict[float, list[int]]:
    """Seeds by elevation, lowest first."""
    buckets: dict[float, list[int]] = {}
    for start in range(0, seeds.size, _LOOK):
        progress.check()
        part = seeds[start : start + _LOOK]
        for height, cell in zip(surface.z[part].tolist(), part.tolist()):
            buckets.setdefault(height, []).append(cell)
    return buckets
