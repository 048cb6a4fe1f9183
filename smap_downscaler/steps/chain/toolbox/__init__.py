"""The steps of the whole chain as QGIS runs them, and the project that shows what came of them."""
