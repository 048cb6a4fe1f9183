"""comparemaps: maps held against a reference, beside bilinear and nearest interpolation of SMAP."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingOutputNumber

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.to_fine_grid import AREA_MEAN, BILINEAR, COPIED
from ...preflight.layer_check import Preflight, dates_text
from ...report.page import Page
from ...series.series import Series, open_series, undated_raster
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import period_parameters, series_folder, table_destination, variable
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.reports import (
    footer,
    manifest,
    period_used,
    report_parameter,
    series_used,
    titled,
    write_report,
)
from ...toolbox.values import Values
from .compare import Compared, compare, write_scores
from .compare_report import comparison_page, sentences
from .numbers.closure import LEAST_COVERED
from .numbers.comparison import BILINEAR as SMAP_BILINEAR
from .numbers.comparison import MAPS, Comparison
from .preflight import check_comparison

#: What is done to a reference on another grid, in words.
_WAYS = {
    COPIED: "on the pixels of the maps",
    AREA_MEAN: "finer than the maps: averaged over their pixels",
    BILINEAR: "coarser than the maps: interpolated, so that finer detail of the maps counts as error",
}


class CompareMaps(SmapAlgorithm):
    """Scores of maps against any reference."""

    ID = "comparemaps"
    GROUP = "analysis"
    FIRST = ("INPUT", "REFERENCE", "SMAP", "START", "END", "OUTPUT")

    def define(self) -> Iterable[Any]:
        yield series_folder("INPUT", "Soil moisture maps (series)")
        yield series_folder("REFERENCE", "Reference (series or one raster)")
        yield series_folder("SMAP", "SMAP series", optional=True)
        yield variable("Variable of the reference")
        yield from period_parameters()
        yield table_destination("OUTPUT", "Scores by date")
        yield preflight_output()
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Dates compared")
        yield QgsProcessingOutputNumber("RMSE", "RMSE of the maps, m3 m-3")
        yield QgsProcessingOutputNumber("BILINEAR_RMSE", "RMSE of bilinear interpolation of SMAP, m3 m-3")

    def validate(self, values: Values) -> None:
        values.period()
        given = [Path(path).resolve() for path in values.paths("REFERENCE")]
        for name in ("INPUT", "SMAP"):
            for path in values.paths(name):
                if Path(path).resolve() in given:
                    raise InputError(
                        f"REFERENCE: {path} is given as {name} too; give what the maps are to be held "
                        "against."
                    )

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        compared = _compared(values, progress.part(0.0, 0.1))
        dates = compared.dates(listener)
        found_before = check_comparison(compared, dates, progress)
        found_before.log(listener)
        found = compare(compared, dates, listener.part(0.1, 0.95))
        output = values.output("OUTPUT")
        write_scores(output, found)
        outputs = {"OUTPUT": output, "COUNT": len(found.dates)}
        means = found.means()
        outputs["RMSE"] = means[MAPS].values["rmse"]
        if SMAP_BILINEAR in means:
            outputs["BILINEAR_RMSE"] = means[SMAP_BILINEAR].values["rmse"]
        outputs |= write_preflight_table(values, found_before)
        if values.given("REPORT"):
            progress.set_text("Drawing the report")
            warnings = list(dict.fromkeys(listener.warnings))
            page = _page(values, compared, found, warnings, found_before, progress)
            outputs |= write_report(values.output_file("REPORT"), titled(page, found.dates))
        for sentence in sentences(found):
            progress.log(sentence)
        return outputs


def _compared(values: Values, progress: Progress) -> Compared:
    maps = open_series(values.paths("INPUT"), progress=progress.part(0.0, 0.4)).between(*values.period())
    given, variables = values.paths("REFERENCE"), values.variables()
    reference = undated_raster(given[0], maps.dates, variables) if len(given) == 1 else None
    if reference is None:
        reference = open_series(given, progress=progress.part(0.4, 0.8), variables=variables)
    smap: Series | None = None
    if values.given("SMAP"):
        smap = open_series(values.paths("SMAP"), progress=progress.part(0.8, 1.0))
    return Compared(maps, reference, smap)


def _page(
    values: Values,
    compared: Compared,
    found: Comparison,
    warnings: list[str],
    before: Preflight,
    progress: Progress,
) -> Page:
    maps, reference, smap = compared.maps, compared.reference, compared.smap
    facts = [
        ("Maps", maps.source),
        ("Reference", reference.source),
        ("SMAP", smap.source if smap else "not given"),
        ("Dates compared", dates_text(list(found.dates))),
        ("Pixels of the reference", _WAYS[compared.way]),
    ]
    inputs = series_used({"maps": maps, "reference": reference, "SMAP": smap}, progress)
    settings = {
        "variable of the reference": values.text("VARIABLE"),
        "least share of a SMAP cell that a map covers, for the closure": LEAST_COVERED,
    }
    sections = manifest({**inputs, **period_used(values, "that of the maps")}, settings)
    return comparison_page(found, facts, warnings, before, sections, footer("Compare maps with a reference"))
