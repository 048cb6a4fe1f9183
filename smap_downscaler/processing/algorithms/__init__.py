"""One file an algorithm: parameters in, one call, outputs out."""

from __future__ import annotations

from importlib import import_module

#: Module and class of each algorithm, in the order in which the data flow.
_ALGORITHMS = (
    ("create_demo_data", "CreateDemoData"),
    ("import_smap", "ImportSmap"),
    ("terrain_indices", "TerrainIndices"),
    ("harmonise_covariates", "HarmoniseCovariates"),
    ("antecedent_precipitation", "AntecedentPrecipitation"),
    ("seasonal_precipitation", "SeasonalPrecipitation"),
    ("regression_matrix", "RegressionMatrix"),
    ("train_forests", "TrainForests"),
    ("cross_validate", "CrossValidate"),
    ("downscale", "Downscale"),
    ("fill_gaps", "FillGaps"),
    ("cascade", "Cascade"),
    ("map_sheet", "MapSheet"),
    ("sample_squares", "SampleSquares"),
    ("moisture_statistics", "MoistureStatistics"),
    ("principal_components", "PrincipalComponents"),
    ("field_validation", "FieldValidation"),
    ("quantile_correlation", "QuantileCorrelation"),
    ("triple_collocation", "TripleCollocation"),
)


def algorithms() -> list[type]:
    """The algorithm classes."""
    return [getattr(import_module(f"{__name__}.{module}"), name) for module, name in _ALGORITHMS]
