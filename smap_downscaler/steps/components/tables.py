"""The tables of a principal component analysis: loadings, and eigenvalues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.analyse import Analysis
from .numbers.components import Components

ACTIVE, SUPPLEMENTARY = "active", "supplementary"


def write_loadings(path: str | Path, analyses: Sequence[Analysis]) -> None:
    """Write one row per variable: role, rows, mean, SD (ddof 0), loading and element of each eigenvector.

    Supplementary variables have no elements of eigenvectors.  Analyses of dates have their date first.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    count = max(len(one.found.eigenvalues) for one in analyses)
    fields = {"variable": TEXT, "role": TEXT, "n": INTEGER, "mean": REAL, "sd": REAL}
    fields |= {f"pc{number + 1}": REAL for number in range(count)}
    fields |= {f"eigenvector{number + 1}": REAL for number in range(count)}
    with create_table(path, "loadings", {**_date_field(analyses), **fields}) as table:
        for one in analyses:
            table.write((*_date_of(one), *row) for row in _loading_rows(one.found, count))


def _date_field(analyses: Sequence[Analysis]) -> dict[str, int]:
    return {"date": DATE} if analyses[0].date else {}


def _date_of(one: Analysis) -> tuple[str, ...]:
    return (one.date.isoformat(),) if one.date else ()


def _loading_rows(found: Components, count: int) -> Iterator[tuple[Any, ...]]:
    n, nothing = int(found.rows.sum()), [None] * count
    # A date may have fewer components than another one.
    lacking = nothing[len(found.eigenvalues) :]
    columns = (found.mean, found.sd, found.loadings, found.eigenvectors)
    for name, mean, sd, loadings, elements in zip(found.names, *(part.tolist() for part in columns)):
        yield (name, ACTIVE, n, mean, sd, *loadings, *lacking, *elements, *lacking)
    other = found.supplementary
    parts = (other.n, other.mean, other.sd, other.loadings)
    for name, number, mean, sd, loadings in zip(other.names, *(part.tolist() for part in parts)):
        yield (name, SUPPLEMENTARY, number, mean, sd, *loadings, *lacking, *nothing)


def write_eigenvalues(path: str | Path, analyses: Sequence[Analysis]) -> None:
    """Write one row per component: eigenvalue, share of the variance, and cumulative share.

    Analyses of dates have their date first.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"component": INTEGER, "eigenvalue": REAL, "share": REAL, "cumulative": REAL}
    with create_table(path, "eigenvalues", {**_date_field(analyses), **fields}) as table:
        for one in analyses:
            columns = (one.found.eigenvalues, one.found.shares, one.found.cumulative)
            for number, row in enumerate(zip(*(part.tolist() for part in columns)), start=1):
                table.write([(*_date_of(one), number, *row)])
