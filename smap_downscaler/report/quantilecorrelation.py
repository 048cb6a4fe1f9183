"""The report of a quantile correlation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.progress import SILENT, Counter, Progress
from ..core.quantile.correlation import LEAST_PAIRS
from ..core.quantile.run import Cell
from ..core.quantile.settings import QuantileSettings
from .page import Page
from .quantile_figures import curves, heat_maps, season_text

#: Stations with figures of their own; all are in the table.
_MOST_STATIONS = 12
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
    count = f"{len(stations):,} stations, " if len(stations) > 1 else ""
    page = Page(
        f"Quantile correlation of {about.x} and {about.y}",
        f"{count}{len(scales)} time scales of {scales[0]} to {scales[-1]} days, {len(quantiles)} quantiles "
        f"of {quantiles[0]:g} to {quantiles[-1]:g}",
    )
    page.warnings(warnings)
    _overview(page, stations, about.settings)
    _meaning(page, about)
    shown = [name for name, found in stations.items() if any(cell.computed for cell in found)]
    counter = progress.counter(2 * len(shown[:_MOST_STATIONS]), "figures drawn")
    for station in shown[:_MOST_STATIONS]:
        _station(page, station, stations[station], about, counter)
    if len(shown) > _MOST_STATIONS:
        page.paragraph(
            f"Shown are the first {_MOST_STATIONS} of {len(shown):,} stations; the table holds all of them."
        )
    _left_out(page, cells)
    return page.manifest(manifest).footer(footer)


def _overview(page: Page, stations: Mapping[str, Sequence[Cell]], settings: QuantileSettings) -> None:
    """Blocks and coefficients of each station and season, at the shortest and the longest scale."""
    middle = min(settings.quantiles, key=lambda tau: abs(tau - 0.5))
    rows = []
    for station, cells in stations.items():
        told = station
        for season in dict.fromkeys(cell.season for cell in cells):
            of_season = [cell for cell in cells if cell.season == season]
            for scale in dict.fromkeys((settings.scales[0], settings.scales[-1])):
                found = [cell for cell in of_season if cell.scale == scale]
                cell = next(cell for cell in found if cell.tau == middle)
                ends = (cell.first or "", cell.last or "")
                rows.append(
                    (
                        told,
                        season_text(season),
                        str(scale),
                        *map(str, ends),
                        f"{cell.days:,}",
                        f"{cell.n:,}",
                        _coefficient(cell),
                        _interval(cell),
                        _unreliable(found),
                    )
                )
                told = ""
    headers = ("station", "season", "scale, d", "from", "to", "days", "blocks")
    headers += (f"coefficient, quantile {middle:g}", f"{settings.confidence:g} % interval", "unreliable")
    drop = [index for index in (0, 8) if all(not row[index] for row in rows)]
    page.heading("In short").table(_without(headers, drop), [_without(row, drop) for row in rows])


def _unreliable(cells: Sequence[Cell]) -> str:
    """How many of the coefficients are; of those that could not be computed the report tells below."""
    computed = [cell for cell in cells if cell.computed]
    return f"{sum(cell.unreliable for cell in computed)} of {len(computed)}" if computed else ""


def _without(row: Sequence[str], drop: Sequence[int]) -> tuple[str, ...]:
    return tuple(text for index, text in enumerate(row) if index not in drop)


def _meaning(page: Page, about: About) -> None:
    page.heading("How to read it")
    page.paragraph(
        f"Each coefficient tells how closely {about.x} and {about.y} go together at one quantile and one "
        "time scale: low quantiles tell of the dry values, high ones of the wet, 0.5 of the middle; a scale "
        "of s days means that both were averaged over the same blocks of s days. At the median it is read "
        "like Pearson's correlation."
    )
    page.paragraph(
        "It does not tell whether the two agree: a series that is twice as wet, or wetter by a constant, has "
        "the same coefficient. It does not tell that one causes the other: a season that both share "
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
        "slopes differ in sign. It is exactly 1 or -1 where both lines are the same: on a perfect line, but "
        "of few blocks also by chance, when both lines go through the same two of them."
    )
    if about.settings.bootstrap:
        page.paragraph(
            f"Intervals: the middle {about.settings.confidence:g} % of {about.settings.bootstrap:,} "
            "resamples of consecutive blocks (moving-block bootstrap). They know of autocorrelation within "
            "the record, not of years unlike those of the record. Of few blocks they are too narrow."
        )


def _station(page: Page, station: str, cells: Sequence[Cell], about: About, counter: Counter) -> None:
    page.heading(f"Station {station}" if station else "Time scale and quantile")
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
    for season in dict.fromkeys(cell.season for cell in cells):
        _numbers(page, [cell for cell in cells if cell.season == season])


def _numbers(page: Page, cells: Sequence[Cell]) -> None:
    rows: dict[int, list[str]] = {}
    for cell in cells:
        rows.setdefault(cell.scale, [str(cell.scale), f"{cell.n:,}"]).append(_coefficient(cell))
    quantiles = [f"{tau:g}" for tau in dict.fromkeys(cell.tau for cell in cells)]
    page.table(
        ("scale, d", "blocks", *quantiles),
        list(rows.values()),
        f"Coefficients, {season_text(cells[0].season)}: a row a time scale, a column a quantile. Star: "
        "unreliable.",
    )


def _coefficient(cell: Cell) -> str:
    if math.isnan(cell.rho):
        return ""
    return f"{cell.rho:.2f}" + ("*" if cell.unreliable else "")


def _interval(cell: Cell) -> str:
    return "" if math.isnan(cell.lower) else f"{cell.lower:.2f} to {cell.upper:.2f}"


def _left_out(page: Page, cells: Sequence[Cell]) -> None:
    """What was not computed: a row a station, season and reason, with its scales."""
    scales: dict[tuple[str, str, str], list[int]] = {}
    for cell in cells:
        if not cell.computed:
            found = scales.setdefault((cell.station, cell.season, cell.status), [])
            if cell.scale not in found:
                found.append(cell.scale)
    if not scales:
        return
    rows = [
        (station or "-", season_text(season), ", ".join(map(str, found)), reason)
        for (station, season, reason), found in scales.items()
    ]
    page.heading("Not computed").table(("station", "season", "scales, d", "reason"), rows[:_MOST_LEFT_OUT])
    if len(rows) > _MOST_LEFT_OUT:
        page.paragraph(f"And {len(rows) - _MOST_LEFT_OUT:,} more, in the table.")
    page.paragraph(f"A coefficient needs {LEAST_PAIRS} blocks, and series that are not constant.")
