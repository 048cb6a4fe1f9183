"""From SMAP and a fine stack to a file of area-to-point models: one on two levels, or one a date."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...base.cluster import on_cluster, spread
from ...base.errors import InputError
from ...base.matrix_columns import RESPONSE, RESPONSE_UNIT
from ...base.progress import SILENT, Progress
from ...base.version import plugin_version
from ...base.words import counted, joined, text
from ...methods.area.core import LEAST_DATES, LEAST_OF_DATE
from ...methods.area.data import LEAST_CELLS
from ...methods.area.method import AREA_TO_POINT
from ...methods.area.model import AreaModel
from ...methods.area.settings import AreaSettings
from ...methods.area.terms import LEAST_CLASS, MOST_CLASSES
from ...methods.base import Cells
from ...methods.file.reader import ModelWriter
from ...methods.keys import BY_DATE, POOLED, Key, PooledKey, key_number
from ...preflight.sample import Sampler, range_of
from ...runs.fingerprint import lasting
from ...series.tags import area_tags
from .numbers.outcome import AreaOutcome, indicator, quantiles
from .rows import AreaInputs, AreaRows, area_rows, taken
from .stack_points import POINTS, StackPoints

AUTO, TWO_LEVELS, SINGLE_DATES = "auto", "two levels", "single dates"
#: The first is the default.
LEVELS = (AUTO, TWO_LEVELS, SINGLE_DATES)
#: Dates named in a warning, at most.
_MOST_NAMED = 10
#: A share of the cells with soil moisture that the stack meets, below which it is told as a warning.
_FEW_MET = 0.5
#: Share of the pixels in classes without a column that is told as a warning.
_MANY_UNCLASSED = 0.05
#: Rasters of a dated covariate by which the ranges of its curves are found.
_DATES_SEEN = 12
_READING, _FITTING = 0.1, 0.95
#: What to do where nothing can be fitted.
_ADVICE = "give a larger area, or fewer covariates or TERMS"


@dataclass(frozen=True, eq=False)
class LevelChoice:
    """What is fitted: on two levels or date by date, and the rows for it."""

    levels: str
    rows: AreaRows

    @property
    def mode(self) -> str:
        """Of the models' keys."""
        return POOLED if self.levels == TWO_LEVELS else BY_DATE


def chosen_levels(inputs: AreaInputs, rows: AreaRows, levels: str) -> LevelChoice:
    """The levels that are wanted, or of `AUTO` two where there are dates enough, without thin dates.

    Raises
    ------
    InputError
        If there are too few dates or cells.
    """
    if len(rows.possible) < LEAST_CELLS:
        advice = "a stack that covers more of them" if rows.wanted >= LEAST_CELLS else "a larger area"
        raise InputError(
            f"{inputs.smap.source}: the fine stack meets {rows.covered}, and a model needs {LEAST_CELLS}; "
            f"give {advice}."
        )
    if levels != SINGLE_DATES:
        two = rows.of_dates(LEAST_OF_DATE)
        if len(two.dates) >= LEAST_DATES:
            return LevelChoice(TWO_LEVELS, two)
        if levels == TWO_LEVELS:
            few = text(" of at least {} cells", LEAST_OF_DATE) if len(rows.dates) > len(two.dates) else ""
            raise InputError(
                f"LEVELS is '{TWO_LEVELS}', which needs {LEAST_DATES} dates{few}, and {inputs.smap.source} "
                f"has {len(two.dates)} that can be used; give more dates, or LEVELS '{SINGLE_DATES}'."
            )
    single = rows.of_dates(LEAST_CELLS)
    if not single.dates:
        most = int(np.unique(rows.cells.days, return_counts=True)[1].max())
        raise InputError(
            f"{inputs.smap.source}: no date has soil moisture{' and DYNAMIC' if inputs.dynamic else ''} in "
            f"the {LEAST_CELLS} cells under the fine stack that a model needs (the best has {most:,}); give "
            "a larger area, or other dates."
        )
    return LevelChoice(SINGLE_DATES, single)


def train_area_model(
    inputs: AreaInputs,
    settings: AreaSettings,
    levels: str,
    output: str | Path,
    threads: int = 1,
    progress: Progress = SILENT,
) -> AreaOutcome:
    """Fit area-to-point models and write them to the file `output`.

    Raises
    ------
    InputError
        If there are too few dates or cells, no date can be fitted, or a file cannot be read or written.
    """
    rows = area_rows(inputs, progress.part(0.0, _READING))
    progress.log(f"The stack meets {rows.covered}.")
    choice = chosen_levels(inputs, rows, levels)
    rows = choice.rows
    for date, reason in rows.skipped.items():
        progress.log(f"{date}: left out, {reason}")
    progress.log(
        f"{counted(len(rows.cells.y), 'row')} of {counted(len(rows.dates), 'date')}, {choice.levels}"
    )
    outcome = AreaOutcome(
        choice.levels,
        skipped=dict(rows.skipped),
        dated=tuple(dated.name for dated in inputs.dynamic),
        wanted=rows.wanted,
        met=len(rows.possible),
    )
    progress.set_text("Looking at the pixels of the covariates")
    pixels = _pixels(inputs, settings.categorical, rows, progress)
    writer = _writer(inputs, settings, choice, pixels.ranges, output, progress)
    AREA_TO_POINT.get_ready()
    with writer:
        work = _Work(inputs, settings, rows, writer, outcome, pixels)
        fit = work.all_dates if choice.mode == POOLED else work.each_date
        fit(threads, progress.part(_READING, _FITTING))
    return outcome


