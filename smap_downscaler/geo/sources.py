"""What is resampled: bands of rasters, classes of categorical bands, a mask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from osgeo import gdal

from ..base.errors import InputError
from ..base.nodata import DECLARE, Look
from ..base.progress import SILENT, Progress
from .bands import MASK, one_band
from .blocks import row_blocks
from .datasets import dataset_grid, open_dataset, read_band
from .grid import EDGE_TOLERANCE, Bounds, Grid, Window
from .lattice import goes_around, is_geographic, transform_bounds
from .sampling import cells_of
from .texts import band_name

#: Degrees may run from 0 to 360 or from -180 to 180.
_TURNS = (0.0, 360.0, -360.0)


@dataclass(frozen=True)
class Source:
    """A band of a raster as a covariate, or one class of a categorical band as a 0/1 covariate.

    What is read goes through its `look`, if it has one.
    """

    path: str
    band: int
    grid: Grid
    value: int | None = None
    look: Look | None = field(default=None, compare=False)

    def of(self, values: np.ndarray) -> np.ndarray:
        """The covariate's values, in the shape of the band's `values`; 0 or 1 for a class, NaN if missing."""
        if self.value is None:
            return values
        return np.where(np.isfinite(values), (values == self.value).astype(np.float32), np.float32(np.nan))


class BandReader:
    """Reads bands of several files for one thread: files stay open, and the last window is kept."""

    def __init__(self) -> None:
        self._datasets: dict[str, gdal.Dataset] = {}
        self._key: tuple[str, int, Window, Look | None] | None = None
        self._values = np.empty((0, 0), np.float32)

    def read(self, source: Source, window: Window) -> np.ndarray:
        """A window of a source, float32, shape (rows, columns), NaN where missing."""
        key = source.path, source.band, window, source.look
        if key != self._key:
            if source.path not in self._datasets:
                self._datasets[source.path] = open_dataset(source.path)
            # Classes of one band follow each other: they share one reading.
            self._values = read_band(self._datasets[source.path], source.band, window, look=source.look)
            self._key = key
        return source.of(self._values)


def window_over(grid: Grid, bounds: Bounds, crs: str, margin: int = 2) -> Window | None:
    """The window of `grid` over `bounds` in another CRS, `margin` cells wider; None if they do not meet."""
    windows = windows_over(grid, bounds, crs, margin)
    return windows[0] if windows else None


def windows_over(grid: Grid, bounds: Bounds, crs: str, margin: int = 2) -> list[Window]:
    """The windows of `grid` over `bounds` in another CRS, `margin` cells wider; they share no cell.

    Of a grid around the whole earth it is one, which may reach beyond the last column (see
    `datasets.read_band`). Several are there only where degrees do not close the circle, and the bounds
    lie across both of their ends.
    """
    box = transform_bounds(bounds, crs, grid.crs)
    if not is_geographic(grid.crs):
        window = grid.window_touching(box)
        return [] if window is None else [_widened(window, margin, grid)]
    around = goes_around(grid)
    if around:
        window = window_around_earth(grid, box, margin)
        if window is None:
            return []
        return [Window(window.row, window.col % around, window.height, window.width)]
    windows: list[Window] = []
    for turn in _TURNS:
        window = grid.window_touching(Bounds(box.left + turn, box.bottom, box.right + turn, box.top))
        if window is not None:
            windows = _joined(windows, _widened(window, margin, grid))
    return windows


def window_of_extent(grid: Grid, extent: tuple[Bounds, str], source: str) -> Window:
    """The cells of `grid` that an extent (edges and CRS) touches, as `windows_over` numbers them.

    Raises
    ------
    InputError
        If there are none, or they lie at both ends of a grid that does not close the circle; `source` is
        what messages call the grid.
    """
    found = windows_over(grid, *extent, margin=0)
    if not found:
        raise InputError(f"EXTENT: it does not meet the cells of {source}; choose an extent over them.")
    if len(found) > 1:
        raise InputError(
            f"EXTENT: it lies over both ends of {source} ({grid.bounds.left:g} and {grid.bounds.right:g} "
            "degrees), which do not join; choose an extent on one side of them."
        )
    return found[0]


def window_around_earth(grid: Grid, box: Bounds, margin: int = 0) -> Window | None:
    """The cells of a grid around the whole earth that share area with a box in its CRS, or None.

    Columns are counted on beyond the edges of the grid, so that those of the window lie where the box does.
    """
    around = goes_around(grid)
    window = grid.window_touching(Bounds(grid.left, box.bottom, grid.left + grid.cell_width, box.top))
    first = math.floor((box.left - grid.left) / grid.cell_width + EDGE_TOLERANCE) - margin
    end = math.ceil((box.right - grid.left) / grid.cell_width - EDGE_TOLERANCE) + margin
    if window is None or end <= first:
        return None
    if end - first >= around:
        first, end = 0, around
    rows = _widened(window, margin, grid)
    return Window(rows.row, first, rows.height, end - first)


def _joined(windows: list[Window], new: Window) -> list[Window]:
    """The windows and a new one of the same rows; those that overlap become one."""
    apart = []
    for window in windows:
        if new.col < window.col + window.width and window.col < new.col + new.width:
            left = min(window.col, new.col)
            right = max(window.col + window.width, new.col + new.width)
            new = Window(new.row, left, new.height, right - left)
        else:
            apart.append(window)
    return [*apart, new]


def _widened(window: Window, margin: int, grid: Grid) -> Window:
    row, col = max(window.row - margin, 0), max(window.col - margin, 0)
    bottom = min(window.row + window.height + margin, grid.height)
    right = min(window.col + window.width + margin, grid.width)
    return Window(row, col, bottom - row, right - col)


class Mask:
    """A mask raster: cells that are neither 0 nor NoData are masked out; outside it nothing is.

    Raises
    ------
    InputError
        If the raster cannot be read, has no CRS, or it cannot be told which band is the mask.
    """

    _PARAMETER = "MASK"

    def __init__(self, path: str):
        self.path, self._dataset = path, open_dataset(path)
        self.looks = [Look(f"{self._PARAMETER} ({path})", name, advice=DECLARE) for name in self._names()]
        self.grid = dataset_grid(self._dataset, f"{self._PARAMETER} ({path})")
        self.band = self._find_band()

    def _names(self) -> list[str]:
        """What is read, for messages."""
        return ["it"]

    def _find_band(self) -> int:
        return one_band(self._dataset, f"{self._PARAMETER} ({self.path})", MASK)

    def check_codes(self) -> None:
        """Raise `InputError` if what was read so far holds a code of no value that nobody declared."""
        for look in self.looks:
            look.check()

    def covers(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Whether points, given as positions in the mask's grid, are masked out: bool, shape of `rows`.

        Raises
        ------
        InputError
            If the raster cannot be read.
        """
        inside, row, col = cells_of(rows, cols, self.grid.shape)
        if not inside.any():
            return inside
        top, left = int(row[inside].min()), int(col[inside].min())
        window = Window(top, left, int(row[inside].max()) - top + 1, int(col[inside].max()) - left + 1)
        masked = self._masked(window)
        # Points outside were given cell 0, 0, which the window need not hold.
        return inside & masked[np.maximum(row - top, 0), np.maximum(col - left, 0)]

    def leaves_any(self, target: Grid, progress: Progress = SILENT) -> bool:
        """Whether any of its cells over a target grid (in the box around it) is not masked; all are read."""
        for strip in _strips(self.grid, target):
            progress.check()
            if not self._masked(strip).all():
                return True
        return False

    def _masked(self, window: Window) -> np.ndarray:
        values = read_band(self._dataset, self.band, window, look=self.looks[0])
        return np.isfinite(values) & (values != 0)


