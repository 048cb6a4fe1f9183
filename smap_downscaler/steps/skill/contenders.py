"""What is compared: ways to map soil moisture, from the nearest cell to a forest that saw the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.sampling import bilinear, nearest
from ...methods.area.method import AREA_TO_POINT
from ...methods.area.model import AreaModel
from ...methods.area.residual import fit_residual
from ...methods.area.settings import KINDS, AreaSettings
from ...methods.base import BY_EVIDENCE, NO_DETAIL, Block, Cells, Model, Prediction
from ...methods.forest.method import RANDOM_FOREST
from ...methods.forest.settings import PAPER, ForestSettings
from ...methods.keys import PooledKey, key_number
from .numbers.verdict import BILINEAR, CEILING
from .trial import Asked, Trial

NEAREST, CUBIC = "nearest", "cubic"
KRIGING, LINEAR, LINEAR_RESIDUAL = "kriging alone", "linear", "linear + residual"
PAPER_FOREST, PAPER_RESIDUAL = "paper", "paper + residual"
SINGLE, TWO_LEVELS = "area-to-point by date", "area-to-point on two levels"
#: Dates from which on there are two levels.
LEAST_DATES = 6
_PIXELS_A_BLOCK = 1 << 18
#: Noise that the area-to-point model is told at least, m3 m-3: there is none that it thinks of as nought.
_LEAST_NOISE = 1e-3
#: Pixels that the forest of the ceiling is grown on, and how.
_FINE_ROWS = 10_000
_FINE_FOREST = ForestSettings(100, None, None, 2, 5, None, 1)


@dataclass(frozen=True, eq=False)
class Made:
    """A map of a date.

    Attributes
    ----------
    values : Prediction
        At the pixels that were asked for.
    snr, detail : float
        See `scores.MapScore`.
    smooth : ndarray or None
        The map without any of its pattern.
    """

    values: Prediction
    snr: float = math.nan
    detail: float = math.nan
    smooth: np.ndarray | None = None


#: Gives the map of a date by its number.
Mapper = Callable[[int, Progress], Made]
#: Learns what it needs of a trial.
Contender = Callable[[Trial, Progress], Mapper]


def _interpolated(draw: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Contender:
    def contender(trial: Trial, _progress: Progress) -> Mapper:
        def made(date: int, _progress: Progress) -> Made:
            asked = trial.pixels(date)
            return Made(Prediction(draw(trial.observed[date], asked.rows, asked.cols)))

        return made

    return contender


def cubic(values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Cubic splines through the cells' centres, positions as of `sampling`; a gap has its nearest cell."""
    from scipy.ndimage import distance_transform_edt, map_coordinates

    missing = ~np.isfinite(values)
    filled = values
    if missing.any():
        filled = values[tuple(distance_transform_edt(missing, return_distances=False, return_indices=True))]
    return np.asarray(map_coordinates(filled, [rows - 0.5, cols - 0.5], order=3, mode="nearest"))


def _predicted(model: Model, block: Block, progress: Progress, sd: bool = False) -> Prediction:
    """The prediction of many pixels, some at a time."""
    count = len(block.x)
    parts = []
    for start in range(0, count, _PIXELS_A_BLOCK):
        progress.check()
        part = slice(start, start + _PIXELS_A_BLOCK)
        coordinates = None if block.coordinates is None else block.coordinates[part]
        parts.append(model.predict(Block(block.x[part], block.days[part], coordinates), progress, sd))
    mean = np.concatenate([part.mean for part in parts])
    if not sd:
        return Prediction(mean)
    others = (np.concatenate([part[place] for part in parts]) for place in range(1, len(Prediction._fields)))
    return Prediction(mean, *others)


