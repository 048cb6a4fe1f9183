"""The report of a principal component analysis: its words and figures, in the odd cases too."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_reader import checked_page
from smap_downscaler.base.words import text
from smap_downscaler.steps.components.figures import biplot, scree, spread_out
from smap_downscaler.steps.components.numbers.components import principal_components
from smap_downscaler.steps.components.report import components_page


def analysed(n=30, p=5, q=0, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 3)) @ rng.normal(size=(3, p)) + 0.3 * rng.normal(size=(n, p))
    others = values[:, :q] + rng.normal(size=(n, q))
    names = [f"<mu{number}>" for number in range(p)]
    return principal_components(values, names, others, [f"sm_{number}" for number in range(q)])


def html(found, warnings=()):
    sections = {"Input": {"layer": "a & b"}}
    return checked_page(components_page, found, warnings, sections, "the end").html()


def test_the_numbers_of_the_page_are_those_of_the_tables():
    found = analysed(q=2)
    page = html(found, [text("{} < {} rows", 2, 3)])
    assert page.count("<img ") == 2
    assert "30 rows, 5 variables, 5 components" in page
    assert f"two components explain {100 * found.cumulative[1]:.1f} %" in page
    for value, share in zip(found.eigenvalues, found.shares):
        assert f'<td class="number">{value:.4f}</td><td class="number">{100 * share:.2f} %</td>' in page
    for name, loadings in zip(found.names, found.loadings):
        cells = "".join(f'<td class="number">{value:.3f}</td>' for value in loadings)
        assert cells in page
        assert name.replace("<", "&lt;").replace(">", "&gt;") in page
    assert page.count("<td>supplementary</td>") == 2
    assert "<li>2 &lt; 3 rows</li>" in page
    assert "a &amp; b" in page


def test_many_variables_and_components():
    page = html(analysed(n=400, p=45))
    assert "The 40 longest of 45 arrows have a label." in page
    assert "The other components are in the table LOADINGS, as are the eigenvectors." in page


def test_a_lone_component_has_no_biplot():
    line = np.arange(6.0)
    found = principal_components(np.column_stack([line, 2 * line]), ("a", "b"))
    page = html(found)
    assert page.count("<img ") == 1
    assert "The first component explains 100.0 %" in page
    assert "<h2>Biplot</h2>" not in page


@pytest.mark.parametrize(("scored", "drawn"), [(1, False), (2, True), (9, True), (None, True)])
def test_scores_that_the_layer_lacks_are_not_shown(scored, drawn):
    page = checked_page(components_page, analysed(), (), {}, "", scored).html()
    assert ("<h2>Biplot</h2>" in page) == drawn
    assert page.count("<img ") == 1 + drawn
    assert ("A biplot needs the scores of two components; OUTPUT has those of one." in page) != drawn


@pytest.mark.parametrize("size", [(4, 9, 1), (2000, 3, 0), (30, 60, 2)])
def test_figures_are_pictures_and_the_same_each_time(size):
    from matplotlib.image import imread

    for draw in (scree, biplot):
        picture = draw(analysed(*size))
        assert picture == draw(analysed(*size))
        assert imread(io.BytesIO(picture)).std() > 0.01


@given(st.lists(st.floats(-5, 5), max_size=12), st.floats(0.01, 2))
def test_labels_are_spread_out_and_no_more_than_need_be(places, gap):
    places = np.sort(np.array(places))
    found = spread_out(places, gap)
    assert (np.diff(found) >= gap - 1e-9).all()
    if (np.diff(places) >= gap).all():
        np.testing.assert_allclose(found, places, atol=1e-9)
    if len(places):
        # Least squares keep the mean, and a neighbour's solution is never better.
        assert found.mean() == pytest.approx(places.mean(), abs=1e-9)
        stacked = places.mean() + gap * (np.arange(len(places)) - (len(places) - 1) / 2)
        assert ((found - places) ** 2).sum() <= ((stacked - places) ** 2).sum() + 1e-9
