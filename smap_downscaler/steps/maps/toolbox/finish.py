"""What is done to maps beside the prediction: the parameters, how they are read, what reports say of them."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import QgsProcessingParameterBoolean, QgsProcessingParameterDefinition

from ....base.progress import SILENT, Progress
from ....methods.base import DETAILS
from ....series.series import Series, open_series
from ....toolbox.parameters import choice, decimal, series_folder
from ....toolbox.values import Values
from ..consistency import Finish
from ..inputs import MapInputs

_NONE, _EXACT = "none", "exact"


def finish_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """SMAP, CONSISTENCY, RESIDUAL, FOOTPRINT, NOISE, DETAIL and EVERY_DAY."""
    yield series_folder("SMAP", "SMAP series, to hold the maps against", optional=True)
    yield choice("CONSISTENCY", "Agreement with SMAP over its cells", (_NONE, _EXACT))
    yield QgsProcessingParameterBoolean("RESIDUAL", "Add what forests leave of SMAP, as a field", False)
    # No least values here: out of range, `Finish` says more than QGIS does.
    yield decimal("FOOTPRINT", "Footprint of SMAP (km; for the residual)", 0.0)
    yield decimal("NOISE", "Noise of SMAP (m3 m-3; for the residual)", None)
    yield choice("DETAIL", "Pattern within cells (area-to-point models)", DETAILS)
    yield QgsProcessingParameterBoolean("EVERY_DAY", "Days without SMAP too (area-to-point models)", False)


def read_finish(values: Values, progress: Progress = SILENT) -> Finish:
    """What is done to the maps; what has no effect is warned of.

    Raises
    ------
    InputError
        For numbers out of their range.
    """
    found = Finish(
        values.flag("RESIDUAL"),
        values.choice("CONSISTENCY") == _EXACT,
        values.number("FOOTPRINT"),
        values.number("NOISE") if values.given("NOISE") else None,
    )
    if not found.residual and (found.noise is not None or (found.footprint_km and not found.exact)):
        progress.warn(
            "FOOTPRINT and NOISE are for RESIDUAL, which is off: they change nothing; for area-to-point "
            "models give them where these are trained"
        )
    return found


def read_smap(values: Values, progress: Progress) -> Series | None:
    """The SMAP series, where one is given.

    Raises
    ------
    InputError
        As `open_series`.
    """
    return open_series(values.paths("SMAP"), progress=progress) if values.given("SMAP") else None


def finish_used(values: Values, inputs: MapInputs) -> dict[str, object]:
    """What was done to the maps, for a manifest; nothing where nobody knows SMAP."""
    finish = inputs.finish
    if inputs.under is None:
        return {}
    used: dict[str, object] = {"agreement with SMAP (CONSISTENCY)": values.choice("CONSISTENCY")}
    if finish.residual:
        used |= {
            "residual of the forests (RESIDUAL)": "added",
            "footprint of SMAP, km": finish.footprint_km,
            "noise of SMAP, m3 m-3": "estimated" if finish.noise is None else finish.noise,
        }
    if inputs.forests.method.sees_cells:
        used["pattern within cells (DETAIL)"] = inputs.detail
        used["days without SMAP too (EVERY_DAY)"] = "yes" if values.flag("EVERY_DAY") else "no"
    return used
