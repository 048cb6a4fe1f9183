"""Texts in tables that spreadsheets open: what begins like a formula must not run as one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

#: Endings of files that spreadsheets open.
_ENDINGS = frozenset({".csv", ".tsv", ".xlsx", ".ods"})
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_SIGNED_NUMBER = re.compile(r"[+-][\d.,]+(?:[eE][+-]?\d+)?(?:[ \u00a0]?%)?")


def opens_in_spreadsheet(path: str | Path) -> bool:
    """Whether a file is one of those that spreadsheets open, by its ending."""
    return Path(path).suffix.lower() in _ENDINGS


def inert(value: Any) -> Any:
    """A value of a cell as a spreadsheet shows it: texts that begin like a formula after an apostrophe.

    Numbers stay what they are, those written as text too.  Source: OWASP, CSV Injection.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _SIGNED_NUMBER.fullmatch(value):
        return f"'{value}"
    return value
