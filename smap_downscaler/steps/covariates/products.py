"""Unit, conversion, name and resampling of each covariate: from LAYERS, its unit tag, its file's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.sampling import AUTO
from ...geo.sources import Source
from ...preflight.layer_check import table_lines
from .covariate import ConvertedSource, Covariate
from .numbers.conversions import LOG_OUT, plain_unit
from .numbers.known import Known, known_name, known_names, taken_as
from .numbers.layers_table import LayerRow
from .numbers.ranges import quantity_of

#: What a choice rests on.
FROM_NAME, FROM_TAG, FROM_SCALE = "file name", "unit tag", "the band's own scale"
USED_HEADERS = ("layer", "covariate", "stored in", "conversion", "log10", "unit", "resampling", "from")


def with_products(
    covariates: Sequence[Covariate], rows: Sequence[LayerRow], guess: bool, named: bool
) -> list[Covariate]:
    """The covariates with all that rows, unit tags and (with `guess`) file names say of them.

    Parameters
    ----------
    covariates : sequence of Covariate
        As the files have them.
    rows : sequence of LayerRow
    guess : bool
    named : bool
        Whether their names were given by the user, so that a guess leaves them alone.

    Raises
    ------
    InputError
        For a row of no layer, two rows of one, or a conversion of classes.
    """
    chosen = _rows_by_covariate(covariates, rows)
    bands = Counter(one.layer for one in covariates)
    found = [None if one.categorical else known_product(one, bands[one.layer]) for one in covariates]
    names = known_names(found) if guess else [""] * len(covariates)
    out = []
    for one, row, known, name in zip(covariates, chosen, found, names):
        if name and not named:
            one = replace(one, name=name)
        out.append(_with_choice(_with_guess(one, known, guess), row))
    return _with_row_names(out, chosen)


def _rows_by_covariate(covariates: Sequence[Covariate], rows: Sequence[LayerRow]) -> list[LayerRow | None]:
    chosen: list[LayerRow | None] = [None] * len(covariates)
    for row in rows:
        wanted = row.layer.casefold()
        matched = [number for number, one in enumerate(covariates) if wanted in _called(one)]
        if not matched:
            there = ", ".join(dict.fromkeys(one.layer.name for one in covariates))
            raise InputError(
                f"{row.label}: there is no layer named {row.layer} (there are {there}); correct the name."
            )
        for number in matched:
            earlier = chosen[number]
            if earlier is not None:
                raise InputError(
                    f"{row.label}: {covariates[number].label} has row {earlier.number} already; "
                    "keep one of them."
                )
            chosen[number] = row
    return chosen


def _called(one: Covariate) -> set[str]:
    path = Path(one.layer.path)
    texts = {one.layer.name, one.layer.title, one.layer.path, path.name, path.stem, one.name, one.description}
    return {text.casefold() for text in texts if text}


def known_product(one: Covariate, bands: int) -> Known | None:
    """What the names of a covariate's band, file and layer say, of a layer of so many bands."""
    texts = [one.description]
    if bands == 1:
        texts += [Path(one.layer.path).stem, one.layer.name]
    found = [known for text in texts if text and (known := known_name(text))]
    return next((known for known in found if known.own_name), found[0] if found else None)


def _with_guess(one: Covariate, known: Known | None, guess: bool) -> Covariate:
    if one.categorical:
        return one
    quantity = known.quantity if known and guess else quantity_of(one.name)
    why = FROM_TAG if one.unit else ""
    one = replace(one, usual=known.change if known else None)
    if known is None or not guess or not known.own_name:
        return replace(one, quantity=quantity, why=why)
    if one.unit and plain_unit(one.unit) != plain_unit(known.stored):
        return replace(one, quantity=quantity, why=why)
    if one.scaled:
        return replace(one, quantity=quantity, why=FROM_SCALE)
    why = f"{FROM_NAME}: {known.product}"
    unit = known.change.unit(known.stored) if known.change.conversion.target else known.unit
    changed = replace(one, quantity=quantity, stored=known.stored, unit=unit, change=known.change, why=why)
    return _converted(changed)


