"""Blocks of maps: models applied to the covariates of pixels (paper 2.3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...base.kept import Kept
from ...base.progress import Progress
from ...geo.grid import Window
from ...methods.base import Block, Model
from ...methods.features import add_features
from ...methods.fine_blocks import pixel_coordinates
from ...methods.keys import POOLED
from ...series.dated_on_grid import OnPixels
from .bands import LOWER, NAME, UPPER
from .inputs import MapInputs
from .under import Layers

#: Bytes a pixel takes while it is predicted, beside those of its covariates (read, gathered, positions).
_BYTES_PER_PIXEL, _BYTES_PER_COVARIATE, _BYTES_PER_BAND = 64, 8, 16
#: What a model may keep a pixel so that standard deviations of many dates are fast.
_BYTES_OF_SD = 128
_LARGEST_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of a block that have all static covariates, and get a value.

    Attributes
    ----------
    places : int32, shape (n,)
        Where they lie in the block, row by row, in the order in which they are predicted.
    x : float32, shape (n, p), or None
        Covariates in the order of the model, 0 for those of a date; None where `still` says it all.
    coordinates : float64, shape (n, 2), or None
    still
        Of the model of all dates; see `Model.still`.
    """

    places: np.ndarray
    x: np.ndarray | None
    coordinates: np.ndarray | None
    still: Any | None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        own = self.places.nbytes + (0 if self.x is None else self.x.nbytes)
        own += 0 if self.coordinates is None else self.coordinates.nbytes
        return own + (0 if self.still is None else int(self.still.nbytes))


@dataclass(frozen=True)
class Task:
    """A block of a map, its place in the stack, and all that is needed to fill it.

    `inside`: which of its pixels get a value; None: all.
    """

    inputs: MapInputs
    model: Model
    date: dt.date
    block: Window
    window: Window
    inside: np.ndarray | None
    dated: Mapping[str, Callable[[Progress], np.ndarray]]
    coordinates: Callable[[Window], np.ndarray] | None
    kept: Kept[Pixels]


def tasks_of(
    inputs: MapInputs,
    dates: Sequence[dt.date],
    parts: Sequence[tuple[Window, np.ndarray | None]],
    dated: Sequence[OnPixels],
    kept: Kept[Pixels],
) -> Iterator[Task]:
    """The blocks of all maps, date by date.

    `parts`: the blocks, and which of their pixels get a value (None: all); `dated`: the dated covariates.
    """
    forests = inputs.forests
    coordinates = None
    if forests.method.uses_coordinates and forests.grid is not None:
        coordinates = pixel_coordinates(inputs.stack.grid, forests.grid)
    for date in dates:
        model = inputs.model(date)
        inputs.extra.check(model, forests)
        model.keep_in(kept)
        for block, inside in parts:
            window = inputs.part.window.part(block)
            needed = dated if inside is None or inside.any() else []
            blocks_of = {one.covariate.name: one.block(date, window, kept) for one in needed}
            yield Task(inputs, model, date, block, window, inside, blocks_of, coordinates, kept)


def predict(task: Task, progress: Progress) -> Layers:
    """Soil moisture of a block, and what `extra` asks for; NaN where any covariate is missing."""
    shape = task.block.height, task.block.width
    layers = [np.full(shape, np.nan) for _ in task.inputs.bands]
    if task.inside is not None and not task.inside.any():
        return task.block, layers
    pixels = task.kept.of(task.window, partial(_pixels_of, task, progress))
    places, x, coordinates, still = pixels.places, pixels.x, pixels.coordinates, pixels.still
    names, known = task.inputs.forests.covariates, np.ones(len(places), bool)
    if x is None:
        # Columns that stay 0 are never touched, and take no memory.
        x = np.zeros((len(names), len(places)), np.float32).T
    elif task.dated:
        x = x.copy()
    for name, read in task.dated.items():
        values = read(progress).reshape(-1)[places]
        known &= np.isfinite(values)
        x[:, names.index(name)] = values
    # What all dates share is large, and is not cut for a mean that can be left out afterwards.
    complete = bool(known.all())
    cut = not complete and (still is None or len(layers) > 1)
    if cut:
        places, x = places[known], x[known]
        coordinates = None if coordinates is None else coordinates[known]
        still = None if still is None else still.take(known)
    if len(x):
        days = np.full(len(x), task.date.toordinal(), np.int64)
        block = Block(add_features(x, days, task.inputs.forests.features), days, coordinates, still)
        for layer, values in zip(layers, task.inputs.extra.layers(task.model, block, progress)):
            layer.reshape(-1)[places] = values if cut or complete else np.where(known, values, np.nan)
    return task.block, layers


def _pixels_of(task: Task, progress: Progress) -> Pixels:
    """What a block's maps of all dates share."""
    forests = task.inputs.forests
    names = forests.covariates
    static = [name for name in names if name not in task.dated]
    values = task.inputs.stack.read(static, task.window)
    valid = np.isfinite(values).all(axis=0)
    if task.inside is not None:
        valid &= task.inside
    places = np.flatnonzero(valid).astype(np.int32)
    x = np.zeros((len(places), len(names)), np.float32)
    for name, layer in zip(static, values):
        x[:, names.index(name)] = layer[valid]
    coordinates = None if task.coordinates is None else task.coordinates(task.window)[valid]
    still, extra = None, task.inputs.extra
    if forests.mode == POOLED:
        days = np.zeros(len(x), np.int64)
        still = task.model.still(Block(x, days, coordinates), progress, extra.intervals)
        if still is not None and not extra.applicability:
            return Pixels(places, None, None, still)
    order = None
    if still is None and len(x):
        order = task.model.arranged(x, *np.divmod(places, task.window.width), progress)
    if order is not None:
        places, x = places[order], x[order]
        coordinates = None if coordinates is None else coordinates[order]
    return Pixels(places, x, coordinates, still)


def clipped(inputs: MapInputs, layers: Layers) -> Layers:
    """A block, its soil moisture brought to the limits where that is wanted, in place."""
    block, own = layers
    if inputs.clip and np.isfinite(own[0]).any():
        soil_moisture = [layer for name, layer in zip(inputs.bands, own) if name in (NAME, LOWER, UPPER)]
        inputs.limits.clip(soil_moisture, block)
    return layers


def pixels_a_block(inputs: MapInputs, dated: Sequence[OnPixels], threads: int, memory_mb: int) -> int:
    """How many pixels blocks may have."""
    # Of dated covariates that are averaged a thread reads one at a time; the others are read ahead.
    free = memory_mb * 2**20 - threads * max((one.bytes_a_block for one in dated), default=0)
    bytes_per_pixel = _BYTES_PER_PIXEL + _BYTES_PER_COVARIATE * len(inputs.forests.names)
    bytes_per_pixel += sum(one.bytes_a_pixel for one in dated)
    bytes_per_pixel += _BYTES_PER_BAND * (len(inputs.bands) - 1)
    bytes_per_pixel += _BYTES_OF_SD if inputs.extra.intervals else 0
    # ordered_map keeps up to 2 blocks a thread.
    return max(min(free // (2 * threads * bytes_per_pixel), _LARGEST_BLOCK), 1)
