"""`terrainindices`: filled elevation, slope and wetness indices from a DEM."""
