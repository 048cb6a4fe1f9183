"""quantilecorrelation: how two series go together by quantile and time scale (MQCC)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterString,
)

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.seasons_of_year import ALL, DRY, WET
from ...base.threads import thread_count
from ...base.words import counted, text
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.layer_tables import layer_table
from ...toolbox.parameters import (
    decimal,
    period_parameters,
    season_parameters,
    table_destination,
    whole_number,
)
from ...toolbox.reports import (
    footer,
    input_file,
    log_seasons,
    manifest,
    period_used,
    report_parameter,
    seasons_used,
    write_report,
)
from ...toolbox.values import Values
from .numbers.run import Cell, correlate
from .numbers.settings import QuantileSettings, parse_quantiles, parse_scales
from .paired_series import RowFilter, SeriesFields, StationTable, parse_stations, read_stations
from .report import About, quantile_page

_FIELDS = {
    "station": TEXT,
    "season": TEXT,
    "scale": INTEGER,
    "tau": REAL,
    "n": INTEGER,
    "rho": REAL,
    "lower": REAL,
    "upper": REAL,
    "b_yx": REAL,
    "b_xy": REAL,
    "flags": TEXT,
    "days": INTEGER,
    "least_days": INTEGER,
    "first": DATE,
    "last": DATE,
    "drawn_together": INTEGER,
    "status": TEXT,
}


class QuantileCorrelation(SmapAlgorithm):
    """Multiscale quantile correlation coefficients (paper 2.3.7)."""

    ID = "quantilecorrelation"
    GROUP = "analysis"
    FIRST = ("INPUT", "X_FIELD", "Y_FIELD", "DATE_FIELD", "STATION_FIELD", "SCALES", "OUTPUT")
    NEEDS = ("scipy",)

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource("INPUT", "Table", types=[Qgis.ProcessingSourceType.Vector])
        yield _field("X_FIELD", "Field of the first series (X)")
        yield _field("Y_FIELD", "Field of the second series (Y)")
        yield _field("DATE_FIELD", "Field of the date", "date")
        yield _field("STATION_FIELD", "Field of the station", optional=True)
        yield QgsProcessingParameterString(
            "STATIONS", "Stations, separated by commas (empty: all)", optional=True
        )
        yield QgsProcessingParameterString("SCALES", "Time scales (days)", "1-20")
        yield QgsProcessingParameterString("QUANTILES", "Quantiles (0 to 1)", "0.1-0.9")
        # No least values here: out of range, `validate` says more than QGIS does.
        yield decimal("MINIMUM_SHARE", "Least share of days with both (0 to 1)", 0.3)
        yield from period_parameters()
        yield from season_parameters()
        yield whole_number("BOOTSTRAP", "Resamples for intervals (0: none)", 0, 0)
        yield decimal("CONFIDENCE", "Confidence of the intervals (%)", 95.0)
        yield whole_number("SEED", "Seed of the resamples", 1, 0)
        yield whole_number("THREADS", "Threads (0: all cores)", 1, 0)
        yield table_destination("OUTPUT", "Quantile correlations")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Coefficients")
        yield QgsProcessingOutputNumber("STATION_COUNT", "Stations")
        yield QgsProcessingOutputNumber("UNRELIABLE", "Unreliable coefficients")

    def validate(self, values: Values) -> None:
        _settings(values)
        _seasons(values)
        _fields(values).check()
        _row_filter(values)
        thread_count(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        settings, fields, seasons = _settings(values), _fields(values), _seasons(values)
        output = values.output("OUTPUT")
        used = [name for _parameter, name in fields.used]
        path, layer, label = layer_table(values, "INPUT", progress, used)
        table = read_stations(path, layer, label, fields, _row_filter(values), progress)
        notes = _notes(table)
        for note in notes:
            progress.warn(note)
        progress.log(f"{table.rows:,} rows were read; {table.incomplete:,} of those asked for lack a value.")
        log_seasons(values, progress)
        threads = thread_count(values.integer("THREADS"))
        cells = correlate(table.stations, seasons, settings, threads, progress.part(0.0, 0.95))
        _check(cells, label)
        write_cells(output, cells, progress)
        computed = [cell for cell in cells if cell.computed]
        outputs = {
            "OUTPUT": output,
            "COUNT": len(computed),
            "STATION_COUNT": len(table.stations),
            "UNRELIABLE": sum(cell.unreliable for cell in computed),
        }
        if values.given("REPORT"):
            sections = _manifest(values, fields, settings, input_file(label, path, progress))
            about = About(fields.x, fields.y, settings)
            drawing = progress.part(0.95, 1.0)
            last = footer("Quantile correlation of two series")
            page = quantile_page(cells, about, notes, sections, last, drawing)
            outputs.update(write_report(values.output_file("REPORT"), page))
        _log_results(cells, outputs, progress)
        return outputs


def _field(
    name: str, description: str, default: str | None = None, optional: bool = False
) -> QgsProcessingParameterField:
    # Of any type: numbers of a CSV file may be text, dates may be text or whole numbers.
    return QgsProcessingParameterField(
        name, description, defaultValue=default, parentLayerParameterName="INPUT", optional=optional
    )


def _settings(values: Values) -> QuantileSettings:
    return QuantileSettings(
        scales=parse_scales(values.text("SCALES")),
        quantiles=parse_quantiles(values.text("QUANTILES")),
        minimum_share=values.number("MINIMUM_SHARE"),
        bootstrap=values.integer("BOOTSTRAP"),
        confidence=values.number("CONFIDENCE"),
        seed=values.integer("SEED"),
    )


def _seasons(values: Values) -> dict[str, frozenset[int] | None]:
    """The whole year, and the seasons that have months."""
    wet, dry = values.seasons()
    return {ALL: None, **{name: months for name, months in ((WET, wet), (DRY, dry)) if months}}


def _fields(values: Values) -> SeriesFields:
    return SeriesFields(
        *(values.text(name) for name in ("X_FIELD", "Y_FIELD", "DATE_FIELD", "STATION_FIELD"))
    )


def _row_filter(values: Values) -> RowFilter:
    stations = parse_stations(values.text("STATIONS"))
    if stations and not values.given("STATION_FIELD"):
        raise InputError(
            "STATIONS names stations, but STATION_FIELD is empty; choose the field of the station."
        )
    return RowFilter(stations, *values.period())


def _notes(table: StationTable) -> list[str]:
    if not table.without_key:
        return []
    left_out = text(
        "{:,} of {:,} rows lack a date or a station and were left out.", table.without_key, table.rows
    )
    return [left_out]


def _check(cells: list[Cell], label: str) -> None:
    """Refuse to end with an empty result."""
    if not any(cell.computed for cell in cells):
        cell = cells[0]
        station = f"station {cell.station}, " if cell.station else ""
        raise InputError(
            f"{label}: no coefficient can be computed ({station}time scale {cell.scale} d: {cell.status}); "
            "check the fields, the dates and MINIMUM_SHARE."
        )


def _manifest(
    values: Values, fields: SeriesFields, settings: QuantileSettings, source: Mapping[str, object]
) -> dict[str, Mapping[str, object]]:
    return manifest(
        {
            **source,
            "field of X": fields.x,
            "field of Y": fields.y,
            "field of the date": fields.date,
            "field of the station": fields.station,
            "stations": values.text("STATIONS") or "all",
            **period_used(values, "the table's"),
        },
        {
            "time scales, days": values.text("SCALES"),
            "quantiles": values.text("QUANTILES"),
            "minimum share of a block's days": text("{:g}", settings.minimum_share),
            **seasons_used(values),
            "resamples": settings.bootstrap,
            "confidence, %": text("{:g}", settings.confidence) if settings.bootstrap else "",
            "seed": settings.seed if settings.bootstrap else "",
        },
    )


def _log_results(cells: list[Cell], outputs: dict[str, Any], progress: Progress) -> None:
    over = sum(cell.over_one for cell in cells)
    progress.log(
        f"{counted(outputs['COUNT'], 'coefficient')} of {counted(outputs['STATION_COUNT'], 'station')}, "
        f"{outputs['UNRELIABLE']:,} of them unreliable, {over:,} over 1; "
        f"{len(cells) - outputs['COUNT']:,} could not be computed. They do not show whether the series "
        "agree: bias and amplitude do not enter."
    )


def write_cells(path: str | Path, cells: Sequence[Cell], progress: Progress = SILENT) -> None:
    """Write the table.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "quantile_correlation", _FIELDS, progress=progress) as table:
        table.write([_stored(getattr(cell, name)) for name in _FIELDS] for cell in cells)


def _stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
