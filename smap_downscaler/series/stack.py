"""A stack: one multi-band raster whose band descriptions are covariate names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.nodata import DECLARE, Look, NoDataChoice
from ..geo.datasets import dataset_grid, open_dataset, read_band
from ..geo.grid import Grid, Window
from ..geo.sources import Source
from ..geo.texts import band_name, band_unit


@dataclass(frozen=True)
class Stack:
    """A stack on disk: its path, grid, band names and their units, in band order.

    `source` is the user's file that it stands for, itself or what it was averaged from. What is read of a
    band goes through its look.
    """

    path: str
    grid: Grid
    names: tuple[str, ...]
    units: tuple[str, ...]
    source: str
    looks: Mapping[str, Look] = field(default_factory=dict, compare=False)

    def band(self, name: str) -> Source:
        """A band, to be read elsewhere."""
        return Source(self.path, self.names.index(name) + 1, self.grid, look=self.looks.get(name))

    def check_codes(self) -> None:
        """Raise `InputError` if what was read so far holds a code of no value that nobody declared."""
        for look in self.looks.values():
            look.check()

    def read(self, names: Sequence[str], window: Window | None = None) -> np.ndarray:
        """The named bands, float32, shape (bands, rows, columns), NaN where missing.

        Raises
        ------
        InputError
            If the stack lacks a name.
        """
        self.require(names)
        dataset = open_dataset(self.path)
        window = window or self.grid.whole
        out = np.empty((len(names), window.height, window.width), np.float32)
        for index, name in enumerate(names):
            out[index] = read_band(dataset, self.names.index(name) + 1, window, look=self.looks.get(name))
        return out

    def require(self, names: Sequence[str]) -> None:
        """Raise `InputError` if a band of `names` is missing, naming all that are."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InputError(
                f"{self.source}: the stack has no band named {_listed(missing)} "
                f"(it has {_listed(self.names)}); make it with the same layers as the coarse stack."
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def open_stack(path: str | Path, source: str = "", nodata: NoDataChoice | None = None) -> Stack:
    """Read what a stack says of itself; `source` is the file that messages name in its place.

    `nodata` is what NODATA says of bands, None where there is no NODATA.

    Raises
    ------
    InputError
        If it cannot be read, or bands have no name or the same name.
    """
    path = str(path)
    dataset = open_dataset(path)
    grid = dataset_grid(dataset, path)
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    names = tuple(band_name(band) for band in bands)
    if not all(names):
        raise InputError(
            f"{path}: band {names.index('') + 1} has no name; make the stack with 'Harmonise covariates', "
            "or name each band after its covariate."
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: several bands are named {twice[0]}; give each band its own name.")
    label = source or path
    looks = {
        name: Look(label, name, advice=DECLARE)
        if nodata is None
        else Look(label, name, nodata.of(name, Path(path).stem))
        for name in names
    }
    return Stack(path, grid, names, tuple(band_unit(band) for band in bands), label, looks)
