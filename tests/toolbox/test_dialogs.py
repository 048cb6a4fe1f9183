"""The dialogs of all algorithms and models: a short first page, headings, units, nothing cut off."""

from __future__ import annotations

import gc
import re

import pytest

from promised import PROMISED

MOST_ON_PAGE_ONE = 7
#: What a label tells of a number: its unit in brackets, or what is counted.
UNIT = re.compile(
    r"\((?:.*\b)?(?:m|km|m3 m-3|days|hours.*|degrees|MB|0 to 1|no unit|units of .* CRS|maps' unit|"
    r"dots per inch|repetitions)\b.*\)|\(%\)"
)
COUNTED = re.compile(
    r"\b(?:[Dd]ays|[Dd]ates|[Cc]ells|[Rr]ows|[Tt]rees|[Ff]olds|[Rr]epeats|[Ss]quares|[Ss]amples|[Rr]esamples|"
    r"[Ww]indows|[Bb]locks|[Mm]aps|[Tt]hreads|[Cc]omponents|[Cc]ovariates|[Tt]imes|[Dd]epth|[Ss]eed|divide)\b"
)


@pytest.fixture(scope="module")
def dialog(qgis_provider):
    """``dialog(id) -> the dialog, shown``, as QGIS opens it from the toolbox; one at a time."""
    from qgis.core import QgsSettings
    from qgis.PyQt import sip
    from qgis.PyQt.QtCore import QCoreApplication, QEvent

    opened = []

    def close():
        while opened:
            one = opened.pop()
            if not sip.isdeleted(one):
                one.close()
                one.deleteLater()
            del one
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            gc.collect()
        # Sizes, and which boxes are open, are remembered.
        QgsSettings().remove("Windows")
        QgsSettings().remove("QgsCollapsibleGroupBox")

    def show(name):
        close()
        algorithm = qgis_provider.algorithm(name).create()
        one = algorithm.createCustomParametersWidget(None)
        opened.append(one)
        one.show()
        QCoreApplication.processEvents()
        return one

    yield show
    close()


def definitions_of(provider, name):
    """The parameters, and those on the first page."""
    from qgis.core import Qgis

    definitions = [one.clone() for one in provider.algorithm(name).parameterDefinitions()]
    return definitions, [
        one for one in definitions if not one.flags() & Qgis.ProcessingParameterFlag.Advanced
    ]


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_the_first_page_holds_what_a_first_run_needs(qgis_provider, name):
    from qgis.core import Qgis

    definitions, first = definitions_of(qgis_provider, name)
    assert 1 < len(first) <= MOST_ON_PAGE_ONE
    assert any(one.isDestination() for one in first)
    for one in definitions:
        # What must be given is seen.
        optional = one.flags() & Qgis.ProcessingParameterFlag.Optional or one.defaultValue() not in (None, "")
        assert optional or one.isDestination() or one.name() in {other.name() for other in first}, one.name()


def test_the_first_page_is_named_of_parameters_that_there_are(qgis_provider):
    from smap_downscaler.toolbox.algorithm import SmapAlgorithm

    for algorithm in qgis_provider.algorithms():
        if isinstance(algorithm, SmapAlgorithm):
            assert set(algorithm.FIRST) <= {one.name() for one in algorithm.parameterDefinitions()}


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_labels_of_numbers_tell_their_unit(qgis_provider, name):
    definitions, _ = definitions_of(qgis_provider, name)
    for one in definitions:
        if one.type() == "number":
            assert UNIT.search(one.description()) or COUNTED.search(one.description()), one.description()
        # Named in sentences, a label is no place for ids.
        words = set(re.findall(r"\b[A-Z]{3,}\b", one.description()))
        assert words <= {"SMAP", "ISMN", "DEM", "CRS", "CSV", "QGIS", "UTC", "MFD"}, one.description()
        assert not re.search(r"\s{2}|\[|\]", one.description())


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_nothing_is_cut_off_at_the_default_size(qgis_provider, dialog, name):
    from qgis.PyQt.QtCore import QCoreApplication
    from qgis.PyQt.QtWidgets import QDoubleSpinBox, QGroupBox, QScrollArea

    shown = dialog(name)
    area = shown.mainWidget().findChild(QScrollArea)
    page = area.widget()
    assert page.sizeHint().height() <= area.viewport().height()
    box = page.findChild(QGroupBox, "grpAdvanced")
    box.setProperty("collapsed", False)
    for _ in range(3):
        QCoreApplication.processEvents()
    assert page.minimumSizeHint().width() <= area.viewport().width()
    for number in page.findChildren(QDoubleSpinBox):
        assert not re.search(r"[.,]\d*0$", number.text()), number.text()
    box.setProperty("collapsed", True)


