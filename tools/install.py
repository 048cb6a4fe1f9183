#!/usr/bin/env python3
"""Put the plugin into a QGIS profile.

    tools/install.py link PROFILE      for developers: QGIS reads this very folder
    tools/install.py deploy PROFILE    the content of the ZIP, as users get it

PROFILE is a profile's folder, such as .../QGIS3/profiles/default.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from package import NAME, PackageError, build
from tree import TOP

# QGIS looks for these inside the package; in the repository they lie at the top.
INSIDE = ("metadata.txt", "help")


class ProfileError(Exception):
    """The profile holds something that must not be replaced."""


def clear(place: Path) -> None:
    """Remove a former link or installation of this plugin, and nothing else."""
    if place.is_symlink():
        place.unlink()
    elif place.is_dir() and "SMAP Downscaler" in _text(place / "metadata.txt"):
        shutil.rmtree(place)
    elif place.exists():
        raise ProfileError(f"'{place}' is not an installation of this plugin: move it away first.")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def link(profile: Path) -> Path:
    """Link the package into the profile, and what QGIS wants inside it into the package."""
    place = profile / "python" / "plugins" / NAME
    clear(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(TOP / NAME, target_is_directory=True)
    for name in INSIDE:
        inside = TOP / NAME / name
        if not inside.is_symlink():
            inside.symlink_to(Path("..") / name)
    return place


def deploy(profile: Path) -> Path:
    """Build the ZIP and unpack it into the profile, as QGIS's plugin manager does."""
    place = profile / "python" / "plugins" / NAME
    with tempfile.TemporaryDirectory() as folder:
        archive = build(Path(folder))
        clear(place)
        with zipfile.ZipFile(archive) as content:
            content.extractall(place.parent)
    return place


def main() -> int:
    parser = argparse.ArgumentParser(description="Put the plugin into a QGIS profile.")
    parser.add_argument("action", choices=("link", "deploy"))
    parser.add_argument("profile", type=Path, help="the folder of a QGIS profile")
    arguments = parser.parse_args()
    action = link if arguments.action == "link" else deploy
    try:
        place = action(arguments.profile.expanduser().resolve())
    except (ProfileError, PackageError) as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return 1
    print(f"{place}\nSwitch it on in QGIS: Plugins, Manage and Install Plugins, Installed, SMAP Downscaler.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
