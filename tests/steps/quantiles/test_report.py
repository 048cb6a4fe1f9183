"""The report of a quantile correlation: what its words and figures say, in the odd cases too."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from base64 import b64decode

import numpy as np
import pytest

from report_reader import FigureTexts, check_page
from smap_downscaler.base.words import text
from smap_downscaler.steps.quantiles import report as quantilecorrelation
from smap_downscaler.steps.quantiles.figures import curves, heat_maps, some
from smap_downscaler.steps.quantiles.numbers.correlation import unusable
from smap_downscaler.steps.quantiles.numbers.run import Cell
from smap_downscaler.steps.quantiles.numbers.settings import QuantileSettings
from smap_downscaler.steps.quantiles.report import About, quantile_page

SCALES, QUANTILES = (1, 2, 3), (0.1, 0.5, 0.9)


def cell(station="Ana", season="all", scale=1, tau=0.5, rho=0.6, **other):
    first, last = dt.date(2020, 1, 1), dt.date(2020, 12, 31)
    cell = Cell(
        station, season, scale, tau, 1, 60, 70, first, last, rho, 1.0, 0.5, np.nan, np.nan, None,
        False, False, False, False, False, "computed",
    )  # fmt: skip
    return dataclasses.replace(cell, **other)


def cells(station="Ana", seasons=("all", "dry"), rho=0.6, **other):
    return [
        cell(station, season, scale, tau, rho, **other)
        for season in seasons
        for scale in SCALES
        for tau in QUANTILES
    ]


def failed(found):
    status = unusable(np.full(9, 0.3), np.arange(9.0))
    return [dataclasses.replace(one, rho=np.nan, b_yx=np.nan, b_xy=np.nan, status=status) for one in found]


@pytest.fixture
def page_of(monkeypatch):
    """From cells and settings the HTML of a page, held against the table of its numbers."""

    def html(found, warnings=(), scales=SCALES, **settings):
        figures = FigureTexts(monkeypatch)
        about = About("theta <map>", "theta_field", QuantileSettings(scales, QUANTILES, **settings))
        page = quantile_page(found, about, warnings, {"Input": {"file": "m & n.csv"}}, "the end")
        check_page(page, figures)
        return page.html()

    return html


@pytest.fixture
def no_figures(monkeypatch):
    """The names of the stations in place of their figures, which take their time."""
    for name in ("heat_maps", "curves"):
        monkeypatch.setattr(quantilecorrelation, name, lambda found: found[0].station.encode())


def pictures(page):
    return [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


def pixels(png):
    from matplotlib.image import imread

    return imread(io.BytesIO(png))[..., :3]


def share_of(image, colour):
    """Share of the pixels that have a colour."""
    return float((np.abs(image - np.array(colour)).max(axis=-1) < 0.01).mean())


def colour_of(rho):
    from matplotlib import colormaps

    return colormaps["RdBu"]((rho + 1) / 2)[:3]


def test_the_page_is_whole(page_of):
    page = page_of(cells() + cells("Beto", rho=-0.25), warnings=[text("{} rows <odd>.", 3)])
    assert page.startswith("<!DOCTYPE html>")
    assert "http" not in page
    assert "Quantile correlation of theta &lt;map&gt; and theta_field" in page
    assert "2 stations, 3 time scales of 1 to 3 days, 3 quantiles of 0.1 to 0.9" in page
    assert "<li>3 rows &lt;odd&gt;.</li>" in page
    assert "<h2>Station Ana (the paper&#39;s Fig. S3)</h2>" in page
    assert "<h2>Station Beto (the paper&#39;s Fig. S3)</h2>" in page
    assert "m &amp; n.csv" in page
    # Two seasons: in the overview at the shortest and the longest scale, and nine numbers of each.
    assert page.count(">0.60<") == 2 * 2 + 18
    assert page.count(">-0.25<") == 2 * 2 + 18
    assert "36 of 36 coefficients were computed." in page
    assert "Not computed" not in page
    assert "resamples" not in page
    assert len(pictures(page)) == 4


def test_one_series_without_stations(page_of, no_figures):
    page = page_of(cells("", ("all",)))
    assert "<th>station</th>" not in page
    assert "<h2>Time scale and quantile (the paper&#39;s Fig. S3)</h2>" in page
    assert ">3 time scales" in page


def test_intervals_and_stars(page_of, no_figures):
    found = cells(lower=0.111, upper=0.777, drawn_together=3)
    found[1] = dataclasses.replace(found[1], unreliable=True)
    page = page_of(found, bootstrap=500)
    assert "<td>0.60 (0.11 to 0.78)</td>" in page
    assert "in brackets its 95 % interval" in page
    assert "500 resamples" in page
    assert '<td class="number">0.60*</td>' in page
    assert "18 of 18 coefficients were computed. Of these: unreliable 1 (6 %), over 1 0 (0 %)," in page


def test_what_was_not_computed_is_told_with_its_scales(page_of, no_figures):
    found = cells("A", ("all",)) + failed(cells("<B>", ("wet",)))
    page = page_of(found)
    assert (
        "<td>&lt;B&gt;</td><td>wet season</td><td>1-3</td><td>X is constant (0.3 in all 9 blocks)</td>"
    ) in page
    assert "<h2>Station &lt;B&gt;" not in page
    assert len(pictures(page)) == 2


def overview(page):
    """Rows of the first table, texts."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)[1]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]


