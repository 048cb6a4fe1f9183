"""The report of a principal component analysis: its words and figures, in the odd cases too."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_reader import checked_page
from smap_downscaler.base.words import text
from smap_downscaler.steps.components.figures import biplot, scree, spread_out
from smap_downscaler.steps.components.numbers.analyse import Analysis
from smap_downscaler.steps.components.numbers.components import (
    congruence,
    principal_components,
    with_signs_of,
)
from smap_downscaler.steps.components.report import components_page


def analysed(n=30, p=5, q=0, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 3)) @ rng.normal(size=(3, p)) + 0.3 * rng.normal(size=(n, p))
    others = values[:, :q] + rng.normal(size=(n, q))
    names = [f"<mu{number}>" for number in range(p)]
    return principal_components(values, names, others, [f"sm_{number}" for number in range(q)])


def html(found, warnings=()):
    sections = {"Input": {"layer": "a & b"}}
    return checked_page(components_page, [Analysis(found)], warnings, sections, "the end").html()


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
    assert "<h2>Biplot" not in page


@pytest.mark.parametrize(("scored", "drawn"), [(1, False), (2, True), (9, True), (None, True)])
def test_scores_that_the_layer_lacks_are_not_shown(scored, drawn):
    page = checked_page(components_page, [Analysis(analysed())], (), {}, "", scored).html()
    assert ("<h2>Biplot" in page) == drawn
    assert page.count("<img ") == 1 + drawn
    assert ("A biplot needs the scores of two components; OUTPUT has those of one." in page) != drawn


def two_dates():
    """The same variables on two dates, with a colour that some rows lack."""
    first, second = analysed(q=1), analysed(q=1, seed=2)
    colours = np.linspace(0.1, 0.3, 30)
    gaps = np.where(np.arange(30) % 7, 0.5 * colours, np.nan)
    dates = dt.date(2021, 1, 15), dt.date(2021, 8, 12)
    return [
        Analysis(first, dates[0], colours),
        Analysis(with_signs_of(second, first), dates[1], gaps),
    ]


def test_two_dates_side_by_side():
    analyses = two_dates()
    page = checked_page(components_page, analyses, (), {}, "", None, "mean soil moisture (mu_sm)").html()
    assert "2021-01-15: 30 rows, 5 variables, 5 components; 2021-08-12: 30 rows" in page
    assert page.count("<img ") == 3
    for one in analyses:
        assert f"<h2>Loadings, {one.date}</h2>" in page
        assert f"<h2>Variance explained, {one.date}</h2>" in page
        share = 100 * one.found.cumulative[1]
        assert f"{one.date}: The first two components explain {share:.1f} %" in page
    alike = congruence(analyses[1].found, analyses[0].found)
    assert f"PC1 {alike[0]:.2f}, PC2 {alike[1]:.2f}." in page
    assert "Their colour: mean soil moisture (mu_sm)." in page
    assert "are turned to point its way" in page


@pytest.mark.parametrize("analyses", [two_dates(), two_dates()[1:]])
def test_biplots_have_the_same_limits_and_colours(monkeypatch, analyses):
    from matplotlib.figure import Figure

    saved, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *a, **k: (saved.append(figure), save(figure, *a, **k))
    )
    assert biplot(analyses, "sm").startswith(b"\x89PNG")
    (figure,) = saved
    panels = [axis for axis in figure.axes if axis.get_xlabel().startswith("score")]
    assert len(panels) == len(analyses)
    assert len({(axis.get_xlim(), axis.get_ylim()) for axis in panels}) == 1
    values = np.concatenate([one.colour for one in analyses])
    for axis, one in zip(panels, analyses):
        points = axis.collections[0]
        known = np.isfinite(one.colour)
        np.testing.assert_array_equal(points.get_offsets(), one.found.scores[known, :2])
        np.testing.assert_array_equal(points.get_array(), one.colour[known])
        assert points.get_clim() == (np.nanmin(values), np.nanmax(values))
    (bar,) = [axis for axis in figure.axes if axis.get_xlabel() == "sm"]
    assert bar.get_xlim() == (np.nanmin(values), np.nanmax(values))


@pytest.mark.parametrize("size", [(4, 9, 1), (2000, 3, 0), (30, 60, 2)])
def test_figures_are_pictures_and_the_same_each_time(size):
    from matplotlib.image import imread

    for draw in (scree, lambda found: biplot([Analysis(found)])):
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
