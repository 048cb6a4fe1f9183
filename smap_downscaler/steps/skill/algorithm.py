"""skillexperiment: maps held against a truth that is known, by test A or one scale up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...base.covariate_names import split_names
from ...base.errors import InputError, check_least
from ...base.progress import Progress
from ...geo.ground import ground_size
from ...methods.area.settings import MOST_NOISE, WIDEST_KM
from ...runs.fingerprint import contents, fingerprint
from ...runs.journal import Journal, work_file_of
from ...series.dated import DatedCovariate, check_window
from ...series.series import Series, open_series
from ...series.stack import Stack, open_stack
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import (
    choice,
    dated_covariates,
    decimal,
    minimum_covered,
    period_parameters,
    series_folder,
    table_destination,
    whole_number,
    window_and_rain,
)
from ...toolbox.reports import (
    dated_covariates_used,
    files_used,
    footer,
    manifest,
    report_parameter,
    series_used,
    table_output,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from .contenders import CONTENDERS, LEAST_DATES, TWO_LEVELS
from .from_files import OfStack, coarse_series
from .known_truth import KnownTruth, run_known_truth
from .numbers.scores import KNOWN_TRUTH, ONE_SCALE_UP, TESTS
from .numbers.truths import FLIP, MILD, STRONG, TRUTHS
from .numbers.verdict import Outcome, best_of, standings, verdict
from .report import skill_page
from .scale_up import ScaleUp, interpolated_cells, retrieval_inputs, run_scale_up
from .scene import MadeUp
from .tables import write_cases, write_maps

LIKELIHOOD, GIVEN = "by likelihood", "given"


class SkillExperiment(SmapAlgorithm):
    """Is the fine pattern real? (beyond the paper)"""

    ID = "skillexperiment"
    GROUP = "analysis"
    FIRST = ("TEST", "COVARIATES", "SMAP", "DYNAMIC", "METHODS", "SEEDS", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield choice("TEST", "Test", TESTS)
        yield QgsProcessingParameterRasterLayer(
            "COVARIATES", "Fine stack of covariates (empty: made-up ones)", optional=True
        )
        yield series_folder("SMAP", "SMAP series (one scale up)", optional=True)
        yield from dated_covariates()
        yield _several("METHODS", "Methods (none: all)", CONTENDERS, None)
        yield _several("TRUTHS", "Kinds of truth", TRUTHS, [MILD, FLIP, STRONG])
        yield QgsProcessingParameterString("SHARES", "Variance made by covariates (0 to 1)", "0.2, 0.4, 0.6")
        yield QgsProcessingParameterString("FOOTPRINT", "Footprints of SMAP (km)", "0, 33")
        yield QgsProcessingParameterString("DATES", "Numbers of dates", "12")
        yield whole_number("SEEDS", "Seeds (repetitions)", 1, 1)
        yield from period_parameters()
        yield from _more_parameters()
        yield minimum_covered()
        yield from window_and_rain()
        yield table_destination("OUTPUT", "Scores by case and method")
        yield table_output("MAPS", "Scores by map")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Maps")
        yield QgsProcessingOutputNumber("BEST_RATIO", "RMSE of the best method over that of bilinear")

    def validate(self, values: Values) -> None:
        values.period()
        check_window(values.integer("WINDOW"))
        values.nodata("COVARIATES")
        if values.choice("TEST") == KNOWN_TRUTH:
            _known_truth(values)
            if values.given("DYNAMIC") and not values.given("COVARIATES"):
                raise InputError(
                    "DYNAMIC is given without COVARIATES; give the fine stack too, or leave it empty."
                )
        else:
            _scale_up(values)
            lacking = [name for name in ("SMAP", "COVARIATES") if not values.given(name)]
            if lacking:
                raise InputError(
                    f"{lacking[0]} is empty; the test one scale up needs a SMAP series and a stack of "
                    "covariates."
                )
            _dates(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        output = values.output("OUTPUT")
        smap = stack = None
        if values.given("SMAP"):
            smap = open_series(values.paths("SMAP"), progress=progress.part(0, 0.02)).between(
                *values.period()
            )
        if values.given("COVARIATES"):
            stack = open_stack(values.raster_path("COVARIATES"), nodata=values.nodata("COVARIATES"))
        share = values.number("MINIMUM_COVERED")
        dynamic = values.dated_covariates(progress.part(0.02, 0.04), share)
        values.require_nodata_names(stack, dynamic)
        # Nobody can go on with a temporary file of an earlier session.
        journal = Journal(None if values.is_temporary("OUTPUT") else work_file_of(output))
        inputs = _inputs(values, smap, stack, dynamic)
        part = listener.part(0.04, 0.98)
        try:
            if values.choice("TEST") == KNOWN_TRUTH:
                outcome = _of_known_truth(values, smap, stack, dynamic, part, journal, inputs)
            else:
                outcome = _of_scale_up(values, smap, stack, dynamic, part, journal, inputs)
        finally:
            journal.close()
        write_cases(output, outcome.cases)
        tables = {"MAPS": lambda path: write_maps(path, outcome.maps)}
        outputs: dict[str, Any] = {
            "OUTPUT": output,
            "COUNT": len(outcome.maps),
            "BEST_RATIO": min(best_of(standings(outcome.telling(dates))).ratio for dates in outcome.dates),
            **write_tables(values, tables),
        }
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            outcome.warnings.extend(listener.warnings)
            sources = _manifest(values, smap, stack, dynamic, progress)
            page = skill_page(outcome, sources, footer("Skill experiment"))
            outputs.update(write_report(values.output_file("REPORT"), page))
        journal.clear()
        for words in verdict(outcome):
            progress.log(words)
        return outputs


def _several(name: str, description: str, options: Iterable[str], default: Any) -> QgsProcessingParameterEnum:
    """Several of some texts."""
    return QgsProcessingParameterEnum(
        name,
        description,
        options=list(options),
        allowMultiple=True,
        defaultValue=default,
        optional=default is None,
        usesStaticStrings=True,
    )


def _more_parameters() -> Iterable[Any]:
    yield whole_number("FIRST_SEED", "First seed", 1000, 0)
    yield choice("OWN_FOOTPRINT", "Footprint and noise of the two levels", (LIKELIHOOD, GIVEN), LIKELIHOOD)
    yield decimal("NOISE", "Noise of SMAP (m3 m-3)", 0.02, 0.0)
    yield QgsProcessingParameterBoolean("SWATHS", "Each date lacks cells of its own", True)
    yield whole_number("MAPPED", "Dates of each case that are mapped, at most", 3, 1)
    yield whole_number("CELLS", "Made-up covariates: SMAP cells a side", 36, 8, 200)
    yield decimal("PIXEL", "Made-up covariates: side of a pixel (m)", 1000.0, 30.0, 3000.0)
    yield QgsProcessingParameterBoolean("LAKES", "Made-up covariates: with lakes", True)
    yield QgsProcessingParameterBoolean("DATED_RAIN", "Made-up covariates: rain by date", False)
    yield whole_number("FACTOR", "One scale up: cells along a side of a block", 3, 2)
    yield whole_number("BLOCKS", "One scale up: blocks along a side of a window", 20, 8)
    yield whole_number("MOST_WINDOWS", "One scale up: windows, at most", 12, 1)


def _numbers(values: Values, name: str, least: float) -> tuple[float, ...]:
    """Different numbers of a text, from `least` on."""
    found = []
    for part in split_names(values.text(name)):
        try:
            number = float(part)
        except ValueError:
            raise InputError(f"{name}: '{part}' is no number; give numbers separated by commas.") from None
        if not least <= number < float("inf"):
            raise InputError(f"{name} holds {part}; give numbers from {least:g} on.")
        found.append(number)
    if not found:
        raise InputError(f"{name} is empty; give one number or several, separated by commas.")
    return tuple(dict.fromkeys(found))


def _dates(values: Values) -> tuple[int, ...]:
    """Numbers of dates."""
    dates = _numbers(values, "DATES", 1)
    odd = [number for number in dates if number != int(number)]
    if odd:
        raise InputError(f"DATES holds {odd[0]:g}; give whole numbers.")
    return tuple(int(number) for number in dates)


def _known_truth(values: Values) -> KnownTruth:
    dates = _dates(values)
    methods = tuple(values.choices("METHODS"))
    if methods == (TWO_LEVELS,) and max(dates) < LEAST_DATES:
        raise InputError(
            f"METHODS is '{TWO_LEVELS}' alone, which needs {LEAST_DATES} dates or more; give more in DATES."
        )
    shares = _numbers(values, "SHARES", 0.01)
    if max(shares) > 1:
        raise InputError(f"SHARES holds {max(shares):g}; give shares over 0 and at most 1.")
    footprints, noise = _numbers(values, "FOOTPRINT", 0), values.number("NOISE")
    if max(footprints) > WIDEST_KM:
        raise InputError(f"FOOTPRINT holds {max(footprints):g}; give 0 to {WIDEST_KM:g} km.")
    if noise > MOST_NOISE:
        raise InputError(f"NOISE is {noise:g} m3 m-3; give 0 to {MOST_NOISE:g}.")
    first, count = values.integer("FIRST_SEED"), values.integer("SEEDS")
    check_least("SEEDS", count, 1)
    return KnownTruth(
        truths=tuple(values.choices("TRUTHS")),
        shares=shares,
        footprints=footprints,
        dates=dates,
        seeds=tuple(range(first, first + count)),
        methods=methods,
        noise=noise,
        swaths=values.flag("SWATHS"),
        estimated=values.choice("OWN_FOOTPRINT") == LIKELIHOOD,
        mapped=values.integer("MAPPED"),
    )


def _scale_up(values: Values) -> ScaleUp:
    return ScaleUp(
        factor=values.integer("FACTOR"),
        side=values.integer("BLOCKS"),
        windows=values.integer("MOST_WINDOWS"),
        methods=tuple(values.choices("METHODS")),
        estimated=values.choice("OWN_FOOTPRINT") == LIKELIHOOD,
        mapped=values.integer("MAPPED"),
        seed=values.integer("FIRST_SEED"),
    )


def _of_known_truth(
    values: Values,
    smap: Series | None,
    stack: Stack | None,
    dynamic: Sequence[DatedCovariate],
    progress: Progress,
    journal: Journal,
    inputs: str,
) -> Outcome:
    settings = _known_truth(values)
    scenes: MadeUp | OfStack
    if stack is None:
        if smap is not None:
            progress.warn(
                f"SMAP ({smap.source}) is given without COVARIATES, and made-up ones have cells of their "
                "own: it is not used; give the fine stack too."
            )
        scenes = MadeUp(
            values.integer("CELLS"),
            values.number("PIXEL"),
            lakes=values.flag("LAKES"),
            dated_rain=values.flag("DATED_RAIN"),
        )
    else:
        scenes = OfStack(stack, smap.grid if smap else None, dynamic, smap.dates if smap else ())
    maps = run_known_truth(scenes, settings, progress, journal, inputs)
    roles = scenes(settings.seeds[-1], settings.dates[-1], progress).roles
    return Outcome(maps, roles)


def _of_scale_up(
    values: Values,
    smap: Series | None,
    stack: Stack | None,
    dynamic: Sequence[DatedCovariate],
    progress: Progress,
    journal: Journal,
    inputs: str,
) -> Outcome:
    if smap is None or stack is None:
        raise InputError("The test one scale up needs SMAP and COVARIATES.")
    settings = _scale_up(values)
    flatter = retrieval_inputs((*stack.names, *(one.name for one in dynamic)))
    if flatter:
        progress.warn(flatter)
    interpolated = interpolated_cells(smap.grid)
    if interpolated:
        progress.warn(interpolated)
    coarse = coarse_series(smap, stack, dynamic, max(_dates(values)), progress.part(0.0, 0.2))
    maps = run_scale_up(coarse, settings, progress.part(0.2, 1.0), journal, inputs)
    side = math.sqrt(math.prod(ground_size(coarse.grid))) / 1000
    return Outcome(maps, scales=(settings.factor * side, side))


def _inputs(
    values: Values, smap: Series | None, stack: Stack | None, dynamic: Sequence[DatedCovariate]
) -> str:
    """A digest of all that cases depend on beside the settings of the test."""
    names = ("CELLS", "PIXEL", "LAKES", "DATED_RAIN", "WINDOW", "RAIN", "MINIMUM_COVERED", "NODATA", "DATES")
    settings: dict[str, Any] = {name: values.text(name) for name in names}
    settings["names"] = [one.name for one in dynamic]
    series = [*([smap] if smap else []), *(one.series for one in dynamic)]
    settings["series"] = [contents(one.entries) for one in series]
    paths = [*([stack.path] if stack else []), *(entry.path for one in series for entry in one.entries)]
    return fingerprint(dict.fromkeys(paths), settings)


#: Settings in the report, by test.
_TOLD = {
    KNOWN_TRUTH: (
        *("METHODS", "TRUTHS", "SHARES", "FOOTPRINT", "DATES", "SEEDS", "FIRST_SEED"),
        *("OWN_FOOTPRINT", "NOISE", "SWATHS", "MAPPED"),
    ),
    ONE_SCALE_UP: ("METHODS", "DATES", "FACTOR", "BLOCKS", "MOST_WINDOWS", "OWN_FOOTPRINT", "MAPPED"),
}


def _manifest(
    values: Values,
    smap: Series | None,
    stack: Stack | None,
    dynamic: Sequence[DatedCovariate],
    progress: Progress,
) -> Mapping[str, Mapping[str, object]]:
    inputs: dict[str, object] = {"covariates": "made up"}
    if stack is not None:
        inputs = files_used({"covariates": stack.source}, progress)
    inputs |= series_used({"SMAP": smap}, progress) if smap else {}
    inputs |= dated_covariates_used(dynamic, progress)
    settings: dict[str, object] = {"test": values.choice("TEST")}
    made_up = () if stack is not None else ("CELLS", "PIXEL", "LAKES", "DATED_RAIN")
    for name in (*_TOLD[values.choice("TEST")], *made_up):
        label = values.algorithm.parameterDefinition(name).description()
        several = ", ".join(values.choices(name)) if name in ("METHODS", "TRUTHS") else values.text(name)
        settings[label] = several or "all"
    return manifest(inputs, settings)
