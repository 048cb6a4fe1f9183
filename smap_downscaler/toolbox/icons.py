"""Where the plugin's pictures lie."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parents[1] / "resources"


def icon_path() -> str:
    """The plugin's icon."""
    return str(RESOURCES / "icon.svg")
