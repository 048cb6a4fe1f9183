"""How good a model is: folds, repeated and nested cross-validation, tuning grids, summaries."""
