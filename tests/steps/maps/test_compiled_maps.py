"""Maps of forests with numba and without it: the same to the last bit."""

from __future__ import annotations

import time

import numpy as np
import pytest

from map_case import DAYS, SETTINGS, Case, pooled_forests
from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.methods.base import Wishes
from smap_downscaler.methods.file.reader import ModelWriter
from smap_downscaler.methods.forest import compiled, kernel, method, model
from smap_downscaler.methods.forest.compiled import Numba
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.steps.maps.bands import Extra
from smap_downscaler.steps.maps.downscale import map_file


@pytest.fixture(scope="module")
def numba():
    pytest.importorskip("numba", reason="numba is not installed")
    found = Numba()
    found.load()
    return found


@pytest.fixture
def with_numba(monkeypatch, numba):
    """From now on forests are predicted with numba, however few pixels there are and whatever it takes."""

    def use():
        for place in (model, method):
            monkeypatch.setattr(place, "NUMBA", numba)
        monkeypatch.setattr(method, "MANY_PIXELS", 1)
        for place in (compiled, model):
            monkeypatch.setattr(place, "TRIED_ROWS", 100)
        monkeypatch.setattr(compiled, "LEAST_GAIN", 0)
        monkeypatch.setattr(numba, "_gains", {})
        rows, run = [], numba._run

        def counting(x, *more):
            rows.append(len(x))
            run(x, *more)

        monkeypatch.setattr(numba, "_run", counting)
        return rows

    return use


@pytest.mark.parametrize("pooled", [False, True])
def test_maps_are_the_same_to_the_last_bit(tmp_path, with_numba, numba, pooled):
    case = Case(tmp_path)
    if pooled:
        pooled_forests(case)
    case.make(threads=2)
    rows, said = with_numba(), Listener()
    case.make(tmp_path / "other", threads=2, memory_mb=24, progress=said)
    pixels = 0
    for day in DAYS[:2]:
        expected = case.map(day)
        pixels += np.isfinite(expected).sum()
        np.testing.assert_array_equal(case.map(day, tmp_path / "other"), expected)
    assert pixels <= sum(rows) <= pixels + 8 * 100
    assert max(rows) > kernel.LANES
    assert said.lines[-1] == numba.said
    assert numba.said.endswith(f"so that forests are predicted with numba {numba.version}.")


def test_a_run_does_not_tell_what_was_measured_in_another(tmp_path, with_numba, numba, monkeypatch):
    case, said = Case(tmp_path), Listener()
    with_numba()
    monkeypatch.setattr(numba, "said", "numba was measured in another run")
    monkeypatch.setattr(model, "TRIED_ROWS", 0)
    case.make(progress=said)
    assert not any("numba" in str(line) for line in said.lines)


def test_a_cancel_in_compiled_code_is_quick_and_leaves_no_file(tmp_path, with_numba, numba, monkeypatch):
    """It is heard before the next rows."""
    case = Case(tmp_path)
    with_numba()
    run, pressed = numba._run, []

    def pressing(x, *more):
        run(x, *more)
        if len(x) > 100:
            pressed.append(time.monotonic())

    class Button(Progress):
        def is_cancelled(self):
            return bool(pressed)

    monkeypatch.setattr(numba, "_run", pressing)
    with pytest.raises(Cancelled):
        case.make(tmp_path / "cancelled", progress=Button())
    assert time.monotonic() - pressed[0] < 2
    assert len(pressed) == 1
    assert [path for path in (tmp_path / "cancelled").rglob("*") if path.is_file()] == []


def test_bands_lie_where_their_pixels_do(tmp_path, with_numba):
    case = Case(tmp_path)
    given = ("clay", "twi_fd8"), {}, "soil_moisture", "m3 m-3", SETTINGS, "0"
    with ModelWriter(case.forests, *given, trust=True) as writer:
        x, y = case.train[0]
        writer.add(DAYS[0], grow_forest(x[:, :2], y, SETTINGS, Wishes(trust=True)))
    bands = []
    for folder, extra in (
        ("plain", Extra(intervals=True, applicability=True)),
        ("plain_applicability", Extra(applicability=True)),
        ("intervals", Extra(intervals=True, applicability=True)),
        ("applicability", Extra(applicability=True)),
    ):
        if folder == "intervals":
            rows = with_numba()
        case.make(tmp_path / folder, DAYS[:1], dynamic=(), extra=extra)
        dataset = open_dataset(map_file(tmp_path / folder, DAYS[0]))
        bands.append([read_band(dataset, number + 1) for number in range(dataset.RasterCount)])
    assert sum(rows) > 0
    np.testing.assert_array_equal(bands[2], bands[0])
    np.testing.assert_array_equal(bands[3], bands[1])
