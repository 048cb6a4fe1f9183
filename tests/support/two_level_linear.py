"""A second method, in one file: linear on two levels, the dates' mean pattern and each date's departures.

It asks for all that the seam offers: the SMAP grid and coordinates, the fine stack (by whose pixels
covariates are standardised), settings of its own, a standard deviation.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from smap_downscaler.base.errors import InputError
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.methods.base import (
    NO_WISHES,
    Block,
    Cells,
    Method,
    Model,
    ModelFileError,
    Prediction,
    Wishes,
)
from smap_downscaler.methods.keys import POOLED
from smap_downscaler.methods.skill import OobScores

#: Standard deviations on either side of the mean that hold nine tenths of a normal distribution.
NORMAL = 1.6448536269514722


@dataclass(frozen=True)
class LinearSettings:
    """Penalty on the coefficients, 0 or more; seed of the run."""

    ridge: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.ridge < np.inf:
            raise InputError(f"RIDGE is {self.ridge}; give 0 or more.")

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, for JSON."""
        return asdict(self)


def solve(design: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    """Least squares with a penalty on all columns but the first."""
    penalty = ridge * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    found: np.ndarray = np.linalg.lstsq(design.T @ design + penalty, design.T @ y, rcond=None)[0]
    return found


class LinearModel(Model):
    """Coefficients of the mean pattern, and of each date."""

    has_sd = True

    def __init__(self, numbers: Mapping[str, Any]):
        self.numbers = dict(numbers)
        self.mean, self.scale, self.pattern = (
            np.array(numbers[name]) for name in ("mean", "scale", "pattern")
        )
        self.dates = {int(day): np.array(one) for day, one in numbers["dates"].items()}

    def design(self, x: np.ndarray) -> np.ndarray:
        """Ones and the standardised covariates."""
        return np.column_stack([np.ones(len(x)), (x - self.mean) / self.scale])

    def predict(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Prediction:
        """Pattern plus departure; a date that was not seen has none, and twice the deviation.

        The interval is that of a normal distribution.
        """
        left, top, width, height = self.numbers["frame"]
        place = (block.coordinates - (left, top)) / (width, height)
        design = self.design(block.x)
        predicted = np.column_stack([design, place]) @ self.pattern
        spread = np.full(len(predicted), self.numbers["sd"])
        for day in np.unique(block.days):
            rows = block.days == day
            if int(day) in self.dates:
                predicted[rows] += design[rows] @ self.dates[int(day)]
            else:
                spread[rows] *= 2
        if not sd:
            return Prediction(predicted)
        return Prediction(predicted, spread, predicted - NORMAL * spread, predicted + NORMAL * spread)

    def members(self, covariates: int) -> dict[str, bytes]:
        """All numbers as JSON, and the scales once more as an array."""
        if covariates != len(self.mean):
            raise InputError(f"The model has {len(self.mean)} covariates, not {covariates}.")
        stream = io.BytesIO()
        np.save(stream, self.scale, allow_pickle=False)
        return {"numbers.json": json.dumps(self.numbers).encode(), "scale.npy": stream.getvalue()}


class TwoLevelLinear(Method):
    """See the head of this file."""

    name = "two-level linear"
    modes = (POOLED,)
    uses_coordinates = True
    columns = {"ridge": float}  # noqa: RUF012

    def read_settings(self, content: Mapping[str, Any]) -> LinearSettings:
        """Settings from JSON."""
        return LinearSettings(**content)

    def fit(
        self,
        cells: Cells,
        settings: LinearSettings,
        key: int,
        progress: Progress = SILENT,
        threads: int = 1,
        wishes: Wishes = NO_WISHES,
    ) -> LinearModel:
        """Cell means on covariates and coordinates, then the departures of each date on covariates."""
        grid, fine = cells.grid, cells.fine
        if grid is None or fine is None or cells.coordinates is None:
            raise InputError("The method needs the SMAP grid and the fine stack.")
        count, total, squares = 0, np.zeros(len(cells.names)), np.zeros(len(cells.names))
        for block in fine.blocks(cells.names, progress):
            inside = np.isfinite(block.x).all(axis=0) & (block.rows >= 0) & (block.rows < grid.height)
            x = block.x[:, inside & (block.cols >= 0) & (block.cols < grid.width)].astype(np.float64)
            count, total, squares = count + x.shape[1], total + x.sum(axis=1), squares + (x**2).sum(axis=1)
        mean = total / count
        frame = (grid.left, grid.top, grid.width * grid.cell_width, -grid.height * grid.cell_height)
        numbers: dict[str, Any] = {
            "mean": mean.tolist(),
            "scale": np.sqrt(squares / count - mean**2).tolist(),
            "frame": frame,
            "pattern": [],
            "dates": {},
            "sd": 0.0,
        }
        model = LinearModel(numbers)
        design = model.design(cells.x)
        _, first, of_row = np.unique(cells.cells, axis=0, return_index=True, return_inverse=True)
        of_row = of_row.reshape(-1)
        means = np.bincount(of_row, cells.y) / np.bincount(of_row)
        place = (cells.coordinates - frame[:2]) / frame[2:]
        whole = np.column_stack([design, place])
        numbers["pattern"] = solve(whole[first], means, settings.ridge).tolist()
        rest = cells.y - whole @ np.array(numbers["pattern"])
        for day in np.unique(cells.days):
            rows = cells.days == day
            numbers["dates"][str(int(day))] = solve(design[rows], rest[rows], settings.ridge).tolist()
        model = LinearModel(numbers)
        predicted = model.predict(Block(cells.x, cells.days, cells.coordinates)).mean
        numbers["sd"] = float(np.std(predicted - cells.y))
        model = LinearModel(numbers)
        model.settings, model.scores = settings, OobScores.of(cells.y, predicted)
        return model

    def load(
        self, members: Mapping[str, bytes], names: Sequence[str], scores: OobScores | None
    ) -> LinearModel:
        """The model of its numbers."""
        numbers = json.loads(members["numbers.json"])
        scale = np.load(io.BytesIO(members["scale.npy"]), allow_pickle=False)
        if scale.tolist() != numbers["scale"] or len(scale) != len(names):
            raise ModelFileError("The scales are not those of the numbers.")
        model = LinearModel(numbers)
        model.scores = scores
        return model
