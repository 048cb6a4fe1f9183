"""The preflight as an optional table: a row a layer, shares from 0 to 1, shifts in cells."""

from __future__ import annotations

from qgis.core import QgsProcessingParameterDefinition

from ..preflight.layer_check import Preflight
from ..tables.geopackage import REAL, TEXT, create_table
from .reports import table_output
from .values import Values

_REALS = (
    "cell_width", "cell_height", "shift_down", "shift_right", "covered", "nodata", "minimum", "maximum",
)  # fmt: skip
_FIELDS = {"layer": TEXT, "crs": TEXT, **dict.fromkeys(_REALS, REAL), "dates": TEXT, "notes": TEXT}


def preflight_output() -> QgsProcessingParameterDefinition:
    """The preflight as a table."""
    return table_output("PREFLIGHT", "Preflight as a table")


def write_preflight_table(values: Values, found: Preflight) -> dict[str, str]:
    """Write the preflight's table where it is asked for; returns it as an output."""
    path = values.output("PREFLIGHT")
    if not path:
        return {}
    with create_table(path, "preflight", _FIELDS) as table:
        for row in found.rows:
            shift = row.shift or (None, None)
            numbers = (*row.cell, *shift, row.covered, row.nodata, row.low, row.high)
            table.write([(row.name, row.crs, *numbers, row.dates, row.remarks)])
    return {"PREFLIGHT": path}
