"""metadata.txt: what QGIS, its plugin site and the change log must find in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from package import REQUIRED, read_metadata

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def metadata():
    """The [general] section."""
    return read_metadata(ROOT)


@pytest.mark.parametrize("key", REQUIRED)
def test_key_is_filled(metadata, key):
    assert metadata[key].strip()


def test_versions_of_qgis(metadata):
    assert metadata["qgisMinimumVersion"] == "3.40"
    assert metadata["qgisMaximumVersion"] == "4.99"
    assert "supportsQt6" not in metadata


def test_it_is_a_processing_provider(metadata):
    assert metadata["hasProcessingProvider"] == "yes"


def test_licence_is_the_one_in_the_repository(metadata):
    assert metadata["license"] == "GPL-3.0-or-later"
    head = (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
    assert "GNU GENERAL PUBLIC LICENSE" in head
    assert "Version 3" in head


def test_icon_is_a_picture(metadata):
    icon = ROOT / "smap_downscaler" / metadata["icon"]
    assert icon.suffix in (".svg", ".png")
    assert icon.stat().st_size > 100


def test_description_is_one_line_that_the_plugin_manager_can_show(metadata):
    assert "\n" not in metadata["description"]
    assert len(metadata["description"]) <= 500
    assert "<" not in metadata["description"]


def test_version_is_the_newest_in_the_change_log(metadata):
    headings = re.findall(
        r"^## \[?v?([0-9][^\s\]]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert headings, "CHANGELOG.md has no heading such as '## 0.1.0'"
    assert headings[0] == metadata["version"]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", metadata["version"])


def test_version_stands_in_metadata_only(metadata):
    spelled = re.compile(rf"^(__)?version(__)?\s*=|[\"']{re.escape(metadata['version'])}[\"']", re.MULTILINE)
    others = [*(ROOT / "smap_downscaler").rglob("*.py"), ROOT / "pyproject.toml"]
    assert [
        str(file.relative_to(ROOT)) for file in others if spelled.search(file.read_text(encoding="utf-8"))
    ] == []
