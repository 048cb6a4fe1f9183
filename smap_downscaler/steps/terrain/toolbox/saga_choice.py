"""Which way to call SAGA works here: found, and tried on a handful of cells."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from qgis.core import QgsProcessingContext, QgsProcessingUtils

from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.geotiff import write_geotiff
from ....geo.grid import Grid
from ..saga.grids import open_saga_grid, write_saga_grid
from ..saga.runner import Runner
from ..saga.tools import FILL, Call
from .saga_children import ProviderSaga, find_provider
from .saga_program import SagaCmd, find_saga_cmd

#: What to do where there is no SAGA.
ADVICE = "install SAGA 8.5 or newer (saga-gis.org), name its program as SAGA_CMD, or set ENGINE to built-in"
_TRIAL = Grid("EPSG:32718", 500000.0, 8600000.0, 30.0, 30.0, 6, 5)


class NoSaga(InputError):
    """There is no SAGA that works; the sentence says what was tried."""


@contextlib.contextmanager
def run_folder(prefix: str = "saga_") -> Iterator[Path]:
    """A fresh folder among QGIS's temporary files, removed at the end with all in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=QgsProcessingUtils.tempFolder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def working_saga(saga_cmd: str, context: QgsProcessingContext, progress: Progress) -> Runner:
    """The first way to call SAGA that works: the program that was named, else a provider, else a program.

    Raises
    ------
    NoSaga
        If there is none.
    InputError
        If `saga_cmd` is given and is no program.
    Cancelled
    """
    runners, reasons = _ways(saga_cmd, context)
    for runner in runners:
        progress.set_text(f"Trying {runner.label}")
        try:
            version = _try(runner, progress)
        except InputError as error:
            reason = f"{runner.label} was tried on a few cells: {_without_advice(str(error))}{_odd_folder()}"
            progress.log(f"{reason}.")
            reasons.append(reason)
            continue
        progress.log(f"Engine: {runner.label}{f', version {version}' if version else ''}.")
        return runner
    raise NoSaga(f"SAGA does not work here: {'; '.join(reasons)}; {ADVICE}.")


def _odd_folder() -> str:
    """A word on names of the folder for temporary files that SAGA's providers do not get through."""
    folder = QgsProcessingUtils.tempFolder()
    if folder.isascii() and not set(folder) & set('$`"%'):
        return ""
    return f" (a provider may not cope with the letters of the folder for temporary files, {folder})"


def _ways(saga_cmd: str, context: QgsProcessingContext) -> tuple[list[Runner], list[str]]:
    """The ways that can be seen, the preferred one first, and why others are missing."""
    if saga_cmd:
        return [SagaCmd(find_saga_cmd(saga_cmd))], []
    runners: list[Runner] = []
    provider, why = find_provider()
    if provider:
        runners.append(ProviderSaga(provider, context))
    program = find_saga_cmd()
    if program:
        runners.append(SagaCmd(program))
    reasons = (
        [] if provider else [why or "QGIS has no SAGA provider (plugin 'Processing Saga NextGen Provider')"]
    )
    if not program:
        reasons.append("the program saga_cmd is neither on PATH nor in a usual place")
    return runners, reasons


def _try(runner: Runner, progress: Progress) -> str:
    """Fill a tiny DEM, look at the result, and return SAGA's version."""
    rows, columns = np.mgrid[0 : _TRIAL.height, 0 : _TRIAL.width]
    heights = (100.0 + 3.0 * rows + columns).astype(np.float32)
    heights[2, 3] = 50.0
    with run_folder() as folder:
        write_geotiff(folder / "trial.tif", _TRIAL, heights)
        dem, filled = str(folder / "trial.sdat"), str(folder / "trial_filled.sdat")
        write_saga_grid(str(folder / "trial.tif"), dem, _TRIAL, progress)
        call = Call(FILL, {"ELEV": dem}, {"MINSLOPE": 0.1}, {"FILLED": filled})
        with runner.session([call], folder, _Quiet(progress)) as session:
            session.run(call)
        result = open_saga_grid(filled, _TRIAL).ReadAsArray()
    if not result[2, 3] > 100.0:
        raise InputError("its Fill Sinks left a sink")
    return session.version


class _Quiet(Progress):
    """Hears of cancelling, and of warnings; says nothing else."""

    def __init__(self, progress: Progress):
        self._progress = progress

    def is_cancelled(self) -> bool:
        return self._progress.is_cancelled()

    def warn(self, text: str) -> None:
        self._progress.warn(text)


def _without_advice(sentence: str) -> str:
    """A failure without what to do about it, which the whole sentence says itself."""
    return sentence.partition("; correct that, or")[0].partition("; check SAGA's")[0].rstrip(".")
