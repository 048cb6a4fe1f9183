"""Report pages: escaped, whole, without any address of the network; the atlas as a picture."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from smap_downscaler.geo.graticule import MapFrame
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.preflight.layer_check import LayerCheck, Preflight
from smap_downscaler.preflight.report import add_preflight
from smap_downscaler.report.atlas import PART_OF_PAGE, AtlasPanel, atlas_png, colour_ends, ramp_of
from smap_downscaler.report.map_parts import panel_letter
from smap_downscaler.report.page import Page, Table
from smap_downscaler.steps.covariates.report import covariates_page

VOID = {"meta", "img", "br"}
BOX = Bounds(0.0, 0.0, 60_000.0, 40_000.0)
FRAME = MapFrame(BOX, "made up", 1.0, (0.0, 1.0), ((30_000.0, "71° W"),), ((20_000.0, "13° S"),), (0.5, 0.5))


class Reader(HTMLParser):
    """Checks that every element is closed, and collects texts by element."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.attributes = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] != "style":
            self.texts.append((self.open[-1], data.strip()))


def pixels(png):
    from matplotlib.image import imread

    return imread(io.BytesIO(png))


def test_a_page_is_whole_and_escaped():
    text = (
        Page("A <title>", "sub & more").heading("One").paragraph("x < y").facts([("where", "a & b")])
        .table(["name", "value"], [["<b>", "1.5"], ["c", ""]], "Caption").warnings(["look & see"])
        .picture(b"abc", 'a "picture"', "Below").footer("end").html()
    )  # fmt: skip
    reader = Reader(text)
    assert reader.open == []
    texts = reader.texts
    for expected in [
        ("title", "A <title>"), ("h1", "A <title>"), ("p", "sub & more"), ("h2", "One"), ("p", "x < y"),
        ("dt", "where"), ("dd", "a & b"), ("caption", "Caption"), ("td", "<b>"), ("td", "1.5"),
        ("li", "look & see"), ("figcaption", "Below"), ("footer", "end"),
    ]:  # fmt: skip
        assert expected in texts
    image = dict(reader.attributes)["img"]
    assert image["alt"] == 'a "picture"'
    assert base64.b64decode(image["src"].split(",")[1]) == b"abc"
    assert not re.search(r"https?://|@import|url\(|<script|<link", text)
    assert "size: A4" in text


def test_columns_of_numbers_are_aligned_to_the_right():
    text = Page("t").table(["a", "b", "c"], [["1.5", "x", "<0.1 %"], ["-2e-5", "3", ""]]).html()
    cells = [(tag, attributes.get("class")) for tag, attributes in Reader(text).attributes if tag == "td"]
    assert cells == [("td", "number"), ("td", None), ("td", "number")] * 2
    with pytest.raises(ValueError, match="not as long as its headers"):
        Page("t").table(["a"], [["1", "2"]])


def test_without_warnings_the_page_says_so():
    table = Table(["a"], [["1"]])
    found = Preflight(
        [LayerCheck("clay", "EPSG:6933", (250.0, 250.0), low=2.0, high=61.5)], [], "the SMAP cells"
    )
    page = covariates_page(
        [], [], found, table, table, table, b"png", {"Input": {"clay": "a.tif"}}, "end"
    ).html()
    assert "Nothing was found that needs a second look." in page
    assert "Min and max are in the unit of the layer." in page
    assert ("dd", "a.tif") in Reader(page).texts
    assert {("td", "clay"), ("td", "61.5")} <= set(Reader(page).texts)
    page = covariates_page(
        [], ["this one"], found, table, table, table, b"png", {"Input": {"clay": "a.tif"}}, "end"
    ).html()
    assert ("li", "this one") in Reader(page).texts


def panels(count, shape=(80, 120)):
    values = np.random.default_rng(0).random((count, *shape)).astype(np.float32)
    return [AtlasPanel(f"covariate_{number}", "m", layer) for number, layer in enumerate(values)]


