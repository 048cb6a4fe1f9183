"""What the area-to-point model is asked for, and what it is made from, as several algorithms ask for them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qgis.core import (
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ....base.covariate_names import nearest_names, split_names
from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.sources import Mask
from ....methods.area.settings import AreaSettings
from ....series.series import open_series
from ....series.stack import open_stack
from ....toolbox.area import area_parameter, area_used, check_area, read_area
from ....toolbox.parameters import choice
from ....toolbox.values import Values
from ..rows import AreaInputs
from ..training import LEVELS

#: What FOOTPRINT and NOISE are where the model finds them itself.
AUTO = "auto"
#: Kinds of terms.
TERMS = AreaSettings().terms


def area_model_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """LEVELS, FOOTPRINT, NOISE, TERMS, CATEGORICAL."""
    yield choice("LEVELS", "Levels", LEVELS)
    yield QgsProcessingParameterString(
        "FOOTPRINT", "Footprint of SMAP (full width, km; or auto)", AUTO, optional=True
    )
    yield QgsProcessingParameterString("NOISE", "Noise of SMAP (m3 m-3; or auto)", AUTO, optional=True)
    yield QgsProcessingParameterEnum(
        "TERMS",
        "Terms of the covariates",
        options=list(TERMS),
        allowMultiple=True,
        defaultValue=list(TERMS),
        optional=True,
        usesStaticStrings=True,
    )
    yield QgsProcessingParameterString("CATEGORICAL", "Bands that are codes of classes (a, b)", optional=True)


def place_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """MASK, EXTENT and AOI: which pixels and cells count."""
    yield QgsProcessingParameterRasterLayer("MASK", "Mask (urban, water)", optional=True)
    yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
    yield area_parameter()


def area_settings(values: Values) -> AreaSettings:
    """What the parameters of `area_model_parameters` but LEVELS were set to.

    Raises
    ------
    InputError
        For a value out of its range.
    """
    return AreaSettings(
        footprint_km=_number(values, "FOOTPRINT", "the full width in km, such as 33"),
        noise=_number(values, "NOISE", "m3 m-3, such as 0.02"),
        terms=tuple(values.choices("TERMS")) if values.given("TERMS") else TERMS,
        categorical=tuple(name for name in split_names(values.text("CATEGORICAL")) if name),
    )


def check_place(values: Values) -> None:
    """Raise `InputError` for an extent, layer or code that cannot be one; features are not looked at."""
    values.nodata("COVARIATES")
    values.extent("EXTENT")
    check_area(values)


def area_inputs(values: Values, progress: Progress, rain: str = "RAIN") -> AreaInputs:
    """SMAP, COVARIATES, DYNAMIC and what belongs to them, opened; `rain` names those that are rain.

    Raises
    ------
    InputError
        If one cannot be opened, or they do not belong together.
    """
    smap = open_series(values.paths("SMAP"), progress=progress).between(*values.period())
    stack = open_stack(values.raster_path("COVARIATES"), nodata=values.nodata("COVARIATES"))
    # As maps take them: by whatever lies in a pixel.
    dynamic = values.dated_covariates(progress, 0.0, rain)
    mask = Mask(values.raster_path("MASK")) if values.given("MASK") else None
    inputs = AreaInputs(smap, stack, dynamic, values.extent("EXTENT"), read_area(values, progress), mask)
    _check_categorical(values, inputs)
    return inputs


def area_used_settings(values: Values, inputs: AreaInputs) -> dict[str, object]:
    """What models were asked to be, and which cells and layers count, for a manifest."""
    settings = area_settings(values).as_dict()
    return {
        **area_used(inputs.aoi),
        "extent (EXTENT)": values.text("EXTENT") if inputs.extent else "SMAP's",
        "levels": values.choice("LEVELS"),
        "footprint, km": values.text("FOOTPRINT") or AUTO,
        "noise, m3 m-3": values.text("NOISE") or AUTO,
        "terms": ", ".join(settings["terms"]),
        "codes of classes": ", ".join(settings["categorical"]),
        "maximum age of a dated covariate (days)": values.integer("WINDOW"),
        "numbers that stand for no value": values.text("NODATA"),
    }


def _number(values: Values, name: str, what: str) -> float | None:
    written = values.text(name).strip()
    if written.lower() in ("", AUTO):
        return None
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} is '{written}'; give {AUTO}, or {what}.")
    return number


def _check_categorical(values: Values, inputs: AreaInputs) -> None:
    for name in split_names(values.text("CATEGORICAL")):
        if name and name not in inputs.stack.names:
            raise InputError(
                f"CATEGORICAL: {inputs.stack.source} has no band named {name} (it has "
                f"{nearest_names(name, inputs.stack.names)}); correct the name."
            )
