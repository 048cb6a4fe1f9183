"""Tables that QGIS opens: a GeoPackage, or through OGR any other table format.

OGR makes the file; the rows go through sqlite3, which is several times faster
than OGR's features.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

from osgeo import gdal, ogr

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..base.spreadsheet import inert, opens_in_spreadsheet
from ..geo.datasets import (
    close_dataset,
    gdal_errors,
    open_dataset,
    reason_of,
    spatial_reference,
    whole_file,
)
from ..geo.grid import Grid, Window
from ..geo.texts import OF_GDAL, tag_of
from ..stats.distribution import Distribution

#: Key under which a table keeps what the plugin says of it.
NOTES = "smap_downscaler"
DATE, INTEGER, REAL, TEXT = ogr.OFTDate, ogr.OFTInteger, ogr.OFTReal, ogr.OFTString
#: Steps of SQLite's machine between two looks at the cancel button: some milliseconds.
STEPS_A_LOOK = 100_000
#: Offset of the journal mode in the header of an SQLite file, and its value for a write-ahead log.
_MODE_AT, _MODE_WAL = 18, 2
#: Fields that SQLite lets a table have, beside its key.
MOST_FIELDS = 1999
#: What a key may be called; the first that is no field's name is taken.
_KEYS = ("fid", "ogc_fid", "row_key")
_GEOMETRY = "geom"


def distribution_fields() -> dict[str, int]:
    """Columns of a `Distribution`, as `dataclasses.astuple` gives its values."""
    names = [field.name for field in dataclasses.fields(Distribution)]
    return {**dict.fromkeys(names, REAL), "n": INTEGER}


class TableWriter:
    """Takes rows; see `create_table`."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        layer: str,
        names: Sequence[str],
        plain: bool = True,
        cells: Grid | None = None,
    ):
        self._squares = None if cells is None else _Squares(connection, cells, names)
        columns = [*names, *([_GEOMETRY] if cells is not None else [])]
        marks = ", ".join("?" * len(columns))
        listed = ", ".join(quoted(name) for name in columns)
        self._connection, self._plain = connection, plain
        self._statement = f"INSERT INTO {quoted(layer)} ({listed}) VALUES ({marks})"  # nosec B608
        self.count = 0

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows, values in the order of the fields; NaN and None become NULL."""
        if not self._plain:
            rows = (tuple(map(inert, row)) for row in rows)
        if self._squares is not None:
            rows = map(self._squares.added, rows)
        cursor = self._connection.executemany(self._statement, rows)
        self.count += max(cursor.rowcount, 0)


class _Squares:
    """The outlines of cells as GeoPackages have shapes: a head, then well-known binary."""

    def __init__(self, connection: sqlite3.Connection, cells: Grid, names: Sequence[str]):
        ((number,),) = connection.execute("SELECT srs_id FROM gpkg_geometry_columns")
        self._head = struct.pack("<2sBBiBIII", b"GP", 0, 1, number, 1, ogr.wkbPolygon, 1, 5)
        self._cells, self._row, self._col = cells, names.index("row"), names.index("col")

    def added(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row, and the outline of its cell."""
        box = self._cells.crop(Window(row[self._row], row[self._col], 1, 1)).bounds
        x, y = (box.left, box.right, box.right, box.left), (box.bottom, box.bottom, box.top, box.top)
        corners = [number for corner in (*zip(x, y), (x[0], y[0])) for number in corner]
        return (*row, self._head + struct.pack("<10d", *corners))


