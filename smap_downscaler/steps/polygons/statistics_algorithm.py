"""moisturestatistics: mean, SD and C.V. of soil moisture and covariates in polygons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsVectorLayer,
)

from ...base.dates import parse_dates
from ...base.errors import InputError
from ...base.progress import Progress
from ...base.words import counted, text
from ...geo.area import Area, Cells
from ...geo.placing import Shapes, place
from ...geo.polygon_runs import AREA, CENTRE, Placed
from ...series.series import Series, open_several
from ...series.stack import Stack, open_stack
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter, area_used, check_area, polygons_of, read_area
from ...toolbox.feedback import WarningKeeper
from ...toolbox.looks import by_soil_moisture
from ...toolbox.parameters import choice, period_parameters, whole_number
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import (
    files_used,
    footer,
    layer_used,
    manifest,
    period_used,
    report_parameter,
    series_used,
    table_output,
    titled,
    write_report,
)
from ...toolbox.series_parameter import SeriesParameter
from ...toolbox.values import Values
from ...toolbox.vectors import INTEGER, REAL, Column, add_columns, read_features
from .numbers.layers import LayerStatistics
from .numbers.statistics import STATISTICS, Statistics, over_dates
from .preflight import check_polygons
from .report import polygon_page
from .statistics import (
    chosen,
    layers_of_series,
    layers_of_stack,
    polygon_statistics,
    write_long_table,
    write_spreads,
)

#: What the statistics are called in the names of fields, and soil moisture.
_PREFIXES = {"mean": "mu", "sd": "sd", "cv": "cv"}
_MOISTURE = "sm"


class MoistureStatistics(SmapAlgorithm):
    """The spatial analysis (paper 2.3.5)."""

    ID = "moisturestatistics"
    GROUP = "analysis"
    FIRST = ("INPUT", "SERIES", "COVARIATES", "START", "END", "OUTPUT")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Polygons", types=[QgsProcessing.SourceType.TypeVectorPolygon]
        )
        yield area_parameter()
        yield SeriesParameter("SERIES", "Soil moisture maps (series)", optional=True, several=True)
        yield QgsProcessingParameterRasterLayer("COVARIATES", "Stack of covariates", optional=True)
        yield from period_parameters()
        yield QgsProcessingParameterString("DATES", "Single dates, separated by commas", optional=True)
        yield choice(
            "WEIGHTS",
            "How pixels of a polygon count",
            (CENTRE, AREA),
        )
        yield whole_number("DDOF", "SD: divide by n - 1 (1) or by n (0)", 1, 0)
        yield whole_number("DATE_FIELDS", "Most dates with fields of their own", 12, 0)
        yield QgsProcessingParameterString("REPORT_DATES", "Two dates of the report's violins", optional=True)
        yield QgsProcessingParameterFeatureSink(
            "OUTPUT", "Polygons with statistics", type=QgsProcessing.SourceType.TypeVectorPolygon
        )
        yield table_output("TABLE", "Statistics, one row per polygon and date")
        yield table_output("SUMMARY", "Spread over the polygons")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Polygons with a value")
        yield QgsProcessingOutputNumber("DATE_COUNT", "Dates")

    def dress(self, layer: QgsVectorLayer) -> None:
        by_soil_moisture(layer, f"{_PREFIXES['mean']}_{_MOISTURE}")

    def validate(self, values: Values) -> None:
        if not (values.given("SERIES") or values.given("COVARIATES")):
            raise InputError("SERIES and COVARIATES are both empty; give one of them.")
        values.period()
        check_area(values)
        parse_dates(values.text("DATES"), "DATES")
        if values.integer("DDOF") not in (0, 1):
            raise InputError(f"DDOF is {values.integer('DDOF')}; give 1 (n - 1) or 0 (n).")
        if len(_report_dates(values)) > 2:
            raise InputError("REPORT_DATES holds more than two dates; give two, or none.")

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        series, stack = _series(values, listener), _stack(values)
        source, features = read_features(values, "INPUT", listener)
        reading = listener.part(0.0, 0.1)
        shapes = polygons_of(source, features, "INPUT", "without statistics", reading)
        given = {"SERIES": series, "COVARIATES": stack}
        rasters = {name: raster for name, raster in given.items() if raster is not None}
        rule = values.choice("WEIGHTS")
        on = {name: place(shapes, raster.grid, rule, listener) for name, raster in rasters.items()}
        _check_met(on, shapes)
        area = read_area(values, listener)
        inside = _pixels_of(area, rasters, on, listener)
        before = check_polygons(shapes, {name: (rasters[name], on[name]) for name in rasters}, progress)
        before.log(listener)
        parts = {"SERIES": listener.part(0.1, 0.7), "COVARIATES": listener.part(0.7, 0.9)}
        found = {
            name: _statistics(values, name, shapes, raster, on[name], inside.get(name), parts[name])
            for name, raster in rasters.items()
        }
        run = _Run(series, stack, source.sourceName(), shapes, [feature.id() for feature in features], found)
        columns = polygon_columns(
            run.ids, found.get("SERIES"), found.get("COVARIATES"), values.integer("DATE_FIELDS"), listener
        )
        outputs: dict[str, Any] = {
            "OUTPUT": add_columns(values, "OUTPUT", source, features, columns, listener)
        }
        outputs |= _write_tables(values, run, listener.part(0.9, 1.0))
        outputs |= write_preflight_table(values, before)
        if values.given("REPORT"):
            listener.set_text("Drawing the report")
            page = polygon_page(
                found.get("SERIES"),
                found.get("COVARIATES"),
                _report_dates(values),
                listener.warnings,
                replace(before, warnings=()),
                _manifest(values, run, area, listener),
                footer("Moisture statistics"),
            )
            grid = next(iter(rasters.values())).grid
            outputs.update(write_report(values.output_file("REPORT"), titled(page, run.dates, grid, area)))
        known = np.any([(part.statistics.n > 0).any(axis=0) for part in found.values()], axis=0)
        outputs |= {"COUNT": int(known.sum()), "DATE_COUNT": len(run.dates)}
        progress.log(
            f"{outputs['COUNT']:,} of {counted(shapes.count, 'polygon has', 'polygons have')} a value"
        )
        return outputs


@dataclass(frozen=True)
class _Run:
    """What went in, and what was found, by parameter."""

    series: Series | None
    stack: Stack | None
    polygons: str
    shapes: Shapes
    ids: Sequence[int]
    found: Mapping[str, LayerStatistics]

    @property
    def dates(self) -> Sequence[dt.date]:
        return self.series.dates if self.series else ()


def _write_tables(values: Values, run: _Run, progress: Progress) -> dict[str, str]:
    outputs = {name: values.output(name) for name in ("TABLE", "SUMMARY") if values.given(name)}
    if "TABLE" in outputs:
        write_long_table(outputs["TABLE"], run.ids, list(run.found.values()), progress)
    if "SUMMARY" in outputs:
        write_spreads(outputs["SUMMARY"], [row for part in run.found.values() for row in part.spreads()])
    return outputs


def _check_met(on: Mapping[str, Placed], shapes: Shapes) -> None:
    """Refuse polygons none of which lies on a raster: most often, one of the two has a wrong CRS."""
    with_area = shapes.count - len(shapes.empty)
    for name, placed in on.items():
        if 0 < placed.outside == with_area:
            raise InputError(
                f"{name}: no polygon of INPUT lies on it (of {with_area:,}); check the CRS of "
                "both, or give a raster of their place."
            )


def _pixels_of(
    area: Area | None,
    rasters: Mapping[str, Series | Stack],
    on: Mapping[str, Placed],
    progress: Progress,
) -> dict[str, Cells]:
    """The pixels of each raster whose centre lies in the study area; refuses one beside all polygons."""
    inside: dict[str, Cells] = {}
    if area is None:
        return inside
    for name, raster in rasters.items():
        found = inside[name] = area.inside(raster.grid, f"the pixels of {name}", progress=progress)
        area.log_kept(found, f"{name} pixel", progress, "do not count")
        if not found.meets(Cells(raster.grid, on[name].runs)):
            raise InputError(
                f"{area.label}: no polygon of INPUT has a pixel of {name} in it; choose polygons of the "
                "study area."
            )
    return inside


def _series(values: Values, progress: Progress) -> Series | None:
    if not values.given("SERIES"):
        return None
    several = open_several(values.paths("SERIES"), progress=progress)
    if len(several) != 1:
        raise InputError(f"SERIES holds {len(several)} series; give one.")
    series = chosen(several[0].between(*values.period()), parse_dates(values.text("DATES"), "DATES"), "DATES")
    chosen(series, _report_dates(values), "REPORT_DATES")
    return series


def _stack(values: Values) -> Stack | None:
    path = values.raster_path("COVARIATES")
    return open_stack(path) if path else None


def _report_dates(values: Values) -> tuple[dt.date, ...]:
    return parse_dates(values.text("REPORT_DATES"), "REPORT_DATES")


def _statistics(
    values: Values,
    name: str,
    shapes: Shapes,
    raster: Series | Stack,
    placed: Placed,
    inside: Cells | None,
    progress: Progress,
) -> LayerStatistics:
    layers = layers_of_series(raster) if isinstance(raster, Series) else layers_of_stack(raster)
    rule, ddof = values.choice("WEIGHTS"), values.integer("DDOF")
    found = polygon_statistics(shapes, raster.grid, layers, rule, ddof, progress, placed, inside)
    if found.without_values:
        empty = shapes.of_all(found.without_values)
        progress.warn(text("{}: {} without a valid pixel in any layer", name, empty))
    if placed.overlapping:
        progress.log(
            f"{name}: at least {shapes.of_all(placed.overlapping)} over others; a pixel counts in each"
        )
    return found


def _manifest(
    values: Values, run: _Run, area: Area | None, progress: Progress
) -> dict[str, Mapping[str, object]]:
    return manifest(
        {
            "layer": run.polygons,
            **layer_used(values, "polygons", "INPUT", progress),
            **area_used(area),
            **series_used({"series": run.series}, progress),
            **files_used({"covariates": run.stack.path if run.stack else ""}, progress),
        },
        {
            **period_used(values, "the series'"),
            "single dates": values.text("DATES"),
            "pixels by": values.choice("WEIGHTS"),
            "ddof of the SD": values.integer("DDOF"),
        },
    )


def polygon_columns(
    ids: Sequence[int],
    moisture: LayerStatistics | None,
    covariates: LayerStatistics | None,
    most_dates: int,
    progress: Progress,
) -> list[Column]:
    """The number of each polygon, its covariates, its soil moisture over all dates and on each of a few.

    Parameters
    ----------
    ids : sequence of int
    moisture, covariates : LayerStatistics or None
    most_dates : int
        With more dates none gets fields of its own.
    """
    columns = [Column("polygon", INTEGER, ids)]
    if covariates is not None:
        for index, layer in enumerate(covariates.layers):
            columns += _of_layer(covariates.statistics, index, layer.variable)
    if moisture is None:
        return columns
    overall = over_dates(moisture.statistics)
    columns.append(Column(f"dates_{_MOISTURE}", INTEGER, overall.dates.tolist()))
    for name in STATISTICS:
        columns.append(Column(f"{_PREFIXES[name]}_{_MOISTURE}", REAL, getattr(overall, name).tolist()))
    if len(moisture.layers) > most_dates:
        progress.log(
            f"{len(moisture.layers):,} dates are more than DATE_FIELDS ({most_dates}): OUTPUT holds their "
            "mean only, TABLE each of them"
        )
        return columns
    for index, layer in enumerate(moisture.layers):
        columns += _of_layer(moisture.statistics, index, f"{_MOISTURE}_{layer.date:%Y%m%d}")
    return columns


def _of_layer(statistics: Statistics, index: int, name: str) -> list[Column]:
    return [
        Column(f"{_PREFIXES[key]}_{name}", REAL, getattr(statistics, key)[index].tolist())
        for key in STATISTICS
    ]