@pytest.mark.parametrize("count", [1, 5, 20])
def test_the_atlas_fits_on_a_page(count):
    height, width, _ = pixels(atlas_png(panels(count), BOX, FRAME)).shape
    assert width <= 7.4 * 170
    assert height <= 9.8 * 170


def test_each_covariate_is_drawn_with_its_values():
    """A covariate that rises to the right gets darker to the right; one without values is hatched."""
    ramp = np.broadcast_to(np.linspace(0, 1, 120, dtype=np.float32), (80, 120))
    picture = pixels(atlas_png([AtlasPanel("clay", "g/kg", ramp)], BOX))[:, :, :3]
    line = picture[picture.shape[0] // 3].mean(axis=1)
    inner = line[int(0.1 * len(line)) : int(0.9 * len(line))]
    assert np.all(np.diff(inner) <= 0.02)
    assert inner[0] - inner[-1] > 0.4
    empty = pixels(atlas_png([AtlasPanel("x", "", ramp * np.nan)], BOX))[:, :, :3]
    middle = empty[empty.shape[0] // 3, empty.shape[1] // 5 : -empty.shape[1] // 5].mean(axis=1)
    assert middle.min() < 0.7
    assert middle.max() > 0.95
    constant = atlas_png([AtlasPanel("x", "", np.ones((8, 8)))], BOX, FRAME)
    assert constant.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "ramp"),
    [
        ("elevation", "cividis"), ("peru_dem", "cividis"), ("twi_fd8", "YlGnBu"), ("p_djf", "YlGnBu"),
        ("clim_precipitation_tot", "YlGnBu"), ("clay_0_5cm", "YlOrBr"), ("bungo_clay_0_5cm_mean", "YlOrBr"),
        ("ndvi", "YlGn"), ("other", "viridis"), ("demand", "viridis"), ("scale", "viridis"),
    ],
)  # fmt: skip
def test_ramps_by_kind(name, ramp):
    assert ramp_of(name) == ramp


def test_what_is_to_be_compared_shares_the_ends_of_its_colours():
    low, high = np.full((4, 4), 2.0), np.full((4, 4), 8.0)
    nothing = np.full((4, 4), np.nan)
    names = (
        ("twi_fd8", "ln m", low),
        ("clay", "g/kg", low),
        ("twi_mtfd", "ln m", high),
        ("p_djf", "mm/d", low),
    )
    sheet = [AtlasPanel(*one) for one in (*names, ("p_jja", "", high), ("sand", "g/kg", nothing))]
    assert colour_ends(sheet) == [(2.0, 8.0), (2.0, 2.0), (2.0, 8.0), (2.0, 2.0), (8.0, 8.0), (0.0, 1.0)]


def test_letters_go_on_after_z():
    assert [panel_letter(number) for number in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        "a", "b", "z", "aa", "ab", "az", "ba", "zz", "aaa",
    ]  # fmt: skip


@pytest.mark.parametrize("bounds", [Bounds(0, 0, 1, 20), Bounds(0, 0, 20, 1)])
def test_strips_of_land_are_drawn_within_a_page(bounds):
    frame = MapFrame(bounds, "made up", 1e5, (0.0, 1.0), ((0.5, "71° W"),), ((0.5, "13° S"),), (0.5, 0.5))
    height, width, _ = pixels(atlas_png(panels(4), bounds, frame)).shape
    assert width <= 7.4 * 170
    assert height <= 9.8 * 170


def test_three_square_maps_stand_in_a_row():
    three = pixels(atlas_png(panels(3, (80, 80)), Bounds(0, 0, 1, 1))).shape
    assert three[1] > 2 * three[0]


def test_maps_below_other_things_leave_room_for_them():
    """Of the sheets that are equally large the lowest; four maps in a row where the height is given."""
    two = pixels(atlas_png(panels(2, (80, 80)), Bounds(0, 0, 1, 1))).shape
    assert two[1] > 1.5 * two[0]
    for bounds in (Bounds(0, 0, 1, 1), Bounds(0, 0, 1, 3), Bounds(0, 0, 3, 1)):
        height, width, _ = pixels(atlas_png(panels(4), bounds, height=PART_OF_PAGE)).shape
        assert width <= 7.4 * 170
        assert height <= 4.5 * 170


