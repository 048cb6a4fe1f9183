"""downscale: forests applied to fine covariates, one map per date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
)

from ...base.progress import Progress
from ...base.threads import thread_count
from ...base.words import counted
from ...geo.room import check_room
from ...methods.file.reader import open_models
from ...runs.fingerprint import warn_of_other_runs
from ...series.dated import check_window
from ...series.stack import open_stack
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.layers import Dated, SeriesDestination, check_series, write_series
from ...toolbox.parameters import (
    dated_covariates,
    model_file,
    period_parameters,
    scheduler,
    whole_number,
    window_and_rain,
)
from ...toolbox.preflight_output import join_outputs
from ...toolbox.values import Values
from .dates import dates_to_map
from .downscale import make_maps
from .inputs import MapInputs
from .made import tell_beyond
from .preflight import check_maps
from .toolbox.extra import extra_parameters, read_extra
from .toolbox.finish import finish_parameters, read_finish, read_smap
from .toolbox.report_output import report_maps
from .toolbox.storage import loss, read_storage, storage_parameters
from .toolbox.wanted import check_wanted, read_wanted, wanted_parameters


class Downscale(SmapAlgorithm):
    """The maps (paper 2.3.4)."""

    ID = "downscale"
    GROUP = "maps"
    FIRST = ("FORESTS", "COVARIATES", "DYNAMIC", "START", "END", "INTERVALS", "OUTPUT")
    NEEDS = ("sklearn", "scipy", "joblib")

    def define(self) -> Iterable[Any]:
        yield model_file()
        yield QgsProcessingParameterRasterLayer("COVARIATES", "Fine stack of covariates")
        yield from wanted_parameters()
        yield from dated_covariates()
        yield from period_parameters()
        yield from window_and_rain()
        yield from finish_parameters()
        yield from extra_parameters()
        yield QgsProcessingParameterBoolean("CLIP", "Bring maps between 0 and saturation", False)
        yield from storage_parameters()
        yield whole_number("MEMORY", "Memory for blocks (MB)", 1200, 16)
        yield whole_number("THREADS", "Threads (0: all cores)", 0, 0)
        yield scheduler()
        yield QgsProcessingParameterFolderDestination("OUTPUT", "Folder of maps")
        yield SeriesDestination("SERIES", "Maps as one temporal layer")
        yield from join_outputs()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Number of maps")

    def validate(self, values: Values) -> None:
        values.period()
        thread_count(values.integer("THREADS"))
        check_window(values.integer("WINDOW"))
        values.nodata("COVARIATES")
        check_wanted(values)
        read_finish(values)
        read_storage(values)
        # The model file is opened in the background: a large one takes longer than a click should.
        check_series(values)

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        with open_models(values.path("FORESTS")) as forests:
            stack = open_stack(values.raster_path("COVARIATES"), nodata=values.nodata("COVARIATES"))
            # As 'Harmonise covariates' fills fine pixels: by whatever lies in them.
            dynamic = values.dated_covariates(progress, minimum_share=0.0)
            wanted, finish = read_wanted(values, listener), read_finish(values, listener)
            inputs = MapInputs(
                forests,
                stack,
                dynamic,
                read_extra(values),
                values.flag("CLIP"),
                wanted,
                read_smap(values, progress),
                finish,
                values.choice("DETAIL"),
                read_storage(values),
            )
            values.require_nodata_names(stack, inputs.dynamic)
            dates = dates_to_map(inputs, *values.period(), values.flag("EVERY_DAY"), listener)
            part = inputs.part
            folder = values.output_folder("OUTPUT")
            check_room(folder, part.grid, bytes_a_cell=inputs.storage.bytes_a_cell)
            found = check_maps(inputs, dates, progress)
            found.log(listener)
            progress.log(f"{counted(len(dates), 'date')}, of each {part.words('pixels')} mapped")
            if lost := loss(inputs.storage):
                progress.log(f"Maps are stored as {lost}")
            threads, memory = thread_count(values.integer("THREADS")), values.integer("MEMORY")
            report = make_maps(inputs, folder, dates, threads, memory, listener)
            tell_beyond(inputs, report, listener)
            warn_of_other_runs(folder, report.files.values(), inputs.fingerprint, listener)
            tables = report_maps(values, inputs, report, found, listener.warnings, progress)
            unit, filled = forests.response_unit, any(map(inputs.is_filled, report.files))
        progress.log(f"{counted(len(report.files), 'map')}, {len(report.kept)} of them from an earlier run")
        return {
            "OUTPUT": folder,
            "COUNT": len(report.files),
            "SERIES": write_series(
                values, folder, part.grid, report.files, Dated(unit, filled=filled), progress
            ),
            **tables,
        }