@dataclass(frozen=True, eq=False)
class _Work:
    """What models are fitted to, and where they go: a file, and in short the outcome."""

    inputs: AreaInputs
    settings: AreaSettings
    rows: AreaRows
    writer: ModelWriter
    outcome: AreaOutcome
    pixels: _Pixels

    def all_dates(self, threads: int, progress: Progress) -> None:
        """One model on two levels."""
        cells = self.rows.cells
        progress.set_text(f"Fitting {AREA_TO_POINT.size_text(self.settings, len(cells.y))}")
        try:
            if on_cluster():
                progress.log("SCHEDULER: a model on two levels is one piece of work, which one worker does")
                ((_item, model),) = spread(_of_all, [(self.settings, cells)], threads, progress)
            else:
                model = _of_all(self.settings, cells, progress)
        except InputError as error:
            # What a method says of one date of many gives no advice.
            advice = "" if str(error).endswith(".") else f"; {_ADVICE}, or LEVELS '{SINGLE_DATES}'."
            raise InputError(f"{self.inputs.smap.source}: {error}{advice}") from error
        for day, reason in model.skipped.items():
            progress.log(f"{dt.date.fromordinal(day)}: left out, {reason}")
        progress.set_text("Writing the model")
        self._add(PooledKey(), model, len(np.unique(cells.cells, axis=0)), progress)

    def each_date(self, threads: int, progress: Progress) -> None:
        """A model a date."""

        cells, dates, outcome = self.rows.cells, self.rows.dates, self.outcome
        days = ((self.settings, (date, taken(cells, cells.days == date.toordinal()))) for date in dates)
        counter = progress.counter(len(dates), "dates")
        with contextlib.closing(spread(_of_date, days, threads, progress)) as models:
            for (_settings, (date, own)), made in models:
                if isinstance(made, str):
                    outcome.failed[date] = outcome.skipped[date] = made.rstrip(".")
                else:
                    self._add(date, made, len(own.y), progress)
                counter.advance()
        if not outcome.fitted:
            first, reason = next(iter(outcome.failed.items()))
            # Some reasons say themselves what to do.
            advice = "" if ";" in reason else f"; {_ADVICE}"
            raise InputError(f"{self.inputs.smap.source}: no date can be fitted ({first}: {reason}){advice}.")

    def _add(self, key: Key, model: AreaModel, seen: int, progress: Progress) -> None:
        """A model, and how many cells with soil moisture there were for it."""
        self.writer.add(key, model, progress=progress)
        of_all, of_means, _ranges, classes = self.pixels
        self.outcome.unused += seen - model.n_cells
        known = model.levels[0].variances
        for name, shares in classes.items():
            lost = 1.0 - sum(share for label, share in shares.items() if label in known)
            if name not in model.left_out:
                self.outcome.unclassed[name] = lost
        self.outcome.add(key, model, self.rows.possible, of_all, of_means, self.inputs.units)


def _of_all(settings: AreaSettings, cells: Cells, progress: Progress) -> AreaModel:
    """The model of all dates."""
    return AREA_TO_POINT.fit(cells, settings, key_number(PooledKey()), progress)


def _of_date(settings: AreaSettings, own: tuple[dt.date, Cells], progress: Progress) -> AreaModel | str:
    """The model of a date, or why it cannot be fitted."""
    date, cells = own
    try:
        return AREA_TO_POINT.fit(cells, settings, key_number(date), progress)
    except InputError as error:
        # One date that cannot be fitted is no reason to lose the others.
        return str(error)


def _writer(
    inputs: AreaInputs,
    settings: AreaSettings,
    choice: LevelChoice,
    ranges: Mapping[str, tuple[float, float]],
    output: str | Path,
    progress: Progress,
) -> ModelWriter:
    points = StackPoints.of(inputs.stack, inputs.smap.grid.crop(inputs.under_stack), progress)
    extra: dict[str, object] = {
        "smap": lasting(inputs.smap.source),
        "filled": inputs.smap.has_filled(),
        "levels": choice.levels,
        "grid": asdict(inputs.smap.grid),
        "ranges": {name: list(ends) for name, ends in ranges.items()},
        POINTS: points.as_dict(),
        **(area_tags(inputs.aoi) if inputs.aoi else {}),
    }
    return ModelWriter(
        output,
        inputs.names,
        inputs.units,
        RESPONSE,
        RESPONSE_UNIT,
        settings,
        plugin_version(),
        extra,
        choice.mode,
        method=AREA_TO_POINT,
    )


