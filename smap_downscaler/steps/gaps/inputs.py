"""What gaps are filled from, whether it fits together, and the look at it before the work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area import Area, Cells
from ...geo.grid import Grid
from ...methods.file.reader import ModelFile
from ...methods.keys import BY_CELL, CellKey
from ...preflight.checks import check_layers, dated_layers, smap_layer
from ...preflight.layer_check import Preflight
from ...preflight.sample import Sampler
from ...runs.fingerprint import contents, fingerprint
from ...series.dated import DatedCovariate
from ...series.series import Series
from ..maps.inputs import compare_units, nodata_content, refuse_unknown

_AREA = "the SMAP cells"


@dataclass(frozen=True)
class GapInputs:
    """A SMAP series, forests by cell, and the dated covariates by name.

    Attributes
    ----------
    start, end : date, optional
        First and last day of the filled series; without them those of the SMAP series.
    area : Area, optional
        Cells that it does not touch have no value, are not filled and do not count.
    """

    smap: Series
    forests: ModelFile
    dynamic: tuple[DatedCovariate, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    area: Area | None = None

    def __post_init__(self) -> None:
        forests = self.forests
        if forests.mode != BY_CELL:
            raise InputError(
                f"{forests.path}: its {forests.method.noun}s are {forests.mode}, and a gap is filled by the "
                "forest of its cell; train forests with MODE 'by cell'."
            )
        if self.smap.has_filled():
            raise InputError(
                f"{self.smap.source}: it is a filled series already, whose filled values would pass for "
                "observed ones; choose the series that it was made from."
            )
        self._check_cells()
        refuse_unknown(forests, self.dynamic)
        given = [dated.name for dated in self.dynamic]
        # What is constant in a cell its forest does not need.
        needed = {name for cell in self.cells for name in forests.names_of(cell)}
        missing = [name for name in forests.covariates if name in needed and name not in given]
        if missing:
            raise InputError(
                f"{forests.path}: the forests need the dated covariate {missing[0]}, which is not among "
                f"those given ({', '.join(given) or 'none'}); add it to DYNAMIC."
            )
        if self.area is not None and not self.cells:
            raise InputError(
                f"{self.area.label}: it touches no cell with a forest of {forests.path}; choose polygons of "
                "the area that the forests were trained on."
            )

    def _check_cells(self) -> None:
        """The forests' cells must be those of the series: rows and columns within it, centres that agree."""
        grid = self.smap.grid
        hint = "choose the SMAP series that the regression matrix was made with"
        for cell in self._all_cells:
            if cell.row >= grid.height or cell.col >= grid.width:
                raise InputError(
                    f"{self.forests.path}: its forest of row {cell.row}, col {cell.col} lies outside of "
                    f"{self.smap.source} ({grid.height} rows, {grid.width} columns); {hint}."
                )
            if cell.x is None or cell.y is None:
                continue
            width, height = grid.cell_width, grid.cell_height
            there = Grid(grid.crs, cell.x - width / 2, cell.y + height / 2, width, height, 1, 1)
            if there.cell_offset_in(grid) != (cell.row, cell.col):
                raise InputError(
                    f"{self.forests.path}: its forest of row {cell.row}, col {cell.col} is that of another "
                    f"place than this cell of {self.smap.source}; {hint}."
                )

    @cached_property
    def kept(self) -> Cells | None:
        """The cells that the study area touches; None where all count."""
        if self.area is None:
            return None
        return self.area.touched(self.smap.grid, f"the cells of {self.smap.source}")

    @cached_property
    def touched(self) -> np.ndarray | None:
        """The same as bool, shape (rows, columns)."""
        return None if self.kept is None else self.kept.mask()

    @property
    def cells(self) -> list[CellKey]:
        """The cells with a forest, of the study area where there is one, in row-major order."""
        touched = self.touched
        return [cell for cell in self._all_cells if touched is None or touched[cell.row, cell.col]]

    @property
    def _all_cells(self) -> list[CellKey]:
        return sorted(key for key in self.forests.keys if isinstance(key, CellKey))

    @property
    def dates(self) -> list[dt.date]:
        """Every day of the filled series."""
        first, last = self.start or self.smap.dates[0], self.end or self.smap.dates[-1]
        if first > last:
            raise InputError(
                f"{self.smap.source}: there is no day from {first} to {last}; choose other START and END."
            )
        return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]

    def warn_of_units(self, progress: Progress) -> None:
        """Warn where a covariate, or soil moisture, comes in another unit than the forests know."""
        compare_units(self.forests, {dated.name: dated.series.unit() for dated in self.dynamic}, progress)

    def fingerprint(self) -> str:
        """A hash of all that the days depend on.

        It is one for all days: neighbours in time come from the whole of the series.
        """
        series = {"SMAP": self.smap, **{f"covariate {dated.name}": dated.series for dated in self.dynamic}}
        paths = {entry.path for one in series.values() for entry in one.entries}
        settings = {
            "models": self.forests.digest,
            # Which file is which day of which covariate: the same files under other names are other inputs.
            "series": {name: contents(one.entries) for name, one in series.items()},
            "window": max((dated.window for dated in self.dynamic), default=0),
            "minimum_share": max((dated.minimum_share for dated in self.dynamic), default=0.5),
        }
        if settings["window"]:
            settings["rain"] = [dated.name for dated in self.dynamic if dated.is_rain]
        if self.area is not None:
            settings["area"] = self.area.digest
        settings |= nodata_content(None, self.dynamic)
        return fingerprint(sorted(paths), settings)


def rows_and_columns(cells: Sequence[CellKey]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of cells, int64, shape (n,) each."""
    return np.array([cell.row for cell in cells]), np.array([cell.col for cell in cells])


def check_gaps(inputs: GapInputs, progress: Progress = SILENT) -> Preflight:
    """SMAP, and the dated covariates on all days of the filled series."""
    layers = [
        smap_layer(inputs.smap),
        *dated_layers(inputs.dynamic, inputs.dates, _AREA),
    ]
    return check_layers(layers, Sampler(inputs.smap.grid, None, progress, inputs.area), _AREA)
