"""antecedentprecipitation: the mean rain of the days before each date."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFolderDestination,
)

from ...base.progress import Progress
from ...base.words import counted
from ...geo.datasets import check_folders
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.layers import RAIN_SERIES, SeriesDestination, check_series, write_folder_series
from ...toolbox.parameters import (
    date_parameter,
    nodata_parameter,
    series_folder,
    variable,
    whole_number,
)
from ...toolbox.values import Values
from .antecedent import NAME, antecedent_precipitation
from .numbers.antecedent import Antecedent


class AntecedentPrecipitation(SmapAlgorithm):
    """Antecedent precipitation (paper 2.2.3)."""

    ID = "antecedentprecipitation"
    GROUP = "covariates"
    FIRST = ("INPUT", "DAYS", "EXTENT", "START", "END", "OUTPUT")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield series_folder("INPUT", "Daily precipitation (series, mm/d)")
        yield whole_number("DAYS", "Days to average", Antecedent.days, 1)
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield date_parameter("START", "First date of the output")
        yield date_parameter("END", "Last date of the output")
        yield whole_number("LAG", "Days from the last averaged day to the date", Antecedent.lag, 0)
        yield nodata_parameter()
        yield variable()
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Antecedent precipitation (series)")
        yield SeriesDestination("SERIES", "Antecedent precipitation as one temporal layer")

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Dates in the series")

    def validate(self, values: Values) -> None:
        check_folders(values.paths("INPUT"), values.output_folder("OUTPUT"))
        _settings(values)
        values.period()
        values.extent("EXTENT")
        values.nodata_of("INPUT")
        check_series(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        result = antecedent_precipitation(
            values.paths("INPUT"),
            values.output_folder("OUTPUT"),
            _settings(values),
            values.extent("EXTENT"),
            *values.period(),
            progress,
            nodata=values.nodata_of("INPUT"),
            variables=values.variables(),
        )
        progress.log(
            f"{counted(len(result.dates), 'date')} from {result.dates[0]} to {result.dates[-1]}, "
            f"{result.grid.width} x {result.grid.height} cells each, in {result.folder}."
        )
        if Path(result.folder).name != NAME and not values.is_handed_on("OUTPUT"):
            progress.log(
                f"The folder is not named {NAME}: its covariate is named after it; in 'Regression matrix' "
                f"and 'Downscale' give {NAME}, or of several windows {NAME}_3, {NAME}_10 and so on, as "
                "DYNAMIC_NAMES, the same in both."
            )
        outputs = {"OUTPUT": str(result.folder), "COUNT": len(result.dates)}
        return {**outputs, **write_folder_series(values, result.folder, RAIN_SERIES, progress)}


def _settings(values: Values) -> Antecedent:
    return Antecedent(values.integer("DAYS"), values.integer("LAG"))
