"""From forests to maps: each date's forest applied to the fine covariates, block by block (paper 2.3.4)."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from itertools import islice
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
from ...methods.base import BY_EVIDENCE, Block, Model
from ...methods.features import add_features
from ...methods.file.reader import ModelFile
from ...methods.fine_blocks import pixel_coordinates
from ...methods.keys import BY_CELL, POOLED, PooledKey
from ...runs.fingerprint import contents, fingerprint, is_made, run_of, tags_of_file
from ...series.dated import DatedCovariate, log_substitutes
from ...series.dated_on_grid import OnPixels
from ...series.series import Series
from ...series.stack import Stack
from ...series.tags import AREA_TAG, FIRST_BAND_TAG, RUN_TAG, filled_tags, is_of_area
from ..matrix.build import check_soil_moisture
from .bands import LOWER, NAME, NO_EXTRA, SD, UPPER, Extra
from .closure_report import closure_lines, unfinished_sentence
from .consistency import CellsUnder, Finish, Finished, Finishing, Layers, Places, Run
from .limits import Beyond, Limits, beyond_sentence
from .mapped import PART_TAG, Part, Wanted
from .numbers.closure import Closure

#: Bytes a pixel takes while it is predicted, beside those of its covariates (read, gathered, positions).
_BYTES_PER_PIXEL, _BYTES_PER_COVARIATE, _BYTES_PER_BAND = 64, 8, 16
_LARGEST_BLOCK = 1 << 20
#: The share of the memory up to which a map is kept from pass to pass.
_SHARE_KEPT = 0.5
#: Tags of a map: that there is no SMAP of its date, and SD of the noise that was found in it, m3 m-3.
SMAP_TAG, NO_SMAP, NOISE_TAG = "SMAP", "none", "SMAP_NOISE"


@dataclass(frozen=True)
class MapInputs:
    """What maps are made from: models, the fine stack and the dated covariates by name.

    `extra` is what they tell beside soil moisture, `wanted` what of the stack is mapped; with `clip` soil
    moisture is brought between 0 and saturation. `smap` is what maps are held against where models do not
    keep it, `finish` what is done to them beside the prediction, and `detail`, one of `DETAILS`, what models
    that choose it show of the pattern in cells.
    """

    forests: ModelFile
    stack: Stack
    dynamic: tuple[DatedCovariate, ...] = ()
    extra: Extra = NO_EXTRA
    clip: bool = False
    wanted: Wanted = field(default_factory=Wanted)
    smap: Series | None = None
    finish: Finish = field(default_factory=Finish)
    detail: str = BY_EVIDENCE

    def __post_init__(self) -> None:
        self._check_wishes()
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
                f"{self.stack.path}: the {self.forests.method.noun}s need the covariate {missing[0]}, which "
                f"is neither a band of the stack ({', '.join(self.stack.names)}) nor a dated series; add it."
            )

    def _check_wishes(self) -> None:
        """Refuse what makes no sense with the models."""
        path, method, finish = self.forests.path, self.forests.method, self.finish
        if self.detail != BY_EVIDENCE and not method.sees_cells:
            raise InputError(
                f"DETAIL is '{self.detail}', but only area-to-point models have detail to choose, and {path} "
                f"holds {method.noun}s; leave it at '{BY_EVIDENCE}'."
            )
        if finish.residual and method.sees_cells:
            raise InputError(
                f"RESIDUAL is for forests: the models of {path} have a field and noise of their own; switch "
                "it off."
            )
        if finish.steps and self.smap is None and not method.sees_cells:
            what = "RESIDUAL" if finish.residual else "CONSISTENCY 'exact'"
            raise InputError(
                f"SMAP is empty, but {what} needs it; give the SMAP series that {path} was trained with."
            )
        if finish.exact and finish.footprint_km > 0:
            raise InputError(
                f"CONSISTENCY is 'exact' with a FOOTPRINT of {finish.footprint_km:g} km: SMAP then is no "
                "mean over its cells, and to return it would sharpen its noise; set it to 'none'."
            )

    def model(self, date: dt.date) -> Model:
        """The model of a date, with the detail that is wanted.

        Raises
        ------
        InputError
            As `ModelFile.load`.
        """
        if self.forests.mode == POOLED:
            return self._pooled
        return self.forests.load(date).with_detail(self.detail)

    @cached_property
    def _pooled(self) -> Model:
        return self.forests.load(PooledKey()).with_detail(self.detail)

    @property
    def days(self) -> tuple[int, ...]:
        """Ordinals of the days of a pooled model that knows them; it maps others too."""
        pooled = self.forests.mode == POOLED and self.forests.method.sees_cells
        return self._pooled.days if pooled else ()

    def is_unseen(self, date: dt.date) -> bool:
        """Whether a pooled model maps a day that it has no SMAP of."""
        return bool(self.days) and date.toordinal() not in self.days

    def is_filled(self, date: dt.date) -> bool:
        """Whether what a map shows was not observed: SMAP that was filled, or none."""
        return self.is_unseen(date) or bool(self.forests.extra.get("filled"))

    @cached_property
    def under(self) -> CellsUnder | None:
        """SMAP's cells under the maps; None where nobody knows SMAP.

        Raises
        ------
        InputError
            If they do not meet the maps, or are too small beside the pixels.
        """
        grid, label = self.forests.grid, str(self.forests.path)
        if self.smap is not None:
            grid, label = self.smap.grid, f"SMAP ({self.smap.source})"
        elif not self.forests.method.sees_cells:
            return None
        if grid is None:
            return None
        found = CellsUnder(self.part.grid, grid, label)
        if self.smap is None and not self.finish.steps and not found.are_larger:
            # A cascade has pixels as large as cells, which are not held against them.
            return None
        found.check(self.finish.exact)
        return found

    def smap_on(self, date: dt.date, under: CellsUnder) -> np.ndarray | None:
        """SMAP on a date: float64, shape of the cells under the maps, NaN where missing; None for no value.

        Raises
        ------
        InputError
            If a file cannot be read, or values are no m3 m-3.
        """
        if self.smap is not None:
            if not self.smap.has(date):
                return None
            values = self.smap.read(date, under.window)
            check_soil_moisture(self.smap, date, values)
            return values.astype(np.float64) if np.isfinite(values).any() else None
        observed = self.model(date).observed(date.toordinal())
        return None if observed is None else under.on_cells(*observed)

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
        if self.detail != BY_EVIDENCE:
            content["detail"] = self.detail
        content |= self.finish.content
        if self.smap is not None and self.finish.steps:
            entries = [entry for entry in self.smap.entries if entry.date == date]
            paths += [entry.path for entry in entries]
            content["smap"] = contents(entries)
        return fingerprint(paths, content)

    def tags(self, date: dt.date) -> dict[str, str]:
        """What the file of a map says of SMAP on its date."""
        return filled_tags(self.is_filled(date)) | ({SMAP_TAG: NO_SMAP} if self.is_unseen(date) else {})

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

    `closures`: how maps lie beside SMAP, where it is known; `noise`: SD of SMAP's noise by date, m3 m-3, NaN
    where nobody knows; `unfinished`: why RESIDUAL or CONSISTENCY was not done; `unseen`: days that models
    have no SMAP of; `evidence`: what models say of the pattern within cells.
    `beyond`: how many of a map's pixels lie outside of 0 to saturation.
    """

    files: dict[dt.date, Path] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    skipped: dict[dt.date, str] = field(default_factory=dict)
    closures: dict[dt.date, Closure] = field(default_factory=dict)
    noise: dict[dt.date, float] = field(default_factory=dict)
    unfinished: dict[dt.date, str] = field(default_factory=dict)
    unseen: list[dt.date] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
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
    told: bool = False,
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
    told : bool
        Whether the log has already what models say of themselves.

    Raises
    ------
    InputError
        If no date can be mapped or no map would have a value, a date has no forest, a dated covariate
        lies elsewhere than the stack, or a file cannot be read or written.
    """
    _check_dates(inputs, dates)
    compare_units(inputs.forests, inputs.units(), progress)
    log_substitutes(inputs.dynamic, sorted(set(dates)), progress)
    report = MapsReport()
    _ask_models(inputs, dates, report, SILENT if told else progress)
    dated = [OnPixels(one, inputs.stack.grid, progress) for one in inputs.dynamic]
    files = {date: map_file(folder, date, ending) for date in dates}
    wanted = _dates_to_map(inputs, files, report, progress)
    if not wanted and not report.files:
        raise InputError(
            f"No date can be mapped: {next(iter(report.skipped.values()), 'no date is chosen')}."
        )
    grid = inputs.part.grid
    extra_bands = len(inputs.extra.names(inputs.forests))
    check_room(folder, grid, len(wanted) * (1 + extra_bands))
    in_memory = grid.width * grid.height * np.dtype(np.float64).itemsize * (1 + extra_bands)
    keep = inputs.finish.steps > 0 and in_memory <= memory_mb * 2**20 * _SHARE_KEPT
    memory = memory_mb - (in_memory // 2**20 if keep else 0)
    parts = list(blocks(grid, _pixels_a_block(inputs, dated, threads, memory)))
    counter = progress.counter(len(wanted) * len(parts) * (1 + inputs.finish.steps), "blocks mapped")
    making = _making(inputs, list(wanted), parts, dated, keep, threads, report, progress, counter.advance)
    with contextlib.closing(making) as maps:
        for (date, run), (more, results) in zip(wanted.items(), maps):
            path = files[date]
            tags = {"DATE": date.isoformat(), RUN_TAG: run, "FORESTS": Path(inputs.forests.path).name}
            tags |= {**inputs.part.tags, **more}
            bands = [Band(date.isoformat(), inputs.forests.response_unit, {"DATE": date.isoformat()})]
            bands += inputs.extra.bands(inputs.forests)
            if len(bands) > 1:
                tags[FIRST_BAND_TAG] = NAME
            try:
                with create_geotiff(path, grid, bands, tags) as tiff:
                    _write_blocks(tiff, results, counter)
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
    _hold_against_smap(inputs, report, progress)
    return report


def _ask_models(inputs: MapInputs, dates: Sequence[dt.date], report: MapsReport, progress: Progress) -> None:
    """Log what models that see cells say of the dates; refuse what their footprint does not allow."""
    if not inputs.forests.method.sees_cells:
        return
    for date in sorted(set(dates)):
        progress.check()
        model = inputs.model(date)
        if inputs.finish.exact and model.footprint_km > 0:
            raise InputError(
                f"CONSISTENCY is 'exact', but the footprint of {inputs.forests.path} is "
                f"{model.footprint_km:g} km: SMAP then is no mean over its cells, and to return it would "
                "sharpen its noise; set it to 'none'."
            )
        report.noise[date] = model.noise_sd
        if inputs.is_unseen(date):
            report.unseen.append(date)
        if report.evidence and inputs.forests.mode == POOLED:
            continue
        for line in model.evidence():
            said = line if inputs.forests.mode == POOLED else text("{}: {}", date, line)
            report.evidence.append(said)
            (progress.warn if line in model.doubts() else progress.log)(said)
    if report.unseen:
        progress.log(
            text(
                "{} without SMAP: mapped from the state of all dates, with wider intervals, and marked by "
                "the tag {}=none",
                counted(len(report.unseen), "day"),
                SMAP_TAG,
            )
        )


def _hold_against_smap(inputs: MapInputs, report: MapsReport, progress: Progress) -> None:
    """How the maps, new and kept ones, lie beside SMAP on their dates."""
    under = inputs.under
    if under is None:
        return
    for date, path in report.files.items():
        smap = inputs.smap_on(date, under)
        if smap is None:
            if inputs.finish.steps and date not in report.unseen:
                report.unfinished[date] = "no SMAP"
            continue
        found = under.closure(path, smap, progress)
        noise = tags_of_file(path, (NOISE_TAG,)).get(NOISE_TAG)
        report.closures[date] = found
        report.noise[date] = float(noise) if noise else report.noise.get(date, math.nan)
        if inputs.finish.residual and not noise:
            report.unfinished.setdefault(date, "no field could be fitted")
    for line in closure_lines(report.closures, report.noise, inputs.finish.exact):
        progress.log(line)
    if report.unfinished:
        progress.warn(unfinished_sentence(inputs.finish.words, report.unfinished))


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
        noun = inputs.forests.method.noun
        raise InputError(f"{inputs.forests.path}: it has no {noun} of {lacking[0]}; choose other dates.")


def refuse_unknown(forests: ModelFile, dynamic: Sequence[DatedCovariate]) -> None:
    """Raise `InputError` for a dated covariate that the forests do not know."""
    noun = forests.method.noun
    for dated in dynamic:
        if dated.name not in forests.covariates:
            raise InputError(
                f"{dated.series.source}: the {noun}s know no covariate named {dated.name} "
                f"(they know {', '.join(forests.covariates)}); rename it with DYNAMIC_NAMES, or leave it out."
            )


def compare_units(forests: ModelFile, units: Mapping[str, str], progress: Progress) -> None:
    """Warn where a covariate comes in another unit than the forests were trained with."""
    noun = forests.method.noun
    for name in forests.covariates:
        trained, given = forests.units.get(name, ""), units.get(name, "")
        if trained and given and trained != given:
            progress.warn(f"{name} is in {given}, but the {noun}s were trained with {name} in {trained}")


def nodata_content(stack: Stack | None, dynamic: Sequence[DatedCovariate]) -> dict[str, object]:
    """What of NODATA results depend on, for a fingerprint; nothing where nothing is declared."""
    looks = {dated.name: dated.series.look for dated in dynamic} | dict(stack.looks if stack else {})
    codes = {name: look.declared.codes for name, look in looks.items() if look and look.declared.codes}
    return {"nodata": codes} if codes else {}


class _NoValue(Exception):
    """A map without any value, which is not to be kept."""


def _write_blocks(tiff: GeoTiff, results: Iterator[Layers], counter: Counter) -> None:
    """Write the blocks of a map; raises `_NoValue` if no pixel has a value."""
    pixels = 0
    for block, layers in results:
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


def _making(
    inputs: MapInputs,
    dates: Sequence[dt.date],
    parts: Sequence[Window],
    dated: Sequence[OnPixels],
    keep: bool,
    threads: int,
    report: MapsReport,
    progress: Progress,
    advance: Callable[[], None],
) -> Generator[tuple[dict[str, str], Iterator[Layers]], None, None]:
    """Tags of the map of each date, and its blocks, which must be taken before the next date is."""
    under = inputs.under if inputs.finish.steps else None
    if under is None:
        tasks = _tasks(inputs, dates, parts, dated)
        with contextlib.closing(ordered_map(_finished, tasks, threads, progress)) as results:
            for date in dates:
                yield inputs.tags(date), islice(results, len(parts))
        return
    names = [NAME, *inputs.extra.names(inputs.forests)]
    places = Places(*(names.index(name) for name in (LOWER, UPPER, SD))) if SD in names else Places()
    for date in dates:
        run = Run(partial(_tasks, inputs, [date], parts, dated), _predict, threads, progress)
        tags, smap = inputs.tags(date), inputs.smap_on(date, under)
        if smap is None:
            finished = Finished(under, run, places)
            tags[SMAP_TAG] = NO_SMAP
        else:
            finished = Finishing(under, smap, inputs.finish, places, keep).of(run, advance)
        if finished.why_not:
            report.unfinished[date] = finished.why_not
        if finished.residual is not None:
            tags[NOISE_TAG] = f"{finished.residual.field.noise_sd:.6g}"
        with contextlib.closing(finished.blocks(partial(_clipped, inputs))) as results:
            yield tags, results


def _tasks(
    inputs: MapInputs, dates: Sequence[dt.date], parts: Sequence[Window], dated: Sequence[OnPixels]
) -> Iterator[_Task]:
    forests = inputs.forests
    coordinates = None
    if forests.method.uses_coordinates and forests.grid is not None:
        coordinates = pixel_coordinates(inputs.stack.grid, forests.grid)
    # Each is asked for on all dates.
    masks = [inputs.part.inside(block) for block in parts]
    for date in dates:
        model = inputs.model(date)
        inputs.extra.check(model, forests)
        for block, inside in zip(parts, masks):
            window = inputs.part.window.part(block)
            needed = dated if inside is None or inside.any() else []
            blocks_of = {one.covariate.name: one.block(date, window) for one in needed}
            yield _Task(inputs, model, date, block, window, inside, blocks_of, coordinates)


def _predict(task: _Task, progress: Progress) -> Layers:
    """Soil moisture of a block, and what `extra` asks for; NaN where any covariate is missing."""
    shape, extra = (task.block.height, task.block.width), task.inputs.extra
    names = NAME, *extra.names(task.inputs.forests)
    layers = [np.full(shape, np.nan) for _ in names]
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
    return task.block, layers


def _finished(task: _Task, progress: Progress) -> Layers:
    return _clipped(task.inputs, _predict(task, progress))


def _clipped(inputs: MapInputs, layers: Layers) -> Layers:
    """A block, its soil moisture brought to the limits where that is wanted, in place."""
    block, own = layers
    if inputs.clip and np.isfinite(own[0]).any():
        names = NAME, *inputs.extra.names(inputs.forests)
        inputs.limits.clip([layer for name, layer in zip(names, own) if name in (NAME, LOWER, UPPER)], block)
    return layers


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
    inputs: MapInputs, start: dt.date | None = None, end: dt.date | None = None, every_day: bool = False
) -> list[dt.date]:
    """Dates from `start` to `end` that have a model; for a pooled one all that have all dated covariates.

    A pooled model that knows its days maps these, and with `every_day` those between them too.

    Raises
    ------
    InputError
        If there is none, or a pooled forest without dated covariates is given no first and last date.
    """
    forests, days = inputs.forests, [dt.date.fromordinal(day) for day in inputs.days]
    if days and every_day:
        return _dates_of_pooled(inputs, start or days[0], end or days[-1])
    if forests.mode == POOLED and not days:
        return _dates_of_pooled(inputs, start, end)
    if every_day:
        raise InputError(
            f"EVERY_DAY: {forests.path} has a {forests.method.noun} for each of its dates and none for days "
            "between them; switch it off, or train one on all dates."
        )
    known = days or forests.dates
    dates = [date for date in known if is_within(date, start, end)]
    if not dates:
        noun = "day" if days else forests.method.noun
        raise InputError(
            f"{forests.path}: it has no {noun} from {start or 'its begin'} to {end or 'its end'} (its "
            f"{noun}s run from {known[0]} to {known[-1]}); choose other dates."
        )
    return dates


def _dates_of_pooled(inputs: MapInputs, start: dt.date | None, end: dt.date | None) -> list[dt.date]:
    if not inputs.dynamic and (start is None or end is None):
        raise InputError(
            f"{inputs.forests.path}: it has one {inputs.forests.method.noun} for all dates, and no dated "
            "covariate says which to map; give START and END."
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
