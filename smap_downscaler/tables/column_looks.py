"""A look through the columns of a table for codes of no value, as it is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..base.nodata import Look, NoDataChoice


class ColumnLooks:
    """A `Look` for each column of a table of numbers.

    Parameters
    ----------
    label : str
        The file or parameter, for the refusal.
    names : sequence of str
        The columns, in order.
    choice : NoDataChoice, optional
        What the parameter NODATA says of columns.
    advice : str
        What to do where there is no NODATA; see `Look`.
    """

    def __init__(
        self, label: str, names: Sequence[str], choice: NoDataChoice | None = None, advice: str = ""
    ):
        choice = choice or NoDataChoice()
        self._looks = [Look(label, name, choice.of(name), advice=advice) for name in names]

    def add(self, rows: np.ndarray) -> None:
        """Look at some rows, shape (n, columns), NaN where missing; the more at once, the better.

        What NODATA declares missing becomes NaN in them.
        """
        for look, column in zip(self._looks, rows.T):
            if look.declared.codes:
                column[look.declared.missing(column)] = np.nan
            look.add(column)

    def check(self) -> None:
        """Raise `InputError` if a column seen so far holds a code that is no value."""
        for look in self._looks:
            look.check()
