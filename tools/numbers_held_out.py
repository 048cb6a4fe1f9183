"""What intervals hold of SMAP's values in cells that area-to-point models and forests have not seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numbers_crossvalidation import BLOCK_KM, SEED, Told
from numbers_intervals import of_date
from numbers_skill import SEEDS, demo_basin, granule, journal_of
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.base.version import plugin_version
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.settings import KINDS, AreaSettings
from smap_downscaler.methods.base import Candidate, Cells
from smap_downscaler.methods.keys import BY_DATE, POOLED, Key, PooledKey, key_number
from smap_downscaler.steps.crossvalidation.numbers.pieces import COVERAGE
from smap_downscaler.steps.crossvalidation.numbers.results import ValidationRun
from smap_downscaler.steps.crossvalidation.numbers.settings import LEAST_SIDE_KM, ValidationSettings
from smap_downscaler.steps.crossvalidation.read_rows import RowSource
from smap_downscaler.steps.crossvalidation.run import crossvalidate_rows
from smap_downscaler.steps.skill.contenders import area_settings
from smap_downscaler.steps.skill.known_truth import KnownTruth, SceneOf, make_trial
from smap_downscaler.steps.skill.numbers.truths import FLIP, MILD, STRONG
from smap_downscaler.steps.skill.scale_up import ScaleUp, window_trial, windows_of
from smap_downscaler.steps.skill.scene import MadeUp
from smap_downscaler.steps.skill.trial import Trial

FOLDS = 3
#: Cells along a side of the made-up landscape, and dates.
_CELLS, _DATES = 18, 12
#: Blocks of cells of 108 km that are held out, and windows of the granule.
_GRANULE_BLOCK_KM, _WINDOWS = 432.0, 2
_KNOWN = KnownTruth((MILD, FLIP, STRONG), (0.4,), dates=(_DATES,), seeds=SEEDS[:2], mapped=2)


class Group(NamedTuple):
    """Trials of one sort: their footprint, and the side of the blocks of cells that are held out."""

    name: str
    footprint_km: float
    block_km: float
    trials: Sequence[Trial]


def intervals_held_out(data: Path, _folder: Path) -> list[str]:
    """Shares of SMAP's values that intervals of 90 % hold in cells that models have not seen."""
    lines = [
        "## Intervals of 90 %: cells that models have not seen",
        "",
        f"Shares, %, of SMAP's noisy values that lie in their interval, as `crossvalidate` finds them "
        f"({FOLDS} folds of cells, or of blocks of cells; on two levels cells are held out on all their "
        "dates), and as 'Train an area-to-point model' and 'Train forests' tell them: of cells left out "
        "one by one, in closed form, or out of bag. Footprint given; noise given for single dates, else "
        f"estimated. Kinds mild, flip and strong, share .4, seeds {SEEDS[0]} and {SEEDS[1]} (the demo "
        f"basin: {SEEDS[0]}), of {_DATES} dates the driest and the wettest, or all on two levels: {_CELLS} x "
        f"{_CELLS} cells of a made-up landscape, and the demo basin of 150 cells. The granule of 36 km one "
        "scale up: blocks of 3 x 3 of its cells take the cells' place, in the "
        f"{_WINDOWS} windows with the most of them. Where there is a footprint of 33 km, "
        "a cell held out at random was seen all the same, by the footprints of its neighbours, whose noise "
        "is its own. Errors are a thirtieth (single dates) and a tenth (two levels) of SMAP's noise there, "
        "and intervals hold more than they are to, on single dates since models take no noise for less than "
        "a millionth of the variance. Cells that nothing saw are those of blocks.",
        "",
        "| | footprint, km | model | sets of rows | one by one | random folds | blocks (km) | RMSE, random "
        "| RMSE, blocks |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    journal = journal_of("held out")
    done = {record["name"]: record["found"] for record in journal.records()}

    def once(words: tuple[object, ...], work: Callable[[], list[float]]) -> list[float]:
        """What was found before a stop, else what is found now."""
        name = " ".join(str(word) for word in (plugin_version(), FOLDS, _CELLS, _KNOWN, *words))
        if name not in done:
            done[name] = work()
            journal.add({"name": name, "found": done[name]})
        return done[name]

    for group in groups(data):
        print(f"  {group.name}, {group.footprint_km:g} km", flush=True)
        found: dict[str, list[list[float]]] = {}
        for number, trial in enumerate(group.trials):
            all_dates = tuple(range(len(trial.days)))
            for dates in dict.fromkeys([*((date,) for date in trial.wanted), all_dates]):
                rows = trial.rows(dates)
                for model, work in _models(trial, rows, group.block_km).items():
                    words = (group.name, group.footprint_km, number, dates, model)
                    found.setdefault(model, []).append(once(words, work))
        for model, sets in found.items():
            lines.append(_line(group, model, np.array(sets)))
            print(f"    {lines[-1]}", flush=True)
    return lines


def groups(data: Path) -> Iterator[Group]:
    """What is tried."""
    for footprint in (0.0, 33.0):
        yield Group("made-up landscape", footprint, BLOCK_KM, _known(MadeUp(_CELLS), footprint))
    yield Group("demo basin", 0.0, LEAST_SIDE_KM, _known(demo_basin(), 0.0, SEEDS[:1]))
    coarse, settings = granule(data), ScaleUp(windows=_WINDOWS)
    cells, windows = windows_of(coarse, settings)
    trials = [window_trial(coarse, cells, window, settings) for window in windows]
    yield Group("granule, one scale up", 0.0, _GRANULE_BLOCK_KM, trials)


def _known(scenes: SceneOf, footprint: float, seeds: Sequence[int] = SEEDS[:2]) -> list[Trial]:
    settings = replace(_KNOWN, footprints=(footprint,), seeds=tuple(seeds))
    made = {seed: scenes(seed, _DATES, SILENT) for seed in seeds}
    return [make_trial(made[case.seed], case, settings)[0] for case in settings.cases()]


def _line(group: Group, model: str, found: np.ndarray) -> str:
    one, random, blocks, rmse_random, rmse_blocks = found.mean(axis=0)
    errors = (f"{rmse:.4f}" if np.isfinite(rmse) else "" for rmse in (rmse_random, rmse_blocks))
    return (
        f"| {group.name} | {group.footprint_km:g} | {model} | {len(found)} | {100 * one:.1f} "
        f"| {100 * random:.1f} | {100 * blocks:.1f} ({group.block_km:g}) | {' | '.join(errors)} |"
    )


def _models(trial: Trial, rows: Cells, block_km: float) -> dict[str, Callable[[], list[float]]]:
    """What is tried on rows of one date, or of all."""
    if np.ptp(rows.days):
        settings = AreaSettings(trial.footprint_km, seed=trial.seed)
        return {"area-to-point, two levels": lambda: _held(rows, settings, block_km)}
    return {
        "area-to-point, by date": lambda: _held(rows, area_settings(trial, KINDS, True), block_km),
        "forest by date": lambda: [*of_date(rows, block_km, FOLDS)[1:4], np.nan, np.nan],
    }


def _held(rows: Cells, settings: AreaSettings, block_km: float) -> list[float]:
    """Shares held one by one, in random folds and in blocks, and the RMSE of both sorts of folds."""
    rows = rows.take(AREA_TO_POINT.usable(rows, settings))
    source = _Rows(rows)
    run = crossvalidate_rows(
        source,
        ValidationSettings(
            FOLDS, 1, block_km, (Candidate(settings),), seed=SEED, mode=source.mode,
            method=AREA_TO_POINT, fine=rows.fine, whole_cells=source.mode == POOLED,
        ),
        progress=Told(),
    )  # fmt: skip
    found = {result.piece.scheme: result.scores for result in run.results}
    random, blocks = (found[scheme] for scheme in run.settings.schemes)
    scores = AREA_TO_POINT.fit(rows, settings, key_number(source.key)).scores
    if scores is None:
        raise ValueError("a model without scores")
    return [scores.held, *(one[name] for name in (COVERAGE, "rmse") for one in (random, blocks))]


class _Rows(RowSource):
    """The rows of one model."""

    label, least = "SMAP", 1

    def __init__(self, rows: Cells):
        self.covariates, self._rows = rows.names, rows
        several = bool(np.ptp(rows.days))
        self.mode = POOLED if several else BY_DATE
        self.key: Key = PooledKey() if several else dt.date.fromordinal(int(rows.days[0]))
        self.counts = {self.key: len(rows.y)}

    def usable(
        self, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[tuple[Key, Cells], None, None]:
        run.dropped[self.key] = 0
        yield self.key, self._rows
