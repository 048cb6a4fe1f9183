"""Numbers in the tables and sentences of reports."""

from __future__ import annotations

import math

from ..base.words import Text, text
from ..stats.distribution import Distribution
from ..stats.intervals import Results

#: The unit of soil moisture as text; in figures it is `figure.SOIL_MOISTURE_UNIT`.
UNIT = "m³ m⁻³"
#: As files and the log write it.
STORED_UNIT = "m3 m-3"
#: What reports call the scores of `stats.scores`.
SCORE_LABELS = {
    "rmse": f"RMSE, {UNIT}",
    "r2": "R² = 1 - SSE/SST",
    "mae": f"MAE, {UNIT}",
    "bias": f"bias, {UNIT}",
    "pearson_r2": "squared Pearson r",
}
#: Their formulas, of o observed and p predicted in n rows, and what they say.
SCORE_FORMULAS = {
    "rmse": ("√(Σ(pᵢ - oᵢ)² / n)", "size of the error; large errors count most"),
    "r2": (
        "1 - Σ(pᵢ - oᵢ)² / Σ(oᵢ - ō)²",
        "share of the variance that is told; negative where the mean of the observed tells more",
    ),
    "mae": ("Σ|pᵢ - oᵢ| / n", "mean size of the error"),
    "bias": ("Σ(pᵢ - oᵢ) / n", "mean error; positive where predictions are too wet"),
    "pearson_r2": (
        "(Σ(oᵢ - ō)(pᵢ - p̄))² / (Σ(oᵢ - ō)² Σ(pᵢ - p̄)²)",
        "how well the pattern is told, whatever its bias and amplitude",
    ),
}
#: Columns of `spread_texts`.
SPREAD_HEADS = ("mean", "median", "SD", "IQR", "min", "max")


def fixed(value: float, places: str) -> Text:
    """A number in a format such as `.4f`, a zero without a sign; empty where it is not defined."""
    if not math.isfinite(value):
        return Text()
    written = text(f"{{:{places}}}", value)
    # What rounds to zero has no sign left.
    return written if written.strip("+-0.% ") else Text(written.lstrip("+-"), written.numbers)


def score_text(value: float) -> Text:
    """A score as reports write it, with four decimals; empty where it is not defined."""
    return fixed(value, ".4f")


def spread_texts(spread: Distribution) -> list[Text]:
    """How a score is spread, under `SPREAD_HEADS`."""
    numbers = (spread.mean, spread.median, spread.sd, spread.iqr, spread.minimum, spread.maximum)
    return [score_text(number) for number in numbers]


def with_interval(results: Results, name: str, places: str) -> Text:
    """A number, and in brackets its interval where there is one; empty where it is not defined."""
    interval = results.interval(name)
    written = fixed(results.value(name), places)
    if written and math.isfinite(interval.lower) and interval.lower < interval.upper:
        written += text(" ({} to {})", fixed(interval.lower, places), fixed(interval.upper, places))
    return written


def number_text(value: float) -> Text:
    """A number with four digits that count, without an exponent where it can be read; empty for NaN."""
    if not math.isfinite(value):
        return Text()
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return fixed(value, ".3g")
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return fixed(value, f",.{decimals}f")