class Gaps(Mask):
    """The pixels of a raster that lack a value in one of its bands, asked as a mask; outside it is none.

    Raises
    ------
    InputError
        If the raster cannot be read or has no CRS.
    """

    _PARAMETER = "COVARIATES"

    def _names(self) -> list[str]:
        bands = range(1, self._dataset.RasterCount + 1)
        return [band_name(self._dataset.GetRasterBand(number)) or f"band {number}" for number in bands]

    def _find_band(self) -> int:
        # All of them count.
        return 1

    def _masked(self, window: Window) -> np.ndarray:
        missing = np.zeros((window.height, window.width), bool)
        for number, look in enumerate(self.looks, start=1):
            missing |= np.isnan(read_band(self._dataset, number, window, look=look))
        return missing


def has_value(source: Source, target: Grid, progress: Progress = SILENT) -> bool:
    """Whether a source has a value anywhere over a target grid (in the box around it); ends at the first."""
    reader = BandReader()
    for strip in _strips(source.grid, target):
        progress.check()
        if np.isfinite(reader.read(source, strip)).any():
            return True
    return False


def _strips(grid: Grid, target: Grid) -> Iterator[Window]:
    """The windows of `grid` over a target, a few rows at a time."""
    for window in windows_over(grid, target.bounds, target.crs, margin=0):
        yield from row_blocks(window)
