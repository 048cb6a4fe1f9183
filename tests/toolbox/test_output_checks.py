"""Outputs: what cannot be written is refused before the work, and nothing is left behind."""

from __future__ import annotations

import os
import tempfile

import pytest


@pytest.fixture
def values(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n2,4\n4,3\n", encoding="utf-8")
    return {"INPUT": str(table), "FIELDS": "a;b", "OUTPUT": str(tmp_path / "scores.gpkg")}


def test_a_read_only_folder(refusal, values, tmp_path, monkeypatch):
    """Root may write anywhere: the system's answer is put in its place."""

    def denied(*_arguments, dir=None, **_more):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    path = tmp_path / "not yet" / "report.html"
    assert refusal("principalcomponents", {**values, "OUTPUT": "memory:", "REPORT": str(path)}) == (
        f"REPORT: {path} cannot be written ({tmp_path}: Permission denied); choose another place."
    )


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder that nobody may write to: Linux only")
def test_a_folder_that_nobody_may_write_to(refusal, values):
    sentence = refusal("principalcomponents", {**values, "LOADINGS": "/proc/self/loadings.gpkg"})
    assert sentence.startswith("LOADINGS: /proc/self/loadings.gpkg cannot be written (/proc/self: ")


def test_folders_are_made_at_the_end_only(run, refusal, values, tmp_path):
    """Asking whether a place can be written to leaves nothing there."""
    report = str(tmp_path / "a" / "b" / "Bericht ñ.html")
    before = sorted(tmp_path.iterdir())
    refusal("principalcomponents", {**values, "REPORT": report, "FIELDS": "a;c"})
    assert sorted(tmp_path.iterdir()) == before
    run("principalcomponents", {**values, "REPORT": report})
    assert os.path.isfile(report)


def test_tables_in_databases_are_not_looked_at(run, values):
    assert run("principalcomponents", {**values, "OUTPUT": "memory:", "LOADINGS": "TEMPORARY_OUTPUT"})


@pytest.mark.parametrize(
    ("name", "file", "sentence"),
    [
        ("REPORT", "report.pdf", "REPORT is {path}; give it the ending .html."),
        *(
            (
                "LOADINGS",
                file,
                "LOADINGS is {path}, a format that holds no such table; give it the ending .gpkg or .csv.",
            )
            for file in ("loadings.shp", "loadings.unknown", "loadings")
        ),
    ],
)
def test_endings_are_looked_at_before_the_work(refusal, values, tmp_path, name, file, sentence):
    path = tmp_path / "not yet" / file
    # A field that is found missing when the layer is read.
    assert refusal("principalcomponents", {**values, "FIELDS": "a;c", name: str(path)}) == sentence.format(
        path=path
    )
    assert not path.parent.exists()


def test_tables_of_other_formats(run, values, tmp_path):
    run("principalcomponents", {**values, "LOADINGS": str(tmp_path / "loadings.geojson")})
    assert (tmp_path / "loadings.geojson").is_file()
