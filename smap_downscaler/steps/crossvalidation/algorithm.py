"""crossvalidate: how good forests are, under folds that flatter and folds that do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
)

from ...base.covariate_names import split_names
from ...base.nodata import parse_nodata
from ...base.progress import Progress
from ...base.threads import growing_threads
from ...base.words import counted
from ...methods.forest.engines import FASTEST, SCIKIT_LEARN
from ...methods.keys import BY_CELL, BY_DATE, MODES, POOLED
from ...runs.journal import work_file_of
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.parameters import (
    advanced,
    choice,
    decimal,
    period_parameters,
    season_parameters,
    table_destination,
    whole_number,
)
from ...toolbox.reports import (
    footer,
    input_file,
    log_seasons,
    manifest,
    period_used,
    report_parameter,
    seasons_used,
    table_output,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from ..forests.toolbox.parameters import (
    GRIDS,
    feature_parameters,
    feature_settings,
    forest_parameters,
    grid_candidates,
    grid_parameters,
    row_selection,
)
from ..matrix.read import MatrixTable, RowSelection
from ..matrix.toolbox.table_input import matrix_table, matrix_table_parameters
from ..rain.tables import write_rain
from .journal import forget_work
from .numbers.folds import BLOCKS, LOCATIONS, LOCATIONS_AND_DATES, PERIODS, RANDOM, scheme_text
from .numbers.results import ValidationRun, median_of, summarise, summarise_rises
from .numbers.settings import ValidationSettings
from .read_rows import rain_names, rain_of_rows, with_blocks, with_period
from .report import crossvalidation_page
from .run import crossvalidate_table
from .tables import (
    write_choices,
    write_importance,
    write_importance_summary,
    write_scores,
    write_summary,
)

#: Outputs of the median RMSE and R2 by scheme.
_NUMBERS = {
    RANDOM: ("RMSE", "R2", "random folds"),
    BLOCKS: ("BLOCK_RMSE", "BLOCK_R2", "blocks"),
    PERIODS: ("PERIOD_RMSE", "PERIOD_R2", "periods held out"),
    LOCATIONS: ("LOCATION_RMSE", "LOCATION_R2", "locations held out"),
    LOCATIONS_AND_DATES: ("LOCATION_DATE_RMSE", "LOCATION_DATE_R2", "locations and dates held out"),
}

_DEFAULT_BLOCK_KM = 72.0


class CrossValidate(SmapAlgorithm):
    """Repeated, nested cross-validation (paper 2.3.3)."""

    ID = "crossvalidate"
    GROUP = "models"
    NEEDS = ("sklearn", "scipy", "joblib")
    TAGS = (*SmapAlgorithm.TAGS, "random forest", "validation", "tuning", "spatial blocks", "RMSE")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Regression matrix", types=[Qgis.ProcessingSourceType.Vector]
        )
        yield from matrix_table_parameters()
        yield from _parameters()
        yield advanced(
            QgsProcessingParameterString(
                "RAIN_COVARIATES", "Covariates that are rain, separated by commas", optional=True
            )
        )
        yield advanced(whole_number("THREADS", "Threads (0: all cores)", 0, 0))
        yield table_destination("OUTPUT", "Scores")
        yield table_output("SUMMARY", "Summary of the scores")
        yield table_output("CHOICES", "Hyper-parameters of each fold")
        yield table_output("IMPORTANCE", "Importance of the covariates")
        yield table_output("IMPORTANCE_SUMMARY", "Importance over all dates or cells")
        yield table_output("RAIN", "Rain by date")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Dates or cells")
        for rmse, r2, folds in _NUMBERS.values():
            yield QgsProcessingOutputNumber(rmse, f"Median RMSE, {folds}")
            yield QgsProcessingOutputNumber(r2, f"Median R2, {folds}")

    def validate(self, values: Values) -> None:
        values.period()
        parse_nodata(values.text("NODATA"))
        _settings(values)
        growing_threads(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        settings, selection = _settings(values), row_selection(values)
        log_seasons(values, progress)
        table = matrix_table(values, selection, progress)
        wet = rain_names(table, split_names(values.text("RAIN_COVARIATES")))
        if values.optional_integer("PERIOD") is None:
            settings = with_period(settings, table, selection, progress)
        settings, warnings = with_blocks(settings, table, values.given("BLOCKS"), progress)
        for warning in warnings:
            progress.warn(warning)
        output = values.output("OUTPUT")
        report = values.output_file("REPORT") if values.given("REPORT") else ""
        # Nobody can go on with a temporary file of an earlier session.
        work_file = None if values.is_temporary("OUTPUT") else work_file_of(output)
        threads = growing_threads(values.integer("THREADS"))
        run = crossvalidate_table(table, settings, work_file, selection, threads, progress.part(0.0, 0.95))
        settings, run.warnings = run.settings, warnings
        summary = summarise(run.results, settings)
        rain = rain_of_rows(table, wet, selection, progress) if report or values.given("RAIN") else []
        write_scores(output, run)
        outputs = {"OUTPUT": output, "COUNT": len(run.keys), **_numbers(run)}
        tables = {
            "SUMMARY": lambda path: write_summary(path, summary),
            "CHOICES": lambda path: write_choices(path, run),
            "IMPORTANCE": lambda path: write_importance(path, run),
            "IMPORTANCE_SUMMARY": lambda path: write_importance_summary(
                path, summarise_rises(run.results, settings, run.covariate_names)
            ),
            "RAIN": lambda path: write_rain(path, rain),
        }
        outputs.update(write_tables(values, tables))
        if report:
            progress.set_text("Drawing the report")
            sources = _manifest(values, table, run, selection, progress)
            page = crossvalidation_page(run, summary, rain, sources, footer("Cross-validation"))
            outputs.update(write_report(report, page))
        forget_work(work_file)
        _say(run, outputs, table.cell_size or "the size of the cells", progress)
        return outputs


def _parameters() -> Iterable[Any]:
    """Mode, folds, hyper-parameters, grids, dates, seasons.

    No least values for the folds: out of range, the settings say more than QGIS does.
    """
    yield choice("MODE", "Forests", MODES, BY_DATE)
    yield whole_number("FOLDS", "Folds", 10, 0)
    yield whole_number("REPEATS", "Repeats", 1, 0)
    yield decimal("BLOCKS", "Side of the spatial blocks, km (0: none)", None, 0.0)
    yield whole_number("PERIOD", "Days held out together (by cell, pooled)", None, 0)
    yield advanced(whole_number("GAP", "Days left out beside them (by cell, pooled)", 0, 0))
    yield from feature_parameters()
    yield from forest_parameters()
    yield from grid_parameters()
    yield from period_parameters()
    yield from season_parameters()
    yield advanced(whole_number("INNER_FOLDS", "Folds of the choice from the grids", 5, 0))
    yield advanced(whole_number("MINIMUM_CELLS", "Minimum cells per date (by date)", None, 2))
    yield advanced(whole_number("MINIMUM_DATES", "Minimum dates per cell (by cell)", None, 2))
    yield advanced(whole_number("MAXIMUM_ROWS", "Maximum rows per date (pooled)", None, 1))
    yield advanced(whole_number("MEMORY", "Memory for the rows, MB (pooled)", 4096, 16))
    yield advanced(choice("ENGINE", "Program that grows the forests", (FASTEST, SCIKIT_LEARN)))


def _settings(values: Values) -> ValidationSettings:
    """What they were set to; an empty PERIOD or BLOCKS is still to be resolved."""
    wet, dry = values.seasons()
    settings = ValidationSettings(
        folds=values.integer("FOLDS"),
        repeats=values.integer("REPEATS"),
        block_km=values.number("BLOCKS") if values.given("BLOCKS") else _DEFAULT_BLOCK_KM,
        candidates=grid_candidates(values),
        inner_folds=values.integer("INNER_FOLDS"),
        seed=values.integer("SEED"),
        mode=values.choice("MODE"),
        gap=values.integer("GAP"),
        features=feature_settings(values),
        importance=any(values.given(name) for name in ("IMPORTANCE", "IMPORTANCE_SUMMARY", "REPORT")),
        wet=tuple(sorted(wet)),
        dry=tuple(sorted(dry)),
        engine=values.choice("ENGINE"),
    )
    period = values.optional_integer("PERIOD")
    return settings if period is None else replace(settings, period=period)


def _numbers(run: ValidationRun) -> dict[str, float]:
    over = run.settings.words.over[0]
    return {
        output: median_of(run.results, scheme, over, score)
        for scheme in run.settings.schemes
        for output, score in zip(_NUMBERS[scheme], ("rmse", "r2"))
    }


def _manifest(
    values: Values, table: MatrixTable, run: ValidationRun, selection: RowSelection, progress: Progress
) -> dict[str, Mapping[str, object]]:
    settings = run.settings
    base = settings.candidates[0].settings
    grids = {name: values.text(name) for name in GRIDS if values.text(name)}
    if settings.mode == POOLED:
        least = {"maximum rows per date": selection.maximum_rows or "all"}
    else:
        key, rows = settings.words.key, settings.words.rows
        default = f"min(50, half of the {rows}), at least 20"
        least = {f"minimum {rows} per {key}": selection.minimum_rows or default}
    in_time = {} if settings.mode == BY_DATE else {"period, days": settings.period, "gap, days": settings.gap}
    return manifest(
        {
            **input_file(table.label, table.path, progress),
            "table": table.layer,
            "covariates": ", ".join((*table.covariates, *settings.features.names)),
            **period_used(values, "the table's"),
        },
        {
            "forests": settings.mode,
            "folds": settings.folds,
            "repeats": settings.repeats,
            "side of the blocks, km": f"{settings.block_km:g}" if settings.mode != BY_CELL else "",
            **in_time,
            "folds of the choice": settings.inner_folds if settings.tuned else "",
            "preset": values.choice("PRESET"),
            **base.as_dict(),
            **grids,
            **least,
            **seasons_used(values),
            "numbers that stand for no value": values.text("NODATA"),
            "forests grown with": run.engine,
        },
    )


def _say(run: ValidationRun, outputs: dict[str, Any], at: str, progress: Progress) -> None:
    settings = run.settings
    medians = "; ".join(
        f"{scheme_text(scheme, settings.block_km)} RMSE {outputs[_NUMBERS[scheme][0]]:.4f} m3 m-3, "
        f"R2 {outputs[_NUMBERS[scheme][1]]:.3f}"
        for scheme in settings.schemes
    )
    if settings.mode == POOLED:
        head = f"{counted(run.results[0].n, 'row was', 'rows were')} validated as one"
    else:
        key, keys = settings.words.key, settings.words.over[0]
        head = (
            f"{counted(outputs['COUNT'], f'{key} was', f'{keys} were')} validated, "
            f"{counted(len(run.skipped), 'was', 'were')} left out. Medians over the {keys}"
        )
    progress.log(f"{head}: {medians}. A low error at {at} is not skill at 100 m.")