def test_advanced_parameters_stand_below_headings(qgis_provider, dialog):
    from qgis.PyQt.QtWidgets import QGroupBox, QLabel

    from smap_downscaler.toolbox.parameter_groups import grouped

    shown = dialog("downscale")
    layout = shown.mainWidget().findChild(QGroupBox, "grpAdvanced").layout()
    widgets = [layout.itemAt(row).widget() for row in range(layout.count())]
    texts = [one.text() for one in widgets if hasattr(one, "text") and one.text()]
    headings = ["Area and dates", "How inputs are read", "Method", "Scores and intervals"]
    headings += ["How maps are stored", "This computer", "More results"]
    found = [re.sub("<.*?>", "", text) for text in texts if text.startswith("<b>")]
    assert found == headings
    below = {}
    for text in texts:
        if text.startswith("<b>"):
            below[re.sub("<.*?>", "", text)] = some = []
        else:
            some.append(text)
    assert below["Area and dates"] == ["Extent to map [optional]", "Area to map (polygons) [optional]"]
    assert below["How maps are stored"][1:] == [
        "Compression of the maps",
        "Overviews in the maps, for quick drawing",
    ]
    assert below["More results"] == [
        f"{label} [optional]"
        for label in ("Maps as one temporal layer", "Result for each date", "Preflight as a table", "Report")
    ]
    # What is not below a heading is on the first page.
    assert all(isinstance(one, QLabel) for one in widgets if hasattr(one, "text") and "<b>" in one.text())
    for algorithm in qgis_provider.algorithms():
        groups = grouped(algorithm.parameterDefinitions())
        assert len(groups) > 1 or sum(map(len, groups.values())) <= MOST_ON_PAGE_ONE, algorithm.name()


def test_numbers_are_short_and_what_is_typed_counts(dialog):
    from qgis.PyQt.QtCore import QCoreApplication
    from qgis.PyQt.QtWidgets import QDoubleSpinBox, QGroupBox, QLineEdit

    shown = dialog("createdemodata")
    panel = shown.mainWidget()
    box = panel.findChild(QGroupBox, "grpAdvanced")
    for collapsed in (False, True, False):
        box.setProperty("collapsed", collapsed)
        QCoreApplication.processEvents()
        QCoreApplication.processEvents()
    footprint, noise = panel.findChildren(QDoubleSpinBox)
    assert (footprint.text(), noise.text()) == ("0", "0.02")
    noise.setValue(0.0125)
    assert noise.text() == "0.0125"
    noise.stepUp()
    assert noise.text() == f"{0.0125 + noise.singleStep():g}"
    line = noise.findChild(QLineEdit)
    line.setText("0.03500")
    noise.editingFinished.emit()
    assert (line.text(), noise.value()) == ("0.035", 0.035)
    footprint.setValue(100)
    assert footprint.text() == "100"
    given = panel.createProcessingParameters()
    assert (given["NOISE"], given["FOOTPRINT"]) == (0.035, 100)
    box.setProperty("collapsed", True)


def test_a_size_of_the_users_own_stays(dialog, qgis_provider):
    from qgis.PyQt.QtCore import QCoreApplication

    first = dialog("downscale")
    high = first.height()
    first.resize(650, high - 150)
    first.close()
    again = qgis_provider.algorithm("downscale").create().createCustomParametersWidget(None)
    again.show()
    QCoreApplication.processEvents()
    size = again.width(), again.height()
    again.close()
    again.deleteLater()
    assert size == (650, high - 150)


@pytest.mark.parametrize("name", ["downscalesmap", "fieldvalidation", "triplecollocation"])
def test_field_stations_can_be_chosen_as_a_file_and_as_a_folder(dialog, monkeypatch, tmp_path, name):
    from qgis.gui import QgsFileWidget
    from qgis.PyQt.QtWidgets import QFileDialog, QToolButton

    panel = dialog(name).mainWidget()
    stations = panel.wrappers["STATIONS"].wrappedWidget()
    assert stations.storageMode() == QgsFileWidget.StorageMode.GetFile
    button = next(one for one in stations.findChildren(QToolButton) if one.text().startswith("Folder"))
    asked = []

    def choose(_parent, _title, start):
        asked.append(start)
        return "" if len(asked) > 1 else str(tmp_path)

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", choose)
    button.click()
    assert panel.wrappers["STATIONS"].parameterValue() == str(tmp_path)
    # A second look begins there, and cancelling it changes nothing.
    button.click()
    assert asked[1] == str(tmp_path)
    assert panel.wrappers["STATIONS"].parameterValue() == str(tmp_path)
