"""What is added to maps beside the prediction, so that they agree with the SMAP that they stand for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.threads import Stoppable, ordered_map
from ...geo.blocks import windows
from ...geo.geotiff import TILE
from ...geo.grid import EDGE_TOLERANCE, Window
from ...methods.base import COVER_SDS
from .numbers.closure import CellSums, NodeField, OverCells
from .under import CellsUnder, Layers

if TYPE_CHECKING:
    from ...methods.area.residual import ResidualField

_Result = TypeVar("_Result")


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
