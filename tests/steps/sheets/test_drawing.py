"""Sheets of maps: where things stand, and that the picture shows the numbers."""

from __future__ import annotations

import dataclasses
import io
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.graticule import MapFrame
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.report.figure import new_figure, save_pages, soil_moisture_colormap
from smap_downscaler.report.map_parts import Overlay, round_length, scale_bar
from smap_downscaler.steps.sheets.drawing import draw_page
from smap_downscaler.steps.sheets.locator import Overview, locator_page, overview_bounds, part_bounds
from smap_downscaler.steps.sheets.page_layout import (
    A4_HEIGHT,
    A4_WIDTH,
    LEGEND,
    MARGIN,
    SheetPanel,
    colour_range,
    colour_ticks,
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


def sheet(values, colours=(0.0, 0.5), **more):
    panels = [SheetPanel(f"day {n}", array, BOX, f"mean {n}") for n, array in enumerate(values)]
    return sheet_pages("A title", FRAME, panels, colours=colours, **more)


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


def test_colours_run_from_the_2nd_to_the_98th_percentile_of_all_panels():
    """Round numbers beyond them, the same for all; where .0-.5 shows one teal, three colours are seen."""
    rng = np.random.default_rng(4)
    wet, dry = (rng.uniform(low, low + 0.06, (40, 60)).astype(np.float32) for low in (0.36, 0.33))
    wet[0, 0] = 0.7
    dry[5] = np.nan
    (page,) = sheet([wet, dry], colours=(None, None))
    low, high = np.nanpercentile(np.concatenate([wet, dry]), (2, 98))
    bar = page.colour_bar
    assert (bar.ticks, bar.extend) == ((0.32, 0.34, 0.36, 0.38, 0.4, 0.42), "max")
    assert bar.ticks[0] <= low < bar.ticks[1]
    assert bar.ticks[-2] < high <= bar.ticks[-1]
    (page,) = sheet([np.full((4, 6), 0.345, np.float32), np.full((4, 6), 0.395, np.float32)], (0.32, 0.42))
    picture, ramp = pixels(draw_page(page)), soil_moisture_colormap()
    for number, share in enumerate((0.25, 0.75)):
        # A step of the ramp to either side: the value lies between two.
        assert np.allclose(inside(picture, page, number), ramp(share)[:3], atol=0.02)


@pytest.mark.parametrize(
    ("values", "given", "ticks"),
    [
        ([0.1, 0.3], (0.0, 0.5), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ([0.1, 0.3], (None, 0.3), (0.1, 0.15, 0.2, 0.25, 0.3)),
        ([0.1, 0.3], (0.07, None), (0.07, 0.1, 0.15, 0.2, 0.25, 0.3)),
        ([0.25, 0.25], (None, None), (0.25, 0.251, 0.252, 0.253, 0.254, 0.255)),
        ([], (None, None), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ([20.0, 30.0], (None, None), (20.0, 22.0, 24.0, 26.0, 28.0, 30.0)),
    ],
)
def test_the_ends_of_the_colours(values, given, ticks):
    assert colour_ticks(*colour_range(np.array(values), *given)) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            (0.5, None),
            "MINIMUM is 0.5, and the maps have hardly a value above it; give MAXIMUM too, or a smaller "
            "MINIMUM.",
        ),
        (
            (None, 0.1),
            "MAXIMUM is 0.1, and the maps have hardly a value below it; give MINIMUM too, or a larger "
            "MAXIMUM.",
        ),
    ],
)
def test_one_end_that_leaves_no_value(given, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        colour_range(np.linspace(0.2, 0.3, 50), *given)


def test_names_of_stations_stand_where_there_is_room():
    point = Overlay("stations", [np.array([[30_000.0, 20_000.0]])], "points", ("Kayra",))
    for count, named in ((1, True), (24, False)):
        page = sheet([np.full((4, 6), 0.2, np.float32)] * count, overlays=[point])[0]
        assert ("Kayra" in {text.text for text in page.texts}) == named


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


@pytest.mark.parametrize(
    ("region", "part"),
    [
        ((-79.5, -21.5, -63.5, -5.5), (-101.5, -43.5, -41.5, 16.5)),
        ((100.0, -30.0, 130.0, 0.0), (62.5, -67.5, 167.5, 37.5)),
        # Of what is a continent already the whole earth is drawn.
        ((-130.0, 10.0, -80.0, 60.0), (-180.0, -90.0, 180.0, 90.0)),
    ],
)
def test_the_part_of_the_earth_is_wider_than_the_region(region, part):
    found = part_bounds(Bounds(*region))
    assert (found.left, found.bottom, found.right, found.top) == part


@pytest.mark.parametrize("lat", [-60.0, 0.0, 50.0, 66.0, 80.0])
def test_a_locator_fits_on_a_page_at_any_latitude(lat):
    """Degrees of longitude are short near the poles, and a region is high."""
    area = Bounds(20.0, lat - 0.5, 21.0, lat + 0.5)
    frames = [dataclasses.replace(FRAME, bounds=overview_bounds(area))]
    frames.append(dataclasses.replace(FRAME, bounds=part_bounds(frames[0].bounds)))
    region, part = (Overview(frame, []) for frame in frames)
    page = locator_page("Where", FRAME, region, part, np.zeros((2, 2)), None, [])
    assert page.height <= A4_HEIGHT
    for item, shown in zip(page.maps[1:], (region, part)):
        (_left, _top, wide, high), bounds = item.box, shown.frame.bounds
        middle = math.cos(math.radians((bounds.bottom + bounds.top) / 2))
        across, down = bounds.right - bounds.left, bounds.top - bounds.bottom
        assert high / wide == pytest.approx(down / across / max(middle, 0.5))


@pytest.mark.parametrize(("terrain", "of"), [(True, "the maps"), (False, "SMAP")])
def test_a_locator(terrain, of):
    y, x = np.mgrid[0:40, 0:60]
    elevation = 3000 + 200 * np.sin(x / 5) + 10.0 * y if terrain else None
    around = MapFrame(Bounds(-79.5, -21.5, -63.5, -5.5), "degrees", 1e5, (0.0, 1.0), (), (), (5.0, 5.0))
    outline = np.array([[-72, -14], [-71, -14], [-71, -13], [-72, -13], [-72, -14]], float)
    border = np.array([[-79.0, -20.0], [-64.0, -6.0]])
    cells = Overlay("SMAP cells, 9 km", [np.array([[0.0, 9000.0], [60_000.0, 9000.0]])], "thin")
    sites = Overlay("stations", [np.array([[9_000.0, 9_000.0]]), np.array([[50_000.0, 9_000.0]])], "points")
    sites = dataclasses.replace(sites, names=("Kayra", "Zurite"))
    # The last but one lies outside, the last one on the first.
    points = [np.array([place]) for place in ([-75.0, -10.0], [0.0, 0.0], [-74.9, -10.1])]
    places = Overlay("", points, "places", ("Peru", "Nowhere", "Inca Empire"))
    region = Overview(around, [Overlay("", [border], "border"), places])
    part = Overview(
        MapFrame(Bounds(-100, -43, -40, 17), "degrees", 1e5, (0.0, 1.0), (), (), (15.0, 15.0)), []
    )
    page = locator_page("Where", FRAME, region, part, outline, elevation, [cells, sites], of)
    figure = draw_page(page)
    words = {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}
    assert {"Where", "Part of the earth", "Region", "Study area", "Peru", "Kayra", "Zurite"} <= words
    assert not {"Nowhere", "Inca Empire"} & words
    # A name stands right of its point, and left of one near the right edge.
    (left, _top, wide, _high), names = page.maps[0].box, {text.text: text for text in page.texts}
    assert names["Kayra"].across == "left"
    assert names["Kayra"].box[0] == pytest.approx(left + 0.15 * wide + 0.07)
    assert names["Zurite"].across == "right"
    assert sum(names["Zurite"].box[::2]) == pytest.approx(left + 50 / 60 * wide - 0.07)
    # Each map around marks the one within it.
    assert [item.marks for item in page.maps] == ["", "study area", "region"]
    boxes = [item.box for item in page.maps]
    assert boxes[2][1] + boxes[2][3] + 0.3 < boxes[1][1]
    assert max(top + high for _left, top, _wide, high in boxes) + 0.2 < page.legend[1]
    assert {"Where", f"extent of {of}", "SMAP cells, 9 km", "N"} <= words
    assert ("elevation, m" in words) == terrain
    picture = pixels(figure)
    # The edge of the area is drawn in its colour.
    assert np.isclose(picture, [0xD5 / 255, 0x5E / 255, 0], atol=0.03).all(axis=2).sum() > 20
