"""How maps are stored: the parameters, how they are read, what log and reports say of the loss."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import QgsProcessingParameterBoolean, QgsProcessingParameterDefinition

from ....base.words import Text, text
from ....geo.geotiff import check_compression
from ....geo.storage import COMPRESSIONS, DATA_TYPES, STEP, Storage
from ....toolbox.parameters import choice
from ....toolbox.values import Values


def storage_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """DATA_TYPE, COMPRESSION and OVERVIEWS."""
    yield choice("DATA_TYPE", "Type of the numbers (int16: steps of 0.0001)", DATA_TYPES)
    yield choice("COMPRESSION", "Compression of the maps", COMPRESSIONS)
    yield QgsProcessingParameterBoolean("OVERVIEWS", "Overviews in the maps, for quick drawing", False)


def read_storage(values: Values) -> Storage:
    """How maps are to be stored.

    Raises
    ------
    InputError
        If GDAL cannot do that here.
    """
    found = Storage(values.choice("DATA_TYPE"), values.choice("COMPRESSION"), values.flag("OVERVIEWS"))
    check_compression(found)
    return found


def loss(storage: Storage) -> Text | None:
    """What is lost by how maps are stored; None for nothing."""
    if not storage.counts_steps:
        return None
    return text(
        "{} in steps of {:g} m3 m-3: each value is off by up to {:.5f}, and so may be means over SMAP's "
        "cells, also where CONSISTENCY is 'exact'",
        storage.data_type,
        STEP,
        STEP / 2,
    )


def storage_used(storage: Storage) -> dict[str, object]:
    """How maps were stored, for a manifest."""
    return {
        "type of the maps' numbers (DATA_TYPE)": storage.data_type,
        "compression of the maps (COMPRESSION)": storage.compression,
        "overviews in the maps (OVERVIEWS)": "yes" if storage.overviews else "no",
    }


def storage_facts(storage: Storage) -> list[tuple[str, str]]:
    """What a report says of the loss; nothing where there is none."""
    found = loss(storage)
    return [] if found is None else [("Stored as", found)]
