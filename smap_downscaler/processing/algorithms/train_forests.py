"""trainforests: a random forest a date from the regression matrix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
)

from ...core.progress import Progress
from ...core.threads import thread_count
from ...raster.matrix_table import MatrixTable, open_matrix
from ...raster.training import train_from_table, write_scores
from ..algorithm import SmapAlgorithm
from ..forest_parameters import forest_parameters, forest_settings
from ..parameters import advanced, date_parameter, whole_number
from ..values import Values


class TrainForests(SmapAlgorithm):
    """Forests by date (paper 2.3.2)."""

    ID = "trainforests"
    GROUP = "models"
    NEEDS = ("sklearn", "scipy", "joblib")
    TAGS = (*SmapAlgorithm.TAGS, "random forest", "machine learning", "regression")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Regression matrix", types=[Qgis.ProcessingSourceType.Vector]
        )
        yield from forest_parameters()
        yield date_parameter("START", "First date")
        yield date_parameter("END", "Last date")
        yield advanced(whole_number("MINIMUM_CELLS", "Least cells of a date", None, 2))
        yield advanced(whole_number("THREADS", "Threads (0: one a core)", 0, 0))
        yield QgsProcessingParameterFileDestination(
            "OUTPUT", "Forest file", fileFilter="Forest files (*.smapforest)"
        )
        yield QgsProcessingParameterVectorDestination(
            "SCORES", "Out-of-bag scores", type=Qgis.ProcessingSourceType.Vector, optional=True
        )

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Dates with a forest")
        yield QgsProcessingOutputNumber("OOB_RMSE", "Median out-of-bag RMSE")
        yield QgsProcessingOutputNumber("OOB_R2", "Median out-of-bag R2")

    def validate(self, values: Values) -> None:
        values.period()
        forest_settings(values)
        thread_count(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        start, end = values.period()
        settings = forest_settings(values)
        output = values.output_file("OUTPUT")
        report = train_from_table(
            _table(values),
            output,
            settings,
            values.optional_integer("MINIMUM_CELLS"),
            thread_count(values.integer("THREADS")),
            progress,
            start,
            end,
        )
        outputs = {
            "OUTPUT": output,
            "COUNT": len(report.scores),
            "OOB_RMSE": report.median("rmse"),
            "OOB_R2": report.median("r2"),
        }
        scores = values.output("SCORES")
        if scores:
            write_scores(scores, report)
            outputs["SCORES"] = scores
        progress.log(
            f"{len(report.scores)} dates have a forest, {len(report.skipped)} were skipped. Median "
            f"out-of-bag RMSE "
            f"{outputs['OOB_RMSE']:.4f} m3 m-3, R2 {outputs['OOB_R2']:.3f} (9 km cells, each told by the "
            f"trees that "
            "did not see it; neighbouring cells are alike, so this flatters the maps)."
        )
        return outputs


def _table(values: Values) -> MatrixTable:
    # QGIS hands over a GeoPackage as it is, and a copy of anything else (memory layer, CSV, selection).
    path, layer, label = values.table("INPUT")
    return open_matrix(path, layer, label)
