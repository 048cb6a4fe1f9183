"""From forests to maps: each date's forest applied to the fine covariates, block by block (paper 2.3.4)."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.threads import ordered_map
from ...geo.blocks import blocks
from ...geo.geotiff import Band, GeoTiff, create_geotiff
from ...geo.grid import Grid, Window
from ...geo.lattice import Lattice
from ...geo.overlap import window_around
from ...geo.sampling import bilinear
from ...geo.sources import windows_over
from ...methods.base import Block, Model
from ...methods.features import add_features
from ...methods.file.reader import ForestFile
from ...methods.fine_blocks import pixel_places
from ...methods.keys import BY_CELL, POOLED, PooledKey
from ...runs.fingerprint import contents, fingerprint, run_of
from ...series.series import Series
from ...series.stack import Stack
from ...series.tags import FIRST_BAND_TAG, RUN_TAG
from ...series.window import check_window, source_date, tell_substitutes, why_missing

_NAME = "soil_moisture"
#: Bytes a pixel takes while it is predicted, beside those of its covariates (read, gathered, positions).
_BYTES_A_PIXEL, _BYTES_A_COVARIATE = 64, 8
_LARGEST_BLOCK = 1 << 20


@dataclass(frozen=True)
class MapInputs:
    """What maps are made from: models, the fine stack and the dated covariates by name.

    For a date without a raster of a dated covariate (other than rain) the
    latest of the `window` days before stands.  With `sd` maps have a second band, the standard deviation.
    """

    forests: ForestFile
    stack: Stack
    dynamic: tuple[Series, ...] = ()
    window: int = 0
    sd: bool = False

    def __post_init__(self) -> None:
        check_window(self.window)
        if self.forests.mode == BY_CELL:
            raise InputError(
                f"{self.forests.path}: its forests are by cell, each for one SMAP cell; use 'Fill gaps' with "
                "them, and for maps forests that were trained by date or pooled."
            )
        if self.forests.method.uses_place and self.forests.grid is None:
            raise InputError(f"{self.forests.path}: it does not tell the SMAP grid; train it anew.")
        dated = [series.name for series in self.dynamic]
        refuse_unknown(self.forests, self.dynamic)
        both = [name for name in dated if name in self.stack.names]
        if both:
            raise InputError(
                f"{self.named(both[0]).source}: {both[0]} is a band of the stack too; leave out one of them."
            )
        missing = [
            name for name in self.forests.covariates if name not in dated and name not in self.stack.names
        ]
        if missing:
            raise InputError(
                f"{self.stack.path}: the forests need the covariate {missing[0]}, which is neither a band "
                f"of the stack ({', '.join(self.stack.names)}) nor a dated series; add it."
            )

    def named(self, name: str) -> Series:
        """The dated covariate of a name."""
        return next(series for series in self.dynamic if series.name == name)

    def units(self) -> dict[str, str]:
        """The unit that each covariate tells, or empty."""
        units = dict(zip(self.stack.names, self.stack.units))
        return units | {series.name: series.unit() for series in self.dynamic}

    def fingerprint(self, date: dt.date) -> str:
        """A hash of all that the map of a date depends on: files by path, size and time of change.

        Other dates of a series are left out: a longer series does not make old maps anew.
        """
        paths = [str(self.forests.path), self.stack.path]
        sources = {series.name: source_date(series, date, self.window) for series in self.dynamic}
        dated = {
            series.name: [entry for entry in series.entries if entry.date == sources[series.name]]
            for series in self.dynamic
        }
        paths += [entry.path for entries in dated.values() for entry in entries]
        told = {name: contents(entries) for name, entries in dated.items()}
        content = {"names": self.forests.names, "date": str(date), "dated": told}
        return fingerprint(paths, {**content, "sd": True} if self.sd else content)


@dataclass
class MapsReport:
    """What became of each date: the file of each map, those kept from an earlier run, why dates have none."""

    files: dict[dt.date, Path] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    skipped: dict[dt.date, str] = field(default_factory=dict)


def map_file(folder: str | Path, date: dt.date, ending: str = "") -> Path:
    """Where the map of a date lies; `ending` follows the date in its name."""
    return Path(folder) / f"{_NAME}_{date:%Y%m%d}{ending}.tif"


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
    result does not depend on `threads` or `memory_mb`, to the last bit.

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
    tell_substitutes(inputs.dynamic, sorted(set(dates)), inputs.window, progress)
    fields = [_DatedField.over(inputs.stack.grid, series, progress) for series in inputs.dynamic]
    report = MapsReport()
    files = {date: map_file(folder, date, ending) for date in dates}
    wanted = _dates_to_map(inputs, files, report, progress)
    if not wanted and not report.files:
        raise InputError(
            f"No date can be mapped: {next(iter(report.skipped.values()), 'no date is chosen')}."
        )
    windows = list(blocks(inputs.stack.grid, _pixels_a_block(inputs, threads, memory_mb)))
    counter = progress.counter(len(wanted) * len(windows), "blocks mapped")
    tasks = _tasks(inputs, list(wanted), windows, fields)
    with contextlib.closing(ordered_map(_predict, tasks, threads, progress)) as results:
        for date, run in wanted.items():
            path = files[date]
            tags = {"DATE": date.isoformat(), RUN_TAG: run, "FORESTS": Path(inputs.forests.path).name}
            bands = [Band(date.isoformat(), inputs.forests.response_unit, {"DATE": date.isoformat()})]
            if inputs.sd:
                tags[FIRST_BAND_TAG] = _NAME
                bands.append(Band(f"{_NAME}_sd", inputs.forests.response_unit))
            try:
                with create_geotiff(path, inputs.stack.grid, bands, tags) as tiff:
                    _write_blocks(tiff, results, len(windows), counter)
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


def _check_dates(inputs: MapInputs, dates: Sequence[dt.date]) -> None:
    lacking = sorted(set(dates) - set(inputs.forests.dates))
    if lacking and inputs.forests.mode != POOLED:
        raise InputError(f"{inputs.forests.path}: it has no forest of {lacking[0]}; choose other dates.")


def refuse_unknown(forests: ForestFile, dynamic: Sequence[Series]) -> None:
    """Raise `InputError` for a dated covariate that the forests do not know."""
    for series in dynamic:
        if series.name not in forests.covariates:
            raise InputError(
                f"{series.source}: the forests know no covariate named {series.name} "
                f"(they know {', '.join(forests.covariates)}); rename it with DYNAMIC_NAMES, or leave it out."
            )


def compare_units(forests: ForestFile, units: Mapping[str, str], progress: Progress) -> None:
    """Warn where a covariate is told in another unit than the forests were trained with."""
    for name in forests.covariates:
        trained, given = forests.units.get(name, ""), units.get(name, "")
        if trained and given and trained != given:
            progress.warn(f"{name} is in {given}, but the forests were trained with {name} in {trained}")


class _NoValue(Exception):
    """A map without any value, which is not to be kept."""


def _write_blocks(
    tiff: GeoTiff, results: Iterator[tuple[Window, list[np.ndarray]]], count: int, counter: Counter
) -> None:
    """Write the next `count` blocks; raises `_NoValue` if no pixel has a value."""
    pixels = 0
    for _ in range(count):
        window, layers = next(results)
        for band, values in enumerate(layers, start=1):
            tiff.write(values, window, band)
        pixels += int(np.isfinite(layers[0]).sum())
        counter.advance()
    if not pixels:
        raise _NoValue


def _dates_to_map(
    inputs: MapInputs, files: Mapping[dt.date, Path], report: MapsReport, progress: Progress
) -> dict[dt.date, str]:
    """The dates that need a new map, ascending, with the fingerprint of their inputs."""
    wanted: dict[dt.date, str] = {}
    for date, path in sorted(files.items()):
        progress.check()
        lacking = [
            series.name for series in inputs.dynamic if source_date(series, date, inputs.window) is None
        ]
        if lacking:
            report.skipped[date] = why_missing(inputs.named(lacking[0]), date, inputs.window)
            progress.warn(f"{date}: no map, {report.skipped[date]}")
            continue
        run = inputs.fingerprint(date)
        if run_of(path) == run:
            report.files[date] = path
            report.kept.append(date)
            progress.log(f"{date}: {path.name} is there already, made from the same inputs; kept")
        else:
            wanted[date] = run
    return wanted


def _pixels_a_block(inputs: MapInputs, threads: int, memory_mb: int) -> int:
    # ordered_map keeps up to 2 blocks a thread.
    a_pixel = _BYTES_A_PIXEL + _BYTES_A_COVARIATE * len(inputs.forests.names)
    return min(int(memory_mb * 2**20 / (2 * threads * a_pixel)), _LARGEST_BLOCK)


@dataclass(frozen=True)
class _DatedField:
    """The part of a dated covariate over the stack, and where the stack's pixels lie in it."""

    series: Series
    window: Window
    lattice: Lattice

    @classmethod
    def over(cls, grid: Grid, series: Series, progress: Progress) -> _DatedField:
        windows = windows_over(series.grid, grid.bounds, grid.crs)
        if not windows:
            raise InputError(
                f"{series.source}: it does not meet the fine stack; choose a series of the same area."
            )
        window = window_around(windows)
        return cls(series, window, Lattice(grid, series.grid.crop(window), progress))


