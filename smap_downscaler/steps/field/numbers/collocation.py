"""Triple collocation: the errors of three series of which nobody knows the truth.

Each series is taken as a_i + b_i (truth) + error_i, with errors that depend neither on the truth nor
on each other.  From the covariances s_ij (ddof 1), with j and k the two other series:

| result | definition |
|---|---|
| error variance | s_ii - s_ij s_ik / s_jk |
| SNR, dB | -10 log10(s_ii s_jk / (s_ij s_ik) - 1) |
| beta | s_rk / s_ik, k neither i nor the reference r; 1 for the reference |
| scaled error SD | sqrt(error variance) beta: in the range of the reference |
| correlation with the truth | sqrt(s_ij s_ik / (s_ii s_jk)) |

All of that needs three covariances whose product is positive; without a positive error variance there is no
SNR, error SD or correlation with the truth (pytesmo takes the absolute value of both, and gives a ratio of
nothing).  A station of which two series are not correlated beyond
chance (one-sided, 5 %, days taken as independent) has no results; where the correlation may be chance
once the days' likeness is counted, the status says so.

Source: Gruber et al. (2016), International Journal of Applied Earth Observation 45, 200-211; SNR,
beta and scaled error as in pytesmo (`tcol_metrics`); the correlation after McColl et al. (2014),
Geophysical Research Letters 41, 6229-6236; significant correlations of all pairs as a condition after
Dorigo et al. (2010), Hydrology and Earth System Sciences 14, 2605-2616.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.words import Text, counted, joined, text
from ....stats.autocorrelation import block_length, lag_one
from ....stats.intervals import Interval, Results, bootstrap, intervals_defined
from .readings import Pairs

#: The series of a triple, in order: a map or SMAP, the stations, and a third one.
MEMBERS = ("source", "field", "third")
RESULTS = ("snr_db", "error_sd", "error_sd_scaled", "beta", "truth_correlation")
MEAN, COLLOCATED = "mean of stations", "collocated"
#: How the status begins where there are no results, since not all three see one truth.
NOT_ALIKE = "not correlated beyond chance"
CHANCE = "chance"
#: How the status says that a member has no error variance to speak of, and hence no SNR.
NEGATIVE, NO_ERROR = "negative error variance of", "no error variance (a line of another series) of"
#: An error variance below this share of the series' own is rounding.
_ROUNDING = 1e-12
#: How many SD a correlation (Fisher's z) lies above 0 where chance gives that in 5 % of the cases.
_BEYOND_CHANCE = 1.645
_PLACES = tuple((i, j) for i in range(3) for j in range(i, 3))


@dataclass(frozen=True)
class TripleChoices:
    """The reference of the scaling (of `MEMBERS`), minimum days, samples and seed of the intervals."""

    reference: str = "field"
    minimum_days: int = 100
    draws: int = 1000
    seed: int = 1


@dataclass(frozen=True)
class TripleRow(Results):
    """What a station says of one member.

    `n` days in blocks of `block`; results and intervals by name, NaN where not defined; `status`
    says why, which variance came out negative, or which correlation may be chance; `n_stations` is more
    than 1 in a mean.
    """

    station: str
    member: str
    n: int
    block: int = 0
    n_stations: int = 1
    values: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    status: str = COLLOCATED


def collocation(covariances: np.ndarray, reference: int) -> dict[str, np.ndarray]:
    """The results of triples.

    Parameters
    ----------
    covariances : float64, shape (..., 3, 3)
    reference : int
        Place of the reference, 0 to 2.

    Returns
    -------
    dict of `RESULTS` and "error_variance" to float64, shape (..., 3); NaN where not defined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.stack([covariances[..., i, i] for i in range(3)], axis=-1)
        signal = np.stack([_signal(covariances, i) for i in range(3)], axis=-1)
        beta = np.stack([_beta(covariances, i, reference) for i in range(3)], axis=-1)
        variance = np.where(np.abs(own - signal) <= _ROUNDING * own, 0.0, own - signal)
        defined = (variance > 0) & (signal > 0)
        signal, noise = np.where(defined, signal, np.nan), np.where(defined, variance, np.nan)
        error, truth = np.sqrt(noise), np.sqrt(signal / own)
        return {
            "snr_db": 10 * np.log10(signal / noise),
            "error_variance": variance,
            "error_sd": error,
            "error_sd_scaled": error * beta,
            "beta": beta,
            "truth_correlation": truth,
        }


def _signal(covariances: np.ndarray, i: int) -> np.ndarray:
    j, k = (other for other in range(3) if other != i)
    return np.asarray(covariances[..., i, j] * covariances[..., i, k] / covariances[..., j, k])


def _beta(covariances: np.ndarray, i: int, reference: int) -> np.ndarray:
    if i == reference:
        return np.ones(covariances.shape[:-2])
    k = 3 - i - reference
    return np.asarray(covariances[..., reference, k] / covariances[..., i, k])


def collocate(pairs: Sequence[Pairs], choices: TripleChoices, progress: Progress = SILENT) -> list[TripleRow]:
    """Three rows per station, and the means over stations where there are several.

    The same triples, choices and seed give the same numbers.

    Parameters
    ----------
    pairs : sequence of Pairs
        `other` is the third series.
    choices : TripleChoices
    """
    counter = progress.counter(len(pairs), "stations collocated")
    rows: list[TripleRow] = []
    for number, part in enumerate(pairs):
        rng = np.random.default_rng((choices.seed, number))
        rows += _station(part, choices, rng, progress)
        counter.advance()
    return rows + (_means(rows) if len(pairs) > 1 else [])


