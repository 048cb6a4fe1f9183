"""The terrain chain by SAGA: filling, slope, three flow routings and flow width; the wetness index from them.

The logarithm is taken here and not by SAGA's tool 20, because that one has a
floor of its own for the slope, which differs between versions (tan 0.001 in
8.5, 1e-7 in 9.14).  For a floor that both know the numbers are the same.
Flow width depends on the filled DEM alone, so it is asked for once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ....base.errors import InputError
from ....base.progress import Progress
from ....base.words import text
from ....geo.blocks import row_blocks
from ....geo.datasets import read_band
from ....geo.geotiff import GeoTiff, create_geotiff
from ....geo.grid import Grid, Window
from ..builtin import OUTPUT_BANDS
from ..dem import check_dem, scale_warning
from ..numbers.outcome import TerrainReport, filling_text, water_text
from ..numbers.settings import ROUTERS, TerrainSettings
from .grids import open_saga_grid, remove_saga_grid, write_saga_grid
from .runner import Runner, SagaFailure, Session
from .tools import FILL, FLOW, SLOPE, WIDTH, Call, Option

#: METHOD of SAGA's Flow Accumulation (Top-Down) for each routing.
METHODS = {"mtfd": 5, "fd8": 4, "mfdmd": 6}
#: Exponent of FD8 (Freeman 1991); the other two routings have none to choose.
_CONVERGENCE = 1.1
#: The shares of the run that the tools and the writing take.
_DEM_SHARE, _TOOLS_SHARE = 0.02, 0.9


def compute_terrain(
    runner: Runner,
    dem_path: str,
    outputs: Mapping[str, str],
    settings: TerrainSettings,
    folder: Path,
    progress: Progress,
) -> TerrainReport:
    """The wanted rasters of a DEM, as GeoTIFFs that appear when all of them are whole.

    Parameters
    ----------
    runner : Runner
        The way to call SAGA.
    dem_path : str
        Elevations in metres; see `check_dem`.
    outputs : mapping of str to str
        Paths of "filled" (m), "slope" (degrees), "sca_ROUTER" (m), "twi_ROUTER" (ln m); those wanted only.
    settings : TerrainSettings
    folder : Path
        Where SAGA's own grids lie during the run; empty.

    Raises
    ------
    SagaFailure
        If SAGA does not do it, with its own words.
    InputError
        For a DEM that cannot be used or a file that cannot be written.
    Cancelled
    """
    grid = check_dem(dem_path, settings.band)
    warning = scale_warning(grid)
    if warning:
        progress.warn(text("{}: {}", dem_path, warning))
    grids = {"dem": str(folder / "dem.sdat")}
    write_saga_grid(dem_path, grids["dem"], grid, progress, settings)
    calls, made = _plan(outputs, settings, folder)
    with runner.session(calls, folder, progress.part(_DEM_SHARE, _TOOLS_SHARE)) as session:
        for call in calls:
            _run(session, call, grid)
    grids.update(made)
    with contextlib.ExitStack() as stack:
        writer = _Writer(grids, grid, outputs, settings, session.version, stack)
        report = writer.write(progress.part(_TOOLS_SHARE, 1.0))
    _log_result(report, progress)
    return report


def _log_result(report: TerrainReport, progress: Progress) -> None:
    progress.log(filling_text(report.cells, report.raised_cells, report.most_raised))
    for router, share in report.kept_shares.items():
        progress.log(water_text(router, share))


def _routers(outputs: Mapping[str, str]) -> list[str]:
    return [router for router in ROUTERS if f"sca_{router}" in outputs or f"twi_{router}" in outputs]


def _plan(
    outputs: Mapping[str, str], settings: TerrainSettings, folder: Path
) -> tuple[list[Call], dict[str, str]]:
    """The calls for the wanted outputs, in order, and the grids that they make."""

    def made(name: str) -> str:
        grids[name] = str(folder / f"{name}.sdat")
        return grids[name]

    grids: dict[str, str] = {}
    dem, routers = str(folder / "dem.sdat"), _routers(outputs)
    filled = made("filled")
    calls = [Call(FILL, {"ELEV": dem}, {"MINSLOPE": float(settings.minimum_slope)}, {"FILLED": filled})]
    if "slope" in outputs or any(f"twi_{router}" in outputs for router in routers):
        by_method: dict[str, Option] = {"METHOD": 6, "UNIT_SLOPE": 0}
        calls.append(Call(SLOPE, {"ELEVATION": filled}, by_method, {"SLOPE": made("slope")}))
    for router in routers:
        options: dict[str, Option] = {
            "METHOD": METHODS[router],
            "CONVERGENCE": _CONVERGENCE,
            "MFD_CONTOUR": False,
            "FLOW_UNIT": 1,
        }
        calls.append(Call(FLOW, {"ELEVATION": filled}, options, {"FLOW": made(f"flow_{router}")}))
    if routers and settings.area == "specific":
        inputs = {"DEM": filled, "TCA": grids[f"flow_{routers[0]}"]}
        outs = {"WIDTH": made("width"), "SCA": made("sca")}
        calls.append(Call(WIDTH, inputs, {"METHOD": 2}, outs))
    return calls, grids


def _run(session: Session, call: Call, grid: Grid) -> None:
    """Run a call and open what it wrote: not every way to call SAGA reports a failure."""
    session.run(call)
    for name, path in call.outputs.items():
        try:
            open_saga_grid(path, grid)
        except InputError as error:
            raise SagaFailure(
                f"SAGA {session.version}: {call.tool.title} left no usable {name} ({_reason(error)}); "
                "free space for temporary files, or set ENGINE to built-in, which needs no SAGA."
            ) from None
    if call.tool is WIDTH:
        remove_saga_grid(call.outputs["SCA"])


def _reason(error: InputError) -> str:
    return str(error).rstrip(".")


class _Writer:
    """Goes once over SAGA's grids, row block by row block, and writes the wanted rasters."""

    def __init__(
        self,
        grids: Mapping[str, str],
        grid: Grid,
        outputs: Mapping[str, str],
        settings: TerrainSettings,
        version: str,
        stack: contextlib.ExitStack,
    ):
        self._grid, self._settings = grid, settings
        self._engine, self._routers = f"SAGA {version}".strip(), _routers(outputs)
        self._sources = {name: open_saga_grid(path, grid) for name, path in grids.items() if name != "sca"}
        tags = {
            "ENGINE": self._engine,
            "MINIMUM_SLOPE": f"{settings.minimum_slope:g}",
            "SLOPE_FLOOR": f"{settings.slope_floor:g}",
            "AREA": settings.area,
        }
        self._targets: dict[str, GeoTiff] = {
            key: stack.enter_context(create_geotiff(path, grid, [OUTPUT_BANDS[key]], tags))
            for key, path in outputs.items()
        }
        self._cells = self._raised = 0
        self._most = 0.0
        self._kept = dict.fromkeys(self._routers, 0.0)

    def write(self, progress: Progress) -> TerrainReport:
        counter = progress.counter(self._grid.height, "rows written")
        for window in row_blocks(self._grid.whole):
            for key, values in self._block(window):
                if key in self._targets:
                    self._targets[key].write(values, window)
                progress.check()
            counter.advance(window.height)
        cell_area = self._grid.cell_width**2
        shares = {router: kept / cell_area / self._cells for router, kept in self._kept.items()}
        return TerrainReport(self._engine, self._cells, self._raised, self._most, shares)

    def _block(self, window: Window) -> Iterator[tuple[str, np.ndarray]]:
        """The outputs of a block of rows, one after the other."""
        filled = self._filled_with_rim(window)
        inner = filled[1:-1, 1:-1]
        self._count(inner, self._read("dem", window))
        yield "filled", inner
        slope = np.empty(0)
        if "slope" in self._sources:
            slope = self._read("slope", window)
            yield "slope", np.degrees(slope)
        if not self._routers:
            return
        pits, length = has_no_outflow(filled), self._length(window)
        for router in self._routers:
            flow = self._read(f"flow_{router}", window)
            self._kept[router] += float(flow[pits].sum())
            area = flow / length
            yield f"sca_{router}", area
            if f"twi_{router}" in self._targets:
                yield f"twi_{router}", wetness(area, slope, self._settings.slope_floor)

    def _length(self, window: Window) -> np.ndarray:
        """What the total area is divided by: flow width or cell size, in metres."""
        if self._settings.area == "specific":
            return self._read("width", window)
        return np.array(self._grid.cell_width)

    def _count(self, filled: np.ndarray, dem: np.ndarray) -> None:
        rise = filled - dem
        raised = rise > 0
        self._cells += int(np.isfinite(dem).sum())
        self._raised += int(raised.sum())
        if raised.any():
            self._most = max(self._most, float(rise[raised].max()))

    def _read(self, name: str, window: Window) -> np.ndarray:
        return read_band(self._sources[name], 1, window, np.float64)

    def _filled_with_rim(self, window: Window) -> np.ndarray:
        """The filled DEM of a block with one cell more on each side, NaN beyond the edges."""
        above = 1 if window.row > 0 else 0
        below = 1 if window.row + window.height < self._grid.height else 0
        wider = Window(window.row - above, 0, window.height + above + below, window.width)
        values = self._read("filled", wider)
        return np.pad(values, ((1 - above, 1 - below), (1, 1)), constant_values=np.nan)


def has_no_outflow(filled: np.ndarray) -> np.ndarray:
    """Cells that keep their water: valid, with eight valid neighbours of which none is lower.

    Parameters
    ----------
    filled : array, shape (rows + 2, columns + 2)
        Filled DEM with a rim of one cell; NaN where missing.

    Returns
    -------
    array of bool, shape (rows, columns)
    """
    rows, columns = filled.shape[0] - 2, filled.shape[1] - 2
    centre = filled[1:-1, 1:-1]
    kept = np.isfinite(centre)
    for down in range(3):
        for right in range(3):
            kept &= filled[down : down + rows, right : right + columns] >= centre
    return kept


def wetness(area: np.ndarray, slope: np.ndarray, floor: float) -> np.ndarray:
    """TWI = ln(a / tan beta), ln m (Beven & Kirkby 1979); tan beta is at least `floor`.

    Parameters
    ----------
    area : array
        Specific catchment area, m.
    slope : array
        Slope, radians.
    floor : float
        Minimum tan beta.
    """
    return np.log(area / np.maximum(np.tan(slope), floor))
