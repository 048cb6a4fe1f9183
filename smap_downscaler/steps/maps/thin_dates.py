"""Dates whose forest knows little of the area: such gave the paper's maps their artefacts (12 Aug 2021)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.words import joined, text
from ...methods.coverage import Coverage
from ...methods.file.reader import ModelFile
from ..matrix.numbers.rows import rows_needed

#: Few are fewer than this many times the cells that a date needs, and than half of the area's.
_JUST_ABOVE, _MOST_OF_AREA = 1.5, 0.5
#: The share of the area's box in which cells lie close together: half its height by half its width.
_CORNER = 0.25
_MOST_NAMED = 10


def thin_dates(forests: ModelFile, dates: Sequence[dt.date]) -> dict[dt.date, str]:
    """What is thin about the cells of dates, by date; dates of which the file says nothing are left out.

    A date is thin with fewer than one and a half times the cells that it needs by default (see `rows_needed`)
    and than half of the area's cells, or if the box around nine tenths of its rows and columns is a quarter
    of the area's or less: a corner, or a narrow strip.
    """
    known = {date: forests.coverage[date] for date in dates if date in forests.coverage}
    return {date: _text(one) for date, one in known.items() if _has_few(one) or one.box <= _CORNER}


def thin_sentence(forests: ModelFile, thin: dict[dt.date, str]) -> str:
    """The dates in one warning; empty for none."""
    if not thin:
        return ""
    named = [text("{} ({})", date, words) for date, words in sorted(thin.items())[:_MOST_NAMED]]
    if len(thin) > _MOST_NAMED:
        named.append(text("and {:,} more", len(thin) - _MOST_NAMED))
    return text(
        "{}: these dates have few cells, or all in one part of the area, so that their maps may hold "
        "artefacts elsewhere: {}; mistrust them, or raise MINIMUM_CELLS in 'Train forests'.",
        str(forests.path),
        joined(", ", named),
    )


def _has_few(one: Coverage) -> bool:
    return one.cells < min(_JUST_ABOVE * rows_needed(one.area), _MOST_OF_AREA * one.area)


def _text(one: Coverage) -> str:
    words = text("{:,} of {:,} cells", one.cells, one.area)
    return words + text(" in {:.0f} % of its extent", 100 * one.box) if one.box <= _CORNER else words
