"""The report of a quantile correlation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...base.progress import SILENT, Counter, Progress
from ...base.words import Text, counted, joined, text
from ...report.number_text import fixed
from ...report.page import Page
from .figures import by_season, curves, heat_maps, season_text, shown_scales
from .numbers.correlation import LEAST_PAIRS
from .numbers.run import Cell
from .numbers.settings import QuantileSettings

#: Stations with figures of their own; all are in the table.
_MOST_STATIONS = 4
#: Rows of the overview.
_MOST_ROWS = 120
#: What may be amiss with a coefficient, and what tables call it.
_FLAGS = {"unreliable": "unreliable", "over_one": "over 1", "same_line": "same line"}
_MOST_LEFT_OUT = 30


@dataclass(frozen=True)
class About:
    """What the report calls things.

    Parameters
    ----------
    x, y : str
        Names of the two series.
    settings : QuantileSettings
    """

    x: str
    y: str
    settings: QuantileSettings


def quantile_page(
    cells: Sequence[Cell],
    about: About,
    warnings: Sequence[str],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
    progress: Progress = SILENT,
) -> Page:
    """The report.

    Parameters
    ----------
    cells : sequence of Cell
        By station, season, scale and quantile.
    about : About
    warnings : sequence of str
        What the reader of the table should know.
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    progress : Progress
        Told of each figure, and asked whether to stop.
    """
    stations: dict[str, list[Cell]] = {}
    for cell in cells:
        stations.setdefault(cell.station, []).append(cell)
    scales, quantiles = about.settings.scales, about.settings.quantiles
    count = text("{}, ", counted(len(stations), "station")) if len(stations) > 1 else ""
    what = text(
        "{} of {} to {} days, {} of {:g} to {:g}",
        counted(len(scales), "time scale"),
        scales[0],
        scales[-1],
        counted(len(quantiles), "quantile"),
        quantiles[0],
        quantiles[-1],
    )
    page = Page(f"Quantile correlation of {about.x} and {about.y}", count + what)
    page.warnings(warnings)
    _overview(page, stations, about.settings)
    _meaning(page, about)
    shown = _most_reliable(stations)
    if len(stations) > len(shown) and shown:
        page.heading("Stations").paragraph(
            text(
                "Figures follow of {most} stations at the most, those with most reliable coefficients: "
                "{names}. The table OUTPUT holds the coefficients of all {stations}.",
                most=_MOST_STATIONS,
                names=", ".join(shown),
                stations=counted(len(stations), "station"),
            )
        )
    counter = progress.counter(2 * len(shown), "figures drawn")
    for station in shown:
        _station(page, station, stations[station], about, counter)
    _left_out(page, cells)
    return page.manifest(manifest).footer(footer)


def _most_reliable(stations: Mapping[str, Sequence[Cell]]) -> list[str]:
    """The stations to draw, in their own order."""
    reliable = {
        name: (
            sum(cell.computed and not cell.unreliable for cell in found),
            sum(cell.computed for cell in found),
        )
        for name, found in stations.items()
        if any(cell.computed for cell in found)
    }
    most = sorted(reliable, key=lambda name: reliable[name], reverse=True)[:_MOST_STATIONS]
    return [name for name in stations if name in most]


def _overview(page: Page, stations: Mapping[str, Sequence[Cell]], settings: QuantileSettings) -> None:
    """How many coefficients there are and what to make of them, then one row per station and season."""
    page.heading("In short").paragraph(_counts([cell for found in stations.values() for cell in found]))
    middle = min(settings.quantiles, key=lambda tau: abs(tau - 0.5))
    ends = tuple(dict.fromkeys((settings.scales[0], settings.scales[-1])))
    rows = []
    for station, cells in stations.items():
        for season, found in by_season(cells).items():
            computed = [cell for cell in found if cell.computed]
            counts = (sum(getattr(cell, name) for cell in computed) for name in _FLAGS)
            at = {cell.scale: cell for cell in found if cell.tau == middle}
            rows.append(
                (
                    station,
                    season_text(season),
                    *(str(day or "") for day in (at[ends[0]].first, at[ends[0]].last)),
                    text("{:,}", at[ends[0]].days),
                    text("{:,} of {:,}", len(computed), len(found)),
                    *(text("{:,}", count) if computed else "" for count in counts),
                    *(_with_interval(at[scale]) for scale in ends),
                )
            )
    headers: tuple[str, ...] = ("station", "season", "from", "to", "days", "computed", *_FLAGS.values())
    headers += tuple(text("at {} d", scale) for scale in ends)
    if list(stations) == [""]:
        headers, rows = headers[1:], [row[1:] for row in rows]
    interval = text(", in brackets its {:g} % interval", settings.confidence) if settings.bootstrap else ""
    page.table(
        headers,
        rows[:_MOST_ROWS],
        text(
            "Coefficients of each station and season; last: that of quantile {:g} at the shortest and the "
            "longest time scale{}. Star: unreliable. Days: of the blocks of the shortest scale.",
            middle,
            interval,
        ),
    )
    if len(rows) > _MOST_ROWS:
        more = counted(len(rows) - _MOST_ROWS, "row")
        page.paragraph(more + " more can be made of the table OUTPUT.")


def _counts(cells: Sequence[Cell]) -> Text:
    """How many coefficients were computed, and how many of them need caution."""
    computed = [cell for cell in cells if cell.computed]
    every = counted(len(cells), "coefficient")
    if not computed:
        return text("Of {} none could be computed; the reasons are given below.", every)
    found = {label: sum(getattr(cell, name) for cell in computed) for name, label in _FLAGS.items()}
    shares = joined(
        ", ",
        (
            text("{} {:,} ({:.0f} %)", label, count, 100 * count / len(computed))
            for label, count in found.items()
        ),
    )
    return text(
        "{:,} of {} were computed. Of these: {}; one may be several of this. Conclusions should rest on none "
        "that is unreliable; the words are explained below.",
        len(computed),
        every,
        shares,
    )


def _meaning(page: Page, about: About) -> None:
    page.heading("How to read it")
    page.paragraph(
        f"Each coefficient says how closely {about.x} and {about.y} go together at one quantile and one "
        "time scale: low quantiles are about the dry values, high ones the wet, 0.5 the middle; a scale "
        "of s days means that both were averaged over the same blocks of s days. At the median it is read "
        "like Pearson's correlation."
    )
    page.paragraph(
        "It does not say whether the two agree: a series that is twice as wet, or wetter by a constant, has "
        "the same coefficient. It does not say that one causes the other: a season that both share "
        "correlates them all year, so look at the seasons too. A curved dependence, however strict, "
        "does not give 1, and neighbouring cells of the figure come from the same days and are no "
        "independent evidence."
    )
    page.paragraph(
        "Hatched (in tables: a star): fewer than 5 blocks lie beyond the quantile, n min(q, 1 - q) < 5. "
        "Of 20 blocks of independent series the coefficient at quantile 0.1 lies anywhere from -0.6 to 0.4. "
        "Crosses: an absolute value over 1. The coefficient is the geometric mean of two slopes, and unlike "
        "a correlation it is not bounded; such a value says that the slopes are uncertain or that the spread "
        "changes along the line, not that the two are tied more than perfectly. It is 0 where the "
        "slopes differ in sign. It is exactly 1 or -1 where both lines are the same (same line): on a "
        "perfect line, but of few blocks also by chance, when both lines go through the same two of them."
    )
    if about.settings.bootstrap:
        page.paragraph(
            text(
                "Intervals: the middle {confidence:g} % of {resamples:,} resamples of consecutive blocks "
                "(moving-block bootstrap). They know of autocorrelation within the record, not of years "
                "unlike those of the record. Of few blocks they are too narrow.",
                confidence=about.settings.confidence,
                resamples=about.settings.bootstrap,
            )
        )


def _station(page: Page, station: str, cells: Sequence[Cell], about: About, counter: Counter) -> None:
    """Figures and numbers of the seasons that have any coefficient."""
    seasons = {season: found for season, found in by_season(cells).items() if any(c.computed for c in found)}
    cells = [cell for found in seasons.values() for cell in found]
    shown = shown_scales(cells)
    page.heading(f"{f'Station {station}' if station else 'Time scale and quantile'} (the paper's Fig. S3)")
    page.picture(
        heat_maps(cells),
        "Heat map of the quantile correlation over quantile and time scale",
        "Blue: both go up and down together. Red: one goes up where the other goes down. Hatched: "
        "unreliable. Cross: over 1. Grey: not computed.",
    )
    counter.advance()
    bands = " Bands: intervals of those that are reliable." if about.settings.bootstrap else ""
    page.picture(
        curves(cells),
        "Quantile correlation against the quantile and against the time scale",
        f"Left: against the quantile. Right: against the time scale. Hollow: unreliable.{bands}",
    )
    counter.advance()
    for found in seasons.values():
        _numbers(page, found, shown)


def _numbers(page: Page, cells: Sequence[Cell], shown: Sequence[int]) -> None:
    rows: dict[int, list[str]] = {}
    for cell in cells:
        if cell.scale not in shown:
            continue
        own = rows.setdefault(cell.scale, [text("{}", cell.scale), text("{:,}", cell.n)])
        own.append(_coefficient(cell))
    rest = len({cell.scale for cell in cells}) > len(shown)
    quantiles = [text("{:g}", tau) for tau in dict.fromkeys(cell.tau for cell in cells)]
    page.table(
        ("scale, d", "blocks", *quantiles),
        list(rows.values()),
        f"Coefficients, {season_text(cells[0].season)}: one row per time scale, one column per quantile. "
        "Star: unreliable." + (" All scales are in the table OUTPUT." if rest else ""),
    )


def _coefficient(cell: Cell) -> Text:
    if math.isnan(cell.rho):
        return Text()
    return fixed(cell.rho, ".2f") + ("*" if cell.unreliable else "")


def _with_interval(cell: Cell) -> Text:
    lower, upper = fixed(cell.lower, ".2f"), fixed(cell.upper, ".2f")
    return _coefficient(cell) + (text(" ({} to {})", lower, upper) if lower else "")


def _left_out(page: Page, cells: Sequence[Cell]) -> None:
    """What was not computed: one row per station, season and reason, with its scales."""
    scales: dict[tuple[str, str, str], list[int]] = {}
    for cell in cells:
        if not cell.computed:
            found = scales.setdefault((cell.station, cell.season, cell.status), [])
            if cell.scale not in found:
                found.append(cell.scale)
    if not scales:
        return
    rows = [
        (station or "-", season_text(season), _runs(found), reason)
        for (station, season, reason), found in scales.items()
    ]
    page.heading("Not computed").table(("station", "season", "scales, d", "reason"), rows[:_MOST_LEFT_OUT])
    if len(rows) > _MOST_LEFT_OUT:
        page.paragraph(text("And {:,} more, in the table.", len(rows) - _MOST_LEFT_OUT))
    page.paragraph(text("A coefficient needs {} blocks, and series that are not constant.", LEAST_PAIRS))


def _runs(scales: Sequence[int]) -> Text:
    """Ascending scales, those that follow each other as a range: `1, 3-20`."""
    runs: list[list[int]] = []
    for scale in scales:
        if runs and scale == runs[-1][-1] + 1:
            runs[-1].append(scale)
        else:
            runs.append([scale])
    return joined(
        ", ", (text("{}-{}", run[0], run[-1]) if len(run) > 1 else text("{}", run[0]) for run in runs)
    )
