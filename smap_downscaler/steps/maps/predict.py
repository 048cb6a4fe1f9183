"""Blocks of maps: models applied to the covariates of pixels (paper 2.3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.progress import Progress
from ...geo.grid import Window
from ...methods.base import Block, Model
from ...methods.features import add_features
from ...methods.fine_blocks import pixel_coordinates
from ...series.dated_on_grid import OnPixels
from .bands import LOWER, NAME, UPPER
from .consistency import Layers
from .inputs import MapInputs

#: Bytes a pixel takes while it is predicted, beside those of its covariates (read, gathered, positions).
_BYTES_PER_PIXEL, _BYTES_PER_COVARIATE, _BYTES_PER_BAND = 64, 8, 16
_LARGEST_BLOCK = 1 << 20


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


def tasks_of(
    inputs: MapInputs, dates: Sequence[dt.date], parts: Sequence[Window], dated: Sequence[OnPixels]
) -> Iterator[Task]:
    """The blocks of all maps, date by date; `dated` are the dated covariates."""
    forests = inputs.forests
    coordinates = None
    if forests.method.uses_coordinates and forests.grid is not None:
        coordinates = pixel_coordinates(inputs.stack.grid, forests.grid)
    # Each is asked for on all dates.
    masks = [inputs.part.inside(block) for block in parts]
    for date in dates:
        model = inputs.model(date)
        inputs.extra.check(model, forests)
        for block, inside in zip(parts, masks):
            window = inputs.part.window.part(block)
            needed = dated if inside is None or inside.any() else []
            blocks_of = {one.covariate.name: one.block(date, window) for one in needed}
            yield Task(inputs, model, date, block, window, inside, blocks_of, coordinates)


def predict(task: Task, progress: Progress) -> Layers:
    """Soil moisture of a block, and what `extra` asks for; NaN where any covariate is missing."""
    shape = task.block.height, task.block.width
    layers = [np.full(shape, np.nan) for _ in task.inputs.bands]
    if task.inside is not None and not task.inside.any():
        return task.block, layers
    covariates = _covariates(task, progress)
    valid = np.isfinite(covariates).all(axis=0)
    if task.inside is not None:
        valid &= task.inside
    if valid.any():
        x = np.ascontiguousarray(covariates[:, valid].T)
        days = np.full(len(x), task.date.toordinal(), np.int64)
        coordinates = None if task.coordinates is None else task.coordinates(task.window)[valid]
        block = Block(add_features(x, days, task.inputs.forests.features), days, coordinates)
        for layer, values in zip(layers, task.inputs.extra.layers(task.model, block, progress)):
            layer[valid] = values
    return task.block, layers


def clipped(inputs: MapInputs, layers: Layers) -> Layers:
    """A block, its soil moisture brought to the limits where that is wanted, in place."""
    block, own = layers
    if inputs.clip and np.isfinite(own[0]).any():
        soil_moisture = [layer for name, layer in zip(inputs.bands, own) if name in (NAME, LOWER, UPPER)]
        inputs.limits.clip(soil_moisture, block)
    return layers


def _covariates(task: Task, progress: Progress) -> np.ndarray:
    """Covariates in the order of the forest, the derived ones left out: float32, shape (p, rows, columns)."""
    names = task.inputs.forests.covariates
    out = np.empty((len(names), task.window.height, task.window.width), np.float32)
    static = [name for name in names if name not in task.dated]
    out[[names.index(name) for name in static]] = task.inputs.stack.read(static, task.window)
    for name, block in task.dated.items():
        out[names.index(name)] = block(progress)
    return out


def pixels_a_block(inputs: MapInputs, dated: Sequence[OnPixels], threads: int, memory_mb: int) -> int:
    """How many pixels blocks may have."""
    # Of dated covariates that are averaged a thread reads one at a time; the others are read ahead.
    free = memory_mb * 2**20 - threads * max((one.bytes_a_block for one in dated), default=0)
    bytes_per_pixel = _BYTES_PER_PIXEL + _BYTES_PER_COVARIATE * len(inputs.forests.names)
    bytes_per_pixel += sum(one.bytes_a_pixel for one in dated)
    bytes_per_pixel += _BYTES_PER_BAND * (len(inputs.bands) - 1)
    # ordered_map keeps up to 2 blocks a thread.
    return max(min(free // (2 * threads * bytes_per_pixel), _LARGEST_BLOCK), 1)
