"""A regression matrix of good and bad days, and cross-validations of it."""

from __future__ import annotations

import datetime as dt

from raster_cases import CELLS
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.matrix.read import RowSelection

NAMES = ("clay", "p_antecedent", "twi_fd8")
FOREST = ForestSettings(5, None, None, 4, 1, None, 7)
GRID = Grid(CELLS.crs, -7e6, -1.6e6, 9000, 9000, 12, 10)
START = dt.date(2020, 1, 1)


def day(number):
    return START + dt.timedelta(days=number)


def settings(grid=None, **changes):
    fields = {"folds": 4, "repeats": 2, "block_km": 36.0, "inner_folds": 2, "seed": 3}
    return ValidationSettings(candidates=candidates(FOREST, **(grid or {})), **{**fields, **changes})


SCOPE = RowSelection(minimum_rows=20)


def numbers(run):
    """All that a run found, to the last bit."""
    return [
        (
            result.piece,
            result.n,
            result.choices,
            result.scores,
            *(
                None if rows is None else rows.tolist()
                for rows in (result.observed, result.predicted, result.fold_of_row)
            ),
        )
        for result in run.results
    ]


def same(first, second):
    # NaN is not equal to itself, its text is.
    return repr(numbers(first)) == repr(numbers(second))
