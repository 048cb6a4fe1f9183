"""Finished pieces of a cross-validation, and folds of the piece under way, for a run that was stopped.

Each is kept with a hash of the rows and settings that it came from: a table or a setting that changed finds
nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...methods.base import Cells
from ...methods.forest.engines import FASTEST
from ...methods.keys import BY_DATE, CellKey, Key, PooledKey, key_label
from ...runs.fingerprint import digest
from ...runs.journal import Journal
from .numbers.pieces import Choice, FoldOutcome, PartScores, Piece, PieceResult
from .numbers.settings import ValidationSettings


def settings_key(covariates: Sequence[str], settings: ValidationSettings) -> str:
    """A hash of all but the rows that results depend on; not of the number of repeats."""
    engines = {*settings.method.engines[:1], settings.engine} - {FASTEST}
    said = {
        **settings.as_dict(),
        "repeats": 0,
        "covariates": list(covariates),
        "versions": [*map(settings.method.engine_version, sorted(engines)), np.__version__],
    }
    if settings.mode == BY_DATE:
        # The seasons of dates are made of whole pieces.
        said.update(wet=(), dry=())
    return digest(said)


def rows_told(counts: Mapping[Key, int]) -> str:
    """A hash of how many rows each date or cell has: it is cheap, and tells one table from most others."""
    return digest({key_label(unit): n for unit, n in counts.items()})


def rows_key(about: str, rows: Cells) -> str:
    """`about`, which is of `settings_key`, and a hash of the rows of a unit."""
    found = hashlib.sha256()
    place = () if rows.coordinates is None else (rows.coordinates,)
    for array in (rows.x, rows.y, rows.cells, rows.days, *place):
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return f"{about}-{found.hexdigest()}"


def folds_file_of(work_file: str | Path) -> Path:
    """Where the folds of the piece under way are kept beside the finished pieces."""
    work_file = Path(work_file)
    return work_file.with_name(f"{work_file.name}_folds")


class WorkFile:
    """Finds and adds finished pieces, and folds of the piece under way; without a path it keeps nothing.

    Parameters
    ----------
    path : path or None
    rows : str
        A hash of how many rows there are, see `rows_told`: what is counted as done was made of as many.
    with_folds : bool
        Whether finished folds are kept too: of pooled forests, a piece may take hours.

    Raises
    ------
    InputError
        If it cannot be read or written.
    """

    def __init__(self, path: str | Path | None, rows: str = "", with_folds: bool = False):
        self._journal, self._rows = Journal(path), rows
        self._fold_journal = Journal(folds_file_of(path) if with_folds and path is not None else None)
        self._pieces: dict[tuple[str, Piece], PieceResult] = {}
        self._of_these_rows: set[tuple[str, Piece]] = set()
        for record in self._journal.records():
            place = record["key"], _piece_of(record)
            self._pieces[place] = _result_of(place[1], record)
            if record["rows"] == rows:
                self._of_these_rows.add(place)
        self._folds = {
            (record["key"], _piece_of(record), record["fold"]): _outcome_of(record)
            for record in self._fold_journal.records()
            if record["rows"] == rows
        }

    def find(self, key: str, piece: Piece, with_rows: bool) -> PieceResult | None:
        """A finished piece, or None."""
        found = self._pieces.get((key, piece))
        if found is None or (with_rows and found.predicted is None):
            return None
        if with_rows:
            return found
        return dataclasses.replace(found, observed=None, predicted=None, fold_of_row=None)

    def find_fold(self, key: str, piece: Piece, fold: int) -> FoldOutcome | None:
        """A finished fold (from 0) of the rows and settings of `key`, or None."""
        return self._folds.get((key, piece, fold))

    def count(self, about: str, repeats: int) -> int:
        """Finished pieces of these settings (see `settings_key`) and as many rows, up to a repeat."""
        return sum(
            key.startswith(f"{about}-") and piece.repeat <= repeats for key, piece in self._of_these_rows
        )

    def count_folds(self, about: str) -> int:
        """Finished folds of these settings and as many rows."""
        return sum(key.startswith(f"{about}-") for key, _, _ in self._folds)

    def knows(self, about: str) -> bool:
        """Whether any finished work is of these settings."""
        return any(key.startswith(f"{about}-") for key, _ in self._pieces) or self.count_folds(about) > 0

    def add(self, key: str, result: PieceResult) -> None:
        """Keep a finished piece on disk, and its folds no longer."""
        record = {
            **vars(result),
            "piece": None,
            "choices": [vars(choice) for choice in result.choices],
            "parts": [{**vars(part), "unit": None, **_unit_record(part.unit)} for part in result.parts],
        }
        self._journal.add({**record, **self._place(key, result.piece)})
        self._fold_journal.clear()
        self._folds.clear()

    def add_fold(self, key: str, piece: Piece, fold: int, outcome: FoldOutcome) -> None:
        """Keep a finished fold on disk."""
        record = {**vars(outcome), "choice": vars(outcome.choice)}
        self._fold_journal.add({**self._place(key, piece), "fold": fold, **record})

    def close(self) -> None:
        """Close the files; they stay."""
        self._journal.close()
        self._fold_journal.close()

    def _place(self, key: str, piece: Piece) -> dict[str, Any]:
        place = {"key": key, "rows": self._rows, "scheme": piece.scheme, "repeat": piece.repeat}
        return {**place, **_unit_record(piece.unit)}


def _unit_record(unit: Key) -> dict[str, Any]:
    """A unit in a record: its date, its cell, or nothing of pooled rows."""
    if isinstance(unit, dt.date):
        return {"date": unit.isoformat()}
    return {"cell": [unit.row, unit.col]} if isinstance(unit, CellKey) else {}


def _unit_of(record: Mapping[str, Any]) -> Key:
    if "date" in record:
        return dt.date.fromisoformat(record["date"])
    return CellKey(*record["cell"]) if "cell" in record else PooledKey()


def _piece_of(record: Mapping[str, Any]) -> Piece:
    return Piece(_unit_of(record), record["scheme"], record["repeat"])


def _result_of(piece: Piece, record: Mapping[str, Any]) -> PieceResult:
    return PieceResult(
        piece,
        record["n"],
        record["scores"],
        tuple(Choice(**choice) for choice in record["choices"]),
        tuple(
            PartScores(_unit_of(part), part["season"], part["n"], part["scores"]) for part in record["parts"]
        ),
        tuple(record["importance"]),
        record["observed"],
        record["predicted"],
        record["fold_of_row"],
    )


def _outcome_of(record: Mapping[str, Any]) -> FoldOutcome:
    return FoldOutcome(record["predicted"], Choice(**record["choice"]), record["permuted_sse"])
