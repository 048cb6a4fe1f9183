"""harmonisecovariates: rasters of any CRS and resolution to a coarse and a fine stack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    NULL,
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...base.covariate_names import split_names
from ...base.errors import InputError
from ...base.progress import Progress
from ...series.series import open_series
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter, check_area, read_area
from ...toolbox.feedback import WarningKeeper
from ...toolbox.landing import STACK
from ...toolbox.parameters import decimal, nodata_parameter, series_folder
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import report_parameter, table_output, write_tables
from ...toolbox.values import Values, name_of_file
from .catalogue import catalogue, write_catalogue
from .covariate import Covariate, Layer
from .harmonise import Request, harmonise
from .layers import read_covariates, with_looks
from .numbers.layers_table import HEADERS, LayerRow, read_rows
from .toolbox.report_output import report_covariates


class HarmoniseCovariates(SmapAlgorithm):
    """Harmonise covariates (paper 2.2.3)."""

    ID = "harmonisecovariates"
    GROUP = "covariates"
    FIRST = ("INPUT", "SMAP", "EXTENT", "AOI", "RESOLUTION", "MASK", "OUTPUT_FINE")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield QgsProcessingParameterMultipleLayers("INPUT", "Covariates", Qgis.ProcessingSourceType.Raster)
        yield series_folder("SMAP", "SMAP series")
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield area_parameter()
        yield QgsProcessingParameterCrs("CRS", "CRS of the fine stack", optional=True)
        yield decimal("RESOLUTION", "Pixel of the fine stack (units of its CRS)", 100.0, 0.0)
        yield QgsProcessingParameterRasterLayer("MASK", "Mask (urban, water)", optional=True)
        yield QgsProcessingParameterString("NAMES", "Names of the covariates (a, b)", optional=True)
        yield QgsProcessingParameterString("CATEGORICAL", "Further categorical layers (a, b)", optional=True)
        yield decimal("MINIMUM_COVERED", "Least covered share of a SMAP cell (0 to 1)", 0.5, 0.0, 1.0)
        yield QgsProcessingParameterMatrix(
            "LAYERS",
            "Units, conversions, resampling of layers",
            numberRows=1,
            hasFixedNumberRows=False,
            headers=list(HEADERS),
            optional=True,
        )
        yield QgsProcessingParameterBoolean(
            "GUESS", "Know SoilGrids and Gupta et al. by file name", defaultValue=True
        )
        yield nodata_parameter()
        yield QgsProcessingParameterRasterDestination("OUTPUT_COARSE", "Coarse stack (SMAP cells)")
        yield QgsProcessingParameterRasterDestination("OUTPUT_FINE", "Fine stack")
        yield table_output("COVARIATES_TABLE", "Table of the covariates and their sources")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Covariates")

    def kind_of(self, output: str) -> str:
        return STACK

    def validate(self, values: Values) -> None:
        resolution = values.number("RESOLUTION")
        if not resolution > 0:
            raise InputError(f"RESOLUTION is {resolution:g}; give the side of a pixel, greater than 0.")
        values.extent("EXTENT")
        check_area(values)
        with_looks(_covariates(values), values.nodata("INPUT"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        smap = open_series(values.paths("SMAP"), progress=progress.part(0.0, 0.05))
        listener = WarningKeeper(progress)
        extent = values.extent("EXTENT")
        request = Request(
            layers=_layers(values),
            smap=smap.grid,
            smap_label=f"SMAP ({smap.source})",
            coarse_path=values.output("OUTPUT_COARSE"),
            fine_path=values.output("OUTPUT_FINE"),
            extent=extent[0] if extent else None,
            extent_crs=extent[1] if extent else "",
            crs=values.crs("CRS"),
            resolution=values.number("RESOLUTION"),
            mask=values.raster_path("MASK"),
            names=split_names(values.text("NAMES")),
            categorical=split_names(values.text("CATEGORICAL")),
            minimum_covered=values.number("MINIMUM_COVERED"),
            rows=_rows(values),
            guess=values.flag("GUESS"),
            nodata=values.nodata("INPUT"),
            smap_dates=smap.dates,
            area=read_area(values, listener),
        )
        report = values.output_file("REPORT")
        made = harmonise(request, listener.part(0.05, 0.98 if report else 1.0))
        outputs: dict[str, Any] = {
            "OUTPUT_COARSE": request.coarse_path,
            "OUTPUT_FINE": request.fine_path,
            "COUNT": len(made.layers),
            **write_preflight_table(values, made.preflight),
        }
        wanted = report or values.given("COVARIATES_TABLE")
        rows = catalogue(made.covariates, made.coarse) if wanted else []
        outputs.update(write_tables(values, {"COVARIATES_TABLE": lambda path: write_catalogue(path, rows)}))
        if report:
            progress.set_text("Report")
            outputs.update(report_covariates(report, request, smap, made, rows, listener.warnings, progress))
        return outputs


def _covariates(values: Values) -> list[Covariate]:
    names, categorical = split_names(values.text("NAMES")), split_names(values.text("CATEGORICAL"))
    return read_covariates(_layers(values), names, categorical, _rows(values), values.flag("GUESS"))


def _rows(values: Values) -> list[LayerRow]:
    if not values.given("LAYERS"):
        return []
    cells = values.algorithm.parameterAsMatrix(values.parameters, "LAYERS", values.context)
    # Scripts may give a list a row.  Cells that nobody filled in are QGIS's NULL, whose text is 'NULL'.
    flat = [cell for part in cells for cell in (part if isinstance(part, (list, tuple)) else [part])]
    return read_rows(["" if cell == NULL else cell for cell in flat])


def _layers(values: Values) -> list[Layer]:
    return [Layer(path, name_of_file(path), title) for path, title in values.rasters("INPUT")]
