"""The effects of covariates in the models of a file, on some of the rows that they were fitted to."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ...base.progress import SILENT, Progress
from ...base.threads import interruptible_if, ordered_map
from ...methods.base import Cells
from ...methods.file.reader import open_models
from ...methods.keys import POOLED, Key
from .numbers.effects import Effect, Steps, accumulate, breaks_of, local_effects


def effects_of_file(
    path: str | Path, samples: Mapping[Key, Cells], threads: int = 1, progress: Progress = SILENT
) -> list[Effect]:
    """The effect of each covariate that is not the same in all rows, in the order of the file.

    Parameters
    ----------
    path : path
        A file of models.
    samples : mapping of Key to Cells
        Rows of some of its models, each with the covariates that its model has.
    threads : int
        Models that are asked at once; effects do not depend on it.

    Raises
    ------
    InputError
        If a model cannot be read.
    """
    with open_models(path) as models:
        columns = {key: {name: i for i, name in enumerate(models.names_of(key))} for key in samples}
        breaks = {}
        for name in models.names:
            parts = [cells.x[:, columns[key][name]] for key, cells in samples.items() if name in columns[key]]
            if parts:
                breaks[name] = breaks_of(np.concatenate(parts))

        def asked(key: Key, listener: Progress) -> dict[str, Steps]:
            own = list(columns[key])
            model = interruptible_if(models.mode == POOLED, partial(models.load, key), listener)
            steps = local_effects(model, samples[key], [breaks[name][0] for name in own], listener)
            return dict(zip(own, steps))

        progress.set_text("Asking forests for the effects of covariates")
        counter = progress.counter(len(samples), "forests asked for the effects of covariates")
        found: dict[str, list[Steps]] = {name: [] for name in breaks}
        with contextlib.closing(ordered_map(asked, samples, threads, progress)) as results:
            for result in results:
                for name, steps in result.items():
                    found[name].append(steps)
                counter.advance()
        return [
            accumulate(name, models.units.get(name, ""), *breaks[name], steps)
            for name, steps in found.items()
            if breaks[name][0].size > 1
        ]
