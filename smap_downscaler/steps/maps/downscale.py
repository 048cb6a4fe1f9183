"""From forests to maps: each date's forest applied to the fine covariates, block by block (paper 2.3.4)."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ...base.dates import is_within
from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.threads import ordered_map
from ...base.words import counted, text
from ...geo.blocks import blocks
from ...geo.geotiff import Band, GeoTiff, check_room, create_geotiff
from ...geo.grid import Window
from ...geo.to_fine_grid import AREA_MEAN, way_of
from ...methods.base import Block, Model
from ...methods.features import add_features
from ...methods.file.reader import ModelFile
from ...methods.fine_blocks import pixel_coordinates
from ...methods.keys import BY_CELL, POOLED, PooledKey
from ...runs.fingerprint import contents, fingerprint, is_made, run_of, tags_of_file
from ...series.dated import DatedCovariate, log_substitutes
from ...series.dated_on_grid import OnPixels
from ...series.stack import Stack
from ...series.tags import AREA_TAG, FIRST_BAND_TAG, RUN_TAG, is_of_area
from .bands import LOWER, NAME, NO_EXTRA, UPPER, Extra
from .limits import Beyond, Limits, beyond_sentence
from .mapped import PART_TAG, Part, Wanted

#: Bytes a pixel takes while it is predicted, beside those of its covariates (read, gathered, positions).
_BYTES_PER_PIXEL, _BYTES_PER_COVARIATE, _BYTES_PER_BAND = 64, 8, 16
_LARGEST_BLOCK = 1 << 20


@dataclass(frozen=True)
class MapInputs:
    """What maps are made from: models, the fine stack and the dated covariates by name.

    `extra` is what they tell beside soil moisture, `wanted` what of the stack is mapped; with `clip` soil
    moisture is brought between 0 and saturation.
    """

    forests: ModelFile
    stack: Stack
    dynamic: tuple[DatedCovariate, ...] = ()
    extra: Extra = NO_EXTRA
    clip: bool = False
    wanted: Wanted = field(default_factory=Wanted)

    def __post_init__(self) -> None:
        if self.forests.mode == BY_CELL:
            raise InputError(
                f"{self.forests.path}: its forests are by cell, each for one SMAP cell; use 'Fill gaps' with "
                "them, and for maps forests that were trained by date or pooled."
            )
        if self.forests.method.uses_coordinates and self.forests.grid is None:
            raise InputError(
                f"{self.forests.path}: it does not say which SMAP grid it is of; train it again."
            )
        names = [dated.name for dated in self.dynamic]
        refuse_unknown(self.forests, self.dynamic)
        both = [dated for dated in self.dynamic if dated.name in self.stack.names]
        if both:
            raise InputError(
                f"{both[0].series.source}: {both[0].name} is a band of the stack too; leave out one of them."
            )
        missing = [
            name for name in self.forests.covariates if name not in names and name not in self.stack.names
        ]
        if missing:
            raise InputError(
                f"{self.stack.path}: the forests need the covariate {missing[0]}, which is neither a band "
                f"of the stack ({', '.join(self.stack.names)}) nor a dated series; add it."
            )

    @cached_property
    def part(self) -> Part:
        """What of the stack is mapped.

        Raises
        ------
        InputError
            If there is nothing.
        """
        return self.wanted.part(self.stack.grid, self.stack.source)

    @property
    def limits(self) -> Limits:
        """What soil moisture can be."""
        return Limits(self.stack, self.part.window)

    def units(self) -> dict[str, str]:
        """The unit in each covariate's file, or empty."""
        units = dict(zip(self.stack.names, self.stack.units))
        return units | {dated.name: dated.series.unit() for dated in self.dynamic}

    def fingerprint(self, date: dt.date) -> str:
        """A hash of all that the map of a date depends on: files by path, size and time of change.

        Other dates of a series are left out: a longer series does not make old maps anew.
        """
        paths = [str(self.forests.path), self.stack.path]
        taken = {dated.name: dated.entry(date) for dated in self.dynamic}
        paths += [entry.path for entry in taken.values() if entry]
        rasters = {name: contents([entry] if entry else []) for name, entry in taken.items()}
        content: dict[str, object] = {"names": self.forests.names, "date": str(date), "dated": rasters}
        content |= {name: True for name, wanted in asdict(self.extra).items() if wanted}
        if self.clip:
            content["clip"] = True
        if self._averaged:
            content["averaged"] = self._averaged
        if self.part.tags:
            aoi = self.wanted.aoi
            content["part"] = [self.part.tags[PART_TAG], aoi.digest if aoi else ""]
        content |= nodata_content(self.stack, self.dynamic)
        return fingerprint(paths, content)

    def check_codes(self) -> None:
        """Raise `InputError` if what was read so far holds a code of no value that nobody declared."""
        self.stack.check_codes()
        for dated in self.dynamic:
            dated.series.check_codes()

    @cached_property
    def _averaged(self) -> dict[str, float]:
        """Least covered share of the dated covariates that are finer than the stack."""
        grid = self.stack.grid
        return {
            dated.name: dated.minimum_share
            for dated in self.dynamic
            if way_of(dated.series.grid, grid) == AREA_MEAN
        }


