"""Sample squares: a grid sample with a random start, each square inside one SMAP cell (paper 2.3.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from osgeo import ogr

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area import Area
from ...geo.crs_choice import Region
from ...geo.grid import EASE2_CRS, EDGE_TOLERANCE, Bounds, Grid
from ...geo.lattice import Lattice, Transformation, transform_bounds
from ...geo.sources import Mask
from .numbers.squares import FINER, MOST_POSITIONS, Choice, Sides, lattice, outline_areas

#: Random positions tried in a cell that the lattice left without a square, and cells tried at a time.
_TRIES, _CELLS_AT_A_TIME = 16, 64
#: Squares whose outlines are transformed between two looks at the cancel button.
_SQUARES_AT_A_TIME = 4096
#: To how many metres the edges of a study area of polygons are true.
_TRUE_TO = 0.01
#: Points along the side of a square at which a mask is looked at: least, and most (whole pixels: twice that).
_LEAST_POINTS, _MOST_POINTS = 10, 64


@dataclass(frozen=True)
class SquareDesign:
    """What is asked for.

    Attributes
    ----------
    regions : tuple of Region
        Boxes that hold each square wholly: the study area, the extent of a stack.
    crs : str
        Metric CRS of the squares.
    sides : Sides
        Size of a square, metres.
    cells : Grid
        The SMAP cells.
    count, per_cell : int
        Squares wanted, and the most in one cell.
    seed : int
    area : Area, optional
        Polygons that hold each square wholly.
    """

    regions: tuple[Region, ...]
    crs: str
    sides: Sides
    cells: Grid
    count: int
    per_cell: int
    seed: int
    area: Area | None = None

    @property
    def region(self) -> Region:
        """The study area as a box, as far as that is known before the squares are placed."""
        if self.area is None:
            return self.regions[0]
        return Region(self.area.bounds_in(self.crs), self.crs, self.area.label)

    @property
    def parameter(self) -> str:
        """The one that says where squares may lie."""
        return "EXTENT" if self.area is None else self.area.parameter


@dataclass(frozen=True)
class Squares:
    """Squares, shape (n,) each: row and column of the cell, centre (metres), area on the ground (m2),
    masked share 0...1.

    `cells_met` is how many SMAP cells meet the study area, `random` how many
    squares the lattice did not give.
    """

    rows: np.ndarray
    cols: np.ndarray
    x: np.ndarray
    y: np.ndarray
    areas: np.ndarray
    masked: np.ndarray
    cells_met: int
    random: int

    def where(self, kept: np.ndarray) -> Squares:
        """The squares of a bool mask, shape (n,)."""
        parts = {name: getattr(self, name)[kept] for name in ("rows", "cols", "x", "y", "areas", "masked")}
        return replace(self, **parts)


def sample_squares(design: SquareDesign, masks: Sequence[Mask] = (), progress: Progress = SILENT) -> Squares:
    """Place squares on a regular grid with a random start.

    The lattice is made finer until enough of its squares lie inside a cell and
    the regions; what it gives too much is taken away at random.  Where even
    four times as many positions give too few, cells that are not full get squares
    at random positions.

    Returns
    -------
    Squares
        As many as wanted or as could be placed, masked ones included.

    Raises
    ------
    InputError
        If no cell meets the regions, or none holds a square.
    """
    positions = _Positions(design)
    rng = np.random.default_rng(design.seed)
    choice, extra = _from_lattice(positions, rng, progress), 0
    if len(choice) < positions.most:
        before = len(choice)
        _fill(choice, positions, rng, progress)
        extra = len(choice) - before
    cells, x, y = choice.squares()
    if not len(cells):
        raise InputError(
            f"No square of {design.sides.width:g} x {design.sides.height:g} m lies inside both a SMAP cell "
            f"({design.cells.cell_width:.0f} m) and the study area; give a smaller SIZE or a larger "
            f"{design.parameter}."
        )
    masked = _masked_shares(design, x, y, masks, progress)
    rows, cols = np.divmod(cells, design.cells.width)
    # The EASE-Grid 2.0 is equal-area.
    areas = outline_areas(*Transformation(design.crs, EASE2_CRS)(*design.sides.outline(x, y)))
    return Squares(rows, cols, x, y, areas, masked, len(positions.cells_met), extra)


class _Polygons:
    """The union of the study area's polygons in the CRS of the squares.

    Attributes
    ----------
    size : float
        Its area in the box of the squares, m2.
    """

    def __init__(self, design: SquareDesign, area: Area, box: Bounds):
        geometry = area.geometry_in(design.crs, _TRUE_TO)
        x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        around = _rectangle(x, y, box.right - box.left, box.top - box.bottom)
        self.size = float(geometry.Intersection(around).GetArea())
        self._sides, self._prepared = design.sides, geometry.CreatePreparedGeometry()

    def hold(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which squares with the centres x, y of shape (n,) lie wholly inside, bool, shape (n,)."""
        # An edge may lie on an edge.
        width, height = (side * (1 - 2 * EDGE_TOLERANCE) for side in (self._sides.width, self._sides.height))
        return np.array(
            [self._prepared.Contains(_rectangle(*place, width, height)) for place in zip(x, y)], bool
        )


