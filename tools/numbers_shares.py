"""How much of the pattern within cells maps of single dates should show: a section of tools/NUMBERS.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from numbers_crossvalidation import Told
from numbers_skill import GRANULE, bars, granule
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.methods.area.levels import GAIN, Level
from smap_downscaler.methods.area.model import AreaModel
from smap_downscaler.methods.base import ALL_DETAIL, NO_DETAIL, Prediction
from smap_downscaler.steps.skill import contenders
from smap_downscaler.steps.skill.contenders import BILINEAR, CONTENDERS, SINGLE, Made, Mapper
from smap_downscaler.steps.skill.known_truth import KnownTruth, run_known_truth
from smap_downscaler.steps.skill.numbers.scores import MapScore, cases_of
from smap_downscaler.steps.skill.numbers.truths import MIRRORED
from smap_downscaler.steps.skill.scale_up import ScaleUp, run_scale_up
from smap_downscaler.steps.skill.scene import MadeUp
from smap_downscaler.steps.skill.trial import Asked, Trial

#: The rule was made with these, and is measured with others.
_SEEDS = (900, 901, 902, 903, 1000, 1001)
#: What is tried: the share of the pattern that the map of a level shows.
_SHARES: dict[str, Callable[[Level], float]] = {
    "none": lambda _: 0.0,
    "half": lambda _: 0.5,
    "all": lambda _: 1.0,
    f"all or nothing, by a gain of {GAIN:g}": lambda level: float(level.gain >= GAIN),
    "the posterior of the terms, by the gain": lambda level: float(1 / (1 + np.exp(-level.gain))),
    "signal-to-noise": lambda level: level.full.answers[0].snr if level.full else 0.0,
    "the rule": lambda level: level.shown,
}


def skill_shares(data: Path, _folder: Path) -> list[str]:
    """What was tried for the share of a pattern that maps show, and what lost."""
    known = replace(next(own for _, own, _ in list(bars().values())[1:]), methods=tuple(_SHARES))
    mirrored = replace(known, truths=(MIRRORED,))
    with mock.patch.dict(CONTENDERS, _tried()):  # type: ignore[arg-type]
        columns = {
            **_by_footprint("known truth", _known(known)),
            **_by_footprint("mirrored", _known(mirrored)),
            "granule, one scale up": run_scale_up(granule(data), ScaleUp(methods=tuple(_SHARES)), Told()),
        }
    lines = [
        "## How much of the pattern maps show",
        "",
        "One date, footprint and noise given, as in the parts above, but the seeds that the rule was made "
        f"with ({', '.join(map(str, _SEEDS))}; kinds mild, flip and strong, and mirrored covariates, which "
        f"tell nothing), and {GRANULE} one scale up. Maps are kriging alone and a share of what "
        "the covariates change of it. RMSE over that of bilinear interpolation, mean (worst).",
        "",
        f"| RMSE / bilinear, by share of the pattern | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    ratios = [_ratios(maps) for maps in columns.values()]
    for name in _SHARES:
        cells = [f"{np.mean(own[name]):.3f} ({max(own[name]):.3f})" for own in ratios]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _known(settings: KnownTruth) -> list[MapScore]:
    return run_known_truth(MadeUp(), replace(settings, seeds=_SEEDS), Told())


def _by_footprint(title: str, maps: Sequence[MapScore]) -> dict[str, list[MapScore]]:
    widths = sorted({one.case.footprint_km for one in maps})
    return {
        f"{title}, {width:g} km": [one for one in maps if one.case.footprint_km == width] for width in widths
    }


def _ratios(maps: Sequence[MapScore]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for one in cases_of(maps, BILINEAR):
        found.setdefault(one.method, []).append(one.scores["ratio"])
    return found


def _tried() -> dict[str, contenders.Contender]:
    """A contender a share; all of a date have the same model."""
    # The newest: its trial and date, the maps with all of the pattern and none, and the level.
    kept: list[tuple[Trial, int, np.ndarray, np.ndarray, Level]] = []

    def maps_of(trial: Trial, date: int, progress: Progress) -> tuple[np.ndarray, np.ndarray, Level]:
        def own(model: AreaModel, asked: Asked, progress: Progress) -> Made:
            full, bare = (
                model.with_detail(choice).predict(asked.block, progress).mean
                for choice in (ALL_DETAIL, NO_DETAIL)
            )
            kept[:] = [(trial, date, full, bare, model.core.levels[0])]
            return Made(Prediction(bare))

        if not kept or kept[0][0] is not trial or kept[0][1] != date:
            with mock.patch.object(contenders, "area_map", own):
                single(trial, SILENT)(date, progress)
        return kept[0][2:]

    def contender(share: Callable[[Level], float]) -> contenders.Contender:
        def learn(trial: Trial, _progress: Progress) -> Mapper:
            def mapper(date: int, progress: Progress) -> Made:
                full, bare, level = maps_of(trial, date, progress)
                return Made(Prediction(bare + share(level) * (full - bare)))

            return mapper

        return learn

    single = CONTENDERS[SINGLE]
    return {name: contender(share) for name, share in _SHARES.items()}
