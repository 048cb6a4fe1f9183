"""The walls between the rooms, and what shipped code may never hold."""

from __future__ import annotations

from pathlib import Path

import pytest

import check_text
from walls import FLAT, SHARED, STEPS, circles, findings, reach_findings

TESTS = Path(__file__).resolve().parent
PACKAGE = Path(__file__).resolve().parents[1] / "smap_downscaler"
SOURCES = {
    file.relative_to(PACKAGE).as_posix(): file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")
}
FILES = sorted(SOURCES)
STEP_ROOMS = sorted(
    {name.split("/")[1] for name in FILES if name.startswith("steps/") and name.count("/") > 1}
)


def test_rooms_are_those_that_the_walls_know():
    rooms = {name.split("/")[0] for name in FILES if "/" in name}
    assert rooms == {*SHARED, "steps"}
    assert set(STEP_ROOMS) <= set(STEPS)


@pytest.mark.parametrize("step", STEP_ROOMS)
def test_a_step_has_its_algorithm(step):
    assert [name for name in FILES if name.startswith(f"steps/{step}/") and name.endswith("algorithm.py")]


def test_tests_mirror_the_rooms():
    rooms = {Path(name).parent.as_posix() for name in FILES if "/" in name}
    outside = {"", "support"}
    folders = {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")} - {"."}
    assert folders - rooms - outside == set()


@pytest.mark.parametrize("place", FILES)
def test_file_keeps_the_walls(place):
    assert findings(SOURCES[place], place) == []


def test_numbers_words_and_pages_reach_no_gdal():
    assert reach_findings(SOURCES) == []


def test_no_files_import_each_other():
    beside = {
        f"{folder}/{file.name}": file.read_text(encoding="utf-8")
        for folder in FLAT
        for file in (TESTS.parent / folder).glob("*.py")
    }
    assert circles({**SOURCES, **beside}) == []


# Every wall must be able to fail: (file, source, finding).
STEP = "steps/gaps/fill.py"
BREACHES = [
    ("geo/a.py", "import qgis.core", "1: imports qgis.core"),
    ("new_room/a.py", "import qgis", "1: imports qgis"),
    ("geo/a.py", "import processing", "1: imports processing"),
    (STEP, "from qgis.PyQt.QtCore import QDate", "1: imports qgis.PyQt.QtCore.QDate"),
    ("steps/gaps/numbers/toolbox.py", "import qgis", "1: imports qgis"),
    (
        STEP,
        "from ...toolbox.values import Values",
        "1: imports smap_downscaler.toolbox.values.Values, which needs QGIS",
    ),
    (
        STEP,
        "from .toolbox import columns",
        "1: imports smap_downscaler.steps.gaps.toolbox.columns, which needs QGIS",
    ),
    (
        STEP,
        "from .algorithm import FillGaps",
        "1: imports smap_downscaler.steps.gaps.algorithm.FillGaps, which needs QGIS",
    ),
    (
        STEP,
        "from ..rain import antecedent_algorithm",
        "1: imports smap_downscaler.steps.rain.antecedent_algorithm, which needs QGIS",
    ),
    (
        "series/a.py",
        "from ..steps.rain import record",
        "1: imports smap_downscaler.steps.rain.record: a step, from a room below the steps",
    ),
    (
        "toolbox/a.py",
        "import importlib\nimportlib.import_module('smap_downscaler.steps.rain')",
        "2: imports smap_downscaler.steps.rain: a step, from a room below the steps",
    ),
    (
        "base/a.py",
        "from ..geo.grid import Grid",
        "1: imports smap_downscaler.geo.grid.Grid: geo is above base",
    ),
    (
        "geo/deep/a.py",
        "from ...series.stack import x",
        "1: imports smap_downscaler.series.stack.x: series is above geo",
    ),
    (
        "base/a.py",
        "from smap_downscaler import report",
        "1: imports smap_downscaler.report: report is above base",
    ),
    (
        "steps/matrix/a.py",
        "from ..gaps import fill",
        "1: imports smap_downscaler.steps.gaps.fill: gaps comes after matrix",
    ),
    ("toolbox/a.py", "from PyQt5.QtCore import Qt", "1: imports PyQt5.QtCore.Qt: use qgis.PyQt"),
    ("plugin.py", "import PyQt6", "1: imports PyQt6: use qgis.PyQt"),
    ("base/a.py", "import pandas as pd", "1: imports pandas when the plugin loads"),
    (
        "base/a.py",
        "from scipy.optimize import linprog",
        "1: imports scipy.optimize.linprog when the plugin loads",
    ),
    (
        "base/a.py",
        "try:\n    import sklearn\nexcept ImportError:\n    sklearn = None",
        "2: imports sklearn when the plugin loads",
    ),
    ("base/a.py", "class A:\n    import joblib", "2: imports joblib when the plugin loads"),
    ("report/a.py", "from matplotlib import pyplot", "1: imports matplotlib.pyplot when the plugin loads"),
    ("geo/a.py", "import h5py", "1: imports h5py when the plugin loads"),
    ("base/a.py", "def f():\n    import pickle", "2: imports pickle"),
    ("base/a.py", "from random import choice", "1: imports random.choice"),
    ("base/a.py", "import random", "1: imports random"),
    ("base/a.py", "exec('1')", "1: exec"),
    ("base/a.py", "x = eval('1')", "1: eval"),
    ("base/a.py", "assert True", "1: assert"),
    ("base/a.py", "def f():\n    import joblib\n    joblib.load('a')", "3: joblib.load"),
    ("base/a.py", "yaml.load(text)", "1: yaml.load"),
    ("base/a.py", "np.load(f, allow_pickle=True)", "1: allow_pickle="),
    ("base/a.py", "run('ls', shell=True)", "1: shell="),
    ("base/a.py", "run('ls', shell=flag)", "1: shell="),
    ("base/a.py", "import tempfile\ntempfile.mktemp()", "2: tempfile.mktemp"),
    ("base/a.py", "import sys\nrun([sys.executable])", "2: sys.executable"),
    ("base/a.py", "try:\n    f()\nexcept:\n    g()", "3: an except that swallows everything"),
    ("base/a.py", "try:\n    f()\nexcept Exception:\n    pass", "3: an except that swallows everything"),
    ("geo/a.py", "gdal.UseExceptions()", "1: gdal.UseExceptions"),
    ("geo/a.py", "gdal.DontUseExceptions()", "1: gdal.DontUseExceptions"),
    ("geo/a.py", "gdal.SetConfigOption('A', 'B')", "1: gdal.SetConfigOption"),
    ("geo/a.py", "import os\nos.environ['A'] = 'B'", "2: writes os.environ"),
    ("geo/a.py", "import os\ndel os.environ['A']", "2: writes os.environ"),
    ("geo/a.py", "from os import environ\nenviron.setdefault('A', 'B')", "2: writes os.environ"),
    ("geo/a.py", "import os\nos.environ |= {}", "2: writes os.environ"),
    ("geo/a.py", "import os\nos.putenv('A', 'B')", "2: os.putenv"),
    ("geo/a.py", "import calendar\ncalendar.month_name[1]", "2: calendar.month_name"),
    ("geo/a.py", "band.GetDescription()", "1: GetDescription: use geo/texts.py"),
    ("geo/a.py", "d.GetRasterBand(1).GetDescription()", "1: GetDescription: use geo/texts.py"),
    ("geo/a.py", "dataset.GetMetadata()", "1: GetMetadata: use geo/texts.py"),
    ("toolbox/a.py", "from qgis.utils import iface", "1: imports qgis.utils.iface"),
    ("toolbox/a.py", "iface.messageBar()", "1: iface"),
    (
        "toolbox/a.py",
        "x = QgsProcessingParameterNumber.Integer",
        "1: QgsProcessingParameterNumber.Integer: an enum without its scope",
    ),
    (
        "toolbox/a.py",
        "f(QgsProcessing.TypeVectorAnyGeometry)",
        "1: QgsProcessing.TypeVectorAnyGeometry: an enum without its scope",
    ),
    ("toolbox/a.py", "f(QtCore.Qt.red)", "1: Qt.red: an enum without its scope"),
    ("toolbox/a.py", "f(Qt.AlignLeft | 1)", "1: Qt.AlignLeft: an enum without its scope"),
    ("toolbox/a.py", "QVariant.Int", "1: QVariant.Int: an enum without its scope"),
]


@pytest.mark.parametrize(("place", "source", "finding"), BREACHES)
def test_breach_is_found(place, source, finding):
    assert findings(source, place) == [finding]


ALLOWED = [
    ("base/a.py", "import numpy as np\nrng = np.random.default_rng(1)\nfrom numpy import random"),
    ("base/a.py", "def f():\n    import pandas\n    from scipy.optimize import linprog"),
    ("base/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas as pd"),
    ("base/a.py", "from .grid import Grid\nfrom ..base import dates"),
    ("base/a.py", "np.load(f, allow_pickle=False)\ntry:\n    f()\nexcept KeyError:\n    pass"),
    ("geo/a.py", "from osgeo import gdal\nfrom ..base.dates import x"),
    ("geo/a.py", "import os\nx = os.environ.get('A')\ny = os.environ['A']"),
    ("report/a.py", "def f():\n    from matplotlib.figure import Figure"),
    ("plugin.py", "from qgis.core import QgsApplication\nfrom .toolbox.provider import P"),
    ("steps/gaps/a.py", "from osgeo import gdal\nfrom ..matrix import build\nfrom ...methods import keys"),
    ("steps/gaps/algorithm.py", "import qgis\nfrom ...toolbox.values import Values"),
    ("steps/gaps/toolbox/a.py", "import qgis\nfrom ....toolbox import layers"),
    ("toolbox/algorithms.py", "import importlib\nimportlib.import_module('smap_downscaler.steps.rain')"),
    ("toolbox/a.py", "import processing\nfrom qgis.PyQt.QtCore import Qt\nfrom ..geo import grid"),
    (
        "toolbox/a.py",
        "Qt.GlobalColor.red\nQgsProcessing.SourceType.TypeRaster\nQgsProcessing.TEMPORARY_OUTPUT",
    ),
    ("toolbox/a.py", "QgsRasterLayer.LayerOptions()\nQgsProject.instance()\nQMetaType.Type.Int"),
]


@pytest.mark.parametrize(("place", "source"), ALLOWED)
def test_what_is_allowed_is_not_a_breach(place, source):
    assert findings(source, place) == []


GDAL = "from osgeo import gdal"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"base/a.py": GDAL}, ["base/a.py: reaches osgeo"]),
        ({"steps/x/report.py": "def f():\n    " + GDAL}, ["steps/x/report.py: reaches osgeo"]),
        (
            {
                "steps/x/numbers/a.py": "from ....geo.b import c",
                "geo/b.py": "from .c import d",
                "geo/c.py": GDAL,
            },
            ["steps/x/numbers/a.py: reaches osgeo through geo/b.py, geo/c.py"],
        ),
        (
            {"steps/x/map_figure.py": "from ..y import z", "steps/y/__init__.py": "", "steps/y/z.py": GDAL},
            ["steps/x/map_figure.py: reaches osgeo through steps/y/z.py"],
        ),
        ({"steps/x/read.py": GDAL, "steps/x/report.py": TYPES + "from .read import x"}, []),
    ],
)
def test_gdal_is_found_through_imports(files, found):
    assert reach_findings(files) == found


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"geo/a.py": "from . import b", "geo/b.py": "from .a import x"},
            ["geo/a.py -> geo/b.py -> geo/a.py"],
        ),
        (
            {
                "geo/a.py": "def f():\n    from .c import x",
                "geo/b.py": "from .a import y",
                "geo/c.py": "from . import b",
            },
            ["geo/a.py -> geo/c.py -> geo/b.py -> geo/a.py"],
        ),
        (
            {"geo/a.py": "from . import b", "geo/b.py": TYPES + "from .a import x"},
            ["geo/a.py -> geo/b.py -> geo/a.py"],
        ),
        (
            {
                "tools/a.py": "import b\nfrom smap_downscaler.geo import c",
                "tools/b.py": "def f():\n    from a import x",
                "geo/c.py": "import a_library",
            },
            ["tools/a.py -> tools/b.py -> tools/a.py"],
        ),
        ({"geo/a.py": "from . import b", "geo/b.py": "import numpy"}, []),
    ],
)
def test_circles_are_found(files, found):
    assert circles(files) == found


# Put together here, so that `make check` does not find them in this file.
HOST, FOLDER = "py" + "pi.org", "/" + "root/"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"one\npip --index https://{HOST}/simple", [(2, HOST)]),
        (f'open("{FOLDER}a.tif")', [(1, FOLDER)]),
        (f"$TOP{FOLDER} ~{FOLDER} some{FOLDER} ..{FOLDER}", []),
        ("see https://example.org/root", []),
    ],
)
def test_text_check_finds_hosts_and_machine_paths(text, found):
    assert [(line, what) for line, what, _ in check_text.findings(text)] == found
