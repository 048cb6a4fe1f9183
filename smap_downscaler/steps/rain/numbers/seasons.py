"""Mean daily precipitation of the seasons (paper 2.2.3: PISCO, DEF/MAM/JJA/SON)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.covariate_names import covariate_name
from ....base.errors import InputError
from ....base.matrix_columns import RESERVED

DEFAULT_SEASONS = "p_djf=12,1,2; p_mam=3,4,5; p_jja=6,7,8; p_son=9,10,11"
_FORM = "write it as p_djf=12,1,2"


@dataclass(frozen=True)
class Season:
    """A season: the name of its band, and its months in the order given."""

    name: str
    months: tuple[int, ...]


def parse_seasons(text: str) -> tuple[Season, ...]:
    """Seasons from `name=month,month; name=month`.

    Raises
    ------
    InputError
        If there is none, or one has no usable name, a month that is none or occurs twice, or another's name.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not parts:
        raise InputError(f"SEASONS is empty; write seasons as in {DEFAULT_SEASONS}.")
    seasons = tuple(_season(part) for part in parts)
    names = [season.name for season in seasons]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"SEASONS: two seasons are named '{twice[0]}'; give each its own name.")
    return seasons


def _season(part: str) -> Season:
    name, equals, months = (piece.strip() for piece in part.partition("="))
    if not equals:
        raise InputError(f"SEASONS: '{part}' has no months; {_FORM}.")
    if not name or covariate_name(name) != name:
        raise InputError(
            f"SEASONS: '{name}' cannot be the name of a covariate (lower case letters, digits, underscores); "
            f"{_FORM}."
        )
    if name in RESERVED:
        raise InputError(
            f"SEASONS: a covariate cannot be named '{name}', since the regression matrix has a column "
            "of that name; choose another name."
        )
    numbers = tuple(_month(month.strip(), name) for month in months.split(","))
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        raise InputError(f"SEASONS: month {twice[0]} occurs twice in {name}; give it once.")
    return Season(name, numbers)


def _month(text: str, name: str) -> int:
    # isdecimal() alone would take digits of other scripts, and int() blanks and signs.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 2 else 0
    if not 1 <= number <= 12:
        raise InputError(
            f"SEASONS: '{text}' in {name} is no month; give numbers from 1 to 12, separated by commas."
        )
    return number


class SeasonMeans:
    """Totals of rain and of days of each season, filled one raster at a time.

    Parameters
    ----------
    seasons : sequence of Season
    shape : (int, int)
        Rows and columns.
    """

    #: Bytes a cell that a season takes: a float64 total and float32 days (exact: quarters below 2^22).
    BYTES = 12

    def __init__(self, seasons: Sequence[Season], shape: tuple[int, int]):
        self._seasons = tuple(seasons)
        self._totals = np.zeros((len(self._seasons), *shape), np.float64)
        #: Days with a value, float32, shape (seasons, rows, columns).
        self.days = np.zeros((len(self._seasons), *shape), np.float32)

    def add(self, values: np.ndarray, month: int, days: float) -> None:
        """Count a raster in: mm of `days` days of `month`, float32, (rows, columns), NaN where missing."""
        members = [index for index, season in enumerate(self._seasons) if month in season.months]
        if not members:
            return
        valid = np.isfinite(values)
        for index in members:
            np.add(self._totals[index], values, out=self._totals[index], where=valid)
            np.add(self.days[index], np.float32(days), out=self.days[index], where=valid)

    def mean(self, index: int, least_days: float = 0.0) -> np.ndarray:
        """Mean of a season, mm/d, float32, (rows, columns); NaN where 0 or less than `least_days` count."""
        days = self.days[index]
        out = np.full(days.shape, np.nan)
        np.divide(self._totals[index], days, out=out, where=(days > 0) & (days >= least_days))
        return out.astype(np.float32)
