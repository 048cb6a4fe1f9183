"""Numbers of things in words."""

from __future__ import annotations

from smap_downscaler.base.words import counted


def test_one_and_many():
    assert [counted(number, "map") for number in (0, 1, 2, 1234)] == [
        "0 maps",
        "1 map",
        "2 maps",
        "1,234 maps",
    ]
    assert [counted(number, "day is", "days are") for number in (1, 2)] == ["1 day is", "2 days are"]
