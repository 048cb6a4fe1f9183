"""What a process that was killed left of a file it was writing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

_PART = re.compile(r"(\d{1,9})-[0-9a-f]+")
_PART_NAME = re.compile(r"\..*\.(\d{1,9})-[0-9a-f]+\.part(?:[.-].*)?")
#: More bytes than any library keeps back until it closes a file.
_KEPT_BACK = 1 << 16


def part_name(path: Path, token: str, suffix: str = "") -> Path:
    """The hidden name beside `path` under which this process writes it; `token` is hexadecimal."""
    return path.with_name(f".{path.stem}.{os.getpid()}-{token}.part{suffix}")


def remove_leftovers(path: Path, suffix: str = "") -> None:
    """Take away what processes that are gone left under `part_name` of `path`, side-cars included."""
    start = f".{path.stem}."
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            middle, part, rest = name[len(start) :].partition(f".part{suffix}")
            match = _PART.fullmatch(middle) if name.startswith(start) and part else None
            if match and (not rest or rest[0] in ".-") and _is_gone(int(match.group(1))):
                remove_part(path.with_name(name))


def remove_all_leftovers(folder: Path) -> None:
    """Take away what processes that are gone left in a folder, under `part_name` of whatever file."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            match = _PART_NAME.fullmatch(name)
            if match and _is_gone(int(match.group(1))):
                remove_part(folder / name)


def remove(files: Iterable[Path]) -> None:
    """Take away files, if they are there and can be."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()


def remove_part(part: Path) -> None:
    """Take away a part, a folder with all that is in it."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        remove([part])


def check_end(file: Path) -> None:
    """Raise OSError where the end of a file may have got lost.

    What libraries keep back until they close a file is lost without a word on a full disk: there the file
    cannot grow either.
    """
    with file.open("r+b", buffering=0) as stream:
        size, left = stream.seek(0, os.SEEK_END), _KEPT_BACK
        while left:
            left -= stream.write(bytes(left)) or 0
        stream.truncate(size)


def _is_gone(process: int) -> bool:
    """Whether no process has this number.  Windows is not asked: there a file in use cannot be removed."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
