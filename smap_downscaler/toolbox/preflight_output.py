"""The preflight as an optional table."""

from __future__ import annotations

from qgis.core import QgsProcessingParameterDefinition

from ..preflight.look import Preflight
from ..preflight.table import write_preflight
from .reports import table_output
from .values import Values


def preflight_output() -> QgsProcessingParameterDefinition:
    """The preflight as a table."""
    return table_output("PREFLIGHT", "Preflight as a table")


def write_preflight_table(values: Values, found: Preflight) -> dict[str, str]:
    """Write the preflight's table where it is asked for; returns it as an output."""
    path = values.output("PREFLIGHT")
    if not path:
        return {}
    write_preflight(path, found.rows)
    return {"PREFLIGHT": path}
