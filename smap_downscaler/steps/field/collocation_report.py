"""The report of a triple collocation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...base.words import counted, text
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.figure import SOIL_MOISTURE_UNIT
from ...report.interval_figures import MOST_LINES, interval_figure
from ...report.number_text import UNIT, with_interval
from ...report.page import Page
from .numbers.collocation import COLLOCATED, MEAN, MEMBERS, RESULTS, TripleRow

_MOST_STATIONS = 40
_HEADERS = {
    "snr_db": "SNR, dB",
    "error_sd": f"error SD, {UNIT}",
    "error_sd_scaled": f"error SD, scaled, {UNIT}",
    "beta": "beta",
    "truth_correlation": "r with the truth",
}


def collocation_page(
    rows: Sequence[TripleRow],
    names: Mapping[str, str],
    left_out: Mapping[str, str],
    anomalies: str,
    reference: str,
    before: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report.

    Parameters
    ----------
    rows : sequence of TripleRow
    names : mapping of str to str
        What each of `MEMBERS` is called.
    left_out : mapping of str to str
        Stations that could not be compared, and why.
    anomalies : str
        Of `climatology.ANOMALIES`.
    reference : str
        Of `MEMBERS`.
    before : Preflight
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
    """
    single = [row for row in rows if row.station != MEAN]
    stations = list(dict.fromkeys(row.station for row in single))
    used = [row.station for row in single if row.values and row.member == MEMBERS[0]]
    kind = "" if anomalies == "none" else f", anomalies ({anomalies})"
    page = Page(
        f"Triple collocation{kind}",
        text(
            "{series}; {collocated:,} of {stations} with enough days",
            series=", ".join(names[member] for member in MEMBERS),
            collocated=len(used),
            stations=counted(len(stations), "station"),
        ),
    )
    overall = [row for row in rows if row.station == MEAN] or single
    page.table(("series", *_HEADERS.values()), [(names[row.member], *_cells(row)) for row in overall])
    bad = [row for row in single if row.status != COLLOCATED and row.member == MEMBERS[0]]
    page.warnings([text("{}: {}.", row.station, row.status) for row in bad[:_MOST_STATIONS]])
    if used:
        more = text(" The first {} stations.", MOST_LINES) if len(used) > MOST_LINES else ""
        page.heading("Errors of each series").picture(
            interval_figure(used[:MOST_LINES], _values_of(rows, names), _axis_labels(names[reference])),
            "Error SD, signal-to-noise ratio and correlation with the truth, of each series and station",
            "With 95 % intervals where they are defined." + more,
        )
    page.heading("By station").table(
        ("station", "series", "days", *_HEADERS.values()),
        [
            (row.station, names[row.member], text("{:,}", row.n), *_cells(row))
            for row in single[: len(MEMBERS) * _MOST_STATIONS]
        ],
    )
    if left_out:
        page.heading("Stations that could not be compared").table(
            ("station", "why"), list(left_out.items())[:_MOST_STATIONS]
        )
    _words(page, names[reference])
    add_preflight(page, before)
    return page.manifest(manifest).footer(footer)


def _cells(row: TripleRow) -> tuple[str, ...]:
    return tuple(_with_interval(row, name) for name in RESULTS)


def _with_interval(row: TripleRow, name: str) -> str:
    form = {"snr_db": ".1f", "beta": ".2f", "truth_correlation": ".2f"}.get(name, ".4f")
    return with_interval(row, name, form)


def _axis_labels(reference: str) -> dict[str, str]:
    return {
        "error_sd_scaled": f"error SD in the range of\n{reference}, {SOIL_MOISTURE_UNIT}",
        "snr_db": "SNR, dB",
        "truth_correlation": "r with the truth",
    }


def _values_of(
    rows: Sequence[TripleRow], names: Mapping[str, str]
) -> dict[str, dict[tuple[str, str], tuple]]:
    return {
        names[member]: {
            (row.station, name): (row.value(name), row.interval(name))
            for row in rows
            if row.member == member and math.isfinite(row.value("error_sd"))
            for name in RESULTS
        }
        for member in MEMBERS
    }


def _words(page: Page, reference: str) -> None:
    page.heading("What the numbers mean").paragraph(
        "Each series is taken as a line of the truth plus an error that depends neither on the truth nor on "
        "the other errors. From the covariances of the three follow the SD of each error (in its own range, "
        f"and scaled by beta to that of {reference}), the signal-to-noise ratio (0 dB: error as large as "
        "signal; +3 dB: half as large, as variances) and the correlation with the unknown truth. Bias is "
        "not seen."
    )
    page.paragraph(
        "Errors that two of the three share (the same forcing, the same sensor, the same season) make both "
        "look better than they are. A negative error variance says that the days are too few or the "
        "assumption does not hold; that series has no SNR then. What a station has of its own "
        "within the pixel counts as error of the field. Intervals: 95 %, moving-block bootstrap."
    )
