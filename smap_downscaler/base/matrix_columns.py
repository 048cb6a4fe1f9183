"""Columns of the regression matrix: the keys, the response, and covariates that are made from the rows."""

from __future__ import annotations

import re

#: Columns before the covariates.
KEY_COLUMNS = ("date", "row", "col", "x", "y")
RESPONSE = "soil_moisture"
RESPONSE_UNIT = "m3 m-3"
DAY_OF_YEAR = ("doy_sin", "doy_cos")
NEIGHBOURS = ("sm_before", "sm_after", "days_before", "days_after")
#: Names that forests give to covariates of their own making, and no other covariate may have.
DERIVED = frozenset({*DAY_OF_YEAR, *NEIGHBOURS})
#: Names that no covariate may have: other columns of the table, what OGR calls its own, what forests add.
RESERVED = frozenset({*KEY_COLUMNS, RESPONSE, "fid", "ogc_fid", "geom", "geometry", *DERIVED})
#: What QGIS, OGR, ArcGIS, PostGIS, pandas, R and readr call a field that numbers or names the rows of a
#: table, or the layer that they come from; some give a first column no name.
_NUMBERING = re.compile(
    r"(?:(?:ogc_|old_|orig_|target_|join_)?fid|objectid|pk_?uid)(?:_?\d+)?|oid|gid|id|index|level_0|field_1"
    r"|row_?(?:ids?|names?|num(?:ber)?)|unnamed: ?0(?:\.\d+)?|unnamed_+0|\.\.\.1|layer|path|\s*",
    re.IGNORECASE,
)
#: Rows and columns are below this, so that a cell has a number of its own.
MOST_CELLS = 2**31


def numbers_rows(name: str) -> bool:
    """Whether a field of this name numbers the rows or says where they are from, and is no covariate."""
    return _NUMBERING.fullmatch(name) is not None
