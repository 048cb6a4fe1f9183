"""The section of a report on how far maps can be trusted."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.words import Text, counted, joined, text
from ...geo.graticule import MapFrame
from ...geo.grid import Bounds
from ...methods.base import COVER
from ...methods.measured import Measured
from ...report.atlas import PART_OF_PAGE, AtlasPanel, atlas_png
from ...report.number_text import UNIT, fixed
from ...report.page import Page

_MOST_COVARIATES = 12
_METHOD = (
    "Dissimilarity (Meyer & Pebesma 2021): distance from the nearest training row, of covariates that are "
    "standardised and weighted by their importance, over the mean distance of two training rows. Ranges are "
    "those of means over SMAP's cells, which single pixels leave easily."
)


@dataclass(frozen=True, eq=False)
class MapsLook:
    """Maps at reduced size.

    Attributes
    ----------
    panels : sequence of AtlasPanel
    bounds : Bounds
    frame : MapFrame or None
        Of the maps, for degrees.
    """

    panels: Sequence[AtlasPanel]
    bounds: Bounds
    frame: MapFrame | None

    def png(self) -> bytes:
        """All side by side."""
        return atlas_png(self.panels, self.bounds, self.frame, height=PART_OF_PAGE)


@dataclass(frozen=True, eq=False)
class MapLook(MapsLook):
    """The bands of the map of a date at reduced size.

    Attributes
    ----------
    date : date
    out_of_range : mapping
        Share of the pixels that each covariate is farthest out of its range on, %.
    """

    date: dt.date
    out_of_range: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Trust:
    """What the bands of maps say.

    Attributes
    ----------
    numbers : mapping
        Fields of the table of dates (see `tables.extra_fields`): float64, shape (dates,), NaN without a map.
    held, held_before : float
        Share of SMAP's values that intervals hold at held-out rows, %, and did before their ends were moved;
        NaN where unknown.
    look : MapLook
    measured : sequence of Measured
        What intervals of models like these held where the truth is known.
    """

    numbers: Mapping[str, np.ndarray]
    held: float
    held_before: float
    look: MapLook
    measured: Sequence[Measured] = ()


def add_maps(page: Page, look: MapsLook) -> None:
    """The section with the maps themselves."""
    one = len(look.panels) == 1
    page.heading("The map" if one else "The maps").picture(
        look.png(),
        "Soil moisture at reduced size, with its colour bar",
        "Colours from the 2nd to the 98th percentile"
        + ("." if one else " of all that are shown: the first and the last map, and some between them."),
    )


def add_trust(page: Page, found: Trust) -> None:
    """The section."""
    page.heading("How far these maps can be trusted")
    for sentence in sentences(found):
        page.paragraph(sentence)
    if "outside" in found.numbers:
        page.paragraph(_METHOD)
    look = found.look
    page.picture(
        look.png(),
        "The bands of a map at reduced size, each with its colour bar",
        text("The map of {}. Colours from the 2nd to the 98th percentile of each.", look.date),
    )
    farthest = sorted(look.out_of_range.items(), key=lambda pair: -pair[1])
    rows = [(name, fixed(share, ".2f")) for name, share in farthest if share > 0][:_MOST_COVARIATES]
    if rows:
        page.table(
            ("covariate", "pixels, %"),
            rows,
            text("Farthest out of its range in the training rows, on {}.", look.date),
        )


def sentences(found: Trust) -> list[Text]:
    """What the bands say, in words."""
    said = []
    numbers = {name: values[np.isfinite(values)] for name, values in found.numbers.items()}
    if "width" in numbers and numbers["width"].size:
        words = text(
            "Intervals that are to hold {:.0f} % are {} {} wide in the mean over {}.",
            100 * COVER,
            fixed(float(numbers["width"].mean()), ".3f"),
            UNIT,
            counted(numbers["width"].size, "map"),
        )
        if math.isfinite(found.held):
            words += text(
                " At rows of SMAP's cells that were held out they held {:.1f} % of SMAP's values", found.held
            )
            if math.isfinite(found.held_before):
                words += text(" ({:.1f} % before their ends were moved to hold enough)", found.held_before)
            words += "."
        words += (
            " They are checked at the cell: far from all cells they hold less, and so they do at the pixel, "
            "whose pattern within the cell SMAP never saw."
        )
        said.append(joined(" ", (words, *(text("{}.", one.cover) for one in found.measured))))
    if "outside" in numbers and numbers["outside"].size:
        shares = numbers["outside"]
        said.append(
            text(
                "{:.1f} % of the pixels lie outside of where the training rows can be relied on ({:.1f} to "
                "{:.1f} % by date): they are less like the nearest of them than training rows are like those "
                "of other blocks of cells.",
                float(shares.mean()),
                float(shares.min()),
                float(shares.max()),
            )
        )
    if "explained" in numbers and numbers["explained"].size:
        said.append(
            text(
                "The data took away {:.0f} % of the variance of a pixel that the model knows without them.",
                float(numbers["explained"].mean()),
            )
        )
    return said
