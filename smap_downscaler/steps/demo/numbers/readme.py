"""The text that lies beside the demo data."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from ....base.seasons_of_year import MONTH_NAMES
from .basin import STEPS, UNEXPLAINED_DEMAND, Basin
from .bucket import ATTRACTION, DEMAND_HIGH, DEMAND_LOW, DEPTH, LATERAL, REACH
from .observations import (
    MODEL_DAY_SD,
    MODEL_OFFSET,
    MODEL_PATTERN,
    MODEL_PATTERN_SD,
    MODEL_SLOPE,
    READING_SD,
    REPLICATES,
    STATION_COUNT,
    STATION_SD,
)
from .settings import SMAP_MONTHS, SPIN_UP_DAYS, DemoSettings
from .soil import UNEXPLAINED_CAPACITY
from .terrain import HIGHEST, LOWEST

#: The first line, by which a folder of demo data is known.
TITLE = "SMAP Downscaler: demo data (made up, not measured)"


@dataclass
class Figures:
    """What a run found out about its basin."""

    cells: int = 0
    seen: dict[dt.date, int] = field(default_factory=dict)
    share: dict[dt.date, float] = field(default_factory=dict)
    ranges: dict[dt.date, tuple[float, float, float]] = field(default_factory=dict)


def begun(settings: DemoSettings) -> str:
    """The text while the data are being written."""
    head = [TITLE, "=" * len(TITLE), "", "Not finished: run 'Create demo data' again.", ""]
    return "\n".join([*head, *_settings(settings), ""])


def finished(basin: Basin, figures: Figures) -> str:
    """The whole text."""
    settings = basin.settings
    lines = [TITLE, "=" * len(TITLE), "", *_wrapped(_FOREWORD), ""]
    lines += ["Settings", "--------", *_settings(settings), ""]
    lines += ["Files", "-----", *_files(basin), ""]
    lines += ["How it was made", "---------------"]
    for text in _formulas(settings):
        lines += [*_wrapped(text), ""]
    lines += ["What came of it", "---------------", *_found(figures), ""]
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, 96, initial_indent=indent, subsequent_indent=indent)


_FOREWORD = (
    "A basin that exists nowhere, drawn over the Andes so that all tools can be tried without downloads, "
    "and held against a truth that nobody has for a real basin. The same settings give the same files."
)


def _settings(settings: DemoSettings) -> list[str]:
    months = " and ".join(MONTH_NAMES[month - 1] for month in SMAP_MONTHS)
    return [
        f"SEED       {settings.seed}",
        f"DAYS       {f'empty: a year, with SMAP in {months}' if settings.year else settings.days}",
        f"START      {settings.start}",
        f"FOOTPRINT  {settings.footprint_km:g} km",
        f"NOISE      {settings.noise:g} m3 m-3",
        f"CELLS      {settings.cells}",
    ]


def _files(basin: Basin) -> list[str]:
    grid = basin.grid
    texts = {
        "smap/smap_YYYYMMDD.tif": "soil moisture as SMAP sees it, m3 m-3, on cells of the EASE-Grid 2.0, "
        "9 km (EPSG:6933); no file where no cell was seen",
        "precipitation/precipitation_YYYYMMDD.tif": "rain, mm/d, 0.05 degrees (EPSG:4326), from "
        f"{SPIN_UP_DAYS} days before {'START' if basin.settings.year else 'the first day of SMAP'}",
        "dem.tif": f"elevation, m, 100 m ({grid.crs}, {grid.width} x {grid.height} pixels)",
        "soil/clay.tif, sand.tif, soc.tif": "clay, sand and organic carbon, g/kg, 0.00225 degrees, about "
        "250 m (EPSG:4326)",
        "mask.tif": "1 = lake or town, 0 = land, on the pixels of dem.tif",
        "aoi.gpkg": f"outline of the basin: all land that drains through its mouth ({grid.crs})",
        "truth/soil_moisture_YYYYMMDD.tif": "true soil moisture, m3 m-3, on the pixels of dem.tif; NoData in "
        "lakes and towns",
        "stations.csv": f"{REPLICATES} readings a day at {STATION_COUNT} stations: station, date, replicate, "
        f"lon, lat, x, y ({grid.crs}), soil_moisture (m3 m-3)",
    }
    if basin.settings.year:
        texts["model/model_YYYYMMDD.tif"] = (
            "soil moisture of a model that knows nothing of SMAP, m3 m-3, 0.1 degrees (EPSG:4326): the third "
            "series of 'Triple collocation at stations'"
        )
    return [line for name, text in texts.items() for line in (name, *_wrapped(text, "    "))]


def _formulas(settings: DemoSettings) -> Sequence[str]:
    year = settings.year
    return (
        "Land: rivers cut a rough trough within a rim, slope ~ (area upstream)^-0.4, until the divides rest; "
        f"scaled to {LOWEST:.0f} to {HIGHEST:.0f} m; a fractal below 1.5 km makes the hillslopes. Wetness "
        "index = ln(area upstream per width / tan slope).",
        "Soil: clay and carbon rise and sand falls towards valleys and hollows; clay also rises towards low "
        "land, sand and carbon towards high land; plus patches of 25 km and of 2 to 4 km of their own.",
        "Water limits: wilting point, field capacity and saturation from clay, sand and organic matter by "
        "Saxton & Rawls (2006), all within 0.03 to 0.50. A lasting pattern of 1 to 4 km that no file holds "
        f"(stones, structure, plants) changes field capacity by {UNEXPLAINED_CAPACITY:.0%} and evaporation "
        f"by {UNEXPLAINED_DEMAND:.0%} (SD); evaporation also follows the aspect.",
        "Rain: Gaussian fields of 40 and 12 km and the day's weather, cut at a threshold, times an "
        f"orographic factor.{_YEAR_RAIN if year else ''}",
        f"Soil moisture of {DEPTH:.0f} mm of soil, by days, from field capacity {SPIN_UP_DAYS} days before "
        f"{'each of the two months' if year else 'START'}: + rain (above saturation it runs off); - k "
        "(moisture - field capacity), k = 0.30 + 0.5 sand - 0.1 wetness, 0.08 to 0.85 a day; - evaporation, "
        f"{DEMAND_LOW:g} mm/d (lowest land) to {DEMAND_HIGH:g} (highest), falling to 0 between half-way from "
        f"wilting point to capacity and air-dry; + {LATERAL:.0%} of what drained within some {REACH:.0f} m, "
        f"shared out by exp({ATTRACTION:g} wetness), wetness standardised. What is written is the state at "
        f"6:00, before the day's rain{f', in steps of 1/{STEPS}' if year else ''}.",
        "SMAP: mean of the true pixels whose centre lies in the cell, if lakes and towns take no more than "
        f"5 %; {_sight(settings)}; + error of SD NOISE, normal; at least 0.02; only within swaths of 1000 km "
        "that come back every 8 days, morning and evening; 2 % of the retrievals fail.",
        f"Stations: the pixel's truth + a lasting difference (SD {STATION_SD:g}) + a difference of each "
        f"reading (SD {READING_SD:g}).",
        *((_MODEL,) if year else ()),
    )


_YEAR_RAIN = (
    " The threshold is that of the wet season in mid January; it rises until mid July and falls again, so "
    "that the year has a wet and a dry season."
)
_MODEL = (
    f"Model: {MODEL_OFFSET:g} + {MODEL_SLOPE:g} x the mean truth of a cell of 0.1 degrees + an error of the "
    f"day (SD {MODEL_DAY_SD:g}) + its pattern of {MODEL_PATTERN / 1000:g} km (SD {MODEL_PATTERN_SD:g})."
)


def _sight(settings: DemoSettings) -> str:
    if settings.footprint_km == 0:
        return "each cell is seen by itself (FOOTPRINT = 0)"
    return (
        f"the truth is first smoothed by a Gaussian of {settings.footprint_km:g} km (FWHM), and the error is "
        "correlated over it"
    )


def _found(figures: Figures) -> list[str]:
    mean = sum(figures.share.values()) / max(len(figures.share), 1)
    lines = [
        f"{figures.cells} SMAP cells with a value have their centre in the basin.",
        *_wrapped(
            "Within the SMAP cells, elevation, wetness index, clay, sand and carbon explain "
            f"{mean:.2f} of the variance of the truth (R2 of the linear regression of pixel minus cell mean "
            "on the same of these five; mean of the days)."
        ),
        "",
        "date        SMAP cells  truth:   min  mean   max  explained",
    ]
    for date, seen in figures.seen.items():
        low, middle, high = figures.ranges[date]
        share = figures.share[date]
        lines.append(f"{date}  {seen:10d}  {low:12.3f} {middle:5.3f} {high:5.3f}  {share:9.2f}")
    return lines
