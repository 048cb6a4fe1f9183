"""Tables on disk: GeoPackages, and the rows of the tables that steps share."""
