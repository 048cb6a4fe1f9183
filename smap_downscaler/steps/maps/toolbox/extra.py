"""INTERVALS and APPLICABILITY of maps: the parameters, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import QgsProcessingParameterBoolean, QgsProcessingParameterDefinition

from ....toolbox.values import Values
from ..bands import Extra


def extra_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """INTERVALS and APPLICABILITY."""
    yield QgsProcessingParameterBoolean("INTERVALS", "Bands of 90 % intervals and SD", False)
    yield QgsProcessingParameterBoolean("APPLICABILITY", "Bands of how far pixels are from training", False)


def read_extra(values: Values) -> Extra:
    """What maps are to tell beside soil moisture."""
    return Extra(values.flag("INTERVALS"), values.flag("APPLICABILITY"))
