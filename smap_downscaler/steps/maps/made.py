"""What came of maps: what models say of them, how they lie beside SMAP and what soil can hold."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...methods.keys import POOLED
from ...methods.measured import Measured
from ...runs.fingerprint import tags_of_file
from .closure_report import closure_lines, unfinished_sentence
from .inputs import NO_MEAN, SMAP_TAG, MapInputs
from .limits import Beyond, beyond_sentence
from .numbers.closure import Closure

#: Tag of a map: SD of the noise that was found in SMAP of its date, m3 m-3.
NOISE_TAG = "SMAP_NOISE"


@dataclass
class MapsReport:
    """Result for each date: the file of each map, those kept from an earlier run, why dates have none.

    `closures`: how maps lie beside SMAP, where it is known; `noise`: SD of SMAP's noise by date, m3 m-3, NaN
    where nobody knows; `unfinished`: why RESIDUAL or CONSISTENCY was not done; `unseen`: days that models
    have no SMAP of; `evidence`: what models say of the pattern within cells; `measured`: how right such were
    where the truth is known; `beyond`: how many of a map's pixels lie outside of 0 to saturation.
    """

    files: dict[dt.date, Path] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    skipped: dict[dt.date, str] = field(default_factory=dict)
    closures: dict[dt.date, Closure] = field(default_factory=dict)
    noise: dict[dt.date, float] = field(default_factory=dict)
    unfinished: dict[dt.date, str] = field(default_factory=dict)
    unseen: list[dt.date] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    beyond: dict[dt.date, Beyond] = field(default_factory=dict)


def ask_models(inputs: MapInputs, dates: Sequence[dt.date], report: MapsReport, progress: Progress) -> None:
    """Log what models that see cells say of the dates; refuse what their footprint does not allow."""
    if not inputs.forests.method.sees_cells:
        return
    for date in sorted(set(dates)):
        progress.check()
        model = inputs.model(date)
        if inputs.finish.exact and model.footprint_km > 0:
            raise InputError(
                f"CONSISTENCY is 'exact', but the footprint of {inputs.forests.path} is "
                f"{model.footprint_km:g} km: {NO_MEAN}."
            )
        report.noise[date] = model.noise_sd
        if inputs.is_unseen(date):
            report.unseen.append(date)
        if report.evidence and inputs.forests.mode == POOLED:
            continue
        for line in model.evidence():
            said = line if inputs.forests.mode == POOLED else text("{}: {}", date, line)
            report.evidence.append(said)
            (progress.warn if line in model.doubts() else progress.log)(said)
        if model.measured is not None and model.measured not in report.measured:
            report.measured.append(model.measured)
    for one in report.measured:
        progress.log(one.rule)
    if report.unseen:
        progress.log(
            text(
                "{} without SMAP: mapped from the state of all dates, with wider intervals, and marked by "
                "the tag {}=none",
                counted(len(report.unseen), "day"),
                SMAP_TAG,
            )
        )


def hold_against_smap(inputs: MapInputs, report: MapsReport, progress: Progress) -> None:
    """How the maps, new and kept ones, lie beside SMAP on their dates."""
    under = inputs.under
    if under is None:
        return
    for date, path in report.files.items():
        smap = inputs.smap_on(date, under)
        if smap is None:
            if inputs.finish.steps and date not in report.unseen:
                report.unfinished[date] = "no SMAP"
            continue
        found = under.closure(path, smap, progress)
        noise = tags_of_file(path, (NOISE_TAG,)).get(NOISE_TAG)
        report.closures[date] = found
        report.noise[date] = float(noise) if noise else report.noise.get(date, math.nan)
        if inputs.finish.residual and not noise:
            report.unfinished.setdefault(date, "no field could be fitted")
    for line in closure_lines(report.closures, report.noise, inputs.finish.exact):
        progress.log(line)
    if report.unfinished:
        progress.warn(unfinished_sentence(inputs.finish.words, report.unfinished))


def tell_beyond(inputs: MapInputs, report: MapsReport, progress: Progress = SILENT) -> None:
    """Count, for the report, the pixels of all maps that lie outside of 0 to saturation, and say so.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    limits = inputs.limits
    for date, path in report.files.items():
        report.beyond[date] = limits.beyond(path, inputs.clip, progress)
    total = sum(report.beyond.values(), Beyond())
    sentence = beyond_sentence(total, limits, inputs.clip)
    if total.is_much and not inputs.clip:
        progress.warn(sentence + "; mistrust them, or bring them to it with CLIP")
    else:
        progress.log(sentence)
