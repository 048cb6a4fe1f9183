"""How maps lie beside the SMAP that they stand for, in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping

import numpy as np

from ...base.words import Text, counted, text
from ...report.number_text import UNIT
from ...report.page import Page
from .numbers.closure import Closure

#: What SMAP's mission promises, m3 m-3.
_SMAP_GOAL = 0.04


def closure_line(date: dt.date, found: Closure, noise: float, exact: bool) -> Text:
    """What the log says of a date; `noise` is NaN where nobody knows it."""
    if not found.cells:
        return text(
            "{}: the map covers half of no cell with SMAP, so that nothing tells how it lies beside", date
        )
    line = text(
        "{}: the map's means over {} lie {rms:.4f} m3 m-3 (RMS) from SMAP, {bias:+.4f} on average; {}",
        date,
        counted(found.cells, "SMAP cell"),
        _beside(noise),
        rms=found.rmse,
        bias=found.bias,
    )
    return line + text("; {}", _exact(found)) if exact else line


def _beside(noise: float) -> Text:
    if math.isfinite(noise):
        return text("SMAP's noise is estimated as {:.4f}", noise)
    return text("SMAP itself is meant to be right to {:.2f}", _SMAP_GOAL)


def _exact(found: Closure) -> Text:
    words = text("{} covered wholly", counted(found.full, "cell"))
    if found.full:
        words += text(" (largest difference {:.1g})", found.worst)
    return words + text(", {} covered in part and left out", counted(found.part, "cell"))


def closure_facts(
    closures: Mapping[dt.date, Closure], noise: Mapping[dt.date, float]
) -> Iterator[tuple[str, str]]:
    """The same of all dates, in the middle; nothing where SMAP is not known."""
    held = [found for found in closures.values() if found.cells]
    if not held:
        return
    rms, bias = (float(np.median([getattr(one, name) for one in held])) for name in ("rmse", "bias"))
    known = [one for one in noise.values() if math.isfinite(one)]
    yield (
        "Means over SMAP's cells less SMAP",
        text(
            "{rms:.4f} {} (RMS), {bias:+.4f} on average (medians of {}); {}",
            UNIT,
            counted(len(held), "date"),
            _beside(float(np.median(known)) if known else math.nan),
            rms=rms,
            bias=bias,
        ),
    )


def add_evidence(page: Page, sentences: list[str]) -> Page:
    """What speaks for the pattern within cells; nothing for models that do not say."""
    if sentences:
        page.heading("What speaks for the pattern within cells")
        for sentence in sentences:
            page.paragraph(sentence)
    return page
