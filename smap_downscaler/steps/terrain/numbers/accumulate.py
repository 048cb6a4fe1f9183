"""Upslope area: each cell's own water plus what its higher neighbours send, highest cells first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from .routing import Router
from .surface import CHUNK, Surface


@dataclass(frozen=True)
class FlowOrder:
    """Cells level by level: all higher neighbours of a cell are in earlier levels.

    Attributes
    ----------
    cells : integer array (n,)
        Places in the flat array of the surface.
    starts : integer array (levels + 1,)
        Where each level starts in `cells`.
    """

    cells: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class WaterBalance:
    """Where the water went if one unit falls on each valid cell.

    Attributes
    ----------
    cells : int
        Valid cells, which is the water that fell.
    outflow : float
        Left over the edge of the raster or into missing cells (the mirrored gradient of FD8 and MFD-md).
    kept_at_edge : float
        In cells without outflow at the edge or beside missing cells: at its way out.
    kept : float
        In inner cells without outflow: filled flats, lost to the cells below.
    """

    cells: int
    outflow: float
    kept_at_edge: float
    kept: float

    @property
    def kept_share(self) -> float:
        """Share of the water that ends in inner cells without outflow, 0...1."""
        return self.kept / self.cells if self.cells else 0.0


def flow_order(surface: Surface, progress: Progress = SILENT) -> FlowOrder:
    """Order the valid cells by levels: peel off, again and again, those with no higher neighbour left."""
    higher = _higher_neighbours(surface, progress)
    valid = ~np.isnan(surface.z)
    total = int(np.count_nonzero(valid))
    cells = np.empty(total, np.int32 if surface.size < 2**31 else np.int64)
    level = np.flatnonzero(valid & (higher == 0))
    starts, end = [0], 0
    counter = progress.counter(total, "cells ordered")
    while level.size:
        cells[end : end + level.size] = level
        end += level.size
        starts.append(end)
        counter.advance(level.size)
        level = _next_level(surface, higher, level, progress)
    return FlowOrder(cells, np.array(starts))


def _higher_neighbours(surface: Surface, progress: Progress) -> np.ndarray:
    count = np.zeros(surface.size, np.uint8)
    for part in surface.chunks():
        progress.check()
        for direction in range(8):
            count[part] += surface.neighbour(surface.z, part, direction) > surface.z[part]
    return count


def _next_level(surface: Surface, higher: np.ndarray, level: np.ndarray, progress: Progress) -> np.ndarray:
    """Take a level away, and return the cells that it leaves without a higher neighbour."""
    z, found = surface.z, []
    for start in range(0, level.size, CHUNK):
        progress.check()
        cells = level[start : start + CHUNK]
        heights = z[cells]
        for step in surface.steps:
            below = cells + step
            below = below[z[below] < heights]
            # In one direction no cell is met twice.
            left = higher[below] - np.uint8(1)
            higher[below] = left
            found.append(below[left == 0])
    return np.sort(np.concatenate(found))


def upslope_cells(
    surface: Surface, order: FlowOrder, router: Router, progress: Progress = SILENT
) -> tuple[np.ndarray, WaterBalance]:
    """Cells whose water passes each cell, its own included.

    Parameters
    ----------
    surface : Surface
        Filled elevations.
    order : FlowOrder
        Of that surface.
    router : callable
        One of `routing.ROUTINGS`.

    Returns
    -------
    float64 array like ``surface.z``, 0 at missing cells, and the balance of the water
    """
    weights, edges = _inflow_weights(surface, router, progress.part(0.0, 0.6))
    amounts = _accumulate(surface, order, weights, progress.part(0.6, 1.0))
    return amounts, _balance(order.cells.size, amounts, edges)


@dataclass
class _Ends:
    """Cells from which water leaves the raster, with its share, and cells that keep all."""

    leaving: list[np.ndarray]
    shares: list[np.ndarray]
    kept_at_edge: list[np.ndarray]
    kept: list[np.ndarray]


def _inflow_weights(surface: Surface, router: Router, progress: Progress) -> tuple[np.ndarray, _Ends]:
    """Share that each cell gets from each of its neighbours, float64 (size, 8), and where flow ends."""
    inflow = np.zeros((surface.size, 8))
    ends = _Ends([], [], [], [])
    counter = progress.counter(surface.size, "cells routed")
    for part in surface.chunks():
        falls = surface.falls(part)
        weights = router(falls, surface.cell)
        missing = np.isnan(falls)
        _note_ends(ends, surface.z[part], part.start, weights, missing)
        weights[missing] = 0.0
        for direction, step in enumerate(surface.steps):
            inflow[part.start + step : part.stop + step, (direction + 4) % 8] = weights[direction]
        counter.advance(part.stop - part.start)
    return inflow, ends


def _note_ends(ends: _Ends, z: np.ndarray, start: int, weights: np.ndarray, missing: np.ndarray) -> None:
    at_edge = missing.any(axis=0)
    leaving = np.where(missing, weights, 0.0).sum(axis=0)
    out = np.flatnonzero(leaving > 0)
    ends.leaving.append(out + start)
    ends.shares.append(leaving[out])
    stays = ~np.isnan(z) & ~weights.any(axis=0)
    ends.kept_at_edge.append(np.flatnonzero(stays & at_edge) + start)
    ends.kept.append(np.flatnonzero(stays & ~at_edge) + start)


def _accumulate(surface: Surface, order: FlowOrder, inflow: np.ndarray, progress: Progress) -> np.ndarray:
    amounts = np.zeros(surface.size)
    sources = surface.steps[None, :]
    counter = progress.counter(order.cells.size, "cells accumulated")
    for start, stop in _portions(order):
        cells = order.cells[start:stop].astype(np.int64)
        shares = inflow.take(cells, axis=0)
        neighbours = cells[:, None] + sources
        first, last = np.searchsorted(order.starts, (start, stop), side="left")
        bounds = sorted({start, *order.starts[first:last].tolist(), stop})
        for low, high in zip(bounds[:-1], bounds[1:]):
            part = slice(low - start, high - start)
            water = amounts.take(neighbours[part])
            water *= shares[part]
            amounts[cells[part]] = water.sum(axis=1) + 1.0
        counter.advance(stop - start)
    return amounts


def _portions(order: FlowOrder) -> Iterator[tuple[int, int]]:
    for start in range(0, order.cells.size, CHUNK):
        yield start, min(start + CHUNK, order.cells.size)


def _balance(cells: int, amounts: np.ndarray, ends: _Ends) -> WaterBalance:
    outflow = sum(float((amounts[at] * share).sum()) for at, share in zip(ends.leaving, ends.shares))
    kept_at_edge = sum(float(amounts[at].sum()) for at in ends.kept_at_edge)
    kept = sum(float(amounts[at].sum()) for at in ends.kept)
    return WaterBalance(cells, outflow, kept_at_edge, kept)
