"""createdemodata: a made-up basin with known truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputDefinition,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFolderDestination,
)

from ...base.progress import Progress
from ...base.words import counted
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.layers import load_parameter
from ...toolbox.parameters import date_parameter, decimal, whole_number
from ...toolbox.values import Values
from .files import check_folder, create_demo_data
from .numbers.settings import (
    LEAST_CELLS,
    MOST_CELLS,
    MOST_DAYS,
    MOST_FOOTPRINT_KM,
    MOST_NOISE,
    MOST_SEED,
    YEAR_START,
    DemoSettings,
)
from .toolbox.show import show_demo

_DEFAULT = DemoSettings()


class CreateDemoData(SmapAlgorithm):
    """Create demo data."""

    ID = "createdemodata"
    GROUP = "workflows"
    FIRST = ("DAYS", "START", "LOAD", "OUTPUT")

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        yield whole_number("SEED", "Seed", _DEFAULT.seed, 0, MOST_SEED)
        yield whole_number("DAYS", "Days with SMAP and truth (empty: a year)", None, 1, MOST_DAYS)
        yield date_parameter("START", "First day")
        yield decimal(
            "FOOTPRINT", "SMAP's footprint (km; 0: none)", _DEFAULT.footprint_km, 0, MOST_FOOTPRINT_KM
        )
        yield decimal("NOISE", "SMAP's random error (m3 m-3)", _DEFAULT.noise, 0, MOST_NOISE)
        yield whole_number("CELLS", "Minimum number of SMAP cells", _DEFAULT.cells, LEAST_CELLS, MOST_CELLS)
        yield load_parameter("Show the data in QGIS")
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Folder of the demo data")

    def define_outputs(self) -> Iterable[QgsProcessingOutputDefinition]:
        yield QgsProcessingOutputNumber("COUNT", "Dates that SMAP saw")
        yield QgsProcessingOutputNumber("SMAP_CELLS", "SMAP cells in the basin")

    def validate(self, values: Values) -> None:
        settings = _settings(values)
        settings.validate()
        check_folder(values.output_folder("OUTPUT"), settings.year)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        made = create_demo_data(values.output_folder("OUTPUT"), _settings(values), progress)
        progress.log(
            f"{counted(made.cells, 'SMAP cell')} in the basin, "
            f"{counted(made.dates, 'date')} seen by SMAP; land and soil explain "
            f"{made.explained:.2f} of the true variance within the cells; see {made.folder / 'README.txt'}."
        )
        if values.flag("LOAD") and values.context.project() is not None:
            show_demo(values.context, made.folder, progress)
        return {"OUTPUT": str(made.folder), "COUNT": made.dates, "SMAP_CELLS": made.cells}


def _settings(values: Values) -> DemoSettings:
    days = values.optional_integer("DAYS")
    return DemoSettings(
        seed=values.integer("SEED"),
        days=_DEFAULT.days if days is None else days,
        start=values.date("START") or (YEAR_START if days is None else _DEFAULT.start),
        footprint_km=values.number("FOOTPRINT"),
        noise=values.number("NOISE"),
        cells=values.integer("CELLS"),
        year=days is None,
    )
