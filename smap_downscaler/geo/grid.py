"""North-up raster grids as small values, and the EASE-Grid 2.0 of SMAP."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

#: How far a place may be off, in parts of a cell, and still be that of the cell's corner. Coordinates in
#: single precision, as in NetCDF, are off by up to 9e-4 of a cell of 30 seconds; so are cell sizes that
#: were written with too few digits. It is 9 m on SMAP's cells, .1 m on pixels of 100 m.
ALIGNMENT = 1e-3
#: How far edges may overlap, in parts of a cell, and only touch: the rounding of double precision.
EDGE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Window:
    """A block of cells: first row, first column, rows, columns."""

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the window in a full array."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)

    def part(self, block: Window) -> Window:
        """A block of this window, as cells of the grid that the window was cut from."""
        return Window(self.row + block.row, self.col + block.col, block.height, block.width)

    def place_of(self, block: Window) -> Window:
        """The same the other way round: cells of the grid, as a block of this window."""
        return Window(block.row - self.row, block.col - self.col, block.height, block.width)

    def common(self, other: Window) -> Window | None:
        """The cells of both, or None where there are none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        bottom = min(self.row + self.height, other.row + other.height)
        right = min(self.col + self.width, other.col + other.width)
        return Window(row, col, bottom - row, right - col) if bottom > row and right > col else None


@dataclass(frozen=True)
class Bounds:
    """West, south, east and north edge in the units of a CRS."""

    left: float
    bottom: float
    right: float
    top: float

    def intersects(self, other: Bounds) -> bool:
        """Whether the two share some area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


@dataclass(frozen=True)
class Grid:
    """A north-up grid of cells.

    Parameters
    ----------
    crs : str
        Coordinate reference system as ``EPSG:code`` or WKT.
    left, top : float
        Coordinates of the outer corner of the first cell.
    cell_width, cell_height : float
        Positive sizes of a cell in CRS units.
    width, height : int
        Columns and rows.
    """

    crs: str
    left: float
    top: float
    cell_width: float
    cell_height: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.cell_width <= 0 or self.cell_height <= 0:
            raise ValueError("cell sizes must be positive")
        if self.width < 1 or self.height < 1:
            raise ValueError("a grid needs at least one cell")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def bounds(self) -> Bounds:
        """Outer edges."""
        return Bounds(
            self.left,
            self.top - self.height * self.cell_height,
            self.left + self.width * self.cell_width,
            self.top,
        )

    @property
    def geotransform(self) -> tuple[float, float, float, float, float, float]:
        """GDAL's affine coefficients."""
        return self.left, self.cell_width, 0.0, self.top, 0.0, -self.cell_height

    @property
    def whole(self) -> Window:
        """The window of all cells."""
        return Window(0, 0, self.height, self.width)

    def x_centres(self) -> np.ndarray:
        """x of the column centres, float64, shape (width,)."""
        return self.left + (np.arange(self.width) + 0.5) * self.cell_width

    def y_centres(self) -> np.ndarray:
        """y of the row centres, float64, shape (height,)."""
        return self.top - (np.arange(self.height) + 0.5) * self.cell_height

    def crop(self, window: Window) -> Grid:
        """The grid of a window of this grid."""
        return Grid(
            self.crs,
            self.left + window.col * self.cell_width,
            self.top - window.row * self.cell_height,
            self.cell_width,
            self.cell_height,
            window.width,
            window.height,
        )

    def window_touching(self, bounds: Bounds) -> Window | None:
        """The cells that share area with `bounds` (same CRS), or None where there are none."""
        first_col = (bounds.left - self.left) / self.cell_width
        last_col = (bounds.right - self.left) / self.cell_width
        first_row = (self.top - bounds.top) / self.cell_height
        last_row = (self.top - bounds.bottom) / self.cell_height
        col0 = max(math.floor(first_col + EDGE_TOLERANCE), 0)
        col1 = min(math.ceil(last_col - EDGE_TOLERANCE), self.width)
        row0 = max(math.floor(first_row + EDGE_TOLERANCE), 0)
        row1 = min(math.ceil(last_row - EDGE_TOLERANCE), self.height)
        if col1 <= col0 or row1 <= row0:
            return None
        return Window(row0, col0, row1 - row0, col1 - col0)

    def offset_in(self, parent: Grid) -> tuple[float, float]:
        """Row and column of this grid's first cell in `parent`, in fractions of parent cells."""
        return (
            (parent.top - self.top) / parent.cell_height,
            (self.left - parent.left) / parent.cell_width,
        )

    def cell_offset_in(self, parent: Grid) -> tuple[int, int] | None:
        """Row and column of this grid's first cell in `parent`, or None where its cells are not parent's.

        They are where all corners lie on those of parent's cells, also beyond its edges, to `ALIGNMENT` of a
        cell. The CRS of both must be the same; it is not looked at (see `datasets.same_crs`).
        """
        row, col = self.offset_in(parent)
        first = round(row), round(col)
        off = (
            row - first[0],
            col - first[1],
            row - first[0] + self.height * (self.cell_height / parent.cell_height - 1),
            col - first[1] + self.width * (self.cell_width / parent.cell_width - 1),
        )
        return first if max(map(abs, off)) <= ALIGNMENT else None

    def has_side(self, side: float) -> bool:
        """Whether its cells are `side` wide and high, to `ALIGNMENT` of a cell."""
        return all(abs(own / side - 1) <= ALIGNMENT for own in (self.cell_width, self.cell_height))


def columns_around(cell_width: float, width: int) -> int:
    """How many columns of degrees lead once around the earth; 0 where a grid of `width` columns does not."""
    columns = round(360 / cell_width) if cell_width > 0 else 0
    whole = columns > 0 and abs(columns * cell_width - 360) <= ALIGNMENT * cell_width
    return columns if whole and columns <= width else 0


EASE2_CRS = "EPSG:6933"
EASE2_LEFT = -17367530.4451615
EASE2_TOP = 7314540.8306386
#: Cell sizes in metres and shapes (rows, columns) of the global EASE-Grid 2.0.
#: Source: Brodzik et al. (2012, 2014), the grids of SPL3SMP_E and SPL3SMP.
EASE2_CELLS = {"9 km": 9008.055210146, "36 km": 36032.220840584}
EASE2_SHAPES = {"9 km": (1624, 3856), "36 km": (406, 964)}


def ease2_grid(resolution: str) -> Grid:
    """The global EASE-Grid 2.0 at "9 km" or "36 km"."""
    height, width = EASE2_SHAPES[resolution]
    cell = EASE2_CELLS[resolution]
    return Grid(EASE2_CRS, EASE2_LEFT, EASE2_TOP, cell, cell, width, height)


def grid_from(content: object) -> Grid | None:
    """A grid from the JSON of its fields (``dataclasses.asdict``); None for what is none."""
    if not isinstance(content, dict) or set(content) != {field.name for field in fields(Grid)}:
        return None
    sizes = [content[name] for name in ("cell_width", "cell_height", "width", "height")]
    numbers = [content["left"], content["top"], *sizes]
    plain = all(isinstance(one, (int, float)) and math.isfinite(one) for one in numbers)
    if not (isinstance(content["crs"], str) and plain and min(sizes) > 0):
        return None
    return Grid(**{**content, "width": int(content["width"]), "height": int(content["height"])})
