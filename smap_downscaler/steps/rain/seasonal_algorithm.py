"""seasonalprecipitation: mean daily precipitation of each season."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.words import counted
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.parameters import (
    choice,
    date_parameter,
    decimal,
    nodata_parameter,
    series_folder,
    variable,
)
from ...toolbox.values import Values
from .numbers.seasons import DEFAULT_SEASONS, parse_seasons
from .record import KINDS
from .seasonal import check_stack, seasonal_precipitation


class SeasonalPrecipitation(SmapAlgorithm):
    """Seasonal precipitation (paper 2.2.3)."""

    ID = "seasonalprecipitation"
    GROUP = "covariates"
    FIRST = ("INPUT", "KIND", "SEASONS", "EXTENT", "START", "END", "OUTPUT")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield series_folder("INPUT", "Precipitation record")
        yield choice("KIND", "What the rasters hold", KINDS)
        yield QgsProcessingParameterString("SEASONS", "Seasons and their months", DEFAULT_SEASONS)
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield date_parameter("START", "First date of the record to use")
        yield date_parameter("END", "Last date of the record to use")
        yield decimal(
            "MINIMUM_SHARE",
            "Share of days below which it warns (0 to 1)",
            0.8,
            0.0,
            1.0,
        )
        yield nodata_parameter()
        yield variable()
        yield QgsProcessingParameterRasterDestination("OUTPUT", "Seasonal precipitation (stack)")

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Seasons")

    def validate(self, values: Values) -> None:
        kind = values.parameters.get("KIND")
        # QGIS would quietly take the default for another text.
        if isinstance(kind, str) and kind not in KINDS:
            raise InputError(f"KIND is '{kind}'; give one of {', '.join(KINDS)}.")
        parse_seasons(values.text("SEASONS"))
        values.period()
        values.extent("EXTENT")
        values.nodata_of("INPUT")
        if values.given("OUTPUT"):
            check_stack(values.paths("INPUT"), values.output("OUTPUT"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        seasons = parse_seasons(values.text("SEASONS"))
        start, end = values.period()
        output = values.output("OUTPUT")
        grid = seasonal_precipitation(
            values.paths("INPUT"),
            output,
            values.choice("KIND"),
            seasons,
            values.extent("EXTENT"),
            start,
            end,
            values.number("MINIMUM_SHARE"),
            progress,
            nodata=values.nodata_of("INPUT"),
            variables=values.variables(),
        )
        progress.log(f"{counted(len(seasons), 'band')} of {grid.width} x {grid.height} cells in {output}.")
        return {"OUTPUT": output, "COUNT": len(seasons)}
