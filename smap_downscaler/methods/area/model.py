"""An area-to-point model that is ready to predict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.kept import Kept
from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ...geo.sampling import Between
from ...stats.applicability import Applicability
from ..base import BY_EVIDENCE, COVER_SDS, Block, Model, Prediction
from ..measured import Measured, measured
from ..skill import Importance, OobScores
from .core import Core
from .fitted import Fitted
from .members import encode
from .settings import AreaSettings
from .still import Still, mean_of, still_of
from .summary import LevelSummary, curve_of, doubts_of, evidence_of, levels_of
from .trust import applicability_of_core
from .variance import Variances

#: Pixels at once: their terms stay in the processor's cache.
_PIXELS_AT_ONCE = 8192


class AreaModel(Model):
    """The model of a `Core`.

    Parameters
    ----------
    core : Core
    detail : str
        Of `base.DETAILS`.
    scores : OobScores or None
        Of each cell left out in turn.
    """

    has_sd = True

    def __init__(self, core: Core, detail: str = BY_EVIDENCE, scores: OobScores | None = None):
        self.core, self.scores = core, scores
        self.settings: AreaSettings = core.settings
        self.importance: Importance | None = None
        self.fitted = Fitted(core, detail)
        self._sure = Variances(self.fitted)

    # What reports ask for.

    @property
    def grid(self) -> Grid:
        """The SMAP grid."""
        return self.core.grid

    @property
    def names(self) -> tuple[str, ...]:
        """All covariates."""
        return self.core.names

    @property
    def left_out(self) -> dict[str, str]:
        """Covariates that are not used, and why."""
        core = self.core
        used = () if not core.settings.terms else (*core.static, *core.dated_names)
        rest = [name for name in core.names if name not in used] if used else []
        return {**core.moments.left_out, **dict.fromkeys(rest, "constant")}

    @property
    def footprint_km(self) -> float:
        """Full width at half maximum, km; 0 for none."""
        return self.core.footprint.km

    @property
    def footprints(self) -> dict[float, float]:
        """Twice the minimised likelihood by footprint; empty where it was given."""
        return self.core.footprint.values

    @property
    def footprint_note(self) -> str:
        """What the user should know of it, or empty."""
        return self.core.footprint.note

    @property
    def hurst(self) -> float:
        """How the field grows with distance."""
        return self.core.levels[0].hurst

    @property
    def hurst_note(self) -> str:
        """Where the data do not tell H, a sentence; else empty."""
        found = list(self.core.likelihoods.values())
        if len(found) > 1 and max(found) - min(found) < 1.0:
            return (
                "The roughness of the field (H) is not determined: all values fit alike; intervals below the "
                "cell hang on it"
            )
        return ""

    @property
    def noise_sd(self) -> float:
        """Standard deviation of SMAP's noise on one date, m3 m-3."""
        return self.core.noise

    @property
    def days(self) -> tuple[int, ...]:
        """Ordinals of the dates that were fitted."""
        return tuple(int(day) for day in self.core.days)

    @property
    def skipped(self) -> dict[int, str]:
        """Why dates were left out."""
        return self.core.skipped

    @property
    def n_cells(self) -> int:
        """How many cells were used."""
        return len(self.core.cells)

    def observed(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """What SMAP saw on a day.

        Returns
        -------
        cells : int64, shape (n, 2)
            Rows and columns in its grid.
        values : float64, shape (n,)
            m3 m-3.
        """
        places = np.flatnonzero(self.core.days == day)
        if not len(places):
            return np.zeros((0, 2), np.int64), np.zeros(0)
        values = self.core.cube[places[0]]
        seen = np.isfinite(values)
        return self.core.cells[seen] + np.array(self.core.subcells.corner), values[seen]

    def covers(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """As of `Model`."""
        return self.core.subcells.holds(*self.core.subcells.positions(rows, cols))

    @property
    def levels(self) -> tuple[LevelSummary, ...]:
        """What each level came to."""
        return tuple(levels_of(self.fitted))

    def curve(self, level: int, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Effect of a static covariate, and its standard deviation; see `curve_of`."""
        return curve_of(self.fitted, level, name, values)

    def evidence(self) -> list[str]:
        """What speaks for the pattern within cells, a sentence a level."""
        return evidence_of(self.fitted)

    def doubts(self) -> list[str]:
        """Those that speak of weak support of what is shown."""
        return doubts_of(self.fitted)

    @property
    def measured(self) -> Measured | None:
        """What the skill experiment measured of such models; of kriging alone nothing."""
        return measured(self.core.two_levels, self.footprint_km) if self.settings.terms else None

    def field_at(self, rows: np.ndarray, cols: np.ndarray, day: int | None = None) -> np.ndarray:
        """Mean and field, without terms, at places of the SMAP grid (fractions): float64, of their shape.

        Without a day that of the mean pattern.
        """
        core, found = self.core, 0.0
        rows, cols = core.subcells.positions(rows, cols)
        between, total = Between(core.subcells.fine_shape, rows, cols), np.zeros(np.shape(rows))
        for window, own in enumerate(core.windows):
            weight = own.weights(rows / core.subcells.parts, cols / core.subcells.parts)
            for number in range(len(core.levels) if day is not None else 1):
                found = found + weight * between.of(self.fitted.field(number, window, day))
            total += weight
        return np.asarray(found / np.where(total > 0, total, np.nan))

    # Prediction.

    def with_detail(self, detail: str) -> AreaModel:
        """The same model with another choice of what is shown of the pattern within cells."""
        return AreaModel(self.core, detail, self.scores)

    def still(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Still:
        """What predictions of the same pixels share on all days; see `Model`."""
        found = still_of(self.fitted, block, progress)
        return replace(found, sure=tuple(self._sure.of(found, block.x, progress))) if sd else found

    def keep_in(self, kept: Kept[Any]) -> None:
        """As of `Model`: what all cells tell of sub-cells, where standard deviations are asked for."""
        self._sure.pieces = kept

    def predict(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Prediction:
        """Soil moisture of pixels; NaN where they lie beyond the model's sub-cells.

        A day that is not in a model of two levels has the mean pattern, what dated covariates say, and a
        mean and a wetness between those of its neighbours in time.
        """
        still: Still = block.still or self.still(block, progress)
        dated = self.fitted.dated(np.asarray(block.x))
        mean, days = np.full(len(block.days), np.nan), _days(block)
        for day in days:
            progress.check()
            some = slice(None) if len(days) == 1 else np.flatnonzero(block.days == day)
            mean[some] = mean_of(self.fitted, still, int(day), dated[some], some)
        if not sd:
            return Prediction(mean)
        deviation = np.sqrt(self._variance(block, still, progress))
        return Prediction(mean, deviation, mean - COVER_SDS * deviation, mean + COVER_SDS * deviation)

    def prior_share(self, block: Block, progress: Progress = SILENT) -> np.ndarray:
        """As of `Model`: of the variance of field and coefficients without any SMAP."""
        still: Still = block.still or self.still(block, progress)
        x, before = np.asarray(block.x), np.zeros(len(block.x))
        for _, day, some in _days_of(block):
            for begin in range(0, len(some), _PIXELS_AT_ONCE):
                progress.check()
                part = some[begin : begin + _PIXELS_AT_ONCE]
                z, dated = self.fitted.standard(x[part]), self.fitted.dated(x[part])
                for own in still.windows:
                    weight = 1.0 if own.weight is None else own.weight[part]
                    if np.any(weight):
                        found = self._sure.before(own.number, day, z, dated, still.between[part])
                        before[part] += weight * found
        return np.maximum(1.0 - self._variance(block, still, progress) / before, 0.0)

    @cached_property
    def applicability(self) -> Applicability | None:  # type: ignore[override]
        """Of its cells."""
        return applicability_of_core(self.core)

    def _variance(self, block: Block, still: Still, progress: Progress) -> np.ndarray:
        """What is true about the mean of pixels: float64, shape (n,); NaN beyond the sub-cells."""
        x = np.asarray(block.x)
        found, dated = np.zeros(len(x)), self.fitted.dated(x)
        for mask, day, some in _days_of(block):
            own = still if mask is None else still.take(mask)
            for one in own.sure or self._sure.of(own, x[some], progress):
                progress.check()
                at = some[one.squares.pixels]
                found[at] += self._sure.after(one, day, dated[at], progress)
        found[~still.inside] = np.nan
        return found

    # Its own error.

    def each_left_out(self) -> tuple[np.ndarray, np.ndarray]:
        """What SMAP's value of each cell is off from what the others say of it, in closed form.

        alpha_i over the i-th of Q's diagonal, with coefficients estimated anew; of two levels their sum.  All
        is NaN in a model that was read from a file.

        Returns
        -------
        errors, variances : float64, shape (dates, n)
            NaN where missing.
        """
        core = self.core
        centres = core.cells + 0.5
        total, weights = np.zeros((2, *core.cube.shape)), np.zeros(len(core.cells))
        for number, window in enumerate(core.windows):
            off = np.zeros(total.shape)
            for level in range(len(core.levels)):
                for half, share in self.fitted.halves(level):
                    one = half.answers[number]
                    off[0][:, one.index] += share * one.departures
                unsure = self.fitted.half(level).answers[number]
                off[1][:, unsure.index] += unsure.unsure
            weight = np.zeros(len(core.cells))
            index = self.fitted.half(0).answers[number].index
            weight[index] = np.maximum(window.weights(*centres[index].T), 1e-9)
            total += np.where(weight > 0, weight * np.nan_to_num(off), 0.0)
            weights += weight
        errors, variances = np.where(np.isfinite(core.cube), total / np.maximum(weights, 1e-300), np.nan)
        return errors, variances

    def members(self, covariates: int) -> dict[str, bytes]:
        """All arrays and numbers."""
        if covariates != len(self.core.names):
            raise InputError(f"The model has {len(self.core.names)} covariates, not {covariates}.")
        return encode(self.core)


def _days_of(block: Block) -> Iterator[tuple[np.ndarray | None, int, np.ndarray]]:
    """The days of a block: which pixels are of each, bool (None: all), the day, and the pixels' numbers."""
    days = _days(block)
    for day in days:
        mask = None if len(days) == 1 else block.days == day
        yield mask, int(day), np.arange(len(block.days)) if mask is None else np.flatnonzero(mask)


def _days(block: Block) -> np.ndarray:
    """The days of a block, ascending; the blocks of maps have one, and are not sorted to find it."""
    first = block.days[:1]
    return first if (block.days == first).all() else np.unique(block.days)
