"""The plugin's version, which stands in metadata.txt only."""

from __future__ import annotations

import configparser
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def plugin_version() -> str:
    """The version in metadata.txt: inside the package when installed, beside it in a checkout."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([_PACKAGE.parent / "metadata.txt", _PACKAGE / "metadata.txt"], encoding="utf-8")
    return parser.get("general", "version", fallback="unknown")