def _rectangle(x: float, y: float, width: float, height: float) -> ogr.Geometry:
    polygon, ring = ogr.Geometry(ogr.wkbPolygon), ogr.Geometry(ogr.wkbLinearRing)
    for across, up in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)):
        ring.AddPoint_2D(float(x + across * width), float(y + up * height))
    polygon.AddGeometry(ring)
    return polygon


class _Positions:
    """Which squares are allowed, and the cell of each; `size` is the area that they may lie in, m2."""

    def __init__(self, design: SquareDesign):
        self.design = design
        self._to_cells = Transformation(design.crs, design.cells.crs)
        self._to_regions = [Transformation(design.crs, region.crs) for region in design.regions]
        around = [*design.regions, *([design.region] if design.area else [])]
        boxes = [transform_bounds(region.bounds, region.crs, design.crs) for region in around]
        self.box = Bounds(
            max(box.left for box in boxes),
            max(box.bottom for box in boxes),
            min(box.right for box in boxes),
            min(box.top for box in boxes),
        )
        labels = " and ".join(region.label for region in around)
        apart = InputError(f"{labels} do not meet; choose an {design.parameter} inside the raster.")
        if self.box.left >= self.box.right or self.box.bottom >= self.box.top:
            raise apart
        window = design.cells.window_touching(transform_bounds(self.box, design.crs, design.cells.crs))
        if window is None:
            raise InputError(f"{labels}: it lies outside the SMAP grid; choose another {design.parameter}.")
        self.size = (self.box.right - self.box.left) * (self.box.top - self.box.bottom)
        met, self._polygons = np.ones((window.height, window.width), bool), None
        if design.area is not None:
            met = design.area.touched(design.cells, "the SMAP cells").mask(window)
            self._polygons = _Polygons(design, design.area, self.box)
            self.size = self._polygons.size
            if not (met.any() and self.size > 0):
                raise apart
        rows, cols = np.nonzero(met)
        self.cells_met = (rows + window.row) * design.cells.width + cols + window.col

    @property
    def most(self) -> int:
        """The most squares that there can be."""
        return min(self.design.count, self.design.per_cell * len(self.cells_met))

    def cell_of(self, x: np.ndarray, y: np.ndarray, progress: Progress) -> np.ndarray:
        """Number of the cell that holds each square, -1 for squares across an edge, int64, shape (n,)."""
        cells = np.empty(len(x), np.int64)
        for start in range(0, len(x), _SQUARES_AT_A_TIME):
            progress.check()
            part = slice(start, start + _SQUARES_AT_A_TIME)
            cells[part] = self._cell_of(x[part], y[part])
        return cells

    def _cell_of(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        outline = self.design.sides.outline(x, y)
        cells = self._cell_around(*self._to_cells(*outline))
        for region, transform in zip(self.design.regions, self._to_regions):
            cells[~_inside(region.bounds, *transform(*outline))] = -1
        if self._polygons is not None:
            left = np.flatnonzero(cells >= 0)
            cells[left[~self._polygons.hold(x[left], y[left])]] = -1
        return cells

    def _cell_around(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        grid = self.design.cells
        cols, rows = (x - grid.left) / grid.cell_width, (grid.top - y) / grid.cell_height
        # The cell of the middle of the outline: an edge may lie on an edge, to within centimetres.
        with np.errstate(invalid="ignore"):
            col, row = np.floor(cols.mean(axis=1)), np.floor(rows.mean(axis=1))
            good = (col >= 0) & (col < grid.width) & (row >= 0) & (row < grid.height)
            for positions, cell in ((cols, col), (rows, row)):
                offset = positions - cell[:, None]
                good &= (offset >= -EDGE_TOLERANCE).all(axis=1) & (offset <= 1 + EDGE_TOLERANCE).all(axis=1)
        number = np.full(len(x), -1, np.int64)
        number[good] = (row[good] * grid.width + col[good]).astype(np.int64)
        return number


def _inside(bounds: Bounds, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    across, up = EDGE_TOLERANCE * (bounds.right - bounds.left), EDGE_TOLERANCE * (bounds.top - bounds.bottom)
    with np.errstate(invalid="ignore"):
        inside = (x >= bounds.left - across) & (x <= bounds.right + across)
        inside &= (y >= bounds.bottom - up) & (y <= bounds.top + up)
    return np.asarray(inside.all(axis=1))


def _from_lattice(positions: _Positions, rng: np.random.Generator, progress: Progress) -> Choice:
    """The squares of the widest lattice that gives enough, or of the finest one that is tried."""
    design, box = positions.design, positions.box
    start = rng.random(2)
    spacing = math.sqrt(positions.size / positions.most)
    while True:
        x, y = design.sides.snapped(*lattice(box, spacing, start))
        # The order says which positions of one cell are taken, and which ones are too many.
        order = rng.permutation(len(x))
        x, y = x[order], y[order]
        choice = Choice(design.sides, design.per_cell)
        choice.take(positions.cell_of(x, y, progress), x, y, positions.most)
        spacing *= FINER
        if len(choice) >= positions.most or positions.size / spacing**2 > MOST_POSITIONS * positions.most:
            return choice


def _fill(choice: Choice, positions: _Positions, rng: np.random.Generator, progress: Progress) -> None:
    """Squares at random positions of cells that are not full, until there are enough or no cell is left."""
    design = positions.design
    open_cells = np.array(
        [cell for cell in positions.cells_met.tolist() if not choice.is_full(cell)], np.int64
    )
    open_cells = rng.permutation(open_cells)
    counter = progress.counter(len(open_cells), "SMAP cells tried")
    for start in range(0, len(open_cells), _CELLS_AT_A_TIME):
        if len(choice) >= positions.most:
            return
        some = open_cells[start : start + _CELLS_AT_A_TIME]
        # A try of each cell at a time: cells get their first squares before others get their second.
        x, y = _random_positions(some, positions, rng)
        x, y = design.sides.snapped(x.ravel(), y.ravel())
        choice.take(positions.cell_of(x, y, progress), x, y, positions.most)
        counter.advance(len(some))


def _random_positions(
    cells: np.ndarray, positions: _Positions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random centres of squares inside the boxes around cells and study area; shape (tries, cells) each."""
    grid, sides, box = positions.design.cells, positions.design.sides, positions.box
    rows, cols = np.divmod(cells, grid.width)
    u, v = (part.ravel() for part in np.meshgrid((0.0, 0.5, 1.0), (0.0, 0.5, 1.0)))
    x, y = Transformation(grid.crs, positions.design.crs)(
        grid.left + (cols[:, None] + u) * grid.cell_width, grid.top - (rows[:, None] + v) * grid.cell_height
    )
    return (
        _random_within(np.clip(x, box.left, box.right), sides.width, rng),
        _random_within(np.clip(y, box.bottom, box.top), sides.height, rng),
    )


def _random_within(ends: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    """Middles of stretches of length `side` between the least and greatest of `ends`, shape (cells, n)."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    slack = np.maximum(high - low - side, 0.0)
    return (low + high) / 2 + (rng.random((_TRIES, len(ends))) - 0.5) * slack


def _masked_shares(
    design: SquareDesign, x: np.ndarray, y: np.ndarray, masks: Sequence[Mask], progress: Progress
) -> np.ndarray:
    """The share of each square that any of the masks covers, 0...1, shape (n,)."""
    shares = np.zeros(len(x))
    if not masks:
        return shares
    across, down = _points(design, float(x[0]), float(y[0]), masks)
    ways = [Transformation(design.crs, mask.grid.crs) for mask in masks]
    counter = progress.counter(len(x), "squares held against the mask")
    for index, (east, north) in enumerate(zip(x.tolist(), y.tolist())):
        points = np.broadcast_arrays(*design.sides.inner_points(east, north, across, down))
        covered = np.zeros((down, across), bool)
        for mask, way in zip(masks, ways):
            point_x, point_y = way(*points)
            rows = (mask.grid.top - point_y) / mask.grid.cell_height
            covered |= mask.covers(rows, (point_x - mask.grid.left) / mask.grid.cell_width)
        shares[index] = covered.mean()
        counter.advance()
    return shares


def _points(design: SquareDesign, x: float, y: float, masks: Sequence[Mask]) -> tuple[int, int]:
    """Points along width and height of a square at x, y: two or more per pixel of each mask."""
    here = Grid(design.crs, x - 0.5, y + 0.5, 1.0, 1.0, 1, 1)
    pixels_per_metre = max(max(Lattice(here, mask.grid).longest_sides) for mask in masks)
    sides, pixels = design.sides, design.sides.pixels
    return (
        _points_along(sides.width, pixels_per_metre, pixels.cell_width if pixels else None),
        _points_along(sides.height, pixels_per_metre, pixels.cell_height if pixels else None),
    )


def _points_along(side: float, pixels_a_metre: float, pixel: float | None) -> int:
    wanted = int(np.clip(math.ceil(2 * side * pixels_a_metre - 1e-6), _LEAST_POINTS, _MOST_POINTS))
    whole = round(side / pixel) if pixel else 1
    # As many in each pixel that the square cuts, so that the share of masked ones is exact.
    return whole * math.ceil(wanted / whole) if whole <= 2 * _MOST_POINTS else wanted
