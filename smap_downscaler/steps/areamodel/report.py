"""The report of trained area-to-point models: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from ...base.dates import period_text
from ...base.words import Text, counted, text
from ...methods.area.levels import GAIN, LEAST_SHOWN, MOST_SHOWN
from ...methods.area.summary import SUPPORTED_SNR
from ...preflight.layer_check import Preflight
from ...preflight.report import begin_page
from ...report.number_text import UNIT, fixed, number_text, score_text
from ...report.page import Page
from ...stats.distribution import Distribution
from .figures import (
    MOST_BARS,
    curves_figure,
    evidence_figure,
    fields_figure,
    footprint_figure,
    shares_figure,
)
from .numbers.outcome import SHARES, AreaOutcome, Curve, Fitted, LevelSummary

#: Noise of SMAP's retrievals that the mission promises, m3 m-3.
SMAP_NOISE = 0.04
#: Covariates whose curves fit on a page, dates whose curves are drawn, and lines of a table.
_MOST_CURVES, _MOST_DATES, _MOST_LINES = 24, 3, 60
_WITHIN = "SMAP's values within their interval, %"
#: An effect smaller than this everywhere is none to a reader, m3 m-3.
_HARDLY = 5e-4


def area_page(
    outcome: AreaOutcome,
    covariates: Sequence[str],
    warnings: Sequence[str],
    found: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report; `manifest` says what the models came from, `footer` is the last line."""
    page = begin_page(
        "Area-to-point model of soil moisture",
        _subtitle(outcome),
        _facts(outcome, covariates),
        warnings,
        found,
    )
    _evidence(page, outcome)
    _shares(page, outcome)
    _curves(page, outcome)
    _fields(page, outcome)
    _footprint(page, outcome)
    _noise(page, outcome)
    _held_out(page, outcome)
    _left_out(page, outcome)
    return page.manifest(manifest).footer(footer)


def _dates_of(outcome: AreaOutcome) -> list[dt.date]:
    return [key for key in outcome.fitted if isinstance(key, dt.date)]


def _subtitle(outcome: AreaOutcome) -> Text:
    dates = _dates_of(outcome)
    if dates:
        return text("{}, a model each, {}", counted(len(dates), "date"), period_text(dates))
    one = next(iter(outcome.fitted.values()))
    days, cells = counted(one.n_dates, "date"), counted(one.n_cells, "cell")
    return text("One model on two levels of {} and {}", days, cells)


def _facts(outcome: AreaOutcome, covariates: Sequence[str]) -> list[tuple[str, str]]:
    used = [name for name in covariates if name not in outcome.left_out]
    return [
        ("Levels", outcome.levels),
        ("SMAP cells", text("the stack meets {:,} of {:,} with soil moisture", outcome.met, outcome.wanted)),
        ("Cells in the model", over_models(outcome, "n_cells", ",.0f")),
        ("Footprint, km", over_models(outcome, "footprint_km", ".0f")),
        (f"Noise of SMAP (SD), {UNIT}", over_models(outcome, "noise_sd", ".4f")),
        ("Smoothness of the field (H)", over_models(outcome, "hurst", ".2f")),
        ("Covariates", ", ".join(used)),
        ("Covariates left out", ", ".join(outcome.left_out) or "none"),
        ("Dates left out", text("{:,}", len(outcome.skipped))),
    ]


def over_models(outcome: AreaOutcome, name: str, places: str) -> Text:
    """A number of the models: the one, or its median and range."""
    values = np.array([getattr(one, name) for one in outcome.fitted.values()])
    if np.ptp(values) == 0:
        return fixed(float(values[0]), places)
    ends = fixed(float(values.min()), places), fixed(float(values.max()), places)
    return text("{} (median; {} to {})", fixed(float(np.median(values)), places), *ends)


def _named_levels(outcome: AreaOutcome) -> list[tuple[str, Fitted, int]]:
    """What each level of each model is called, the model, and the level's number."""
    found = []
    for one in outcome.fitted.values():
        for number, level in enumerate(one.levels):
            found.append((one.name or level.name, one, number))
    return found


