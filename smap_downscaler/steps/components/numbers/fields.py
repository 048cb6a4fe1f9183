"""Which fields of a layer are analysed, on each date: `mu_sm` is `mu_sm_20210115` on that date."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence

from ....base.dates import find_date
from ....base.errors import InputError

#: Fields that are listed, or those whose names begin so (of 'Moisture statistics').
CHOSEN = "chosen fields"
FIELD_SETS: Mapping[str, tuple[str, ...]] = {
    CHOSEN: (),
    "all mu_ and sd_ fields": ("mu_", "sd_"),
    "all mu_ fields": ("mu_",),
}
#: By parameter: the layer's field for each name, which is without a date where dates are given.
Plan = Mapping[str, Mapping[str, str]]
_DATED = re.compile(r"(?P<base>.+)_(?P<day>\d{8})")
_MOST_LISTED = 6


def split_date(name: str) -> tuple[str, dt.date | None]:
    """`mu_sm_20210115` as `mu_sm` and its date; None for a name without one."""
    match = _DATED.fullmatch(name)
    date = find_date(match["day"]) if match else None
    return (match["base"], date) if match and date else (name, None)


def name_of(name: str, dated: bool) -> str:
    """A field's name, without its date if `dated`."""
    return split_date(name)[0] if dated else name


def plans_of(
    names: Mapping[str, Sequence[str]], field_set: str, known: Sequence[str], dates: Sequence[dt.date]
) -> dict[dt.date | None, Plan]:
    """What is read of the layer on each date; None where no dates are given.

    Parameters
    ----------
    names : mapping
        The fields that are given as FIELDS, SUPPLEMENTARY and COLOUR.
    field_set : str
        Of `FIELD_SETS`.
    known : sequence of str
        The fields of the layer.
    dates : sequence of date

    Raises
    ------
    InputError
        If the set has too few fields, or a field is not there on a date.
    """
    chosen = [*names["SUPPLEMENTARY"], *names["FIELDS"]]
    of_set = fields_of_set(field_set, known, chosen, bool(dates))
    if len(of_set) + len(names["FIELDS"]) < 2:
        raise too_few(field_set)
    parts = {"FIELD_SET": of_set, **names}
    if dates:
        check_dated([name for part in parts.values() for name in part], known)
    return {
        date: {parameter: on_date(part, known, date) for parameter, part in parts.items()}
        for date in dates or (None,)
    }


def too_few(field_set: str) -> InputError:
    """What to say where a set has too few fields."""
    return InputError(
        f"FIELD_SET: INPUT has fewer than two fields of '{field_set}' that vary and are not supplementary; "
        "give the layer of 'Moisture statistics' with covariates, or choose fields in FIELDS."
    )


def fields_of_set(field_set: str, known: Sequence[str], others: Iterable[str], dated: bool) -> list[str]:
    """The fields of a set, in the order of the layer.

    Of a field that there is for single dates too, that without a date is taken: the mean over the dates,
    or, if `dated`, what stands for that of the date.

    Parameters
    ----------
    field_set : str
        Of `FIELD_SETS`.
    known : sequence of str
        The fields of the layer.
    others : iterable of str
        Fields that are not to be among them, with those of their dates.
    dated : bool
        Whether dates are given.
    """
    left_out = {split_date(name)[0].lower() for name in others}
    names = {name.lower() for name in known}
    found: dict[str, str] = {}
    for name in known:
        base, date = split_date(name)
        if not name.lower().startswith(FIELD_SETS[field_set]) or base.lower() in left_out:
            continue
        if date is not None and (dated or base.lower() in names):
            name = base
        found.setdefault(name.lower(), name)
    return list(found.values())


def on_date(names: Sequence[str], known: Sequence[str], date: dt.date | None) -> dict[str, str]:
    """The layer's field for each name: that of the date where it has fields of single dates.

    Parameters
    ----------
    names : sequence of str
        A name with a date stands for that without one.
    known : sequence of str
        The fields of the layer.
    date : date or None
        None: the fields themselves.

    Returns
    -------
    dict of the name without a date to the field

    Raises
    ------
    InputError
        If a field has single dates, but not this one.
    """
    if date is None:
        return {name: name for name in names}
    dates = dates_of(known)
    found: dict[str, str] = {}
    for name in names:
        base = split_date(name)[0]
        of_base = dates.get(base.lower(), {})
        if of_base and date not in of_base:
            shown = ", ".join(list(of_base.values())[:_MOST_LISTED])
            shown += ", ..." if len(of_base) > _MOST_LISTED else ""
            raise InputError(
                f"DATES: INPUT has no field {base}_{date:%Y%m%d} (it has {shown}); choose another date, or "
                "let 'Moisture statistics' give fields of that one (its DATES and DATE_FIELDS)."
            )
        if base.lower() not in (one.lower() for one in found):
            found[base] = of_base.get(date, base)
    return found


def dates_of(known: Iterable[str]) -> dict[str, dict[dt.date, str]]:
    """By lower name without a date: the fields of single dates."""
    dates: dict[str, dict[dt.date, str]] = {}
    for name in known:
        base, date = split_date(name)
        if date is not None:
            dates.setdefault(base.lower(), {})[date] = name
    return dates


def check_dated(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `InputError` where no field has single dates, so that all dates would be the same."""
    dates = dates_of(known)
    if not any(split_date(name)[0].lower() in dates for name in names):
        raise InputError(
            "DATES: none of the fields has a field of single dates beside it, such as mu_sm_20210115; leave "
            "DATES empty, or give the layer of 'Moisture statistics' with soil moisture as FIELDS, "
            "SUPPLEMENTARY or COLOUR."
        )
