"""Finished work on disk, a line of JSON each, so that a run that was stopped goes on from there."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..base.errors import InputError

#: What a record that somebody else wrote, or that is damaged, may raise where it is read.
DAMAGED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)


class KeptLines:
    """Adds records to a file and reads those that are there; without a path it keeps nothing.

    The file is made with the first record that is added.  A line that was cut off by a stop is passed
    over.
    """

    def __init__(self, path: str | Path | None):
        self._path = None if path is None else Path(path)
        self._stream: BinaryIO | None = None

    def records(self) -> Iterator[Any]:
        """What is in the file, line by line.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if self._path is None or not self._path.is_file():
            return
        try:
            with self._path.open("rb") as stream:
                for line in stream:
                    try:
                        record = json.loads(line)
                    except (ValueError, RecursionError):
                        continue
                    yield record
        except OSError as error:
            raise InputError(f"{self._path}: it cannot be read ({error.strerror}); remove it.") from None

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep a record on disk.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        if self._path is None:
            return
        line = json.dumps(record, allow_nan=False) + "\n"
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._open(self._path)
            self._stream.write(line.encode())
            self._stream.flush()
        except OSError as error:
            raise InputError(
                f"{self._path}: finished work cannot be kept there ({error.strerror or error}); remove it, "
                "make room, or choose another folder."
            ) from None

    def close(self) -> None:
        """Close the file; it stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        stream = path.open("ab+")
        # A line that a stop cut off must not swallow the next one.
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        return stream


def work_file_of(output: str | Path) -> Path:
    """Where the finished work of a run is kept until its `output`, a file or folder, is written."""
    output = Path(output)
    return output.with_name(f".{output.name}.work")


def forget(*paths: str | Path | None) -> None:
    """Remove files of finished work, where they are."""
    for path in paths:
        if path is None:
            continue
        with contextlib.suppress(OSError):
            Path(path).unlink()


def array_text(values: np.ndarray, kind: str) -> str:
    """An array as text that keeps each bit: base64 of its values as `kind`, a little-endian dtype."""
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def array_of(text: str, kind: str) -> np.ndarray:
    """What `array_text` made the text of, flat.

    Raises
    ------
    ValueError
        If it is no such text.
    """
    data = base64.b64decode(text, validate=True)
    return np.frombuffer(data, kind).astype(np.dtype(kind).newbyteorder("="))
