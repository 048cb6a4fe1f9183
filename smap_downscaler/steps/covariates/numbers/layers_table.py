"""The rows of the table LAYERS: what the analyst says about a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....base.covariate_names import covariate_name
from ....base.errors import InputError
from ....geo.sampling import RESAMPLINGS
from .conversions import Change, Conversion, find_conversion, find_log10, joined_change

#: Column headers of the table.
HEADERS = ("Layer", "Covariate", "Conversion", "Resampling", "Log10")


@dataclass(frozen=True)
class LayerRow:
    """A row; what is empty (None for `conversion` and `log10`) is left to the guess, or as it is."""

    number: int
    layer: str
    covariate: str = ""
    conversion: Conversion | None = None
    resampling: str = ""
    log10: str | None = None

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"LAYERS, row {self.number}"

    def change(self, guessed: Change) -> Change:
        """What is done to the numbers, with the guess where the row is silent.

        Raises
        ------
        InputError
            If a logarithm is chosen twice.
        """
        if self.conversion is None and self.log10 is None:
            return guessed
        if self.conversion is None:
            return Change(guessed.conversion, self.log10 or "no")
        # Whoever names a conversion means all of it: no logarithm but the one asked for.
        return joined_change(self.conversion, self.log10 or "no", self.label)


def read_rows(cells: Sequence[object]) -> list[LayerRow]:
    """The rows of a table that comes cell by cell, row after row; blank rows are passed over.

    Raises
    ------
    InputError
        For cells that fill no row, a row without a layer, or a word that is none of those offered.
    """
    texts = ["" if cell is None else str(cell).strip() for cell in cells]
    width = len(HEADERS)
    if not any(texts):
        return []
    if len(texts) % width:
        raise InputError(
            f"LAYERS: it has {len(texts)} cells, which is no multiple of {width}; give "
            f"{', '.join(HEADERS).lower()} for each layer, empty where nothing is to be said."
        )
    rows = []
    for start in range(0, len(texts), width):
        row = texts[start : start + width]
        if any(row):
            rows.append(_row(start // width + 1, row))
    return rows


def _row(number: int, texts: Sequence[str]) -> LayerRow:
    layer, covariate, conversion, resampling, log10 = texts
    where = f"LAYERS, row {number}"
    if not layer:
        raise InputError(f"{where}: it names no layer; write the layer's name or its file's.")
    resampling = resampling.lower()
    if resampling and resampling not in RESAMPLINGS:
        raise InputError(
            f"{where}: there is no resampling '{resampling}'; choose one of {', '.join(RESAMPLINGS)}."
        )
    return LayerRow(
        number,
        layer,
        covariate_name(covariate),
        find_conversion(conversion, where) if conversion else None,
        resampling,
        find_log10(log10, where) if log10 else None,
    )
