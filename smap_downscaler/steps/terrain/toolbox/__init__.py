"""What the terrain step needs of QGIS beside its algorithm: ways to call SAGA, the report."""
