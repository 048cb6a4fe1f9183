"""mapsheet: maps as a picture for print, and as a QGIS print layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.threads import interruptible
from ...geo.datasets import whole_file
from ...report.figure import save_pages
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import check_area
from ...toolbox.landing import MAP, SHAPES, add_layer
from ...toolbox.layers import load_parameter
from ...toolbox.parameters import choice, decimal, period_parameters, series_folder, whole_number
from ...toolbox.reports import table_output
from ...toolbox.values import Values
from .drawing import draw_page
from .table import write_sheet_table
from .toolbox.main_thread import in_main_thread
from .toolbox.make import CASCADE, DAYS, LOCATOR, MadeSheet, check_dates, colours_of, make_sheet
from .toolbox.map_layers import SheetLayers, sheet_layers
from .toolbox.print_layout import SheetLayout


class MapSheet(SmapAlgorithm):
    """Sheets of maps (paper Figs. 1, 5, S2)."""

    ID = "mapsheet"
    GROUP = "analysis"
    FIRST = ("KIND", "SERIES", "SMAP", "AOI", "STATIONS", "DEM", "OUTPUT")
    NEEDS = ("matplotlib",)

    def define(self) -> Iterable[Any]:
        yield choice("KIND", "Kind of sheet", (DAYS, CASCADE, LOCATOR))
        yield series_folder("SERIES", "Maps", optional=True)
        yield QgsProcessingParameterString("DATES", "Dates, separated by commas", optional=True)
        yield from period_parameters()
        yield whole_number("PANELS", "Maximum number of maps (0: all)", 12, 0)
        yield series_folder("SMAP", "SMAP series", optional=True)
        for name, description, kind in (
            ("AOI", "Study area", Qgis.ProcessingSourceType.VectorPolygon),
            ("STATIONS", "Stations", Qgis.ProcessingSourceType.VectorPoint),
        ):
            yield QgsProcessingParameterFeatureSource(name, description, types=[kind], optional=True)
        yield QgsProcessingParameterField(
            "STATION_NAMES", "Names of the stations", parentLayerParameterName="STATIONS", optional=True
        )
        yield QgsProcessingParameterBoolean("CUT", "Only what lies in the study area", defaultValue=False)
        yield QgsProcessingParameterRasterLayer("DEM", "Elevation (locator)", optional=True)
        yield QgsProcessingParameterFeatureSource(
            "BORDERS",
            "Borders (locator)",
            types=[Qgis.ProcessingSourceType.VectorPolygon, Qgis.ProcessingSourceType.VectorLine],
            optional=True,
        )
        yield decimal("MINIMUM", "Lowest value of the colours (maps' unit)", None)
        yield decimal("MAXIMUM", "Highest value of the colours (maps' unit)", None)
        yield QgsProcessingParameterString("TITLE", "Title", optional=True)
        yield whole_number("DPI", "Resolution (dots per inch)", 300, 50, 600)
        yield load_parameter("Show the maps of the sheet in QGIS", False)
        yield QgsProcessingParameterFileDestination(
            "OUTPUT", "Sheet", fileFilter="PNG files (*.png);;PDF files (*.pdf);;SVG files (*.svg)"
        )
        yield table_output("TABLE", "Numbers of the maps")
        for name, description, files in (
            ("LAYOUT", "Print layout template", "QGIS layout templates (*.qpt)"),
            ("PROJECT", "QGIS project with the print layout", "QGIS projects (*.qgz)"),
        ):
            yield QgsProcessingParameterFileDestination(
                name, description, fileFilter=files, optional=True, createByDefault=False
            )

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Number of maps")
        yield QgsProcessingOutputNumber("PAGES", "Number of pages")

    def validate(self, values: Values) -> None:
        check_dates(values)
        colours_of(values)
        if values.choice("KIND") != LOCATOR and not values.given("SERIES"):
            raise InputError("SERIES is empty; give the folder of maps to draw.")
        if values.flag("CUT"):
            if not values.given("AOI"):
                raise InputError("CUT is ticked, but AOI is empty; give the study area, or untick it.")
            check_area(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        made = make_sheet(values, progress.part(0.0, 0.7))
        output = values.output_file("OUTPUT")
        outputs: dict[str, Any] = {"OUTPUT": output, "COUNT": len(made.rows)}
        pages = (draw_page(page) for page in made.pages)
        outputs["PAGES"] = write_pictures(output, pages, values.integer("DPI"), progress)
        table = values.output("TABLE")
        if table:
            write_sheet_table(table, made.rows)
            outputs["TABLE"] = table
        layouts = {name: values.output_file(name) for name in ("LAYOUT", "PROJECT") if values.given(name)}
        if layouts:
            progress.set_text("Making the print layout")
            progress.check()
            layers = sheet_layers(made, values, progress).give_to_main_thread()
            # Not in postProcessAlgorithm: QGIS takes the run for good by then, whatever is raised there.
            in_main_thread(lambda: write_layout(made, layers, layouts))
        if values.flag("LOAD") and values.context.project() is not None:
            for layer in sheet_layers(made, values, progress).all():
                is_map = layer.type() == Qgis.LayerType.Raster
                add_layer(values.context, layer, MAP if is_map else SHAPES)
        return outputs | layouts


def write_layout(made: MadeSheet, layers: SheetLayers, files: dict[str, str]) -> None:
    layout = SheetLayout(made.title, made.crs, layers)
    try:
        for page in made.pages:
            layout.add_page(page)
        layout.write(files.get("LAYOUT", ""), files.get("PROJECT", ""))
    finally:
        layout.close()


def write_pictures(path: str, pages: Iterator[Any], dpi: int, progress: Progress) -> int:
    """Write a .pdf of all pages, or a .png or .svg a page (`name_2.png` ...); returns the number of pages."""
    count = 0

    def call(step: Callable[[], Any]) -> Any:
        # matplotlib cannot be stopped within a page.
        return interruptible(step, progress)

    def checked() -> Iterator[Any]:
        nonlocal count
        while (page := call(lambda: next(pages, None))) is not None:
            count += 1
            progress.set_text(f"Drawing page {count}")
            progress.check()
            yield page

    if Path(path).suffix.lower() == ".pdf":
        with whole_file(path) as part:
            save_pages(part, checked(), dpi, call)
        return count
    for page in checked():
        name = (
            path if count == 1 else str(Path(path).with_name(f"{Path(path).stem}_{count}{Path(path).suffix}"))
        )
        with whole_file(name) as part:
            save_pages(part, [page], dpi, call)
        progress.log(f"Page {count}: {name}")
    return count
