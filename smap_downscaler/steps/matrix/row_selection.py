"""Which rows of a regression matrix are used."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ...base.dates import is_within


@dataclass(frozen=True)
class Scope:
    """Which rows of a table are used.

    Parameters
    ----------
    start, end : date or None
        First and last date.
    minimum : int or None
        Minimum cells per date, or dates of a cell; None: min(50, half of all), at least 20.
    maximum_rows, memory_mb : int or None
        Maximum rows per date, and the memory that all may take; for pooled rows.
    """

    start: dt.date | None = None
    end: dt.date | None = None
    minimum: int | None = None
    maximum_rows: int | None = None
    memory_mb: int | None = None

    def holds(self, date: dt.date) -> bool:
        """Whether a date is inside."""
        return is_within(date, self.start, self.end)

    @property
    def period(self) -> str:
        """In words."""
        return f"from {self.start or 'the begin'} to {self.end or 'the end'}"


#: The default: all rows.
WHOLE_TABLE = Scope()
