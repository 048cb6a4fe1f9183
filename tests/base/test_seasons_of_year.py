"""Months and seasons as users write them, and the sentences where they slip."""

import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.base.seasons_of_year import check_seasons, parse_months


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("Nov-Mar", {11, 12, 1, 2, 3}),
        ("may-september", {5, 6, 7, 8, 9}),
        ("11, 12, 1-3", {11, 12, 1, 2, 3}),
        ("Apr", {4}),
        ("", set()),
        ("Jan-Dec", set(range(1, 13))),
        ("6–8", {6, 7, 8}),  # noqa: RUF001
    ],
)
def test_months(text, months):
    assert parse_months(text, "WET_MONTHS") == months


@pytest.mark.parametrize("text", ["Foo", "13", "0", "Nov-", "No-Mar", "-3", "1-2-3", "Nov;Dec"])
def test_refused_months(text):
    assert refusal(parse_months, text, "WET_MONTHS") == (
        f"WET_MONTHS: '{text}' is no month; write months as Nov-Mar or 11, 12, 1-3."
    )


def test_seasons_do_not_overlap():
    assert refusal(check_seasons, frozenset({11, 3}), frozenset({3, 5})) == (
        "WET_MONTHS and DRY_MONTHS both hold Mar; keep it in one of them."
    )
    check_seasons(frozenset({11}), frozenset({5}))
