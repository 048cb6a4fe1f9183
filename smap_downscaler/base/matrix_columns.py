"""Columns of the regression matrix: the keys, the response, and covariates that are made from the rows."""

from __future__ import annotations

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
#: Rows and columns are below this, so that a cell has a number of its own.
MOST_CELLS = 2**31
