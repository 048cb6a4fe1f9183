"""The words by which the toolbox's search finds a tool, in English and Spanish, by its id."""

from __future__ import annotations

#: All tools have these.
_ALL = "smap, soil moisture, downscaling, humedad del suelo"
_TAGS = {
    "downscalesmap": "one dialog, workflow, chain, start, map, DEM, drought, un solo diálogo, sequía, "
    "mapa, empezar",
    "smaptomaps": "workflow, chain, random forest, map, flujo de trabajo, bosque aleatorio, mapa",
    "mapeveryday": "workflow, daily, interval, gaps, drought, flujo de trabajo, diario, intervalo, "
    "sequía, mapa",
    "prepare": "workflow, covariates, DEM, rain, flujo de trabajo, preparar, covariables, lluvia",
    "trainandmap": "workflow, area-to-point, interval, flujo de trabajo, entrenar, mapa, intervalo",
    "validate": "workflow, validation, cross-validation, station, flujo de trabajo, validación cruzada, "
    "estación",
    "createdemodata": "demo, synthetic, example, sample data, truth, test data, datos de ejemplo, datos "
    "de prueba, cuenca, tutorial",
    "importsmap": "hdf5, SPL3SMP, SPL3SMP_E, granule, import, NASA, NetCDF, satellite, importar, satélite, "
    "gránulo",
    "terrainindices": "SAGA, DEM, topographic wetness index, TWI, flow accumulation, catchment area, "
    "slope, terrain, índice topográfico, índice de humedad topográfica, pendiente, "
    "terreno, área de captación, MDE",
    "harmonisecovariates": "resample, warp, stack, align, aggregate, area-weighted mean, soil, SoilGrids, "
    "remuestrear, alinear, covariables, suelo",
    "antecedentprecipitation": "rain, rainfall, CHIRPS, PISCO, daily, lag, moving average, NetCDF, "
    "lluvia, precipitación, diaria, media móvil",
    "seasonalprecipitation": "rain, rainfall, PISCO, CHIRPS, climatology, season, DJF, DEF, NetCDF, "
    "lluvia, precipitación, climatología, estación del año, temporada",
    "regressionmatrix": "table, training data, join, preflight, tabla, datos de entrenamiento, matriz de "
    "regresión",
    "trainforests": "random forest, machine learning, regression, importance, bosque aleatorio, "
    "aprendizaje automático, entrenar, regresión",
    "trainareamodel": "area-to-point, kriging, regression, footprint, mixed model, geostatistics, "
    "geoestadística, regresión, huella, entrenar",
    "crossvalidate": "random forest, area-to-point, validation, cross-validation, tuning, spatial blocks, "
    "RMSE, validación cruzada, bloques espaciales, bosque aleatorio",
    "downscale": "random forest, area-to-point, map, prediction, drought, interval, mapa, predicción, "
    "bosque aleatorio, sequía, intervalo",
    "fillgaps": "random forest, gaps, daily, temporal, interpolation, drought, huecos, rellenar, serie "
    "diaria, bosque aleatorio, sequía",
    "cascade": "random forest, map, resolution, scale, mapa, resolución, escala, bosque aleatorio",
    "skillexperiment": "skill, known truth, synthetic, experiment, interpolation, SPAEF, validation, "
    "experimento, interpolación, validación",
    "comparemaps": "RMSE, SPAEF, validation, truth, closure, bilinear, baseline, comparar, validación, mapa",
    "mapsheet": "map, figure, print layout, atlas, locator, mapa, lámina, figura, imprimir, composición",
    "samplesquares": "sampling, grid sample, systematic sample, polygons, EASE-Grid, muestreo, muestra "
    "sistemática, polígonos, cuadrículas",
    "moisturestatistics": "zonal statistics, coefficient of variation, violin, polygons, drought, "
    "estadísticas zonales, coeficiente de variación, polígonos, sequía",
    "principalcomponents": "PCA, biplot, eigenvalues, loadings, scores, multivariate, ACP, componentes "
    "principales, autovalores, multivariado",
    "fieldvalidation": "in situ, ISMN, station, validation, RMSE, ubRMSE, bias, estación, validación en "
    "campo, sesgo",
    "quantilecorrelation": "MQCC, quantile regression, validation, time scale, bootstrap, correlación de "
    "cuantiles, regresión cuantílica, escala temporal, validación",
    "triplecollocation": "in situ, ISMN, TCA, SNR, error, station, colocación triple, error, estación",
}


def tags_of(algorithm_id: str) -> list[str]:
    """The words of a tool."""
    return f"{_ALL}, {_TAGS.get(algorithm_id, '')}".rstrip(", ").split(", ")