@dataclass(frozen=True)
class _Task:
    """A block of a map, and all that is needed to fill it."""

    inputs: MapInputs
    model: Model
    date: dt.date
    window: Window
    dated: tuple[tuple[_DatedField, np.ndarray], ...]
    place: Callable[[Window], np.ndarray] | None


def _tasks(
    inputs: MapInputs, dates: Sequence[dt.date], windows: Sequence[Window], fields: Sequence[_DatedField]
) -> Iterator[_Task]:
    forests = inputs.forests
    pooled = forests.load(PooledKey()) if forests.mode == POOLED else None
    place = pixel_places(inputs.stack.grid, forests.grid) if forests.method.uses_place else None
    for date in dates:
        model = pooled or inputs.forests.load(date)
        dated = tuple(
            (field, field.series.read(source, field.window))
            for field in fields
            if (source := source_date(field.series, date, inputs.window)) is not None
        )
        for window in windows:
            yield _Task(inputs, model, date, window, dated, place)


def _predict(task: _Task, progress: Progress) -> tuple[Window, list[np.ndarray]]:
    """Soil moisture of a block, float32, and its SD where asked for; NaN where any covariate is missing."""
    covariates = _covariates(task)
    valid = np.isfinite(covariates).all(axis=0)
    layers = [np.full(valid.shape, np.nan, np.float32) for _ in range(1 + task.inputs.sd)]
    if valid.any():
        x = np.ascontiguousarray(covariates[:, valid].T)
        days = np.full(len(x), task.date.toordinal(), np.int64)
        place = None if task.place is None else task.place(task.window)[valid]
        block = Block(add_features(x, days, task.inputs.forests.features), days, place)
        found = task.model.predict(block, progress, task.inputs.sd)
        for layer, values in zip(layers, found):
            layer[valid] = values
    return task.window, layers


def _covariates(task: _Task) -> np.ndarray:
    """Covariates in the order of the forest, the derived ones left out: float32, shape (p, rows, columns)."""
    names = task.inputs.forests.covariates
    out = np.empty((len(names), task.window.height, task.window.width), np.float32)
    dated = {part.series.name for part, _ in task.dated}
    static = [name for name in names if name not in dated]
    out[[names.index(name) for name in static]] = task.inputs.stack.read(static, task.window)
    for part, values in task.dated:
        out[names.index(part.series.name)] = bilinear(values, *part.lattice.positions(task.window))
    return out