@contextlib.contextmanager
def create_table(
    path: str | Path,
    layer: str,
    fields: Mapping[str, int],
    notes: Mapping[str, Any] | None = None,
    index: str | None = None,
    progress: Progress = SILENT,
    cells: Grid | None = None,
) -> Iterator[TableWriter]:
    """A table that appears under `path` only when it is whole.

    Parameters
    ----------
    path : path
        With the suffix .gpkg, or another one that OGR writes tables for (.csv, .xlsx, ...).
    layer : str
        Name of the table in the GeoPackage.
    fields : mapping of str to int
        Field names to DATE, INTEGER, REAL or TEXT.
    notes : mapping, optional
        Kept as the layer's metadata, JSON.
    index : str, optional
        A field to index.
    progress : Progress
        Asked while the table is indexed and turned into another format.
    cells : Grid, optional
        Each row has the outline of a cell of it for its shape: that of its fields `row` and `col`. Without
        it there are no shapes.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(path)
    plain = not opens_in_spreadsheet(path)
    if not plain:
        fields = {inert(name): kind for name, kind in fields.items()}
    # Some formats put files of their own beside.
    with whole_file(path, in_folder=True) as part:
        package = part if path.suffix.lower() == ".gpkg" else part.with_name("rows.gpkg")
        _make(package, path, layer, fields, notes or {}, cells)
        with _writing(package, path, progress) as connection:
            # Texts alone can be formulas.
            writer = TableWriter(connection, layer, list(fields), plain or TEXT not in fields.values(), cells)
            yield writer
            _finish(connection, layer, writer.count, index)
        if package != part:
            _convert(package, part, path, progress)
            package.unlink()


def has_table_format(path: Path) -> bool:
    """Whether `create_table` can write files of this ending; tried in a folder that is gone at once."""
    if path.suffix.lower() in (".gpkg", ".csv"):
        return True
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / f"trial{path.suffix}"
        try:
            with create_table(trial, "trial", {"number": ogr.OFTInteger}):
                pass
        except InputError:
            return False
    return True


@contextlib.contextmanager
def _writing(package: Path, path: Path, progress: Progress) -> Iterator[sqlite3.Connection]:
    """A connection to a new file whose errors name `path`."""
    try:
        with contextlib.closing(sqlite3.connect(package)) as connection:
            # A half-written file is thrown away in any case.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.set_progress_handler(progress.is_cancelled, STEPS_A_LOOK)
            yield connection
    except sqlite3.Error as error:
        progress.check()
        raise InputError(f"{path}: it cannot be written ({error}); check the free space there.") from None


def _make(
    package: Path,
    path: Path,
    layer: str,
    fields: Mapping[str, int],
    notes: Mapping[str, Any],
    cells: Grid | None,
) -> None:
    package.unlink(missing_ok=True)
    with gdal_errors() as messages:
        try:
            _make_empty(package, layer, fields, notes, cells)
        except RuntimeError as error:
            messages.append(str(error))
    if messages:
        raise InputError(
            f"{path}: it cannot be written ({reason_of(messages, 'unknown reason')}); choose another place."
        )


def _make_empty(
    package: Path, layer: str, fields: Mapping[str, int], notes: Mapping[str, Any], cells: Grid | None
) -> None:
    """A GeoPackage with one empty table; leaves a message of GDAL or raises RuntimeError where that fails."""
    dataset = gdal.GetDriverByName("GPKG").Create(str(package), 0, 0, 0, gdal.GDT_Unknown)
    taken = {name.lower() for name in fields}
    options = [f"FID={next(name for name in _KEYS if name not in taken)}"]
    reference, shape = None, ogr.wkbNone
    if cells is not None:
        # An index of shapes would need functions that SQLite has not.
        options += [f"GEOMETRY_NAME={_GEOMETRY}", "SPATIAL_INDEX=NO"]
        reference, shape = spatial_reference(cells.crs), ogr.wkbPolygon
    table = dataset.CreateLayer(layer, reference, shape, options) if dataset is not None else None
    if table is not None:
        for name, kind in fields.items():
            table.CreateField(ogr.FieldDefn(name, kind))
        if notes:
            table.SetMetadataItem(NOTES, json.dumps(notes, sort_keys=True))
        del table
        dataset.FlushCache()
    if dataset is not None:
        close_dataset(dataset)


def _finish(connection: sqlite3.Connection, layer: str, count: int, index: str | None) -> None:
    if index:
        connection.execute(f"CREATE INDEX {quoted(layer + '_' + index)} ON {quoted(layer)} ({quoted(index)})")
    # OGR's triggers keep the count in most versions; without it QGIS would count at each opening.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute(
            "UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (count, layer)
        )
    connection.commit()


def _convert(package: Path, target: Path, path: Path, progress: Progress) -> None:
    def go_on(*_: Any) -> int:
        return 0 if progress.is_cancelled() else 1

    with gdal_errors() as messages:
        try:
            done = gdal.VectorTranslate(
                str(target),
                str(package),
                layerName=path.stem,
                # GDAL 3.6 puts whole numbers in quotes else, as if they were text.
                layerCreationOptions=["STRING_QUOTING=IF_NEEDED"] if path.suffix.lower() == ".csv" else None,
                callback=go_on,
            )
            if done is not None:
                close_dataset(done)
        except RuntimeError as error:
            messages.append(str(error))
    progress.check()
    if messages or not target.is_file():
        raise InputError(
            f"{path}: a table cannot be written in this format ({reason_of(messages, 'unknown format')}); "
            "use the ending .gpkg or .csv."
        )


def count_features(path: str | Path, table: str = "", progress: Progress = SILENT) -> int:
    """The rows of a table, or of all tables of a file, each of which is read; 0 where that fails."""
    count = 0
    with gdal_errors() as messages:
        try:
            dataset = open_dataset(path, gdal.OF_VECTOR)
            numbers = range(dataset.GetLayerCount())
            layers = [dataset.GetLayerByName(table)] if table else [dataset.GetLayer(one) for one in numbers]
            for layer in layers:
                while layer is not None and layer.GetNextFeature() is not None:
                    progress.check()
                    count += 1
        except (InputError, *OF_GDAL):
            return 0
    return 0 if messages else count


def put_table(source: str | Path, target: str | Path, table: str) -> None:
    """Put a table of one database into another, in place of one of its name: whole, or not at all.

    Raises
    ------
    InputError
        If it cannot be written; the other database is then as it was.
    """
    made = open_dataset(source, gdal.OF_VECTOR)
    with gdal_errors() as messages:
        try:
            done = _put_table(made.GetLayerByName(table), str(target), table)
        except RuntimeError as error:
            messages.append(str(error))
    if messages or not done:
        raise InputError(
            f"{target}: the table {table} cannot be written ({reason_of(messages, 'unknown reason')}); check "
            "the free space, and that nobody else writes to it."
        )


def _put_table(layer: ogr.Layer, target: str, table: str) -> bool:
    """Whether it was put there; leaves a message of GDAL or raises RuntimeError where that fails."""
    database = gdal.OpenEx(target, gdal.OF_VECTOR | gdal.OF_UPDATE)
    if database is None or database.StartTransaction() != ogr.OGRERR_NONE:
        return False
    names = [database.GetLayer(number).GetName() for number in range(database.GetLayerCount())]
    for number, name in enumerate(names):
        if name.lower() == table.lower():
            database.DeleteLayer(number)
            break
    # Not `CopyLayer`, which begins a transaction of its own.
    copied = database.CreateLayer(table, layer.GetSpatialRef(), layer.GetGeomType(), ["GEOMETRY_NAME=geom"])
    good = copied is not None
    if good:
        for field in layer.schema:
            copied.CreateField(field)
        for feature in layer:
            new = ogr.Feature(copied.GetLayerDefn())
            new.SetFrom(feature)
            good = good and copied.CreateFeature(new) == ogr.OGRERR_NONE
    del copied
    good = good and database.CommitTransaction() == ogr.OGRERR_NONE
    # What was not committed is undone.
    close_dataset(database)
    return good


def read_notes(path: str, layer: str) -> tuple[str, dict[str, Any]] | None:
    """Name and notes of a table of a GeoPackage (without `layer` the first); None if there is no such table.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    dataset = open_dataset(path, gdal.OF_VECTOR, options=["IMMUTABLE=YES"] if _sleeping_wal(path) else [])
    if dataset.GetDriver().ShortName != "GPKG":
        return None
    with gdal_errors():
        try:
            table = dataset.GetLayerByName(layer) if layer else dataset.GetLayer(0)
        except OF_GDAL:
            table = None
    if table is None:
        return None
    try:
        notes = json.loads(tag_of(table, NOTES) or "{}")
    except ValueError:
        notes = {}
    return table.GetName(), notes if isinstance(notes, dict) else {}


