"""Damage to the bytes of a file, the same each time for the same generator."""

from __future__ import annotations

import io
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable

import numpy as np

#: What a number in a text is replaced by.
_WORDS = (
    "nan", "inf", "-1", "0", "1e308", "-1e308", "99999999999999999999", "2147483648", "", "x", "1,5", "0x10",
)  # fmt: skip
#: What a cell of a table of metadata is replaced by.
_CELLS = (None, "", "x", -1, 0, 2**31, 2**63 - 1, 1e308, float("inf"), b"\x00\xff", "9" * 300)
_FIELDS = ("<H", "<I", "<Q", ">H", ">I", ">Q")
#: Bytes in which the header of a format without a structure that is known here is looked for.
_HEAD = 1024
#: Bytes of a value by type of a TIFF field.
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8}

Mutation = Callable[[bytearray, np.random.Generator], None]


def mutate(data: bytes, form: str, generator: np.random.Generator) -> tuple[bytes, str]:
    """Damage a file.

    Parameters
    ----------
    data : bytes
    form : str
        `tiff`, `sqlite`, `text`, `zip` or another; says where the fields of the header are.
    generator : Generator

    Returns
    -------
    tuple of bytes and str
        The bytes, which differ, and the kind of damage.
    """
    while True:
        # A third is damage to the header: elsewhere it mostly meets cells.
        name = "extreme" if generator.random() < 1 / 3 else str(generator.choice(sorted(_ANYWHERE)))
        if name == "extreme":
            changed = _HEADERS.get(form, _extreme_bytes)(data, generator)
        else:
            array = bytearray(data)
            _ANYWHERE[name](array, generator)
            changed = bytes(array)
        if changed != data:
            return changed, name


def _flip(data: bytearray, generator: np.random.Generator) -> None:
    for _ in range(int(generator.integers(1, 9))):
        data[_place(data, generator)] ^= 1 << int(generator.integers(8))


def _zeros(data: bytearray, generator: np.random.Generator) -> None:
    start, end = _piece(data, generator)
    data[start:end] = bytes(end - start)


def _ones(data: bytearray, generator: np.random.Generator) -> None:
    start, end = _piece(data, generator)
    data[start:end] = b"\xff" * (end - start)


def _cut(data: bytearray, generator: np.random.Generator) -> None:
    del data[_place(data, generator) :]


def _grow(data: bytearray, generator: np.random.Generator) -> None:
    more = int(generator.integers(1, 4097))
    data += generator.bytes(more) if generator.random() < 0.5 else bytes(more)


