"""importsmap: SMAP granules to a dated GeoTIFF series on SMAP's own grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputDefinition,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFolderDestination,
)

from ...base.progress import Progress
from ...base.words import counted
from ...geo.datasets import check_folders
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter, check_area, read_area
from ...toolbox.layers import SMAP_SERIES, SeriesDestination, check_series, write_folder_series
from ...toolbox.parameters import choice, period_parameters, series_folder, variable
from ...toolbox.values import Values
from .importing import ease2_bounds, import_smap
from .numbers.screening import OVERPASSES, QUALITIES, RETRIEVALS, Choices


class ImportSmap(SmapAlgorithm):
    """Import SMAP soil moisture."""

    ID = "importsmap"
    GROUP = "data"
    FIRST = ("INPUT", "EXTENT", "AOI", "OVERPASS", "START", "END", "OUTPUT")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield series_folder("INPUT", "SMAP granules or dated rasters")
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield area_parameter()
        yield choice("OVERPASS", "Overpass", OVERPASSES, Choices.overpass)
        yield choice("QUALITY", "Quality of the retrievals kept", QUALITIES, Choices.quality)
        yield from period_parameters()
        yield choice("ALGORITHM", "Retrieval algorithm", tuple(RETRIEVALS), Choices.algorithm)
        yield variable()
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Soil moisture series")
        yield SeriesDestination("SERIES", "Soil moisture series as one temporal layer")

    def define_outputs(self) -> Iterable[QgsProcessingOutputDefinition]:
        yield QgsProcessingOutputNumber("COUNT", "Dates in the series")
        yield QgsProcessingOutputFile("REPORT", "Report")

    def validate(self, values: Values) -> None:
        check_folders(values.paths("INPUT"), values.output_folder("OUTPUT"))
        values.period()
        extent = values.extent("EXTENT")
        if extent:
            ease2_bounds(*extent)
        check_area(values)
        check_series(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        start, end = values.period()
        result = import_smap(
            values.paths("INPUT"),
            values.output_folder("OUTPUT"),
            Choices(values.choice("OVERPASS"), values.choice("QUALITY"), values.choice("ALGORITHM")),
            values.extent("EXTENT"),
            start,
            end,
            progress,
            values.variables(),
            read_area(values, progress),
        )
        progress.log(
            f"{result.count:,} of {counted(len(result.rows), 'date has', 'dates have')} soil moisture, "
            f"{result.grid.width} x {result.grid.height} cells each; see {result.report}."
        )
        outputs = {"OUTPUT": str(result.folder), "COUNT": result.count, "REPORT": str(result.report)}
        return {**outputs, **write_folder_series(values, result.folder, SMAP_SERIES, progress)}
