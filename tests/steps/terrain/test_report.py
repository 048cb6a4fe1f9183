"""Pictures of the wetness indices: one scale, every shape of DEM, missing values."""

from __future__ import annotations

import numpy as np
import pytest

from report_reader import FigureTexts, check_page
from smap_downscaler.base.words import text
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.steps.terrain.numbers.outcome import RasterSummary, TerrainReport
from smap_downscaler.steps.terrain.report import terrain_page, wetness_png

pytest.importorskip("matplotlib")


SQUARE = Bounds(0, 0, 9000, 9000)


def summary(key, values, bounds=SQUARE):
    values = np.asarray(values, np.float32)
    return RasterSummary(key, "ln m", values.size, 0.0, 1.0, 2.0, 0.5, bounds, values)


def drawn(monkeypatch):
    """The figure behind the PNG."""
    from smap_downscaler.steps.terrain import report as terrain

    kept = []
    monkeypatch.setattr(terrain, "png", lambda figure: kept.append(figure) or b"")
    return kept


def test_the_maps_share_one_scale(monkeypatch):
    kept = drawn(monkeypatch)
    low, high = np.full((10, 10), 2.0), np.full((10, 10), 8.0)
    low[0, 0] = np.nan
    wetness_png([summary("twi_mtfd", low), summary("twi_fd8", high), summary("twi_mfdmd", high)])
    images = [image for axis in kept[0].axes for image in axis.images]
    assert [image.get_clim() for image in images] == [(2.0, 8.0)] * 3
    assert [axis.get_title() for axis in kept[0].axes[:3]] == [
        "(a) twi_mtfd, triangular multiple flow",
        "(b) twi_fd8, FD8",
        "(c) twi_mfdmd, MFD-md",
    ]
    assert images[0].get_array().mask[0, 0]


@pytest.mark.parametrize(("width", "height"), [(9000, 90_000), (90_000, 9000), (90, 90)])
def test_wide_and_tall_dems_fit_the_page(monkeypatch, width, height):
    kept = drawn(monkeypatch)
    bounds = Bounds(0, 0, width, height)
    wetness_png([summary(f"twi_{name}", [[1.0, 2.0]], bounds) for name in ("mtfd", "fd8", "mfdmd")])
    size = kept[0].get_size_inches()
    assert size[0] <= 7.2
    assert size[1] <= 9


def test_indices_without_any_value_are_drawn_all_the_same(monkeypatch):
    nothing = np.full((3, 3), np.nan)
    found = TerrainReport("built-in", 9, 0, 0.0, {"fd8": 0.0123})
    rasters = [summary("twi_fd8", nothing), summary("sca_fd8", nothing)]
    figures, facts = FigureTexts(monkeypatch), [("DEM", text("{} x {}", 3, 3))]
    made = terrain_page(facts, ["Look <here>"], found, rasters, {}, "end")
    check_page(made, figures)
    page = made.html()
    assert page.count("<img ") == 2
    assert "<li>Look &lt;here&gt;</li>" in page
    assert page.count('<td class="number">1.23%</td>') == 2
    with pytest.raises(ValueError, match="no wetness index"):
        wetness_png([])
