"""What came of maps: what models say of them, how they lie beside SMAP and what soil can hold."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.threads import ordered_map
from ...base.words import counted, text
from ...geo.blocks import row_blocks
from ...geo.datasets import open_dataset, read_band
from ...geo.grid import Window
from ...geo.lattice import Lattice
from ...methods.base import Model
from ...methods.keys import POOLED
from ...methods.measured import Measured
from ...runs.fingerprint import tags_of_file
from .closure_report import closure_lines, far_sentence, unfinished_sentence
from .inputs import NO_MEAN, SMAP_TAG, MapInputs
from .limits import Beyond, beyond_sentence
from .numbers.closure import CellSums, Closure

#: Tag of a map: SD of the noise that was found in SMAP of its date, m3 m-3.
NOISE_TAG = "SMAP_NOISE"
#: Rows of pixels that are asked for whether a model covers them, and the share that is told, per cent.
_ROWS_ASKED, _MUCH_BEYOND = 50, 1.0
#: Advice on maps that are far from SMAP.
_WHY_FAR = "check that covariates, their units and SMAP are those of the training"


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
    beyond = [date for date in report.unseen if not _within(date, inputs.days)]
    if beyond:
        progress.warn(
            text(
                "{} beyond the dates of the model ({} to {}), from {} to {}, and mapped with the mean of its "
                "nearest date; train it on a series that reaches them",
                counted(len(beyond), "day is", "days are"),
                *(dt.date.fromordinal(inputs.days[end]) for end in (0, -1)),
                beyond[0],
                beyond[-1],
            )
        )
    _check_reach(inputs, inputs.model(min(dates)), progress)
    if report.unseen:
        progress.log(
            text(
                "{} without SMAP: mapped from the state of all dates, with wider intervals, and marked by "
                "the tag {}=none",
                counted(len(report.unseen), "day"),
                SMAP_TAG,
            )
        )


def _check_reach(inputs: MapInputs, model: Model, progress: Progress) -> None:
    """Warn of pixels beyond the cells of a model, which get no value; refuse a part without others."""
    grid, smap = inputs.part.grid, inputs.forests.grid
    if smap is None:
        return
    lattice, step = Lattice(grid, smap), max(1, grid.height // _ROWS_ASKED)
    rows = [lattice.positions(Window(row, 0, 1, grid.width)) for row in range(0, grid.height, step)]
    beyond = 100 * (1 - float(np.mean([model.covers(*one) for one in rows])))
    if beyond >= 100:
        raise InputError(
            f"{inputs.stack.source}: its pixels lie beyond the cells that {inputs.forests.path} was trained "
            "on; train a model on SMAP of this area."
        )
    if beyond >= _MUCH_BEYOND:
        progress.warn(
            text(
                "{}: {:.0f} % of its pixels lie beyond the cells of the model, and get no value",
                inputs.stack.source,
                beyond,
            )
        )


def _within(date: dt.date, days: Sequence[int]) -> bool:
    return days[0] <= date.toordinal() <= days[-1]


@dataclass(frozen=True, eq=False)
class Look:
    """What a map, or blocks of it, come to beside SMAP and what soil can hold.

    `sums`: over SMAP's cells; empty where nobody knows SMAP.
    """

    sums: tuple[tuple[Window, CellSums], ...] = ()
    beyond: Beyond = field(default_factory=Beyond)

    def __add__(self, other: Look) -> Look:
        """Both."""
        return Look(self.sums + other.sums, self.beyond + other.beyond)


def look_at(inputs: MapInputs, block: Window, values: np.ndarray) -> Look:
    """A block of a map as it is read back: float32, shape (rows, columns), NaN where missing."""
    under = inputs.under
    sums = () if under is None else tuple(under.sums_of((block, [values]), weights=False))
    return Look(sums, inputs.limits.beyond(values, block, inputs.clip))


def look_back(inputs: MapInputs, path: Path, progress: Progress = SILENT) -> Look:
    """The same of a map that is there.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    dataset, found = open_dataset(path), Look()
    for rows in row_blocks(inputs.part.grid.whole):
        progress.check()
        found += look_at(inputs, rows, read_band(dataset, 1, rows))
    return found


def take_look(inputs: MapInputs, report: MapsReport, date: dt.date, look: Look) -> None:
    """Put into the report what a map came to.

    Raises
    ------
    InputError
        If SMAP of its date cannot be read.
    """
    report.beyond[date] = look.beyond
    under = inputs.under
    smap = None if under is None else inputs.smap_on(date, under)
    if under is None or smap is None:
        if under is not None and inputs.finish.steps and date not in report.unseen:
            report.unfinished[date] = "no SMAP"
        return
    report.closures[date] = under.over(look.sums).closure(smap)
    report.noise.setdefault(date, math.nan)
    if inputs.finish.residual:
        noise = tags_of_file(report.files[date], (NOISE_TAG,)).get(NOISE_TAG)
        if noise:
            report.noise[date] = float(noise)
        else:
            report.unfinished.setdefault(date, "no field could be fitted")


def tell_looks(inputs: MapInputs, report: MapsReport, threads: int, progress: Progress) -> None:
    """Say how all maps, those of an earlier run too, lie beside SMAP on their dates."""
    counter = progress.counter(len(report.kept), "maps of an earlier run looked at")
    files = [report.files[date] for date in report.kept]
    with contextlib.closing(ordered_map(partial(look_back, inputs), files, threads, progress)) as looks:
        for date, look in zip(report.kept, looks):
            take_look(inputs, report, date, look)
            counter.advance()
    report.closures = dict(sorted(report.closures.items()))
    report.beyond = dict(sorted(report.beyond.items()))
    if inputs.under is None:
        return
    for line in closure_lines(report.closures, report.noise, inputs.finish.exact):
        progress.log(line)
    if report.unfinished:
        progress.warn(unfinished_sentence(inputs.finish.words, report.unfinished))
    far = far_sentence(report.closures, report.noise, _WHY_FAR)
    if far is not None:
        progress.warn(far)


def tell_beyond(inputs: MapInputs, report: MapsReport, progress: Progress = SILENT) -> None:
    """Say how many pixels of all maps lie outside of 0 to saturation."""
    limits = inputs.limits
    total = sum(report.beyond.values(), Beyond())
    sentence = beyond_sentence(total, limits, inputs.clip)
    if total.is_much and not inputs.clip:
        progress.warn(sentence + "; mistrust them, or bring them to it with CLIP")
    else:
        progress.log(sentence)