@contextlib.contextmanager
def read_only(path: str, label: str, progress: Progress = SILENT) -> Iterator[sqlite3.Connection]:
    """An SQLite connection that changes neither the file nor its folder.

    Raises
    ------
    InputError
        If the file cannot be read; `label` names it.
    """
    # To read a sleeping write-ahead log SQLite would make files beside it, and leave them there.
    how = "immutable=1" if _sleeping_wal(path) else "mode=ro"
    address = f"file:{pathname2url(str(Path(path).resolve()))}?{how}"
    try:
        # A generator that reads may be thrown away by another thread.
        with contextlib.closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection:
            connection.set_progress_handler(progress.is_cancelled, STEPS_A_LOOK)
            yield connection
    except sqlite3.Error as error:
        progress.check()
        raise InputError(
            f"{label}: it cannot be read ({error}); check that the file is whole and nobody writes to it."
        ) from None


def check_whole(path: str, label: str, progress: Progress = SILENT) -> None:
    """Raise `InputError` where a GeoPackage is damaged; all of it is read.

    Rows that an index does not lead to any more are passed over by a query without a word.
    """
    with read_only(path, label, progress) as connection:
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise InputError(f"{label}: the file is damaged ({state}); make it again, or get it again.")


def _sleeping_wal(path: str) -> bool:
    """Whether an SQLite file is in the mode of QGIS's editing sessions while no session is open."""
    if Path(f"{path}-wal").exists():
        return False
    try:
        with Path(path).open("rb") as stream:
            return stream.read(_MODE_AT + 1)[_MODE_AT:] == bytes([_MODE_WAL])
    except OSError:
        return False


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
