"""`make paper`: what reports say is of the paper goes to its page, under its number."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from paper_index import write_index
from smap_downscaler.report.page import Page

ROOT = Path(__file__).resolve().parents[1]
#: What the paper has, by its captions.
FIGURES = [
    "Fig. 2",
    "Fig. 3",
    "Fig. 4",
    "Fig. 5",
    "Fig. 6",
    "Fig. 7",
    "Fig. 8",
    "Fig. 9",
    "Fig. S1",
    "Fig. S3",
]
TABLES = ["Table 4", "Table 5", "Table 6", "Tables 1-3"]


def png(colour):
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(stream, "PNG")
    return stream.getvalue()


def test_each_figure_and_table_of_the_paper_is_named_by_a_report():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "smap_downscaler").rglob("*report*.py"))
    named = set(re.findall(r"the paper's ((?:Fig\.|Tables?) S?\d+(?:-\d+)?)", source))
    assert named >= {*FIGURES, *TABLES}


@pytest.fixture
def output(tmp_path):
    """Two reports and three sheets."""
    (tmp_path / "reports").mkdir()
    page = Page("Scores").heading("Scores by date (the paper's Fig. 4)").picture(png("red"), "by date")
    page.heading("Folds").picture(png("green"), "of no number")
    page.heading("Metrics (the paper's Table 4)").table(("score", "formula"), [("RMSE", "a < b & c")])
    (tmp_path / "reports" / "crossvalidate.html").write_text(page.html(), "utf-8")
    page = Page("Cascade").heading("From coarse to fine (the paper's Fig. 5)").picture(png("blue"), "levels")
    (tmp_path / "reports" / "cascade.html").write_text(page.html(), "utf-8")
    for name, colour in (("fig_5", "black"), ("fig_s2", "white"), ("fig_s2_2", "grey")):
        (tmp_path / f"{name}.png").write_bytes(png(colour))
    return tmp_path


def test_figures_and_tables_stand_under_their_numbers(output):
    index, numbers = write_index(output, "The paper")
    assert numbers == ["Fig. 4", "Fig. 5", "Fig. S2", "Table 4"]
    found = {path.name: path.read_bytes() for path in (output / "figures").iterdir()}
    assert found == {
        "fig_4_crossvalidate_00.png": png("red"),
        "fig_5.png": png("black"),
        "fig_5_cascade_00.png": png("blue"),
        "fig_s2.png": png("white"),
        "fig_s2_2.png": png("grey"),
    }
    page = index.read_text("utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page) == numbers
    assert page.count("<img") == 5
    assert "<td>a &lt; b &amp; c</td>" in page
    assert "Metrics (the paper&#39;s Table 4): reports/crossvalidate.html" in page
