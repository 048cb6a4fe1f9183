"""The page behind the Help button: each tool has one, and its example is a call that the tool takes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingParameterDefinition
from qgis.PyQt.QtCore import QUrl

from smap_downscaler.toolbox.help import blocks, load_help
from smap_downscaler.toolbox.help_page import GUIDES, example_values, guide_url, help_url

OPTIONAL = QgsProcessingParameterDefinition.Flag.FlagOptional


def tools():
    return QgsApplication.processingRegistry().providerById("smapdownscaler").algorithms()


def read(url):
    return Path(QUrl(url).toLocalFile()).read_text(encoding="utf-8")


class Balanced(HTMLParser):
    """Raises where an element ends that did not begin."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_html(text):
    parser = Balanced()
    parser.feed(text)
    assert not parser.open


def test_each_tool_has_a_page(qgis_provider):
    for tool in tools():
        page = read(tool.helpUrl())
        check_html(page)
        assert f"<h1>{load_help(tool.name()).title}</h1>" in page
        for heading in ("Common mistakes", "Example", "Input parameters", "In the paper", "How to cite"):
            assert f"<h2>{heading}</h2>" in page, (tool.name(), heading)
        assert f"qgis_process run {tool.id()} -- " in page
        assert tool.helpUrl() == help_url(tool)


def test_each_tool_has_a_picture_of_its_dialog(qgis_provider):
    shown = {}
    for tool in tools():
        (picture,) = re.findall(r'<img alt="The dialog" src="([^"]+)">', read(tool.helpUrl()))
        shown[tool.name()] = Path(QUrl(picture).toLocalFile())
        assert shown[tool.name()].read_bytes()[:4] == b"\x89PNG"
    # Of no tool that is gone.
    assert set(shown.values()) == set(next(iter(shown.values())).parent.glob("dialog_*.png"))


def test_examples_are_calls_that_tools_take(qgis_provider):
    for tool in tools():
        given = example_values(load_help(tool.name()).example)
        known = {one.name(): one for one in tool.parameterDefinitions()}
        assert set(given) <= set(known), tool.name()
        needed = {
            name
            for name, one in known.items()
            if not one.flags() & OPTIONAL and one.defaultValue() is None and not one.isDestination()
        }
        assert needed <= set(given), tool.name()
        for name, value in given.items():
            options = getattr(known[name], "options", list)()
            if options:
                assert set([value] if isinstance(value, str) else value) <= set(options), (tool.name(), name)


@pytest.mark.parametrize("name", GUIDES)
def test_guides_are_pages(qgis_provider, name):
    page = read(guide_url(name))
    check_html(page)
    assert page.count("<h2>") >= 3
    # What they name is there.
    titles = {load_help(tool.name()).title for tool in tools()}
    named = set(re.findall(r"'([A-Z][^']+)'", page))
    assert named <= titles, named - titles


def test_blocks_of_markdown():
    text = "## A\n\nsome `b` <c>\n\n- one\n- two\n  lines\n\n    x < y\n      z"
    assert blocks(text) == (
        "<h2>A</h2><p>some <code>b</code> &lt;c&gt;</p><ul><li>one</li><li>two lines</li></ul>"
        "<pre>x &lt; y\n  z</pre>"
    )


def test_values_of_an_example():
    assert example_values("A = 1\nB = x y\nA = 2\n") == {"A": ["1", "2"], "B": "x y"}


def test_a_page_that_cannot_be_written_is_none(qgis_provider, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("smap_downscaler.toolbox.help_page._folder", lambda: tmp_path / "file")
    assert qgis_provider.algorithm("downscale").helpUrl() == ""
