"""Time of the scores of filled gaps beside that of scikit-learn alone with the same forests.

    python tools/bench_gaps.py [CELLS [DAYS [TREES [ROUNDS]]]]

Cells of SMAP (20) with a made-up daily series (1,200 days, of which half are observed) and rain: runs of 30
days are hidden in 5 goes, and filled by forests (100 trees) with the threads of THREADS 0 (A); scikit-learn
fits and predicts the same forests with one thread a core (B); and both again (A B A B).  All predictions
must be the same.  `ratio gaps_to_sklearn` is the time of A over that of B.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.base.threads import growing_threads, ordered_map, thread_count
from smap_downscaler.methods.base import Block, Cells
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import PAPER, ForestSettings
from smap_downscaler.methods.keys import CellKey, key_number
from smap_downscaler.steps.gaps.numbers.cell import CellSeries
from smap_downscaler.steps.gaps.numbers.hidden import HidingOutcome, HidingSettings, hide_and_fill
from smap_downscaler.steps.gaps.numbers.scores import FOREST
from turns import in_turns, load, ratio

_FEATURES = FeatureSettings(day_of_year=True, neighbours=True)
_NAMES = ("rain", *_FEATURES.names)
_HIDING = HidingSettings(period=30)


def series_of(number: int, days: int) -> CellSeries:
    """Rain, and soil moisture that dries after it, seen on half of the days."""
    rng = np.random.default_rng(number)
    rain = rng.exponential(4, days) * (rng.random(days) < 0.3)
    wet = np.zeros(days)
    for day in range(1, days):
        wet[day] = 0.93 * wet[day - 1] + 0.004 * rain[day]
    seen = rng.random(days) < 0.5
    observed = np.where(seen, 0.12 + wet + 0.02 * rng.normal(size=days), np.nan)
    ordinals = 735_700 + np.arange(days)
    return CellSeries(CellKey(number, 7), ordinals, observed, ("rain",), rain[:, None].astype(np.float32))


class ScikitLearn(type(RANDOM_FOREST)):  # type: ignore[misc]
    """Forests fitted and predicted by scikit-learn alone."""

    def held_out(
        self,
        cells: Cells,
        block: Block,
        settings: Any,
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> np.ndarray:
        forest = new_sklearn_forest(settings[0], len(cells.y), cells.x.shape[1], key)
        forest.set_params(n_jobs=thread_count()).fit(cells.x, cells.y)
        return np.array([forest.predict(block.x)])


def scored(one: CellSeries, method: Any, settings: ForestSettings, progress: Progress) -> HidingOutcome:
    """What hidden days of a cell come to."""
    seen = one.seen
    covariates: Callable[[np.ndarray], np.ndarray] = lambda hidden: one.covariates(  # noqa: E731
        _NAMES, _FEATURES, seen, hidden
    )
    given = one.days[seen], one.observed[seen], covariates, (method, settings, key_number(one.key))
    return hide_and_fill((one.key.row, one.key.col), *given, _HIDING, progress)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("cells", 20), ("days", 1200), ("trees", 100), ("rounds", 2)):
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    cells = [series_of(number, options.days) for number in range(options.cells)]
    settings = replace(PAPER, n_estimators=options.trees, sample_size=None, max_features=3)
    made: dict[str, list[HidingOutcome]] = {}

    def ours() -> None:
        def on(one: CellSeries, listener: Progress) -> HidingOutcome:
            return scored(one, RANDOM_FOREST, settings, listener)

        with closing(ordered_map(on, cells, growing_threads(), SILENT)) as found:
            made["gaps"] = list(found)

    def theirs() -> None:
        made["scikit-learn"] = [scored(one, ScikitLearn(), settings, SILENT) for one in cells]

    scored(cells[0], ScikitLearn(), replace(settings, n_estimators=1), SILENT)
    found = in_turns({"gaps": ours, "scikit-learn": theirs}, options.rounds)
    for one, other in zip(made["gaps"], made["scikit-learn"]):
        if one.hidden is None or other.hidden is None:
            raise SystemExit("no day of a cell could be hidden")
        if not np.allclose(one.hidden.predicted[FOREST], other.hidden.predicted[FOREST], rtol=0, atol=1e-12):
            raise SystemExit("the predictions differ")
    each = found["gaps"].by(options.rounds * options.cells)
    print(f"  {each} a cell of {int(cells[0].seen.sum())} observed days, {_HIDING.folds} forests")
    print(load())
    ratio("gaps_to_sklearn", found["gaps"], found["scikit-learn"])


if __name__ == "__main__":
    main()
