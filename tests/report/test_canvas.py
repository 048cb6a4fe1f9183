"""A cancel is heard while a figure is laid out and drawn."""

from __future__ import annotations

import time

import numpy as np
import pytest

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress, check_cancelled, heard_by
from smap_downscaler.report.figure import new_figure, png


class Stopwatch(Progress):
    """Cancelled from the n-th look on; keeps the longest time of this thread between two looks."""

    def __init__(self, looks=10**9):
        self.looks, self.asked, self.last, self.longest = looks, 0, time.thread_time(), 0.0

    def is_cancelled(self):
        now = time.thread_time()
        self.longest, self.last, self.asked = max(self.longest, now - self.last), now, self.asked + 1
        return self.asked > self.looks


def atlas():
    figure = new_figure(9)
    values = np.random.default_rng(1).random((300, 300))
    for axis in figure.subplots(3, 4).ravel():
        axis.imshow(values)
        axis.set_title("a map")
    return png(figure)


def test_a_cancel_is_heard_within_a_figure():
    plain, listener = atlas(), Stopwatch()
    with heard_by(listener):
        assert atlas() == plain
    assert listener.longest < 1.5
    # While it is begun, laid out, and drawn.
    for looks in (0, 1, listener.asked // 2, listener.asked - 1):
        with heard_by(Stopwatch(looks)), pytest.raises(Cancelled):
            atlas()
    check_cancelled()
    assert atlas() == plain


def test_a_report_is_left_where_its_run_is_cancelled(run, feedback, said, tmp_path):
    """As a user does it who sees that the report is drawn."""
    table = tmp_path / "table.csv"
    table.write_text("a,b,c\n1,2,2\n2,4,1\n4,3,5\n5,1,0\n", encoding="utf-8")
    values = {"INPUT": str(table), "FIELDS": "a;b;c", "OUTPUT": "memory:"}
    report = tmp_path / "report.html"
    feedback.cancel_when = lambda text: text == "Drawing the report"
    assert run("principalcomponents", {**values, "REPORT": str(report)}) == {}
    assert said.info[-1].startswith("Cancelled; files that were finished are whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv"]