@dataclass
class MapsReport:
    """Result for each date: the file of each map, those kept from an earlier run, why dates have none.

    `beyond`: how many of a map's pixels lie outside of 0 to saturation.
    """

    files: dict[dt.date, Path] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    skipped: dict[dt.date, str] = field(default_factory=dict)
    beyond: dict[dt.date, Beyond] = field(default_factory=dict)


def map_file(folder: str | Path, date: dt.date, ending: str = "") -> Path:
    """Where the map of a date lies; `ending` follows the date in its name."""
    return Path(folder) / f"{NAME}_{date:%Y%m%d}{ending}.tif"


def make_maps(
    inputs: MapInputs,
    folder: str | Path,
    dates: Sequence[dt.date],
    threads: int = 1,
    memory_mb: int = 512,
    progress: Progress = SILENT,
    ending: str = "",
) -> MapsReport:
    """Write a soil moisture map a date, float32 GeoTIFF, m3 m-3, on the grid of the fine stack.

    Maps that are there already, made from the same inputs, are kept.  The
    result does not depend on `threads` or `memory_mb`, to the last bit, and
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

    Raises
    ------
    InputError
        If no date can be mapped or no map would have a value, a date has no forest, a dated covariate
        lies elsewhere than the stack, or a file cannot be read or written.
    """
    _check_dates(inputs, dates)
    compare_units(inputs.forests, inputs.units(), progress)
    log_substitutes(inputs.dynamic, sorted(set(dates)), progress)
    dated = [OnPixels(one, inputs.stack.grid, progress) for one in inputs.dynamic]
    report = MapsReport()
    files = {date: map_file(folder, date, ending) for date in dates}
    wanted = _dates_to_map(inputs, files, report, progress)
    if not wanted and not report.files:
        raise InputError(
            f"No date can be mapped: {next(iter(report.skipped.values()), 'no date is chosen')}."
        )
    grid = inputs.part.grid
    check_room(folder, grid, len(wanted) * (1 + len(inputs.extra.names(inputs.forests))))
    parts = list(blocks(grid, _pixels_a_block(inputs, dated, threads, memory_mb)))
    counter = progress.counter(len(wanted) * len(parts), "blocks mapped")
    tasks = _tasks(inputs, list(wanted), parts, dated)
    with contextlib.closing(ordered_map(_predict, tasks, threads, progress)) as results:
        for date, run in wanted.items():
            path = files[date]
            tags = {"DATE": date.isoformat(), RUN_TAG: run, "FORESTS": Path(inputs.forests.path).name}
            tags |= inputs.part.tags
            bands = [Band(date.isoformat(), inputs.forests.response_unit, {"DATE": date.isoformat()})]
            bands += inputs.extra.bands(inputs.forests)
            if len(bands) > 1:
                tags[FIRST_BAND_TAG] = NAME
            try:
                with create_geotiff(path, grid, bands, tags) as tiff:
                    _write_blocks(tiff, results, len(parts), counter)
                    inputs.check_codes()
            except _NoValue:
                report.skipped[date] = "no pixel has all covariates"
                progress.warn(f"{date}: no map, {report.skipped[date]}")
                continue
            report.files[date] = path
            progress.log(f"{date}: {path.name} written")
    if not report.files:
        raise InputError(
            f"{inputs.stack.source}: no pixel has all covariates on any of the dates; see which lack a value "
            "in the table of the log."
        )
    report.files = dict(sorted(report.files.items()))
    return report


