"""A short part of `make kills` and of `make cancels`, and what they would find."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

import cancels
import kills

pytest.importorskip("resource", reason="processes are killed in this way on POSIX alone")

#: Two quick steps, one of which reads what the other leaves.
STEPS = {
    "samplesquares": (
        "samplesquares",
        {
            "EXTENT": "-73.5,-69.8,-15.5,-12.8 [EPSG:4326]",
            "CRS": "EPSG:32718",
            "COUNT": 200,
            "OUTPUT": "{out}/squares.shp",
        },
    ),
    "principalcomponents": (
        "principalcomponents",
        {
            "INPUT": "{samplesquares}/squares.shp",
            "FIELDS": ["x", "y", "area_m2"],
            "OUTPUT": "{out}/scores.gpkg",
            "LOADINGS": "{out}/loadings.csv",
        },
    ),
}


def test_a_few_kills(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(kills, "STEPS", STEPS)
    assert kills.main(["--kills", "2", "--seed", "4", "--folder", str(tmp_path), *STEPS]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "4 random kills of 2 steps: 0 partial files, 0 silently other results, 0 hangs, 0 crashes, 0 refused"
    )


def test_a_few_cancels(monkeypatch, tmp_path, capsys):
    steps = {name: (name, dict(parameters)) for name, (_, parameters) in STEPS.items()}
    steps["principalcomponents"][1]["REPORT"] = "{out}/report.html"
    monkeypatch.setattr(kills, "STEPS", steps)
    monkeypatch.setattr(cancels, "STEPS", steps)
    # At one moment of the run, and while the report is drawn.
    cancels.main(["--cancels", "1", "--folder", str(tmp_path), "principalcomponents"])
    told = capsys.readouterr().out.splitlines()
    assert "0 not heard, 0 partial files" in told[-1]
    assert int(told[-1].split()[0]) >= 1


def test_each_step_comes_after_what_it_reads():
    names = list(kills.STEPS)
    for step in names:
        assert all(names.index(needed) < names.index(step) for needed in kills.needs(step))
    assert kills.needs("downscale") == ["harmonisecovariates", "antecedentprecipitation", "trainforests"]


@pytest.fixture
def case(tmp_path):
    """A step's files as they should be, the same files anew, and a keeper of counts."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    whole.mkdir()
    (whole / "map.tif").write_bytes(b"II*\0" * 100)
    (whole / "report.csv").write_text("date,status\n2020-01-01,written\n")
    with closing(sqlite3.connect(whole / "table.gpkg")) as base:
        base.execute("CREATE TABLE gpkg_contents (table_name TEXT, last_change TEXT)")
        base.execute("INSERT INTO gpkg_contents VALUES ('scores', 'now')")
        base.execute("CREATE TABLE scores (n INTEGER)")
        base.execute("INSERT INTO scores VALUES (1)")
        base.commit()
    shutil.copytree(whole, out)
    return kills.Kills(tmp_path, 1), out, kills.Alone(whole, 1.0)


def test_whole_files_are_no_fault(case):
    found, out, alone = case
    (out / "report.csv").write_text("date,status\n2020-01-01,kept\n")
    with closing(sqlite3.connect(out / "table.gpkg")) as base:
        base.execute("UPDATE gpkg_contents SET last_change = 'later'")
        base.commit()
    (out / ".map.1-2.part.tif").write_bytes(b"half")
    found._check_killed("downscale", out, alone, over=True)
    (out / ".map.1-2.part.tif").unlink()
    found._check_again("downscale", out, alone)
    (out / "map.tif").unlink()
    found._check_killed("downscale", out, alone, over=False)
    assert not found.counts


@pytest.mark.parametrize("name", ["map.tif", "report.csv", "table.gpkg"])
def test_cut_and_lost_files_are_faults(case, name):
    found, out, alone = case
    (out / name).write_bytes((out / name).read_bytes()[:20])
    found._check_killed("downscale", out, alone, over=False)
    assert found.counts == {"partial files": 1}
    found._check_again("downscale", out, alone)
    assert found.counts == {"partial files": 1, "silently other results": 1}
    (out / name).unlink()
    found._check_killed("downscale", out, alone, over=True)
    (out / ".left.part").write_bytes(b"")
    found._check_again("downscale", out, alone)
    assert found.counts == {"partial files": 3, "silently other results": 2}
