"""What a model came to, for reports: shares of variance, signal-to-noise, effects, and sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.words import Text, text
from ..base import ALL_DETAIL, NO_DETAIL
from .fitted import Fitted
from .levels import GAIN, Half
from .terms import PRODUCTS

#: Signal-to-noise from which on a pattern is supported that makes its cells likelier by `levels.GAIN`.
SUPPORTED_SNR = 0.4
#: How much speaks for the pattern; nothing where its cells are no likelier.
SUPPORTED, WEAKLY, NOT = "supported", "weakly supported", "not supported"
#: Names of levels.
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
    gain : float
        By how much the covariates make the cells likelier, in log likelihood.
    shown : float
        Which share of the detail is shown by evidence.
    field_sd, noise_sd : float
        m3 m-3.
    """

    name: str
    cells: int
    dates: int
    shares: dict[str, float]
    variances: dict[str, float]
    snr: float
    gain: float
    shown: float
    field_sd: float
    noise_sd: float

    @property
    def supported(self) -> bool:
        """Whether they speak for it."""
        return self.support == SUPPORTED

    @property
    def support(self) -> str:
        """What the data say for the pattern."""
        if self.gain >= GAIN and self.snr >= SUPPORTED_SNR:
            return SUPPORTED
        return WEAKLY if self.gain > 0 else NOT


def levels_of(fitted: Fitted) -> list[LevelSummary]:
    """What each level came to."""
    core = fitted.core
    names = (PATTERN, DEPARTURES) if core.two_levels else (DATE,)
    found = []
    for number, (name, level) in enumerate(zip(names, core.levels)):
        half = level.fullest
        dates = len(core.days) if number or not core.two_levels else 1
        answers = half.answers
        found.append(
            LevelSummary(
                name,
                len(core.cells),
                dates,
                _shares(fitted, number, half),
                _variances(fitted, number),
                float(np.mean([one.snr for one in answers])),
                level.gain,
                level.shown,
                float(np.sqrt(half.fit.noise[0])),
                float(np.sqrt(half.fit.noise[1:].sum())),
            )
        )
    return found


def _shares(fitted: Fitted, number: int, half: Half) -> dict[str, float]:
    """Shares of the prior variance of a cell."""
    terms = 0.0
    if len(half.groups):
        design = fitted.cell_design(number, np.arange(len(fitted.core.cells)), 0, 1.0)
        design = design - design.mean(axis=0)
        terms = float((np.square(design).mean(axis=0) * half.fit.groups[half.groups]).sum())
    field = float(half.fit.noise[0] * fitted.ground.tables(fitted.core.levels[number].hurst).cells[0, 0])
    parts = {"terms": terms, "field": field, "noise": float(half.fit.noise[1])}
    if len(half.fit.noise) > 2:
        parts["noise over the footprint"] = float(half.fit.noise[2])
    total = sum(parts.values())
    return {name: value / total for name, value in parts.items()}


def _variances(fitted: Fitted, number: int) -> dict[str, float]:
    """Of the coefficients of each group of a level."""
    half = fitted.core.levels[number].full
    if half is None:
        return {}
    return {name: float(value) for name, value in zip(_group_names(fitted, number), half.fit.groups)}


def _group_names(fitted: Fitted, number: int) -> list[str]:
    """What the groups of coefficients of a level are called, in their order."""
    core, terms = fitted.core, fitted.core.moments.terms
    names = list(core.moments.columns.names) if set(terms.kinds) - {PRODUCTS} else []
    if len(terms.pairs) and not (core.two_levels and number):
        names.append(PRODUCTS)
    if core.dated is not None:
        names += core.dated.names
        if core.dated.with_products and not (core.two_levels and not number):
            names += [f"{name} x static" for name in core.dated.names]
    return names


def curve_of(fitted: Fitted, level: int, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Effect of a covariate and its standard deviation, float64, of the shape of `values`, (n,); no products.

    Of the departures, that of a static covariate is of a date whose wetness is one standard deviation above
    the mean; of the mean pattern, that of a dated one is of its mean over the dates.
    """
    core, half = fitted.core, fitted.core.levels[level].full
    values, static = np.asarray(values, np.float64), core.moments.columns.names
    if half is not None and name in static:
        design, columns = core.moments.terms.curve(static.index(name), values)
        columns = np.searchsorted(fitted.static_columns(level), columns)
    elif half is not None and core.dated is not None and name in core.dated.names:
        design, columns = core.dated.terms.curve(core.dated.names.index(name), values)
        columns = columns + len(fitted.static_columns(level))
    else:
        return np.zeros(values.shape), np.zeros(values.shape)
    one = half.answers[0]
    s = one.covariance[np.ix_(columns, columns)]
    return design @ one.b[columns], np.sqrt(np.einsum("ij,jk,ik->i", design, s, design))


def evidence_of(fitted: Fitted) -> list[str]:
    """What speaks for the pattern within cells, a sentence a level."""
    return [sentence for sentence, _doubtful in _told(fitted)]


def doubts_of(fitted: Fitted) -> list[str]:
    """Those that speak of weak support of what is shown; departures add little anyhow."""
    return [sentence for sentence, doubtful in _told(fitted) if doubtful]


def _told(fitted: Fitted) -> list[tuple[str, bool]]:
    """The sentences, and whether each should be looked at."""
    core = fitted.core
    if core.levels[0].full is None:
        return [("No terms were asked for: the map is smooth within cells", False)]
    shows = {
        ALL_DETAIL: Text("all of it, since DETAIL is 'all'"),
        NO_DETAIL: Text("none of it, since DETAIL is 'none'"),
    }
    found: list[tuple[str, bool]] = []
    for one in levels_of(fitted):
        sentence = text(
            "{} is {} by the data (signal-to-noise {:.2f}; in log likelihood the covariates gain {:.1f}): "
            "maps show {}",
            _SUBJECTS[one.name],
            one.support,
            one.snr,
            one.gain,
            shows.get(fitted.detail, text("{:.0f} % of it", 100 * one.shown)),
        )
        weak = not one.supported and fitted.detail != NO_DETAIL
        found.append((sentence, weak and one.name != DEPARTURES))
    return found
