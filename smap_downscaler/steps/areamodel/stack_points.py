"""Whether a stack holds the covariates that a model learned: its values at some points of the training stack.

A model standardises covariates by the pixels that it was trained on. A stack of the same names in another
unit, or standardised by its own mean, gives maps that look well and are wrong. A coarser stack of the same
covariates is no such thing: there, means of pixels stand for pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...base.words import joined, text
from ...geo.grid import Grid, Window
from ...geo.points import points_on_grid
from ...methods.file.reader import ModelFile
from ...series.stack import Stack

#: Where a model file keeps them.
POINTS = "stack_points"
#: Points, in bundles that lie close together, since a pixel costs a tile of the file.
_BUNDLES_A_SIDE, _A_BUNDLE = 5, 8
#: Side of the square that a bundle lies in, pixels.
_SIDE = 64
_SEED = 8105
#: Points that tell something together, at least.
_LEAST = 20
#: How far means may be apart, in SDs of the training's pixels, and slopes of lines off 1, where they are
#: known so well; else so many of their standard errors.
_MOST_SHIFT, _MOST_SLOPE, _MOST_ERRORS = 0.5, 0.5, 4.0
#: Significant digits that a file keeps.
_DIGITS = 7


@dataclass(frozen=True, eq=False)
class StackPoints:
    """Values of covariates of a stack at points.

    Attributes
    ----------
    crs : str
    x, y : float64, shape (n,)
    values : dict of str to float64, shape (n,)
        By covariate; NaN where missing.
    """

    crs: str
    x: np.ndarray
    y: np.ndarray
    values: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, stack: Stack, cells: Grid, progress: Progress = SILENT) -> StackPoints:
        """About 200 pixels of a stack, spread over cells: the same for the same stack and cells."""
        generator = np.random.default_rng(_SEED)
        bounds, middles = cells.bounds, (np.arange(_BUNDLES_A_SIDE) + 0.5) / _BUNDLES_A_SIDE
        x = bounds.left + (bounds.right - bounds.left) * middles
        y = bounds.bottom + (bounds.top - bounds.bottom) * middles
        found = points_on_grid(stack.grid, cells.crs, *(one.ravel() for one in np.meshgrid(x, y)))
        rows, cols = [], []
        for row, col in zip(found.rows[found.inside].tolist(), found.cols[found.inside].tolist()):
            away = generator.integers(-_SIDE // 2, _SIDE // 2, (2, _A_BUNDLE))
            rows.append(np.clip(int(row) + away[0], 0, stack.grid.height - 1))
            cols.append(np.clip(int(col) + away[1], 0, stack.grid.width - 1))
        places = np.stack([np.concatenate(rows or [[]]), np.concatenate(cols or [[]])]).astype(np.int64)
        px, py = stack.grid.x_centres()[places[1]], stack.grid.y_centres()[places[0]]
        return cls(stack.grid.crs, px, py, _read(stack, stack.names, places[0], places[1], progress))

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        values = {name: [_written(one) for one in column.tolist()] for name, column in self.values.items()}
        return {"crs": self.crs, "x": self.x.tolist(), "y": self.y.tolist(), "values": values}

    def doubts(self, stack: Stack, progress: Progress = SILENT) -> list[str]:
        """The covariates that another stack holds otherwise at these points, each as a part of a sentence.

        Two stacks of the same covariates agree where they have the same pixels; where pixels of one are means
        of those of the other, the line of the finer on the coarser has the slope 1, and means agree.

        Raises
        ------
        InputError
            If the stack cannot be read.
        """
        found = points_on_grid(stack.grid, self.crs, self.x, self.y)
        if found.inside.sum() < _LEAST:
            return []
        rows, cols = (one[found.inside].astype(np.int64) for one in (found.rows, found.cols))
        names = [name for name in self.values if name in stack.names]
        given = _read(stack, names, rows, cols, progress)
        words = (_difference(name, self.values[name][found.inside], given[name]) for name in names)
        return [one for one in words if one]


def points_from(content: Any) -> StackPoints | None:
    """The way back from `StackPoints.as_dict`; None for what is none."""
    try:
        x, y = (np.array(content[name], np.float64) for name in ("x", "y"))
        values = {str(name): np.array(column, np.float64) for name, column in content["values"].items()}
        crs = str(content["crs"])
    except (TypeError, KeyError, AttributeError, ValueError):
        return None
    fits = x.ndim == 1 and all(one.shape == x.shape for one in (y, *values.values()))
    return StackPoints(crs, x, y, values) if fits else None


def _read(
    stack: Stack, names: Sequence[str], rows: np.ndarray, cols: np.ndarray, progress: Progress
) -> dict[str, np.ndarray]:
    """Values of pixels, by name; those that lie in one square are read together."""
    values = np.full((len(names), rows.size), np.nan)
    squares = np.stack([rows // _SIDE, cols // _SIDE], axis=1)
    for square in np.unique(squares, axis=0):
        progress.check()
        own = np.flatnonzero((squares == square).all(axis=1))
        top, left = int(rows[own].min()), int(cols[own].min())
        window = Window(top, left, int(rows[own].max()) - top + 1, int(cols[own].max()) - left + 1)
        values[:, own] = stack.read(names, window)[:, rows[own] - top, cols[own] - left]
    return dict(zip(names, values))


def _written(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _difference(name: str, old: np.ndarray, new: np.ndarray) -> str:
    """How a covariate differs; empty where it does not, or too little is known."""
    both = np.isfinite(old) & np.isfinite(new)
    old, new = old[both], new[both]
    if old.size < _LEAST or not np.ptp(old):
        return ""
    scale = float(np.std(old))
    shift = float(np.mean(new) - np.mean(old)) / scale
    if abs(shift) <= _MOST_SHIFT and _has_slope_one(old, new):
        return ""
    return text(
        "{} (mean {:.4g}, SD {:.4g}, and in the training {:.4g}, {:.4g})",
        name,
        float(np.mean(new)),
        float(np.std(new)),
        float(np.mean(old)),
        scale,
    )


def _has_slope_one(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether the line of one on the other, or of the other on the one, has a slope of about 1."""
    together = float(np.mean((old - old.mean()) * (new - new.mean())))
    spreads = float(np.var(old)), float(np.var(new))
    for spread, other in zip(spreads, spreads[::-1]):
        if spread > 0:
            slope = together / spread
            error = math.sqrt(max(other / spread - slope**2, 0.0) / (old.size - 2))
            if abs(slope - 1) <= max(_MOST_SLOPE, _MOST_ERRORS * error):
                return True
    return False


def stack_sentence(models: ModelFile, stack: Stack, progress: Progress = SILENT) -> str:
    """The warning of a stack that holds other values than the one that models were trained on, or nothing."""
    points = points_from(models.extra.get(POINTS))
    doubts = points.doubts(stack, progress) if points is not None else []
    if not doubts:
        return ""
    return text(
        "{}: at the same places the stack holds other values than the one that {} was trained on: {}; give "
        "the covariates in the units of the training, and not standardised anew",
        stack.source,
        str(models.path),
        joined("; ", doubts),
    )
