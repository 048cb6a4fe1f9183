"""Is this an HDF5 file, and is it whole?  Told from the first bytes, before GDAL.

GDAL and the HDF5 library answer with a stack trace, so the usual accidents of a
download (cut off, or a login page under the granule's name) are recognised here.
Layout: HDF5 File Format Specification 3.0, II.A "Disk Format: Level 0A - Superblock".
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..base.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIRST_BYTES = 1024
_GET_IT_AGAIN = "download it again"


class _Superblock(NamedTuple):
    version: int
    base: int
    end: int


def check_hdf5(path: str | Path) -> None:
    """Raise `InputError` unless `path` is an HDF5 file of the length that it says of itself."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            _check(path, file, path.stat().st_size)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: it cannot be read ({reason}); check the path and your rights.") from None


def is_hdf5(path: str | Path) -> bool:
    """Whether a file begins as HDF5 files, NetCDF-4 among them, do."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _check(path: Path, file: BinaryIO, size: int) -> None:
    if size == 0:
        raise InputError(f"{path}: the file is empty; {_GET_IT_AGAIN}.")
    start = _find_signature(file, size)
    if start is None:
        raise InputError(_what_else(path, file))
    superblock = _read_superblock(path, file, start)
    # A block of the user's own may have been put before the file later on.
    end = superblock.end + start - superblock.base
    if size < end:
        raise _truncated(path, f"it has {size:,} of {end:,} bytes")
    if size > end:
        # The library may read beyond its own buffers.
        raise InputError(
            f"{path}: the HDF5 file is longer than it says of itself ({size:,} bytes, not {end:,}); "
            f"{_GET_IT_AGAIN}."
        )


def _find_signature(file: BinaryIO, size: int) -> int | None:
    """The signature lies at 0, 512, 1024, 2048 and so on, doubling."""
    offset = 0
    while offset < size:
        file.seek(offset)
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return offset
        offset = offset * 2 or 512
    return None


def _read_superblock(path: Path, file: BinaryIO, start: int) -> _Superblock:
    file.seek(start)
    head = file.read(96)
    if len(head) < 16:
        raise _truncated(path, f"it has {start + len(head)} bytes")
    version = head[8]
    if version in (0, 1):
        # Four addresses after the B-tree settings: base, free space, end of file, driver.
        width, first, end_index = head[13], 24 + 4 * version, 2
    elif version in (2, 3):
        # Base, superblock extension, end of file, root group.
        width, first, end_index = head[9], 12, 2
    else:
        raise _damaged(path, f"version {version}")
    if width not in (2, 4, 8, 16):
        raise _damaged(path, f"addresses of {width} bytes")
    if len(head) < first + (end_index + 1) * width:
        raise _truncated(path, f"it has {start + len(head)} bytes")
    addresses = [
        int.from_bytes(head[first + index * width : first + (index + 1) * width], "little")
        for index in range(end_index + 1)
    ]
    return _Superblock(version, addresses[0], addresses[end_index])


def _truncated(path: Path, how: str) -> InputError:
    return InputError(f"{path}: the HDF5 file is truncated ({how}); {_GET_IT_AGAIN}.")


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"{path}: the first block of the HDF5 file is damaged ({what}); {_GET_IT_AGAIN}.")


def _what_else(path: Path, file: BinaryIO) -> str:
    file.seek(0)
    head = file.read(_FIRST_BYTES)
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith(("<!doctype html", "<html")) or "<html" in text:
        return (
            f"{path}: it is a web page, not a granule: Earthdata answers with its login page when one is not "
            "logged in; log in to Earthdata and download it again."
        )
    if text.startswith("http basic: access denied"):
        return (
            f"{path}: it is Earthdata's answer that the access was denied, not a granule; check your login "
            "and download it again."
        )
    return (
        f"{path}: it is not an HDF5 file (it has no HDF5 signature); {_GET_IT_AGAIN}, or give it its true "
        "extension."
    )
