"""Finished pieces of a cross-validation, and folds of the piece under way, for a run that was stopped.

Each is kept with a hash of the rows and settings that it came from: a table or a setting that changed finds
nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...methods.base import Cells
from ...methods.forest.engines import FASTEST
from ...methods.keys import BY_DATE, Key, key_fields, key_label, key_of
from ...runs.fingerprint import digest
from ...runs.journal import Journal, remove_work_files
from .numbers.pieces import Choice, FoldOutcome, PartScores, Piece, PieceResult
from .numbers.settings import ValidationSettings


def settings_key(covariates: Sequence[str], settings: ValidationSettings) -> str:
    """A hash of all but the rows that results depend on; not of the number of repeats."""
    engines = {*settings.method.engines[:1], settings.engine} - {FASTEST}
    content = {
        **settings.as_dict(),
        "repeats": 0,
        "covariates": list(covariates),
        "versions": [*map(settings.method.engine_version, sorted(engines)), np.__version__],
    }
    if settings.mode == BY_DATE:
        # The seasons of dates are made of whole pieces.
        content.update(wet=(), dry=())
    return digest(content)


def counts_key(counts: Mapping[Key, int]) -> str:
    """A hash of how many rows each date or cell has: cheap, and it differs for most other tables."""
    return digest({key_label(key): n for key, n in counts.items()})


def rows_key(about: str, rows: Cells) -> str:
    """`about`, which is of `settings_key`, and a hash of the rows of a date or cell, or of all."""
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


def forget_work(work_file: str | Path | None) -> None:
    """Remove the finished pieces and folds that `run.crossvalidate_table` kept."""
    if work_file is not None:
        remove_work_files(work_file, folds_file_of(work_file))


class WorkFile:
    """Finds and adds finished pieces, and folds of the piece under way; without a path it keeps nothing.

    What is kept is known by its `source`, see `rows_key`; `rows` is a hash of how many rows there are, see
    `counts_key`: what is counted as done was made of as many.  Folds are kept only `with_folds`: of pooled
    forests, a piece may take hours.  Raises `InputError` if a file cannot be read or written.
    """

    def __init__(self, path: str | Path | None, rows: str = "", with_folds: bool = False):
        self._journal, self._rows = Journal(path), rows
        self._fold_journal = Journal(folds_file_of(path) if with_folds and path is not None else None)
        self._pieces: dict[tuple[str, Piece], PieceResult] = {}
        self._of_these_rows: set[tuple[str, Piece]] = set()
        for record in self._journal.records():
            known = record["key"], _piece_of(record)
            self._pieces[known] = _result_of(known[1], record)
            if record["rows"] == rows:
                self._of_these_rows.add(known)
        self._folds = {
            (record["key"], _piece_of(record), record["fold"]): FoldOutcome(
                record["predicted"], Choice(**record["choice"]), record["permuted_sse"], record.get("ends")
            )
            for record in self._fold_journal.records()
            if record["rows"] == rows
        }

    def find(self, source: str, piece: Piece, with_rows: bool) -> PieceResult | None:
        """A finished piece, or None."""
        found = self._pieces.get((source, piece))
        if found is None or with_rows:
            return None if found is None or found.predicted is None else found
        return dataclasses.replace(found, observed=None, predicted=None, fold_of_row=None)

    def find_fold(self, source: str, piece: Piece, fold: int) -> FoldOutcome | None:
        """A finished fold (from 0), or None."""
        return self._folds.get((source, piece, fold))

    def count(self, about: str, repeats: int) -> int:
        """Finished pieces of these settings (see `settings_key`) and as many rows, up to a repeat."""
        return sum(
            source.startswith(f"{about}-") and piece.repeat <= repeats
            for source, piece in self._of_these_rows
        )

    def count_folds(self, about: str) -> int:
        """Finished folds of these settings and as many rows."""
        return sum(source.startswith(f"{about}-") for source, _, _ in self._folds)

    def knows(self, about: str) -> bool:
        """Whether any finished work is of these settings."""
        return any(source.startswith(f"{about}-") for source, _ in self._pieces) or bool(
            self.count_folds(about)
        )

    def add(self, source: str, result: PieceResult) -> None:
        """Keep a finished piece on disk, and its folds no longer."""
        record = {
            **vars(result),
            "piece": None,
            "choices": [choice._asdict() for choice in result.choices],
            "parts": [{**part._asdict(), "key": None, **key_fields(part.key)} for part in result.parts],
        }
        self._journal.add({**record, **self._record(source, result.piece)})
        self._fold_journal.clear()
        self._folds.clear()

    def add_fold(self, source: str, piece: Piece, fold: int, outcome: FoldOutcome) -> None:
        """Keep a finished fold on disk."""
        record = {**outcome._asdict(), "choice": outcome.choice._asdict()}
        self._fold_journal.add({**self._record(source, piece), "fold": fold, **record})

    def close(self) -> None:
        """Close the files; they stay."""
        self._journal.close()
        self._fold_journal.close()

    def _record(self, source: str, piece: Piece) -> dict[str, Any]:
        record = {"key": source, "rows": self._rows, "scheme": piece.scheme, "repeat": piece.repeat}
        return {**record, **key_fields(piece.key)}


def _piece_of(record: Mapping[str, Any]) -> Piece:
    return Piece(key_of(record), record["scheme"], record["repeat"])


def _result_of(piece: Piece, record: Mapping[str, Any]) -> PieceResult:
    parts = record["parts"]
    return PieceResult(
        piece,
        record["n"],
        record["scores"],
        tuple(Choice(**choice) for choice in record["choices"]),
        tuple(PartScores(key_of(part), part["season"], part["n"], part["scores"]) for part in parts),
        tuple(record["importance"]),
        *(record[name] for name in ("observed", "predicted", "fold_of_row")),
    )