def _station(
    part: Pairs, choices: TripleChoices, rng: np.random.Generator, progress: Progress
) -> list[TripleRow]:
    used = part.common
    days, n = part.days[used], int(used.sum())
    if n < choices.minimum_days:
        few = text("{} with all three, fewer than the {} asked for", counted(n, "day"), choices.minimum_days)
        return _without(part, n, few)
    third = part.other if part.other is not None else np.full(len(part.days), np.nan)
    series = [part.map[used], part.field[used], third[used]]
    flat = [member for member, values in zip(MEMBERS, series) if np.ptp(values) == 0]
    if flat:
        return _without(part, n, f"all values of {flat[0]} are equal")
    alike = _alike(days, series)
    unlike = [pair.words for pair in alike if not pair.is_beyond_chance(n)]
    if unlike:
        return _without(part, n, text("{} ({}; {} days)", NOT_ALIKE, joined(", ", unlike), n))
    rows, place = _moments(series), MEMBERS.index(choices.reference)

    def statistics(sums: np.ndarray) -> dict[str, np.ndarray]:
        found = collocation(_covariances(sums), place)
        return {
            f"{member} {name}": values[..., number]
            for name, values in found.items()
            for number, member in enumerate(MEMBERS)
        }

    values = {name: float(value[0]) for name, value in statistics(rows.sum(axis=0)[None]).items()}
    length = block_length(n, _memory(days, series))
    intervals: dict[str, Interval] = {}
    if intervals_defined(n, length):
        intervals = bootstrap(statistics, rows, length, choices.draws, rng, progress=progress)
    status = _status(values, n, length, alike)
    return [
        TripleRow(
            part.station,
            member,
            n,
            length,
            values={name: values[f"{member} {name}"] for name in RESULTS},
            intervals={
                name: intervals[f"{member} {name}"] for name in RESULTS if f"{member} {name}" in intervals
            },
            status=status,
        )
        for member in MEMBERS
    ]


def _without(part: Pairs, n: int, status: str) -> list[TripleRow]:
    """The rows of a station without results."""
    return [TripleRow(part.station, member, n, status=status) for member in MEMBERS]


def _moments(series: Sequence[np.ndarray]) -> np.ndarray:
    """1, the three series about their means, and their products: float64, shape (n, 10)."""
    centred = [values - np.mean(values) for values in series]
    products = [centred[i] * centred[j] for i, j in _PLACES]
    return np.stack([np.ones(len(centred[0])), *centred, *products], axis=1)


def _covariances(sums: np.ndarray) -> np.ndarray:
    """Covariances (ddof 1) from weighted sums of `_moments`, shape (..., 3, 3)."""
    n = sums[..., 0]
    found = np.empty((*sums.shape[:-1], 3, 3))
    for place, (i, j) in enumerate(_PLACES):
        mean = sums[..., 1 + i] * sums[..., 1 + j] / n
        found[..., i, j] = found[..., j, i] = (sums[..., 4 + place] - mean) / (n - 1)
    return found


def _memory(days: np.ndarray, series: Sequence[np.ndarray]) -> float:
    """Autocorrelation of the products that make covariances: that of one series times another's."""
    own = sorted((lag_one(days, values) for values in series), reverse=True)
    return float(np.sqrt(own[0] * own[1]))


@dataclass(frozen=True)
class _Alike:
    """How two of the three go together."""

    pair: str
    r: float
    effective: float

    @property
    def words(self) -> Text:
        return text("r {:.2f} of {}", self.r, self.pair)

    def is_beyond_chance(self, n: float) -> bool:
        """Whether `n` independent days show that the correlation is above 0 (one-sided, 5 %)."""
        return self.r > 0 and np.arctanh(min(self.r, 1 - 1e-12)) * np.sqrt(max(n - 3, 0)) > _BEYOND_CHANCE


def _alike(days: np.ndarray, series: Sequence[np.ndarray]) -> list[_Alike]:
    """The three pairs; effective days after Bretherton et al. (1999), n (1 - a b) / (1 + a b)."""
    found, memory = np.corrcoef(np.vstack(series)), [lag_one(days, values) for values in series]
    pairs = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = memory[i] * memory[j]
        effective = len(days) * (1 - both) / (1 + both)
        pairs.append(_Alike(f"{MEMBERS[i]} and {MEMBERS[j]}", float(found[i, j]), effective))
    return pairs


def _status(values: Mapping[str, float], n: int, length: int, alike: Sequence[_Alike]) -> str:
    parts: list[str] = []
    variances = {member: values[f"{member} error_variance"] for member in MEMBERS}
    for words, which in ((NEGATIVE, np.less), (NO_ERROR, np.equal)):
        named = [member for member, variance in variances.items() if which(variance, 0)]
        if named:
            parts.append(f"{words} {' and '.join(named)}")
    parts += [
        text("{} may be {} (worth {:.0f} independent days)", pair.words, CHANCE, pair.effective)
        for pair in alike
        if not pair.is_beyond_chance(pair.effective)
    ]
    if not intervals_defined(n, length):
        parts.append(text("intervals not defined ({} in blocks of {})", counted(n, "day"), length))
    return joined("; ", parts) or COLLOCATED


def _means(rows: Sequence[TripleRow]) -> list[TripleRow]:
    """The mean over stations of each result, of those that define it."""
    means = []
    for member in MEMBERS:
        own = [row for row in rows if row.member == member and row.values]
        values = {}
        for name in RESULTS:
            known = [row.value(name) for row in own if np.isfinite(row.value(name))]
            if known:
                values[name] = float(np.mean(known))
        status = COLLOCATED if own else "no station has enough days"
        defined = sum(np.isfinite(row.value("snr_db")) for row in own)
        if defined < len(own):
            status = text("{} of {} have an SNR", defined, counted(len(own), "station"))
        means.append(
            TripleRow(MEAN, member, sum(row.n for row in own), 0, len(own), values=values, status=status)
        )
    return means
