"""Filling gaps goes on in the midst of the cells: what is kept, what it is good for, and what is not."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from gap_case import DAYS, day, inputs_of, make_gap_case, with_share
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.keys import CellKey
from smap_downscaler.steps.gaps import cells as gap_cells
from smap_downscaler.steps.gaps.fill import FillSettings, fill_gaps
from smap_downscaler.steps.gaps.journal import KeptCells
from smap_downscaler.steps.gaps.numbers import cell as cell_module
from smap_downscaler.steps.gaps.numbers.cell import FilledCell
from smap_downscaler.steps.gaps.numbers.hidden import TOO_SHORT, HidingOutcome, HidingSettings
from smap_downscaler.steps.gaps.numbers.scores import HiddenDays

CELLS = 10
HIDING = FillSettings(HidingSettings(5, 3, 2))


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_gap_case(tmp_path_factory.mktemp("gaps"))


@pytest.fixture(scope="module")
def asked(case):
    forests = case.forests(case.folder / "season.smapforest", FeatureSettings(day_of_year=True))
    return inputs_of(case, forests)


@pytest.fixture
def worked_on(monkeypatch):
    """The cells that are really worked on."""
    found = []

    def work(task, progress):
        found.append(task.series.key)
        return cell_module.work_on_cell(task, progress)

    monkeypatch.setattr(gap_cells, "work_on_cell", work)
    return found


class Stopping(Progress):
    """Cancels as soon as so many lines of finished cells are on disk."""

    def __init__(self, work=None, cells=0):
        self.work, self.cells, self.lines = work, cells, []

    def is_cancelled(self):
        return self.work is not None and count(self.work) >= self.cells

    def log(self, text):
        self.lines.append(text)


def count(work):
    return work.read_bytes().count(b"\n") if work.is_file() else 0


def stop(asked, folder, settings, work, cells=4, **more):
    with pytest.raises(Cancelled):
        fill_gaps(asked, folder, settings, progress=Stopping(work, cells), work_file=work, **more)
    assert count(work) >= cells
    return count(work)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same_hidden(first, other):
    assert [result.cell for result in first] == [result.cell for result in other]
    for one, two in zip(first, other):
        for name in ("days", "observed", "distance"):
            assert getattr(one, name).dtype == getattr(two, name).dtype
            assert np.array_equal(getattr(one, name), getattr(two, name))
        assert list(one.predicted) == list(two.predicted)
        for name, values in one.predicted.items():
            assert np.array_equal(values, two.predicted[name])


@pytest.mark.parametrize("settings", [FillSettings(), HIDING, replace(HIDING, most_cells=4)])
@pytest.mark.parametrize("memory", [512, 0])
def test_a_run_goes_on_in_the_midst_of_the_cells(asked, worked_on, tmp_path, settings, memory):
    whole = fill_gaps(asked, tmp_path / "whole", settings, memory_mb=memory)
    assert len(worked_on) == CELLS
    worked_on.clear()
    work, folder = tmp_path / "work", tmp_path / "filled"
    done = stop(asked, folder, settings, work, memory_mb=memory)
    assert not folder.exists()
    assert 4 <= done < CELLS
    # As if the machine had died in the middle of a line.
    with work.open("ab") as stream:
        stream.write(b'{"key": "half')
    worked_on.clear()
    listener = Stopping()
    report = fill_gaps(asked, folder, settings, 2, memory, listener, work)
    assert len(worked_on) == CELLS - done
    assert report.resumed == done
    assert listener.lines.count(f"{done} cells were finished before the last stop.") == 1
    assert bytes_of(folder) == bytes_of(tmp_path / "whole")
    assert report.counts == whole.counts
    same_hidden(report.hidden, whole.hidden)
    assert (report.filled_at, report.observed, report.remarks) == (
        whole.filled_at,
        whole.observed,
        whole.remarks,
    )


def test_nothing_is_kept_without_a_file(asked, tmp_path):
    fill_gaps(asked, tmp_path / "filled", HIDING)
    assert [path.name for path in tmp_path.iterdir()] == ["filled"]


def test_a_stop_among_the_days_too(asked, worked_on, tmp_path):
    """The days that are there make fewer wanted: all cells are good for them."""
    work, folder = tmp_path / "work", tmp_path / "filled"

    class AmongDays(Progress):
        def is_cancelled(self):
            return len(list(folder.glob("*.tif"))) >= 7

    with pytest.raises(Cancelled):
        fill_gaps(asked, folder, FillSettings(), progress=AmongDays(), work_file=work)
    worked_on.clear()
    report = fill_gaps(asked, folder, FillSettings(), work_file=work)
    assert (worked_on, report.resumed, len(report.kept)) == ([], CELLS, 7)
    fill_gaps(asked, tmp_path / "whole", FillSettings())
    assert bytes_of(folder) == bytes_of(tmp_path / "whole")


def test_days_that_were_not_asked_for_make_cells_anew(asked, worked_on, tmp_path):
    """Some days were there, so that the cells were not filled on them; then they are deleted."""
    folder, work = tmp_path / "filled", tmp_path / "work"
    fill_gaps(replace(asked, start=day(0), end=day(9)), folder, FillSettings())
    stop(asked, folder, FillSettings(), work)
    (folder / f"soil_moisture_{day(5):%Y%m%d}.tif").unlink()
    worked_on.clear()
    report = fill_gaps(asked, folder, FillSettings(), work_file=work)
    assert (len(worked_on), report.resumed) == (CELLS, 0)
    fill_gaps(asked, tmp_path / "whole", FillSettings())
    assert bytes_of(folder) == bytes_of(tmp_path / "whole")
    # More days than the series has: not all of them were asked for either.
    worked_on.clear()
    longer = replace(asked, end=day(DAYS))
    assert fill_gaps(longer, tmp_path / "longer", FillSettings(), work_file=work).resumed == 0


def test_cells_on_which_only_days_were_hidden_fill_no_day(asked, tmp_path):
    """All days were there, so that nothing was filled; then the folder is emptied."""
    folder, work = tmp_path / "filled", tmp_path / "work"
    fill_gaps(asked, folder, FillSettings())
    fill_gaps(asked, folder, HIDING, work_file=work)
    assert count(work) == CELLS
    shutil.copytree(folder, tmp_path / "whole")
    shutil.rmtree(folder)
    assert fill_gaps(asked, folder, HIDING, work_file=work).resumed == 0
    assert bytes_of(folder) == bytes_of(tmp_path / "whole")


def test_other_inputs_or_hidden_runs_find_nothing(asked, tmp_path):
    work = tmp_path / "work"
    fill_gaps(asked, tmp_path / "first", HIDING, work_file=work)

    def resumed(inputs, settings, name):
        return fill_gaps(inputs, tmp_path / name, settings, work_file=work).resumed

    assert resumed(asked, HIDING, "same") == CELLS
    assert resumed(with_share(asked, 0.4), HIDING, "share") == 0
    for number, hiding in enumerate(
        [HidingSettings(6, 3, 2), HidingSettings(5, 4, 2), HidingSettings(5, 3, 3)]
    ):
        assert resumed(asked, FillSettings(hiding), f"hiding {number}") == 0
    assert resumed(asked, FillSettings(), "none") == 0
    # Of the cells without hidden days that the last run kept, and those with them of the first one.
    assert resumed(asked, replace(HIDING, most_cells=4), "some") == CELLS


def test_other_versions_find_nothing(asked, tmp_path, monkeypatch):
    work = tmp_path / "work"
    fill_gaps(asked, tmp_path / "first", FillSettings(), work_file=work)
    monkeypatch.setattr("smap_downscaler.steps.gaps.journal.version_of", lambda engine: "0.1")
    assert fill_gaps(asked, tmp_path / "other", FillSettings(), work_file=work).resumed == 0


KEY, OTHER = CellKey(2, 3), CellKey(3, 2)
ORDINALS = np.arange(730_000, 730_006)


def kept(path, days=ORDINALS, run="a", hiding=HIDING.hiding):
    return KeptCells(path, run, days, hiding)


def outcome(days=3):
    values = np.linspace(0.1, 0.3, days)
    predicted = {"forest": values / 3, "linear": values}
    return HidingOutcome(
        HiddenDays((2, 3), ORDINALS[:days], values, np.arange(1, days + 1), predicted), days, ""
    )


def test_a_cell_comes_back_as_it_was(tmp_path):
    values = np.array([np.nan, 0.1, np.nan, 0.2, np.nan, 0.3], np.float32).astype(float)
    lines = kept(tmp_path / "work")
    everywhere = np.ones(6, bool)
    for found in (FilledCell(KEY, values, outcome()), FilledCell(OTHER, values, None)):
        lines.add(found, everywhere)
    lines.close()
    again = kept(tmp_path / "work")
    assert {found.key for found in again.finished({KEY, OTHER}, {KEY}, everywhere)} == {KEY, OTHER}
    # A cell is known with its hidden days, or without them, as it was worked on.
    assert [found.key for found in again.finished({KEY, OTHER}, {KEY, OTHER}, everywhere)] == [KEY]
    assert [found.key for found in again.finished({KEY, OTHER}, set(), everywhere)] == [OTHER]
    found = next(again.finished({KEY}, {KEY}, everywhere))
    assert np.array_equal(found.values, values, equal_nan=True)
    same_hidden([found.hiding.hidden], [outcome().hidden])
    assert (found.hiding.complete, found.hiding.why) == (3, "")
    # On other days of the calendar too, as far as they were asked for.
    later = kept(tmp_path / "work", ORDINALS + 2)
    wanted = np.array([True, True, True, True, False, False])
    found = next(later.finished({KEY}, {KEY}, wanted))
    assert np.array_equal(
        found.values, [np.nan, values[3], np.nan, values[5], np.nan, np.nan], equal_nan=True
    )
    wanted[4] = True
    assert list(later.finished({KEY}, {KEY}, wanted)) == []


def test_cancel_among_the_lines(tmp_path):
    lines = kept(tmp_path / "work")
    lines.add(FilledCell(KEY, np.full(6, 0.25), None), np.ones(6, bool))
    lines.close()
    stopping = Stopping(tmp_path / "work")
    with pytest.raises(Cancelled):
        list(kept(tmp_path / "work").finished({OTHER}, set(), np.ones(6, bool), stopping))


def test_a_cell_without_an_error_says_why_again(tmp_path):
    lines = kept(tmp_path / "work")
    lines.add(FilledCell(KEY, np.full(6, np.nan), HidingOutcome(None, 5, TOO_SHORT)), np.zeros(6, bool))
    lines.close()
    (found,) = kept(tmp_path / "work").finished({KEY}, {KEY}, np.zeros(6, bool))
    assert vars(found.hiding) == {"hidden": None, "complete": 5, "why": TOO_SHORT}


def test_a_line_that_is_damaged_is_passed_over(tmp_path):
    path, everywhere = tmp_path / "work", np.ones(6, bool)
    lines = kept(path)
    lines.add(FilledCell(KEY, np.full(6, 0.25), outcome()), everywhere)
    lines.close()
    whole = path.read_text()
    bad = whole.replace('"cell": [2, 3]', '"cell": [2, 4]')
    assert bad != whole
    path.write_text(bad + whole[20:] + "7\n")
    assert list(kept(path).finished({KEY, CellKey(2, 4)}, {KEY}, everywhere)) == []
    path.write_text(bad + whole + whole)
    assert len(list(kept(path).finished({KEY}, {KEY}, everywhere))) == 1
