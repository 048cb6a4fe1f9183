"""The regression matrix as an input: its parameters, and the table that they make."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import Qgis, QgsProcessingParameterDefinition, QgsProcessingParameterField

from ....base.covariate_names import split_names
from ....base.matrix_columns import KEY_COLUMNS, RESPONSE
from ....base.nodata import parse_nodata
from ....base.progress import Progress
from ....tables.geopackage import check_whole
from ....toolbox.layer_tables import layer_table
from ....toolbox.parameters import nodata_parameter
from ....toolbox.values import Values
from ..look import looked_through
from ..read import MatrixTable, RowSelection, open_matrix


def matrix_table_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """Which fields are covariates, and what in them is no value; see `matrix_table`."""
    yield QgsProcessingParameterField(
        "FIELDS",
        "Covariates (empty: all)",
        parentLayerParameterName="INPUT",
        type=Qgis.ProcessingFieldParameterDataType.Any,
        allowMultiple=True,
        optional=True,
    )
    yield nodata_parameter()


def covariates_named(values: Values) -> list[str]:
    """FIELDS: a list of fields, or a text of names with commas between."""
    return [name for text in values.texts("FIELDS") for name in split_names(text) if name]


def matrix_table(values: Values, selection: RowSelection, progress: Progress) -> MatrixTable:
    """The table of INPUT with its FIELDS, looked through with NODATA.

    Raises
    ------
    InputError
        If it is no regression matrix, or its numbers cannot be true.
    """
    named = covariates_named(values)
    needed = (*KEY_COLUMNS, RESPONSE, *named) if named else ()
    path, layer, label = layer_table(values, "INPUT", progress, needed)
    check_whole(path, label, progress)
    table = open_matrix(path, layer, label, progress, named)
    return looked_through(table, selection, parse_nodata(values.text("NODATA")), progress)
