"""Report and table of 'Terrain indices', and the rasters that only the report needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qgis.core import QgsProcessingOutputNumber, QgsProcessingParameterDefinition

from ....base.progress import Progress
from ....base.words import text
from ....geo.datasets import dataset_grid, open_dataset
from ....geo.grid import Grid
from ....geo.map_frame import frame_of
from ....toolbox.reports import (
    footer,
    input_file,
    manifest,
    report_parameter,
    table_output,
    titled,
    write_report,
)
from ....toolbox.values import Values
from ..numbers.outcome import TerrainReport
from ..numbers.settings import ROUTERS, TerrainSettings
from ..report import terrain_page
from ..summary import summarise, write_statistics
from .saga_choice import run_folder


def terrain_destinations() -> Iterator[QgsProcessingParameterDefinition]:
    """The optional table and the report."""
    yield table_output("STATISTICS", "Statistics of the rasters")
    yield report_parameter()


def terrain_numbers() -> Iterator[QgsProcessingOutputNumber]:
    """What filling did, as numbers."""
    yield QgsProcessingOutputNumber("CELLS", "Valid cells")
    yield QgsProcessingOutputNumber("RAISED_CELLS", "Cells raised by filling")
    yield QgsProcessingOutputNumber("MOST_RAISED", "Largest rise, m")


@contextlib.contextmanager
def files_to_make(values: Values, outputs: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Paths by key: the outputs, and what only the report shows among QGIS's temporary files.

    The report's point is to compare the three indices, so it always has them.
    """
    files = {name.lower(): path for name, path in outputs.items()}
    lacking = [f"twi_{router}" for router in ROUTERS if f"twi_{router}" not in files]
    if not values.given("REPORT") or not lacking:
        yield files
        return
    with run_folder("terrain_") as folder:
        yield {**files, **{key: str(folder / f"{key}.tif") for key in lacking}}


def report_terrain(
    values: Values,
    settings: TerrainSettings,
    found: TerrainReport,
    files: Mapping[str, str],
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, Any]:
    """Write what is asked for of table and report; returns them and the numbers as outputs."""
    outputs: dict[str, Any] = {
        "CELLS": found.cells,
        "RAISED_CELLS": found.raised_cells,
        "MOST_RAISED": found.most_raised,
    }
    report, statistics = values.output_file("REPORT"), values.output("STATISTICS")
    if not report and not statistics:
        return outputs
    progress.set_text("Looking at the rasters made")
    rasters = [summarise(path, progress) for path in files.values()]
    if statistics:
        write_statistics(statistics, rasters, found.kept_shares)
        outputs["STATISTICS"] = statistics
    if report:
        dem = values.raster_path("INPUT")
        only = [key for key in files if not values.given(key.upper())]
        grid = dataset_grid(open_dataset(dem), dem)
        facts = _facts(grid, found)
        if only:
            facts.append(("Made for this report only", ", ".join(only)))
        came_from = manifest(input_file(dem, dem, progress), _settings(values, settings))
        frame = frame_of(grid.bounds, grid.crs)
        page = terrain_page(facts, warnings, found, rasters, came_from, footer("Terrain indices"), frame)
        outputs.update(write_report(report, titled(page, grid=grid)))
    return outputs


def _facts(grid: Grid, found: TerrainReport) -> list[tuple[str, str]]:
    share = found.raised_cells / found.cells if found.cells else 0.0
    dem = text(
        "{columns:,} x {rows:,} cells of {side:.6g} m, {crs}",
        columns=grid.width,
        rows=grid.height,
        side=grid.cell_width,
        crs=grid.crs[:60],
    )
    filled = text(
        "{cells:,} cells ({share:.2%}), by up to {most:.4g} m",
        cells=found.raised_cells,
        share=share,
        most=found.most_raised,
    )
    return [
        ("Engine", found.engine),
        ("DEM", dem),
        ("Valid cells", text("{:,}", found.cells)),
        ("Raised by filling", filled),
    ]


def _settings(values: Values, settings: TerrainSettings) -> dict[str, object]:
    return {
        "BAND": values.text("BAND"),
        "ENGINE": values.choice("ENGINE"),
        "MINIMUM_SLOPE, degrees": text("{:g}", settings.minimum_slope),
        "AREA": settings.area,
        "SLOPE_FLOOR, tangent": text("{:g}", settings.slope_floor),
        "NODATA": values.text("NODATA"),
        "SAGA_CMD": values.path("SAGA_CMD") if values.given("SAGA_CMD") else "",
    }