def test_the_overview_counts_computed_coefficients_only(page_of, no_figures):
    found = cells("A", ("all",), unreliable=True) + failed(cells("B", ("all",), unreliable=True))
    found[0] = dataclasses.replace(found[0], over_one=True)
    found[1] = dataclasses.replace(found[1], over_one=True, same_line=True)
    page = page_of(found)
    assert "9 of 18 coefficients were computed." in page
    assert "Of these: unreliable 9 (100 %), over 1 2 (22 %), same line 1 (11 %)" in page
    first, second = overview(page)
    assert first[5:] == ["9 of 9", "9", "2", "1", "0.60*", "0.60*"]
    assert second[5:] == ["0 of 9", "", "", "", "", ""]


def test_nothing_could_be_computed(page_of, no_figures):
    page = page_of(failed(cells("A", ("all",))))
    assert "Of 9 coefficients none could be computed; the reasons are given below." in page
    assert not pictures(page)


def test_a_season_without_a_coefficient_has_no_panel(page_of, monkeypatch):
    drawn = []
    for name in ("heat_maps", "curves"):
        monkeypatch.setattr(
            quantilecorrelation, name, lambda found: drawn.append({one.season for one in found}) or b""
        )
    page = page_of(cells("A", ("all", "dry")) + failed(cells("A", ("wet",))))
    assert drawn == [{"all", "dry"}] * 2
    assert "Coefficients, wet season" not in page
    assert "<td>wet season</td>" in page


def test_of_many_rows_and_scales_the_table_holds_the_rest(page_of, no_figures):
    found = [one for number in range(130) for one in cells(f"S{number}", ("all",))]
    page = page_of(found)
    assert len(overview(page)) == 120
    assert "10 rows more can be made of the table OUTPUT." in page
    scales = tuple(range(1, 21))
    many = [cell("A", "all", scale, tau) for scale in scales for tau in QUANTILES]
    page = page_of(many, scales=scales)
    last = page[page.index("Coefficients, all year") :]
    assert re.findall(r'<tr><td class="number">(\d+)</td>', last) == ["1", "5", "10", "15", "20"]
    assert "All scales are in the table OUTPUT." in page
    odd = [one for one in many if one.scale not in (11, 14)]
    some_failed = [one for one in odd if one.scale <= 9] + failed([one for one in odd if one.scale > 9])
    page = page_of(some_failed, scales=scales)
    last = page[page.index("Coefficients, all year") :]
    assert re.findall(r'<tr><td class="number">(\d+)</td>', last) == ["1", "3", "5", "7", "9"]
    assert "<td>10, 12-13, 15-20</td>" in page


def test_figures_of_the_stations_with_most_reliable_coefficients_only(page_of, no_figures):
    found = [one for number in range(7) for one in cells(f"S{number}", ("all",))]
    # S0 and S2 have fewer reliable coefficients than the others, S1 has none at all.
    found = [
        dataclasses.replace(one, unreliable=one.station == "S0" or (one.station == "S2" and one.scale == 1))
        for one in found
    ]
    found[9:18] = failed(found[9:18])
    page = page_of(found)
    shown = ("S3", "S4", "S5", "S6")
    assert pictures(page) == [name.encode() for name in shown for _figure in range(2)]
    assert "those with most reliable coefficients: S3, S4, S5, S6. The table OUTPUT holds" in page
    assert len(overview(page)) == 7


def test_the_colours_of_the_heat_map():
    found = cells(seasons=("all",))
    found[4] = dataclasses.replace(found[4], rho=-0.6)
    image = pixels(heat_maps(found))
    blue, red = share_of(image, colour_of(0.6)), share_of(image, colour_of(-0.6))
    # Of the bar there is a line of each colour too.
    assert blue == pytest.approx(8 * red, rel=0.05)
    assert red > 0.05
    assert image.shape[1] == pytest.approx(7.1 * 160, abs=2)


def test_marks_of_the_heat_map():
    plain = pixels(heat_maps(cells(seasons=("all",))))
    hatched = pixels(heat_maps(cells(seasons=("all",), unreliable=True)))
    crossed = pixels(heat_maps(cells(seasons=("all",), over_one=True)))
    for marked in (hatched, crossed):
        changed = np.abs(marked - plain).max(axis=-1) > 0.1
        assert 0.001 < changed.mean() < 0.2
    missing = pixels(heat_maps(failed(cells(seasons=("all",)))))
    assert share_of(missing, (0xBD / 255,) * 3) > 0.3


def test_hollow_markers_of_unreliable_cells():
    found = [dataclasses.replace(one, rho=0.2 * one.scale + 0.1 * one.tau) for one in cells(seasons=("all",))]
    full = pixels(curves(found))
    hollow = pixels(curves([dataclasses.replace(one, unreliable=True) for one in found]))
    blue = (0x00 / 255, 0x72 / 255, 0xB2 / 255)
    assert share_of(full, blue) > share_of(hollow, blue) > 0


def test_curves_of_one_scale_one_quantile_and_of_nothing():
    assert curves([cell(rho=-1.2)]).startswith(b"\x89PNG")
    assert curves(failed([cell()])).startswith(b"\x89PNG")
    assert heat_maps([cell(rho=-1.2, over_one=True)]).startswith(b"\x89PNG")


def test_some_of_many():
    assert some(20) == [0, 4, 9, 14, 19]
    assert some(9) == [0, 2, 4, 6, 8]
    assert some(3) == [0, 1, 2]
    assert some(1) == [0]
