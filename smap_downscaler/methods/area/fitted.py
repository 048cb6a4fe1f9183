"""A model as it was fitted, and what of it is shown: what means, variances and reports ask alike."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ...base.errors import InputError
from ..base import ALL_DETAIL, NO_DETAIL
from .core import Core
from .ground import Ground
from .lags import field_on_parts
from .levels import Answer, Half

_T = TypeVar("_T")
#: Images of dates that are kept, for each window: a run takes its dates one after the other, in threads.
_IMAGES_KEPT = 24


class Fitted:
    """A core, and how much of the pattern within cells is shown.

    Parameters
    ----------
    core : Core
    detail : str
        Of `base.DETAILS`.
    """

    def __init__(self, core: Core, detail: str):
        self.core, self.detail = core, detail
        self.ground = Ground(core.moments, core.dated, core.footprint.km)
        self._images: OrderedDict[Hashable, _Once] = OrderedDict()
        self._lock = threading.Lock()
        own = core.moments.columns
        sources = [core.names.index(core.static[source]) for source in own.sources]
        self._columns = replace(own, sources=tuple(sources))

    def __reduce__(self) -> tuple[type[Fitted], tuple[Core, str]]:
        # What is worked out from it is made anew on another machine.
        return Fitted, (self.core, self.detail)

    def half(self, level: int) -> Half:
        """With terms where any of what they say is shown: what is unsure hangs on it."""
        return self.halves(level)[0][0]

    def halves(self, level: int) -> list[tuple[Half, float]]:
        """What maps are made of, with terms first, and the share of each."""
        found = self.core.levels[level]
        shown = {ALL_DETAIL: 1.0, NO_DETAIL: 0.0}.get(self.detail, found.shown)
        if found.full is None or not shown:
            return [(found.plain, 1.0)]
        return [(found.full, shown)] + ([(found.plain, 1.0 - shown)] if shown < 1.0 else [])

    def dated_alone(self, level: int, window: int, day: int | None) -> bool:
        """Whether on a day without SMAP a level's dated terms tell how wet whole cells are.

        That is no detail: all of it is told, and static terms alone are shown by their share.
        """
        (half, _), *plain = self.halves(level)
        if not (level and plain and self.core.dated is not None):
            return False
        return self.seen_at(level, half.answers[window], day) is None

    def kept_back(self, level: int, window: int) -> float:
        """Variance within cells of what a level's static terms say and maps do not show, (m3 m-3)2."""
        half, shown = self.halves(level)[0]
        columns = self.static_columns(level)
        b = half.answers[window].b[: len(columns)]
        scatter = self.core.moments.scatter[np.ix_(columns, columns)]
        return (1.0 - shown) ** 2 * float(b @ scatter @ b) if b.size else 0.0

    def place(self, day: int) -> int | None:
        """The number of a day; None where a model of two levels lacks it."""
        place = int(np.searchsorted(self.core.days, day))
        if place < len(self.core.days) and self.core.days[place] == day:
            return place
        if not self.core.two_levels:
            raise InputError("the model is of another date")
        return None

    def wetness(self, day: int) -> float:
        """Standardised effect of a day, or between those of its neighbours in time."""
        return float(np.interp(day, self.core.days, self.core.wetness))

    def standard(self, x: np.ndarray) -> np.ndarray:
        """Standard static covariates of pixels, x, shape (n, p): float64, a column each of the terms'."""
        return self.core.moments.terms.scales.z(self._columns.of(x))

    def dated(self, x: np.ndarray) -> np.ndarray:
        """The dated covariates among all: shape (n, q)."""
        found: np.ndarray = x[:, [self.core.names.index(name) for name in self.core.dated_names]]
        return found

    def static_columns(self, level: int) -> np.ndarray:
        """Which columns of the static terms a level has."""
        groups = self.core.moments.terms.groups
        if self.core.two_levels and level:
            return np.flatnonzero(groups < len(self.core.moments.terms.scales.mean))
        return np.arange(len(groups))

    def seen_at(self, level: int, one: Answer, day: int | None) -> int | None:
        """The place of a day in an answer; None where SMAP did not see the window on it."""
        if not level:
            return 0
        place = None if day is None else self.place(day)
        return None if place is None or np.isnan(one.means[place]) else place

    def field(self, level: int, window: int, day: int | None) -> np.ndarray:
        """Mean and field over sub-cells; of a day without SMAP the mean between its neighbours alone."""
        if self.dated_alone(level, window, day):
            return self._field(level, window, self.half(level), day)
        total = np.zeros(self.core.subcells.fine_shape)
        for half, share in self.halves(level):
            total += share * self._field(level, window, half, day)
        return total

    def _field(self, level: int, window: int, half: Half, day: int | None) -> np.ndarray:
        core, one = self.core, half.answers[window]
        place = self.seen_at(level, one, day)
        if place is None:
            known = np.isfinite(one.means)
            mean = float(np.interp(day or 0, core.days[known], one.means[known]))
            return np.full(core.subcells.fine_shape, mean)
        tables = self.ground.tables(core.levels[level].hurst)
        cells = core.cells[one.index]
        field = field_on_parts(tables, core.subcells, cells, one.alphas[place])
        return np.asarray(one.means[place] + half.fit.noise[0] * field)

    def cell_design(self, level: int, index: np.ndarray, place: int, factor: float) -> np.ndarray:
        """The terms of a level as cells see them: float64, shape (n, columns)."""
        core = self.core
        static = factor * core.design[np.ix_(index, self.static_columns(level))].astype(np.float64)
        if core.dated is None:
            return static
        if core.two_levels and not level:
            return np.concatenate([static, core.mean_of_dated[index]], axis=1)
        width = core.dated.width(len(core.moments.terms.scales.mean))
        # Of a long archive they are not kept: their coefficients are well known.
        more = np.zeros((len(index), width))
        if core.dated_design is not None:
            more = core.dated_design[place][index].astype(np.float64)
        return np.concatenate([static, more], axis=1)

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What was made for a date, of which the newest are kept."""
        with self._lock:
            once = self._images.setdefault(key, _Once())
            while len(self._images) > _IMAGES_KEPT * len(self.core.windows):
                self._images.popitem(last=False)
            self._images.move_to_end(key)
        return once.of(make)


class _Once:
    """What one thread makes, while others that want it wait."""

    def __init__(self) -> None:
        self._made: list[Any] = []
        self._lock = threading.Lock()

    def of(self, make: Callable[[], Any]) -> Any:
        with self._lock:
            if not self._made:
                self._made.append(make())
            return self._made[0]
