"""Forests predicted by compiled code: numba, an optional package, where it is measured to be faster.

Nothing hangs on it: the bits are those of scikit-learn's trees.  numba keeps what it compiles in the
`__pycache__` of this folder, or in the user's cache folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...base.errors import Cancelled
from ...base.progress import SILENT, Progress
from ...base.threads import interruptible
from . import kernel
from .arrays import LEAF, ForestArrays
from .engines import LEAST_GAIN, SCIKIT_LEARN

#: Pixels that are worth the seconds in which numba is loaded, or its compiler.
MANY_PIXELS = 1 << 20
#: Rows that both ways are timed on.
TRIED_ROWS = 8192
#: Rows that are asked how they are best halved.
_LOOKED_AT = 128

Mean = Callable[[np.ndarray, Progress], np.ndarray]


class Laid(NamedTuple):
    """The trees of a forest as `kernel.mean_of_trees` takes them; see there."""

    roots: np.ndarray
    depth: int
    feature: np.ndarray
    key: np.ndarray
    right: np.ndarray
    number: np.ndarray
    thresholds: np.ndarray
    starts: np.ndarray


class Numba:
    """What numba made of the kernel, once a session.

    Attributes
    ----------
    version : str
        Empty while it is not loaded, and where it is not installed or does not work.
    said : str
        What was measured for the forests of a run, as a sentence; a run begins with an empty one.
    """

    def __init__(self) -> None:
        self.version = self.said = ""
        self._tried = False
        self._run: Callable[..., None] | None = None
        self._cut: Callable[..., int] = kernel.best_cut
        self._gains: dict[tuple[int, ...], tuple[float, str]] = {}

    def load(self, progress: Progress = SILENT) -> None:
        """Load it where it is installed; a cancel leaves it to itself."""
        if self._tried:
            return
        progress.set_text("Loading numba, which compiles for some seconds the first time")
        try:
            self._run, self._cut, self.version = interruptible(_compiled, progress)
        except Cancelled:
            raise
        except ImportError:
            progress.log(f"numba is not installed, so that forests are predicted with {SCIKIT_LEARN}.")
        except Exception as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            progress.log(f"numba does not work here ({why}): forests are predicted with {SCIKIT_LEARN}.")
        self._tried = True

    def order_of(self, x: np.ndarray, laid: Laid, progress: Progress) -> np.ndarray:
        """See `order_of`."""
        return order_of(x, laid, self._cut, progress)

    def mean_of(self, arrays: ForestArrays, laid: Laid | None, plain: Mean, x: np.ndarray) -> Mean | None:
        """The mean of a forest's trees by compiled code; None where that is not faster, or not to be had.

        Parameters
        ----------
        laid : Laid or None
            Of the arrays, which were checked.
        plain : callable
            The same by scikit-learn's trees.
        x : float32, shape (n, p)
            Pixels that are to be predicted, on which both are timed where forests as large as this were
            not yet.
        """
        if self._run is None or laid is None:
            return None
        mean = partial(_mean, self._run, laid)
        key = arrays.n_trees, arrays.n_nodes.bit_length(), x.shape[1]
        if key not in self._gains:
            if len(x) < TRIED_ROWS:
                return None
            self._gains[key] = self._gain(plain, mean, np.ascontiguousarray(x[:TRIED_ROWS]))
        gain, self.said = self._gains[key]
        return mean if gain >= LEAST_GAIN else None

    def _gain(self, plain: Mean, mean: Mean, x: np.ndarray) -> tuple[float, str]:
        """How many times as fast as scikit-learn compiled code is, the best of two turns each; a sentence."""
        ways, taken = (plain, mean), ([], [])  # type: tuple[Mean, Mean], tuple[list[float], list[float]]
        found = []
        for _ in range(2):
            for way, seconds in zip(ways, taken):
                begun = time.perf_counter()
                found.append(way(x, SILENT))
                seconds.append(time.perf_counter() - begun)
        if not np.array_equal(found[0], found[1]):
            return 0.0, f"numba {self.version} gives other bits than {SCIKIT_LEARN} here, and is not used."
        gain = min(taken[0]) / max(min(taken[1]), 1e-9)
        chosen = f"numba {self.version}" if gain >= LEAST_GAIN else SCIKIT_LEARN
        return gain, (
            f"numba {self.version} is {gain:.2f} times as fast as {SCIKIT_LEARN} ({min(taken[1]):.3f} and "
            f"{min(taken[0]):.3f} s for {len(x):,} pixels), so that forests are predicted with {chosen}."
        )


NUMBA = Numba()


def _mean(run: Callable[..., None], laid: Laid, x: np.ndarray, progress: Progress) -> np.ndarray:
    progress.check()
    found = np.empty(len(x))
    run(x, found, *laid)
    return found


def _compiled() -> tuple[Callable[..., None], Callable[..., int], str]:
    import numba

    if numba.config.DISABLE_JIT:
        raise ImportError("it is told not to compile")
    types = numba.types

    def given(dtype: Any, dimensions: int = 1) -> Any:
        return types.Array(dtype, dimensions, "C", readonly=True)

    i8, i4, i2, f8, f4 = types.int64, types.int32, types.int16, types.float64, types.float32
    nodes, values, ranges = tuple(map(given, (i2, i4, i4))), given(f8), (given(f4), given(i8))
    mean = types.void(given(f4, 2), types.Array(f8, 1, "C"), given(i8), i8, *nodes, values, *ranges)
    cut = i8(given(f4, 2), given(f4), given(types.boolean), given(i8), i8, *nodes, *ranges)
    for name in kernel.INNER:
        function = getattr(kernel, name)
        setattr(kernel, name, numba.njit(nogil=True)(getattr(function, "py_func", function)))

    def made(taken: Any, function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(taken, nogil=True, cache=True)(function)
        except Exception:
            # No folder to keep it in, or what is kept there is damaged.
            return numba.njit(taken, nogil=True)(function)

    return made(mean, kernel.mean_of_trees), made(cut, kernel.best_cut), numba.__version__


def lay_out(arrays: ForestArrays, covariates: int) -> Laid | None:
    """The trees of checked arrays for the kernel; None where it cannot take them."""
    inner = arrays.left != LEAF
    sizes = np.diff(arrays.offsets)
    first = np.repeat(arrays.offsets[:-1], sizes)
    own = np.arange(arrays.n_nodes)
    if np.any((first + arrays.left != own + 1)[inner]) or sizes.max() > 2 * np.iinfo(np.uint16).max:
        return None
    # x <= t of a float32 and a float64 is x <= the largest float32 that is not over t.
    with np.errstate(over="ignore"):
        rounded = arrays.number.astype(np.float32)
        over = rounded.astype(np.float64) > arrays.number
        rounded[over] = np.nextafter(rounded[over], np.float32(-np.inf))
    key, starts, thresholds = own.astype(np.int32), np.zeros(covariates + 1, np.int64), []
    for number in range(covariates):
        nodes = np.flatnonzero(arrays.feature == number)
        distinct, places = np.unique(rounded[nodes], return_inverse=True)
        key[nodes] = starts[number] + places
        starts[number + 1] = starts[number] + distinct.size
        thresholds.append(distinct)
        if distinct.size > np.iinfo(np.int16).max:
            return None
    if covariates + starts[-1] // kernel.STEPS >= np.iinfo(np.int16).max:
        return None
    right = (first + arrays.right).astype(np.int32)
    depth = int(arrays.depths().max())
    return Laid(
        arrays.offsets, depth, arrays.feature, key, right, arrays.number, np.concatenate(thresholds), starts
    )


def order_of(
    x: np.ndarray, laid: Laid, cut: Callable[..., int] = kernel.best_cut, progress: Progress = SILENT
) -> np.ndarray:
    """An order in which pixels side by side are alike, so that few nodes are left: int64, shape (n,).

    Pixels are halved again and again (a k-d tree), each time by the covariate that leaves the fewest nodes,
    until as many are left as the kernel takes at a time.

    Parameters
    ----------
    x : float32, shape (n, p)
        The first covariates of the forest; derived ones may lack.
    cut : callable
        `kernel.best_cut`, or what became of it.
    """
    varies = np.zeros(laid.starts.size - 1, bool)
    varies[: x.shape[1]] = (x != x[:1]).any(axis=0)
    trees = laid.roots, laid.depth, laid.feature, laid.key, laid.right, laid.thresholds, laid.starts
    order, cells = np.arange(len(x)), [(0, len(x))]
    while cells and varies.any():
        start, end = cells.pop()
        if end - start <= kernel.LANES:
            continue
        progress.check()
        own = order[start:end]
        some = np.ascontiguousarray(x[own[:: max(len(own) // _LOOKED_AT, 1)]])
        by = cut(some, np.median(some, axis=0), varies, *trees)
        unit = kernel.ROWS if len(own) > kernel.ROWS else kernel.LANES
        half = -(-len(own) // unit) // 2 * unit
        order[start:end] = own[np.argpartition(x[own, by], half)]
        cells += [(start, start + half), (start + half, end)]
    return order
