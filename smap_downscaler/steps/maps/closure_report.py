"""How maps lie beside the SMAP that they stand for, in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...base.words import Text, counted, joined, text
from ...methods.measured import Measured
from ...report.number_text import UNIT
from ...report.page import Page
from .numbers.closure import Closure

#: What SMAP's mission promises, m3 m-3.
_SMAP_GOAL = 0.04
#: From how many times SMAP's noise on a map is warned of; of resampled SMAP it seems too small.
_FAR, _LEAST_NOISE = 3.0, 0.015
#: Dates that have a line of their own in the log, dates named in a warning, sentences on a page.
_MOST_LINES, _MOST_NAMED, _MOST_SENTENCES = 40, 10, 12


def closure_lines(
    closures: Mapping[dt.date, Closure], noise: Mapping[dt.date, float], exact: bool
) -> Iterator[Text]:
    """What the log says: a line a date, of many dates one for all; `noise` is NaN where nobody knows it."""
    if len(closures) > _MOST_LINES:
        yield from (text("{}: {}", *fact) for fact in closure_facts(closures, noise))
        return
    for date, found in closures.items():
        if not found.cells:
            yield text(
                "{}: the map covers no cell with SMAP at least by half, so it is not held against it", date
            )
            continue
        line = text(
            "{}: the map's means over {} lie {rms:.4f} m3 m-3 (RMS) from SMAP, {bias:+.4f} on average; {}",
            date,
            counted(found.cells, "SMAP cell"),
            _beside(noise.get(date, math.nan)),
            rms=found.rmse,
            bias=_bias(found.bias),
        )
        yield line + text("; {}", _exact(found)) if exact else line


def far_sentence(
    closures: Mapping[dt.date, Closure], noise: Mapping[dt.date, float], advice: str
) -> Text | None:
    """The maps that lie farther from SMAP than noise explains; None for none. `noise`: NaN where unknown."""
    far = []
    for date, found in sorted(closures.items()):
        known = noise.get(date, math.nan)
        known = max(known, _LEAST_NOISE) if math.isfinite(known) else _SMAP_GOAL
        if found.cells and found.rmse > _FAR * known:
            far.append(text("{} ({:.3f})", date, found.rmse))
    if not far:
        return None
    named = far[:_MOST_NAMED]
    if len(far) > _MOST_NAMED:
        named.append(text("and {:,} more", len(far) - _MOST_NAMED))
    return text(
        "The means of {} over SMAP's cells lie farther from it than its noise explains (RMS, m3 m-3): {}; {}",
        counted(len(far), "map"),
        joined(", ", named),
        advice,
    )


def _bias(value: float) -> float:
    """Without the sign of what is printed as nought."""
    return value if abs(value) >= 5e-5 else 0.0


def unfinished_sentence(wishes: str, why: Mapping[dt.date, str]) -> Text:
    """The maps that were made without what was wished for."""
    named = [text("{} ({})", date, reason) for date, reason in sorted(why.items())[:_MOST_NAMED]]
    if len(why) > _MOST_NAMED:
        named.append(text("and {:,} more", len(why) - _MOST_NAMED))
    return text("These maps are made without {}: {}", wishes, joined(", ", named))


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
            bias=_bias(bias),
        ),
    )


def add_evidence(page: Page, sentences: Sequence[str], measured: Sequence[Measured]) -> Page:
    """What speaks for the pattern within cells, and how right that is; nothing for models that do not say."""
    if sentences:
        page.heading("What speaks for the pattern within cells")
        for sentence in sentences[:_MOST_SENTENCES]:
            page.paragraph(text("{}.", sentence))
        more = len(sentences) - _MOST_SENTENCES
        if more > 0:
            page.paragraph(text("{} in the log.", counted(more, "more sentence is", "more sentences are")))
    for one in measured:
        page.paragraph(text("{}.", one.rule))
    return page
