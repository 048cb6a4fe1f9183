"""Each contender learns what it needs of a trial, maps its dates, and is scored."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np

from ...base.progress import SILENT, Progress
from ...base.threads import Stoppable
from ...stats.pixel_scores import Pixels, score_pixels
from .contenders import CONTENDERS, Made
from .numbers.scores import Case, MapScore
from .trial import Trial

#: Scores that are those of `stats.pixel_scores`.
_OWN = ("rmse", "bias", "r", "r_within", "spaef", "variance_ratio")
#: Share of the work that is done when all have learnt.
_LEARNT = 0.5
#: Share of a cell on which a map must have pixels for its mean to be held against SMAP.
_WHOLE = 0.95


def map_all(
    case: Case,
    trial: Trial,
    truths: Mapping[int, np.ndarray],
    methods: Sequence[str],
    progress: Progress = SILENT,
) -> list[MapScore]:
    """The scores of the maps that some contenders make of the wanted dates of a trial.

    Parameters
    ----------
    case : Case
    trial : Trial
    truths : mapping
        What is true by number of the date, shape of the fine grid.
    methods : sequence of str
    progress : Progress
    """
    mappers, seconds, maps = {}, {}, []
    for place, name in enumerate(methods):
        progress.set_text(f"{case}: {name} learns")
        begun = time.monotonic()
        own = progress.part(_LEARNT * place / len(methods), _LEARNT * (place + 1) / len(methods))
        mappers[name] = CONTENDERS[name](trial, own)
        seconds[name] = (time.monotonic() - begun) / max(len(trial.wanted), 1)
    counter = progress.part(_LEARNT, 1.0).counter(len(trial.wanted) * len(methods), "maps of the case")
    for number, date in enumerate(trial.wanted):
        made = {}
        for name, mapper in mappers.items():
            progress.set_text(f"{case}: {name} maps date {number + 1} of {len(trial.wanted)}")
            begun = time.monotonic()
            # The whole that is shown is that of the maps.
            made[name] = (mapper(date, Stoppable(progress)), seconds[name] + time.monotonic() - begun)
            counter.advance()
        maps += scored(case, trial, date, truths[date], made)
    return maps


def scored(
    case: Case, trial: Trial, date: int, truth: np.ndarray, made: dict[str, tuple[Made, float]]
) -> list[MapScore]:
    """The scores of the maps of a date, all over the same pixels."""
    scene, asked = trial.scene, trial.pixels(date)
    observed = truth.ravel()[asked.where]
    cells = scene.cell_of.ravel()[asked.where]
    names = list(made)
    images = [made[name][0].values.mean for name in names]
    # Where in the images the map without any of its pattern stands.
    smooth: dict[str, int] = {}
    for name in names:
        image = made[name][0].smooth
        if image is not None:
            smooth[name] = len(images)
            images.append(image)
    known = np.isfinite(observed) & np.all([np.isfinite(image) for image in images], axis=0)
    block = Pixels(observed[known], np.stack([image[known] for image in images]), cells[known])
    scores = score_pixels(lambda: [block], len(images), scene.cells.width * scene.cells.height)
    found = []
    for number, name in enumerate(names):
        own, (one, seconds) = scores[number], made[name]
        coverage = math.nan
        if one.values.lower is not None and one.values.upper is not None:
            inside = (observed >= one.values.lower) & (observed <= one.values.upper)
            coverage = float(inside[known].mean())
        measures = {score: getattr(own, score) for score in _OWN}
        cells_seen = int(np.isfinite(trial.observed[date]).sum())
        found.append(
            MapScore(
                case=case,
                method=name,
                date=date,
                pixels=own.n,
                cells=cells_seen,
                **measures,
                closure=closure_of(trial, date, one.values.mean),
                coverage=coverage,
                snr=one.snr,
                detail=one.detail,
                rmse_smooth=scores[smooth[name]].rmse if name in smooth else math.nan,
                seconds=seconds,
            )
        )
    return found


def closure_of(trial: Trial, date: int, values: np.ndarray) -> float:
    """RMS of a map's means less what SMAP saw, over cells that the map covers, m3 m-3."""
    off = trial.on_cells(date, values, _WHOLE) - trial.observed[date]
    known = np.isfinite(off)
    return float(np.sqrt(np.mean(off[known] ** 2))) if known.any() else math.nan
