"""What the tools say where Python packages are missing."""

from __future__ import annotations

import pytest

from smap_downscaler.toolbox import dependencies
from smap_downscaler.toolbox.dependencies import PACKAGES, advice, detect_platform, install_hint, missing

SKLEARN, PANDAS = PACKAGES["sklearn"], PACKAGES["pandas"]


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        (
            "osgeo4w",
            "Open 'OSGeo4W Shell' from the Start menu, type: python -m pip install --user scikit-learn",
        ),
        ("macos", "-m pip install --user scikit-learn"),
        ("debian", "sudo apt install python3-sklearn"),
        ("fedora", "sudo dnf install python3-scikit-learn"),
        ("flatpak", "flatpak run --devel --command=pip3 org.qgis.qgis install --user scikit-learn"),
        ("conda", "conda install -c conda-forge scikit-learn"),
        ("other", "-m pip install --user scikit-learn"),
    ],
)
def test_the_command_of_each_platform(platform, command):
    hint = install_hint([SKLEARN], platform)
    assert command in hint
    assert "restart QGIS" in hint


def test_the_sentence_names_all_packages():
    assert advice([SKLEARN, PANDAS], "debian") == (
        "Missing Python packages: scikit-learn, pandas. Open a terminal, type: "
        "sudo apt install python3-sklearn python3-pandas - and restart QGIS."
    )


@pytest.mark.parametrize(
    ("environ", "system", "os_release", "platform"),
    [
        ({"CONDA_PREFIX": "/opt/env"}, "win32", "", "conda"),
        ({}, "win32", "", "osgeo4w"),
        ({}, "darwin", "", "macos"),
        ({"FLATPAK_ID": "org.qgis.qgis"}, "linux", "ID=org.kde.Platform", "flatpak"),
        ({}, "linux", "ID=debian", "debian"),
        ({}, "linux", 'ID=linuxmint\nID_LIKE="ubuntu debian"', "debian"),
        ({}, "linux", "ID=fedora", "fedora"),
        ({}, "linux", "ID=arch", "other"),
        ({}, "linux", "", "other"),
    ],
)
def test_the_platform_is_known_from_the_surroundings(environ, system, os_release, platform):
    assert detect_platform(environ, system, os_release) == platform


def test_what_is_there_is_not_missing(monkeypatch):
    assert missing(("sklearn", "pandas")) == []
    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "pandas")
    assert missing(("sklearn", "pandas")) == [PANDAS]


def test_an_algorithm_says_what_is_missing_in_the_toolbox_and_in_a_run(run, qgis_provider, monkeypatch):
    from qgis.core import QgsProcessingException

    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "sklearn")
    good, sentence = qgis_provider.algorithm("trainforests").canExecute()
    assert not good
    assert sentence == advice([SKLEARN])
    with pytest.raises(QgsProcessingException) as caught:
        run("trainforests", {})
    assert str(caught.value) == sentence


def test_every_algorithm_needs_what_transforms_coordinates(qgis_provider, monkeypatch):
    from smap_downscaler.toolbox.algorithm import SmapAlgorithm

    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "pyproj")
    ours = [one for one in qgis_provider.algorithms() if isinstance(one, SmapAlgorithm)]
    assert ours
    for algorithm in ours:
        assert algorithm.canExecute() == (False, advice([PACKAGES["pyproj"]]))


def test_a_report_needs_what_makes_its_page(run, monkeypatch, tmp_path):
    from qgis.core import QgsProcessingException

    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "jinja2")
    with pytest.raises(QgsProcessingException) as caught:
        run("principalcomponents", {"REPORT": str(tmp_path / "report.html")})
    assert str(caught.value) == f"REPORT: {advice([PACKAGES['jinja2']])}"
