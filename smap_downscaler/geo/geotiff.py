"""Writing GeoTIFFs: compressed, tiled, with statistics, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..base.errors import Cancelled, InputError
from ..base.progress import SILENT, Progress, check_cancelled
from ..stats.distribution import Moments
from .datasets import (
    NODATA,
    close_dataset,
    dataset_grid,
    gdal_errors,
    read_band,
    reason_of,
    spatial_reference,
    whole_file,
)
from .grid import Grid, Window
from .room import check_room
from .storage import CLASSES, DEFLATE, FLOAT32, INT16, STEP, ZSTD, Storage, overview_factors
from .texts import band_name, band_unit, tag_of, tags_of

#: Side of the tiles of a file; blocks of work are multiples of it.
TILE = 256
#: Where a file keeps what its cells add up to, away from the tags that are shown.
_DOMAIN, _SUMS = "SMAP_DOWNSCALER", "CELLS"
#: An odd number whose multiples are spread over 64 bits, 2 ** 64 divided by the golden ratio.
_SPREAD = 0x9E3779B97F4A7C15
#: DEFLATE's higher levels take up to three times as long for files that are 1 to 4 % smaller.
_LEVELS = {DEFLATE: "ZLEVEL=1", ZSTD: "ZSTD_LEVEL=3"}
#: Cells whose sum is worked out at once: they stay in the processor's cache.
_CELLS_AT_ONCE = 1 << 17
_TYPES = {FLOAT32: gdal.GDT_Float32, INT16: gdal.GDT_Int16}
_PLAIN = Storage()


@dataclass(frozen=True)
class Band:
    """What a band says of itself: description, unit, and free metadata.

    `step`: what whole numbers stand for, where it is stored as such; `CLASSES` where it holds classes.
    """

    name: str = ""
    unit: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    step: float = STEP


class GeoTiff:
    """A GeoTIFF in the making; see `create_geotiff`.

    `beyond` counts the values so far that were greater than its cells can hold.
    """

    def __init__(self, dataset: gdal.Dataset, path: Path, bands: Sequence[Band], storage: Storage = _PLAIN):
        self._dataset, self._path, self._bands, self._storage = dataset, path, bands, storage
        self._moments = [Moments() for _ in bands]
        self._sums = [0] * len(bands)
        self.beyond = 0

    def write(self, values: np.ndarray, window: Window | None = None, band: int = 1) -> None:
        """Write a block, shape (rows, columns), NaN where missing.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        window = window or Window(0, 0, *values.shape)
        step, storage = self._bands[band - 1].step, self._storage
        numbers = storage.numbers(values, step)
        self._moments[band - 1].add(numbers)
        self.beyond += storage.beyond(values, step)
        self._sums[band - 1] += _sum(storage.values_of(numbers, step), window, self._dataset.RasterXSize)
        cells = np.where(np.isfinite(numbers), numbers, numbers.dtype.type(storage.nodata))
        with gdal_errors() as messages:
            try:
                target = self._dataset.GetRasterBand(band)
                failed = target.WriteArray(cells, window.col, window.row) != 0
                if self._whole_blocks(window, target.GetBlockSize()):
                    # Packed and written now: at the end it could take long, with nobody to cancel it.
                    target.FlushCache()
            except RuntimeError as error:
                messages.append(str(error))
                failed = True
        if failed or messages:
            raise _cannot_write(self._path, messages)

    def _whole_blocks(self, window: Window, size: Sequence[int]) -> bool:
        """Whether a window consists of whole blocks of the file: half ones would be packed twice."""
        bottom, right = window.row + window.height, window.col + window.width
        return (
            window.row % size[1] == 0
            and window.col % size[0] == 0
            and (bottom % size[1] == 0 or bottom == self._dataset.RasterYSize)
            and (right % size[0] == 0 or right == self._dataset.RasterXSize)
        )

    def _finish(self) -> None:
        with gdal_errors() as messages:
            try:
                for number, moments in enumerate(self._moments, start=1):
                    self._keep_statistics(number, moments)
                kept = f"{_sums_text(self._sums)} {_words(self._dataset)}"
                self._dataset.SetMetadataItem(_SUMS, kept, _DOMAIN)
                self._dataset.FlushCache()
                if self._storage.overviews:
                    self._add_overviews()
                self._close()
            except RuntimeError as error:
                messages.append(str(error))
        check_cancelled()
        if messages:
            raise _cannot_write(self._path, messages)

    def _add_overviews(self) -> None:
        """Smaller copies of the bands; classes are picked, all else is averaged."""
        factors = overview_factors(dataset_grid(self._dataset, str(self._path)))
        if not factors:
            return
        # All bands get the same way: they are filled one by one.
        self._dataset.BuildOverviews("NONE", factors)
        for number, band in enumerate(self._bands, start=1):
            source = self._dataset.GetRasterBand(number)
            copies = [source.GetOverview(level) for level in range(source.GetOverviewCount())]
            way = "NEAREST" if band.step == CLASSES else "AVERAGE"
            gdal.RegenerateOverviews(source, copies, way, _may_go_on)

    def _keep_statistics(self, number: int, moments: Moments) -> None:
        if moments.n:
            band = self._dataset.GetRasterBand(number)
            band.SetStatistics(moments.low, moments.high, moments.mean, moments.sd)
            band.SetMetadataItem("STATISTICS_VALID_PERCENT", f"{100 * moments.n / moments.cells:.4g}")

    def _close(self) -> None:
        """Close the file, if it is open."""
        dataset, self._dataset = self._dataset, None
        if dataset is not None:
            close_dataset(dataset)


