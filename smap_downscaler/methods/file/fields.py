"""Fields of a JSON object, asked for by type."""

from __future__ import annotations

import math
from typing import Any

from ..base import ModelFileError


class Fields:
    """A JSON object whose fields are asked for by type; anything else is an error with its name."""

    def __init__(self, content: Any, where: str):
        self._where = where
        if not isinstance(content, dict):
            raise ModelFileError(f"its manifest is wrong at {where or 'the top'}")
        self.content: dict[str, Any] = content

    def _get(self, name: str, kind: type) -> Any:
        value = self.content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ModelFileError(f"its manifest is wrong at {f'{self._where} {name}'.strip()}")
        return value

    def text(self, name: str) -> str:
        value: str = self._get(name, str)
        return value

    def whole(self, name: str) -> int:
        value: int = self._get(name, int)
        return value

    def flag(self, name: str) -> bool:
        value = self.content.get(name)
        if not isinstance(value, bool):
            raise ModelFileError(f"its manifest is wrong at {self._where} {name}")
        return value

    def number(self, name: str) -> float | None:
        """A finite number, or None for null."""
        value = self.content.get(name, "")
        if value is None:
            return None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not _is_finite(value):
            raise ModelFileError(f"its manifest is wrong at {self._where} {name}")
        return float(value)

    def list(self, name: str) -> list[Any]:
        value: list[Any] = self._get(name, list)
        return value

    def object(self, name: str) -> Fields:
        return Fields(self._get(name, dict), name)


def _is_finite(value: float) -> bool:
    """Whether a JSON number fits a float (whole ones may have any length)."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
