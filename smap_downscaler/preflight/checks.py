"""The checks before layers are joined: one loop over what a step hands in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, groupby

from ..base.errors import InputError
from ..base.moisture import moisture_sentence
from ..base.progress import SILENT, Progress
from ..geo.datasets import same_crs
from ..geo.grid import EASE2_CRS, Grid
from ..geo.sources import Mask, Source, has_value
from ..series.dated import DatedCovariate
from ..series.series import Series, SeriesEntry
from ..series.stack import Stack
from .codes import codes_by_name
from .layer_check import (
    LayerCheck,
    Preflight,
    dates_note,
    dates_text,
    ease_shift,
    gaps_note,
    shift_sentence,
)
from .sample import AnySampler, Sample, merged, same_values

#: Rasters of a layer that are looked at, spread over its dates.
_DATES_SEEN = 3
#: What is said of two layers that are the same.
SAME_VALUES = "{0.label}: {0.row.name} and {1.row.name} hold the same values"
SAME_FILES = "{0.label}: {0.row.name} and {1.row.name} are the same files; leave out one of them."


@dataclass(frozen=True)
class LayerToCheck:
    """What is to be joined: a raster, the rasters of a series, or what is none, such as stations.

    Attributes
    ----------
    row : LayerCheck or None
        Its row of the table before the look; None where there are only warnings.
    rasters : sequence of Source
        A few of them are looked at.
    label : str
        The file or parameter, for warnings.
    warnings : sequence of str
        What is known without a look; empty ones are left out.
    refusal : str
        What is said where no raster has a value; empty where none is needed.
    judge : callable, optional
        From a sample to a warning and a note of the table, both empty where all is well.
    twins : str
        What is said of two layers {0} and {1} that are the same, if both in a row have this sentence.
    files : sequence
        By which they are compared; without, by the values sampled.
    """

    row: LayerCheck | None
    rasters: Sequence[Source] = ()
    label: str = ""
    warnings: Sequence[str] = ()
    refusal: str = ""
    judge: Callable[[Sample], tuple[str, str]] | None = None
    twins: str = ""
    files: Sequence[SeriesEntry] = ()


def check_layers(layers: Iterable[LayerToCheck], sampler: AnySampler | None, area: str) -> Preflight:
    """Sample layers and check them, in the order of the table.

    Parameters
    ----------
    layers : iterable of LayerToCheck
    sampler : AnySampler or None
        Where to sample; None: nowhere.
    area : str
        What reports call that: "the SMAP cells".

    Raises
    ------
    InputError
        If a layer has no value where one is needed, its values cannot be true, or a file cannot be read.
    """
    rows: list[LayerCheck] = []
    warnings: list[str] = []
    for _twins, kind in groupby(layers, key=lambda layer: layer.twins):
        looked = []
        for layer in kind:
            sample = _sample(layer, sampler)
            warning, note = layer.judge(sample) if layer.judge and sample else ("", "")
            warnings += [text for text in (warning, *layer.warnings) if text]
            if layer.row is not None:
                rows.append(_with_sample(layer.row, sample, note))
            looked.append((layer, sample))
        warnings += _same(looked)
    return Preflight(rows, warnings, area)


def _sample(layer: LayerToCheck, sampler: AnySampler | None) -> Sample | None:
    if sampler is None or not layer.rasters:
        return None
    last = len(layer.rasters) - 1
    chosen = sorted({round(part * last / (_DATES_SEEN - 1)) for part in range(_DATES_SEEN)})
    sample = merged([sampler.sample(layer.rasters[number]) for number in chosen])
    for look in {raster.look for raster in layer.rasters if raster.look is not None}:
        look.check()
    # Layers that lie elsewhere are refused by whoever joins them.
    if layer.refusal and sample.covered and math.isnan(sample.low):
        cells, progress = sampler.cells, sampler.progress
        if cells is not None and not any(has_value(one, cells, progress) for one in layer.rasters):
            raise InputError(layer.refusal)
    return sample


def _with_sample(row: LayerCheck, sample: Sample | None, note: str) -> LayerCheck:
    if sample is None:
        return row
    return replace(
        row,
        covered=sample.covered,
        nodata=sample.nodata,
        low=sample.low,
        high=sample.high,
        single=sample.count < 2,
        notes=(*row.notes, note) if note else row.notes,
    )


def _same(looked: Sequence[tuple[LayerToCheck, Sample | None]]) -> Iterator[str]:
    """What is said of layers of one kind that are the same."""
    layers = [layer for layer, _sample in looked]
    if not layers[0].twins:
        return
    alike = [] if layers[0].files else same_values([sample for _layer, sample in looked if sample])
    for pair in combinations(range(len(layers)), 2):
        first, second = (layers[number] for number in pair)
        if first.files == second.files if first.files else pair in alike or first.rasters == second.rasters:
            yield first.twins.format(first, second)


def row_of(name: str, grid: Grid, dates: Sequence[dt.date] = (), *notes: str) -> LayerCheck:
    """The row of a layer before the look."""
    cell, kept = (grid.cell_width, grid.cell_height), tuple(note for note in notes if note)
    return LayerCheck(name, grid.crs, cell, _shift_of(grid), dates=dates_text(dates), notes=kept)


def _shift_of(grid: Grid) -> tuple[float, float] | None:
    return ease_shift(grid) if same_crs(grid.crs, EASE2_CRS) else None


def shift_warning(label: str, grid: Grid) -> str:
    """The warning of cells beside those of the EASE-Grid; empty where they are not."""
    shift = _shift_of(grid)
    return "" if shift is None else shift_sentence(label, shift)


def moisture_judge(label: str) -> Callable[[Sample], tuple[str, str]]:
    """A judge of layers that are soil moisture, m3 m-3; see `LayerToCheck`."""

    def judge(sample: Sample) -> tuple[str, str]:
        sentence = moisture_sentence(f"{label}: soil moisture runs", sample.low, sample.high)
        return sentence, "no m3 m-3" if sentence else ""

    return judge


def series_layer(
    series: Series,
    label: str,
    warnings: Sequence[str] = (),
    notes: Sequence[str] = (),
    judge: Callable[[Sample], tuple[str, str]] | None = None,
) -> LayerToCheck:
    """A series, all of its dates."""
    row = row_of(series.name, series.grid, series.dates, gaps_note(series.dates), *notes)
    all_warnings = [shift_warning(label, series.grid), *warnings]
    return LayerToCheck(row, _rasters(series, series.entries), label, all_warnings, judge=judge)


def smap_layer(smap: Series, *warnings: str) -> LayerToCheck:
    """The SMAP series."""
    return series_layer(replace(smap, name="SMAP"), f"SMAP ({smap.source})", warnings)


def stack_layers(
    stack: Stack, names: Sequence[str], area: str, advice: str = "make the stack anew, or without it"
) -> Iterator[LayerToCheck]:
    """Covariates of a stack, each of which is needed over an area, and what to do where one lacks there."""
    yield LayerToCheck(None, warnings=[shift_warning(stack.path, stack.grid)])
    for name in names:
        yield LayerToCheck(
            row_of(name, stack.grid),
            [stack.band(name)],
            stack.path,
            refusal=f"{stack.path}: {name} has no value over {area}, and every covariate is needed; "
            f"{advice}.",
            twins=f"{SAME_VALUES}; leave out one of them.",
        )


def dated_layers(
    dynamic: Sequence[DatedCovariate], dates: Sequence[dt.date], area: str
) -> Iterator[LayerToCheck]:
    """Dated covariates, each of which is needed over an area on each of `dates`."""
    for dated in dynamic:
        series, used = dated.series, {dated.entry(date) for date in dates}
        yield LayerToCheck(
            row_of(series.name, series.grid, series.dates, dates_note(dated.missing(dates), len(dates))),
            _rasters(series, [entry for entry in series.entries if entry in used]),
            series.source,
            [shift_warning(series.source, series.grid), dated.doubt],
            f"{series.source}: {series.name} has no value over {area} on any of the dates, and every "
            "covariate is needed; check its NoData value, or leave it out.",
            judge=partial(_refuse_codes, series),
            twins=SAME_FILES,
            files=series.entries,
        )


def check_mask(mask: Mask, masked: float, cells: Grid, progress: Progress = SILENT) -> None:
    """Say how much of the cells a mask takes away; refuse one that takes all.

    `masked` is the share of a sample's points, see `Sampler`.
    """
    mask.check_codes()
    progress.log(f"MASK masks {100 * masked:.1f} % of the SMAP cells.")
    if masked == 1 and not mask.leaves_any(cells, progress):
        raise InputError(
            f"MASK ({mask.path}) masks all of the SMAP cells; give a raster that is 0 or NoData where land "
            "is to be kept, or none."
        )


def _refuse_codes(series: Series, sample: Sample) -> tuple[str, str]:
    """Refuses a series of maps of classes."""
    codes = "" if series.unit() else codes_by_name((series.name, series.band_name()), sample.stored)
    if codes:
        raise InputError(
            f"{series.source}: by its name and its values ({codes}) it is a map of classes, whose codes have "
            "no mean; give the share of each class instead ('Harmonise covariates' makes them of "
            "a map named in CATEGORICAL), or another name in DYNAMIC_NAMES if they are measurements."
        )
    return "", ""


def _rasters(series: Series, entries: Sequence[SeriesEntry]) -> list[Source]:
    return [Source(entry.path, entry.band, series.grid, look=series.look) for entry in entries]
