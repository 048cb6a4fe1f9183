"""terrainindices: sink filling, slope, catchment areas and wetness indices of a DEM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingParameterDefinition,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.room import check_room
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import any_file, band_of, choice, decimal, nodata_parameter
from ...toolbox.values import Values
from .builtin import compute_terrain as compute_builtin
from .dem import check_dem
from .numbers.outcome import TerrainReport
from .numbers.settings import AREAS, TerrainSettings
from .saga.runner import Runner, SagaFailure
from .saga.terrain import compute_terrain as compute_by_saga
from .toolbox.report_output import files_to_make, report_terrain, terrain_destinations, terrain_numbers
from .toolbox.saga_choice import NoSaga, run_folder, working_saga
from .toolbox.saga_program import find_saga_cmd

ENGINES = ("auto", "SAGA", "built-in")
#: Parameter, description, and whether the dialog makes it by default.
OUTPUTS = (
    ("TWI_MTFD", "Wetness index, triangular multiple flow", True),
    ("TWI_FD8", "Wetness index, FD8", True),
    ("TWI_MFDMD", "Wetness index, MFD-md", True),
    ("SCA_MTFD", "Catchment area, triangular multiple flow", False),
    ("SCA_FD8", "Catchment area, FD8", False),
    ("SCA_MFDMD", "Catchment area, MFD-md", False),
    ("FILLED", "Filled DEM", False),
    ("SLOPE", "Slope", False),
)


class TerrainIndices(SmapAlgorithm):
    """Terrain indices (paper 2.2.3, Table 3)."""

    ID = "terrainindices"
    GROUP = "covariates"
    FIRST = ("INPUT", "ENGINE", "TWI_MTFD", "SLOPE")
    NEEDS = ("scipy",)

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield QgsProcessingParameterRasterLayer("INPUT", "Elevation (DEM, m)")
        yield choice("ENGINE", "Engine", ENGINES)
        yield decimal("MINIMUM_SLOPE", "Least slope after filling sinks (degrees)", 0.1, 0.0)
        yield choice("AREA", "Catchment area", AREAS)
        yield decimal("SLOPE_FLOOR", "Least tangent of the slope (no unit)", 0.001, 0.0)
        yield band_of("Band of the DEM, by name or number")
        yield any_file("SAGA_CMD", "Program saga_cmd", optional=True)
        yield nodata_parameter()
        for name, description, by_default in OUTPUTS:
            yield QgsProcessingParameterRasterDestination(name, description, None, True, by_default)
        yield from terrain_destinations()

    def define_outputs(self) -> Iterable[Any]:
        yield from terrain_numbers()

    def validate(self, values: Values) -> None:
        for name, known in (("ENGINE", ENGINES), ("AREA", AREAS)):
            value = values.parameters.get(name)
            # QGIS would quietly take the default for another text.
            if isinstance(value, str) and value and value not in known:
                raise InputError(f"{name} is '{value}'; give one of {', '.join(known)}.")
        _settings(values)
        if values.choice("ENGINE") != "built-in" and values.given("SAGA_CMD"):
            find_saga_cmd(values.path("SAGA_CMD"))
        check_dem(values.raster_path("INPUT"), values.text("BAND"))
        outputs = _outputs(values)
        if not outputs and not values.given("REPORT"):
            names = ", ".join(name for name, _, _ in OUTPUTS)
            raise InputError(f"No output is chosen; choose at least one of {names}, REPORT.")
        _check_names(outputs)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        outputs, settings = _outputs(values), _settings(values)
        listener = WarningKeeper(progress)
        with files_to_make(values, outputs) as files:
            made = _make(values, files, settings, listener)
            reported = report_terrain(values, settings, made, files, listener.warnings, progress)
        return {**outputs, **reported}


def _settings(values: Values) -> TerrainSettings:
    nodata, names = values.nodata("INPUT"), []
    for path, name in values.rasters("INPUT"):
        names += [name, Path(path).stem]
    nodata.require(names)
    return TerrainSettings(
        values.number("MINIMUM_SLOPE"),
        values.number("SLOPE_FLOOR"),
        values.choice("AREA"),
        nodata.of(*names),
        values.text("BAND"),
    )


def _outputs(values: Values) -> dict[str, str]:
    """Path of each output that is wanted."""
    paths = {name: values.output(name) for name, _, _ in OUTPUTS if values.given(name)}
    return {name: path for name, path in paths.items() if path}


def _check_names(outputs: Mapping[str, str]) -> None:
    for name, path in outputs.items():
        if not path.lower().endswith((".tif", ".tiff")):
            raise InputError(f"{name}: {path} is no GeoTIFF by its name; end it in .tif.")


def _runner(values: Values, progress: Progress) -> Runner | None:
    """The way to call SAGA, or None for the built-in engine."""
    engine = values.choice("ENGINE")
    if engine == "built-in":
        progress.log("Engine: built-in, as chosen.")
        return None
    try:
        return working_saga(values.path("SAGA_CMD"), values.context, progress)
    except NoSaga as error:
        if engine == "SAGA":
            raise
        progress.log(f"Engine: built-in. {error}")
        return None


def _make(
    values: Values, files: Mapping[str, str], settings: TerrainSettings, progress: Progress
) -> TerrainReport:
    """Make the rasters; where the engine was left open, a failure of SAGA is not the end."""
    dem = values.raster_path("INPUT")
    check_room(next(iter(files.values())), check_dem(dem, settings.band), len(files))
    runner = _runner(values, progress)
    if runner is not None:
        try:
            with run_folder() as folder:
                return compute_by_saga(runner, dem, files, settings, folder, progress)
        except SagaFailure as error:
            if values.choice("ENGINE") == "SAGA":
                raise
            progress.warn(f"{error} The built-in engine goes on instead.")
    return compute_builtin(dem, files, settings, progress)
