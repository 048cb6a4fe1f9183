"""fieldvalidation: maps against field stations, with SMAP itself beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qgis.core import QgsProcessingOutputNumber, QgsProcessingParameterString

from ...base.errors import check_least
from ...base.progress import Progress
from ...base.words import counted
from ...report.number_text import score_text
from ...series.series import Series, open_series
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.parameters import (
    choice,
    period_parameters,
    season_parameters,
    series_folder,
    table_destination,
    whole_number,
)
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import (
    footer,
    log_seasons,
    manifest,
    period_used,
    report_parameter,
    seasons_used,
    series_used,
    table_output,
    titled,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from .numbers.climatology import ANOMALIES
from .numbers.groups import CLASSED_BY, DEFAULT_BREAKS, Group, GroupChoices, parse_breaks, validate_groups
from .numbers.readings import FieldData
from .numbers.validation import MAP, SMAP, MetricRow, ValidationChoices, validate
from .pairs import EXTRACTIONS, PairedField, pair_up
from .preflight import check_stations
from .report import field_page, overall_rows, verdict
from .tables import write_groups, write_metrics, write_pairs
from .toolbox.parameters import (
    interval_draws,
    interval_parameters,
    pair_choices,
    reading_settings,
    station_choices,
    station_parameters,
    stations_read,
    stations_used,
)

_NUMBERS = {"RMSE": "rmse", "UBRMSE": "ubrmse", "R": "pearson", "BIAS": "bias", "MAE": "mae"}
_SMAP_NUMBERS = {"SMAP_RMSE": "rmse", "SMAP_UBRMSE": "ubrmse", "SMAP_R": "pearson"}


class FieldValidation(SmapAlgorithm):
    """Field validation (paper 2.2.4, 2.3.7, Figs. 8 and 9)."""

    ID = "fieldvalidation"
    GROUP = "analysis"
    FIRST = ("SERIES", "STATIONS", "UNIT", "SMAP", "START", "END", "OUTPUT")
    NEEDS = ("scipy",)

    def define(self) -> Iterable[Any]:
        yield series_folder("SERIES", "Soil moisture maps (series)")
        yield from station_parameters()
        yield series_folder("SMAP", "SMAP series to compare with", optional=True)
        yield choice("EXTRACTION", "Value of the map at a station", EXTRACTIONS)
        yield choice("ANOMALIES", "Anomalies", ANOMALIES)
        yield from period_parameters()
        yield from season_parameters()
        # No least values here: out of range, `validate` says more than QGIS does.
        yield whole_number("MINIMUM_DAYS", "Minimum days per station and season", 3, 0)
        yield QgsProcessingParameterString(
            "CLASSES", "Breaks of soil moisture's classes (m3 m-3)", DEFAULT_BREAKS, optional=True
        )
        yield choice("CLASSED_BY", "What says which class a pair is in", CLASSED_BY)
        yield from interval_parameters()
        yield table_destination("OUTPUT", "Field and map by station and day")
        yield table_output("METRICS", "Metrics by station, season and source")
        yield table_output("GROUPS", "Metrics by class, month and season")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Pairs of field and map")
        yield QgsProcessingOutputNumber("STATIONS_USED", "Stations compared")
        for name in _NUMBERS:
            yield QgsProcessingOutputNumber(name, f"{name} of the map")
        for name in _SMAP_NUMBERS:
            yield QgsProcessingOutputNumber(name, f"{name.removeprefix('SMAP_')} of the SMAP cell")

    def validate(self, values: Values) -> None:
        values.period()
        station_choices(values)
        _choices(values)
        _group_choices(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        choices = _choices(values)
        log_seasons(values, progress)
        data = stations_read(values, progress.part(0.0, 0.25))
        series, smap = _series(values, progress)
        pairing = pair_choices(values)
        named = [("maps", series), *([("SMAP", smap)] if smap else [])]
        found = check_stations(data, named, values.period(), progress)
        found.log(progress)
        paired = pair_up(data, series, smap, pairing, progress.part(0.3, 0.7))
        paired.log(progress)
        if smap and not any(part.common.any() for part in paired.raw):
            progress.warn(
                f"SMAP: {smap.source} has no value at a station on a day with map and reading, so it is "
                "not known whether downscaling helped; give the SMAP series of this area and these days."
            )
        rows = validate(paired.compared, choices, progress.part(0.7, 0.9))
        overall = overall_rows(rows)
        outputs = {"OUTPUT": values.output("OUTPUT"), **_numbers(overall), "STATIONS_USED": len(paired.raw)}
        write_pairs(outputs["OUTPUT"], paired.raw, paired.compared, progress)
        groups = _groups(values, paired, rows, choices, progress.part(0.9, 0.97))
        tables = {
            "METRICS": lambda path: write_metrics(path, rows, paired.left_out),
            "GROUPS": lambda path: write_groups(path, groups),
        }
        outputs |= write_tables(values, tables)
        outputs |= write_preflight_table(values, found)
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            sections = _manifest(values, data, series, smap, progress)
            page = field_page(
                paired.compared,
                rows,
                paired.left_out,
                pairing.anomalies,
                found,
                sections,
                footer("Validate maps against the field"),
                groups,
                values.choice("CLASSED_BY"),
            )
            titled(page, series.between(*values.period()).dates, series.grid)
            outputs.update(write_report(values.output_file("REPORT"), page))
        _log_results(overall, paired, progress)
        return outputs


def _choices(values: Values) -> ValidationChoices:
    wet, dry = values.seasons()
    least = values.integer("MINIMUM_DAYS")
    check_least("MINIMUM_DAYS", least, 1)
    return ValidationChoices(wet, dry, least, interval_draws(values), values.integer("SEED"))


def _group_choices(values: Values) -> GroupChoices:
    return GroupChoices(parse_breaks(values.text("CLASSES")), values.choice("CLASSED_BY"))


def _groups(
    values: Values,
    paired: PairedField,
    rows: Sequence[MetricRow],
    choices: ValidationChoices,
    progress: Progress,
) -> list[Group]:
    """By class, month and season; none where neither table nor report shows them."""
    if not (values.given("GROUPS") or values.given("REPORT")):
        return []
    seasons = {season: overall_rows(rows, season) for season in choices.seasons}
    return validate_groups(paired.raw, paired.compared, seasons, choices, _group_choices(values), progress)


def _series(values: Values, progress: Progress) -> tuple[Series, Series | None]:
    series = open_series(values.paths("SERIES"), progress=progress.part(0.25, 0.28))
    smap = (
        open_series(values.paths("SMAP"), progress=progress.part(0.28, 0.3)) if values.given("SMAP") else None
    )
    return series, smap


def _numbers(overall: Sequence[MetricRow]) -> dict[str, float]:
    found = {row.source: row for row in overall}
    numbers = {"COUNT": found[MAP].n}
    numbers.update({name: found[MAP].value(metric) for name, metric in _NUMBERS.items()})
    if SMAP in found:
        numbers.update({name: found[SMAP].value(metric) for name, metric in _SMAP_NUMBERS.items()})
    # A number that is not defined has no place among the outputs.
    return {name: value for name, value in numbers.items() if value == value}


def _manifest(
    values: Values,
    data: FieldData,
    series: Series,
    smap: Series | None,
    progress: Progress,
) -> dict[str, Any]:
    inputs = {
        **series_used({"maps": series, "SMAP": smap}, progress),
        **stations_used(values, data, progress),
        **period_used(values, "the maps'"),
    }
    settings = {
        **reading_settings(values),
        **seasons_used(values),
        "minimum days": values.integer("MINIMUM_DAYS"),
        "breaks of the classes, m3 m-3": values.text("CLASSES"),
        "classed by": values.choice("CLASSED_BY"),
    }
    return manifest(inputs, settings)


def _log_results(overall: Sequence[MetricRow], paired: PairedField, progress: Progress) -> None:
    row = next(row for row in overall if row.source == MAP)
    known = {name: score_text(row.value(metric)) for name, metric in _NUMBERS.items() if metric in row.values}
    numbers = ", ".join(f"{name} {text}" for name, text in known.items() if text) or row.status
    pairs = f"{counted(row.n, 'pair')} on {counted(row.n_days, 'day')}"
    progress.log(f"{counted(len(paired.raw), 'station')}, {pairs}: {numbers}.")
    if verdict(overall):
        progress.log(verdict(overall))
