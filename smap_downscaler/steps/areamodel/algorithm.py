"""trainareamodel: the area-to-point model from SMAP and a fine stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from ...base.progress import Progress
from ...base.threads import thread_count
from ...base.words import counted, text
from ...series.dated import check_window
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import (
    dated_covariates,
    period_parameters,
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
    period_used,
    report_parameter,
    series_used,
    table_output,
    titled,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from .numbers.outcome import AreaOutcome
from .preflight import check_area_inputs
from .report import area_page, over_models
from .rows import AreaInputs
from .tables import write_scores, write_terms
from .toolbox.parameters import (
    area_inputs,
    area_model_parameters,
    area_settings,
    area_used_settings,
    check_place,
    place_parameters,
)
from .training import outcome_warnings, train_area_model, unused_sentence


class TrainAreaModel(SmapAlgorithm):
    """The area-to-point model, on two levels or a date at a time."""

    ID = "trainareamodel"
    GROUP = "models"
    FIRST = ("SMAP", "COVARIATES", "DYNAMIC", "LEVELS", "START", "END", "OUTPUT")
    NEEDS = ("sklearn", "scipy")

    def define(self) -> Iterable[Any]:
        yield series_folder("SMAP", "SMAP series")
        yield QgsProcessingParameterRasterLayer("COVARIATES", "Fine stack of covariates")
        yield from dated_covariates()
        yield from area_model_parameters()
        yield from period_parameters()
        yield from place_parameters()
        yield from window_and_rain()
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield scheduler()
        yield QgsProcessingParameterFileDestination(
            "OUTPUT", "Model file", fileFilter="Model files (*.smapmodel)"
        )
        yield table_output("SCORES", "Levels, their scores and shares")
        yield table_output("TERMS_TABLE", "Terms of the covariates")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Models")

    def validate(self, values: Values) -> None:
        values.period()
        check_window(values.integer("WINDOW"))
        thread_count(values.integer("THREADS"))
        area_settings(values)
        check_place(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        inputs = area_inputs(values, listener.part(0.0, 0.05))
        values.require_nodata_names(inputs.stack, inputs.dynamic)
        found = check_area_inputs(inputs, progress)
        found.log(listener)
        output, settings = values.output_file("OUTPUT"), area_settings(values)
        threads = thread_count(values.integer("THREADS"))
        outcome = train_area_model(
            inputs, settings, values.choice("LEVELS"), output, threads, listener.part(0.05, 0.97)
        )
        for sentence in outcome_warnings(inputs, outcome):
            listener.warn(sentence)
        outputs = {"OUTPUT": output, "COUNT": len(outcome.fitted)}
        outputs.update(write_preflight_table(values, found))
        tables = {
            "SCORES": lambda path: write_scores(path, outcome),
            "TERMS_TABLE": lambda path: write_terms(path, outcome),
        }
        outputs.update(write_tables(values, tables))
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            sources = _manifest(values, inputs, progress)
            last = footer("Train area-to-point model")
            page = area_page(outcome, inputs.names, listener.warnings, found, sources, last)
            titled(page, inputs.smap.dates, inputs.smap.grid)
            outputs.update(write_report(values.output_file("REPORT"), page))
        _log_result(outcome, progress)
        return outputs


def _manifest(values: Values, inputs: AreaInputs, progress: Progress) -> dict[str, Mapping[str, object]]:
    files = {"fine stack": inputs.stack.path, **({"mask": inputs.mask.path} if inputs.mask else {})}
    return manifest(
        {
            **files_used(files, progress),
            **series_used({"SMAP": inputs.smap}, progress),
            **dated_covariates_used(inputs.dynamic, progress),
        },
        {
            **period_used(values, "SMAP's"),
            **area_used_settings(values, inputs),
        },
    )


def _log_result(outcome: AreaOutcome, progress: Progress) -> None:
    for note in (unused_sentence(outcome), *outcome.notes):
        if note:
            progress.log(note)
    progress.log(
        text(
            "SMAP's footprint in the model: {} km; its noise: {} m3 m-3",
            over_models(outcome, "footprint_km", ".0f"),
            over_models(outcome, "noise_sd", ".4f"),
        )
    )
    if len(outcome.fitted) == 1:
        for sentence in next(iter(outcome.fitted.values())).evidence:
            progress.log(sentence)
    else:
        progress.log(
            f"{counted(len(outcome.fitted), 'date has', 'dates have')} a model; the pattern within cells is "
            f"supported on {outcome.supported} of them."
        )
    for one in outcome.measured:
        progress.log(one.rule)
