"""What `make release` refuses, the change log in metadata.txt, and the look at Qt 6."""

from __future__ import annotations

import configparser
import types
from pathlib import Path

import pytest

import release
from check_qt6 import findings
from package import REQUIRED, PackageError, read_metadata

ROOT = Path(__file__).resolve().parents[1]
LOG = "# Changelog\n\n## 1.2.0 (soon)\n\nNew\n\n- 90 % of it\n# no comment\n\n## 1.1.0\n\n- old\n"
GOOD = {
    "version": "1.2.0",
    "changelog": release.changelog_field(LOG),
    "email": "me@uni.edu.pe",
    "homepage": "https://uni.edu.pe/example.html",
    "repository": "https://git.uni.edu.pe/testing/smap",
    "tracker": "https://git.uni.edu.pe/smap/issues",
}


def test_the_change_log_in_the_metadata_is_that_of_the_version():
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    metadata = (ROOT / "metadata.txt").read_text(encoding="utf-8")
    assert release.with_changelog(metadata, log) == metadata, "run tools/release.py --changelog"
    # As QGIS reads it.
    parser = configparser.ConfigParser()
    parser.read_string(metadata)
    assert parser["general"]["changelog"].startswith(f"{parser['general']['version']}\n")


def test_an_entry_keeps_its_lines_without_what_configparser_trips_over():
    assert release.changelog_field(LOG) == "1.2.0\nNew\n- 90 percent of it\n no comment"
    text = release.with_changelog("[general]\nchangelog=0.1\n  - older\nname=x\n", LOG)
    assert text == "[general]\nname=x\nchangelog=1.2.0\n New\n - 90 percent of it\n  no comment\n"
    assert release.with_changelog(text, LOG) == text


def test_real_addresses_are_let_through():
    assert release.refusals(GOOD, LOG) == []


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("email", "maintainers@users.noreply.some-place.example"),
        ("email", "me@example.com"),
        ("homepage", "https://example.org/smap-downscaler"),
        ("repository", "https://www.example.net"),
        ("tracker", "https://smap.invalid/issues"),
        ("homepage", "http://localhost:8000/"),
        ("homepage", "https://smap.test/"),
    ],
)
def test_an_address_for_examples_is_refused(name, address):
    assert release.refusals({**GOOD, name: address}, LOG) == [
        f"metadata.txt: {name} is {address}, an address reserved for examples; put the real one there."
    ]


def test_another_version_and_another_change_log_are_refused():
    assert release.refusals({**GOOD, "version": "1.1.0", "changelog": "1.1.0\n- old"}, LOG) == [
        "metadata.txt: version is 1.1.0, but the newest in CHANGELOG.md is 1.2.0; make them one.",
        "metadata.txt: changelog is not the newest entry of CHANGELOG.md; run tools/release.py --changelog.",
    ]


@pytest.fixture
def tree(tmp_path):
    """A small tree that could be released."""
    top = tmp_path / "tree"
    (top / "smap_downscaler").mkdir(parents=True)
    (top / "help").mkdir()
    for name in ("smap_downscaler/__init__.py", "smap_downscaler/icon.svg", "LICENSE", "help/a.md"):
        (top / name).write_text("")
    (top / "CHANGELOG.md").write_text(LOG)
    fields = dict.fromkeys(REQUIRED, "x") | GOOD | {"icon": "icon.svg"}
    lines = [f"{name}={value}".replace("\n", "\n ") for name, value in fields.items()]
    (top / "metadata.txt").write_text("\n".join(["[general]", *lines, ""]))
    return top


def test_a_release_is_built_and_scanned(tree, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(release, "scanned", lambda archive: seen.append(archive) or [])
    archive = release.release(tmp_path / "dist", tree)
    assert seen == [archive]
    assert archive.name == "smap_downscaler-1.2.0.zip"


def test_what_scanners_find_is_told_and_leaves_no_zip(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "scanned", lambda archive: ["bandit finds:\nB101"])
    with pytest.raises(PackageError, match="bandit finds:\nB101"):
        release.release(tmp_path / "dist", tree)
    assert not list((tmp_path / "dist").iterdir())


def test_what_the_analyzer_tells_is_refused_but_for_what_is_explained():
    kinds = [sorted(release.EXPLAINED)[0], "LEGACY_PYQT"]
    issues = [{"file": "a.py", "line": 3, "type": kind, "message": "no"} for kind in kinds]
    context = {
        "qgis_compliance": {"best_practices": {"issues": issues}},
        "security": {"findings": [{"file": "b.py", "line": 1, "type": "B301", "message": "pickle"}]},
        "repository_compliance": {"binaries": ["c.so"], "constraint_errors": []},
    }
    assert release.analysed(context) == ["a.py:3: LEGACY_PYQT no", "b.py:1: B301 pickle", "c.so"]


def test_todays_metadata_are_refused_before_anything_is_built(tmp_path):
    reserved = [name for name in release.ADDRESSES if ".example" in read_metadata(ROOT)[name]]
    if not reserved:
        pytest.skip("the addresses in metadata.txt are real")
    with pytest.raises(PackageError, match="an address reserved for examples"):
        release.release(tmp_path / "dist", ROOT)
    assert not (tmp_path / "dist").exists()


class Scoped:
    class Kind:
        One = 1


CORE = types.SimpleNamespace(QDate=Scoped)


def module_of(name):
    if name != "QtCore":
        raise ImportError(name)
    return CORE


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("from qgis.PyQt.QtCore import QDate\nQDate.Kind.One", []),
        ("from qgis.PyQt.QtCore import QDate\nQDate.One", [(2, "QtCore.QDate.One")]),
        ("from qgis.PyQt.QtCore import QDate as D\nx = D.Kind.Two.name", [(2, "QtCore.QDate.Kind.Two")]),
        ("from qgis.PyQt.QtCore import QRegExp", [(1, "QtCore.QRegExp")]),
        ("from qgis.PyQt.QtGone import QThing", [(1, "QtGone.QThing")]),
        ("from qgis.PyQt import QtCore\nQtCore.QDate.One", [(2, "QtCore.QDate.One")]),
        ("dialog.exec_()", [(1, "exec_()")]),
        ("from os import path\npath.nothing", []),
    ],
)
def test_names_that_qt_6_lacks_are_found(source, lacking):
    assert sorted(set(findings(source, module_of))) == lacking
