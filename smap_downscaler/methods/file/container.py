"""Reading a zip that nobody vouches for: names, sizes and checksums first, never to disk."""

from __future__ import annotations

import hashlib
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from ..base import ModelFileError

#: What writes model files, and what to do with a damaged one.
TRAINERS = "'Train forests' or 'Train area-to-point model'"
AGAIN = "get another copy or train it again"
_MAGIC = b"PK\x03\x04"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Flags of an ordinary member: deflate's options, sizes after the data, names in UTF-8.
_ORDINARY_FLAGS = 0x0002 | 0x0004 | 0x0008 | 0x0800
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class Container:
    """The members of a zip file, held open for reading.

    Every problem is a `ModelFileError` whose sentence names the file.  Several threads may read.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._zip = _open(path)
        try:
            self._members = self._checked_members()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    @property
    def sizes(self) -> dict[str, int]:
        """Size in bytes of each member, as the zip's directory states it."""
        return {name: info.file_size for name, info in self._members.items()}

    def read(self, name: str, limit: int, sha256: str | None = None) -> bytes:
        """The bytes of a member, if it is not over `limit` and has that checksum."""
        info = self._members.get(name)
        if info is None:
            raise self.error(f"the member {name} is missing")
        if info.file_size > limit:
            raise self.error(f"the member {name} claims {info.file_size:,} bytes, more than {limit:,}")
        try:
            with self._lock, self._zip.open(info) as stream:
                # The directory may lie: what is packed could fill the memory.
                data = stream.read(info.file_size + 1)
        except OSError as error:
            raise ModelFileError(f"{self.path} could not be read ({error.strerror or error}).") from error
        except _ZIP_ERRORS as error:
            raise self.error(f"the member {name} is truncated or corrupt") from error
        if len(data) != info.file_size:
            raise self.error(f"the member {name} is truncated or corrupt")
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise self.error(f"the member {name} was changed (its checksum differs)")
        return data

    def error(self, problem: str) -> ModelFileError:
        """An error whose sentence names the file; `problem` is a clause."""
        return ModelFileError(f"{self.path} is damaged: {problem}; {AGAIN}.")

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            # `filename` was already cut at NUL bytes and put right on Windows.
            name = info.orig_filename
            if _is_unsafe(name):
                raise self.error(f"a member has the unsafe name {name!r}")
            if name in members:
                raise self.error(f"the member {name} is there twice")
            if info.flag_bits & ~_ORDINARY_FLAGS or info.compress_type not in _METHODS:
                raise self.error(f"the member {name} is encrypted or packed in an unknown way")
            members[name] = info
        return members


def _open(path: Path) -> zipfile.ZipFile:
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder; choose a model file (.smapforest or .smapmodel).")
    try:
        with path.open("rb") as stream:
            magic = stream.read(len(_MAGIC))
        if magic != _MAGIC:
            raise ModelFileError(
                f"{path} is not a model file (it is no zip archive); choose what {TRAINERS} wrote."
            )
        return zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{path} does not exist; choose a model file (.smapforest or .smapmodel)."
        ) from error
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(f"{path} could not be read ({error.strerror or error}).") from error
    except _ZIP_ERRORS as error:
        raise ModelFileError(f"{path} is a truncated or corrupt model file; {AGAIN}.") from error


def _is_unsafe(name: str) -> bool:
    windows = PureWindowsPath(name)
    return (
        not name
        or not name.isprintable()
        or "\\" in name
        or name.startswith("/")
        or bool(windows.drive)
        or any(part in ("", ".", "..") for part in name.split("/"))
    )
