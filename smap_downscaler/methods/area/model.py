"""An area-to-point model that is ready to predict."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...geo.grid import Grid
from ...geo.sampling import bilinear
from ..base import ALL_DETAIL, BY_EVIDENCE, NO_DETAIL, Block, Model, Prediction
from ..skill import Importance, OobScores
from .core import Core
from .ground import Ground
from .lags import below_part, field_on_parts
from .levels import LEAST_SNR, Answer, Half
from .members import encode
from .settings import AreaSettings
from .spread import Spread, directions_of, interpolated, spread_of
from .terms import PRODUCTS, Surface

#: Pixels at once: their terms stay in the processor's cache.
_PIXELS_AT_ONCE = 8192
#: Images of dates that are kept: a run takes its dates one after the other, in several threads.
_IMAGES_KEPT = 24
#: Standard deviations to either side that hold 90 % of a normal distribution.
_SDS = 1.6448536269514722
#: Signal-to-noise below which the pattern is weakly supported.
_WEAK = 0.4
PATTERN, DEPARTURES, DATE = "mean pattern", "departures", "date"
_SUBJECTS = {
    PATTERN: "The mean pattern within cells",
    DEPARTURES: "The pattern of single dates",
    DATE: "The pattern within cells",
}


@dataclass(frozen=True)
class LevelSummary:
    """What a level came to.

    Attributes
    ----------
    name : str
    cells, dates : int
    shares : dict of str to float
        Of the variance of SMAP's cells: terms, field, noise, noise over the footprint.
    variances : dict of str to float
        Of the coefficients of each covariate, of the products, and of dated covariates.
    snr : float
        Posterior signal-to-noise of the detail; of windows, their mean.
    detail : bool
        Whether the detail is shown by evidence (in most windows).
    field_sd, noise_sd : float
        m3 m-3.
    """

    name: str
    cells: int
    dates: int
    shares: dict[str, float]
    variances: dict[str, float]
    snr: float
    detail: bool
    field_sd: float
    noise_sd: float


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
        self.core, self.detail, self.scores = core, detail, scores
        self.settings: AreaSettings = core.settings
        self.importance: Importance | None = None
        self._ground = Ground(core.moments, core.dated, core.footprint.km)
        self._images: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()

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
        return self.core.moments.left_out

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

    @property
    def levels(self) -> tuple[LevelSummary, ...]:
        """What each level came to."""
        core = self.core
        names = (PATTERN, DEPARTURES) if core.two_levels else (DATE,)
        found = []
        for number, (name, level) in enumerate(zip(names, core.levels)):
            half = level.full or level.plain
            dates = len(core.days) if number or not core.two_levels else 1
            answers = half.answers
            found.append(
                LevelSummary(
                    name,
                    self.n_cells,
                    dates,
                    self._shares(number, half),
                    self._variances(number),
                    float(np.mean([one.snr for one in answers])),
                    bool(np.mean([one.detail for one in answers]) >= 0.5),
                    float(np.sqrt(half.fit.noise[0])),
                    float(np.sqrt(half.fit.noise[1:].sum())),
                )
            )
        return tuple(found)

    def _shares(self, number: int, half: Half) -> dict[str, float]:
        """Shares of the prior variance of a cell."""
        terms = 0.0
        if len(half.groups):
            design = self._cell_design(number, np.arange(self.n_cells), 0, 1.0)
            design = design - design.mean(axis=0)
            terms = float((np.square(design).mean(axis=0) * half.fit.groups[half.groups]).sum())
        field = float(half.fit.noise[0] * self._ground.tables(self.hurst).cells[0, 0])
        parts = {"terms": terms, "field": field, "noise": float(half.fit.noise[1])}
        if len(half.fit.noise) > 2:
            parts["noise over the footprint"] = float(half.fit.noise[2])
        total = sum(parts.values())
        return {name: value / total for name, value in parts.items()}

    def _variances(self, number: int) -> dict[str, float]:
        half = self.core.levels[number].full
        if half is None:
            return {}
        return {name: float(value) for name, value in zip(self._group_names(number), half.fit.groups)}

    def _group_names(self, number: int) -> list[str]:
        """What the groups of coefficients of a level are called, in their order."""
        core, terms = self.core, self.core.moments.terms
        names = list(core.moments.columns.names) if set(terms.kinds) - {PRODUCTS} else []
        if len(terms.pairs) and not (core.two_levels and number):
            names.append(PRODUCTS)
        if core.dated is not None:
            names += core.dated.names
            if core.dated.with_products and not (core.two_levels and not number):
                names += [f"{name} x static" for name in core.dated.names]
        return names

    def curve(self, level: int, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Effect of a static covariate and its standard deviation, float64, of the shape of `values`, (n,).

        Of the departures it is that of a date whose wetness is one standard deviation above the mean.
        """
        core, half = self.core, self.core.levels[level].full
        values = np.asarray(values, np.float64)
        if half is None or name not in core.moments.columns.names:
            return np.zeros(values.shape), np.zeros(values.shape)
        design, columns = core.moments.terms.curve(core.moments.columns.names.index(name), values)
        columns = np.searchsorted(self._static_columns(level), columns)
        one = half.answers[0]
        s = one.s[np.ix_(columns, columns)]
        return design @ one.b[columns], np.sqrt(np.einsum("ij,jk,ik->i", design, s, design))

    def evidence(self) -> list[str]:
        """What speaks for the pattern within cells, a sentence a level."""
        core = self.core
        found: list[str] = []
        if core.levels[0].full is None:
            return ["No terms were asked for: the map is smooth within cells"]
        for one in self.levels:
            subject = {
                PATTERN: "The mean pattern within cells",
                DEPARTURES: "The pattern of single dates",
            }.get(one.name, "The pattern within cells")
            if one.detail:
                how = "weakly supported" if one.snr < _WEAK else "supported"
                found.append(text("{} is {} by the data (signal-to-noise {:.2f})", subject, how, one.snr))
            elif not core.two_levels and one.snr >= LEAST_SNR:
                found.append(
                    text(
                        "{} is not shown: {} of a single date with a footprint of {:g} km are too few to "
                        "judge it; train on more dates",
                        subject,
                        counted(one.cells, "cell"),
                        core.footprint.km,
                    )
                )
            else:
                found.append(
                    text(
                        "{} is not supported by the data (signal-to-noise {:.2f}, {:g} is needed), and not "
                        "shown",
                        subject,
                        one.snr,
                        LEAST_SNR,
                    )
                )
        return found

    def field_at(self, rows: np.ndarray, cols: np.ndarray, day: int | None = None) -> np.ndarray:
        """Mean and field, without terms, at places of the SMAP grid (fractions): float64, of their shape.

        Without a day that of the mean pattern.
        """
        core, found = self.core, 0.0
        rows, cols = core.subcells.positions(rows, cols)
        total = np.zeros(np.shape(rows))
        for window, own in enumerate(core.windows):
            weight = own.weights(rows / core.subcells.parts, cols / core.subcells.parts)
            for number in range(len(core.levels) if day is not None else 1):
                image = self._field(number, window, self._half(number, window), day)
                found = found + weight * bilinear(image, rows, cols)
            total += weight
        return np.asarray(found / np.where(total > 0, total, np.nan))

    # Prediction.

    def with_detail(self, detail: str) -> AreaModel:
        """The same model with another choice of what is shown of the pattern within cells."""
        return AreaModel(self.core, detail, self.scores)

    def predict(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Prediction:
        """Soil moisture of pixels; NaN where they lie beyond the model's sub-cells.

        A day that is not in a model of two levels has the mean pattern, what dated covariates say, and a
        mean and a wetness between those of its neighbours in time.
        """
        core = self.core
        x = np.asarray(block.x)
        if block.coordinates is None or x.shape[1] != len(core.names):
            raise ValueError(f"pixels need coordinates and {len(core.names)} covariates, not {x.shape}")
        grid = core.grid
        rows = (grid.top - block.coordinates[:, 1]) / grid.cell_height
        cols = (block.coordinates[:, 0] - grid.left) / grid.cell_width
        rows, cols = core.subcells.positions(rows, cols)
        mean = np.full(len(x), np.nan)
        variance = np.full(len(x), np.nan) if sd else None
        for day in np.unique(block.days):
            of_day = np.flatnonzero(block.days == day)
            for begin in range(0, len(of_day), _PIXELS_AT_ONCE):
                progress.check()
                some = of_day[begin : begin + _PIXELS_AT_ONCE]
                found = self._predict(x[some], rows[some], cols[some], int(day), sd, progress)
                mean[some] = found[0]
                if variance is not None:
                    variance[some] = found[1]
        if variance is None:
            return Prediction(mean)
        deviation = np.sqrt(variance)
        return Prediction(mean, deviation, mean - _SDS * deviation, mean + _SDS * deviation)

    def _predict(
        self, x: np.ndarray, rows: np.ndarray, cols: np.ndarray, day: int, sd: bool, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray]:
        core = self.core
        statics = [core.names.index(name) for name in core.static]
        z = core.moments.terms.scales.z(core.moments.columns.of(x[:, statics]))
        dated = x[:, [core.names.index(name) for name in core.dated_names]]
        parts = core.subcells.parts
        mean, variance, total = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x))
        for number, window in enumerate(core.windows):
            weight = window.weights(rows / parts, cols / parts)
            if not weight.any():
                continue
            total += weight
            mean += weight * self._mean(number, day, z, dated, rows, cols)
            if sd:
                variance += weight * self._variance(number, day, z, dated, rows, cols, progress)
        high, wide = core.subcells.fine_shape
        inside = (rows >= 0) & (rows < high) & (cols >= 0) & (cols < wide)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, variance = (np.where(inside, one / total, np.nan) for one in (mean, variance))
        return mean, variance

    def _half(self, level: int, window: int) -> Half:
        """With terms or without, as `detail` says."""
        found = self.core.levels[level]
        if found.full is None or self.detail == NO_DETAIL:
            return found.plain
        if self.detail == ALL_DETAIL or found.full.answers[window].detail:
            return found.full
        return found.plain

    def _place(self, day: int) -> int | None:
        place = int(np.searchsorted(self.core.days, day))
        if place < len(self.core.days) and self.core.days[place] == day:
            return place
        if not self.core.two_levels:
            raise InputError("the model is of another date")
        return None

    def _wetness(self, day: int) -> float:
        return float(np.interp(day, self.core.days, self.core.wetness))

    def _mean(
        self, window: int, day: int, z: np.ndarray, dated: np.ndarray, rows: np.ndarray, cols: np.ndarray
    ) -> np.ndarray:
        """Means of a window's pixels."""
        core = self.core
        surface, image, curves, products = self._kept(
            ("image", window, day), lambda: self._combined(window, day)
        )
        found: np.ndarray = bilinear(image, rows, cols)
        if surface is not None:
            found += surface.of_z(z)
        if curves is not None and core.dated is not None:
            found += curves.at(dated)
            own = core.dated.terms.scales.z(dated.astype(np.float64))
            if products.any():
                if core.two_levels:
                    own = own - self._mean_dated(rows, cols)
                found += np.einsum("iq,iq->i", own, z @ products.T)
        return found

    def _mean_dated(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """The training dates' mean of the standard dated covariates at pixels, float64, shape (n, q)."""
        dated = self.core.dated
        if dated is None:
            return np.zeros((len(rows), 0))
        images = dated.reference[:, :, dated.terms.width() :]
        return np.stack([bilinear(images[:, :, k], rows, cols) for k in range(images.shape[2])], axis=1)

    def _combined(
        self, window: int, day: int
    ) -> tuple[Surface | None, np.ndarray, Surface | None, np.ndarray]:
        """All levels on a day: the static surface, an image over sub-cells, curves and products of dated
        covariates."""
        core, terms = self.core, self.core.moments.terms
        self._place(day)
        surface: Surface | None = None
        curves: Surface | None = None
        image = np.zeros(core.subcells.fine_shape)
        p, q = len(terms.scales.mean), len(core.dated_names)
        products = np.zeros((q, p))
        for level in range(len(core.levels)):
            half = self._half(level, window)
            one = half.answers[window]
            factor = self._wetness(day) if level else 1.0
            image += self._field(level, window, half, day)
            if not one.b.size:
                continue
            columns = self._static_columns(level)
            whole = np.zeros(terms.width())
            whole[columns] = one.b[: len(columns)]
            own = terms.surface(whole)
            surface = _sum(surface, own, factor)
            if core.dated is None:
                continue
            rest, width = one.b[len(columns) :], core.dated.terms.width()
            mean = core.dated.reference[:, :, :width] @ rest[:width]
            if core.two_levels and not level:
                image += mean
                continue
            curves = core.dated.terms.surface(rest[:width])
            if core.two_levels:
                image -= mean
            if core.dated.with_products:
                products = rest[width:].reshape(q, p)
        return surface, image, curves, products

    def _static_columns(self, level: int) -> np.ndarray:
        """Which columns of the static terms a level has."""
        groups = self.core.moments.terms.groups
        if self.core.two_levels and level:
            return np.flatnonzero(groups < len(self.core.moments.terms.scales.mean))
        return np.arange(len(groups))

    def _field(self, level: int, window: int, half: Half, day: int | None) -> np.ndarray:
        """Mean and field over sub-cells; of a day without SMAP the mean between its neighbours alone."""
        core, one = self.core, half.answers[window]
        place = self._seen_at(level, one, day)
        if place is None:
            known = np.isfinite(one.means)
            mean = float(np.interp(day or 0, core.days[known], one.means[known]))
            return np.full(core.subcells.fine_shape, mean)
        tables = self._ground.tables(core.levels[level].hurst)
        cells = core.cells[one.index]
        field = field_on_parts(tables, core.subcells, cells, one.alphas[place])
        return np.asarray(one.means[place] + half.fit.noise[0] * field)

    def _seen_at(self, level: int, one: Answer, day: int | None) -> int | None:
        """The place of a day in an answer; None where SMAP did not see the window on it."""
        if not level:
            return 0
        place = None if day is None else self._place(day)
        return None if place is None or np.isnan(one.means[place]) else place

    # Variance.

    def _variance(
        self,
        window: int,
        day: int,
        z: np.ndarray,
        dated: np.ndarray,
        rows: np.ndarray,
        cols: np.ndarray,
        progress: Progress,
    ) -> np.ndarray:
        """Variance of what is true at a window's pixels about the mean, float64, shape (n,)."""
        core, terms = self.core, self.core.moments.terms
        hinges = terms.scales.hinges(z)
        design = terms.columns(z, hinges, z[:, terms.pairs[:, 0]] * z[:, terms.pairs[:, 1]])
        total = np.zeros(len(z))
        for level, fitted in enumerate(core.levels):
            half = self._half(level, window)
            one, v = half.answers[window], float(half.fit.noise[0])
            total += v * below_part(core.subcells.part_km, core.moments.pixel_km, fitted.hurst)
            directions = self._directions(level, window, one)
            own = self._pixel_design(level, day, design, z, dated, rows, cols)[:, : len(directions)]
            seen = own @ directions
            if self._seen_at(level, one, day) is None:
                total += v * self._ground.tables(fitted.hurst).part + core.gap_sd**2
            else:
                spread = self._spread(level, window, day, half, directions, progress)
                both = interpolated(spread.both, rows, cols)
                total += both[:, 0]
                seen = seen - both[:, 1:]
            total += np.square(seen).sum(axis=1)
        return total

    def _directions(self, level: int, window: int, one: Answer) -> np.ndarray:
        return np.asarray(
            self._kept(
                ("directions", level, window, len(one.b)),
                lambda: directions_of(one.s, self._scatter(level, len(one.b))),
            )
        )

    def _scatter(self, level: int, columns: int) -> np.ndarray:
        """What tells which directions of the coefficients matter: the static terms among pixels."""
        static = self._static_columns(level)
        found = np.eye(columns)
        some = min(len(static), columns)
        found[:some, :some] = self.core.moments.scatter[np.ix_(static, static)][:some, :some]
        found[:some, :some] += np.eye(some)
        return found

    def _pixel_design(
        self,
        level: int,
        day: int,
        design: np.ndarray,
        z: np.ndarray,
        dated: np.ndarray,
        rows: np.ndarray,
        cols: np.ndarray,
    ) -> np.ndarray:
        """The terms of a level at pixels: float64, shape (n, columns)."""
        core = self.core
        factor = self._wetness(day) if level else 1.0
        static = factor * design[:, self._static_columns(level)]
        if core.dated is None:
            return static
        if not core.two_levels:
            return np.concatenate([static, core.dated.of(dated, z, None)], axis=1)
        reference = interpolated(core.dated.reference, rows, cols)
        if not level:
            return np.concatenate([static, reference[:, : core.dated.terms.width()]], axis=1)
        return np.concatenate([static, core.dated.of(dated, z, reference)], axis=1)

    def _cell_design(self, level: int, index: np.ndarray, place: int, factor: float) -> np.ndarray:
        """The terms of a level as cells see them: float64, shape (n, columns)."""
        core = self.core
        static = factor * core.design[np.ix_(index, self._static_columns(level))].astype(np.float64)
        if core.dated is None:
            return static
        if core.two_levels and not level:
            return np.concatenate([static, core.mean_of_dated[index]], axis=1)
        width = core.dated.width(len(core.moments.terms.scales.mean))
        # Of a long archive they are not kept: their coefficients are well known.
        more = np.zeros((len(index), width))
        if core.dated_design is not None:
            more = core.dated_design[place][index].astype(np.float64)
        return np.concatenate([static, more], axis=1)

    def _spread(
        self, level: int, window: int, day: int, half: Half, directions: np.ndarray, progress: Progress
    ) -> Spread:
        found: Spread = self._kept(
            ("spread", level, window, day if level else None, len(directions)),
            lambda: self._made_spread(level, window, day, half, directions, progress),
        )
        return found

    def _made_spread(
        self, level: int, window: int, day: int, half: Half, directions: np.ndarray, progress: Progress
    ) -> Spread:
        core, one = self.core, half.answers[window]
        place = self._seen_at(level, one, day) or 0
        index = one.index
        if level or not core.two_levels:
            index = index[np.isfinite(core.cube[place][index])]
        noise_spread = None if level or not core.two_levels else 1.0 / np.sqrt(core.counts[index])
        factor = self._wetness(day) if level else 1.0
        design = self._cell_design(level, index, place, factor)[:, : len(directions)]
        return spread_of(
            self._ground,
            core.cells[index],
            noise_spread,
            design,
            directions,
            core.levels[level].hurst,
            half.fit.noise,
            progress,
        )

    # Its own error.

    def left_out_errors(self) -> np.ndarray:
        """SMAP's value of each cell less what the others say of it: float64, shape (dates, n).

        NaN where missing.  In closed form: alpha_i over the i-th of Q's diagonal, with coefficients
        estimated anew.
        """
        core = self.core
        centres = core.cells + 0.5
        total, weights = np.zeros(core.cube.shape), np.zeros(len(core.cells))
        for number, window in enumerate(core.windows):
            off = np.zeros(core.cube.shape)
            index = self._half(0, number).answers[number].index
            for level in range(len(core.levels)):
                one = self._half(level, number).answers[number]
                off[:, one.index] += one.departures
            weight = np.zeros(len(core.cells))
            weight[index] = np.maximum(window.weights(*centres[index].T), 1e-9)
            total += np.where(weight > 0, weight * np.nan_to_num(off), 0.0)
            weights += weight
        return np.where(np.isfinite(core.cube), total / np.maximum(weights, 1e-300), np.nan)

    def members(self, covariates: int) -> dict[str, bytes]:
        """All arrays and numbers."""
        if covariates != len(self.core.names):
            raise InputError(f"The model has {len(self.core.names)} covariates, not {covariates}.")
        return encode(self.core)

    def _kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made for a date, of which the newest are kept."""
        with self._lock:
            if key not in self._images:
                self._images[key] = make()
                while len(self._images) > _IMAGES_KEPT:
                    self._images.popitem(last=False)
            self._images.move_to_end(key)
            return self._images[key]


def _sum(surface: Surface | None, other: Surface, factor: float) -> Surface:
    if surface is None:
        surface = other.plus(other, -1.0)
    return surface.plus(other, factor)
