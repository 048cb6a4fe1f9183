"""What may stand together in a triple collocation, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import Progress
from ...series.series import Series
from ...series.tags import CHOICE_TAGS, tags_behind
from ...tables.geopackage import INTEGER, REAL, TEXT, create_table
from ..maps.downscale import RUN_TAG
from .numbers.collocation import MEMBERS, RESULTS, TripleRow
from .numbers.pairs import Pairs

#: How rasters spell the unit of soil moisture.
_UNITS = frozenset({"m3 m-3", "m3/m3", "m^3/m^3", "m**3 m**-3", "m^3 m^-3", "cm3 cm-3", "cm3/cm3"})


def check_third(third: Series, others: Iterable[str]) -> None:
    """Raise `InputError` where the errors of the third series depend on those of SMAP or a map.

    That is so for SMAP beside a map made from it, and for a series beside itself.

    Parameters
    ----------
    third : Series
    others : iterable of str
        Folders or files of maps and SMAP, the one that is collocated and the one that is not.
    """
    for other in others:
        if Path(other).resolve() == Path(third.source).resolve():
            raise InputError(
                f"THIRD: {third.source} is given as SERIES or SMAP too, and the errors of SMAP and of a map "
                "made from it are not independent; give an independent model or sensor."
            )
    made = made_from_smap(third)
    if made:
        raise InputError(
            f"THIRD: {third.source} is {made}, and the errors of SMAP and of a map made from it are not "
            "independent; give an independent model or sensor."
        )


def made_from_smap(series: Series) -> str:
    """What the tags of a series say of its coming from SMAP, or empty."""
    if series.has_filled():
        return "a filled SMAP series ('Fill gaps')"
    for tags in tags_behind(series.entries[0].path):
        if RUN_TAG in tags and "FORESTS" in tags:
            return "a map made from SMAP ('Downscale')"
        if all(tag in tags for tag in CHOICE_TAGS):
            return "SMAP ('Import SMAP soil moisture')"
    return ""


def check_triples(triples: Sequence[Pairs], third: Series) -> None:
    """Raise `InputError` where the third series tells the very values of the source at all stations."""
    shared = [(part.map[part.common], part.other[part.common]) for part in triples if part.other is not None]
    if not any(len(one) for one, _ in shared):
        raise InputError(
            f"THIRD: {third.source} has no value at a station on a day that has the two others; choose "
            "series of the same area and days."
        )
    if all(np.array_equal(one, other) for one, other in shared):
        raise InputError(
            f"THIRD: {third.source} tells the same values as the series it is held against; give an "
            "independent model or sensor."
        )


def warn_if_no_moisture(third: Series, progress: Progress) -> None:
    """Warn where the third series tells a unit that is not soil moisture's."""
    unit = third.unit()
    if unit and unit not in _UNITS:
        progress.warn(
            f"THIRD: {third.source} is in {unit}, and so is its error SD; it must be another estimate of "
            "soil moisture: rain, temperature or a vegetation index breaks the method whatever its "
            "correlation."
        )


def write_triples(
    path: str | Path, rows: Sequence[TripleRow], names: Mapping[str, str], left_out: Mapping[str, str]
) -> None:
    """A row a station and member, and one for each station that was left out, with the reason.

    Parameters
    ----------
    path : path
    rows : sequence of TripleRow
    names : mapping
        What each of `MEMBERS` is called.
    left_out : mapping

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"station": TEXT, "member": TEXT, "name": TEXT, "n": INTEGER, "block": INTEGER}
    fields |= {"n_stations": INTEGER}
    for result in RESULTS:
        fields |= dict.fromkeys((result, f"{result}_lower", f"{result}_upper"), REAL)
    fields["status"] = TEXT
    with create_table(path, "triple_collocation", fields) as table:
        table.write(_table_rows(rows, names))
        missing = [TripleRow(name, MEMBERS[0], 0, 0, 0, status=why) for name, why in left_out.items()]
        table.write(_table_rows(missing, names))


def _table_rows(rows: Sequence[TripleRow], names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        numbers: list[float] = []
        for result in RESULTS:
            interval = row.interval(result)
            numbers += [row.value(result), interval.lower, interval.upper]
        counts = row.n, row.block, row.n_stations
        yield (row.station, row.member, names[row.member], *counts, *numbers, row.status)