def tell_beyond(inputs: MapInputs, report: MapsReport, progress: Progress = SILENT) -> None:
    """Count, for the report, the pixels of all maps that lie outside of 0 to saturation, and say so.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    limits = inputs.limits
    for date, path in report.files.items():
        report.beyond[date] = limits.beyond(path, inputs.clip, progress)
    total = sum(report.beyond.values(), Beyond())
    sentence = beyond_sentence(total, limits, inputs.clip)
    if total.is_much and not inputs.clip:
        progress.warn(sentence + "; mistrust them, or bring them to it with CLIP")
    else:
        progress.log(sentence)


def _check_dates(inputs: MapInputs, dates: Sequence[dt.date]) -> None:
    lacking = sorted(set(dates) - set(inputs.forests.dates))
    if lacking and inputs.forests.mode != POOLED:
        raise InputError(f"{inputs.forests.path}: it has no forest of {lacking[0]}; choose other dates.")


def refuse_unknown(forests: ModelFile, dynamic: Sequence[DatedCovariate]) -> None:
    """Raise `InputError` for a dated covariate that the forests do not know."""
    for dated in dynamic:
        if dated.name not in forests.covariates:
            raise InputError(
                f"{dated.series.source}: the forests know no covariate named {dated.name} "
                f"(they know {', '.join(forests.covariates)}); rename it with DYNAMIC_NAMES, or leave it out."
            )


def compare_units(forests: ModelFile, units: Mapping[str, str], progress: Progress) -> None:
    """Warn where a covariate comes in another unit than the forests were trained with."""
    for name in forests.covariates:
        trained, given = forests.units.get(name, ""), units.get(name, "")
        if trained and given and trained != given:
            progress.warn(f"{name} is in {given}, but the forests were trained with {name} in {trained}")


def nodata_content(stack: Stack | None, dynamic: Sequence[DatedCovariate]) -> dict[str, object]:
    """What of NODATA results depend on, for a fingerprint; nothing where nothing is declared."""
    looks = {dated.name: dated.series.look for dated in dynamic} | dict(stack.looks if stack else {})
    codes = {name: look.declared.codes for name, look in looks.items() if look and look.declared.codes}
    return {"nodata": codes} if codes else {}


class _NoValue(Exception):
    """A map without any value, which is not to be kept."""


def _write_blocks(
    tiff: GeoTiff, results: Iterator[tuple[Window, list[np.ndarray]]], count: int, counter: Counter
) -> None:
    """Write the next `count` blocks; raises `_NoValue` if no pixel has a value."""
    pixels = 0
    for _ in range(count):
        block, layers = next(results)
        for band, values in enumerate(layers, start=1):
            tiff.write(values, block, band)
        pixels += int(np.isfinite(layers[0]).sum())
        counter.advance()
    if not pixels:
        raise _NoValue


def _dates_to_map(
    inputs: MapInputs, files: Mapping[dt.date, Path], report: MapsReport, progress: Progress
) -> dict[dt.date, str]:
    """The dates that need a new map, ascending, with the fingerprint of their inputs."""
    wanted: dict[dt.date, str] = {}
    others: list[Path] = []
    for date, path in sorted(files.items()):
        progress.check()
        lacking = [dated for dated in inputs.dynamic if dated.entry(date) is None]
        if lacking:
            report.skipped[date] = lacking[0].why_missing(date)
            progress.warn(f"{date}: no map, {report.skipped[date]}")
            continue
        run = inputs.fingerprint(date)
        if is_made(path, run, inputs.part.grid, progress):
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


def _pixels_a_block(inputs: MapInputs, dated: Sequence[OnPixels], threads: int, memory_mb: int) -> int:
    # Of dated covariates that are averaged a thread reads one at a time; the others are read ahead.
    free = memory_mb * 2**20 - threads * max((one.bytes_a_block for one in dated), default=0)
    bytes_per_pixel = _BYTES_PER_PIXEL + _BYTES_PER_COVARIATE * len(inputs.forests.names)
    bytes_per_pixel += sum(one.bytes_a_pixel for one in dated)
    bytes_per_pixel += _BYTES_PER_BAND * len(inputs.extra.names(inputs.forests))
    # ordered_map keeps up to 2 blocks a thread.
    return max(min(free // (2 * threads * bytes_per_pixel), _LARGEST_BLOCK), 1)


@dataclass(frozen=True)
class _Task:
    """A block of a map, its place in the stack, and all that is needed to fill it.

    `inside`: which of its pixels get a value; None: all.
    """

    inputs: MapInputs
    model: Model
    date: dt.date
    block: Window
    window: Window
    inside: np.ndarray | None
    dated: Mapping[str, Callable[[Progress], np.ndarray]]
    coordinates: Callable[[Window], np.ndarray] | None


def _tasks(
    inputs: MapInputs, dates: Sequence[dt.date], parts: Sequence[Window], dated: Sequence[OnPixels]
) -> Iterator[_Task]:
    forests = inputs.forests
    pooled = forests.load(PooledKey()) if forests.mode == POOLED else None
    coordinates = None
    if forests.method.uses_coordinates and forests.grid is not None:
        coordinates = pixel_coordinates(inputs.stack.grid, forests.grid)
    # Each is asked for on all dates.
    masks = [inputs.part.inside(block) for block in parts]
    for date in dates:
        model = pooled or inputs.forests.load(date)
        inputs.extra.check(model, forests)
        for block, inside in zip(parts, masks):
            window = inputs.part.window.part(block)
            needed = dated if inside is None or inside.any() else []
            blocks_of = {one.covariate.name: one.block(date, window) for one in needed}
            yield _Task(inputs, model, date, block, window, inside, blocks_of, coordinates)


def _predict(task: _Task, progress: Progress) -> tuple[Window, list[np.ndarray]]:
    """Soil moisture of a block, float32, and what `extra` asks for; NaN where any covariate is missing."""
    shape, extra = (task.block.height, task.block.width), task.inputs.extra
    names = NAME, *extra.names(task.inputs.forests)
    layers = [np.full(shape, np.nan, np.float32) for _ in names]
    if task.inside is not None and not task.inside.any():
        return task.block, layers
    covariates = _covariates(task, progress)
    valid = np.isfinite(covariates).all(axis=0)
    if task.inside is not None:
        valid &= task.inside
    if valid.any():
        x = np.ascontiguousarray(covariates[:, valid].T)
        days = np.full(len(x), task.date.toordinal(), np.int64)
        coordinates = None if task.coordinates is None else task.coordinates(task.window)[valid]
        block = Block(add_features(x, days, task.inputs.forests.features), days, coordinates)
        for layer, values in zip(layers, extra.layers(task.model, block, progress)):
            layer[valid] = values
        if task.inputs.clip:
            moisture = [layer for name, layer in zip(names, layers) if name in (NAME, LOWER, UPPER)]
            task.inputs.limits.clip(moisture, task.block)
    return task.block, layers


def _covariates(task: _Task, progress: Progress) -> np.ndarray:
    """Covariates in the order of the forest, the derived ones left out: float32, shape (p, rows, columns)."""
    names = task.inputs.forests.covariates
    out = np.empty((len(names), task.window.height, task.window.width), np.float32)
    static = [name for name in names if name not in task.dated]
    out[[names.index(name) for name in static]] = task.inputs.stack.read(static, task.window)
    for name, block in task.dated.items():
        out[names.index(name)] = block(progress)
    return out


def dates_to_map(
    inputs: MapInputs, start: dt.date | None = None, end: dt.date | None = None
) -> list[dt.date]:
    """Dates from `start` to `end` that have a forest; for a pooled one all that have all dated covariates.

    Raises
    ------
    InputError
        If there is none, or a pooled forest without dated covariates is given no first and last date.
    """
    if inputs.forests.mode == POOLED:
        return _dates_of_pooled(inputs, start, end)
    forests = inputs.forests
    dates = [date for date in forests.dates if is_within(date, start, end)]
    if not dates:
        raise InputError(
            f"{forests.path}: it has no forest from {start or 'its begin'} to {end or 'its end'} (its "
            f"forests run from {forests.dates[0]} to {forests.dates[-1]}); choose other dates."
        )
    return dates


def _dates_of_pooled(inputs: MapInputs, start: dt.date | None, end: dt.date | None) -> list[dt.date]:
    if not inputs.dynamic and (start is None or end is None):
        raise InputError(
            f"{inputs.forests.path}: it has one forest for all dates, and no dated covariate says which to "
            "map; give START and END."
        )
    begins = [dated.series.dates[0] for dated in inputs.dynamic] + ([start] if start else [])
    ends = [dated.series.dates[-1] + dt.timedelta(dated.window) for dated in inputs.dynamic]
    first, last = max(begins), min(ends + ([end] if end else []))
    days = (first + dt.timedelta(number) for number in range((last - first).days + 1))
    dates = [day for day in days if all(dated.entry(day) is not None for dated in inputs.dynamic)]
    if not dates:
        names = ", ".join(dated.name for dated in inputs.dynamic)
        raise InputError(
            f"{inputs.forests.path}: no date from {start or 'the begin'} to {end or 'the end'} has a raster "
            f"of every dated covariate ({names}); choose other dates, or series that overlap in time."
        )
    return dates
