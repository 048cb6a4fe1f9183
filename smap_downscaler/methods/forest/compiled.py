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
#: Rows of a cell that tell which way it is widest.
_LOOKED_AT = 500

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
        What was measured last, as a sentence.
    """

    def __init__(self) -> None:
        self.version = self.said = ""
        self._tried = False
        self._run: Callable[..., None] | None = None
        self._gains: dict[tuple[int, ...], float] = {}

    def load(self, progress: Progress = SILENT) -> None:
        """Load it where it is installed; a cancel leaves it to itself."""
        if self._tried:
            return
        progress.set_text("Loading numba")
        try:
            self._run, self.version = interruptible(_compiled, progress)
        except Cancelled:
            raise
        except ImportError:
            progress.log(f"numba is not installed, so that forests are predicted with {SCIKIT_LEARN}.")
        except Exception as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            progress.log(f"numba does not work here ({why}): forests are predicted with {SCIKIT_LEARN}.")
        self._tried = True

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
        return mean if self._gains[key] >= LEAST_GAIN else None

    def _gain(self, plain: Mean, mean: Mean, x: np.ndarray) -> float:
        """How many times as fast as scikit-learn compiled code is: the best of two turns each."""
        ways, taken = (plain, mean), ([], [])  # type: tuple[Mean, Mean], tuple[list[float], list[float]]
        found = []
        for _ in range(2):
            for way, seconds in zip(ways, taken):
                begun = time.perf_counter()
                found.append(way(x, SILENT))
                seconds.append(time.perf_counter() - begun)
        if not np.array_equal(found[0], found[1]):
            self.said = f"numba {self.version} gives other bits than {SCIKIT_LEARN} here, and is not used."
            return 0.0
        gain = min(taken[0]) / max(min(taken[1]), 1e-9)
        chosen = f"numba {self.version}" if gain >= LEAST_GAIN else SCIKIT_LEARN
        self.said = (
            f"numba {self.version} is {gain:.2f} times as fast as {SCIKIT_LEARN} ({min(taken[1]):.3f} and "
            f"{min(taken[0]):.3f} s for {len(x):,} pixels), so that forests are predicted with {chosen}."
        )
        return gain


NUMBA = Numba()


def _mean(run: Callable[..., None], laid: Laid, x: np.ndarray, progress: Progress) -> np.ndarray:
    progress.check()
    found = np.empty(len(x))
    run(x, found, *laid)
    return found


def _compiled() -> tuple[Callable[..., None], str]:
    import numba

    if numba.config.DISABLE_JIT:
        raise ImportError("it is told not to compile")
    types = numba.types

    def given(dtype: Any, dimensions: int = 1) -> Any:
        return types.Array(dtype, dimensions, "C", readonly=True)

    i8, i4, i2, f8, f4 = types.int64, types.int32, types.int16, types.float64, types.float32
    trees = map(given, (i2, i4, i4, f8, f4, i8))
    taken = types.void(given(f4, 2), types.Array(f8, 1, "C"), given(i8), i8, *trees)
    for name in kernel.INNER:
        function = getattr(kernel, name)
        setattr(kernel, name, numba.njit(nogil=True)(getattr(function, "py_func", function)))
    try:
        return numba.njit(taken, nogil=True, cache=True)(kernel.mean_of_trees), numba.__version__
    except Exception:
        # No folder to keep it in, or what is kept there is damaged.
        return numba.njit(taken, nogil=True)(kernel.mean_of_trees), numba.__version__


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
    right = (first + arrays.right).astype(np.int32)
    depth = int(arrays.depths().max())
    return Laid(
        arrays.offsets, depth, arrays.feature, key, right, arrays.number, np.concatenate(thresholds), starts
    )


def order_of(x: np.ndarray, laid: Laid, progress: Progress = SILENT) -> np.ndarray:
    """An order in which pixels side by side are alike, so that few nodes are left: int64, shape (n,).

    Pixels are halved again and again (a k-d tree), each time by the covariate in which they are farthest
    apart beside the thresholds of the forest, until as many are left as the kernel takes at a time.

    Parameters
    ----------
    x : float32, shape (n, p)
        The first covariates of the forest; derived ones may lack.
    """
    parts = np.split(laid.thresholds, laid.starts[1:-1])[: x.shape[1]]
    spread = np.array([part.std() if part.size else 0.0 for part in parts])
    weights = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    order, cells = np.arange(len(x)), [(0, len(x))]
    while cells:
        start, end = cells.pop()
        if end - start <= kernel.LANES:
            continue
        progress.check()
        own = order[start:end]
        width = x[own[:: max(len(own) // _LOOKED_AT, 1)]].std(axis=0) * weights
        half = -(-len(own) // kernel.LANES) // 2 * kernel.LANES
        order[start:end] = own[np.argpartition(x[own, np.argmax(width)], half)]
        cells += [(start, start + half), (start + half, end)]
    return order
