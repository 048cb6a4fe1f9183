"""EXTENT and AOI of maps: the parameters, how they are read, and what reports say of them."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import QgsProcessingParameterDefinition, QgsProcessingParameterExtent

from ....base.progress import Progress
from ....toolbox.area import area_parameter, area_used, check_area, read_area
from ....toolbox.values import Values
from ..mapped import Wanted


def wanted_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """EXTENT and AOI."""
    yield QgsProcessingParameterExtent("EXTENT", "Extent to map", optional=True)
    yield area_parameter("Area to map (polygons)")


def check_wanted(values: Values) -> None:
    """Raise `InputError` for an extent or a layer that cannot be one; features are not looked at."""
    values.extent("EXTENT")
    check_area(values)


def read_wanted(values: Values, progress: Progress) -> Wanted:
    """What is to be mapped.

    Raises
    ------
    InputError
        As `Values.extent` and `read_area`.
    """
    return Wanted(values.extent("EXTENT"), read_area(values, progress))


def wanted_used(wanted: Wanted) -> dict[str, object]:
    """What was to be mapped, for a manifest; nothing where that was the whole stack."""
    if wanted.extent is None:
        return area_used(wanted.aoi)
    bounds, crs = wanted.extent
    edges = f"{bounds.left:g}, {bounds.right:g}, {bounds.bottom:g}, {bounds.top:g} [{crs[:60]}]"
    return {"extent to map (EXTENT)": edges, **area_used(wanted.aoi)}
