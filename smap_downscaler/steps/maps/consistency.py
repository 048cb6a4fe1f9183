"""Maps beside the SMAP that they stand for: what is added to them, and how their cell means lie beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...base.errors import InputError
from ...base.kept import Kept
from ...base.progress import Progress
from ...base.threads import Stoppable, ordered_map
from ...geo.area_means import SUBPIXELS_A_CELL, cuts, refined
from ...geo.blocks import windows
from ...geo.geotiff import TILE
from ...geo.grid import EDGE_TOLERANCE, Grid, Window
from ...geo.lattice import Lattice
from ...geo.overlap import window_around
from ...geo.sampling import split_over_cells
from ...geo.sources import windows_over
from ...methods.base import COVER_SDS
from .numbers.closure import CellSums, NodeField, OverCells, Shares

if TYPE_CHECKING:
    from ...methods.area.residual import ResidualField

#: Pixels are this much smaller than SMAP's cells along a side, at least, for these to be returned exactly.
_LARGEST_SIDE = 0.5
#: Bytes that the shares of pixels in cells may take, which all dates have in common.
_MOST_KEPT = 2**27

_Result = TypeVar("_Result")
#: A block of a map: its window, and its layers, float64, soil moisture first.
Layers = tuple[Window, list[np.ndarray]]


@dataclass(frozen=True)
class Finish:
    """What is done to maps beside their prediction.

    Parameters
    ----------
    residual : bool
        Whether what forests leave of SMAP is added, as a field.
    exact : bool
        Whether the means over SMAP's cells are to be SMAP's.
    footprint_km : float
        Full width of SMAP's footprint; 0: its values are means over the cells.
    noise : float, optional
        SD of SMAP's noise, m3 m-3; None: estimated.
    """

    residual: bool = False
    exact: bool = False
    footprint_km: float = 0.0
    noise: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.footprint_km < np.inf:
            raise InputError(f"FOOTPRINT is {self.footprint_km:g}; give its width in km, or 0.")
        if self.noise is not None and not 0 < self.noise < 1:
            raise InputError(
                f"NOISE is {self.noise:g}; give the standard deviation of SMAP's noise, m3 m-3, such as 0.02."
            )

    @property
    def steps(self) -> int:
        """How many things are added."""
        return self.residual + self.exact

    @property
    def words(self) -> str:
        """The parameters that ask for it."""
        return " and ".join(["RESIDUAL"] * self.residual + ["CONSISTENCY"] * self.exact)

    @property
    def content(self) -> dict[str, object]:
        """What maps depend on of it, for a fingerprint."""
        found: dict[str, object] = {"exact": True} if self.exact else {}
        if self.residual:
            found["residual"] = [self.footprint_km, self.noise]
        return found


@dataclass(frozen=True, eq=False)
class CellsUnder:
    """SMAP's cells under the pixels of maps.

    Parameters
    ----------
    grid : Grid
        That of the maps.
    smap : Grid
        The SMAP grid.
    label : str
        What messages call SMAP.
    """

    grid: Grid
    smap: Grid
    label: str
    _kept: Kept[Shares] = field(default_factory=lambda: Kept(_MOST_KEPT), init=False, repr=False)

    @cached_property
    def window(self) -> Window:
        """The cells, as a window of the SMAP grid.

        Raises
        ------
        InputError
            If the two do not meet, or pixels are larger than cells.
        """
        found = windows_over(self.smap, self.grid.bounds, self.grid.crs)
        if not found:
            raise InputError(
                f"{self.label}: it does not meet the maps; give the SMAP series of the same area."
            )
        return window_around(found)

    @cached_property
    def cells(self) -> Grid:
        """The grid of the cells."""
        return self.smap.crop(self.window)

    @cached_property
    def lattice(self) -> Lattice:
        """Where pixels lie among the cells."""
        return Lattice(self.grid, self.cells)

    @cached_property
    def _parts(self) -> tuple[tuple[int, int], Lattice]:
        """Into how many parts pixels are cut where they are large beside a cell, and where these lie."""
        cut = cuts(self.lattice.longest_sides, SUBPIXELS_A_CELL)
        return cut, self.lattice if cut == (1, 1) else Lattice(refined(self.grid, cut), self.cells)

    @property
    def are_larger(self) -> bool:
        """Whether the cells are at least as large as the pixels."""
        return max(self.lattice.longest_sides) <= 1.0

    def check(self, exact: bool) -> None:
        """Raise `InputError` where pixels are too large beside the cells for what is wanted."""
        side = max(self.lattice.longest_sides)
        if side > (_LARGEST_SIDE if exact else 1.0 / _LARGEST_SIDE):
            what = "CONSISTENCY cannot be exact there; leave it at 'none'" if exact else "leave it out"
            raise InputError(
                f"{self.label}: the pixels of the maps are {side:.2g} times as long as its cells, and "
                f"{what}, or give a finer stack."
            )

    def on_cells(self, places: np.ndarray, values: np.ndarray) -> np.ndarray | None:
        """Values of cells of the SMAP grid, int, shape (n, 2), as an array of the cells; None for none."""
        rows, cols = places[:, 0] - self.window.row, places[:, 1] - self.window.col
        inside = (rows >= 0) & (rows < self.window.height) & (cols >= 0) & (cols < self.window.width)
        found = np.full(self.cells.shape, np.nan)
        found[rows[inside], cols[inside]] = values[inside]
        return found if np.isfinite(found).any() else None

    def positions(self, tile: Window) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the pixels of a tile among the cells: float64, its shape."""
        return self.lattice.positions(tile)

    def sums(self, tile: Window, values: np.ndarray, weights: bool = True) -> CellSums:
        """Sums of a tile of a map over the cells; `values` has its shape, NaN where missing.

        `weights`: whether those of nodes are asked for.
        """
        centres = None
        if weights:
            rows, cols = self.positions(tile)
            centres = rows.ravel(), cols.ravel()
        shares = self._kept.of(tile, partial(self._shares, tile))
        return shares.sums(values.ravel(), centres)

    def _shares(self, tile: Window) -> Shares:
        """How the pixels of a tile are shared out among the cells."""
        (down, right), lattice = self._parts
        fine = Window(tile.row * down, tile.col * right, tile.height * down, tile.width * right)
        rows, cols = (part.ravel() for part in lattice.positions(fine))
        areas = lattice.areas(fine).ravel()
        parts, cells, areas = split_over_cells(rows, cols, lattice.pixel_size(fine), areas, self.cells.shape)
        some = areas > 0
        part_rows, part_cols = np.divmod(parts[some], fine.width)
        pixel = part_rows // down * tile.width + part_cols // right
        return Shares.of(self.cells.shape, pixel, cells[some], areas[some])

    def over(self, parts: Iterable[tuple[Window, CellSums]]) -> OverCells:
        """All tiles of a map, in whatever order they come."""
        ordered = sorted(parts, key=lambda part: (part[0].row, part[0].col))
        return OverCells.of((sums for _tile, sums in ordered), self.cells.shape)

    def sums_of(self, layers: Layers, weights: bool = True) -> Iterator[tuple[Window, CellSums]]:
        """Sums of the tiles of a block of a map that hold a value."""
        block, (values, *_others) = layers
        for tile in windows(block, TILE, TILE):
            part = values[block.place_of(tile).slices]
            if np.isfinite(part).any():
                yield tile, self.sums(tile, part, weights)