def _evidence(page: Page, outcome: AreaOutcome) -> None:
    page.heading("What speaks for the pattern within cells")
    if len(outcome.fitted) == 1:
        for sentence in next(iter(outcome.fitted.values())).evidence:
            page.paragraph(_sentence(sentence))
    else:
        dates = counted(outcome.all_levels, "date")
        page.paragraph(text("The pattern is supported on {} of {}.", outcome.supported, dates))
    levels = _named_levels(outcome)
    days, own = _dates_of(outcome), [one.levels[number] for _, one, number in levels]
    if len(days) > 1:
        shown, good = np.array([one.shown for one in own]), [one.supported for one in own]
        page.picture(evidence_figure(days, shown, np.array(good)), "Share of the pattern shown, by date")
    rows = [
        (
            name,
            text("{:,}", one.levels[number].cells),
            text("{:,}", one.n_dates),
            fixed(one.levels[number].snr, ".2f"),
            fixed(one.levels[number].gain, ".1f"),
            fixed(one.levels[number].shown, ".2f"),
        )
        for name, one, number in levels[:_MOST_LINES]
    ]
    page.table(("level", "cells", "dates", "signal-to-noise", "gain", "lambda"), rows)
    _more(page, len(levels))
    page.paragraph(
        text(
            "Signal-to-noise: which part of the detail's variance is known, from none to all. Gain: by how "
            "much the covariates make SMAP's cells likelier, in log likelihood; from {:g} on, with a "
            "signal-to-noise of {:g}, the pattern is supported. Lambda: which share of it maps show, from "
            "{:g} where nothing speaks for it to {:g}, unless 'Downscale' is told otherwise by DETAIL: "
            "where the truth is known that is better than to show all or nothing. Supported is not proven: "
            "SMAP does not see within its cells.",
            GAIN,
            SUPPORTED_SNR,
            LEAST_SHOWN,
            MOST_SHOWN,
        )
    )
    for one in outcome.measured:
        page.paragraph(text("{}.", one.rule))


def _sentence(words: str) -> str:
    """What the method says, with its full stop."""
    return words if words.endswith(".") else words + "."


def _shares(page: Page, outcome: AreaOutcome) -> None:
    levels = _named_levels(outcome)
    kinds = [kind for kind in SHARES if any(kind in one.levels[n].shares for _, one, n in levels)]
    page.heading("Where the variance comes from").picture(
        shares_figure(
            [name for name, _, _ in levels[:MOST_BARS]],
            [one.levels[number].shares for _, one, number in levels[:MOST_BARS]],
            kinds,
        ),
        "Shares of the variance by level",
        "Terms: what the covariates tell; field: what varies smoothly and no covariate tells; noise: that of "
        "SMAP, by itself in each cell or over its footprint.",
    )
    rows = [
        (name, *(fixed(100 * one.levels[number].shares.get(kind, 0.0), ".1f") for kind in kinds))
        for name, one, number in levels[:_MOST_LINES]
    ]
    page.table(("level", *kinds), rows, "Shares of the variance, %")
    _more(page, len(levels))


def _curves(page: Page, outcome: AreaOutcome) -> None:
    """What covariates tell, of some dates where there are many; variances are in the table TERMS_TABLE."""
    single = len(_dates_of(outcome)) > 0
    shown = list(outcome.fitted.values())
    if single and len(shown) > _MOST_DATES:
        places = np.linspace(0, len(shown) - 1, _MOST_DATES).round().astype(int)
        shown = [shown[place] for place in places.tolist()]
    for one in shown:
        for level, curves in zip(one.levels, one.curves):
            own = sorted(curves, key=lambda curve: -curve.spread)
            name = one.name or level.name
            if not own:
                continue
            page.heading(f"What the covariates tell, {name}")
            if all(np.ptp(curve.effect) < _HARDLY for curve in own):
                page.paragraph("By themselves the covariates tell hardly anything here.")
                continue
            # A class has no curve, only a step.
            drawn = [curve for curve in own[:_MOST_CURVES] if not curve.is_class] or own[:_MOST_CURVES]
            page.picture(
                curves_figure(drawn),
                f"Curves of the covariates, strongest first, {name}",
                f"Line: departure of soil moisture over the pixels' values{_of_what(outcome, one, level)}"
                "; band: two standard deviations. Marks: each fortieth of the pixels. Products of covariates "
                "are not in it. It shows what the model makes of SMAP, not what governs soil moisture: of "
                "covariates that go together, it may follow any.",
            )
            page.facts([(curve.covariate, curve_text(curve)) for curve in own[:_MOST_CURVES]])
    if single and len(outcome.fitted) > len(shown):
        page.paragraph(
            text("The curves of all {} are in the table TERMS_TABLE.", counted(len(outcome.fitted), "date"))
        )


def _of_what(outcome: AreaOutcome, one: Fitted, level: LevelSummary) -> str:
    """What the curves of a level are of, as a part of a sentence."""
    if len(one.levels) == 1:
        return ""
    if level is one.levels[0]:
        return " (of dated covariates, over their mean over the dates)" if outcome.dated else ""
    return (
        " (of those of the stack on a date that is wetter than the mean by one standard deviation; of dated "
        "ones on the day itself)"
        if outcome.dated
        else ", on a date that is wetter than the mean by one standard deviation"
    )