class Regression:
    """Least squares on the means of cells, as a model of rows.

    Parameters
    ----------
    rows : Cells
    """

    def __init__(self, rows: Cells):
        x = rows.x.astype(np.float64)
        self._mean, spread = x.mean(axis=0), x.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._found = np.linalg.lstsq(self._design(rows.x), rows.y, rcond=None)[0]

    def _design(self, x: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(x)), (x - self._mean) / self._spread])

    def __call__(self, x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
        """Soil moisture of rows of covariates, float64."""
        return np.concatenate(
            [
                self._design(x[at : at + _PIXELS_A_BLOCK]) @ self._found
                for at in range(0, len(x), _PIXELS_A_BLOCK)
            ]
        )


#: Gives soil moisture of rows of covariates.
Rule = Callable[[np.ndarray, Progress], np.ndarray]


def _linear_rule(trial: Trial, date: int, _progress: Progress) -> Rule:
    return Regression(trial.rows((date,)))


def _paper_rule(trial: Trial, date: int, progress: Progress) -> Rule:
    """The paper's forest, through the seam."""
    rows, settings = trial.rows((date,)), replace(PAPER, seed=trial.seed)
    model = RANDOM_FOREST.fit(rows, settings, trial.days[date], progress)

    def rule(x: np.ndarray, progress: Progress) -> np.ndarray:
        return _predicted(model, Block(x, np.zeros(len(x), np.int64)), progress).mean

    return rule


def _of_rule(name: str, learn: Callable[[Trial, int, Progress], Rule], residual: bool) -> Contender:
    """A rule a date, with what it leaves of the cells through field and noise where asked for."""

    def contender(trial: Trial, _progress: Progress) -> Mapper:
        def made(date: int, progress: Progress) -> Made:
            x = trial.pixels(date).block.x
            values = trial.kept((name, date), lambda: learn(trial, date, progress)(x, progress))
            if residual:
                values = values + smooth_residual(trial, date, values, progress)
            return Made(Prediction(values))

        return made

    return contender


def smooth_residual(trial: Trial, date: int, values: np.ndarray, progress: Progress) -> np.ndarray:
    """What a map leaves of the cells, through field and noise, at its pixels.

    It is what SMAP saw less the mean of the map over each cell.  Less what a forest says of the cells' mean
    covariates it would be too small, since the forest has seen these cells: tried on 4 truths without
    footprint, the RMSE of the paper's forest was 1.12 of bilinear's so, and .97 as it is.
    """
    asked, observed = trial.pixels(date), trial.observed[date]
    rest = observed - trial.on_cells(date, values)
    known = np.isfinite(rest)
    found = fit_residual(
        trial.scene.cells, np.argwhere(known), rest[known], trial.footprint_km, progress=progress
    )
    return found.at(asked.rows, asked.cols)


def _ceiling(trial: Trial, _progress: Progress) -> Mapper:
    """A forest grown on fine truth, of half of the cells for the pixels of the other half, and a residual."""
    scene = trial.scene
    rng = np.random.default_rng((trial.seed, 77))
    half = rng.permutation(scene.cells.width * scene.cells.height) % 2

    def made(date: int, progress: Progress) -> Made:
        asked = trial.pixels(date)
        truth = trial.truth(date).ravel()[asked.where]
        side = half[scene.cell_of.ravel()[asked.where]]
        values = np.empty(len(truth))
        for number in (0, 1):
            others = np.flatnonzero((side != number) & np.isfinite(truth))
            some = rng.choice(others, min(_FINE_ROWS, len(others)), replace=False)
            none = np.zeros(len(some), np.int64)
            rows = Cells(
                asked.block.x[some], truth[some].astype(np.float64), np.column_stack([none, none]), none
            )
            settings = replace(_FINE_FOREST, seed=trial.seed)
            model = RANDOM_FOREST.fit(rows, settings, trial.days[date], progress)
            own = side == number
            block = Block(asked.block.x[own], np.zeros(int(own.sum()), np.int64))
            values[own] = _predicted(model, block, progress).mean
        return Made(Prediction(values + smooth_residual(trial, date, values, progress)))

    return made


def area_settings(trial: Trial, kinds: tuple[str, ...], given: bool) -> AreaSettings:
    """Settings of the area-to-point model; `given`: footprint and noise are."""
    if not given:
        return AreaSettings(terms=kinds, seed=trial.seed)
    noise = max(trial.noise, _LEAST_NOISE)
    return AreaSettings(trial.footprint_km, noise, kinds, seed=trial.seed, noise_factor=trial.noise_factor)


def _by_date(kinds: tuple[str, ...]) -> Contender:
    """The area-to-point model of each date alone, footprint and noise given."""

    def contender(trial: Trial, _progress: Progress) -> Mapper:
        def made(date: int, progress: Progress) -> Made:
            settings = area_settings(trial, kinds, True)
            model = AREA_TO_POINT.fit(trial.rows((date,)), settings, trial.days[date], progress)
            return area_map(model, trial.pixels(date), progress)

        return made

    return contender


def _two_levels(trial: Trial, progress: Progress) -> Mapper:
    if len(trial.days) < LEAST_DATES:
        raise InputError(
            f"{TWO_LEVELS} needs at least {LEAST_DATES} dates, and there are {len(trial.days)}; give more "
            "in DATES."
        )
    settings = area_settings(trial, KINDS, not trial.estimated)
    rows = trial.rows(tuple(range(len(trial.days))))
    model = AREA_TO_POINT.fit(rows, settings, key_number(PooledKey()), progress)

    def made(date: int, progress: Progress) -> Made:
        return area_map(model, trial.pixels(date), progress)

    return made


def area_map(model: AreaModel, asked: Asked, progress: Progress) -> Made:
    """A map by evidence, with its interval, and the one without any pattern."""
    shown = _predicted(model.with_detail(BY_EVIDENCE), asked.block, progress, model.has_sd)
    levels = model.levels
    if not model.settings.terms:
        # Without covariates there is nothing to judge.
        return Made(shown)
    smooth = _predicted(model.with_detail(NO_DETAIL), asked.block, progress).mean
    return Made(shown, levels[0].snr, levels[0].shown, smooth)


#: All contenders by name, in the order of tables.
CONTENDERS: Mapping[str, Contender] = {
    NEAREST: _interpolated(nearest),
    BILINEAR: _interpolated(bilinear),
    CUBIC: _interpolated(cubic),
    KRIGING: _by_date(()),
    LINEAR: _of_rule(LINEAR, _linear_rule, False),
    LINEAR_RESIDUAL: _of_rule(LINEAR, _linear_rule, True),
    PAPER_FOREST: _of_rule(PAPER_FOREST, _paper_rule, False),
    PAPER_RESIDUAL: _of_rule(PAPER_FOREST, _paper_rule, True),
    SINGLE: _by_date(KINDS),
    TWO_LEVELS: _two_levels,
    CEILING: _ceiling,
}
