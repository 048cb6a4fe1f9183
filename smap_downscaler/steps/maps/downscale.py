"""From models to maps: a file a date, those of an earlier run kept (paper 2.3.4)."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...base.cluster import on_cluster, spread
from ...base.errors import InputError
from ...base.kept import Kept
from ...base.progress import SILENT, Progress, heard_by
from ...base.threads import ordered_map
from ...base.words import counted, text
from ...geo.blocks import blocks
from ...geo.geotiff import Band, GeoTiff, create_geotiff
from ...geo.grid import Window
from ...geo.room import check_room
from ...geo.storage import GREATEST
from ...methods.keys import POOLED
from ...runs.fingerprint import is_made, run_of, tags_of_file
from ...series.dated import log_substitutes
from ...series.dated_on_grid import OnPixels
from ...series.tags import AREA_TAG, FIRST_BAND_TAG, RUN_TAG, is_of_area
from .bands import LOWER, NAME, SD, UPPER
from .consistency import Finished, Finishing, Places, Run
from .dates import check_dates
from .inputs import NO_SMAP, SMAP_TAG, MapInputs, compare_units
from .made import NOISE_TAG, Look, MapsReport, ask_models, look_at, take_look, tell_looks
from .mapped import PART_TAG
from .outlook import Outlook
from .predict import Pixels, Task, clipped, pixels_a_block, predict, tasks_of
from .under import Layers

#: The share of the memory up to which a map is kept from pass to pass.
_SHARE_KEPT = 0.5
#: A block of a map, and what it comes to.
_Looked = tuple[Layers, Look]


def map_file(folder: str | Path, date: dt.date, ending: str = "") -> Path:
    """Where the map of a date lies; `ending` follows the date in its name."""
    return Path(folder) / f"{NAME}_{date:%Y%m%d}{ending}.tif"


def make_maps(
    inputs: MapInputs,
    folder: str | Path,
    dates: Sequence[dt.date],
    threads: int = 1,
    memory_mb: int = 1200,
    progress: Progress = SILENT,
    ending: str = "",
    told: bool = False,
) -> MapsReport:
    """Write a soil moisture map a date, GeoTIFF, m3 m-3, on the grid of the fine stack.

    Maps that are there already, made from the same inputs, are kept.  The
    result does not depend on `threads` or `memory_mb`, to the last bit
    (intervals of area-to-point models: to the rounding of float32), and
    that of a part of the stack is that part of the whole map.

    Parameters
    ----------
    inputs : MapInputs
    folder : path
    dates : sequence of date
        Dates to map; each needs a forest, unless one was trained on all dates.
    threads : int
    memory_mb : int
        About how much memory the blocks under way may take.
    ending : str
        Of the names of the maps; see `map_file`.
    told : bool
        Whether the log has already what models say of themselves.

    Raises
    ------
    InputError
        If no date can be mapped or no map would have a value, a date has no forest, a dated covariate
        lies elsewhere than the stack, or a file cannot be read or written.
    """
    check_dates(inputs, dates)
    compare_units(inputs.forests, inputs.units(), progress)
    log_substitutes(inputs.dynamic, sorted(set(dates)), progress)
    report = MapsReport()
    ask_models(inputs, dates, report, SILENT if told else progress)
    dated = [OnPixels(one, inputs.stack.grid, progress) for one in inputs.dynamic]
    files = {date: map_file(folder, date, ending) for date in dates}
    with heard_by(progress):
        wanted = _not_made_yet(inputs, files, report, threads, progress)
    if not wanted and not report.files:
        raise InputError(
            f"No date can be mapped: {next(iter(report.skipped.values()), 'no date is chosen')}."
        )
    n_bands = len(inputs.bands)
    grid = inputs.part.grid
    check_room(folder, grid, len(wanted) * n_bands, inputs.storage.bytes_a_cell)
    unpacked = inputs.storage.bytes_a_cell * grid.width * grid.height * n_bands
    orders = [_Order(date, run, files[date]) for date, run in wanted.items()]
    maker = _Maker.of(inputs, dated, 1 if on_cluster() else threads, memory_mb, len(orders) > 1)
    at_once = threads if maker.by_map(len(orders), threads) else 1
    outlook = Outlook(folder, len(wanted), report.files.values(), unpacked, progress, at_once)
    method = inputs.forests.method
    if not on_cluster():
        method.quicken(len(wanted) * grid.width * grid.height, progress)
    beyond = 0
    with contextlib.closing(_all_maps(maker, orders, threads, progress)) as maps:
        for (date, _run, path), made in maps:
            if made.unfinished:
                report.unfinished[date] = made.unfinished
            if made.look is None:
                report.skipped[date] = "no pixel has all covariates"
                progress.warn(f"{date}: no map, {report.skipped[date]}")
                outlook.pass_over()
                continue
            report.files[date] = path
            beyond += made.beyond
            outlook.add(path)
            take_look(inputs, report, date, made.look)
            progress.log(f"{date}: {path.name} written")
            if len(report.files) - len(report.kept) == 1 and outlook.left and maker.kept.lacking:
                _tell_lack(inputs, maker.kept.lacking, memory_mb, progress)
    if not report.files:
        raise InputError(
            f"{inputs.stack.source}: no pixel has all covariates on any of the dates; see which lack a value "
            "in the table of the log."
        )
    if beyond:
        progress.warn(
            text(
                "{} beyond what {} can hold ({:g} steps of its band), and stored as that; choose DATA_TYPE "
                "'float32' to keep them",
                counted(beyond, "number is", "numbers are"),
                inputs.storage.data_type,
                GREATEST,
            )
        )
    report.files = dict(sorted(report.files.items()))
    if wanted and method.quickened():
        progress.log(method.quickened())
    tell_looks(inputs, report, threads, progress)
    return report


def _shared_share(inputs: MapInputs) -> float:
    """The share of the memory for what maps of all dates share; that of intervals is larger than blocks."""
    return 0.75 if inputs.extra.intervals else 0.5


def _tell_lack(inputs: MapInputs, lacking: int, memory_mb: int, progress: Progress) -> None:
    """Say that what all maps share is made anew for each of them."""
    wanted = memory_mb + lacking / 2**20 / _shared_share(inputs)
    progress.log(
        text(
            "MEMORY ({} MB) has no room for a part of what all dates share, and that is worked out anew for "
            "each; with about {:,} MB each map takes less time",
            memory_mb,
            math.ceil(wanted / 50) * 50,
        )
    )


def _not_made_yet(
    inputs: MapInputs, files: Mapping[dt.date, Path], report: MapsReport, threads: int, progress: Progress
) -> dict[dt.date, str]:
    """The dates that need a new map, ascending, with the fingerprint of their inputs."""
    wanted: dict[dt.date, str] = {}
    others: list[Path] = []
    runs: dict[dt.date, str] = {}
    for date in sorted(files):
        progress.check()
        lacking = [dated for dated in inputs.dynamic if dated.entry(date) is None]
        if lacking:
            report.skipped[date] = lacking[0].why_missing(date)
            progress.warn(f"{date}: no map, {report.skipped[date]}")
            continue
        runs[date] = inputs.fingerprint(date)

    def is_there(date: dt.date, listener: Progress) -> bool:
        return is_made(files[date], runs[date], grid, listener)

    grid = inputs.part.grid
    # The bar is for what is made.
    counter = progress.part(0.0, 0.0).counter(len(runs), "dates looked for in the folder")
    with contextlib.closing(ordered_map(is_there, runs, threads, progress)) as found:
        for (date, run), there in zip(runs.items(), found):
            counter.advance()
            path = files[date]
            if there:
                report.files[date] = path
                report.kept.append(date)
                progress.log(f"{date}: {path.name} is there already, made from the same inputs; kept")
            else:
                wanted[date] = run
                if run_of(path) and not _is_of_part(path, inputs):
                    others.append(path)
    if others:
        progress.warn(
            text(
                "{}: its {} of another EXTENT or AOI, such as {}, will be replaced; stop the run and choose "
                "another OUTPUT to keep them",
                others[0].parent,
                counted(len(others), "map"),
                others[0].name,
            )
        )
    return wanted


def _is_of_part(path: Path, inputs: MapInputs) -> bool:
    """Whether a map that is there says that it is of the same part of the stack."""
    tags = tags_of_file(path, (PART_TAG, AREA_TAG))
    same_window = tags.get(PART_TAG) == inputs.part.tags.get(PART_TAG)
    return same_window and is_of_area(tags, inputs.wanted.aoi)


class _Order(NamedTuple):
    """A map that is to be made: its date, the fingerprint of its inputs, its file."""

    date: dt.date
    run: str
    path: Path


class _Made(NamedTuple):
    """A map that was made: what it came to, None where no pixel has a value; why `Finish` was not done.

    `beyond`: its values beyond what its storage holds.
    """

    look: Look | None
    unfinished: str
    beyond: int


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes maps of the same pixels; each worker of a cluster has one.

    Parameters
    ----------
    inputs : MapInputs
    dated : list of OnPixels
        The dated covariates.
    parts : list of Window
        The blocks of a map.
    kept : Kept
        What blocks share on all dates.
    keep : bool
        Whether a map stays in memory from pass to pass.
    """

    inputs: MapInputs
    dated: Sequence[OnPixels]
    parts: Sequence[Window]
    kept: Kept[Pixels]
    keep: bool

    @classmethod
    def of(
        cls, inputs: MapInputs, dated: Sequence[OnPixels], threads: int, memory_mb: int, many: bool
    ) -> _Maker:
        """One with so much memory; `many`: whether it makes more than one map."""
        grid = inputs.part.grid
        in_memory = grid.width * grid.height * np.dtype(np.float64).itemsize * len(inputs.bands)
        keep = inputs.finish.steps > 0 and in_memory <= memory_mb * 2**20 * _SHARE_KEPT
        memory = memory_mb - (in_memory // 2**20 if keep else 0)
        room = int(memory * _shared_share(inputs)) if many else 0
        parts = list(blocks(grid, pixels_a_block(inputs, dated, threads, memory - room)))
        return cls(inputs, dated, parts, Kept(room * 2**20), keep)

    @property
    def steps(self) -> int:
        """How many blocks are worked on for a map."""
        return len(self.parts) * (1 + self.inputs.finish.steps)

    def by_map(self, maps: int, threads: int) -> bool:
        """Whether each thread makes maps of its own: those that are written as long as predicted.

        Block by block threads would wait for the file.
        """
        models = self.inputs.forests
        quick = models.mode == POOLED and models.method.sees_cells and not self.inputs.finish.steps
        return quick and not on_cluster() and maps > threads > 1

    @cached_property
    def masked(self) -> list[tuple[Window, np.ndarray | None]]:
        """The blocks, and which of their pixels get a value; None: all."""
        return [(block, self.inputs.part.inside(block)) for block in self.parts]

    def maps(
        self, orders: Sequence[_Order], threads: int, progress: Progress, advance: Callable[[], None]
    ) -> Generator[tuple[_Order, _Made], None, None]:
        """Write maps, in their order; `advance` is called after each block."""
        inputs = self.inputs
        making = self._making([order.date for order in orders], threads, progress, advance)
        with contextlib.closing(making) as maps:
            for order, (more, unfinished, results) in zip(orders, maps):
                date = order.date.isoformat()
                tags = {"DATE": date, RUN_TAG: order.run, "FORESTS": Path(inputs.forests.path).name}
                tags |= {**inputs.part.tags, **more}
                bands = [Band(date, inputs.forests.response_unit, {"DATE": date})]
                bands += inputs.extra.bands(inputs.forests)
                if len(bands) > 1:
                    tags[FIRST_BAND_TAG] = NAME
                look, beyond = None, 0
                with (
                    contextlib.suppress(_NoValue),
                    heard_by(progress),
                    create_geotiff(order.path, inputs.part.grid, bands, tags, False, inputs.storage) as tiff,
                ):
                    found = _write_blocks(tiff, results, advance)
                    inputs.check_codes()
                    look, beyond = found, tiff.beyond
                yield order, _Made(look, unfinished, beyond)

    def _making(
        self, dates: Sequence[dt.date], threads: int, progress: Progress, advance: Callable[[], None]
    ) -> Generator[tuple[dict[str, str], str, Iterator[_Looked]], None, None]:
        """Tags of the map of each date, why it is not finished, and its blocks.

        These must be taken before the next date is.
        """
        inputs = self.inputs
        tasks = partial(tasks_of, inputs, parts=self.masked, dated=self.dated, kept=self.kept)
        under = inputs.under if inputs.finish.steps else None
        if under is None:
            with contextlib.closing(ordered_map(_finished, tasks(dates), threads, progress)) as results:
                for date in dates:
                    yield inputs.tags(date), "", islice(results, len(self.parts))
            return
        names = inputs.bands
        places = Places(*map(names.index, (LOWER, UPPER, SD))) if SD in names else Places()
        for date in dates:
            run = Run(partial(tasks, [date]), predict, threads, progress)
            tags, smap = inputs.tags(date), inputs.smap_on(date, under)
            if smap is None:
                finished = Finished(under, run, places)
                tags[SMAP_TAG] = NO_SMAP
            else:
                finished = Finishing(under, smap, inputs.finish, places, self.keep).of(run, advance)
            if finished.residual is not None:
                tags[NOISE_TAG] = f"{finished.residual.field.noise_sd:.6g}"
            with contextlib.closing(finished.blocks(partial(_looked, inputs))) as results:
                yield tags, finished.why_not, results


def _all_maps(
    maker: _Maker, orders: Sequence[_Order], threads: int, progress: Progress
) -> Generator[tuple[_Order, _Made], None, None]:
    """The maps that are to be made.

    Block by block in threads, or a map a thread where that is faster, or a map a piece of work of a cluster.
    """
    if not on_cluster():
        counter = progress.counter(len(orders) * maker.steps, "blocks mapped")
        # The first one makes what all share.
        first = 1 if maker.by_map(len(orders), threads) else len(orders)
        yield from maker.maps(orders[:first], threads, progress, counter.advance)
        rest = orders[first:]
        with contextlib.closing(ordered_map(partial(_make_there, maker), rest, threads, progress)) as maps:
            for order, made in zip(rest, maps):
                counter.advance(maker.steps)
                yield order, made
        return
    counter = progress.counter(len(orders), "maps made")
    # What it has found out so far stays here.
    there = replace(maker, inputs=replace(maker.inputs))
    folder = orders[0].path.parent if orders else Path()
    folder.mkdir(parents=True, exist_ok=True)
    items = ((there, order) for order in orders)
    done = spread(_make_there, items, threads, progress, [*maker.inputs.files, str(folder)])
    with contextlib.closing(done) as maps:
        for (_maker, order), made in maps:
            if made.look is not None and not order.path.exists():
                raise InputError(
                    f"{order.path}: a worker has written it, but it is not here; give a folder that all "
                    "machines share."
                )
            yield order, made
            counter.advance()


def _make_there(maker: _Maker, order: _Order, progress: Progress) -> _Made:
    with contextlib.closing(maker.maps([order], 1, progress, progress.check)) as maps:
        return next(maps)[1]


def _finished(task: Task, progress: Progress) -> _Looked:
    return _looked(task.inputs, predict(task, progress))


def _looked(inputs: MapInputs, layers: Layers) -> _Looked:
    """A block as it is written, and what it comes to."""
    block, own = clipped(inputs, layers)
    with np.errstate(over="ignore", invalid="ignore"):
        return (block, own), look_at(inputs, block, inputs.storage.kept(own[0]))


class _NoValue(Exception):
    """A map without any value, which is not to be kept."""


def _write_blocks(tiff: GeoTiff, results: Iterator[_Looked], advance: Callable[[], None]) -> Look:
    """Write the blocks of a map; raises `_NoValue` if no pixel has a value."""
    found = Look()
    for (block, layers), look in results:
        for band, values in enumerate(layers, start=1):
            tiff.write(values, block, band)
        found += look
        advance()
    if not found.beyond.pixels:
        raise _NoValue
    return found
