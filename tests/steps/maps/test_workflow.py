"""The workflow drawn with what was used (the paper's Fig. 3): forests of all dates, long lists, one side."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np

from forest_cases import train_forest
from raster_cases import grid_raster
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import POOLED, PooledKey
from smap_downscaler.report.flow import FlowBox, flow_png
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.maps.made import MapsReport
from smap_downscaler.steps.maps.workflow import workflow_png

FINE = Grid("EPSG:4326", -73.0, -13.0, 0.001, 0.001, 12, 10)
NAMES = tuple(f"covariate_{letter}" for letter in "abcdefghijklmnop")
SETTINGS = ForestSettings(4, 2, None, 4, 1, None, 3)
DATE = dt.date(2021, 1, 2)


def shown(picture):
    from matplotlib.image import imread

    return imread(io.BytesIO(picture))[:, :, :3]


def test_one_forest_of_all_dates_and_many_covariates(tmp_path):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(80, len(NAMES))).astype(np.float32), rng.uniform(0.1, 0.4, 80)
    path = tmp_path / "all.smapforest"
    extra = {"table": "/somewhere/matrix.gpkg"}
    with ModelWriter(path, NAMES, {}, "soil_moisture", "m3 m-3", SETTINGS, "0", extra, mode=POOLED) as writer:
        writer.add(PooledKey(), train_forest(x, y, SETTINGS, 1))
    values = rng.normal(size=(len(NAMES), *FINE.shape)).astype(np.float32)
    stack = open_stack(grid_raster(tmp_path / "fine.tif", FINE, values, names=NAMES))
    with open_models(path) as forests:
        picture = workflow_png(MapInputs(forests, stack), MapsReport({DATE: tmp_path / "m.tif"}))
    texts = [" ".join(words.split()) for words in picture.texts]
    assert "matrix.gpkg 80 rows 16 covariates, averaged over SMAP's cells" in texts
    assert "the forest applied to the pixels of each date" in texts
    assert f"1 date {DATE} pixels of 0.001°" in texts
    (covariates,) = [words for words in texts if words.startswith("16 bands of fine.tif ")]
    assert covariates == f"16 bands of fine.tif {', '.join(NAMES)} pixels of 0.001°"
    # A box is as wide as it is said to be: no text runs over the edge of the page.
    image = shown(picture)
    assert np.all(image[:, :5] > 0.99)
    assert np.all(image[:, -5:] > 0.99)


def test_boxes_do_not_lie_on_each_other():
    """A side with more lines than all steps together makes the figure higher."""
    steps = [FlowBox(f"step {number}", ["one line"], is_step=True) for number in range(3)]
    few = flow_png(steps, [FlowBox("left", ["a"])], 0, 2)
    many = flow_png(steps, [FlowBox("left", ["word"] * 40), FlowBox("right", ["a"])], 0, 2)
    assert shown(many).shape[0] > 2 * shown(few).shape[0]
    assert shown(many).shape[1] == shown(few).shape[1]
