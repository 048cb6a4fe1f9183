"""downscalesmap: the whole chain, from raw files to maps, in one dialog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from qgis.core import (
    Qgis,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
)

from ...base.dates import period_text
from ...base.progress import Progress
from ...base.words import counted
from ...series.one_file import check_series_suffix
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter
from ...toolbox.feedback import QgisProgress
from ...toolbox.help import load_help
from ...toolbox.layers import SeriesDestination
from ...toolbox.parameters import choice, decimal, file_or_folder, period_parameters, series_folder
from ...toolbox.reports import (
    files_used,
    footer,
    layer_used,
    manifest,
    period_used,
    report_outputs,
    series_used,
    write_report,
)
from ...toolbox.values import Values
from ..sheets.toolbox.main_thread import in_main_thread
from .report import chain_page
from .toolbox.chain import METHODS, Chain, check_chain
from .toolbox.project import write_project

_REPORT, _PROJECT = "report.html", "maps.qgz"


class DownscaleSmap(SmapAlgorithm):
    """All steps with one click."""

    ID = "downscalesmap"
    GROUP = "workflows"
    FIRST = ("SMAP", "DEM", "SOIL", "RAIN", "EXTENT", "OUTPUT", "MAPS")
    NEEDS = ("sklearn", "scipy", "joblib", "matplotlib", "jinja2")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield series_folder("SMAP", "SMAP granules or dated rasters")
        yield QgsProcessingParameterRasterLayer("DEM", "Elevation (DEM, m)")
        yield QgsProcessingParameterMultipleLayers(
            "SOIL", "Soil and other layers", Qgis.ProcessingSourceType.Raster, optional=True
        )
        yield series_folder("RAIN", "Daily rain (series, mm/d)", optional=True)
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield area_parameter()
        yield choice("METHOD", "Method", METHODS)
        yield QgsProcessingParameterRasterLayer("MASK", "Mask (urban, water)", optional=True)
        yield file_or_folder("STATIONS", "Field stations (CSV, ISMN)", optional=True)
        yield from period_parameters()
        yield QgsProcessingParameterCrs("CRS", "CRS of the maps", optional=True)
        yield decimal("RESOLUTION", "Pixel of the maps (units of their CRS)", 100.0, 0.0)
        yield QgsProcessingParameterBoolean("INTERVALS", "Intervals beside each map", True)
        yield QgsProcessingParameterBoolean("CROSS_VALIDATION", "Cross-validate the model", True)
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Folder of all results")
        yield SeriesDestination("MAPS", "Maps as one temporal layer")

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Number of maps")
        yield from report_outputs(load_help(self.ID).title)
        yield QgsProcessingOutputFile("PROJECT", "QGIS project of the maps")

    def validate(self, values: Values) -> None:
        values.period()
        if values.given("MAPS") and not values.is_temporary("MAPS"):
            check_series_suffix(values.output("MAPS"))
        check_chain(values, values.output_folder("OUTPUT"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        folder = values.output_folder("OUTPUT")
        # QGIS's feedback is behind it, for the steps.
        chain = Chain(values, folder, cast(QgisProgress, progress))
        chain.run()
        made = chain.outcome(progress)
        page = chain_page(made, _manifest(values, chain, progress), footer(load_help(self.ID).title))
        outputs = write_report(str(Path(folder) / _REPORT), page)
        project, (maps, smap) = Path(folder) / _PROJECT, chain.series
        title = f"Soil moisture, {period_text(maps.dates)}"
        progress.check()
        in_main_thread(lambda: write_project(project, title, maps, smap, chain.dem))
        progress.log(
            f"{counted(len(maps.dates), 'map')}; the report is {outputs['REPORT']}, and {project} opens on "
            "the maps."
        )
        return {
            "OUTPUT": folder,
            "MAPS": chain.outputs["SERIES"],
            "COUNT": len(maps.dates),
            **outputs,
            "PROJECT": str(project),
        }


def _manifest(values: Values, chain: Chain, progress: Progress) -> dict[str, Mapping[str, object]]:
    _maps, smap = chain.series
    rasters = {
        f"{name} ({title})": path for name in ("DEM", "SOIL", "MASK") for path, title in values.rasters(name)
    }
    area = layer_used(values, "study area (AOI)", "AOI", progress) if values.given("AOI") else {}
    return manifest(
        {
            "SMAP": ", ".join(values.paths("SMAP")),
            **series_used({"SMAP's cells": smap}, progress),
            **files_used({**rasters, **chain.used}, progress),
            "rain": ", ".join(values.paths("RAIN")),
            **area,
        },
        {
            **period_used(values, "SMAP's"),
            "extent (EXTENT)": values.text("EXTENT"),
            "method": values.choice("METHOD"),
            "intervals": "yes" if values.flag("INTERVALS") else "no",
            "stations": values.text("STATIONS"),
        },
    )
