"""Under which heading a parameter stands in the dialog below "Advanced Parameters"."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import Qgis, QgsProcessingParameterDefinition

#: What has no other heading.
METHOD = "Method"
#: All optional outputs.
MORE = "More results"
#: Parameters by heading, in the order of the dialog.
_HEADINGS = {
    "Area and dates": "EXTENT AOI MASK CRS RESOLUTION GRID START END DATE DATES REPORT_DATES WET_MONTHS "
    "DRY_MONTHS CUT BORDERS",
    "How inputs are read": "INPUT SMAP STATIONS NODATA VARIABLE BAND FIELDS NAMES DYNAMIC_NAMES WINDOW RAIN "
    "RAIN_COVARIATES CATEGORICAL MINIMUM_COVERED LAYERS GUESS QUALITY ALGORITHM STATION_FIELD DATE_FIELD "
    "X_FIELD Y_FIELD VALUE_FIELD REPLICATE_FIELD STATION_NAMES TIME_ZONE TIME_SHIFT DEPTH THIRD_NAME",
    METHOD: "",
    "Scores and intervals": "FOLDS REPEATS BLOCKS PERIOD GAP INNER_FOLDS VALIDATION_CELLS CROSS_VALIDATION "
    "BOOTSTRAP CONFIDENCE CLASSES CLASSED_BY MINIMUM_DAYS IMPORTANCE_REPEATS INTERVALS APPLICABILITY",
    "How maps are stored": "DATA_TYPE COMPRESSION OVERVIEWS",
    "This computer": "MEMORY THREADS SCHEDULER SAGA_CMD",
    MORE: "LOAD",
}
_HEADING_OF = {name: heading for heading, names in _HEADINGS.items() for name in names.split()}


def heading_of(definition: QgsProcessingParameterDefinition) -> str:
    """The heading of a parameter."""
    return MORE if definition.isDestination() else _HEADING_OF.get(definition.name(), METHOD)


def grouped(
    definitions: Iterable[QgsProcessingParameterDefinition],
) -> dict[str, list[QgsProcessingParameterDefinition]]:
    """The advanced ones of some parameters by heading, both in the order of the dialog."""
    found: dict[str, list[QgsProcessingParameterDefinition]] = {heading: [] for heading in _HEADINGS}
    for definition in definitions:
        if definition.flags() & Qgis.ProcessingParameterFlag.Advanced:
            found[heading_of(definition)].append(definition)
    return {heading: some for heading, some in found.items() if some}
