"""What maps were made from, step by step, as the model file and the layers say it (the paper's Fig. 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...base.dates import period_text
from ...base.words import Text, counted, joined, text
from ...geo.datasets import open_dataset
from ...geo.grid import Grid
from ...geo.lattice import is_geographic
from ...geo.texts import tag_of
from ...methods.base import settings_text
from ...methods.file.reader import ModelFile
from ...methods.forest.method import RANDOM_FOREST
from ...methods.keys import BY_DATE
from ...methods.skill import summarise_scores
from ...report.flow import FlowBox, flow_png
from ...report.number_text import fixed
from .inputs import MapInputs
from .made import MapsReport


def workflow_png(inputs: MapInputs, made: MapsReport) -> bytes:
    """The diagram as a PNG: SMAP, matrix, models, maps, and the covariates that go into matrix and maps."""
    forests = inputs.forests
    # Models that look below the cells are fitted without a matrix.
    matrix = [FlowBox("Regression matrix", [*_matrix(forests)], is_step=True)]
    steps = [
        FlowBox("SMAP soil moisture", [*_observed(forests)]),
        *([] if "smap" in forests.extra else matrix),
        FlowBox(f"{forests.method.noun.capitalize()}s, {forests.mode}", [*_models(forests)], is_step=True),
        FlowBox("Downscale", [*_work(inputs, made)], is_step=True),
        FlowBox("Maps of soil moisture", [*_maps(inputs, made)]),
    ]
    sides = [FlowBox("Covariates", [*_stack(inputs)])]
    if inputs.dynamic:
        sides.append(FlowBox("Dated covariates", [*_dated(inputs)]))
    return flow_png(steps, sides, 1, len(steps) - 2)


def _observed(forests: ModelFile) -> Iterator[str]:
    if forests.mode == BY_DATE:
        yield text("{} with a {}", counted(len(forests.dates), "date"), forests.method.noun)
        yield period_text(forests.dates)
    yield f"{forests.response}, {forests.response_unit}"


def _matrix(forests: ModelFile) -> Iterator[str]:
    table = forests.extra.get("table")
    if table:
        yield Path(str(table)).name
    rows = [found.n for key in forests.keys if (found := forests.scores(key)) is not None]
    if rows:
        low, high = min(rows), max(rows)
        each = "" if forests.mode != BY_DATE else " a date"
        count = text("{:,}", low) if low == high else text("{:,} to {:,}", low, high)
        yield text("{} rows{}", count, each)
    yield text("{}, averaged over SMAP's cells", counted(len(forests.names), "covariate"))


def _models(forests: ModelFile) -> Iterator[str]:
    tuned = any(forests.settings_of(key) != forests.settings for key in forests.keys)
    if tuned:
        yield "settings chosen for each by tuning"
    else:
        yield settings_text(forests.settings.as_dict())
    found = summarise_scores(score for key in forests.keys if (score := forests.scores(key)) is not None)
    if found["rmse"].n:
        yield text(
            "{} RMSE {}, R² {}{}",
            "out-of-bag" if forests.method is RANDOM_FOREST else "held-out",
            fixed(found["rmse"].median, ".4f"),
            fixed(found["r2"].median, ".3f"),
            " (medians)" if found["rmse"].n > 1 else "",
        )
    yield forests.path.name


def _stack(inputs: MapInputs) -> Iterator[str]:
    stack, used = inputs.stack, [name for name in inputs.stack.names if name in inputs.forests.covariates]
    yield text("{} of {}", counted(len(used), "band"), Path(stack.source).name)
    yield ", ".join(used)
    yield text("pixels of {}", _side(stack.grid))
    dataset = open_dataset(stack.path)
    bands = (dataset.GetRasterBand(stack.names.index(name) + 1) for name in used)
    ways = Counter(way for band in bands if (way := tag_of(band, "resampling")))
    if ways:
        yield joined(", ", (text("{} {}", way, number) for way, number in ways.most_common()))


def _dated(inputs: MapInputs) -> Iterator[str]:
    for dated in inputs.dynamic:
        dates = counted(len(dated.series.dates), "date")
        yield text("{}: {}{}", dated.name, dates, ", rain" if dated.is_rain else "")
        yield period_text(dated.series.dates)
        yield text("pixels of {}", _side(dated.series.grid))


def _work(inputs: MapInputs, made: MapsReport) -> Iterator[str]:
    words = "each {} applied to the pixels of its date"
    if inputs.forests.mode != BY_DATE:
        words = "the {} applied to the pixels of each date"
    yield text(words, inputs.forests.method.noun)
    if inputs.finish.steps:
        yield f"with {inputs.finish.words}"
    if made.skipped:
        yield text("{} without a map", counted(len(made.skipped), "date"))


def _maps(inputs: MapInputs, made: MapsReport) -> Iterator[str]:
    yield counted(len(made.files), "date")
    if made.files:
        yield period_text(sorted(made.files))
    yield text("pixels of {}", _side(inputs.stack.grid))


def _side(grid: Grid) -> Text:
    return text("{:.4g}{}", grid.cell_width, "°" if is_geographic(grid.crs) else " m")
