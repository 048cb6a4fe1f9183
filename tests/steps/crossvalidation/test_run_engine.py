"""Cross-validation with the faster engine: one for all results, also where it goes on after a stop."""

from __future__ import annotations

from functools import partial

import pytest
import sklearn

from crossvalidation_case import SCOPE, same, settings
from engine_stand_in import installed, not_installed
from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.methods.forest import method
from smap_downscaler.methods.forest.engines import FASTEST, INTELEX, SCIKIT_LEARN, faster_engine
from smap_downscaler.steps.crossvalidation.numbers import crossvalidate
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table

FAST, SLOW = 0.25, 4.0


@pytest.fixture(autouse=True)
def short_estimate(monkeypatch):
    monkeypatch.setattr(crossvalidate, "_SECONDS_OF_TRIAL", 0.01)


def stand_in(monkeypatch, seconds_a_tree):
    clock = installed(monkeypatch, seconds_a_tree)
    monkeypatch.setattr(method, "faster_engine", partial(faster_engine, clock=clock))


def run_of(table, engine, work=None, progress=None, threads=1):
    listener = progress or Listener()
    wanted = settings(engine=engine, repeats=1, block_km=0.0)
    return crossvalidate_table(table, wanted, work, SCOPE, threads, listener)


def test_without_the_other_engine_results_are_those_of_scikit_learn(monkeypatch, table):
    not_installed(monkeypatch)
    listener = Listener()
    run = run_of(table, FASTEST, progress=listener)
    assert same(run, run_of(table, SCIKIT_LEARN))
    assert run.settings.engine == SCIKIT_LEARN
    said = "scikit-learn-intelex is not installed, so that forests grow with scikit-learn"
    assert run.engine == f"scikit-learn {sklearn.__version__} ({said})"
    assert f"{said}." in listener.lines
    assert run_of(table, SCIKIT_LEARN).engine == f"scikit-learn {sklearn.__version__}"


def test_the_faster_engine_grows_all_forests(monkeypatch, table):
    stand_in(monkeypatch, FAST)
    plain, fast = run_of(table, SCIKIT_LEARN), run_of(table, FASTEST)
    assert not same(plain, fast)
    assert fast.settings.engine == INTELEX
    assert fast.engine.startswith(
        "scikit-learn-intelex 9.8.7 (scikit-learn-intelex 9.8.7 is 4.00 times as fast"
    )
    assert same(fast, run_of(table, INTELEX, threads=2))
    stand_in(monkeypatch, SLOW)
    assert same(run_of(table, FASTEST), plain)


@pytest.mark.parametrize(("first", "later", "engine"), [(FAST, SLOW, INTELEX), (SLOW, FAST, SCIKIT_LEARN)])
def test_a_run_that_goes_on_keeps_its_engine(monkeypatch, tmp_path, table, first, later, engine):
    stand_in(monkeypatch, first)
    whole, listener = run_of(table, FASTEST), Listener()
    run_of(table, FASTEST, progress=listener)
    work = tmp_path / "work"
    with pytest.raises(Cancelled):
        run_of(table, FASTEST, work, Listener(listener.asked * 3 // 4))
    assert work.is_file()
    stand_in(monkeypatch, later)
    run = run_of(table, FASTEST, work)
    assert run.resumed > 0
    assert run.settings.engine == engine
    assert same(run, whole)
    assert "as the finished pieces of work did" in run.engine


def test_work_of_an_engine_that_is_gone_is_not_used(monkeypatch, tmp_path, table):
    stand_in(monkeypatch, FAST)
    work = tmp_path / "work"
    run_of(table, FASTEST, work)
    not_installed(monkeypatch)
    run = run_of(table, FASTEST, work)
    assert run.resumed == 0
    assert run.settings.engine == SCIKIT_LEARN
