"""trainforests: random forests by date, by cell or pooled from the regression matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
    QgsVectorLayer,
)

from ...base.errors import InputError
from ...base.nodata import parse_nodata
from ...base.progress import Progress
from ...base.threads import growing_threads, thread_count
from ...base.words import counted
from ...methods.base import Wishes
from ...methods.keys import BY_CELL, BY_DATE, MODES, POOLED
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.looks import from_low_to_high
from ...toolbox.parameters import choice, period_parameters, scheduler, whole_number
from ...toolbox.reports import (
    footer,
    input_file,
    manifest,
    report_parameter,
    table_output,
    titled,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from ..matrix.read import MatrixTable
from ..matrix.toolbox.table_input import matrix_table, matrix_table_parameters
from .effects import effects_of_file
from .numbers.outcome import TrainingReport
from .report import training_page
from .request import TrainingChoices
from .tables import write_effects, write_importance, write_importance_summary, write_scores, write_summary
from .toolbox.parameters import (
    GRIDS,
    feature_parameters,
    feature_settings,
    forest_parameters,
    forest_settings,
    grid_candidates,
    grid_parameters,
    row_selection,
)
from .training import train_by_cell, train_by_date, train_pooled

_TRAINERS = {BY_DATE: train_by_date, BY_CELL: train_by_cell, POOLED: train_pooled}
_NOUNS = {BY_DATE: "date", BY_CELL: "cell"}


class TrainForests(SmapAlgorithm):
    """Forests by date (paper 2.3.2), by cell (2.3.1, Conclusions), or one of all rows."""

    ID = "trainforests"
    GROUP = "models"
    FIRST = ("INPUT", "MODE", "PRESET", "TUNE", "START", "END", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Regression matrix", types=[Qgis.ProcessingSourceType.Vector]
        )
        yield from matrix_table_parameters()
        yield choice("MODE", "Forests", MODES, BY_DATE)
        yield from forest_parameters()
        yield from feature_parameters()
        yield QgsProcessingParameterBoolean("TUNE", "Choose from the grids by out-of-bag error", False)
        yield from grid_parameters()
        yield from period_parameters()
        yield whole_number("MINIMUM_CELLS", "Minimum cells per date", None, 2)
        yield whole_number("MINIMUM_DATES", "Minimum dates per cell (by cell)", None, 2)
        yield whole_number("MAXIMUM_ROWS", "Maximum rows per date (pooled)", None, 1)
        yield whole_number("MEMORY", "Memory for rows and trees (MB; pooled)", 4096, 16)
        yield whole_number("IMPORTANCE_REPEATS", "Number of times a covariate is shuffled", 5, 1, 1000)
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield scheduler()
        yield QgsProcessingParameterFileDestination(
            "OUTPUT", "Model file", fileFilter="Model files (*.smapforest)"
        )
        yield QgsProcessingParameterVectorDestination(
            "SCORES", "Out-of-bag scores", type=Qgis.ProcessingSourceType.Vector, optional=True
        )
        yield table_output("SUMMARY", "Out-of-bag scores over all forests")
        yield table_output("IMPORTANCE", "Importance of the covariates")
        yield table_output("IMPORTANCE_SUMMARY", "Importance over all forests")
        yield table_output("EFFECTS", "Effects of the covariates")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Forests")
        yield QgsProcessingOutputNumber("OOB_RMSE", "Median out-of-bag RMSE")
        yield QgsProcessingOutputNumber("OOB_R2", "Median out-of-bag R2")

    def dress(self, layer: QgsVectorLayer) -> None:
        from_low_to_high(layer, "oob_rmse", "m3 m-3", "RMSE")

    def validate(self, values: Values) -> None:
        values.period()
        parse_nodata(values.text("NODATA"))
        forest_settings(values)
        feature_settings(values)
        _wishes(values)
        growing_threads(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        output = values.output_file("OUTPUT")
        table = matrix_table(values, row_selection(values), progress)
        asked = values.given("EFFECTS") or values.given("REPORT")
        trained = 0.85 if asked else 0.97
        report = _train(values, table, output, asked, progress.part(0.0, trained))
        if asked:
            threads = thread_count(values.integer("THREADS"))
            report.effects = effects_of_file(output, report.samples, threads, progress.part(trained, 0.97))
        outputs = {
            "OUTPUT": output,
            "COUNT": len(report.scores),
            "OOB_RMSE": report.median("rmse"),
            "OOB_R2": report.median("r2"),
        }
        tables = {
            "SCORES": lambda path: write_scores(path, report, table.grid),
            "SUMMARY": lambda path: write_summary(path, report),
            "IMPORTANCE": lambda path: write_importance(path, report),
            "IMPORTANCE_SUMMARY": lambda path: write_importance_summary(path, report.importance_summary()),
            "EFFECTS": lambda path: write_effects(path, report.effects),
        }
        outputs.update(write_tables(values, tables))
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            page = training_page(report, _manifest(values, table, progress), footer("Train forests"))
            outputs.update(write_report(values.output_file("REPORT"), titled(page, report.scores)))
        _log_result(report, outputs, f"{table.cell_size or 'SMAP'} cells", progress)
        return outputs


def _wishes(values: Values) -> Wishes:
    choice = grid_candidates(values)
    if values.flag("TUNE") and len(choice) < 2:
        raise InputError(
            "TUNE: there is nothing to choose from; give a grid two values or more, such as 2, 4, 7 for "
            "MAX_FEATURES_GRID, or untick it."
        )
    given = next((name for name in GRIDS if values.text(name).strip()), None)
    if given and not values.flag("TUNE"):
        raise InputError(f"{given} is given, and TUNE is not ticked; tick it, or leave the grids empty.")
    asked = any(values.given(name) for name in ("IMPORTANCE", "IMPORTANCE_SUMMARY", "REPORT"))
    repeats = values.integer("IMPORTANCE_REPEATS") if asked else 0
    # Forests by cell make no maps, and there are thousands.
    trust = values.choice("MODE") != BY_CELL
    return Wishes(choice if values.flag("TUNE") else (), repeats, trust)


def _manifest(values: Values, table: MatrixTable, progress: Progress) -> dict[str, Mapping[str, object]]:
    start, end = values.period()
    features = feature_settings(values)
    names = ("MINIMUM_CELLS", "MINIMUM_DATES", "MAXIMUM_ROWS", "NODATA", *GRIDS)
    return manifest(
        {
            **input_file(table.label, table.path, progress),
            "table": table.layer,
            "covariates": ", ".join((*table.covariates, *features.names)),
            "first date": start or "the table's",
            "last date": end or "the table's",
        },
        {
            "forests": values.choice("MODE"),
            "preset": values.choice("PRESET"),
            **forest_settings(values).as_dict(),
            "chosen from grids": "yes" if values.flag("TUNE") else "no",
            **{name: values.text(name) for name in names if values.given(name)},
            "shuffles of a covariate": values.integer("IMPORTANCE_REPEATS"),
        },
    )


def _train(
    values: Values, table: MatrixTable, output: str, effects: bool, progress: Progress
) -> TrainingReport:
    choices = TrainingChoices(
        forest_settings(values),
        row_selection(values),
        feature_settings(values),
        _wishes(values),
        effects=effects,
    )
    train = _TRAINERS[values.choice("MODE")]
    return train(table, output, choices, growing_threads(values.integer("THREADS")), progress)


def _log_result(report: TrainingReport, outputs: dict[str, Any], cells: str, progress: Progress) -> None:
    numbers = f"out-of-bag RMSE {outputs['OOB_RMSE']:.4f} m3 m-3, R2 {outputs['OOB_R2']:.3f}"
    if report.mode == POOLED:
        progress.log(
            f"One forest of {counted(next(iter(report.scores.values())).n, 'row')}. "
            f"Its {numbers} ({cells}; trees "
            "that predict a row saw the same cell on other dates, so this flatters: 'Cross-validate models' "
            "leaves cells and periods out)."
        )
        return
    unlike = (
        "each predicted by the trees that did not see it; neighbouring cells are alike, so this flatters "
        "the maps"
        if report.mode == BY_DATE
        else "each date predicted by the trees that did not see it; days that follow each other are alike, "
        "so this flatters the days that SMAP missed"
    )
    noun = _NOUNS[report.mode]
    forests = counted(len(report.scores), f"{noun} has", f"{noun}s have")
    progress.log(
        f"{forests} a forest, {counted(len(report.skipped), 'was', 'were')} skipped. "
        f"Median {numbers} ({cells}, {unlike})."
    )
