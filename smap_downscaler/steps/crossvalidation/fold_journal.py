"""Finished folds of a piece of cross-validation under way: of pooled forests, a piece may take hours."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...runs.journal import DAMAGED, KeptLines, array_of, array_text
from .numbers.pieces import Choice, FoldOutcome, Piece
from .records import number_of, number_or_none, unit_as_dict, unit_of

_NUMBERS = "<f8"


class FoldFile:
    """Finds and adds finished folds; without a path it keeps nothing.

    Parameters
    ----------
    path : path or None
    rows : str
        As for `validation_work.WorkFile`.

    Raises
    ------
    InputError
        If it cannot be read or written.
    """

    def __init__(self, path: str | Path | None, rows: str = ""):
        self._path = None if path is None else Path(path)
        self._lines, self._rows = KeptLines(path), rows
        self._found: dict[tuple[str, Piece, int], FoldOutcome] = {}
        for record in self._lines.records():
            with contextlib.suppress(*DAMAGED):
                if record["rows"] == rows:
                    self._found[_place(record)] = _outcome(record)

    def find(self, key: str, piece: Piece, fold: int) -> FoldOutcome | None:
        """A finished fold (from 0) of the rows and settings of `key`, or None."""
        return self._found.get((key, piece, fold))

    def count(self, about: str) -> int:
        """Finished folds of these settings, see `validation_work.settings_key`."""
        return sum(key.startswith(f"{about}-") for key, _, _ in self._found)

    def add(self, key: str, piece: Piece, fold: int, outcome: FoldOutcome) -> None:
        """Keep a finished fold on disk."""
        choice = dataclasses.asdict(outcome.choice)
        sse = outcome.permuted_sse
        self._lines.add(
            {
                "key": key,
                "rows": self._rows,
                **unit_as_dict(piece.unit),
                "scheme": piece.scheme,
                "repeat": piece.repeat,
                "fold": fold,
                "choice": {**choice, "inner_rmse": number_or_none(outcome.choice.inner_rmse)},
                "predicted": array_text(outcome.predicted, _NUMBERS),
                "permuted_sse": None if sse is None else array_text(sse, _NUMBERS),
            }
        )

    def clear(self) -> None:
        """Remove the file: the piece is finished, and kept elsewhere."""
        self.close()
        self._found.clear()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def close(self) -> None:
        """Close the file; it stays."""
        self._lines.close()


def _place(record: Mapping[str, Any]) -> tuple[str, Piece, int]:
    piece = Piece(unit_of(record), str(record["scheme"]), int(record["repeat"]))
    return str(record["key"]), piece, int(record["fold"])


def _outcome(record: Mapping[str, Any]) -> FoldOutcome:
    choice, sse = record["choice"], record["permuted_sse"]
    return FoldOutcome(
        array_of(record["predicted"], _NUMBERS),
        Choice(**{**choice, "inner_rmse": number_of(choice["inner_rmse"])}),
        None if sse is None else array_of(sse, _NUMBERS),
    )
