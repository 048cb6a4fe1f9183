"""Many models of a run: one per date or cell, fitted in several threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable

from ..base.cluster import spread
from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from .base import Cells, Model
from .keys import Key, key_label, key_number

_Fit = Callable[[Cells, int, Progress], Model]


def fit_each(
    items: Iterable[tuple[Key, Cells]],
    fit: _Fit,
    threads: int,
    progress: Progress = SILENT,
    total: int = 0,
    unit: str = "dates",
) -> Generator[tuple[Key, Model], None, None]:
    """Fit one model per date or cell, in `threads` threads; models come in the order of `items`.

    `fit` takes rows, the number of the key and a listener.  `items` is pulled in the caller's thread, at
    most 2 `threads` keys ahead of what was taken.  `total` is their number and `unit` what they are
    called, for the progress shown.  The first error in the order of keys ends the work (an `InputError`
    with the key before it), and so does a cancelled `progress` or closing the iterator; no thread is left
    behind.
    """
    if threads < 1:
        raise InputError(f"THREADS is {threads}; give a whole number of at least 1.")

    counter = progress.counter(total, unit)
    with contextlib.closing(spread(_fitted, ((fit, item) for item in items), threads, progress)) as models:
        for (_fit, (key, _cells)), model in models:
            yield key, model
            counter.advance()


def _fitted(fit: _Fit, item: tuple[Key, Cells], listener: Progress) -> Model:
    key, cells = item
    try:
        return fit(cells, key_number(key), listener)
    except InputError as error:
        raise InputError(f"{key_label(key)}: {error}") from error
