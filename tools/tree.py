"""The files of the project: those that git knows, and new ones that it does not ignore."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
NOT_SOURCE = {"__pycache__", "build", "dist", "demo-output"}


def tree_files(top: Path = TOP) -> list[Path]:
    """Sorted absolute paths of all files of the project; links are left out.

    Without git, or outside of a repository (an unpacked source archive), every
    file counts that is neither in a hidden folder nor in one of NOT_SOURCE.
    """
    known = _known_to_git(top)
    files = list(_walked(top)) if known is None else known
    return sorted(file for file in files if file.is_file() and not file.is_symlink())


def _known_to_git(top: Path) -> list[Path] | None:
    if not (top / ".git").exists():  # a folder, or a file in a linked work tree
        return None
    # "safe.directory": in continuous integration the tree often belongs to another user.
    command = ["git", "-c", "safe.directory=*", "-C", str(top), "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard", "--deduplicate"]
    try:
        listing = subprocess.run(command, check=True, capture_output=True).stdout
    except FileNotFoundError:
        return None
    return [top / os.fsdecode(name) for name in listing.split(b"\0") if name]


def _walked(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        here = Path(folder)
        folders[:] = [name for name in folders if _is_source(here, name) and not (here / name).is_symlink()]
        yield from (here / name for name in names if not name.endswith(".pyc"))


def _is_source(here: Path, name: str) -> bool:
    return name not in NOT_SOURCE and (not name.startswith(".") or (here == TOP and name == ".ci"))
