"""The chain on the real files in ../shared/data; skipped where they are not on the machine."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from real_cases import (
    BUNGO_DAYS,
    bungo_layers,
    conus_cells,
    conus_tables,
    write_bungo_series,
    write_conus_matrix,
)
from same_pixels import onto
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import ease2_grid
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.stats.scores import rmse


def test_sumatra_from_real_layers_to_maps(run, shared_data, tmp_path):
    """Real elevation, soil and rain; SMAP from a known formula on them; maps better than interpolation."""
    cells = write_bungo_series(shared_data, tmp_path)
    row, col = cells.offset_in(ease2_grid("9 km"))
    assert abs(row - round(row)) < 1e-6
    assert abs(col - round(col)) < 1e-6
    layers = bungo_layers(shared_data)
    smap = run("importsmap", {"INPUT": str(tmp_path / "smap"), "OUTPUT": str(tmp_path / "imported")})[
        "OUTPUT"
    ]
    stacks = run(
        "harmonisecovariates",
        {
            "INPUT": [str(path) for path in layers.values()],
            "NAMES": ",".join(layers),
            "SMAP": smap,
            "RESOLUTION": 100,
            "OUTPUT_COARSE": str(tmp_path / "coarse.tif"),
            "OUTPUT_FINE": str(tmp_path / "fine.tif"),
        },
    )
    matrix = run(
        "regressionmatrix",
        {"SMAP": smap, "COVARIATES": stacks["OUTPUT_COARSE"], "OUTPUT": str(tmp_path / "m.gpkg")},
    )["OUTPUT"]
    forests = run(
        "trainforests",
        {
            "INPUT": matrix,
            "PRESET": "custom",
            "N_ESTIMATORS": 30,
            "MAX_FEATURES": 5,
            "OUTPUT": str(tmp_path / "f.smapforest"),
        },
    )["OUTPUT"]
    maps = run(
        "downscale",
        {"FORESTS": forests, "COVARIATES": stacks["OUTPUT_FINE"], "OUTPUT": str(tmp_path / "maps")},
    )["OUTPUT"]
    for date in BUNGO_DAYS:
        truth_set = open_dataset(tmp_path / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")
        map_set = open_dataset(f"{maps}/soil_moisture_{date:%Y%m%d}.tif")
        grid = dataset_grid(truth_set, "truth")
        map_grid = dataset_grid(map_set, "map")
        # The maps lie on the pixels of the layers.
        shift = grid.offset_in(map_grid)
        assert shift == pytest.approx([round(number) for number in shift], abs=1e-6)
        truth, mapped = read_band(truth_set, 1), onto(map_set, grid)
        series = open_series(smap)
        plain = bilinear(series.read(date), *Lattice(grid, series.grid).positions())
        common = np.isfinite(truth) & np.isfinite(mapped) & np.isfinite(plain)
        assert common.sum() > 300_000
        assert rmse(truth[common], mapped[common]) < rmse(truth[common], plain[common])


def test_conus_cells_are_those_of_the_grid(shared_data):
    """Every fourth cell of the 36 km grid, none twice."""
    rows, cols = conus_cells(shared_data)
    assert len(set(zip(rows, cols))) == 412
    assert set(np.diff(np.unique(rows))) == set(np.diff(np.unique(cols))) == {4}


def test_a_year_of_real_smap_by_date(run, shared_data, tmp_path):
    """Each date's out-of-bag R2 on real SMAP, rain and soil; a part of the year, `make demo-real` has all."""
    rows = write_conus_matrix(shared_data, tmp_path / "matrix.gpkg")
    days, smap, _rain, _constants = conus_tables(shared_data)
    assert rows == np.isfinite(smap).sum()
    outputs = run(
        "trainforests",
        {
            "INPUT": str(tmp_path / "matrix.gpkg"),
            "START": "2015-06-01",
            "END": "2015-06-12",
            "OUTPUT": str(tmp_path / "forests.smapforest"),
        },
    )
    with open_models(outputs["OUTPUT"]) as forests:
        for date in forests.dates:
            day = days.index(date)
            assert forests.scores(date).n <= np.isfinite(smap[:, day]).sum()
            assert forests.scores(date).n >= 50
        scores = [forests.scores(date).r2 for date in forests.dates]
    assert dt.date(2015, 6, 1) <= forests.dates[0]
    assert outputs["OOB_R2"] == np.median(scores)
    # Real data: soil and rain tell about half of the variance in June.
    assert 0.35 < np.median(scores) < 0.75
