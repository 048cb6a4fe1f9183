#!/usr/bin/env python3
"""Build the ZIP that QGIS installs and that its plugin site takes.

    tools/package.py [--output FOLDER]      default: dist/

Its one folder is the package itself, with metadata.txt, LICENSE, CHANGELOG.md
and help/ copied in.  The same tree gives the same bytes.
"""

from __future__ import annotations

import argparse
import configparser
import os
import sys
import zipfile
from pathlib import Path, PurePosixPath

from tree import TOP, tree_files

NAME = "smap_downscaler"
COPIED = ("metadata.txt", "LICENSE", "CHANGELOG.md", "help")
# What the plugin site asks of metadata.txt; it takes at most 25 MB, and no binaries.
REQUIRED = (
    "name",
    "description",
    "about",
    "version",
    "qgisMinimumVersion",
    "author",
    "email",
    "repository",
    "tracker",
    "icon",
    "license",
)
MOST_BYTES = 25_000_000
BINARY = {".a", ".dll", ".dylib", ".egg", ".exe", ".jar", ".lib", ".o", ".pyc", ".pyd", ".so", ".whl"}
STAMP = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The tree cannot become a package that QGIS and its plugin site take."""


def read_metadata(top: Path = TOP) -> dict[str, str]:
    """The [general] section of metadata.txt, keys in their own case."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((top / "metadata.txt").read_text(encoding="utf-8"))
    return dict(parser["general"])


def package_files(top: Path = TOP) -> dict[str, Path]:
    """Name in the ZIP -> file, sorted by name."""
    members = {}
    for file in tree_files(top):
        place = file.relative_to(top)
        if place.parts[0] == NAME:
            members[place.as_posix()] = file
        elif place.parts[0] in COPIED:
            members[f"{NAME}/{place.as_posix()}"] = file
    return dict(sorted(members.items()))


def problems(members: dict[str, Path], metadata: dict[str, str]) -> list[str]:
    """What the plugin site would refuse, a sentence each; empty where all is well."""
    found = [f"metadata.txt lacks '{key}'." for key in REQUIRED if not metadata.get(key, "").strip()]
    wanted = ["__init__.py", "metadata.txt", "LICENSE", "CHANGELOG.md", metadata.get("icon", "")]
    found += [
        f"'{name}' is missing in the package." for name in wanted if name and f"{NAME}/{name}" not in members
    ]
    if not any(name.startswith(f"{NAME}/help/") for name in members):
        found.append("'help/' is missing in the package.")
    for name in members:
        path = PurePosixPath(name)
        if path.suffix.lower() in BINARY:
            found.append(f"'{name}' is a binary, which the plugin site refuses.")
        if any(part.startswith((".", "__MACOSX", "__pycache__")) for part in path.parts):
            found.append(f"'{name}' is hidden or a by-product.")
    return found


def build(output: Path, top: Path = TOP) -> Path:
    """Write smap_downscaler-VERSION.zip into the folder `output`, and return its path."""
    members, metadata = package_files(top), read_metadata(top)
    found = problems(members, metadata)
    if found:
        raise PackageError("\n".join(found))
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{NAME}-{metadata['version']}.zip"
    part = path.with_suffix(".zip.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in members.items():
            info = zipfile.ZipInfo(name, STAMP)
            info.create_system = 3  # Unix, so that the attributes below are file modes, on any system
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
    size = part.stat().st_size
    if size > MOST_BYTES:
        part.unlink()
        raise PackageError(f"The package has {size} bytes; the plugin site takes {MOST_BYTES}.")
    os.replace(part, path)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the ZIP that QGIS installs.")
    parser.add_argument("--output", type=Path, default=TOP / "dist", help="folder for the ZIP")
    try:
        path = build(parser.parse_args().output)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(f"{path} ({path.stat().st_size / 1024:.0f} KiB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
