"""The algorithms of the provider, each in its step's room."""

from __future__ import annotations

from importlib import import_module

#: Module in `steps` and class of each algorithm, in the order in which the data flow.
_ALGORITHMS = (
    ("demo.algorithm", "CreateDemoData"),
    ("smap.algorithm", "ImportSmap"),
    ("terrain.algorithm", "TerrainIndices"),
    ("covariates.algorithm", "HarmoniseCovariates"),
    ("rain.antecedent_algorithm", "AntecedentPrecipitation"),
    ("rain.seasonal_algorithm", "SeasonalPrecipitation"),
    ("matrix.algorithm", "RegressionMatrix"),
    ("forests.algorithm", "TrainForests"),
    ("areamodel.algorithm", "TrainAreaModel"),
    ("crossvalidation.algorithm", "CrossValidate"),
    ("maps.downscale_algorithm", "Downscale"),
    ("gaps.algorithm", "FillGaps"),
    ("maps.cascade_algorithm", "Cascade"),
    ("skill.algorithm", "SkillExperiment"),
    ("maps.compare_algorithm", "CompareMaps"),
    ("sheets.algorithm", "MapSheet"),
    ("polygons.squares_algorithm", "SampleSquares"),
    ("polygons.statistics_algorithm", "MoistureStatistics"),
    ("components.algorithm", "PrincipalComponents"),
    ("field.validation_algorithm", "FieldValidation"),
    ("quantiles.algorithm", "QuantileCorrelation"),
    ("field.collocation_algorithm", "TripleCollocation"),
    ("chain.algorithm", "DownscaleSmap"),
)
_STEPS = __name__.rsplit(".", 2)[0] + ".steps"


def algorithms() -> list[type]:
    """The algorithm classes."""
    return [getattr(import_module(f"{_STEPS}.{module}"), name) for module, name in _ALGORITHMS]
