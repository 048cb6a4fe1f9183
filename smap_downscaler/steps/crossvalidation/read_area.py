"""What a cross-validation of the area-to-point model reads: SMAP, the fine stack and dated covariates."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.area.method import AREA_TO_POINT
from ...methods.area.settings import AreaSettings
from ...methods.base import Cells
from ...methods.keys import POOLED, Key, PooledKey, key_number
from ...runs.fingerprint import contents, fingerprint
from ..areamodel.rows import AreaInputs, AreaRows, taken
from ..areamodel.training import LevelChoice
from .numbers.results import ValidationRun
from .read_rows import RowSource


class AreaReader(RowSource):
    """The rows of area-to-point models: of all dates at once on two levels, else date by date."""

    def __init__(self, inputs: AreaInputs, choice: LevelChoice):
        self.label, self.covariates = inputs.smap.source, inputs.names
        self.about = _about(inputs)
        self._rows, self.mode = choice.rows, choice.mode
        dates = {date: self._rows.cells.days == date.toordinal() for date in self._rows.dates}
        self.counts: dict[Key, int]
        if choice.mode == POOLED:
            self.counts = {PooledKey(): len(self._rows.cells.y)}
        else:
            self.counts = {date: int(own.sum()) for date, own in dates.items()}
        self.least = min(self.counts.values())

    @property
    def places(self) -> np.ndarray:
        """x and y of the cells, each once, metres: float64, shape (n, 2)."""
        cells = self._rows.cells
        return np.unique(cells.coordinates, axis=0) if cells.coordinates is not None else np.zeros((0, 2))

    def usable(
        self, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[tuple[Key, Cells], None, None]:
        for date, reason in self._rows.skipped.items():
            run.skipped[date], run.dropped[date] = reason, 0
            if not quiet:
                progress.log(f"{date}: left out, {reason}")
        for key in self.counts:
            run.dropped[key] = 0
            cells = self._rows.cells
            yield key, cells if self.mode == POOLED else taken(cells, cells.days == key_number(key))


def _about(inputs: AreaInputs) -> str:
    """A hash of the files that results depend on beside SMAP's cells, and of what NODATA says of them."""
    paths = [inputs.stack.path, *([inputs.mask.path] if inputs.mask else [])]
    entries = {dated.name: dated.series.entries for dated in inputs.dynamic}
    paths += [entry.path for own in entries.values() for entry in own]
    looks = [*inputs.stack.looks.values(), *(dated.series.look for dated in inputs.dynamic)]
    return fingerprint(
        paths,
        {
            "dated": {name: contents(own) for name, own in entries.items()},
            "windows": [dated.window for dated in inputs.dynamic],
            "nodata": [look.declared.codes for look in looks if look is not None],
        },
    )


def with_footprint(settings: AreaSettings, choice: LevelChoice, progress: Progress = SILENT) -> AreaSettings:
    """The settings with the footprint that all rows speak for, where it is to be found.

    It is a matter of the sensor, not of the held-out cells: found once, not anew in each fold.

    Raises
    ------
    InputError
        If the model cannot be fitted.
    """
    if settings.footprint_km is not None:
        return settings
    if choice.mode != POOLED:
        # A single date does not tell it, and its model takes none: no cell is too far out for a wider one.
        return dataclasses.replace(settings, footprint_km=0.0)
    progress.set_text("Choosing the footprint from all cells")
    # The whole that is shown is that of the folds.
    model = AREA_TO_POINT.fit(choice.rows.cells, settings, key_number(PooledKey()), progress.part(0.0, 0.0))
    progress.log(f"The footprint is {model.footprint_km:g} km, chosen once from all cells.")
    return dataclasses.replace(settings, footprint_km=model.footprint_km)


def within_stack(rows: AreaRows, settings: AreaSettings, progress: Progress = SILENT) -> AreaRows:
    """Without cells that lie too far out of the stack to be told.

    Raises
    ------
    InputError
        If all do.
    """
    usable = AREA_TO_POINT.usable(rows.cells, settings, progress.part(0.0, 0.0))
    if not usable.any():
        raise InputError(
            "COVARIATES: no SMAP cell lies far enough inside of the fine stack; give a stack that reaches "
            "one footprint beyond the cells, or FOOTPRINT a smaller width."
        )
    found = rows.where(usable)
    beside = len(rows.possible) - len(found.possible)
    if beside:
        progress.log(
            f"{counted(beside, 'cell lies', 'cells lie')} too far out of the fine stack, or under MASK: "
            "left out"
        )
    return found
