"""How users find a tool: groups in order, names that say what comes out, words to search, icons."""

from __future__ import annotations

import pytest

from smap_downscaler.toolbox.tags import tags_of


@pytest.fixture
def algorithms(qgis_provider):
    return {algorithm.name(): algorithm for algorithm in qgis_provider.algorithms()}


@pytest.fixture
def found(qgis_provider):
    """The names of the tools of ours that the toolbox shows for some words."""
    from qgis.core import QgsApplication
    from qgis.gui import QgsProcessingToolboxProxyModel

    model = QgsProcessingToolboxProxyModel(None, QgsApplication.processingRegistry())

    def search(words):
        model.setFilterString(words)
        names, waiting = set(), [model.index(row, 0) for row in range(model.rowCount())]
        while waiting:
            index = waiting.pop()
            waiting += [model.index(row, 0, index) for row in range(model.rowCount(index))]
            algorithm = model.toolboxModel().algorithmForIndex(model.mapToSource(index))
            if algorithm is not None and algorithm.provider().id() == qgis_provider.id():
                names.add(algorithm.name())
        return names

    return search


def test_groups_are_sorted_as_the_work_goes(algorithms):
    groups = {algorithm.group(): algorithm.groupId() for algorithm in algorithms.values()}
    assert [groups[name] for name in sorted(groups)] == [
        *("workflows", "data", "covariates", "models", "maps", "analysis")
    ]
    first = {name for name, algorithm in algorithms.items() if algorithm.group() == "0 Start here"}
    assert first >= {"createdemodata", "smaptomaps", "mapeveryday"}


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("humedad del suelo", {"downscale", "importsmap", "smaptomaps"}),
        ("sequía", {"downscale", "mapeveryday"}),
        ("drought", {"downscale", "fillgaps"}),
        ("bosque aleatorio", {"trainforests"}),
        ("random forest", {"trainforests"}),
        ("lluvia", {"antecedentprecipitation", "seasonalprecipitation"}),
        ("rain", {"antecedentprecipitation", "seasonalprecipitation"}),
        ("índice topográfico", {"terrainindices"}),
        ("topographic index", {"terrainindices"}),
        ("validación cruzada", {"crossvalidate"}),
        ("cross-validation", {"crossvalidate"}),
        ("NetCDF", {"importsmap", "antecedentprecipitation"}),
        ("sample data", {"createdemodata"}),
        ("datos de ejemplo", {"createdemodata"}),
    ],
)
def test_words_of_users_find_tools(found, words, some):
    assert found(words) >= some


def test_each_word_of_a_tool_finds_it(algorithms, found):
    for name, algorithm in algorithms.items():
        assert len(algorithm.tags()) > len(tags_of("")), name
        for tag in algorithm.tags():
            assert name in found(tag), (name, tag)
    assert found("") == set(algorithms)
    assert not found("no such word")


def test_each_group_has_an_icon_of_its_own_that_can_be_told_at_16_pixels(algorithms):
    from qgis.PyQt.QtGui import QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    pictures = {}
    for algorithm in algorithms.values():
        renderer = QSvgRenderer(algorithm.svgIconPath())
        assert renderer.isValid(), algorithm.name()
        assert not algorithm.icon().isNull()
        image = QImage(16, 16, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        drawn = [image.pixel(x, y) for x in range(16) for y in range(16)]
        # Neither empty nor full.
        assert 40 < sum(pixel >> 24 > 127 for pixel in drawn) <= 256
        pictures[algorithm.groupId()] = drawn
    groups = list(pictures)
    for first in groups:
        for second in groups[: groups.index(first)]:
            assert sum(a != b for a, b in zip(pictures[first], pictures[second])) > 80, (first, second)
