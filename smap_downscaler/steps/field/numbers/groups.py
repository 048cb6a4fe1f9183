"""Metrics of all stations together by class of soil moisture, by month and by season.

Where a class is cut by the field's value, readings whose own error points upwards gather in the wettest
class and those whose error points downwards in the driest: there the source comes out too dry, here too wet,
even where it has no such error (regression to the mean; Frost & Thompson 2000, Journal of the Royal
Statistical Society A 163, 173-189).  Cut by the map's value it is the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ....base.seasons_of_year import ALL, MONTHS
from ....base.words import Text, text
from .climatology import month_of
from .readings import Pairs
from .validation import MetricRow, ValidationChoices, validate_together

#: What pairs are grouped by, besides all of them.
CLASS, MONTH, SEASON = "class", "month", "season"
#: Whose soil moisture says which class a pair is in.
CLASSED_BY = ("field", "map", "mean of both")
DEFAULT_BREAKS = "0, 0.1, 0.2, 0.3, 0.4, 0.5"
_MOST_BREAKS = 21
#: A value this far below a break is on it: readings are means, maps single precision.
_ON_BREAK = 1e-7


@dataclass(frozen=True)
class Group:
    """Pairs that have something in common.

    Attributes
    ----------
    by : str
        `ALL`, `CLASS`, `MONTH` or `SEASON`.
    name : str
    lower, upper : float
        Ends of a class, m3 m-3; infinite where open, NaN of other groups.
    rows : tuple of MetricRow
        One per source.
    """

    by: str
    name: str
    lower: float = math.nan
    upper: float = math.nan
    rows: tuple[MetricRow, ...] = ()


@dataclass(frozen=True)
class GroupChoices:
    """Ascending breaks between the classes, m3 m-3, and whose soil moisture is classed (`CLASSED_BY`)."""

    breaks: tuple[float, ...] = field(default_factory=lambda: parse_breaks(DEFAULT_BREAKS))
    classed_by: str = CLASSED_BY[0]


def parse_breaks(words: str) -> tuple[float, ...]:
    """The breaks of a text such as `0, 0.1, 0.2`.

    Raises
    ------
    InputError
        If they are not two or more ascending numbers from 0 to 1.
    """
    breaks: list[float] = []
    for part in (piece.strip() for piece in words.replace(";", ",").split(",")):
        try:
            breaks.append(float(part))
        except ValueError:
            raise InputError(
                f"CLASSES: '{part}' is no number; write the breaks as {DEFAULT_BREAKS}."
            ) from None
        if not 0 <= breaks[-1] <= 1:
            raise InputError(
                f"CLASSES: {part} is out of range; give breaks in m3 m-3, from 0 to 1, as {DEFAULT_BREAKS}."
            )
    if len(breaks) < 2:
        raise InputError(f"CLASSES: '{words}' is one break; give two or more, as {DEFAULT_BREAKS}.")
    if any(one >= other for one, other in zip(breaks, breaks[1:])):
        raise InputError(f"CLASSES: the breaks '{words}' do not ascend; write them as {DEFAULT_BREAKS}.")
    if len(breaks) > _MOST_BREAKS:
        raise InputError(f"CLASSES holds {len(breaks)} breaks; give {_MOST_BREAKS} or fewer.")
    return tuple(breaks)


def validate_groups(
    raw: Sequence[Pairs],
    compared: Sequence[Pairs],
    seasons: Mapping[str, Sequence[MetricRow]],
    choices: ValidationChoices,
    group_choices: GroupChoices,
    progress: Progress = SILENT,
) -> list[Group]:
    """All pairs, the classes, the months that have any, and the seasons; stations together.

    A class holds its lower end, the last one also its upper end; pairs beyond the breaks are in
    classes of their own, so that none is lost.

    Parameters
    ----------
    raw, compared : sequences of Pairs
        The same days as soil moisture, which is classed, and as compared (anomalies, say).
    seasons : mapping of str to sequence of MetricRow
        The rows of each season of `validate`, stations together; `ALL` is one of them.
    choices : ValidationChoices
    group_choices : GroupChoices
    progress : Progress
    """
    kinds = [*_classes(raw, group_choices), *_months(raw)]
    counter = progress.counter(len(kinds), "groups validated")
    groups = [Group(ALL, ALL, rows=tuple(seasons[ALL]))]
    for group, chosen in kinds:
        rows = validate_together(compared, chosen, group.name, choices, progress)
        groups.append(replace(group, rows=tuple(rows)))
        counter.advance()
    return groups + [Group(SEASON, name, rows=tuple(rows)) for name, rows in seasons.items() if name != ALL]


def _classes(pairs: Sequence[Pairs], choices: GroupChoices) -> Iterator[tuple[Group, list[np.ndarray]]]:
    """The classes, and which days of each station are in them."""
    breaks = np.array(choices.breaks)
    # To the last class belongs its upper end.
    edges = np.append(breaks[:-1] - _ON_BREAK, breaks[-1] + _ON_BREAK)
    places = [np.searchsorted(edges, _classed(part, choices.classed_by), side="right") for part in pairs]
    ends = [-math.inf, *choices.breaks, math.inf]
    for place, (lower, upper) in enumerate(zip(ends, ends[1:])):
        chosen = [(number == place) & part.used for number, part in zip(places, pairs)]
        if (math.isfinite(lower) and math.isfinite(upper)) or any(days.any() for days in chosen):
            yield Group(CLASS, _class_name(lower, upper), lower, upper), chosen


def _classed(part: Pairs, by: str) -> np.ndarray:
    if by == "mean of both":
        return (part.field + part.map) / 2
    return part.map if by == "map" else part.field


def _class_name(lower: float, upper: float) -> Text:
    if math.isinf(lower):
        return text("under {:g}", upper)
    return text("over {:g}", lower) if math.isinf(upper) else text("{:g}-{:g}", lower, upper)


def _months(pairs: Sequence[Pairs]) -> Iterator[tuple[Group, list[np.ndarray]]]:
    """The months that have any pair, in the order of the year."""
    months = [month_of(part.days) for part in pairs]
    for number, name in enumerate(MONTHS, start=1):
        chosen = [(month == number) & part.used for month, part in zip(months, pairs)]
        if any(days.any() for days in chosen):
            yield Group(MONTH, name), chosen
