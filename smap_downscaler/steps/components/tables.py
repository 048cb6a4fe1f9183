"""The tables of a principal component analysis: loadings, and eigenvalues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...tables.geopackage import INTEGER, REAL, TEXT, create_table
from .numbers.components import Components

ACTIVE, SUPPLEMENTARY = "active", "supplementary"


def write_loadings(path: str | Path, found: Components) -> None:
    """Write one row per variable: role, rows, mean, SD (ddof 0), loading and element of each eigenvector.

    Supplementary variables have no elements of eigenvectors.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    count = len(found.eigenvalues)
    fields = {"variable": TEXT, "role": TEXT, "n": INTEGER, "mean": REAL, "sd": REAL}
    fields |= {f"pc{number + 1}": REAL for number in range(count)}
    fields |= {f"eigenvector{number + 1}": REAL for number in range(count)}
    with create_table(path, "loadings", fields) as table:
        table.write(_loading_rows(found))


def _loading_rows(found: Components) -> Iterator[tuple[Any, ...]]:
    n = int(found.rows.sum())
    columns = (found.mean, found.sd, found.loadings, found.eigenvectors)
    for name, mean, sd, loadings, elements in zip(found.names, *(part.tolist() for part in columns)):
        yield (name, ACTIVE, n, mean, sd, *loadings, *elements)
    other = found.supplementary
    nothing = [None] * len(found.eigenvalues)
    parts = (other.n, other.mean, other.sd, other.loadings)
    for name, number, mean, sd, loadings in zip(other.names, *(part.tolist() for part in parts)):
        yield (name, SUPPLEMENTARY, number, mean, sd, *loadings, *nothing)


def write_eigenvalues(path: str | Path, found: Components) -> None:
    """Write one row per component: eigenvalue, share of the variance, and cumulative share.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"component": INTEGER, "eigenvalue": REAL, "share": REAL, "cumulative": REAL}
    columns = (found.eigenvalues, found.shares, found.cumulative)
    with create_table(path, "eigenvalues", fields) as table:
        for number, row in enumerate(zip(*(part.tolist() for part in columns)), start=1):
            table.write([(number, *row)])
