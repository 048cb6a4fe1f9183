"""Lines of CSV files of which OGR drops a part without a word: values beyond the last column, zero bytes."""

from __future__ import annotations

import csv
import re

from ..base.errors import InputError

#: What a disk or a copy leaves where a piece of a text was never written; in UTF-8 and in Latin-1.
_NO_TEXT = re.compile("\0|\xff\xff")
#: Those that OGR finds by itself.
_SEPARATORS = ",;\t|"


def check_lines(path: str) -> None:
    """Raise `InputError` where a line of a CSV file has values beyond its header's columns, or zero bytes.

    A line that ends early is one of a spreadsheet whose last cells are empty.
    """
    if not path.lower().endswith(".csv"):
        return
    try:
        with open(path, encoding="latin-1", newline="") as stream:
            header = stream.readline()
            stream.seek(0)
            rows = csv.reader(stream, delimiter=max(_SEPARATORS, key=header.count))
            columns = len(next(rows, []))
            for row in rows:
                if any(map(_NO_TEXT.search, row)):
                    raise InputError(
                        f"{path}: line {rows.line_num} holds bytes that are no text, the file is damaged; "
                        "get it again."
                    )
                if any(value.strip() for value in row[columns:]):
                    raise InputError(
                        f"{path}: line {rows.line_num} has {len(row)} values, but the header names {columns} "
                        "columns; put the line right, or get the file again."
                    )
    except (csv.Error, OSError):
        # Fields of any size, and why a file cannot be read, are for OGR.
        return