def _may_go_on(*_: object) -> int:
    """What GDAL asks during long work."""
    try:
        check_cancelled()
    except Cancelled:
        return 0
    return 1


def _sum(cells: np.ndarray, window: Window, width: int) -> int:
    """What cells, float32, of a raster add up to: their bits, each times a number of its place.

    It does not depend on the blocks in which they come, and is another one if any cell is.
    """
    columns = np.arange(window.col, window.col + window.width, dtype=np.uint64) * np.uint64(_SPREAD)
    total, rows = 0, max(1, _CELLS_AT_ONCE // max(window.width, 1))
    for begin in range(0, window.height, rows):
        some = cells[begin : begin + rows]
        bits = np.where(np.isfinite(some), some, np.float32(NODATA)).view(np.uint32)
        # In 64 bits, whatever is beyond them falls off.
        row = np.arange(window.row + begin, window.row + begin + len(some), dtype=np.uint64)
        place = (row * np.uint64(width) * np.uint64(_SPREAD))[:, None] + columns
        place |= np.uint64(1)
        place *= bits
        total += int(place.sum(dtype=np.uint64))
    return total


def _sums_text(sums: Sequence[int]) -> str:
    return " ".join(f"{one % 2**64:016x}" for one in sums)


def _words(dataset: gdal.Dataset) -> str:
    """A digest of tags, names, units and scales; statistics are left out, which others work out anew."""
    said: list[object] = [_kept_tags(dataset)]
    for number in range(1, dataset.RasterCount + 1):
        band = dataset.GetRasterBand(number)
        scale, offset = band.GetScale(), band.GetOffset()
        said.append([band_name(band), band_unit(band), scale or 1.0, offset or 0.0, _kept_tags(band)])
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _kept_tags(holder: gdal.Dataset | gdal.Band) -> dict[str, str]:
    of_gdal = ("AREA_OR_POINT", "STATISTICS_")
    return {name: value for name, value in tags_of(holder).items() if not name.startswith(of_gdal)}


def is_as_written(dataset: gdal.Dataset, progress: Progress = SILENT) -> bool:
    """Whether all that a file of `create_geotiff` says, and all its cells, are as written; each is read.

    libtiff takes many a damaged block for a good one.

    Raises
    ------
    InputError
        If cells cannot be read.
    """
    kept = tag_of(dataset, _SUMS, _DOMAIN)
    bands = range(1, dataset.RasterCount + 1)
    nodata = storage_of(dataset).nodata
    if kept is None or any(dataset.GetRasterBand(band).GetNoDataValue() != nodata for band in bands):
        return False
    sums = [0] * dataset.RasterCount
    for row in range(0, dataset.RasterYSize, TILE):
        window = Window(row, 0, min(TILE, dataset.RasterYSize - row), dataset.RasterXSize)
        for band in bands:
            progress.check()
            sums[band - 1] += _sum(read_band(dataset, band, window), window, dataset.RasterXSize)
    return f"{_sums_text(sums)} {_words(dataset)}" == kept


def storage_of(dataset: gdal.Dataset) -> Storage:
    """How a raster of ours is stored; of those of others what is told may be wrong."""
    band = dataset.GetRasterBand(1)
    data_type = INT16 if band.DataType == gdal.GDT_Int16 else FLOAT32
    packed = tag_of(dataset, "COMPRESSION", "IMAGE_STRUCTURE")
    return Storage(data_type, packed if packed == ZSTD else DEFLATE, band.GetOverviewCount() > 0)


def check_compression(storage: Storage) -> None:
    """Raise `InputError` if GDAL cannot pack GeoTIFFs in the way that is wanted."""
    known = gdal.GetDriverByName("GTiff").GetMetadataItem("DMD_CREATIONOPTIONLIST") or ""
    if f">{storage.compression}<" not in known:
        raise InputError(
            f"COMPRESSION is '{storage.compression}', which GDAL {gdal.__version__} was built without here; "
            f"choose '{DEFLATE}'."
        )


def _cannot_write(path: Path, messages: Sequence[str]) -> InputError:
    reason = reason_of(messages, "unknown reason")
    return InputError(f"{path}: it cannot be written ({reason}); check the free space and your rights there.")


@contextlib.contextmanager
def create_geotiff(
    path: str | Path,
    grid: Grid,
    bands: Sequence[Band] = (Band(),),
    tags: Mapping[str, str] | None = None,
    sparse: bool = False,
    storage: Storage = _PLAIN,
) -> Iterator[GeoTiff]:
    """A GeoTIFF on `grid` that appears under `path` only when it is whole, float32 if nothing else is said.

    What is not written is missing; in a `sparse` file it takes no room.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(path)
    check_room(path, grid, len(bands), storage.bytes_a_cell)
    with whole_file(path) as part:
        dataset = _create(part, path, grid, bands, {**(tags or {}), **storage.tags}, sparse, storage)
        tiff = GeoTiff(dataset, path, bands, storage)
        del dataset
        try:
            yield tiff
            tiff._finish()
        finally:
            # An open handle would keep Windows from removing the file.
            with gdal_errors(), contextlib.suppress(RuntimeError):
                tiff._close()


def _create(
    part: Path,
    path: Path,
    grid: Grid,
    bands: Sequence[Band],
    tags: Mapping[str, str],
    sparse: bool,
    storage: Storage,
) -> gdal.Dataset:
    reference = spatial_reference(grid.crs)
    options = [f"COMPRESS={storage.compression}", f"PREDICTOR={storage.predictor}"]
    options += [_LEVELS[storage.compression], "BIGTIFF=IF_SAFER", *(["SPARSE_OK=YES"] if sparse else [])]
    if grid.width >= TILE or grid.height >= TILE:
        options += ["TILED=YES", f"BLOCKXSIZE={TILE}", f"BLOCKYSIZE={TILE}"]
    if len(bands) > 1:
        options.append("INTERLEAVE=BAND")
    with gdal_errors() as messages:
        try:
            dataset = gdal.GetDriverByName("GTiff").Create(
                str(part), grid.width, grid.height, len(bands), _TYPES[storage.data_type], options
            )
        except RuntimeError as error:
            messages.append(str(error))
            dataset = None
        if dataset is None:
            raise _cannot_write(path, messages)
        dataset.SetSpatialRef(reference)
        dataset.SetGeoTransform(grid.geotransform)
        dataset.SetMetadata(dict(tags))
        for number, band in enumerate(bands, start=1):
            _describe(dataset.GetRasterBand(number), band, storage)
    return dataset


def _describe(target: gdal.Band, band: Band, storage: Storage) -> None:
    target.SetNoDataValue(storage.nodata)
    if storage.counts_steps:
        target.SetScale(band.step)
        target.SetOffset(0.0)
    if band.name:
        target.SetDescription(band.name)
    if band.unit:
        target.SetUnitType(band.unit)
    if band.tags:
        target.SetMetadata(dict(band.tags))


def write_geotiff(
    path: str | Path,
    grid: Grid,
    values: np.ndarray,
    bands: Sequence[Band] = (Band(),),
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a whole array, shape (rows, columns) or (bands, rows, columns); see `create_geotiff`.

    Raises
    ------
    ValueError
        If its shape is not that of the grid and bands.
    InputError
        If it cannot be written.
    """
    layers = values if values.ndim == 3 else values[None]
    if layers.shape != (len(bands), *grid.shape):
        raise ValueError(f"array of shape {layers.shape} for {len(bands)} bands on a grid of {grid.shape}")
    with create_geotiff(path, grid, bands, tags) as tiff:
        for number, layer in enumerate(layers, start=1):
            tiff.write(layer, band=number)
