"""Test B: SMAP's cells are averaged to blocks, mapped back to cells, and held against SMAP itself."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.grid import Grid, Window
from ...geo.ground import ground_size
from ...methods.area.footprint import NOISE
from ...runs.fingerprint import digest
from ...runs.journal import Journal
from ..demo.numbers.fields import block_sums
from .contenders import BILINEAR, CEILING, CONTENDERS, LEAST_DATES, TWO_LEVELS
from .known_truth import spread_dates
from .mapped import map_all
from .numbers.scores import ONE_SCALE_UP, Case, MapScore, as_record, from_record
from .numbers.windows import disjoint_windows
from .scene import Dated, Landing, Scene
from .trial import Trial

#: Share of a block's cells that must have a value.
_LEAST_SHARE = 0.5
#: Cells with shorter sides are interpolated from its footprint, metres.
_LEAST_RESOLVED = 30_000.0
#: Inputs of SMAP's retrieval, by name: as covariates they flatter this test.
_RETRIEVAL = re.compile(
    r"albedo|opacity|(?:^|_)tau(?:_|$)|vegetation_water|vwc|roughness|surface_temp|(?:^|_)tb_|brightness|boresight",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ScaleUp:
    """What is tried.

    Parameters
    ----------
    factor : int
        Cells along a side of a block, 2 or more.
    side : int
        Blocks along a side of a window.
    least : int
        Blocks with values that a window needs.
    windows : int
        Windows, at most.
    methods : tuple of str
        Of `CONTENDERS`; bilinear always is one.
    estimated : bool
        Whether the two levels find out the footprint by themselves; else it is none.
    mapped : int
        Dates of each window whose maps are scored, at most.
    seed : int
    """

    factor: int = 3
    side: int = 20
    least: int = 150
    windows: int = 12
    methods: tuple[str, ...] = ()
    estimated: bool = True
    mapped: int = 3
    seed: int = 1000

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise InputError(f"FACTOR is {self.factor}; give 2 or more cells along the side of a block.")
        if self.side**2 < self.least:
            raise InputError(
                f"BLOCKS is {self.side}, and a window of {self.side} x {self.side} blocks holds fewer than "
                f"the {self.least:,} that are needed; give {math.ceil(math.sqrt(self.least))} or more."
            )

    def chosen(self, dates: int) -> tuple[str, ...]:
        """The contenders for so many dates; a forest that saw the truth is none, for there is too little.

        Raises
        ------
        InputError
            If none of those that were asked for can take part.
        """
        left_out = {CEILING, *(() if dates >= LEAST_DATES else (TWO_LEVELS,))}
        if self.methods and left_out.issuperset(self.methods):
            raise InputError(
                f"METHODS: '{CEILING}' has no part in the test one scale up, and '{TWO_LEVELS}' needs "
                f"{LEAST_DATES} dates or more of the series, of which there {'are' if dates - 1 else 'is'} "
                f"{dates}; choose other methods."
            )
        names = (*(self.methods or CONTENDERS), BILINEAR)
        return tuple(name for name in CONTENDERS if name in names and name not in left_out)


@dataclass(frozen=True, eq=False)
class Coarse:
    """A SMAP series and covariates on its cells.

    Attributes
    ----------
    grid : Grid
    days : tuple of int
        Ordinals of the dates.
    moisture : float array, shape (dates, rows, columns)
        m3 m-3, NaN where missing.
    names : tuple of str
    x : float32, shape (covariates, rows, columns)
    dynamic : tuple of Dated
    label : str
        What messages call the series.
    """

    grid: Grid
    days: tuple[int, ...]
    moisture: np.ndarray
    names: tuple[str, ...]
    x: np.ndarray
    dynamic: tuple[Dated, ...] = ()
    label: str = "SMAP"


def retrieval_inputs(names: Sequence[str]) -> str:
    """A sentence on covariates that SMAP's soil moisture was made with; empty where there are none."""
    some = [name for name in names if _RETRIEVAL.search(name)]
    if not some:
        return ""
    return (
        f"COVARIATES: by their names {', '.join(some)} are inputs of SMAP's retrieval; they flatter the test "
        "one scale up, so leave them out to learn what independent covariates tell."
    )


def interpolated_cells(grid: Grid) -> str:
    """A sentence on cells that are finer than what SMAP resolves; empty where they are not."""
    side = math.sqrt(math.prod(ground_size(grid)))
    if side >= _LEAST_RESOLVED:
        return ""
    return (
        f"SMAP: its cells of {side / 1000:.0f} km are interpolated from a footprint of over 30 km, so that "
        "there is little within blocks to be found, and interpolation finds it; take the result for "
        "orientation only, with OWN_FOOTPRINT 'given' (the cells that are scored are as blurred as blocks), "
        "or give SPL3SMP (36 km)."
    )


