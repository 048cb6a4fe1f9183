"""Sheets of maps: where things stand, and that the picture shows the numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smap_downscaler.geo.graticule import MapFrame
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.report.figure import new_figure, save_pages, soil_moisture_colormap
from smap_downscaler.report.map_parts import Overlay, round_length, scale_bar
from smap_downscaler.steps.sheets.drawing import draw_page
from smap_downscaler.steps.sheets.locator import locator_page, overview_bounds
from smap_downscaler.steps.sheets.page_layout import (
    A4_HEIGHT,
    A4_WIDTH,
    LEGEND,
    MARGIN,
    SheetPanel,
    fit_panels,
    sheet_pages,
)

BOX = Bounds(0.0, 0.0, 60_000.0, 40_000.0)
FRAME = MapFrame(BOX, "made up", 1.0, (0.0, 1.0), ((30_000.0, "71° W"),), ((20_000.0, "13° S"),), (0.5, 0.5))


@given(st.integers(1, 120), st.floats(0.1, 8), st.integers(1, 2))
@settings(max_examples=200)
def test_panels_stand_apart_on_the_page(count, aspect, group):
    plan = fit_panels(count, aspect, group)
    assert plan.columns % group == 0 or plan.columns >= count
    shown = min(count, plan.capacity)
    boxes = [plan.panel(number) for number in range(shown)]
    for left, top, wide, high in boxes:
        assert high == pytest.approx(wide * aspect)
        assert left >= MARGIN
        assert left + wide <= A4_WIDTH - MARGIN + 1e-9
        assert top >= MARGIN
    for number, (left, top, wide, high) in enumerate(boxes):
        for other_left, other_top, _wide, _high in boxes[number + 1 :]:
            assert other_left >= left + wide + 0.1 or other_top >= top + high + 0.2
    rows = -(-shown // plan.columns)
    bottom = plan.legend_top(rows)
    assert bottom >= max(top + high for _left, top, _wide, high in boxes) + 0.3
    assert bottom + LEGEND + MARGIN <= A4_HEIGHT + 1e-6


@pytest.mark.parametrize(("metres", "length"), [(1.0, 1), (19.9, 10), (33_000, 20_000), (50_000, 50_000)])
def test_round_lengths(metres, length):
    assert round_length(metres) == length


def test_a_scale_bar_is_as_long_as_it_says():
    axis = new_figure(3, 3).subplots()
    scale_bar(axis, BOX, 1.125)
    (line,), (text,) = axis.lines, axis.texts
    first, last = line.get_xdata()
    # 60 units of 1.125 km: a third is 22.5 km, of which 20 are round.
    assert text.get_text() == "20 km"
    assert (last - first) * 1.125 == pytest.approx(20_000)


def pixels(figure, dpi=100):
    from matplotlib.image import imread

    stream = io.BytesIO()
    figure.savefig(stream, dpi=dpi)
    stream.seek(0)
    return imread(stream)[:, :, :3]


def sheet(values, **more):
    panels = [SheetPanel(f"day {n}", array, BOX, f"mean {n}") for n, array in enumerate(values)]
    return sheet_pages("A title", FRAME, panels, **more)


def inside(picture, page, number, dpi=100):
    """The pixels of a panel's map, without its frame."""
    left, top, wide, high = (round(side * dpi) for side in page.maps[number].box)
    return picture[top + 4 : top + high - 4, left + 4 : left + wide - 4]


def test_colours_are_those_of_the_ramp_and_missing_cells_are_hatched():
    half = np.full((40, 60), 0.3, np.float32)
    half[:, 30:] = np.nan
    (page,) = sheet([np.full((4, 6), 0.1, np.float32), half])
    picture = pixels(draw_page(page))
    first, second = (inside(picture, page, number) for number in (0, 1))
    ramp = soil_moisture_colormap()
    assert np.allclose(first, ramp(0.1 / 0.5)[:3], atol=0.01)
    middle = second.shape[1] // 2
    assert np.allclose(second[:, : middle - 4], ramp(0.3 / 0.5)[:3], atol=0.01)
    missing = second[:, middle + 4 :].reshape(-1, 3)
    # Grey strokes on white.
    assert np.allclose(missing.std(axis=1), 0, atol=0.01)
    assert 0.02 < (missing[:, 0] < 0.9).mean() < 0.6
    assert (missing[:, 0] > 0.97).mean() > 0.2


