"""What maps of the same pixels share on all days: a day then costs an image and little else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.sampling import bilinear_weights
from ..base import Block
from .fitted import Fitted
from .sure import Sure
from .terms import Surface

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Pixels at once: their terms stay in the processor's cache.
_PIXELS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class OfWindow:
    """What a window says of pixels on all days.

    Attributes
    ----------
    number : int
    weight : float64, shape (n,), or None
        Share that it has in each pixel; None: it is alone.
    levels : tuple of float64 arrays, shape (n,), or None
        The static terms of each level; None where it has none.
    products : float32, shape (n, q), or None
        What each standard dated covariate is multiplied with.
    """

    number: int
    weight: np.ndarray | None
    levels: tuple[np.ndarray | None, ...]
    products: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Still:
    """What maps of the same pixels share.

    Attributes
    ----------
    inside : bool, shape (n,)
        Which lie on the model's sub-cells.
    between : csr_matrix, shape (n, sub-cells)
        Weights of the sub-cells in each pixel.
    mean_dated : float32, shape (n, q), or None
        The training dates' mean of the standard dated covariates.
    windows : tuple of OfWindow
    sure : tuple of Sure, or None
        What variances share, where they are asked for.
    """

    inside: np.ndarray
    between: csr_matrix
    mean_dated: np.ndarray | None
    windows: tuple[OfWindow, ...]
    sure: tuple[Sure, ...] | None = None

    def take(self, mask: np.ndarray) -> Still:
        """Of some of the pixels: bool, shape (n,)."""

        def own(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[mask]

        windows = tuple(
            OfWindow(one.number, own(one.weight), tuple(map(own, one.levels)), own(one.products))
            for one in self.windows
        )
        sure = None if self.sure is None else tuple(one.take(mask) for one in self.sure)
        return Still(self.inside[mask], self.between[mask], own(self.mean_dated), windows, sure)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        between = self.between
        arrays = [self.inside, self.mean_dated, between.data, between.indices, between.indptr]
        for own in self.windows:
            arrays += [own.weight, own.products, *own.levels]
        sure = sum(one.nbytes for one in self.sure or ())
        return sure + sum(one.nbytes for one in arrays if one is not None)


def still_of(fitted: Fitted, block: Block, progress: Progress = SILENT) -> Still:
    """What the pixels of a block share on all days; of `block.x` the static covariates count alone."""
    core, x = fitted.core, np.asarray(block.x)
    if block.coordinates is None or x.shape[1] != len(core.names):
        raise ValueError(f"pixels need coordinates and {len(core.names)} covariates, not {x.shape}")
    grid, subcells = core.grid, core.subcells
    rows = (grid.top - block.coordinates[:, 1]) / grid.cell_height
    cols = (block.coordinates[:, 0] - grid.left) / grid.cell_width
    rows, cols = subcells.positions(rows, cols)
    found = [window.weights(rows / subcells.parts, cols / subcells.parts) for window in core.windows]
    windows: list[OfWindow] = []
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.sum(found, axis=0)
        for number, weight in enumerate(found):
            if len(found) == 1:
                windows.append(_of_window(fitted, number, None, len(x)))
            elif weight.any():
                windows.append(_of_window(fitted, number, weight / total, len(x)))
    for begin in range(0, len(x), _PIXELS_AT_ONCE):
        progress.check()
        some = slice(begin, begin + _PIXELS_AT_ONCE)
        z = fitted.standard(x[some])
        for own in windows:
            _fill(own, effects_of(fitted, own.number), some, z)
    between = bilinear_weights(subcells.fine_shape, rows, cols)
    mean_dated = None
    if core.dated is not None and core.two_levels and any(own.products is not None for own in windows):
        mean_dated = between @ flat(core.dated.reference[:, :, core.dated.terms.width() :])
        mean_dated = mean_dated.astype(np.float32)
    return Still(subcells.holds(rows, cols), between, mean_dated, tuple(windows))


def _of_window(fitted: Fitted, number: int, weight: np.ndarray | None, pixels: int) -> OfWindow:
    """What a window says of so many pixels, still 0."""
    effects = effects_of(fitted, number)
    levels = tuple(None if one is None else np.zeros(pixels) for one in effects.static)
    products = None if effects.products is None else np.zeros((pixels, len(effects.products)), np.float32)
    return OfWindow(number, weight, levels, products)


def _fill(own: OfWindow, effects: Effects, some: slice, z: np.ndarray) -> None:
    """Work out some of the pixels, whose standard covariates are z, shape (m, p), where the window counts."""
    if own.weight is not None and not own.weight[some].any():
        return
    for surface, level in zip(effects.static, own.levels):
        if surface is not None and level is not None:
            level[some] = surface.of_z(z)
    if effects.products is not None and own.products is not None:
        own.products[some] = z @ effects.products.T


def mean_of(fitted: Fitted, still: Still, day: int, dated: np.ndarray, some: Any = slice(None)) -> np.ndarray:
    """Soil moisture of pixels on a day; NaN beyond the sub-cells.

    Parameters
    ----------
    fitted : Fitted
    still : Still
    day : int
        Ordinal.
    dated : float, shape (m, q)
        Dated covariates.
    some : slice or int, shape (m,)
        Which of the pixels.
    """
    core, wetness = fitted.core, fitted.wetness(day)
    whole = isinstance(some, slice)
    standard = np.zeros((len(dated), 0))
    if core.dated is not None:
        standard = core.dated.terms.scales.z(np.asarray(dated, np.float64))
    between = still.between if whole else still.between[some]
    found = np.zeros(between.shape[0])
    for own in still.windows:
        effects, times = effects_of(fitted, own.number), _of_dated(fitted, own.number, day)
        value = between @ image_of(fitted, own.number, day).ravel()
        for level, static in enumerate(own.levels):
            if static is not None:
                value += static[some] if not level else wetness * static[some]
        if effects.curves is not None:
            value += times * effects.curves.of_z(standard)
        if own.products is not None:
            off = standard.astype(np.float32)
            if still.mean_dated is not None:
                off -= still.mean_dated[some]
            value += times * np.einsum("iq,iq->i", off, own.products[some])
        found += value if own.weight is None else own.weight[some] * value
    return np.where(still.inside[some], found, np.nan)


@dataclass(frozen=True, eq=False)
class Effects:
    """The terms of a window, as they are shown.

    Attributes
    ----------
    static : tuple of Surface or None
        Of each level; that of departures is taken times a date's wetness.
    curves : Surface or None
        Of the dated covariates.
    products : float64, shape (q, p), or None
    mean : float64, shape (fine rows, fine columns)
        What the dates' mean of the dated covariates adds to all days.
    taken_off : float64, shape (fine rows, fine columns)
        The dates' mean of `curves`.
    """

    static: tuple[Surface | None, ...]
    curves: Surface | None
    products: np.ndarray | None
    mean: np.ndarray
    taken_off: np.ndarray


def effects_of(fitted: Fitted, window: int) -> Effects:
    """The terms of a window."""
    return fitted.kept(("effects", window), lambda: _effects(fitted, window))


def _effects(fitted: Fitted, window: int) -> Effects:
    core, terms = fitted.core, fitted.core.moments.terms
    p, q = len(terms.scales.mean), len(core.dated_names)
    static: list[Surface | None] = []
    curves: Surface | None = None
    products: np.ndarray | None = None
    total, taken_off = np.zeros((2, *core.subcells.fine_shape))
    for level in range(len(core.levels)):
        half, shown = fitted.halves(level)[0]
        b = shown * half.answers[window].b
        if not b.size:
            static.append(None)
            continue
        columns = fitted.static_columns(level)
        whole = np.zeros(terms.width())
        whole[columns] = b[: len(columns)]
        static.append(terms.surface(whole))
        if core.dated is None:
            continue
        rest, width = b[len(columns) :], core.dated.terms.width()
        mean = core.dated.reference[:, :, :width] @ rest[:width]
        if core.two_levels and not level:
            total += mean
            continue
        curves = core.dated.terms.surface(rest[:width])
        if core.two_levels:
            taken_off = mean
        if core.dated.with_products and rest[width:].any():
            products = rest[width:].reshape(q, p)
    return Effects(tuple(static), curves, products, total, taken_off)


def _of_dated(fitted: Fitted, window: int, day: int) -> float:
    """How often the dated terms of `Effects` are counted on a day; see `Fitted.dated_alone`."""
    level = len(fitted.core.levels) - 1
    return 1.0 / fitted.halves(level)[0][1] if fitted.dated_alone(level, window, day) else 1.0


def image_of(fitted: Fitted, window: int, day: int) -> np.ndarray:
    """Means, fields, and what dated covariates say of all days: float64, shape (fine rows, fine columns)."""

    def made() -> np.ndarray:
        fitted.place(day)
        effects = effects_of(fitted, window)
        total = effects.mean - _of_dated(fitted, window, day) * effects.taken_off
        for level in range(len(fitted.core.levels)):
            if fitted.core.two_levels and not level:
                # Of all days.
                total += fitted.kept(("pattern", window), partial(fitted.field, 0, window, day))
            else:
                total += fitted.field(level, window, day)
        return total

    return fitted.kept(("image", window, day), made)


def flat(images: np.ndarray) -> np.ndarray:
    """Images, shape (fine rows, fine columns, k), a row a sub-cell, as the weights of `Still` take them."""
    return images.reshape(-1, images.shape[2])
