"""What a SMAP retrieval is worth: fill, valid range, quality bits, overpasses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.nodata import FILL
from ....geo.grid import EASE2_CELLS, Grid, Window, ease2_grid

#: Value of `retrieval_qual_flag` that stands for "no flag"; its bits mean nothing.
NO_FLAG = 65534
#: Bits of `retrieval_qual_flag`: set means the opposite of good.
NOT_RECOMMENDED, NOT_ATTEMPTED, FAILED = 1, 2, 4
#: Volumetric soil moisture cannot lie outside, whatever a file says of its range.
PHYSICAL_RANGE = (0.0, 1.0)

OVERPASSES = ("AM", "PM", "both")
QUALITIES = ("recommended", "successful", "all")
#: Retrieval algorithms by the suffix of their variables; the default one has none.
RETRIEVALS = {"default": "", "DCA": "_dca", "SCA-V": "_scav", "SCA-H": "_scah"}


@dataclass(frozen=True)
class Choices:
    """What to take from a retrieval; see `OVERPASSES`, `QUALITIES` and `RETRIEVALS`."""

    overpass: str = "AM"
    quality: str = "successful"
    algorithm: str = "default"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("overpass", self.overpass, OVERPASSES),
            ("quality", self.quality, QUALITIES),
            ("algorithm", self.algorithm, tuple(RETRIEVALS)),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")


DEFAULT_CHOICES = Choices()


@dataclass(frozen=True)
class Screened:
    """A retrieval after screening, and how many cells each step took.

    Attributes
    ----------
    values : ndarray of float32, shape (rows, columns)
        Soil moisture in m3 m-3, NaN where missing or refused.
    retrieved : int
        Cells that carry a value; = valid cells + out_of_range + failed_quality.
    out_of_range : int
        Retrieved cells outside the valid range.
    failed_quality : int
        Retrieved cells inside the range that the quality choice refuses.
    """

    values: np.ndarray
    retrieved: int
    out_of_range: int
    failed_quality: int

    @property
    def valid(self) -> int:
        """Cells with a value."""
        return int(np.count_nonzero(np.isfinite(self.values)))


def quality_mask(flags: np.ndarray, quality: str) -> np.ndarray:
    """Where a retrieval is good enough.

    Parameters
    ----------
    flags : ndarray of unsigned integers
        `retrieval_qual_flag`; bit 0 set = not recommended, bit 1 set = not attempted,
        bit 2 set = failed, 65534 = no flag (SPL3SMP product specification).
    quality : str
        "recommended", "successful" or "all".

    Returns
    -------
    ndarray of bool, shape of `flags`
        A cell without flag is good only for "all".

    Raises
    ------
    ValueError
        For another choice.
    """
    if quality not in QUALITIES:
        raise ValueError(f"quality must be one of {', '.join(QUALITIES)}, not {quality!r}")
    if quality == "all":
        return np.ones(flags.shape, bool)
    # 65534 is masked before its bits are read: bit 0 is clear in it, as in a recommended retrieval.
    known = flags != NO_FLAG
    bad_bits = NOT_ATTEMPTED | FAILED | (NOT_RECOMMENDED if quality == "recommended" else 0)
    return known & ((flags & flags.dtype.type(bad_bits)) == 0)


def flags_from_floats(values: np.ndarray) -> np.ndarray:
    """Quality flags that went through a float raster, uint16, as `values`; what is no flag becomes 65534."""
    good = np.isfinite(values) & (values >= 0) & (values <= 65535)
    return np.where(good, np.where(good, values, 0), NO_FLAG).astype(np.uint16)


def screen(
    values: np.ndarray,
    flags: np.ndarray | None,
    quality: str,
    valid_range: tuple[float, float] = PHYSICAL_RANGE,
    fill: float = FILL,
    inside: np.ndarray | None = None,
) -> Screened:
    """Keep what is retrieved, within range and of the wanted quality.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Soil moisture in m3 m-3; `fill` or NaN where there is none.
    flags : ndarray of unsigned integers, same shape, or None
        `retrieval_qual_flag`; None leaves the quality unchecked.
    quality : str
        See `quality_mask`.
    valid_range : (float, float)
        Inclusive limits, compared in float32: data sit exactly on 0.02, which
        as float64 is larger than as float32.
    inside : ndarray of bool, same shape, or None
        The cells of the study area; others are not kept, and not counted.
    """
    numbers = values.astype(np.float32)
    low, high = np.float32(valid_range[0]), np.float32(valid_range[1])
    retrieved = np.isfinite(numbers) & (numbers != np.float32(fill))
    if inside is not None:
        retrieved &= inside
    with np.errstate(invalid="ignore"):
        in_range = retrieved & (numbers >= low) & (numbers <= high)
    kept = in_range if flags is None else in_range & quality_mask(flags, quality)
    return Screened(
        np.where(kept, numbers, np.float32(np.nan)),
        int(np.count_nonzero(retrieved)),
        int(np.count_nonzero(retrieved & ~in_range)),
        int(np.count_nonzero(in_range & ~kept)),
    )


def merge_overpasses(passes: Sequence[Screened]) -> Screened:
    """One retrieval a cell: the mean where several are valid, else the one.

    The counts are sums over the passes.

    Raises
    ------
    ValueError
        Without a pass.
    """
    if not passes:
        raise ValueError("at least one overpass is needed")
    if len(passes) == 1:
        return passes[0]
    stack = np.stack([item.values for item in passes]).astype(np.float64)
    present = np.isfinite(stack)
    count = present.sum(axis=0)
    total = np.where(present, stack, 0.0).sum(axis=0)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return Screened(
        mean.astype(np.float32),
        sum(item.retrieved for item in passes),
        sum(item.out_of_range for item in passes),
        sum(item.failed_quality for item in passes),
    )


@dataclass(frozen=True)
class Summary:
    """Number, minimum, mean and maximum of the valid cells; NaN where there is none."""

    valid: int
    minimum: float
    mean: float
    maximum: float


def summarise(values: np.ndarray) -> Summary:
    """The summary of the finite cells of an array; the mean is taken in float64."""
    valid = values[np.isfinite(values)]
    if not valid.size:
        return Summary(0, math.nan, math.nan, math.nan)
    return Summary(
        int(valid.size), float(valid.min()), float(valid.mean(dtype=np.float64)), float(valid.max())
    )


def ease2_window(grid: Grid) -> tuple[str, Window] | None:
    """Which cells of the global EASE-Grid 2.0 the cells of `grid` are.

    Parameters
    ----------
    grid : Grid
        Taken to be in EPSG:6933; its CRS is not looked at.

    Returns
    -------
    (str, Window) or None
        The resolution ("9 km" or "36 km") and the window of the global grid, if no
        corner is off by more than `ALIGNMENT` of a cell; else None.
    """
    for resolution in EASE2_CELLS:
        world = ease2_grid(resolution)
        first = grid.cell_offset_in(world)
        if first is not None and _inside(window := Window(*first, grid.height, grid.width), world):
            return resolution, window
    return None


def _inside(window: Window, grid: Grid) -> bool:
    return (
        window.row >= 0
        and window.col >= 0
        and window.row + window.height <= grid.height
        and window.col + window.width <= grid.width
    )