def _swap(data: bytearray, generator: np.random.Generator) -> None:
    size = min(int(2 ** generator.uniform(2, 12)), len(data) // 2)
    first = int(generator.integers(0, len(data) - 2 * size + 1))
    second = int(generator.integers(first + size, len(data) - size + 1))
    one, other = data[first : first + size], data[second : second + size]
    data[first : first + size], data[second : second + size] = other, one


def _repeat(data: bytearray, generator: np.random.Generator) -> None:
    start, end = _piece(data, generator)
    data[end:end] = data[start:end]


def _lose(data: bytearray, generator: np.random.Generator) -> None:
    start, end = _piece(data, generator)
    del data[start:end]


_ANYWHERE: dict[str, Mutation] = {
    "flip": _flip,
    "zeros": _zeros,
    "ones": _ones,
    "cut": _cut,
    "grow": _grow,
    "swap": _swap,
    "repeat": _repeat,
    "lose": _lose,
}


def _place(data: bytes | bytearray, generator: np.random.Generator) -> int:
    """A place in the file; each second one in its head."""
    return int(generator.integers(min(len(data), _HEAD) if generator.random() < 0.5 else len(data)))


def _piece(data: bytearray, generator: np.random.Generator) -> tuple[int, int]:
    start = _place(data, generator)
    return start, min(start + int(2 ** generator.uniform(0, 11)), len(data))


def _put(data: bytes, place: int, pattern: str, generator: np.random.Generator) -> bytes:
    """A number of a file set to an extreme one."""
    size = struct.calcsize(pattern)
    top = 1 << (8 * size)
    choices = (0, 1, 2, top - 1, top - 2, top // 2, top // 2 - 1, top // 2 + 1, 1 << min(31, 8 * size - 1))
    number = struct.pack(pattern, choices[int(generator.integers(len(choices)))])
    return data[:place] + number[: len(data) - place] + data[place + size :]


def _extreme_bytes(data: bytes, generator: np.random.Generator) -> bytes:
    pattern = str(generator.choice(_FIELDS))
    size = struct.calcsize(pattern)
    place = int(generator.integers(max(min(len(data), _HEAD) // size, 1))) * size
    return _put(data, place, pattern, generator)


def _extreme_tiff(data: bytes, generator: np.random.Generator) -> bytes:
    """Tag, type, count or value of a field of one of the directories."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    word, entry = (order + "Q", 20) if big else (order + "I", 12)
    entries = []
    (start,) = struct.unpack_from(word, data, 8 if big else 4)
    while start and len(entries) < 200:
        (number,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
        first = start + (8 if big else 2)
        entries += [first + entry * index for index in range(number)]
        (start,) = struct.unpack_from(word, data, first + entry * number)
    chosen = int(entries[int(generator.integers(len(entries)))])
    kind, size = (chosen + 2, 8 if big else 4)
    field = int(generator.integers(5))
    if field == 0:
        return _put(data, chosen, order + "H", generator)
    if field == 1:
        return _put(data, kind, order + "H", generator)
    if field == 2:
        return _put(data, chosen + 4, word, generator)
    (code,) = struct.unpack_from(order + "H", data, kind)
    (count,) = struct.unpack_from(word, data, chosen + 4)
    width = _TIFF_SIZES.get(code, 1)
    value_at = chosen + 4 + size
    if count * width > size:
        (value_at,) = struct.unpack_from(word, data, value_at)
        value_at += width * int(generator.integers(count))
    return _put(data, value_at, order + {1: "B", 2: "H", 4: "I", 8: "Q"}[width], generator)


def _extreme_sqlite(data: bytes, generator: np.random.Generator) -> bytes:
    """A cell of the tables that describe the others, or a field of the file's header."""
    if generator.random() < 0.3:
        return _extreme_bytes(data, generator)
    connection = sqlite3.connect(":memory:")
    connection.deserialize(data)
    try:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gpkg_%' ORDER BY name"
        tables = [name for (name,) in connection.execute(names)]
        table = str(generator.choice(tables))
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        (rows,) = connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()
        if rows:
            value, column = _CELLS[int(generator.integers(len(_CELLS)))], str(generator.choice(columns))
            where = f'(SELECT rowid FROM "{table}" LIMIT 1 OFFSET {int(generator.integers(rows))})'
            connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = {where}', (value,))
            connection.commit()
        return bytes(connection.serialize())
    except sqlite3.Error:
        # Triggers and constraints that hold.
        return data
    finally:
        connection.close()


def _extreme_text(data: bytes, generator: np.random.Generator) -> bytes:
    """A number, or a word, of a text."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?|[A-Za-z_]+", data))
    if not found:
        return _extreme_bytes(data, generator)
    chosen = found[int(generator.integers(len(found)))]
    word = str(generator.choice(_WORDS)).encode()
    return data[: chosen.start()] + word + data[chosen.end() :]


def _extreme_zip(data: bytes, generator: np.random.Generator) -> bytes:
    """A field of the directory, or a word of a text member whose checksum is made anew."""
    if generator.random() < 0.5:
        starts = [match.start() for match in re.finditer(rb"PK\x01\x02|PK\x05\x06|PK\x03\x04", data)]
        place = starts[int(generator.integers(len(starts)))] + 2 * int(generator.integers(2, 23))
        return _put(data, min(place, len(data) - 1), str(generator.choice(("<H", "<I"))), generator)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    texts = [info for info in members if info.filename.endswith((".json", ".stm", ".csv", ".txt"))]
    chosen = texts[int(generator.integers(len(texts)))]
    members[chosen] = _extreme_text(members[chosen], generator)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for info, content in members.items():
            archive.writestr(info, content)
    return target.getvalue()


_HEADERS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "tiff": _extreme_tiff, "sqlite": _extreme_sqlite, "text": _extreme_text, "zip": _extreme_zip,
}  # fmt: skip
