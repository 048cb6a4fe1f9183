"""A fit tells how far it is, and ends where it is asked to."""

from __future__ import annotations

import re

import numpy as np
import pytest

from area_case import AreaCase
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.area import windows as windows_module
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.residual import fit_residual
from smap_downscaler.methods.area.settings import AreaSettings


class Listener(Progress):
    """Cancelled at look number `last`; keeps what it is shown, and counts the looks."""

    def __init__(self, last=None):
        self.last, self.looks, self.fractions, self.texts = last, 0, [], []

    def is_cancelled(self):
        self.looks += 1
        return self.last is not None and self.looks >= self.last

    def set_fraction(self, fraction):
        self.fractions.append(fraction)

    def set_text(self, text):
        self.texts.append(text)

    def counts(self, unit):
        """Pairs of how many of how many were done."""
        found = (re.match(rf"(\d+) of (\d+) {unit}", text) for text in self.texts)
        return [(int(one[1]), int(one[2])) for one in found if one]


@pytest.fixture(autouse=True)
def _all_counts(monkeypatch):
    monkeypatch.setattr("smap_downscaler.base.progress.Counter.LEAST_INTERVAL", 0.0)


def whole(counts):
    """Whether all from the first to the last were told, once each."""
    return counts == [(number + 1, counts[0][1]) for number in range(counts[0][1])]


@pytest.mark.parametrize("terms", [("linear", "products"), ()])
@pytest.mark.parametrize("dates", [1, 6])
def test_fits_are_counted_to_the_last(dates, terms, monkeypatch):
    monkeypatch.setattr(windows_module, "MOST_CELLS", 90)
    monkeypatch.setattr(windows_module, "_SIDE", 10)
    monkeypatch.setattr(windows_module, "_OVERLAP", 4)
    case, listener = AreaCase(side=12, dates=dates, gaps=0.1), Listener()
    settings = AreaSettings(footprint_km=0.0, terms=terms)
    model = AREA_TO_POINT.fit(case.cells(), settings, 1, listener)
    assert len(model.core.windows) > 1
    assert whole(listener.counts("fits of the model"))
    # Each date has cells of its own; with terms it is looked at twice.
    assert max(listener.counts("looks at dates for a fit")) == (dates * (2 if terms else 1),) * 2
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == pytest.approx(1.0)


def test_the_choice_of_a_footprint_is_counted():
    case, listener = AreaCase(side=12, dates=6, margin=5), Listener()
    AREA_TO_POINT.fit(case.cells(), AreaSettings(terms=("linear",)), 1, listener)
    assert listener.counts("fits for the footprint")[-1] == (10, 10)
    assert whole(listener.counts("fits for the footprint"))
    assert whole(listener.counts("fits of the model"))
    assert listener.fractions == sorted(listener.fractions)


def looks_of(work):
    # What is kept from run to run is not looked at again.
    for listener in (Listener(), Listener()):
        work(listener)
    return listener.looks


def stopped_at_once(work):
    """Cancel a piece of work at looks from the first to the last: no other look follows."""
    for last in np.unique(np.linspace(1, looks_of(work), 9).astype(int)).tolist():
        listener = Listener(last)
        with pytest.raises(Cancelled):
            work(listener)
        assert listener.looks == last


def test_a_cancelled_fit_ends_at_once():
    case = AreaCase(side=10, dates=6, gaps=0.1)
    settings = AreaSettings(terms=("linear",))

    def fit(listener):
        # What was made of the stack is kept: each fit makes it anew.
        case.stack.made.clear()
        AREA_TO_POINT.fit(case.cells(), settings, 1, listener)

    stopped_at_once(fit)


def test_a_cancelled_map_ends_at_once():
    case = AreaCase(side=10)
    model = AREA_TO_POINT.fit(case.cells(), AreaSettings(footprint_km=0.0), 1)
    block = case.block(case.days[0])

    def predict(listener):
        model.with_detail("all").predict(block, listener, sd=True)

    assert looks_of(predict) > looks_of(lambda listener: model.with_detail("all").predict(block, listener))
    stopped_at_once(predict)


def test_cancelled_held_out_cells_and_residuals_end_at_once():
    case = AreaCase(side=10)
    cells = case.cells()
    settings = AreaSettings(footprint_km=0.0, terms=("linear",))
    given, kept = np.arange(len(cells.y)) % 5 > 0, cells.take(np.arange(len(cells.y)) % 5 == 0)
    x, y = (kept.cells[:, ::-1] + 0.5).T
    grid = case.grid
    places = np.column_stack([grid.left + x * grid.cell_width, grid.top - y * grid.cell_height])
    from smap_downscaler.methods.base import Block

    block = Block(kept.x, kept.days, places)
    stopped_at_once(
        lambda listener: AREA_TO_POINT.held_out_told(cells.take(given), block, settings, 1, listener)
    )
    stopped_at_once(lambda listener: fit_residual(grid, cells.cells, cells.y, progress=listener))