def test_short_facts_stand_two_in_a_line():
    def kinds(*pairs):
        return re.findall("<dl([^>]*)>", Page("t").facts(pairs).html())

    assert kinds(("NumPy", "1.24.2"), ("GDAL", "3.6.2")) == [' class="short"']
    assert kinds(("NumPy", "1.24.2")) == [""]
    assert kinds(("NumPy", "1.24.2"), ("a file", "/a/folder/of/somebody/and/the/name/of/a/file.tif")) == [""]


def test_a_small_table_does_not_stick_to_what_follows():
    """Its last row, which is among its first ones, would keep the next heading on its page otherwise."""
    style = Page("t").html()
    assert "tbody tr:nth-child(-n + 3):not(:last-child) { break-after: avoid; }" in style
    assert "tbody tr:nth-last-child(-n + 3):not(:first-child) { break-before: avoid; }" in style


def test_no_panel_is_no_atlas():
    with pytest.raises(ValueError, match="needs a panel"):
        atlas_png([], BOX, FRAME)


def test_what_belongs_together_stays_on_one_sheet():
    style = re.search(r"<style>(.*?)</style>", Page("T").html(), re.S)[1]
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", style)

    def rules_of(selector):
        """All that the style sheet says of a selector."""
        return " ".join(
            body for names, body in rules if selector in [name.strip() for name in names.split(",")]
        )

    for selector in ("h2", "caption"):
        assert "break-after: avoid" in rules_of(selector)
    assert "display: table-header-group" in rules_of("thead")
    for selector in ("tr", "figure", ".scroll:not(:has(tr:nth-child(13)))"):
        assert "break-inside: avoid" in rules_of(selector)


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(0, ""), (40, ""), (41, "1 more warning is in the log."), (1040, "1,000 more warnings are")],
)
def test_the_look_before_the_work_says_how_many_warnings_it_leaves_out(count, sentence):
    page = Page("T")
    add_preflight(page, Preflight((), [f"warning {number}" for number in range(count)], "the stations"))
    html, numbers = page.html(), page.numbers()
    assert html.count("<li>") == min(count, 40)
    assert ("in the log." in html) == bool(sentence)
    assert sentence in html
    assert ("warning 39" in html) == (count >= 40)
    assert "warning 40" not in numbers


def test_dates_and_place_stand_in_the_title():
    html = Page("Maps").of([dt.date(2021, 1, 1), dt.date(2021, 1, 3)], "Vilcanota").html()
    assert "<title>Maps, 2021-01-01 to 2021-01-03, Vilcanota</title>" in html
    assert "<h1>Maps, 2021-01-01 to 2021-01-03, Vilcanota</h1>" in html
    assert "<h1>Maps</h1>" in Page("Maps").of().html()


def test_warnings_that_differ_in_numbers_only_stand_together():
    texts = ["2021-01-01: 3 cells are gone", "the unit is odd", "2021-01-02: 14 cells are gone"]
    html = Page("T").warnings(texts).html()
    boxes = re.search(r'<ul class="warnings">(.*)</ul>\n', html, re.S)[1]
    assert boxes == (
        "<li>2021-01-01: 3 cells are gone<ul><li>2021-01-02: 14 cells are gone</li></ul></li>"
        "<li>the unit is odd</li>"
    )


def test_only_sheets_take_a_printed_page_for_themselves_and_small_figures_stay_small():
    from smap_downscaler.report.figure import new_figure, png

    shapes = ((3, 7.1, ""), (6, 7.1, ' class="square"'), (9, 7.1, ' class="sheet"'), (1, 2, ""))
    for height, width, shape in shapes:
        picture = png(new_figure(height, width, layout=None))
        html = Page("T").picture(picture, "it").html()
        assert f'<img{shape} style="--width: {width:.2f}in" alt="it"' in html


def test_dates_are_not_broken():
    html = Page("T").table(["date", "RMSE"], [["2021-01-01", "0.04"]]).html()
    assert '<td class="date">2021-01-01</td><td class="number">0.04</td>' in html
