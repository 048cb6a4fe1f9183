"""Which engine is faster for the forests of a run: timed on its own first fold."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.threads import ordered_map
from ....methods.forest.engines import INTELEX, SCIKIT_LEARN, version_of
from .design import designed
from .grow import grow_and_predict
from .pieces import PieceJob

#: Times as fast that the other engine must be: less may be chance, and scikit-learn is the rule.
LEAST_GAIN = 1.1
_ROUNDS = 3
_SECONDS_A_ROUND = 1.0


def faster_engine(
    job: PieceJob,
    threads: int,
    progress: Progress = SILENT,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[str, str]:
    """The engine that grows and predicts the first fold of a piece faster, and a sentence that says why.

    Both do it three times in turns, in as many threads at once as the run will have (what one engine
    leaves of the cores another thread may use); the medians are compared.

    Parameters
    ----------
    job : PieceJob
    threads : int
    clock : callable
        Seconds.
    """
    version = version_of(INTELEX)
    if version is None:
        return SCIKIT_LEARN, f"{INTELEX} is not installed, so that forests grow with {SCIKIT_LEARN}."
    train = job.folds.train(0)
    x, x_test = designed(job.rows, job.columns, train, job.folds.test(0), job.settings)
    y = job.rows.y[train]
    settings = job.settings.candidates[0].of(y.size)

    def seconds(engine: str, trees: int, at_once: int = threads) -> float:
        def grow(key: int, listener: Progress) -> np.ndarray:
            own = replace(settings, n_estimators=trees)
            return grow_and_predict(x, y, x_test, own, key, (trees,), listener, engine)

        begun = clock()
        with closing(ordered_map(grow, range(at_once), at_once, progress)) as grown:
            for _ in grown:
                progress.check()
        return clock() - begun

    progress.set_text(f"Timing {SCIKIT_LEARN} and {INTELEX}")
    # The first forest of either loads libraries.
    for engine in (SCIKIT_LEARN, INTELEX):
        seconds(engine, 1, 1)
    one = seconds(SCIKIT_LEARN, 1)
    trees = min(settings.n_estimators, max(1, round(_SECONDS_A_ROUND / max(one, 1e-6))))
    taken: dict[str, list[float]] = {SCIKIT_LEARN: [], INTELEX: []}
    for _ in range(_ROUNDS):
        for engine, found in taken.items():
            found.append(seconds(engine, trees))
    plain, other = (statistics.median(found) for found in taken.values())
    gain = plain / other
    engine = INTELEX if gain >= LEAST_GAIN else SCIKIT_LEARN
    return engine, (
        f"{INTELEX} {version} is {gain:.2f} times as fast as {SCIKIT_LEARN} ({other:.2f} and {plain:.2f} s "
        f"for {threads} x {trees} trees of the first fold), so that forests grow with {engine}."
    )
