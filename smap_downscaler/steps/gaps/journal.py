"""Finished cells of a filling, kept so that a run that was stopped goes on from there.

A cell is found again only for the same inputs, the same hidden runs and the same versions of what
grows forests, and only if all days that are asked for now were asked for when it was worked on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...methods.forest.engines import SCIKIT_LEARN, version_of
from ...methods.keys import CellKey
from ...runs.fingerprint import digest
from ...runs.journal import Journal
from .numbers.cell import FilledCell
from .numbers.hidden import HidingOutcome, HidingSettings
from .numbers.scores import HiddenDays


class KeptCells:
    """Finds and adds finished cells; without a path it keeps nothing.

    Parameters
    ----------
    path : path or None
    run : str
        The fingerprint of the inputs.
    days : int64, shape (n,)
        Ordinals of all days of the series, without a gap.
    hiding : HidingSettings or None
    """

    def __init__(self, path: str | Path | None, run: str, days: np.ndarray, hiding: HidingSettings | None):
        self._journal = Journal(path)
        self._days = days
        versions = [version_of(SCIKIT_LEARN), np.__version__]
        self._plain, self._hiding = (
            digest({"run": run, "hiding": said and dataclasses.asdict(said), "versions": versions})
            for said in (None, hiding)
        )

    def finished(
        self,
        cells: Collection[CellKey],
        hide: Collection[CellKey],
        wanted: np.ndarray,
        progress: Progress = SILENT,
    ) -> Iterator[FilledCell]:
        """What is known of `cells`, each once, in any order.

        Parameters
        ----------
        cells : collection of CellKey
        hide : collection of CellKey
            Those whose days are hidden.
        wanted : bool, shape (n,)
            Days to fill.
        progress : Progress
        """
        left = {(cell.row, cell.col): cell for cell in cells}
        for record in self._journal.records():
            progress.check()
            cell = left.get(tuple(record["cell"]))
            if cell is None or record["key"] != (self._hiding if cell in hide else self._plain):
                continue
            found = self._cell(cell, record, wanted)
            if found is not None:
                del left[cell.row, cell.col]
                yield found

    def add(self, found: FilledCell, asked: np.ndarray) -> None:
        """Keep a cell on disk; `asked`, bool, shape (n,), are the days that it was to be filled on."""
        self._journal.add(
            {
                "key": self._plain if found.hiding is None else self._hiding,
                "cell": [found.key.row, found.key.col],
                "asked": self._days[asked].astype(np.int32),
                # As single as they are in the files.
                "values": found.values[asked].astype(np.float32),
                "hiding": found.hiding and _as_dict(found.hiding),
            }
        )

    def close(self) -> None:
        """Close the file; it stays."""
        self._journal.close()

    def _cell(self, cell: CellKey, record: dict[str, Any], wanted: np.ndarray) -> FilledCell | None:
        """The cell of a record, or None if a day that is wanted was not asked for."""
        numbers = record["asked"] - self._days[0]
        within = (numbers >= 0) & (numbers < len(self._days))
        lacking = wanted.copy()
        lacking[numbers[within]] = False
        if lacking.any():
            return None
        values = np.full(len(self._days), np.nan)
        values[numbers[within]] = record["values"][within]
        return FilledCell(cell, values, record["hiding"] and _outcome(record["hiding"]))


def _as_dict(outcome: HidingOutcome) -> dict[str, Any]:
    return {**vars(outcome), "hidden": outcome.hidden and vars(outcome.hidden)}


def _outcome(record: dict[str, Any]) -> HidingOutcome:
    hidden = record["hidden"]
    if hidden is not None:
        hidden = HiddenDays(**{**hidden, "cell": tuple(hidden["cell"])})
    return HidingOutcome(hidden, record["complete"], record["why"])