class _Pixels(NamedTuple):
    """Quantiles of covariates, those of the dates' mean of dated ones, and ranges, by name; shares of the
    classes of each covariate that is codes, by the name of their columns."""

    quantiles: dict[str, np.ndarray]
    of_means: dict[str, np.ndarray]
    ranges: dict[str, tuple[float, float]]
    classes: dict[str, dict[str, float]]


def _pixels(inputs: AreaInputs, categorical: Sequence[str], rows: AreaRows, progress: Progress) -> _Pixels:
    """What the pixels over the cells hold of each covariate, from a sample."""
    sampler = Sampler(inputs.smap.grid.crop(inputs.under_stack), inputs.mask, progress, inputs.aoi)
    values = {name: sampler.sample(inputs.stack.band(name)).values for name in inputs.stack.names}
    means: dict[str, np.ndarray] = {}
    dates = rows.dates
    shown = {dates[round(part * (len(dates) - 1) / (_DATES_SEEN - 1))] for part in range(_DATES_SEEN)}
    for dated in inputs.dynamic:
        sources = [source for date in sorted(shown) if (source := dated.source(date)) is not None]
        of_dates = np.stack([sampler.sample(source).values for source in sources])
        values[dated.name] = of_dates.ravel()
        # All points on all dates: a mean of some is of other weather.
        means[dated.name] = quantiles(of_dates.mean(axis=0))
    classes = {name: _class_shares(name, values[name]) for name in categorical if name in values}
    found = {name: quantiles(own) for name, own in values.items() if name not in classes}
    for shares in classes.values():
        found.update({label: indicator(share) for label, share in shares.items()})
    ends = {name: range_of(own) for name, own in values.items() if np.isfinite(own).any()}
    return _Pixels(
        {name: own for name, own in found.items() if own.size},
        {name: own for name, own in means.items() if own.size},
        ends,
        classes,
    )


def _class_shares(name: str, values: np.ndarray) -> dict[str, float]:
    """The share of the pixels that each class has, by the name of its column."""
    codes, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return {f"{name} = {code:g}": int(count) / int(counts.sum()) for code, count in zip(codes, counts)}


def outcome_warnings(inputs: AreaInputs, outcome: AreaOutcome) -> list[str]:
    """What may be wrong with models, a sentence each."""
    found: list[str] = []
    if outcome.met < _FEW_MET * outcome.wanted:
        found.append(
            text(
                "COVARIATES ({}): it meets {:.0f} % of the {:,} cells with soil moisture, and the others are "
                "not used; give a stack of the whole area where they are wanted",
                inputs.stack.source,
                100 * outcome.met / outcome.wanted,
                outcome.wanted,
            )
        )
    for name, reason in outcome.left_out.items():
        found.append(f"{name} is left out of the model: {reason}")
    for name, share in outcome.unclassed.items():
        if share > _MANY_UNCLASSED:
            found.append(
                text(
                    "CATEGORICAL: {:.0f} % of the pixels of {} have codes that are no class of the model, "
                    "which are as if they had none: only the {} most frequent codes are, of {:g} % of the "
                    "pixels or more; join rare classes, or leave {} out of CATEGORICAL if it is a number",
                    100 * share,
                    name,
                    MOST_CLASSES,
                    100 * LEAST_CLASS,
                    name,
                )
            )
    unused = unused_sentence(outcome)
    if unused and outcome.used < _FEW_MET * (outcome.used + outcome.unused):
        found.append(unused)
    if outcome.failed:
        some = sorted(outcome.failed.items())[:_MOST_NAMED]
        named = [text("{} ({})", date, reason) for date, reason in some]
        if len(outcome.failed) > _MOST_NAMED:
            named.append(text("and {:,} more", len(outcome.failed) - _MOST_NAMED))
        found.append(text("These dates are left out of the model: {}", joined(", ", named)))
    at_end = (one.footprint_note for one in outcome.fitted.values() if one.footprint_at_end)
    return [*found, *dict.fromkeys(note for note in at_end if note)]


def unused_sentence(outcome: AreaOutcome) -> str:
    """Why cells with soil moisture are in no model; empty where all are."""
    if not outcome.unused:
        return ""
    footprint = max(one.footprint_km for one in outcome.fitted.values())
    beyond = text(", or less than nine tenths of what SMAP sees of it ({:g} km wide),", footprint)
    once = "SMAP saw them on one date only, or " if outcome.levels == TWO_LEVELS else ""
    return text(
        "{} of {} with soil moisture {} not used: {}less than half of a cell{} lies on pixels with a value",
        text("{:,}", outcome.unused),
        counted(outcome.used + outcome.unused, "cell" if once else "value"),
        "is" if outcome.unused == 1 else "are",
        once,
        beyond if footprint else "",
    )
