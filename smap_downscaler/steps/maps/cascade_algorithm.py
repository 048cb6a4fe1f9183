"""cascade: the forest of one date applied at several resolutions."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.threads import thread_count
from ...base.words import counted
from ...geo.room import check_room
from ...methods.file.reader import ModelFile, open_models
from ...methods.keys import POOLED
from ...series.dated import check_window
from ...series.stack import open_stack
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.landing import MAP
from ...toolbox.layers import add_raster, load_parameter
from ...toolbox.parameters import (
    date_parameter,
    dated_covariates,
    decimal,
    model_file,
    whole_number,
    window_and_rain,
)
from ...toolbox.preflight_output import join_outputs
from ...toolbox.values import Values
from .cascade import make_cascade, parse_resolutions
from .inputs import MapInputs
from .preflight import check_maps
from .toolbox.report_output import report_cascade
from .toolbox.storage import loss, read_storage, storage_parameters
from .toolbox.wanted import check_wanted, read_wanted, wanted_parameters


class Cascade(SmapAlgorithm):
    """Maps of one date at 3 km, 1 km, 250 m and 100 m (paper Fig. 5)."""

    ID = "cascade"
    GROUP = "analysis"
    FIRST = ("FORESTS", "COVARIATES", "DYNAMIC", "DATE", "RESOLUTIONS", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield model_file()
        yield QgsProcessingParameterRasterLayer("COVARIATES", "Fine stack of covariates")
        yield from wanted_parameters()
        yield from dated_covariates()
        yield date_parameter("DATE", "Date")
        yield QgsProcessingParameterString(
            "RESOLUTIONS", "Resolutions (m), separated by commas", "3000, 1000, 250, 100"
        )
        yield from window_and_rain()
        yield decimal("MINIMUM_COVERED", "Least covered share of a cell (0 to 1)", 0.5, 0.0, 1.0)
        yield from storage_parameters()
        yield whole_number("MEMORY", "Memory for blocks (MB)", 512, 16)
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield load_parameter("Show the maps in QGIS")
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Folder of maps")
        yield from join_outputs("Numbers of each resolution's map")

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Number of maps")

    def validate(self, values: Values) -> None:
        parse_resolutions(values.text("RESOLUTIONS"))
        values.date("DATE")
        thread_count(values.integer("THREADS"))
        check_window(values.integer("WINDOW"))
        values.nodata("COVARIATES")
        check_wanted(values)
        read_storage(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        folder = values.output_folder("OUTPUT")
        temporary, listener = QgsProcessingUtils.tempFolder(values.context), WarningKeeper(progress)
        with open_models(values.path("FORESTS")) as forests:
            stack = open_stack(values.raster_path("COVARIATES"), nodata=values.nodata("COVARIATES"))
            dynamic = values.dated_covariates(progress, minimum_share=0.0)
            wanted, storage = read_wanted(values, listener), read_storage(values)
            inputs = MapInputs(forests, stack, dynamic, wanted=wanted, storage=storage)
            values.require_nodata_names(stack, inputs.dynamic)
            check_room(folder, inputs.part.grid, bytes_a_cell=storage.bytes_a_cell)
            date = _date(forests, values.date("DATE"))
            resolutions = parse_resolutions(values.text("RESOLUTIONS"))
            found = check_maps(inputs, [date], progress)
            found.log(listener)
            if lost := loss(storage):
                progress.log(f"Maps are stored as {lost}")
            with tempfile.TemporaryDirectory(prefix="cascade-", dir=temporary) as scratch:
                made = make_cascade(
                    inputs,
                    folder,
                    date,
                    resolutions,
                    scratch,
                    values.number("MINIMUM_COVERED"),
                    thread_count(values.integer("THREADS")),
                    values.integer("MEMORY"),
                    listener,
                )
            warnings = list(dict.fromkeys(listener.warnings))
            tables = report_cascade(values, inputs, date, resolutions, made, found, warnings, progress)
        progress.log(f"{date}: {counted(len(made), 'map')} in {folder}")
        if values.flag("LOAD") and values.context.project() is not None:
            # The finest lies above.
            for side, path in sorted(zip(resolutions, made)):
                add_raster(values.context, path, MAP, f"Soil moisture {date}, {side:g} m")
        return {"OUTPUT": folder, "COUNT": len(made), **tables}


def _date(forests: ModelFile, asked: dt.date | None) -> dt.date:
    noun = forests.method.noun
    if forests.mode == POOLED:
        if asked is None:
            raise InputError(f"{forests.path}: it has one {noun} for all dates; give DATE, the one to map.")
        return asked
    if asked is None and len(forests.dates) > 1:
        raise InputError(
            f"{forests.path}: it has {noun}s of {len(forests.dates)} dates ({forests.dates[0]} to "
            f"{forests.dates[-1]}); give DATE, the one to map."
        )
    date = asked or forests.dates[0]
    if date not in forests.dates:
        raise InputError(
            f"{forests.path}: it has no {noun} of {date} (its {noun}s run from {forests.dates[0]} to "
            f"{forests.dates[-1]}); choose another DATE."
        )
    return date
