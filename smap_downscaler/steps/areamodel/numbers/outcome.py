"""What came of training area-to-point models, in numbers that no longer need the models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ....methods.keys import Key
from ....methods.measured import Measured
from ....methods.skill import OobScores

#: Values of a covariate that a curve is drawn over, and the shares of the pixels below the first and last.
CURVE_VALUES, CURVE_ENDS = 41, (0.01, 0.99)
#: Points a side of a cell at which the field is drawn.
FIELD_PARTS = 3
#: Fields that a report draws, at most.
MOST_FIELDS = 6
#: Shares of the variance by the column that holds them.
SHARES = {
    "terms": "share_terms",
    "field": "share_field",
    "noise": "share_noise",
    "noise over the footprint": "share_footprint_noise",
}
#: Of the way up and down, the share that may go against the rest in a curve that counts as one direction.
_AGAINST = 0.1


class LevelSummary(Protocol):
    """What a level came to; `methods.area.model` has it, which reaches files."""

    @property
    def name(self) -> str: ...
    @property
    def cells(self) -> int: ...
    @property
    def shares(self) -> Mapping[str, float]: ...
    @property
    def variances(self) -> Mapping[str, float]: ...
    @property
    def snr(self) -> float: ...
    @property
    def gain(self) -> float: ...
    @property
    def shown(self) -> float: ...
    @property
    def supported(self) -> bool: ...


class AreaModel(Protocol):
    """An area-to-point model as it is asked for a report; see `methods.area.model`."""

    scores: OobScores | None

    @property
    def levels(self) -> Sequence[LevelSummary]: ...
    @property
    def left_out(self) -> Mapping[str, str]: ...
    @property
    def footprint_km(self) -> float: ...
    @property
    def footprints(self) -> Mapping[float, float]: ...
    @property
    def footprint_note(self) -> str: ...
    @property
    def hurst(self) -> float: ...
    @property
    def hurst_note(self) -> str: ...
    @property
    def noise_sd(self) -> float: ...
    @property
    def days(self) -> Sequence[int]: ...
    @property
    def skipped(self) -> Mapping[int, str]: ...
    @property
    def n_cells(self) -> int: ...
    def curve(self, level: int, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
    def evidence(self) -> list[str]: ...
    @property
    def measured(self) -> Measured | None: ...
    def field_at(self, rows: np.ndarray, cols: np.ndarray, day: int | None = None) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Curve:
    """What a level of a model makes of a covariate.

    Attributes
    ----------
    covariate, unit : str
    values : float64, shape (k,)
        Of the covariate: quantiles of its pixels, evenly spaced.
    effect, sd : float64, shape (k,)
        Departure of soil moisture, and its standard deviation, m3 m-3.
    variance : float
        Of the coefficients, (m3 m-3)2.
    """

    covariate: str
    unit: str
    values: np.ndarray
    effect: np.ndarray
    sd: np.ndarray
    variance: float

    @property
    def spread(self) -> float:
        """SD of the effect over the pixels, m3 m-3."""
        return float(np.std(self.effect))

    @property
    def net(self) -> float:
        """Rise from the lowest to the highest value, m3 m-3."""
        return float(self.effect[-1] - self.effect[0])

    @property
    def is_class(self) -> bool:
        """Whether it is that of a class beside all others: 0 and 1 are its values."""
        return bool(np.isin(self.values, (0.0, 1.0)).all() and " = " in self.covariate)

    @property
    def direction(self) -> str:
        """`rises`, `falls`, or `both` where less than nine tenths of the way go in one direction."""
        steps = np.diff(self.effect)
        against = min(steps[steps > 0].sum(), -steps[steps < 0].sum())
        if against > _AGAINST * np.abs(steps).sum():
            return "both"
        return "rises" if self.net > 0 else "falls"

    @property
    def is_clear(self) -> bool:
        """Whether the effect leaves its band of two standard deviations somewhere."""
        return bool((np.abs(self.effect) > 2 * self.sd).any())


@dataclass(frozen=True, eq=False)
class Field:
    """The field of a level on an image of points, less its mean.

    Attributes
    ----------
    level : str
    values : float64, shape (rows, columns)
        m3 m-3; the points lie in the middles of the `FIELD_PARTS` parts of each side of a cell.
    """

    level: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model: of a date, or of all.

    Attributes
    ----------
    key : Key
    levels : sequence of LevelSummary
    curves : sequence of sequences of Curve
        By level.
    footprint_km, hurst, noise_sd : float
    footprints : dict of float to float
        Twice the minimised likelihood by width in km; empty where the width was given.
    footprint_note : str
    n_cells, n_dates : int
    scores : OobScores or None
        At cells that were held out, each by itself.
    evidence : sequence of str
    """

    key: Key
    levels: Sequence[LevelSummary]
    curves: Sequence[Sequence[Curve]]
    footprint_km: float
    footprints: Mapping[float, float]
    hurst: float
    noise_sd: float
    footprint_note: str
    n_cells: int
    n_dates: int
    scores: OobScores | None
    evidence: Sequence[str]

    @property
    def name(self) -> str:
        """Its date, or nothing."""
        return self.key.isoformat() if isinstance(self.key, dt.date) else ""

    @property
    def footprint_at_end(self) -> bool:
        """Whether the likeliest footprint is the widest that was tried."""
        return bool(self.footprints) and self.footprint_km >= max(self.footprints)


