"""Each benchmark of `make bench` at a small size: that it runs, not how long it takes."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

import bench
import bench_forest

pytest.importorskip("resource", reason="peaks of memory are measured in this way on POSIX alone")


@pytest.mark.parametrize("name", bench.benchmarks())
def test_each_benchmark_has_a_small_size_that_runs(name):
    command = [sys.executable, bench.__file__, "--size", "small", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 1
    ratios = dict(re.findall(r"^ratio (\w+) ([\d.]+)$", done.stdout, re.MULTILINE))
    if name == "forest":
        others = ["predict"] + ["rasterio_sklearn"] * (find_spec("rasterio") is not None)
        others += ["ranger_terra"] * bench_forest.has_r()
        ways = ["downscale"] + ["downscale_numba"] * (find_spec("numba") is not None)
        names = ["train_to_sklearn", *(f"{way}_to_{other}" for way in ways for other in others)]
        grown = [f"growth_{what}" for what in ("pixels", "trees", "covariates", "dates")]
        both = [f"{name}{end}" for name in names for end in ("", "_processor")]
        assert list(ratios) == [*both, "memory_of_dates", *grown]
    if name in ("crossvalidate", "gaps"):
        assert list(ratios) == [f"{name}_to_sklearn", f"{name}_to_sklearn_processor"]
    if name == "terrain" and which("saga_cmd"):
        assert list(ratios) == ["terrain_to_saga", "terrain_to_saga_processor"]
    if name == "areamodel":
        names = "areamodel_to_predict", "areamodel_to_forest_with_training"
        both = [f"{name}{end}" for name in names for end in ("", "_processor")]
        assert list(ratios) == [*both, "intervals_to_mean", "intervals_of_dates_to_mean"]


def test_one_that_fails_stops_no_other_and_is_named(monkeypatch, tmp_path, capfd):
    files = {"good": "print('fine')", "bad": "raise SystemExit(3)", "last": "print('last')"}
    for name, line in files.items():
        (tmp_path / f"{name}.py").write_text(line)
    monkeypatch.setattr(bench, "benchmarks", lambda: {name: tmp_path / f"{name}.py" for name in files})
    assert bench.main([]) == 1
    out, error = capfd.readouterr()
    assert out.splitlines() == ["== good", "fine", "== bad", "== last", "last"]
    assert error == "ended with an error: bad\n"
    assert bench.main(["last", "good"]) == 0


def test_an_unknown_one_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["nothing"])
    said = capsys.readouterr().err
    assert "there is no benchmark nothing; choose from archive, areamodel, cancel, " in said


def test_all_are_known_by_their_files():
    folder = Path(bench.__file__).parent
    assert set(bench.SMALL) == {path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py")}
