"""What a quantile correlation is run with, and lists of numbers as users write them: `1-20`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ....base.errors import InputError, check_least

MOST_SCALE = 366
#: Fewer resamples than this say nothing of the ends of an interval.
LEAST_BOOTSTRAP = 100
_MOST_VALUES = 100
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_RANGE = re.compile(
    rf"(?P<first>{_NUMBER})(?:\s*[-\u2013]\s*(?P<last>{_NUMBER})(?:\s+step\s+(?P<step>{_NUMBER}))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class QuantileSettings:
    """Scales, quantiles, and how sure one wants to be.

    Parameters
    ----------
    scales : tuple of int
        Lengths of the blocks, days.
    quantiles : tuple of float
        Between 0 and 1.
    minimum_share : float
        Share of a block's days that must have both values, over 0 up to 1.
    bootstrap : int
        Resamples; 0: none.
    confidence : float
        Of the interval, per cent.
    seed : int
        Seed of the resamples.

    A value out of its range raises `InputError` with the name of the QGIS parameter.
    """

    scales: tuple[int, ...]
    quantiles: tuple[float, ...]
    minimum_share: float = 0.3
    bootstrap: int = 0
    confidence: float = 95.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.minimum_share <= 1:
            raise InputError(
                f"MINIMUM_SHARE is {self.minimum_share:g}; give the share of a block's days that must have "
                "both values, over 0 up to 1."
            )
        if self.bootstrap and self.bootstrap < LEAST_BOOTSTRAP:
            raise InputError(
                f"BOOTSTRAP is {self.bootstrap}; give 0 (no intervals), or {LEAST_BOOTSTRAP} or more."
            )
        if not 50 <= self.confidence < 100:
            raise InputError(f"CONFIDENCE is {self.confidence:g} %; give 50 or more and less than 100.")
        check_least("SEED", self.seed, 0)

    def least_days(self, scale: int) -> int:
        """Days with both values that a block of `scale` days must have."""
        # A share of .3 of 10 days is 3, not a rounding error more.
        return max(1, math.ceil(self.minimum_share * scale - 1e-9))


def parse_scales(text: str) -> tuple[int, ...]:
    """Scales in days, ascending, from a text such as `1-20` or `1, 2, 5-20 step 5`.

    Raises
    ------
    InputError
        For what cannot be read, is no whole number of days or occurs twice.
    """
    found = _values(text, "SCALES", "1-20, or 1, 2, 5-20 step 5", Decimal(1))
    for value in found:
        if value != int(value) or not 1 <= value <= MOST_SCALE:
            raise InputError(f"SCALES: {value:f} is out of range; give whole days from 1 to {MOST_SCALE}.")
    return tuple(int(value) for value in found)


def parse_quantiles(text: str) -> tuple[float, ...]:
    """Quantiles, ascending, from a text such as `0.1-0.9` (in steps of 0.1) or `0.05, 0.5, 0.95`.

    Raises
    ------
    InputError
        For what cannot be read, is not between 0 and 1 or occurs twice.
    """
    found = _values(text, "QUANTILES", "0.1-0.9, or 0.05, 0.5, 0.95", Decimal("0.1"))
    for value in found:
        if not 0 < value < 1:
            raise InputError(f"QUANTILES: {value:f} is out of range; give numbers between 0 and 1.")
    return tuple(float(value) for value in found)


def _values(text: str, parameter: str, example: str, step: Decimal) -> list[Decimal]:
    if not text.strip():
        raise InputError(f"{parameter} is empty; write it as {example}.")
    values: list[Decimal] = []
    for part in (piece.strip() for piece in text.split(",")):
        for value in _range(part, parameter, example, step):
            if value in values:
                raise InputError(f"{parameter}: {value:f} occurs twice; give it once.")
            values.append(value)
            if len(values) > _MOST_VALUES:
                raise InputError(f"{parameter}: '{text}' has more than {_MOST_VALUES} values; give fewer.")
    return sorted(values)


def _range(part: str, parameter: str, example: str, usual_step: Decimal) -> Iterator[Decimal]:
    """The values of `3`, `1-20` or `0.05-0.95 step 0.05`."""
    match = _RANGE.fullmatch(part) if part.isascii() or "\u2013" in part else None
    if match is None:
        raise InputError(f"{parameter}: '{part}' cannot be read; write it as {example}.")
    first = Decimal(match["first"])
    last = Decimal(match["last"] or match["first"])
    step = Decimal(match["step"]) if match["step"] else usual_step
    if last < first or step == 0:
        raise InputError(f"{parameter}: '{part}' holds no value; write it as {example}.")
    while first <= last:
        yield first.normalize()
        first += step