@dataclass
class AreaOutcome:
    """What came of a training.

    Attributes
    ----------
    levels : str
        `two levels` or `single dates`.
    fitted : dict of Key to Fitted
        In the order of keys.
    fields : list of Field
        Of the first levels of some models.
    left_out : dict of str to str
        Covariates that no model has, and why.
    skipped : dict of date to str
        Why a date is not in a model.
    failed : dict of date to str
        Those of them that had cells enough, and no model of their own could be fitted to.
    notes : list of str
        What the method says of footprint and smoothness, each once.
    measured : list of Measured
        How right models like these were where the truth is known.
    dated : tuple of str
        The dated covariates.
    wanted, met : int
        Cells with soil moisture, and those of them that the stack meets.
    unused : int
        Values of SMAP that were at hand, and that no model uses.
    unclassed : dict of str to float
        Share of the pixels, 0...1, whose class has no column, by covariate; those of codes only.
    """

    levels: str
    fitted: dict[Key, Fitted] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    skipped: dict[dt.date, str] = field(default_factory=dict)
    failed: dict[dt.date, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    dated: tuple[str, ...] = ()
    wanted: int = 0
    met: int = 0
    unused: int = 0
    unclassed: dict[str, float] = field(default_factory=dict)

    def add(
        self,
        key: Key,
        model: AreaModel,
        cells: np.ndarray,
        pixels: Mapping[str, np.ndarray],
        means: Mapping[str, np.ndarray],
        units: Mapping[str, str],
    ) -> None:
        """Note what became of a model.

        Parameters
        ----------
        cells : int64, shape (n, 2)
            Row and column of the cells that its field is drawn over.
        pixels : mapping of str to float64 arrays, shape (k,)
            Quantiles of each covariate, see `quantiles`.
        means : mapping of str to float64 arrays, shape (k,)
            The same of the dates' mean of dated ones, over which the mean pattern has them.
        units : mapping of str to str
        """
        curves = []
        for number, level in enumerate(model.levels):
            over = {**pixels, **means} if len(model.levels) > 1 and not number else pixels
            curves.append(
                [
                    _curve(model, number, name, over[name], units.get(name, ""), variance)
                    for name, variance in level.variances.items()
                    if name in over and name not in model.left_out
                ]
            )
        # Of single dates those that no date has; rain is the same everywhere on a dry day.
        self.left_out = {
            name: why for name, why in model.left_out.items() if not self.fitted or name in self.left_out
        }
        self.fitted[key] = Fitted(
            key,
            model.levels,
            curves,
            float(model.footprint_km),
            dict(model.footprints),
            float(model.hurst),
            float(model.noise_sd),
            model.footprint_note,
            int(model.n_cells),
            len(model.days),
            model.scores,
            model.evidence(),
        )
        reasons = {dt.date.fromordinal(day): reason for day, reason in model.skipped.items()}
        self.skipped.update(reasons)
        for note in (model.footprint_note, model.hurst_note):
            if note and note not in self.notes:
                self.notes.append(note)
        if model.measured is not None and model.measured not in self.measured:
            self.measured.append(model.measured)
        if len(self.fields) < MOST_FIELDS:
            name = key.isoformat() if isinstance(key, dt.date) else model.levels[0].name
            self.fields.append(Field(name, _field(model, cells)))

    @property
    def used(self) -> int:
        """Values of SMAP that models use: cells, of single dates those of all."""
        return sum(one.n_cells for one in self.fitted.values())

    @property
    def supported(self) -> int:
        """Levels whose pattern the data speak for."""
        return sum(level.supported for one in self.fitted.values() for level in one.levels)

    @property
    def all_levels(self) -> int:
        """Levels of all models."""
        return sum(len(one.levels) for one in self.fitted.values())


def quantiles(values: np.ndarray) -> np.ndarray:
    """What curves are drawn over: quantiles of pixels, float64, shape (k,); empty without any."""
    valid = values[np.isfinite(values)].astype(np.float64)
    if not valid.size:
        return np.zeros(0)
    found: np.ndarray = np.quantile(valid, np.linspace(*CURVE_ENDS, CURVE_VALUES))
    return found


def indicator(share: float) -> np.ndarray:
    """The same of the column of a class that has so much of the pixels: 0 and 1."""
    ones = min(max(round(share * CURVE_VALUES), 1), CURVE_VALUES - 1)
    return np.repeat([0.0, 1.0], [CURVE_VALUES - ones, ones])


def _curve(model: AreaModel, level: int, name: str, values: np.ndarray, unit: str, variance: float) -> Curve:
    effect, sd = model.curve(level, name, values)
    return Curve(name, unit, values, np.asarray(effect), np.asarray(sd), float(variance))


def _field(model: AreaModel, cells: np.ndarray) -> np.ndarray:
    """The first level's field, less its mean, over the box around cells."""
    (top, left), (bottom, right) = cells.min(axis=0), cells.max(axis=0) + 1
    rows, cols = (
        first + (np.arange((last - first) * FIELD_PARTS) + 0.5) / FIELD_PARTS
        for first, last in ((top, bottom), (left, right))
    )
    grid = np.meshgrid(rows, cols, indexing="ij")
    day = None if len(model.levels) > 1 else int(model.days[0])
    found = np.asarray(model.field_at(grid[0].ravel(), grid[1].ravel(), day)).reshape(grid[0].shape)
    return np.asarray(found - np.nanmean(found))
