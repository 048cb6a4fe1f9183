"""SMAP into a dated GeoTIFF series on its own grid; a re-run goes on where the last one ended."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area import Area
from ...geo.datasets import check_folders, dataset_grid, open_dataset, read_band
from ...geo.geotiff import Band, is_as_written, write_geotiff
from ...geo.grid import EASE2_CRS, Bounds, Grid, Window, ease2_grid
from ...geo.lattice import is_geographic, transform_bounds
from ...geo.texts import tags_of
from ...series.series import same_grid
from ...series.tags import AREA_TAG, CHOICE_TAGS, FILLED_TAG, area_tags, filled_tags, is_of_area
from .numbers.screening import DEFAULT_CHOICES, Choices, Screened, ease2_window
from .report_table import REPORT_NAME, Row, make_row, write_report
from .source import Item, SmapSource, open_source

_NAME = re.compile(r"^soil_moisture_(\d{8})\.tif$")
_COUNT_TAGS = ("RETRIEVED", "OUT_OF_RANGE", "FAILED_QUALITY")


@dataclass(frozen=True)
class ImportResult:
    """What an import left behind."""

    folder: Path
    report: Path
    grid: Grid
    rows: tuple[Row, ...]

    @property
    def count(self) -> int:
        """Dates that have a file."""
        return sum(row.status != "skipped" for row in self.rows)


def import_smap(
    source: str | Path | Sequence[str],
    folder: str | Path,
    choices: Choices = DEFAULT_CHOICES,
    extent: tuple[Bounds, str] | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    progress: Progress = SILENT,
    variables: Sequence[str] = (),
    area: Area | None = None,
) -> ImportResult:
    """Write `soil_moisture_YYYYMMDD.tif` for every date with a valid cell, and `report.csv`.

    Parameters
    ----------
    source : str, Path or sequence of str
        Folder or file; see `open_source`.
    folder : str or Path
        Where to write; files made there before with the same choices from the same source are kept.
    extent : (Bounds, str) or None
        Edges and CRS; every cell that it touches is kept.  None keeps all.
    variables : sequence of str
        Those to read of NetCDF files that hold several; see `open_series`.
    area : Area, optional
        Cells that it does not touch are NoData, and not counted; the grid is cut to the others.

    Raises
    ------
    InputError
        For bad input, if extent and data do not meet, if no date has a valid cell, or
        if `folder` holds other dates made with other choices.
    """
    folder = Path(folder)
    check_folders(source, folder)
    opened = open_source(source, choices, start, end, progress.part(0.0, 0.2), variables)
    window, inside = _window(opened, extent), None
    if area is not None:
        cells = area.touched(opened.grid, f"the cells of {opened.path}", window)
        area.log_kept(cells, "SMAP cell", progress)
        window = cells.window
        inside = cells.mask(window)
    job = _Job(opened, window, _exact_grid(opened, window), folder, choices, area, inside)
    job.refuse_leftovers()
    rows = []
    working = progress.part(0.2, 1.0)
    counter = working.counter(len(opened.items), "dates imported")
    for item in opened.items:
        working.check()
        row = job.do(item)
        if row.status == "skipped":
            progress.log(f"{row.date}: skipped, {row.reason}")
        rows.append(row)
        counter.advance()
    report = write_report(folder / REPORT_NAME, rows)
    result = ImportResult(folder, report, job.grid, tuple(rows))
    if not result.count:
        raise InputError(
            f"{opened.path}: none of its {len(rows)} dates has a valid cell in the study area "
            f"({rows[0].date}: {rows[0].reason}); choose another EXTENT, AOI, QUALITY or OVERPASS "
            f"(see {report})."
        )
    return result


def ease2_bounds(bounds: Bounds, crs: str) -> Bounds:
    """The edges of an extent in EPSG:6933, its sides densified.

    Raises
    ------
    InputError
        If it has no place there.
    """
    if is_geographic(crs) and (bounds.left < -180 or bounds.right > 180):
        raise InputError(
            f"EXTENT: {bounds.left:g} to {bounds.right:g} degrees crosses the 180th meridian, where SMAP's "
            "grid ends; import each side by itself."
        )
    try:
        return transform_bounds(bounds, crs, EASE2_CRS)
    except InputError:
        raise InputError(
            f"EXTENT: {bounds.left:g}, {bounds.right:g}, {bounds.bottom:g}, {bounds.top:g} cannot be "
            f"transformed from its CRS to SMAP's ({EASE2_CRS}); draw it again within the area of its CRS."
        ) from None


def _window(source: SmapSource, extent: tuple[Bounds, str] | None) -> Window:
    if extent is None:
        return source.grid.whole
    window = source.grid.window_touching(ease2_bounds(*extent))
    if window is None:
        raise InputError(f"EXTENT: it does not meet the cells of {source.path}; choose an extent over them.")
    return window


def _exact_grid(source: SmapSource, window: Window) -> Grid:
    """The window's grid counted from the corner of the world, the same to the last bit for every source."""
    found = ease2_window(source.grid.crop(window))
    if found is None:
        raise ValueError("a source's cells must be those of the EASE-Grid 2.0")
    resolution, cells = found
    return ease2_grid(resolution).crop(cells)


