"""crossvalidate: how good models are, under folds that flatter and folds that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...base.covariate_names import split_names
from ...base.errors import InputError
from ...base.nodata import parse_nodata
from ...base.progress import Progress
from ...base.threads import growing_threads, thread_count
from ...base.words import counted
from ...geo.lattice import cell_text
from ...methods.area.method import AREA_TO_POINT
from ...methods.base import COVER, Candidate
from ...methods.forest.engines import FASTEST, SCIKIT_LEARN
from ...methods.forest.method import RANDOM_FOREST
from ...methods.keys import BY_CELL, BY_DATE, MODES, POOLED
from ...runs.journal import work_file_of
from ...series.dated import check_window
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import (
    choice,
    dated_covariates,
    decimal,
    period_parameters,
    scheduler,
    season_parameters,
    series_folder,
    table_destination,
    whole_number,
)
from ...toolbox.reports import (
    dated_covariates_used,
    files_used,
    footer,
    input_file,
    log_seasons,
    manifest,
    period_used,
    report_parameter,
    seasons_used,
    series_used,
    table_output,
    titled,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from ..areamodel.preflight import check_area_inputs
from ..areamodel.rows import AreaInputs, area_rows
from ..areamodel.toolbox.parameters import (
    area_inputs,
    area_model_parameters,
    area_settings,
    area_used_settings,
    check_place,
    place_parameters,
)
from ..areamodel.training import chosen_levels
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
from ..rain.numbers.by_date import RainSeries
from ..rain.tables import write_rain
from .journal import forget_work
from .numbers.folds import BLOCKS, LOCATIONS, LOCATIONS_AND_DATES, PERIODS, RANDOM, scheme_text
from .numbers.pieces import COVERAGE
from .numbers.results import ValidationRun, median_of, score_names, summarise, summarise_rises
from .numbers.settings import ValidationSettings
from .read_area import AreaReader, with_footprint, within_stack
from .read_rows import cell_coordinates, rain_names, rain_of_rows, with_blocks, with_period
from .report import crossvalidation_page
from .run import crossvalidate_rows, crossvalidate_table
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
_METHODS = (RANDOM_FOREST.name, AREA_TO_POINT.name)
#: Tables that are made of a regression matrix alone.
_OF_TABLE = ("IMPORTANCE", "IMPORTANCE_SUMMARY", "RAIN")


@dataclass(frozen=True)
class _Task:
    """What is validated.

    Attributes
    ----------
    run : callable
        From the work file and a listener to the run.
    rain : callable
        Gives the rain of the rows.
    sources : callable
        From the run to the sections of the manifest.
    warnings : sequence of str
        Of what may be wrong with the folds, or was found before the work.
    cells : str
        Size of the cells.
    """

    run: Callable[[Path | None, Progress], ValidationRun]
    rain: Callable[[], list[RainSeries]]
    sources: Callable[[ValidationRun], dict[str, Mapping[str, object]]]
    warnings: Sequence[str]
    cells: str


class CrossValidate(SmapAlgorithm):
    """Repeated, nested cross-validation (paper 2.3.3)."""

    ID = "crossvalidate"
    GROUP = "models"
    FIRST = ("METHOD", "INPUT", "SMAP", "COVARIATES", "DYNAMIC", "MODE", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield choice("METHOD", "Method", _METHODS)
        yield QgsProcessingParameterFeatureSource(
            "INPUT",
            "Regression matrix (random forest)",
            types=[Qgis.ProcessingSourceType.Vector],
            optional=True,
        )
        yield from matrix_table_parameters()
        yield from _area_parameters()
        yield from _parameters()
        yield QgsProcessingParameterString(
            "RAIN_COVARIATES", "Covariates that are rain (a, b)", optional=True
        )
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield scheduler()
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
        if values.choice("METHOD") == AREA_TO_POINT.name:
            _check_area(values)
            return
        if not values.given("INPUT"):
            raise InputError(
                f"INPUT is not given; choose the regression matrix, or '{AREA_TO_POINT.name}' as METHOD with "
                "SMAP and COVARIATES."
            )
        _settings(values)
        growing_threads(values.integer("THREADS"))

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        log_seasons(values, progress)
        of_area = values.choice("METHOD") == AREA_TO_POINT.name
        task = _area_task(values, progress) if of_area else _table_task(values, progress)
        output = values.output("OUTPUT")
        report = values.output_file("REPORT") if values.given("REPORT") else ""
        # Nobody can go on with a temporary file of an earlier session.
        work_file = None if values.is_temporary("OUTPUT") else work_file_of(output)
        run = task.run(work_file, progress.part(0.0, 0.95))
        settings, run.warnings = run.settings, list(task.warnings)
        summary = summarise(run.results, settings)
        rain = task.rain() if report or values.given("RAIN") else []
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
            page = crossvalidation_page(run, summary, rain, task.sources(run), footer("Cross-validation"))
            outputs.update(write_report(report, titled(page, run.keys)))
        forget_work(work_file)
        _say(run, outputs, task.cells, progress)
        return outputs


def _table_task(values: Values, progress: Progress) -> _Task:
    """Forests of a regression matrix."""
    settings, selection = _settings(values), row_selection(values)
    table = matrix_table(values, selection, progress)
    wet = rain_names(table, split_names(values.text("RAIN_COVARIATES")))
    if values.optional_integer("PERIOD") is None:
        settings = with_period(settings, table, selection, progress)

    def places() -> np.ndarray:
        return np.array(list(cell_coordinates(table, progress).values()), np.float64).reshape(-1, 2)

    settings, warnings = with_blocks(settings, table.label, places, values.given("BLOCKS"), progress)
    for warning in warnings:
        progress.warn(warning)
    threads = growing_threads(values.integer("THREADS"))
    return _Task(
        lambda work_file, listener: crossvalidate_table(
            table, settings, work_file, selection, threads, listener
        ),
        lambda: rain_of_rows(table, wet, selection, progress),
        lambda run: _manifest(values, table, run, selection, progress),
        warnings,
        table.cell_size or "the size of the cells",
    )


def _area_task(values: Values, progress: Progress) -> _Task:
    """Area-to-point models of SMAP, a fine stack and dated covariates."""
    listener = WarningKeeper(progress)
    if values.given("INPUT"):
        listener.warn(
            f"INPUT is not used with METHOD '{AREA_TO_POINT.name}', which takes SMAP and COVARIATES."
        )
    inputs = area_inputs(values, listener, "RAIN_COVARIATES")
    values.require_nodata_names(inputs.stack, inputs.dynamic)
    check_area_inputs(inputs, listener).log(listener)
    rows = area_rows(inputs, progress)
    levels = chosen_levels(inputs, rows, values.choice("LEVELS"))
    model_settings = with_footprint(area_settings(values), levels, progress)
    levels = chosen_levels(inputs, within_stack(rows, model_settings, progress), levels.levels)
    reader = AreaReader(inputs, levels)
    wet, dry = values.seasons()
    settings = ValidationSettings(
        **_folds(values),
        candidates=(Candidate(model_settings),),
        mode=levels.mode,
        wet=tuple(sorted(wet)),
        dry=tuple(sorted(dry)),
        method=AREA_TO_POINT,
        fine=inputs.fine,
        whole_cells=levels.mode == POOLED,
    )
    settings, warnings = with_blocks(
        settings, reader.label, lambda: reader.places, values.given("BLOCKS"), progress
    )
    for warning in warnings:
        listener.warn(warning)
    threads = thread_count(values.integer("THREADS"))
    return _Task(
        lambda work_file, own: crossvalidate_rows(reader, settings, work_file, threads, own),
        list,
        lambda run: _area_manifest(values, inputs, run, progress),
        listener.warnings,
        f"{cell_text(inputs.smap.grid)} cells",
    )


def _check_area(values: Values) -> None:
    """Raise `InputError` for parameters that the area-to-point model cannot be validated with."""
    for name, what in (("SMAP", "the SMAP series"), ("COVARIATES", "the fine stack")):
        if not values.given(name):
            raise InputError(
                f"{name} is not given, and METHOD is '{AREA_TO_POINT.name}'; choose {what}, or "
                f"'{RANDOM_FOREST.name}' as METHOD."
            )
    for name in _OF_TABLE:
        if values.given(name):
            raise InputError(f"{name}: it is made with METHOD '{RANDOM_FOREST.name}' only; leave it empty.")
    settings = area_settings(values)
    ValidationSettings(**_folds(values), candidates=(Candidate(settings),), mode=POOLED, method=AREA_TO_POINT)
    check_window(values.integer("WINDOW"))
    check_place(values)
    thread_count(values.integer("THREADS"))


def _area_parameters() -> Iterable[Any]:
    """What the area-to-point model is validated with in place of a table."""
    yield series_folder("SMAP", "SMAP series (area-to-point model)", optional=True)
    yield QgsProcessingParameterRasterLayer("COVARIATES", "Fine stack (area-to-point model)", optional=True)
    yield from dated_covariates()
    yield from area_model_parameters()
    yield from place_parameters()
    yield whole_number("WINDOW", "Maximum age of a dated covariate (days)", 0, 0)


def _parameters() -> Iterable[Any]:
    """Mode, folds, hyper-parameters, grids, dates, seasons.

    No least values for the folds: out of range, the settings say more than QGIS does.
    """
    yield choice("MODE", "Forests", MODES, BY_DATE)
    yield whole_number("FOLDS", "Folds", 10, 0)
    yield whole_number("REPEATS", "Repeats", 1, 0)
    yield decimal("BLOCKS", "Side of the spatial blocks (km; 0: none)", None, 0.0)
    yield whole_number("PERIOD", "Days held out together (by cell, pooled)", None, 0)
    yield whole_number("GAP", "Days left out beside them (by cell, pooled)", 0, 0)
    yield from feature_parameters()
    yield from forest_parameters()
    yield from grid_parameters()
    yield from period_parameters()
    yield from season_parameters()
    yield whole_number("INNER_FOLDS", "Folds of the choice from the grids", 5, 0)
    yield whole_number("MINIMUM_CELLS", "Minimum cells per date (by date)", None, 2)
    yield whole_number("MINIMUM_DATES", "Minimum dates per cell (by cell)", None, 2)
    yield whole_number("MAXIMUM_ROWS", "Maximum rows per date (pooled)", None, 1)
    yield whole_number("MEMORY", "Memory for the rows (MB; pooled)", 4096, 16)
    yield choice("ENGINE", "Program that grows the forests", (FASTEST, SCIKIT_LEARN))


def _settings(values: Values) -> ValidationSettings:
    """What they were set to; an empty PERIOD or BLOCKS is still to be resolved."""
    wet, dry = values.seasons()
    settings = ValidationSettings(
        **_folds(values),
        candidates=grid_candidates(values),
        inner_folds=values.integer("INNER_FOLDS"),
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


def _folds(values: Values) -> dict[str, Any]:
    return {
        "folds": values.integer("FOLDS"),
        "repeats": values.integer("REPEATS"),
        "block_km": values.number("BLOCKS") if values.given("BLOCKS") else _DEFAULT_BLOCK_KM,
        "seed": values.integer("SEED"),
    }


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


def _area_manifest(
    values: Values, inputs: AreaInputs, run: ValidationRun, progress: Progress
) -> dict[str, Mapping[str, object]]:
    settings = run.settings
    files = {"fine stack": inputs.stack.path, **({"mask": inputs.mask.path} if inputs.mask else {})}
    return manifest(
        {
            **files_used(files, progress),
            **series_used({"SMAP": inputs.smap}, progress),
            **dated_covariates_used(inputs.dynamic, progress),
        },
        {
            "method": settings.method.name,
            "models": settings.mode,
            "folds": settings.folds,
            "repeats": settings.repeats,
            "side of the blocks, km": f"{settings.block_km:g}",
            "seed": settings.seed,
            **period_used(values, "SMAP's"),
            **area_used_settings(values, inputs),
            **seasons_used(values),
        },
    )


def _say(run: ValidationRun, outputs: dict[str, Any], at: str, progress: Progress) -> None:
    settings = run.settings
    medians = "; ".join(
        f"{scheme_text(scheme, settings.block_km)} RMSE {outputs[_NUMBERS[scheme][0]]:.4f} m3 m-3, "
        f"R2 {outputs[_NUMBERS[scheme][1]]:.3f}{_covered(run, scheme)}"
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


def _covered(run: ValidationRun, scheme: str) -> str:
    if COVERAGE not in score_names(run.results):
        return ""
    share = median_of(run.results, scheme, run.settings.words.over[0], COVERAGE)
    return f", {100 * share:.0f} % within their {100 * COVER:.0f} % interval"
