"""Maps against the field: metrics with intervals, by station, season and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.seasons_of_year import ALL, DRY, WET
from ....base.words import Text, counted, joined, text
from ....stats.autocorrelation import block_length, lag_one
from ....stats.intervals import Interval, Results, bootstrap, effective_size, intervals_defined
from .climatology import month_of
from .metrics import METRICS, SIZES, Moments, metrics, moments
from .readings import Pairs

#: The map on all days with a field reading; map and SMAP on the days that have both; map less SMAP.
MAP, MAP_COMMON, SMAP, DIFFERENCE = "map", "map_on_smap_days", "smap", "map_minus_smap"
#: What all stations together are called, and the mean of their metrics.
POOLED, MEAN = "all stations", "mean of stations"
#: Metrics whose difference says which of two sources is better.
COMPARED = ("pearson", "spearman", "rmse", "mae", "ubrmse")
VALIDATED = "validated"
#: Metrics by what makes their samples depend on each other: see `_Sample._lengths`.
ERRORS, LINES = (
    frozenset({"rmse", "mae", "bias", "ubrmse"}),
    frozenset({"slope", "intercept", "pearson", "spearman"}),
)
_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class ValidationChoices:
    """Months of the seasons, minimum days of a row with metrics, samples and seed of the intervals."""

    wet: frozenset[int] = frozenset()
    dry: frozenset[int] = frozenset()
    minimum_days: int = 3
    draws: int = 1000
    seed: int = 1

    @property
    def seasons(self) -> dict[str, frozenset[int]]:
        """Months by season; a season without months is none."""
        named = {ALL: frozenset(range(1, 13)), WET: self.wet, DRY: self.dry}
        return {season: months for season, months in named.items() if months}


@dataclass(frozen=True)
class MetricRow(Results):
    """Metrics of a station (or all), season and source.

    `n` pairs on `n_days` days of `n_stations` stations, as good as `n_effective` independent days
    for the mean error; days in a block of the bootstrap, of `ERRORS` and of `LINES`; metrics and
    intervals by name, NaN where not defined; `status` says why.
    """

    station: str
    season: str
    source: str
    n: int
    n_days: int
    n_stations: int
    n_effective: float = float("nan")
    block_errors: int = 0
    block_lines: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    status: str = VALIDATED


def validate(
    pairs: Sequence[Pairs], choices: ValidationChoices, progress: Progress = SILENT
) -> list[MetricRow]:
    """Rows of each station, of all pairs together, and of the mean over stations, by season and source.

    The same pairs, choices and seed give the same numbers, whatever the season is called.
    """
    seasons = {season: _in_months(pairs, months) for season, months in choices.seasons.items()}
    own = len(pairs) / (len(pairs) + 1) if len(pairs) > 1 else 1.0
    counter = progress.part(0.0, own).counter(len(pairs), "stations validated")
    with_smap = _have_smap(pairs)
    rows: list[MetricRow] = []
    for number, part in enumerate(pairs):
        for season, chosen in seasons.items():
            like = MetricRow(part.station, season, "", 0, 0, 0)
            rows += _rows([part], [chosen[number]], like, with_smap, choices, number, progress)
        counter.advance()
    if len(pairs) > 1:
        progress.set_text("Validating all stations together")
        single = list(rows)
        for season, chosen in seasons.items():
            rows += validate_together(pairs, chosen, season, choices, progress)
            rows += _means(single, season)
        progress.set_fraction(1.0)
    return rows


def validate_together(
    pairs: Sequence[Pairs],
    chosen: Sequence[np.ndarray],
    season: str,
    choices: ValidationChoices,
    progress: Progress = SILENT,
) -> list[MetricRow]:
    """Rows of all stations together, or of the only one: of the days chosen, bool of each station's shape.

    The intervals of the same days are the same, whatever they are called.
    """
    alone = len(pairs) == 1
    like = MetricRow(pairs[0].station if alone else POOLED, season, "", 0, 0, 0)
    number = 0 if alone else len(pairs)
    return _rows(pairs, chosen, like, _have_smap(pairs), choices, number, progress)


def _have_smap(pairs: Sequence[Pairs]) -> bool:
    return any(part.other is not None for part in pairs)


def _in_months(pairs: Sequence[Pairs], months: frozenset[int]) -> list[np.ndarray]:
    return [np.isin(month_of(part.days), sorted(months)) for part in pairs]


def _rows(
    parts: Sequence[Pairs],
    chosen: Sequence[np.ndarray],
    like: MetricRow,
    with_smap: bool,
    choices: ValidationChoices,
    number: int,
    progress: Progress,
) -> list[MetricRow]:
    """The rows of one station or of all; `number` is what its samples have to themselves beside the seed."""
    # The last number is that of the whole year, for any season.
    rng = np.random.default_rng((choices.seed, number, 0))
    groups = [("used", (MAP,))] + ([("common", (MAP_COMMON, SMAP))] if with_smap else [])
    rows = []
    for which, sources in groups:
        kept = [getattr(part, which) & days for part, days in zip(parts, chosen)]
        days = np.concatenate([part.days[keep] for part, keep in zip(parts, kept)])
        x = np.concatenate([part.field[keep] for part, keep in zip(parts, kept)])
        ys = {
            source: np.concatenate([_values(part, source)[keep] for part, keep in zip(parts, kept)])
            for source in sources
        }
        stations = sum(bool(keep.any()) for keep in kept)
        counts = replace(like, n=len(x), n_stations=stations)
        rows += _Sample(days, x, ys).rows(counts, choices, rng, progress)
    return rows


def _values(part: Pairs, source: str) -> np.ndarray:
    if source != SMAP:
        return part.map
    return part.other if part.other is not None else np.full(len(part.days), np.nan)


class _Sample:
    """Pairs of one or several sources, summed by day."""

    def __init__(self, days: np.ndarray, x: np.ndarray, ys: Mapping[str, np.ndarray]):
        order = np.argsort(days, kind="stable")
        self.x, self.ys = x[order], {source: y[order] for source, y in ys.items()}
        self.days, self._first, self._count = np.unique(days[order], return_index=True, return_counts=True)

    def rows(
        self, like: MetricRow, choices: ValidationChoices, rng: np.random.Generator, progress: Progress
    ) -> list[MetricRow]:
        """One row per source, and their difference where there are two."""
        sources = [*self.ys, *([DIFFERENCE] if len(self.ys) > 1 else [])]
        like = replace(like, n_days=len(self.days))
        if len(self.days) < max(choices.minimum_days, 1):
            days = counted(len(self.days), "day")
            status = text("{}, fewer than the {} asked for", days, choices.minimum_days)
            return [replace(like, source=source, status=status) for source in sources]
        of = {source: moments(self.x, y) for source, y in self.ys.items()}
        sums = np.concatenate([self._by_day(each.rows) for each in of.values()], axis=1)
        values = {name: float(value[0]) for name, value in _statistics(of, sums.sum(axis=0)[None]).items()}
        memory = self._memory()
        lengths = self._lengths(memory)
        intervals: dict[str, Interval] = {}
        for kind, length in lengths.items():
            if intervals_defined(len(self.days), length):
                wanted = [name for name in values if name.split()[1] in kind]
                statistics = partial(_statistics, of, wanted=wanted)
                sizes = [f"{source} {metric}" for source in of for metric in SIZES]
                intervals.update(bootstrap(statistics, sums, length, choices.draws, rng, sizes, progress))
        return [
            replace(
                like,
                source=source,
                n_effective=effective_size(len(self.days), memory[source]) if source in of else np.nan,
                block_errors=lengths[ERRORS],
                block_lines=lengths[LINES],
                values=_of_source(values, source),
                intervals=_of_source(intervals, source),
                status=self._status(source, lengths),
            )
            for source in sources
        ]

    def _by_day(self, rows: np.ndarray) -> np.ndarray:
        return np.add.reduceat(rows, self._first, axis=0)

    def _daily(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self._first) / self._count

    def _memory(self) -> dict[str, float]:
        """Lag-1 autocorrelation of the daily mean error of each source."""
        return {source: lag_one(self.days, self._daily(y - self.x)) for source, y in self.ys.items()}

    def _lengths(self, memory: Mapping[str, float]) -> dict[frozenset[str], int]:
        """Days of a block, for errors and for lines and correlations.

        Measures of error rest on the autocorrelation of errors; slope and correlation also on that of
        both series, whose products are alike as the product of the two (Bretherton et al. 1999, eq. 31).
        """
        n, field = len(self.days), lag_one(self.days, self._daily(self.x))
        both = [np.sqrt(field * lag_one(self.days, self._daily(y))) for y in self.ys.values()]
        errors = max(memory.values())
        return {ERRORS: block_length(n, errors), LINES: block_length(n, max(errors, *both))}

    def _status(self, source: str, lengths: Mapping[frozenset[str], int]) -> str:
        parts: list[str] = []
        n = len(self.days)
        if source != DIFFERENCE and np.ptp(self.x) == 0:
            parts.append("all field readings are equal")
        elif source != DIFFERENCE and np.ptp(self.ys[source]) == 0:
            parts.append("all values of the source are equal")
        if not intervals_defined(n, lengths[ERRORS]):
            parts.append(text("intervals not defined ({})", _few(n, lengths[ERRORS])))
        elif not intervals_defined(n, lengths[LINES]):
            parts.append(text("intervals of slope and correlation not defined ({})", _few(n, lengths[LINES])))
        return joined("; ", parts) or VALIDATED


def _few(days: int, length: int) -> Text:
    return counted(days, "day") + (text(" in blocks of {}", length) if length > 1 else "")


def _statistics(
    of: Mapping[str, Moments], sums: np.ndarray, wanted: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Metrics of each source from sums side by side, and the differences of two; all, or those `wanted`."""
    found: dict[str, np.ndarray] = {}
    wide = sums.shape[-1] // len(of)
    for place, (source, each) in enumerate(of.items()):
        part = sums[..., place * wide : (place + 1) * wide]
        found.update({f"{source} {metric}": value for metric, value in metrics(each, part).items()})
    if len(of) > 1:
        first, second = of
        for metric in COMPARED:
            found[f"{DIFFERENCE} {metric}"] = found[f"{first} {metric}"] - found[f"{second} {metric}"]
    return {name: found[name] for name in wanted} if wanted else found


def _of_source(found: Mapping[str, _Thing], source: str) -> dict[str, _Thing]:
    return {metric: found[f"{source} {metric}"] for metric in METRICS if f"{source} {metric}" in found}


def _means(rows: Sequence[MetricRow], season: str) -> list[MetricRow]:
    """The mean over stations of each metric, each station counting once."""
    means = []
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.season == season and row.source == source and row.values]
        values = {}
        for metric in METRICS:
            known = [row.value(metric) for row in own if np.isfinite(row.value(metric))]
            if known:
                values[metric] = float(np.mean(known))
        means.append(
            MetricRow(
                MEAN, season, source, sum(row.n for row in own), 0, len(own), values=values,
                status=VALIDATED if own else "no station has enough days",
            )
        )  # fmt: skip
    return means