@dataclass(frozen=True)
class _Job:
    source: SmapSource
    window: Window
    grid: Grid
    folder: Path
    choices: Choices
    area: Area | None = None
    #: Which cells of the window belong to it, bool, shape (rows, columns).
    inside: np.ndarray | None = None

    def do(self, item: Item) -> Row:
        """Import a date, or find that it is there already."""
        target = self.folder / f"soil_moisture_{item.date:%Y%m%d}.tif"
        tags = self._tags(item)
        there = self._kept(target, tags)
        if there is not None:
            return make_row(item, "kept", there)
        found = self.source.read(item, self.window, self.choices, self.inside)
        if not found.valid:
            _remove(target)
            return make_row(item, "skipped", found)
        counts = (found.retrieved, found.out_of_range, found.failed_quality)
        tags.update(zip(_COUNT_TAGS, map(str, counts)))
        write_geotiff(target, self.grid, found.values, (Band("soil_moisture", "m3 m-3"),), tags)
        return make_row(item, "written", found)

    def refuse_leftovers(self) -> None:
        """Other dates in the folder must be of the same series, or a reader would mix them."""
        if not self.folder.is_dir():
            return
        mine = {f"{item.date:%Y%m%d}" for item in self.source.items}
        for path in sorted(self.folder.iterdir()):
            match = _NAME.match(path.name)
            if not match or match.group(1) in mine:
                continue
            dataset = open_dataset(path)
            difference = self._difference(dataset, path)
            if difference:
                raise InputError(
                    f"OUTPUT: {path} is from another run ({difference}) and its date is not among those "
                    "imported now; choose an empty folder, or remove it."
                )

    def _difference(self, dataset: gdal.Dataset, path: Path) -> str:
        tags = tags_of(dataset)
        for name, value in self._choice_tags().items():
            if tags.get(name) != value:
                return f"{name} {tags.get(name, 'unknown')} instead of {value}"
        if not is_of_area(tags, self.area):
            return "another study area (AOI), or none"
        if (FILLED_TAG in tags) != self.source.filled:
            return f"{'without' if self.source.filled else 'with'} values of 'Fill gaps'"
        return "" if same_grid(self.grid, dataset_grid(dataset, str(path))) else "other cells"

    def _choice_tags(self) -> dict[str, str]:
        choices = self.choices
        values = (self.source.product, choices.overpass, choices.quality, choices.algorithm)
        return dict(zip(CHOICE_TAGS, values))

    def _tags(self, item: Item) -> dict[str, str]:
        path = Path(item.path)
        status = path.stat()
        changed = dt.datetime.fromtimestamp(int(status.st_mtime), dt.timezone.utc)
        return {
            "DATE": item.date.isoformat(),
            "SOURCE": path.name,
            "SOURCE_BAND": str(item.number),
            "SOURCE_BYTES": str(status.st_size),
            "SOURCE_CHANGED": f"{changed:%Y-%m-%dT%H:%M:%SZ}",
            **self._choice_tags(),
            **filled_tags(self.source.filled),
            **area_tags(self.area),
        }

    def _kept(self, target: Path, tags: Mapping[str, str]) -> Screened | None:
        """What `target` holds, if it is whole and was made the same way."""
        if not target.is_file():
            return None
        try:
            dataset = open_dataset(target)
            has = tags_of(dataset)
            # A layer of the same polygons may have got another name.
            if any(has.get(name) != value for name, value in tags.items() if name != AREA_TAG):
                return None
            if self._difference(dataset, target) or not is_as_written(dataset):
                return None
            values = read_band(dataset, 1)
        except InputError:
            # A damaged file is made again.
            return None
        counts = [has.get(name, "") for name in _COUNT_TAGS]
        if not np.isfinite(values).any() or not all(count.isdigit() for count in counts):
            return None
        return Screened(values, *map(int, counts))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"OUTPUT: {path} cannot be removed ({error.strerror}); close it.") from None
