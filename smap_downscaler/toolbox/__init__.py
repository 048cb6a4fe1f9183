"""The QGIS side of all algorithms: provider, base class, parameters, layers, help."""