def curve_text(curve: Curve) -> Text:
    """Which way soil moisture goes with a covariate, in a sentence."""
    unit = f" {curve.unit}" if curve.unit else ""
    reach, at = (
        float(np.ptp(curve.effect)),
        (0, -1, int(np.argmin(curve.effect)), int(np.argmax(curve.effect))),
    )
    first, last, lowest, highest = (number_text(float(curve.values[place])) + unit for place in at)
    if reach < _HARDLY and curve.is_class:
        return Text("soil moisture hardly differs from elsewhere.")
    if reach < _HARDLY:
        return text("soil moisture hardly changes from {} to {}.", first, last)
    change = fixed(reach, ".3f")
    if curve.is_class:
        more = "wetter" if curve.net > 0 else "drier"
        words = text("soil is {} by {} {} than elsewhere", more, change, UNIT)
    elif curve.direction == "both":
        words = text("soil moisture is lowest at {} and highest at {}", lowest, highest)
        words += text(", {} {} apart", change, UNIT)
    else:
        words = text("soil moisture {} by {} {} from {} to {}", curve.direction, change, UNIT, first, last)
    spread = text("; SD over the pixels {}", fixed(curve.spread, ".4f"))
    return words + spread + ("." if curve.is_clear else ", within its band everywhere.")


def _fields(page: Page, outcome: AreaOutcome) -> None:
    page.heading("What no covariate tells: the field").picture(
        fields_figure(outcome.fields),
        "Maps of the field",
        "Wetter (blue-green) and drier (brown) than the covariates tell, less the mean; north is up.",
    )
    for note in outcome.notes:
        page.paragraph(_sentence(note))


def _footprint(page: Page, outcome: AreaOutcome) -> None:
    known = [one for one in outcome.fitted.values() if one.footprints]
    if not known:
        return
    one = known[0]
    best = min(one.footprints.values())
    page.heading("The footprint of SMAP").picture(
        footprint_figure(one.footprints, one.footprint_km, text("chosen: {:g} km", one.footprint_km)),
        "Likelihood by footprint",
        "SMAP's radiometer sees a circle of about 30 km; whether its cells are blurred as much is found by "
        "likelihood. A difference of four is as clear as two standard deviations.",
    )
    rows = [
        (text("{:g}", width), fixed(value - best, ".1f")) for width, value in sorted(one.footprints.items())
    ]
    page.table(("full width, km", "twice the log likelihood below the best"), rows)


def _noise(page: Page, outcome: AreaOutcome) -> None:
    values = np.array([one.noise_sd for one in outcome.fitted.values()])
    page.heading("The noise of SMAP").paragraph(
        text(
            "The model found a noise of {} {}{}. The mission's own figure, {:.2f} {}, also holds errors that "
            "all cells of a date share, and those of a place that last: the model cannot see these, and its "
            "intervals do not hold them.",
            fixed(float(np.median(values)), ".4f"),
            UNIT,
            " (median over the dates)" if len(values) > 1 else "",
            SMAP_NOISE,
            UNIT,
        )
    )


def _held_out(page: Page, outcome: AreaOutcome) -> None:
    scores = [one.scores for one in outcome.fitted.values() if one.scores is not None]
    if not scores:
        return
    page.heading("Error at cells that are held out one by one")
    if len(scores) == 1:
        page.facts(
            [
                (f"RMSE, {UNIT}", score_text(scores[0].rmse)),
                ("R² = 1 - SSE/SST", fixed(scores[0].r2, ".3f")),
                (f"bias, {UNIT}", score_text(scores[0].bias)),
                (_WITHIN, fixed(100.0 * scores[0].held, ".1f")),
            ]
        )
    else:
        spread = Distribution.of(np.array([one.rmse for one in scores]))
        within = Distribution.of(np.array([100.0 * one.held for one in scores]))
        page.facts(
            [
                (
                    f"RMSE, {UNIT}",
                    text(
                        "{} (median over the dates; {} to {})",
                        *(score_text(one) for one in (spread.median, spread.minimum, spread.maximum)),
                    ),
                ),
                (
                    _WITHIN,
                    text(
                        "{:.1f} (median over the dates; {:.1f} to {:.1f})",
                        within.median,
                        within.minimum,
                        within.maximum,
                    ),
                ),
            ]
        )
    page.paragraph(
        "Each cell is told by all others, those beside it among them, which share its footprint: this "
        "flatters the maps. 'Cross-validate models' with blocks is stricter; a low error on SMAP's cells "
        "is not skill at 100 m. The interval is that of what SMAP sees, its noise included, and is to hold "
        "nine tenths of the values; the help has what was measured of models like these."
    )


def _left_out(page: Page, outcome: AreaOutcome) -> None:
    if outcome.left_out:
        page.heading("Covariates that were left out")
        page.table(("covariate", "reason"), list(outcome.left_out.items()))
    if not outcome.skipped:
        return
    page.heading("Dates that were left out")
    lines = [(str(date), reason) for date, reason in sorted(outcome.skipped.items())]
    page.table(("date", "reason"), lines[:_MOST_LINES])
    _more(page, len(lines))


def _more(page: Page, lines: int) -> None:
    if lines > _MOST_LINES:
        page.paragraph(text("... and {:,} more; all are in the table SCORES.", lines - _MOST_LINES))
