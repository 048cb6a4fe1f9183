"""fillgaps: a daily coarse series from forests by cell, and how far to trust it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterFolderDestination,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.threads import growing_threads
from ...base.words import counted
from ...methods.file.reader import open_models
from ...runs.journal import remove_work_files, work_file_of
from ...series.dated import check_window
from ...series.series import open_series
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter, area_used, check_area, read_area
from ...toolbox.layers import Dated, SeriesDestination, check_series, write_series
from ...toolbox.parameters import (
    date_parameter,
    dated_covariates,
    minimum_covered,
    model_file,
    scheduler,
    series_folder,
    whole_number,
    window_and_rain,
)
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import (
    dated_covariates_used,
    files_used,
    footer,
    manifest,
    report_parameter,
    series_used,
    table_output,
    titled,
    write_report,
)
from ...toolbox.values import Values
from .day_files import read_course
from .fill import FillSettings, fill_gaps
from .inputs import GapInputs, check_gaps
from .numbers.hidden import HidingSettings
from .numbers.outcome import COUNT_TEXTS, GapReport
from .numbers.scores import FOREST, LINEAR, MEDIAN, GapScore, typical_cells
from .numbers.verdict import gaps_verdict, overall, verdict
from .outcome import write_counts, write_gap_scores
from .report import gaps_page


class FillGaps(SmapAlgorithm):
    """The paper's temporal disaggregation (2.3.1 and Conclusions)."""

    ID = "fillgaps"
    GROUP = "maps"
    FIRST = ("SMAP", "FORESTS", "DYNAMIC", "START", "END", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield series_folder("SMAP", "SMAP series")
        yield model_file(description="Model file (by cell)")
        yield from dated_covariates()
        yield area_parameter()
        yield date_parameter("START", "First day")
        yield date_parameter("END", "Last day")
        # No least values here: out of range, `validate` says more than QGIS does.
        yield whole_number("PERIOD", "Days of a hidden run (for scores and report)", 10, 0)
        yield whole_number("FOLDS", "Folds", 5, 0)
        yield whole_number("VALIDATION_CELLS", "Most cells with hidden days (0: all)", 200, 0)
        yield whole_number("SEED", "Seed of the hidden runs", 1, 0)
        yield minimum_covered()
        yield from window_and_rain()
        yield whole_number("MEMORY", "Memory for covariates (MB)", 512, 16)
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield scheduler()
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Folder of the daily series")
        yield SeriesDestination("SERIES", "Daily series as one temporal layer")
        yield table_output("DAYS", "Counts by day")
        yield table_output("SCORES", "Scores of hidden days")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Days")
        yield QgsProcessingOutputNumber("FILLED", "Filled cells of all days")
        yield QgsProcessingOutputNumber("RMSE", "RMSE of hidden days")
        yield QgsProcessingOutputNumber("R2", "R2 of hidden days, median of the cells")
        yield QgsProcessingOutputNumber("LINEAR_RMSE", "RMSE of hidden days, linear interpolation")

    def validate(self, values: Values) -> None:
        values.period()
        check_area(values)
        check_window(values.integer("WINDOW"))
        values.nodata()
        growing_threads(values.integer("THREADS"))
        _settings(values)
        check_series(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        smap = open_series(values.paths("SMAP"), progress=progress.part(0.0, 0.02))
        share = values.number("MINIMUM_COVERED")
        dynamic = values.dated_covariates(progress.part(0.02, 0.05), share)
        values.require_nodata_names(None, dynamic)
        folder = values.output_folder("OUTPUT")
        threads, memory = growing_threads(values.integer("THREADS")), values.integer("MEMORY")
        with open_models(values.path("FORESTS")) as forests:
            area = read_area(values, progress)
            inputs = GapInputs(smap, forests, dynamic, *values.period(), area)
            if area is not None and inputs.kept is not None:
                area.log_kept(inputs.kept, "SMAP cell", progress)
            found = check_gaps(inputs, progress)
            found.log(progress)
            inputs.warn_of_units(progress)
            settings, work_file = _settings(values), work_file_for(values, folder)
            filling = progress.part(0.05, 0.97)
            report = fill_gaps(inputs, folder, settings, threads, memory, filling, work_file)
            outputs = {
                "OUTPUT": folder,
                "COUNT": len(report.files),
                "FILLED": report.total("filled"),
                "SERIES": write_series(
                    values, folder, smap.grid, report.files, Dated(forests.response_unit), progress
                ),
            }
            outputs |= {**_tables(values, report), **write_preflight_table(values, found)}
            _log_results(report, progress)
            if report.no_error:
                remove_work_files(work_file)
                raise InputError(report.no_error)
            if report.hidden:
                outputs |= _numbers(report.scores)
            if values.given("REPORT"):
                progress.set_text("Drawing the report")
                sections = _manifest(values, inputs, settings, progress)
                shown = [read_course(report.files, cell) for cell in typical_cells(report.hidden)]
                page = gaps_page(report, shown, smap.grid, found, sections, footer("Filled gaps"))
                titled(page, report.files, smap.grid, area)
                outputs.update(write_report(values.output_file("REPORT"), page))
        remove_work_files(work_file)
        return outputs


def work_file_for(values: Values, folder: str) -> Path | None:
    """Where finished cells are kept until all is written: beside the folder, or nowhere.

    Nobody can go on with a temporary folder, and beside some there is no place.
    """
    path = Path(os.path.abspath(folder))
    closed = path.parent.is_dir() and not os.access(path.parent, os.W_OK)
    if values.is_temporary("OUTPUT") or not path.name or closed:
        return None
    return work_file_of(path)


def _settings(values: Values) -> FillSettings:
    hiding = HidingSettings(values.integer("PERIOD"), values.integer("FOLDS"), values.integer("SEED"))
    wanted = values.given("SCORES") or values.given("REPORT")
    return FillSettings(hiding if wanted else None, values.integer("VALIDATION_CELLS"))


def _tables(values: Values, report: GapReport) -> dict[str, str]:
    writers = {
        "DAYS": lambda path: write_counts(path, report.counts),
        "SCORES": lambda path: write_gap_scores(path, report.scores, report.period),
    }
    if report.no_error:
        del writers["SCORES"]
    written = {name: values.output(name) for name in writers if values.output(name)}
    for name, path in written.items():
        writers[name](path)
    return written


def _log_results(report: GapReport, progress: Progress) -> None:
    counts = "; ".join(f"{words}: {report.total(name):,}" for name, words in COUNT_TEXTS.items())
    progress.log(
        f"{counted(len(report.files), 'day')}, {len(report.kept):,} of them from an earlier run. {counts}"
    )
    if report.hidden:
        progress.log(verdict(report.hidden, report.scores, report.period))
        where = gaps_verdict(report.scores, report.filled_at)
        if where:
            progress.log(where)


def _numbers(rows: Sequence[GapScore]) -> dict[str, float]:
    pooled, medians = overall(rows), overall(rows, MEDIAN)
    return {"RMSE": pooled[FOREST].rmse, "R2": medians[FOREST].r2, "LINEAR_RMSE": pooled[LINEAR].rmse}


def _manifest(
    values: Values, inputs: GapInputs, settings: FillSettings, progress: Progress
) -> dict[str, Mapping[str, object]]:
    forests = inputs.forests
    return manifest(
        {
            **series_used({"SMAP series": inputs.smap}, progress),
            **files_used({"model file": str(forests.path)}, progress),
            **dated_covariates_used(inputs.dynamic, progress),
            "covariates of the forests": ", ".join(forests.names),
            **area_used(inputs.area),
        },
        {
            "first day": inputs.dates[0],
            "last day": inputs.dates[-1],
            "days of a hidden run": settings.period,
            "folds": values.integer("FOLDS"),
            "maximum number of cells with hidden days": settings.most_cells or "all",
            "minimum covered share of a cell": values.number("MINIMUM_COVERED"),
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
            "numbers that stand for no value": values.text("NODATA"),
            "seed of the hidden runs": values.integer("SEED"),
            **forests.settings.as_dict(),
        },
    )
