"""The QGIS side: the only room that imports qgis."""
