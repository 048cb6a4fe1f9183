"""regressionmatrix: SMAP and covariates joined, one row per cell and date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterRasterLayer,
)

from ...base.progress import Progress
from ...base.words import counted
from ...series.dated import check_window
from ...series.series import open_series
from ...series.stack import open_stack
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import (
    dated_covariates,
    minimum_covered,
    period_parameters,
    series_folder,
    table_destination,
    window_and_rain,
)
from ...toolbox.preflight_output import join_outputs
from ...toolbox.reports import table_output, write_tables
from ...toolbox.values import Values
from ..rain.tables import write_rain
from .build import MatrixInputs, build_matrix
from .preflight import check_matrix
from .rain import rain_of_all_days
from .toolbox.report_output import report_matrix


class RegressionMatrix(SmapAlgorithm):
    """The regression matrix (paper 2.3.1)."""

    ID = "regressionmatrix"
    GROUP = "models"
    FIRST = ("SMAP", "COVARIATES", "DYNAMIC", "START", "END", "OUTPUT")

    def define(self) -> Iterable[Any]:
        yield series_folder("SMAP", "SMAP series")
        yield QgsProcessingParameterRasterLayer("COVARIATES", "Coarse stack of covariates")
        yield from dated_covariates()
        yield from period_parameters()
        yield minimum_covered()
        yield from window_and_rain()
        yield table_destination("OUTPUT", "Regression matrix")
        yield table_output("RAIN_BY_DATE", "Rain by date, all days and cells")
        yield from join_outputs()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Rows")

    def validate(self, values: Values) -> None:
        values.period()
        check_window(values.integer("WINDOW"))
        values.nodata("COVARIATES")

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        smap = open_series(values.paths("SMAP"), progress=progress.part(0, 0.1)).between(*values.period())
        stack = open_stack(values.raster_path("COVARIATES"), nodata=values.nodata("COVARIATES"))
        share = values.number("MINIMUM_COVERED")
        dynamic = values.dated_covariates(progress.part(0.1, 0.2), share)
        output = values.output("OUTPUT")
        inputs = MatrixInputs(smap, stack, dynamic)
        values.require_nodata_names(stack, dynamic)
        listener = WarningKeeper(progress)
        found = check_matrix(inputs, progress)
        found.log(listener)
        rain = []
        if values.given("REPORT") or values.given("RAIN_BY_DATE"):
            rain = rain_of_all_days(inputs, *values.period(), progress.part(0.2, 0.4))
        report = build_matrix(inputs, output, listener.part(0.4 if rain else 0.2, 0.98))
        rows = sum(report.rows.values())
        covariates = ", ".join(inputs.names)
        progress.log(
            f"{counted(rows, 'row')} of {counted(len(report.rows), 'date')}; covariates: {covariates}"
        )
        empty = [date.isoformat() for date, count in report.rows.items() if count == 0]
        if empty:
            progress.log(f"Dates without a cell with soil moisture: {', '.join(empty)}")
        if values.given("RAIN_BY_DATE") and not rain:
            progress.warn(
                "RAIN_BY_DATE has no row, since no dated covariate is taken for rain; give the folder of the "
                "rain as DYNAMIC, and its name as RAIN."
            )
        tables = write_tables(values, {"RAIN_BY_DATE": lambda path: write_rain(path, rain)})
        reported = report_matrix(values, inputs, report, rain, found, listener.warnings, progress)
        return {"OUTPUT": output, "COUNT": rows, **tables, **reported}
