"""What stands in metadata.txt only: the plugin's version, and where its faults are reported."""

from __future__ import annotations

import configparser
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def plugin_version() -> str:
    """The version in metadata.txt."""
    return _general("version", "unknown")


def tracker() -> str:
    """Where faults of the plugin are reported."""
    return _general("tracker", "the plugin's tracker")


@lru_cache(maxsize=2)
def _general(name: str, otherwise: str) -> str:
    """An entry of metadata.txt: inside the package when installed, beside it in a checkout."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([_PACKAGE.parent / "metadata.txt", _PACKAGE / "metadata.txt"], encoding="utf-8")
    return parser.get("general", name, fallback=otherwise)