@dataclass(frozen=True, eq=False)
class Run:
    """Gives the blocks of a map, as often as one asks.

    Parameters
    ----------
    items : callable
        Gives what there is to do, in the order of the blocks.
    do : callable
        Makes a block of an item, in any thread.
    threads : int
    progress : Progress
    """

    items: Callable[[], Iterable[Any]]
    do: Callable[[Any, Progress], Layers]
    threads: int
    progress: Progress

    def through(self, work: Callable[[Layers], _Result]) -> Generator[_Result, None, None]:
        """``work(block)`` of each block, in the threads that make them."""

        def both(item: Any, progress: Progress) -> _Result:
            return work(self.do(item, progress))

        return ordered_map(both, self.items(), self.threads, self.progress)


@dataclass(frozen=True, eq=False)
class Residual:
    """What forests left of SMAP, as a field; beyond its cells as at their edge."""

    field: ResidualField

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """At points among the cells, the centre of the first at .5: float64, of the shape of `rows`."""
        return self.field.at(*self._inside(rows, cols))

    def sd_at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Standard deviation of what is true about it: float64, of the shape of `rows`."""
        return self.field.sd_at(*self._inside(rows, cols))

    def _inside(self, rows: np.ndarray, cols: np.ndarray) -> list[np.ndarray]:
        cells, found = self.field.model.core.subcells, []
        for place, first, size in zip((rows, cols), cells.corner, cells.shape):
            found.append(np.clip(np.nan_to_num(place), first, first + size - EDGE_TOLERANCE))
        return found


@dataclass(frozen=True)
class Places:
    """Where the layers of a block hold the ends of intervals and the SD; 0 where they do not."""

    lower: int = 0
    upper: int = 0
    sd: int = 0


@dataclass(frozen=True, eq=False)
class Finishing:
    """Adds to the map of a date what is wanted beside the prediction: a pass over its blocks for each thing.

    Parameters
    ----------
    under : CellsUnder
    smap : float64
        SMAP on the date, shape of the cells; NaN where there is none.
    finish : Finish
    places : Places
    keep : bool
        Whether the map stays in memory from pass to pass; else it is made anew. The result is the same.
    """

    under: CellsUnder
    smap: np.ndarray
    finish: Finish
    places: Places
    keep: bool

    def of(self, run: Run, advance: Callable[[], None]) -> Finished:
        """The blocks of a map with what is added to them.

        Parameters
        ----------
        run : Run
            Gives them as they are predicted.
        advance : callable
            Called after each block of a pass.

        """
        done = Finished(self.under, run, self.places)
        if self.finish.residual:
            done, over = self._pass(done, advance)
            try:
                done = replace(done, residual=self._residual(over, run.progress))
            except InputError as error:
                # One date that cannot be fitted is no reason to lose the others.
                done = replace(done, why_not=str(error).rstrip("."))
        if self.finish.exact:
            done, over = self._pass(done, advance)
            done = replace(done, exact=over.exact(self.smap))
        return done

    def _pass(self, done: Finished, advance: Callable[[], None]) -> tuple[Finished, OverCells]:
        """What gives the blocks the next time, and what they come to over the cells."""
        kept: list[Layers] = []
        sums: list[tuple[Window, CellSums]] = []
        run = done.run

        def summed(layers: Layers) -> tuple[Layers, list[tuple[Window, CellSums]]]:
            block, (first, *_others) = layers
            return layers, list(self.under.sums_of(done.block((block, [first]), Places())))

        with contextlib.closing(run.through(summed)) as blocks:
            for layers, own in blocks:
                sums += own
                if self.keep:
                    kept.append(layers)
                advance()
        if self.keep:
            run = Run(lambda: kept, lambda layers, _progress: layers, run.threads, run.progress)
        return replace(done, run=run), self.under.over(sums)

    def _residual(self, over: OverCells, progress: Progress) -> Residual:
        """What the means leave of SMAP, through a field and noise."""
        from ...methods.area.residual import fit_residual

        rows, cols = np.nonzero(over.held(self.smap))
        if not len(rows):
            raise InputError("the map covers no cell with SMAP at least by half")
        cells = np.column_stack([rows, cols])
        left = self.smap[rows, cols] - over.means[rows, cols]
        width, noise = self.finish.footprint_km, self.finish.noise
        # The whole that is shown is that of the maps.
        listener = Stoppable(progress)
        return Residual(fit_residual(self.under.cells, cells, left, width, noise, progress=listener))


@dataclass(frozen=True, eq=False)
class Finished:
    """The blocks of a map with what is added to them.

    Attributes
    ----------
    residual : Residual or None
        What forests left of SMAP, where that is added.
    exact : NodeField or None
        What returns SMAP, where that is added.
    why_not : str
        Why no field could be fitted to the residual.
    """

    under: CellsUnder
    run: Run
    places: Places
    residual: Residual | None = None
    exact: NodeField | None = None
    why_not: str = ""

    def blocks(self, last: Callable[[Layers], _Result]) -> Generator[_Result, None, None]:
        """The blocks, in order, each through `last`."""
        return self.run.through(lambda layers: last(self.block(layers, self.places)))

    def block(self, given: Layers, places: Places) -> Layers:
        """A block with what is added; the arrays given stay as they are.

        Ends of an interval move with soil moisture, and lie farther away as the residual is uncertain.
        """
        block, layers = given
        if self.residual is None and self.exact is None:
            return given
        layers = [layer.copy() for layer in layers]
        # What is worked out hangs on tiles alone, not on the size of blocks.
        for tile in windows(block, TILE, TILE):
            own = [layer[block.place_of(tile).slices] for layer in layers]
            valid = np.isfinite(own[0])
            if valid.any():
                rows, cols = (part[valid] for part in self.under.positions(tile))
                self._add([layer[valid] for layer in own], own, valid, rows, cols, places)
        return block, layers

    def _add(
        self,
        old: list[np.ndarray],
        own: list[np.ndarray],
        valid: np.ndarray,
        rows: np.ndarray,
        cols: np.ndarray,
        places: Places,
    ) -> None:
        """Bring the layers of a tile to their new values."""
        mean = old[0].copy()
        if self.residual is not None:
            mean += self.residual.at(rows, cols)
        if self.exact is not None:
            mean += self.exact.at(rows, cols)
        own[0][valid] = mean
        if not places.sd:
            return
        sd = 0.0 if self.residual is None else self.residual.sd_at(rows, cols)
        own[places.sd][valid] = np.hypot(old[places.sd], sd)
        for end, sign in ((places.lower, -1), (places.upper, 1)):
            own[end][valid] = mean + sign * np.hypot(old[end] - old[0], COVER_SDS * sd)
