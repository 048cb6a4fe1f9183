#!/usr/bin/env python3
"""Look through every text file of the project for what must not be in it.

tools/check_text.py           host names of package registries, paths of one machine
tools/check_text.py --list0   print the files instead, each ended by a NUL
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tree import TOP, tree_files

# Written with brackets, so that this file does not find itself.
FORBIDDEN = {
    "the host name of a registry: derive it from the machine's own settings": re.compile(
        r"\b(pypi[.]org|pythonhosted[.]org|(deb|security|snapshot|ftp)[.]debian[.]org|archive[.]ubuntu[.]com"
        r"|debian[.]qgis[.]org|qgis[.]org/(debian|ubuntu)|anaconda[.](org|com)|registry[.]npmjs[.]org"
        r"|crates[.]io|proxy[.]golang[.]org|ghcr[.]io|docker[.]io|quay[.]io)\b",
        re.IGNORECASE,
    ),
    # "/" right after a word, a dot or a variable goes on with a path; it does not begin one.
    "a path of one machine": re.compile(r"(?<![\w.$}~-])/(work|root|home|Users|tmp/bash[\w.]*)[/]"),
}


def findings(text: str) -> list[tuple[int, str, str]]:
    """(line number, what was found, what is wrong with it), in order."""
    return [
        (number, match.group(), reason)
        for number, line in enumerate(text.splitlines(), start=1)
        for reason, pattern in FORBIDDEN.items()
        for match in pattern.finditer(line)
    ]


def read(file: Path) -> str:
    """The text of a file; empty for a binary one."""
    content = file.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", "replace")


def main() -> int:
    files = tree_files()
    if sys.argv[1:] == ["--list0"]:
        sys.stdout.write("".join(f"{os.path.relpath(file)}\0" for file in files))
        return 0
    bad = 0
    for file in files:
        for number, found, reason in findings(read(file)):
            print(f"{file.relative_to(TOP)}:{number}: '{found}' is {reason}.")
            bad += 1
    print(f"check_text: {len(files)} files, {bad} findings.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