def run_scale_up(
    coarse: Coarse,
    settings: ScaleUp,
    progress: Progress = SILENT,
    journal: Journal | None = None,
    inputs: str = "",
) -> list[MapScore]:
    """The scores of all maps of all windows; a window that the journal has is not worked out again.

    Raises
    ------
    InputError
        If no window has enough blocks.
    """
    methods, (cells, windows) = settings.chosen(len(coarse.days)), windows_of(coarse, settings)
    done = {record["digest"]: record for record in (journal or Journal(None)).records()}
    counter, found = progress.counter(len(windows), "windows"), []
    for number, window in enumerate(windows):
        case = Case(ONE_SCALE_UP, f"window {number + 1}", 0.0, 0.0, len(coarse.days), settings.seed)
        content: dict[str, Any] = {"inputs": inputs, "case": asdict(case), "place": [window.row, window.col]}
        name = digest({**content, **asdict(settings), "methods": methods})
        if name not in done:
            part = progress.part(number / len(windows), (number + 1) / len(windows))
            trial = window_trial(coarse, cells, window, settings, part)
            truths = {date: trial.truth(date) for date in trial.wanted}
            maps = map_all(case, trial, truths, methods, part)
            if journal is not None:
                journal.add({"digest": name, "maps": [as_record(one) for one in maps]})
            found += maps
        else:
            found += [from_record(one) for one in done[name]["maps"]]
        counter.advance()
    return found


def windows_of(coarse: Coarse, settings: ScaleUp) -> tuple[Grid, list[Window]]:
    """The blocks, and windows of them that share none and hold enough.

    Raises
    ------
    InputError
        If there is none.
    """
    factor = settings.factor
    cells = _blocks_of(coarse.grid, factor)
    seen = np.isfinite(coarse.moisture).any(axis=0) & np.isfinite(coarse.x).all(axis=0)
    inside = seen[: cells.height * factor, : cells.width * factor]
    shares = block_sums(inside, factor) / factor**2
    places = disjoint_windows(shares >= _LEAST_SHARE, settings.side, settings.least, settings.windows)
    if not places:
        count = int((shares >= _LEAST_SHARE).sum())
        raise InputError(
            f"{coarse.label}: {count:,} blocks of {factor} x {factor} SMAP cells have values, and the test "
            f"one scale up needs {settings.least:,} of them in a square of {settings.side} x "
            f"{settings.side} blocks, which is some {settings.least * factor * factor:,} cells; give a "
            "larger area than a basin, such as whole granules of SPL3SMP, or test with known truth."
        )
    height, width = (min(settings.side, size) for size in cells.shape)
    return cells, [Window(row, col, height, width) for row, col in places]


def _blocks_of(grid: Grid, factor: int) -> Grid:
    """Whole blocks of cells, from the first cell on."""
    if min(grid.shape) < factor:
        raise InputError(
            f"SMAP has {grid.height} x {grid.width} cells, and a block {factor} x {factor}; give a "
            "larger area."
        )
    return Grid(
        grid.crs,
        grid.left,
        grid.top,
        grid.cell_width * factor,
        grid.cell_height * factor,
        grid.width // factor,
        grid.height // factor,
    )


def window_trial(
    coarse: Coarse, blocks: Grid, window: Window, settings: ScaleUp, progress: Progress = SILENT
) -> Trial:
    """What methods see of a window of the blocks; the truth are the cells."""
    factor, cells = settings.factor, blocks.crop(window)
    fine = Window(*(number * factor for number in (window.row, window.col, window.height, window.width)))
    grid, (rows, cols) = coarse.grid.crop(fine), fine.slices
    x, moisture = coarse.x[:, rows, cols].copy(), coarse.moisture[:, rows, cols]
    # Where SMAP never has a value nothing can be averaged: for methods that is as a lake.
    x[:, ~np.isfinite(moisture).any(axis=0)] = np.nan
    landing = Landing(grid, cells, progress)
    dynamic = tuple(
        Dated(one.name, grid, {day: values[rows, cols] for day, values in one.values.items()})
        for one in coarse.dynamic
    )
    scene = Scene(grid, cells, coarse.names, x, landing, coarse.days, dynamic)
    valid = landing.shares(scene.valid)
    observed = np.full((len(coarse.days), *cells.shape), np.nan)
    for date, values in enumerate(moisture):
        values = np.where(scene.valid, values, np.nan)
        seen = landing.shares(np.isfinite(values))
        # A block stands for the cells that methods think it does.
        whole = (seen >= _LEAST_SHARE) & (seen >= 0.75 * valid)
        observed[date] = np.where(whole, landing.means(values), np.nan)
    counts = np.isfinite(observed).sum(axis=(1, 2))
    wetness = np.where(counts >= settings.least / 2, np.nanmean(moisture, axis=(1, 2)), np.nan)
    wanted = np.flatnonzero(np.isfinite(wetness)).tolist()
    some = [wanted[place] for place in spread_dates(wetness[wanted], settings.mapped)]
    # The mean over a block has between the noise of one cell and, were it not shared, that over `factor`.
    between = math.sqrt(factor)
    return Trial(
        scene, observed, 0.0, settings.estimated, NOISE / between, between, settings.seed,
        lambda date: moisture[date], tuple(some),
    )  # fmt: skip
