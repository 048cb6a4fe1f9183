"""Numbers only: NumPy, pandas, scikit-learn, statsmodels.  No qgis, no osgeo."""