def _with_choice(one: Covariate, row: LayerRow | None) -> Covariate:
    if row is None:
        return one
    one = replace(one, resampling=row.resampling or AUTO)
    if row.conversion is None and row.log10 is None:
        return one
    if one.categorical:
        raise InputError(
            f"{row.label}: {one.label} is categorical, so its values have no unit; "
            "leave conversion and log10 empty."
        )
    change = row.change(one.change)
    stored = change.conversion.source or (one.stored if row.conversion is None else _tag_of(one))
    if row.conversion is None:
        # Only the logarithm was chosen: the rest stays as guessed.
        unit = one.unit if change.log10 != LOG_OUT else change.unit(one.unit)
    else:
        unit = change.unit(stored)
    return _converted(replace(one, change=change, stored=stored, unit=unit, why=row.label))


def _tag_of(one: Covariate) -> str:
    """The unit that the file itself states."""
    return "" if one.why.startswith(FROM_NAME) else one.stored


def _converted(one: Covariate) -> Covariate:
    source = Source(one.source.path, one.source.band, one.source.grid, look=one.source.look)
    if not one.change.nothing:
        source = ConvertedSource(source.path, source.band, source.grid, look=source.look, change=one.change)
    return replace(one, source=source)


def _with_row_names(covariates: Sequence[Covariate], chosen: Sequence[LayerRow | None]) -> list[Covariate]:
    shared = Counter(row.number for row in chosen if row is not None)
    out = []
    for one, row in zip(covariates, chosen):
        if row is not None and row.covariate:
            several = shared[row.number] > 1
            name = f"{row.covariate}_{one.source.band}" if several else row.covariate
            # A name and a conversion of the analyst's own: what the file's name says counts no more.
            quantity = quantity_of(name) or ("" if row.conversion else one.quantity)
            one = replace(one, name=name, quantity="" if one.categorical else quantity)
        out.append(one)
    return out


def used_rows(covariates: Sequence[Covariate]) -> list[tuple[str, ...]]:
    """What is done to each covariate, as texts under USED_HEADERS."""
    bands = Counter(one.layer for one in covariates)
    return [
        (
            one.layer.name if bands[one.layer] == 1 else f"{one.layer.name}, band {one.source.band}",
            one.name,
            one.stored or "?",
            "classes" if one.categorical else one.change.conversion.name,
            one.change.log10,
            one.unit or "?",
            one.resampling,
            one.why or "as it is",
        )
        for one in covariates
    ]


def log_choices(covariates: Sequence[Covariate], guess: bool, progress: Progress) -> None:
    """Log what is done to each covariate, with a warning for each guess and each nearly known name."""
    for one in covariates:
        if one.why.startswith(FROM_NAME):
            known = known_product(one, 1)
            if known is not None:
                progress.warn(
                    f"{one.label}: by its name taken as {taken_as(known)} (covariate {one.name}, "
                    f"{one.unit}); choose otherwise in LAYERS, or switch GUESS off."
                )
        elif one.why == FROM_SCALE:
            progress.warn(
                f"{one.label}: the band scales its numbers itself, so none of the conversions of "
                "its product is made; choose one in LAYERS if it needs one."
            )
        elif guess and not one.categorical and not one.unit and one.change.nothing:
            _warn_of_near_miss(one, progress)
    for line in table_lines(USED_HEADERS, used_rows(covariates)):
        progress.log(f"  {line}")


def _warn_of_near_miss(one: Covariate, progress: Progress) -> None:
    known = known_product(one, 1)
    if known is None or known.own_name or one.why.startswith("LAYERS"):
        return
    progress.warn(
        f"{one.label}: its name is like that of {known.product} {known.quantity}, which is stored in "
        f"{known.stored}, but not the product's own, so no conversion is made; choose one in LAYERS if it "
        "needs one."
    )
