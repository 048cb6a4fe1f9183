"""crossvalidate: how good the forests by date are, under random folds and spatial blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ...core.progress import Progress
from ...core.threads import thread_count
from ...core.validation.folds import BLOCKS, RANDOM
from ...core.validation.results import ValidationRun
from ...core.validation.settings import ValidationSettings
from ...core.validation.summary import check_seasons, median_of, parse_months, summarise
from ...raster.crossvalidation import Scope, crossvalidate_table, forget_work, work_file_of
from ...raster.matrix_table import MatrixTable, open_matrix
from ...raster.validation_tables import write_choices, write_scores, write_summary
from ...report.crossvalidation import crossvalidation_page
from ..algorithm import SmapAlgorithm
from ..forest_parameters import GRIDS, forest_parameters, grid_candidates, grid_parameters
from ..parameters import advanced, date_parameter, whole_number
from ..reports import footer, input_file, manifest, report_parameter, table_output, write_report
from ..values import Values

_DEFAULT_BLOCK_KM = 72.0


class CrossValidate(SmapAlgorithm):
    """Repeated, nested cross-validation by date (paper 2.3.3)."""

    ID = "crossvalidate"
    GROUP = "models"
    NEEDS = ("sklearn", "scipy", "joblib")
    TAGS = (*SmapAlgorithm.TAGS, "random forest", "validation", "tuning", "spatial blocks", "RMSE")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Regression matrix", types=[Qgis.ProcessingSourceType.Vector]
        )
        # No least values here: out of range, `validate` says more than QGIS does.
        yield whole_number("FOLDS", "Folds", 10, 0)
        yield whole_number("REPEATS", "Repeats", 1, 0)
        yield QgsProcessingParameterNumber(
            "BLOCKS",
            "Side of the spatial blocks, km (0: random folds only)",
            type=Qgis.ProcessingNumberParameterType.Double,
            defaultValue=_DEFAULT_BLOCK_KM,
            minValue=0.0,
        )
        yield from forest_parameters()
        yield from grid_parameters()
        yield date_parameter("START", "First date")
        yield date_parameter("END", "Last date")
        yield QgsProcessingParameterString("WET_MONTHS", "Wet season", "Nov-Mar", optional=True)
        yield QgsProcessingParameterString("DRY_MONTHS", "Dry season", "May-Sep", optional=True)
        yield advanced(whole_number("INNER_FOLDS", "Folds of the choice from the grids", 5, 0))
        yield advanced(whole_number("MINIMUM_CELLS", "Least cells of a date", None, 2))
        yield advanced(whole_number("THREADS", "Threads (0: one a core)", 0, 0))
        yield QgsProcessingParameterVectorDestination(
            "OUTPUT", "Scores by date", type=Qgis.ProcessingSourceType.Vector
        )
        yield table_output("SUMMARY", "Summary of the scores")
        yield table_output("CHOICES", "Hyper-parameters of each fold")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Dates")
        yield QgsProcessingOutputNumber("RMSE", "Median RMSE, random folds")
        yield QgsProcessingOutputNumber("R2", "Median R2, random folds")
        yield QgsProcessingOutputNumber("BLOCK_RMSE", "Median RMSE, blocks")
        yield QgsProcessingOutputNumber("BLOCK_R2", "Median R2, blocks")

    def validate(self, values: Values) -> None:
        values.period()
        _settings(values)
        _seasons(values)
        thread_count(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        settings, (wet, dry) = _settings(values), _seasons(values)
        table = _table(values)
        scope = Scope(*values.period(), values.optional_integer("MINIMUM_CELLS"))
        output = values.output("OUTPUT")
        report = values.output_file("REPORT") if values.given("REPORT") else ""
        # Nobody can go on with a temporary file of an earlier session.
        work_file = None if values.is_temporary("OUTPUT") else work_file_of(output)
        threads = thread_count(values.integer("THREADS"))
        run = crossvalidate_table(table, settings, work_file, scope, threads, progress.part(0.0, 0.95))
        summary = summarise(run.results, settings.schemes, wet, dry)
        write_scores(output, run)
        outputs = {"OUTPUT": output, "COUNT": len(run.dates), **_numbers(run)}
        tables = {
            "SUMMARY": lambda path: write_summary(path, summary),
            "CHOICES": lambda path: write_choices(path, run),
        }
        for name, write in tables.items():
            path = values.output(name)
            if path:
                write(path)
                outputs[name] = path
        if report:
            progress.set_text("Drawing the report")
            told = _manifest(values, table, settings, scope, progress)
            page = crossvalidation_page(run, summary, told, footer("Cross-validation"))
            outputs["REPORT"] = write_report(report, page)
        forget_work(work_file)
        _tell(run, outputs, progress)
        return outputs


def _settings(values: Values) -> ValidationSettings:
    return ValidationSettings(
        folds=values.integer("FOLDS"),
        repeats=values.integer("REPEATS"),
        block_km=values.number("BLOCKS"),
        candidates=grid_candidates(values),
        inner_folds=values.integer("INNER_FOLDS"),
        seed=values.integer("SEED"),
    )


def _seasons(values: Values) -> tuple[frozenset[int], frozenset[int]]:
    wet = parse_months(values.text("WET_MONTHS"), "WET_MONTHS")
    dry = parse_months(values.text("DRY_MONTHS"), "DRY_MONTHS")
    check_seasons(wet, dry)
    return wet, dry


def _table(values: Values) -> MatrixTable:
    # QGIS hands over a GeoPackage as it is, and a copy of anything else (memory layer, CSV, selection).
    path, layer, label = values.table("INPUT")
    return open_matrix(path, layer, label)


def _numbers(run: ValidationRun) -> dict[str, float]:
    numbers = {"RMSE": median_of(run.results, RANDOM, "rmse"), "R2": median_of(run.results, RANDOM, "r2")}
    if BLOCKS in run.settings.schemes:
        numbers["BLOCK_RMSE"] = median_of(run.results, BLOCKS, "rmse")
        numbers["BLOCK_R2"] = median_of(run.results, BLOCKS, "r2")
    return numbers


def _manifest(
    values: Values, table: MatrixTable, settings: ValidationSettings, scope: Scope, progress: Progress
) -> dict[str, Mapping[str, object]]:
    base = settings.candidates[0].settings
    grids = {name: values.text(name) for name in GRIDS if values.text(name)}
    return manifest(
        {
            **input_file(table.label, table.path, progress),
            "table": table.layer,
            "covariates": ", ".join(table.covariates),
            "first date": scope.start or "the table's",
            "last date": scope.end or "the table's",
        },
        {
            "folds": settings.folds,
            "repeats": settings.repeats,
            "side of the blocks, km": f"{settings.block_km:g}",
            "folds of the choice": settings.inner_folds if settings.tuned else "",
            "preset": values.choice("PRESET"),
            **base.as_dict(),
            **grids,
            "least cells of a date": scope.minimum_cells or "min(50, half of the cells), at least 20",
            "wet season": values.text("WET_MONTHS"),
            "dry season": values.text("DRY_MONTHS"),
        },
    )


def _tell(run: ValidationRun, outputs: dict[str, Any], progress: Progress) -> None:
    text = (
        f"{outputs['COUNT']} dates were validated, {len(run.skipped)} were left out. Medians over the dates: "
        f"random folds RMSE {outputs['RMSE']:.4f} m3 m-3, R2 {outputs['R2']:.3f}"
    )
    if "BLOCK_RMSE" in outputs:
        text += (
            f"; blocks of {run.settings.block_km:g} km RMSE {outputs['BLOCK_RMSE']:.4f} m3 m-3, "
            f"R2 {outputs['BLOCK_R2']:.3f}"
        )
    progress.log(f"{text}. A low error at 9 km is not skill at 100 m.")
