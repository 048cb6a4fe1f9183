"""The number that most files of the field hold where they have no value."""

from __future__ import annotations

FILL = -9999.0
