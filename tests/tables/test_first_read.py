"""A cancel is heard while SQLite reads a table for the first time, before any forest grows."""

import datetime as dt
import sqlite3

import numpy as np
import pytest

from raster_cases import CELLS, Listener, listing
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import BY_CELL, BY_DATE, MODES, POOLED
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.read_rows import with_period
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.training import train_by_cell, train_by_date, train_pooled
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import WHOLE_TABLE, MatrixTable, open_matrix
from smap_downscaler.steps.matrix.write import create_matrix
from smap_downscaler.tables import geopackage

FOREST = ForestSettings(2, None, None, 4, 1, None, 7)
TRAINERS = {BY_DATE: train_by_date, BY_CELL: train_by_cell, POOLED: train_pooled}


@pytest.fixture(autouse=True)
def frequent_looks(monkeypatch):
    """As often in the few rows here as otherwise in millions."""
    monkeypatch.setattr(geopackage, "STEPS_A_LOOK", 50)


@pytest.fixture
def table(tmp_path):
    generator = np.random.default_rng(5)
    row, col = (values.ravel() for values in np.mgrid[0:6, 0:8])
    with create_matrix(tmp_path / "m.gpkg", CELLS, ("clay",), {}) as writer:
        for number in range(30):
            x = generator.normal(size=(48, 1)).astype(np.float32)
            writer.write(
                DayRows(dt.date(2020, 1, 1) + dt.timedelta(number), row, col, 0.2 + 0.1 * x[:, 0], x)
            )
    return open_matrix(tmp_path / "m.gpkg")


def validation(mode):
    return ValidationSettings(3, 1, 0.0, candidates(FOREST), 2, 3, mode=mode)


class DuringRead(Listener):
    """Cancelled at the second look within a read, and not before."""

    def __init__(self, monkeypatch, name):
        super().__init__()
        read = getattr(MatrixTable, name)

        def noted(*arguments, **more):
            self.calls = self.asked + 1
            result = read(*arguments, **more)
            raise AssertionError(f"{name} was read to its end: {result}")

        monkeypatch.setattr(MatrixTable, name, noted)


@pytest.mark.parametrize("mode", MODES)
def test_training(table, tmp_path, monkeypatch, mode):
    listener = DuringRead(monkeypatch, "count_by_date")
    with pytest.raises(Cancelled):
        TRAINERS[mode](table, tmp_path / "f", TrainingChoices(FOREST), 1, listener)
    assert listener.calls is not None
    assert listing(tmp_path) == ["m.gpkg"]


@pytest.mark.parametrize(
    ("mode", "name"), [(BY_DATE, "count_by_date"), (BY_DATE, "count_cells"), (POOLED, "count_by_date")]
)
def test_cross_validation(table, monkeypatch, mode, name):
    listener = DuringRead(monkeypatch, name)
    with pytest.raises(Cancelled):
        crossvalidate_table(table, validation(mode), progress=listener)
    assert listener.calls is not None


def test_cross_validation_by_cell(table, monkeypatch):
    """Its first read makes the cells; the dates are counted after that."""
    with pytest.raises(Cancelled):
        crossvalidate_table(table, validation(BY_CELL), progress=Listener(1))
    listener = DuringRead(monkeypatch, "count_by_date")
    with pytest.raises(Cancelled):
        crossvalidate_table(table, validation(BY_CELL), progress=listener)
    assert listener.calls is not None


def test_the_length_of_periods(table, monkeypatch):
    with pytest.raises(Cancelled):
        with_period(validation(POOLED), table, WHOLE_TABLE, DuringRead(monkeypatch, "count_by_date"))


def test_numbers_that_are_text(table):
    """As those of a CSV file: each is looked at when the table is opened."""
    with sqlite3.connect(table.path) as connection:
        connection.execute(f"ALTER TABLE {table.layer} ADD COLUMN slope TEXT")
        connection.execute(f"UPDATE {table.layer} SET slope = fid / 7.0")
    assert open_matrix(table.path).texts == {"slope"}
    with pytest.raises(Cancelled):
        open_matrix(table.path, progress=Listener(1))
