"""Numbers of things in words, for logs and reports."""

from __future__ import annotations


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 map`, `2 maps`, `1,234 maps`; `things` is the plural where it is not `thing` and an s."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
