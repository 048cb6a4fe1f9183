"""triplecollocation: errors of a map (or SMAP), the field and a third series without a truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qgis.core import QgsProcessingOutputNumber, QgsProcessingParameterString

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.words import counted
from ...report.number_text import score_text
from ...series.series import Series, open_series
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.parameters import (
    choice,
    period_parameters,
    series_folder,
    table_destination,
    variable,
    whole_number,
)
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import (
    footer,
    manifest,
    period_used,
    report_parameter,
    series_used,
    titled,
    write_report,
)
from ...toolbox.values import Values
from .collocation_report import collocation_page
from .numbers.climatology import ANOMALIES
from .numbers.collocation import (
    CHANCE,
    MEAN,
    MEMBERS,
    NEGATIVE,
    NO_ERROR,
    NOT_ALIKE,
    TripleChoices,
    TripleRow,
    collocate,
)
from .numbers.readings import FieldData
from .pairs import EXTRACTIONS, pair_up
from .preflight import check_stations, check_third, check_triples, warn_if_no_moisture
from .tables import write_triples
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

#: Which series stands beside field and third one: SMAP and a map made from it never both.
SOURCES = ("map", "smap")
_SOURCE_PARAMETERS = {"map": "SERIES", "smap": "SMAP"}
_REFERENCES = ("field", "source", "third")
_NUMBERS = {"SNR": "snr_db", "ERROR_SD": "error_sd", "CORRELATION": "truth_correlation"}
_TITLES = {"SNR": "SNR, dB", "ERROR_SD": "Error SD", "CORRELATION": "Correlation with the truth"}


class TripleCollocation(SmapAlgorithm):
    """Triple collocation at field stations."""

    ID = "triplecollocation"
    GROUP = "analysis"
    FIRST = ("SERIES", "SMAP", "TC_SOURCE", "STATIONS", "UNIT", "THIRD", "OUTPUT")
    NEEDS = ("scipy",)

    def define(self) -> Iterable[Any]:
        yield series_folder("SERIES", "Soil moisture maps (series)", optional=True)
        yield series_folder("SMAP", "SMAP series", optional=True)
        yield choice("TC_SOURCE", "Which of them is collocated", SOURCES)
        yield from station_parameters()
        yield series_folder("THIRD", "Independent model or sensor (series)")
        yield QgsProcessingParameterString("THIRD_NAME", "Name of the third series", optional=True)
        yield variable("Variable of the third series")
        yield choice("ANOMALIES", "Anomalies", ANOMALIES)
        yield from period_parameters()
        # No least values here: out of range, `validate` says more than QGIS does.
        yield whole_number("MINIMUM_DAYS", "Minimum days with all three", 100, 0)
        yield choice("REFERENCE", "Series that errors are scaled to", _REFERENCES)
        yield choice("EXTRACTION", "Value of the map at a station", EXTRACTIONS)
        yield from interval_parameters()
        yield table_destination("OUTPUT", "Errors by station and series")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Stations collocated")
        for member in MEMBERS:
            for name, title in _TITLES.items():
                yield QgsProcessingOutputNumber(f"{member.upper()}_{name}", f"{title}, {member}")

    def validate(self, values: Values) -> None:
        values.period()
        station_choices(values)
        _choices(values)
        source = values.choice("TC_SOURCE")
        needed = _SOURCE_PARAMETERS[source]
        if not values.given(needed):
            other = next(name for name in SOURCES if name != source)
            raise InputError(
                f"{needed}: TC_SOURCE is {source}, but no such series is given; give it, or choose {other} "
                "as TC_SOURCE."
            )

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        choices = _choices(values)
        source, third = _series(values, progress)
        data = stations_read(values, progress.part(0.1, 0.3))
        pairing = pair_choices(values)
        named = values.text("THIRD_NAME").strip() or third.name
        names = {
            "source": values.choice("TC_SOURCE").replace("smap", "SMAP"),
            "field": "field",
            "third": named,
        }
        series = [(names["source"], source), (named, third)]
        found = check_stations(data, series, values.period(), progress, any_unit=named)
        found.log(progress)
        paired = pair_up(data, source, third, pairing, progress.part(0.3, 0.7))
        paired.log(progress)
        check_triples(paired.raw, third)
        warn_if_no_moisture(third, progress)
        rows = collocate(paired.compared, choices, progress.part(0.7, 0.95))
        _check_any(rows)
        output = values.output("OUTPUT")
        write_triples(output, rows, names, paired.left_out)
        outputs = {"OUTPUT": output, **_numbers(rows)}
        outputs |= write_preflight_table(values, found)
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            sections = _manifest(values, data, source, third, progress)
            page = collocation_page(
                rows,
                names,
                paired.left_out,
                pairing.anomalies,
                choices.reference,
                found,
                sections,
                footer("Triple collocation at stations"),
            )
            titled(page, source.between(*values.period()).dates, source.grid)
            outputs.update(write_report(values.output_file("REPORT"), page))
        _log_results(rows, names, outputs["COUNT"], progress)
        return outputs


def _choices(values: Values) -> TripleChoices:
    least = values.integer("MINIMUM_DAYS")
    if least < 3:
        raise InputError(f"MINIMUM_DAYS is {least}; give 3 or more (100 are worth something).")
    return TripleChoices(values.choice("REFERENCE"), least, interval_draws(values), values.integer("SEED"))


def _series(values: Values, progress: Progress) -> tuple[Series, Series]:
    """The source and the third series, which must not depend on each other."""
    source = open_series(
        values.paths(_SOURCE_PARAMETERS[values.choice("TC_SOURCE")]), progress=progress.part(0.0, 0.05)
    )
    third = open_series(
        values.paths("THIRD"), progress=progress.part(0.05, 0.1), variables=values.variables()
    )
    given = [path for name in _SOURCE_PARAMETERS.values() for path in values.paths(name)]
    check_third(third, [source.source, *given])
    return source, third


def _check_any(rows: Sequence[TripleRow]) -> None:
    """Refuse to end with an empty result."""
    if any(row.values for row in rows):
        return
    unlike = next((row for row in rows if row.status.startswith(NOT_ALIKE)), None)
    if unlike is not None:
        raise InputError(
            f"THIRD: no station can be collocated, since the three do not see one truth ({unlike.station}: "
            f"{unlike.status}); give a third estimate of soil moisture, or a longer period."
        )
    raise InputError(
        f"STATIONS: no station can be collocated ({rows[0].station}: {rows[0].status}); choose a longer "
        "period or other stations, or lower MINIMUM_DAYS."
    )


def _numbers(rows: Sequence[TripleRow]) -> dict[str, float]:
    used = [row for row in rows if row.values and row.member == MEMBERS[0] and row.station != MEAN]
    numbers: dict[str, float] = {"COUNT": len(used)}
    overall = [row for row in rows if row.station == MEAN] or list(rows)
    for row in overall:
        for name, result in _NUMBERS.items():
            # A number that is not defined has no place among the outputs.
            if row.value(result) == row.value(result):
                numbers[f"{row.member.upper()}_{name}"] = row.value(result)
    return numbers


def _manifest(
    values: Values,
    data: FieldData,
    source: Series,
    third: Series,
    progress: Progress,
) -> dict[str, Any]:
    inputs = {
        **series_used({values.choice("TC_SOURCE"): source, "third": third}, progress),
        **stations_used(values, data, progress),
        **period_used(values, "that of the first series"),
    }
    settings = {
        **reading_settings(values),
        "series that errors are scaled to": values.choice("REFERENCE"),
        "minimum days": values.integer("MINIMUM_DAYS"),
    }
    return manifest(inputs, settings)


def _log_results(rows: Sequence[TripleRow], names: dict[str, str], count: int, progress: Progress) -> None:
    for row in rows:
        if row.member == MEMBERS[0] and any(word in row.status for word in (NEGATIVE, NO_ERROR, CHANCE)):
            progress.warn(f"{row.station}: {row.status}")
    overall = [row for row in rows if row.station == MEAN] or list(rows)
    errors = [
        f"{names[row.member]} {score_text(row.value('error_sd')) or 'not defined'}"
        for row in overall
        if row.values
    ]
    stations = counted(count, "station was", "stations were")
    progress.log(f"{stations} collocated: error SD, m3 m-3, of {', '.join(errors)}.")
