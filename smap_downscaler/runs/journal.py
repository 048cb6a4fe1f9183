"""Finished work on disk, a checked line each, so that a run that was stopped goes on from there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..base.errors import InputError
from ..base.part_files import remove
from ..base.version import plugin_version

_ARRAY = "<array>"


class Journal:
    """Adds records to a file and finds those that are there; without a path it keeps nothing.

    A record is what JSON knows, and arrays, which keep each bit.  It stands in a line of its own behind a
    checksum: a line that a stop cut off, that is damaged, or that another version of the plugin wrote is
    passed over, and its work is done anew.  What else a record depends on (inputs, settings) its writer puts
    into it as a digest, see `fingerprint.digest`.  The file is made with the first record that is added.
    """

    def __init__(self, path: str | Path | None):
        self._path = None if path is None else Path(path)
        self._stream: BinaryIO | None = None

    def records(self) -> Iterator[dict[str, Any]]:
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
                    checksum, _, text = line.rstrip(b"\n").partition(b" ")
                    if checksum == _checksum(text):
                        yield json.loads(text, object_hook=_unpacked)
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
        text = json.dumps(record, default=_packed).encode()
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._open(self._path)
            self._stream.write(_checksum(text) + b" " + text + b"\n")
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

    def clear(self) -> None:
        """Remove the file: what it kept is needed no longer."""
        self.close()
        remove_work_files(self._path)

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


def remove_work_files(*paths: str | Path | None) -> None:
    """Remove files of finished work, where they are."""
    remove(Path(path) for path in paths if path is not None)


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(plugin_version().encode() + text).hexdigest()[:16].encode()


def _packed(value: Any) -> dict[str, Any]:
    """An array for JSON, in the same bytes on any machine."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a record cannot hold {type(value).__name__}")
    values = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    text = base64.b64encode(values.tobytes()).decode("ascii")
    return {_ARRAY: [values.dtype.str, list(values.shape), text]}


def _unpacked(item: dict[str, Any]) -> Any:
    if _ARRAY not in item:
        return item
    kind, shape, text = item[_ARRAY]
    values = np.frombuffer(base64.b64decode(text), kind).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="))
