"""Finished pieces of a cross-validation, kept so that a run that was stopped goes on from there.

One JSON line a piece, each with a hash of the rows and settings that it came from: a table or a
setting that changed finds nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.version import plugin_version
from ...methods.base import Cells
from ...methods.forest.engines import FASTEST
from ...methods.keys import BY_DATE, Key, key_label
from ...runs.journal import DAMAGED, KeptLines
from .fold_journal import FoldFile
from .numbers.pieces import LINE, SCORES, Choice, PartScores, Piece, PieceResult
from .numbers.settings import ValidationSettings
from .records import number_of, number_or_none, unit_as_dict, unit_of

_ROWS = ("observed", "predicted", "fold_of_row")


def settings_key(covariates: Sequence[str], settings: ValidationSettings) -> str:
    """A hash of all but the rows that results depend on; not of the number of repeats."""
    engines = {*settings.method.engines[:1], settings.engine} - {FASTEST}
    said = {
        **settings.as_dict(),
        "repeats": 0,
        "covariates": list(covariates),
        "versions": [plugin_version(), *map(settings.method.engine_version, sorted(engines)), np.__version__],
    }
    if settings.mode == BY_DATE:
        # The seasons of dates are made of whole pieces.
        said.update(wet=(), dry=())
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def rows_told(counts: Mapping[Key, int]) -> str:
    """A hash of how many rows each date or cell has: it is cheap, and tells one table from most others."""
    told = sorted((key_label(unit), n) for unit, n in counts.items())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def rows_key(about: str, rows: Cells) -> str:
    """`about`, which is of `settings_key`, and a hash of the rows of a unit."""
    digest = hashlib.sha256()
    place = () if rows.place is None else (rows.place,)
    for array in (rows.x, rows.y, rows.cells, rows.days, *place):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"{about}-{digest.hexdigest()}"


def folds_file_of(work_file: str | Path) -> Path:
    """Where the folds of the piece under way are kept beside the finished pieces."""
    work_file = Path(work_file)
    return work_file.with_name(f"{work_file.name}_folds")


class WorkFile:
    """Finds and adds finished pieces; without a path it keeps nothing.

    The file is made with the first piece that is added.

    Parameters
    ----------
    path : path or None
    rows : str
        A hash of how many rows there are, see `rows_told`: what is counted as done was made of as many.
    with_folds : bool
        Whether finished folds of the piece under way are kept too.

    Raises
    ------
    InputError
        If it cannot be read or written.
    """

    def __init__(self, path: str | Path | None, rows: str = "", with_folds: bool = False):
        self._lines, self._rows = KeptLines(path), rows
        #: Of the piece under way.
        self.folds = FoldFile(folds_file_of(path) if with_folds and path is not None else None, rows)
        self.pieces: dict[tuple[str, Piece], PieceResult] = {}
        self._of_these_rows: set[tuple[str, Piece]] = set()
        for record in self._lines.records():
            with contextlib.suppress(*DAMAGED):
                key, result = _from_dict(record)
                self.pieces[key, result.piece] = result
                if record.get("rows") == rows:
                    self._of_these_rows.add((key, result.piece))

    def find(self, key: str, piece: Piece, with_rows: bool) -> PieceResult | None:
        """A finished piece, or None."""
        found = self.pieces.get((key, piece))
        if found is None or (with_rows and found.predicted is None):
            return None
        if with_rows:
            return found
        return dataclasses.replace(found, observed=None, predicted=None, fold_of_row=None)

    def count(self, about: str, repeats: int) -> int:
        """Finished pieces of these settings (see `settings_key`) and as many rows, up to a repeat."""
        return sum(
            key.startswith(f"{about}-") and piece.repeat <= repeats for key, piece in self._of_these_rows
        )

    def knows(self, about: str) -> bool:
        """Whether any finished work is of these settings."""
        return any(key.startswith(f"{about}-") for key, _ in self.pieces) or bool(self.folds.count(about))

    def add(self, key: str, result: PieceResult) -> None:
        """Keep a finished piece on disk, and its folds no longer."""
        self._lines.add({**_as_dict(key, result), "rows": self._rows})
        self.folds.clear()

    def close(self) -> None:
        """Close the file; it stays."""
        self._lines.close()
        self.folds.close()


def _as_dict(key: str, result: PieceResult) -> dict[str, Any]:
    piece = result.piece
    record: dict[str, Any] = {
        "key": key,
        **unit_as_dict(piece.unit),
        "scheme": piece.scheme,
        "repeat": piece.repeat,
        "n": result.n,
        "scores": _scores_as_dict(result.scores),
        "choices": [
            {**dataclasses.asdict(choice), "inner_rmse": number_or_none(choice.inner_rmse)}
            for choice in result.choices
        ],
        "parts": [
            {
                **unit_as_dict(part.unit),
                "season": part.season,
                "n": part.n,
                "scores": _scores_as_dict(part.scores),
            }
            for part in result.parts
        ],
        "importance": [number_or_none(value) for value in result.importance],
    }
    for name in _ROWS:
        values = getattr(result, name)
        record[name] = None if values is None else values.tolist()
    return record


def _from_dict(record: dict[str, Any]) -> tuple[str, PieceResult]:
    piece = Piece(unit_of(record), str(record["scheme"]), int(record["repeat"]))
    choices = tuple(
        Choice(**{**choice, "inner_rmse": number_of(choice["inner_rmse"])}) for choice in record["choices"]
    )
    parts = tuple(
        PartScores(unit_of(part), str(part["season"]), int(part["n"]), _scores(part["scores"]))
        for part in record["parts"]
    )
    importance = tuple(number_of(value) for value in record["importance"])
    rows = [None if record[name] is None else np.array(record[name]) for name in _ROWS]
    found = _scores(record["scores"])
    return str(record["key"]), PieceResult(piece, int(record["n"]), found, choices, parts, importance, *rows)


def _scores_as_dict(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: number_or_none(value) for name, value in scores.items()}


def _scores(record: dict[str, Any]) -> dict[str, float]:
    return {name: number_of(record[name]) for name in (*SCORES, *LINE)}
