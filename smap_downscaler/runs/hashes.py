"""Hashes of what files hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..base.errors import InputError
from ..base.progress import SILENT, Progress, check_cancelled

BYTES_AT_ONCE = 1 << 22


def file_hash(path: str | Path, progress: Progress = SILENT) -> str:
    """SHA-256 of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as stream:
            while block := stream.read(BYTES_AT_ONCE):
                progress.check()
                check_cancelled()
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror}); check the path.") from None
    return digest.hexdigest()