def test_what_stands_beside():
    overlays = [Overlay("stations", [np.array([[30_000.0, 20_000.0]])], "points")]
    (page,) = sheet([np.full((4, 6), 0.6, np.float32)], overlays=overlays, footer="maps of 1 km")
    figure = draw_page(page)
    words = {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}
    assert {"A title", "day 0", "mean 0", "71° W", "13° S", "N", "10 km", "no value", "stations"} <= words
    assert {"made up", "maps of 1 km", "soil moisture, m³ m⁻³"} <= words


def test_many_maps_go_over_pages(tmp_path):
    many = sheet([np.full((2, 3), 0.2, np.float32)] * 50)
    assert len(many) == -(-50 // len(many[0].maps)) > 1
    assert [item.name for page in many for item in page.maps] == [f"day {number}" for number in range(50)]
    pages = list(map(draw_page, many))
    titles = [page.texts[0].get_text() for page in pages]
    assert titles == [f"A title ({number} of {len(pages)})" for number in range(1, len(pages) + 1)]
    save_pages(tmp_path / "s.pdf", pages, 50)
    assert b"/Count %d" % len(pages) in (tmp_path / "s.pdf").read_bytes()
    save_pages(tmp_path / "s.svg", pages[:1], 50)
    assert b"<svg" in (tmp_path / "s.svg").read_bytes()


def test_equal_sheets_are_equal_files(tmp_path):
    for name in ("a.png", "b.png"):
        save_pages(tmp_path / name, map(draw_page, sheet([np.full((2, 3), 0.2, np.float32)])), 50)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_sheet_without_any_value():
    (page,) = sheet([np.full((4, 6), np.nan, np.float32)])
    assert pixels(draw_page(page)).min() < 0.1


def test_the_overview_is_wider_and_stays_on_earth():
    around = overview_bounds(Bounds(-72.0, -14.0, -71.0, -13.0))
    assert (around.left, around.right) == (-79.5, -63.5)
    assert (around.bottom, around.top) == (-21.5, -5.5)
    polar = overview_bounds(Bounds(10.0, 84.0, 12.0, 86.0))
    assert polar.top == 90.0
    assert polar.top - polar.bottom == 16.0


@pytest.mark.parametrize(("terrain", "of"), [(True, "the maps"), (False, "SMAP")])
def test_a_locator(terrain, of):
    y, x = np.mgrid[0:40, 0:60]
    elevation = 3000 + 200 * np.sin(x / 5) + 10.0 * y if terrain else None
    around = MapFrame(Bounds(-79.5, -21.5, -63.5, -5.5), "degrees", 1e5, (0.0, 1.0), (), (), (5.0, 5.0))
    outline = np.array([[-72, -14], [-71, -14], [-71, -13], [-72, -13], [-72, -14]], float)
    border = np.array([[-79.0, -20.0], [-64.0, -6.0]])
    cells = Overlay("SMAP cells, 9 km", [np.array([[0.0, 9000.0], [60_000.0, 9000.0]])], "thin")
    figure = draw_page(locator_page("Where", FRAME, around, outline, [border], elevation, [cells], of))
    words = {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}
    assert {"Where", "Overview", "Study area", f"extent of {of}", "SMAP cells, 9 km", "N"} <= words
    assert ("elevation, m" in words) == terrain
    picture = pixels(figure)
    # The edge of the area is drawn in its colour.
    assert np.isclose(picture, [0xD5 / 255, 0x5E / 255, 0], atol=0.03).all(axis=2).sum() > 20
