"""Scores of predictions: each is ``f(observed, predicted) -> float``, the fitted line two numbers.

Both arguments are array-likes of one shape and unit; pairs in which either value is NaN
are dropped.  A score that the remaining pairs do not define is NaN.  Arrays of
different shapes raise `ValueError`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def rmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean square error, sqrt(mean((predicted - observed)^2)), in the unit of the values.

    Source: Bueno et al. (2024), section 2.3.3 and Table 4.  NaN without pairs.
    """
    obs, pred = _pairs(observed, predicted)
    return float(np.sqrt(np.mean((pred - obs) ** 2))) if obs.size else np.nan


def mae(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, mean(|predicted - observed|), in the unit of the values.

    Source: Bueno et al. (2024), section 2.3.3 and Table 4.  NaN without pairs.
    """
    obs, pred = _pairs(observed, predicted)
    return float(np.mean(np.abs(pred - obs))) if obs.size else np.nan


def bias(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Mean error, mean(predicted - observed): positive where predictions are too wet.

    Source: Entekhabi et al. (2010), J. Hydrometeorology 11, 832-840.  NaN without pairs.
    """
    obs, pred = _pairs(observed, predicted)
    return float(np.mean(pred - obs)) if obs.size else np.nan


def ubrmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Unbiased root mean square error: the standard deviation (ddof 0) of predicted - observed.

    sqrt(rmse^2 - bias^2).  Source: Entekhabi et al. (2010), J. Hydrometeorology 11, 832-840.  NaN
    without pairs.
    """
    obs, pred = _pairs(observed, predicted)
    return float(np.std(pred - obs)) if obs.size else np.nan


def r2(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of determination, 1 - SSE / SST with SST about the mean of `observed`.

    1 at best, 0 for the mean as the only prediction, negative below that.  Source: Kvalseth
    (1985), The American Statistician 39, 279-285, his R2_1.  NaN for fewer than two pairs and
    where all observed values are equal.
    """
    obs, pred = _pairs(observed, predicted)
    if _is_constant(obs):
        return np.nan
    # One scale for both sums: tiny values must not underflow to 0 / 0.
    centred, error = obs - np.mean(obs), pred - obs
    scale = np.max(np.abs(centred))
    with np.errstate(over="ignore"):
        sse = np.sum((error / scale) ** 2)
    return float(1.0 - sse / np.sum((centred / scale) ** 2))


def pearson_r2(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Squared Pearson correlation, cov(observed, predicted)^2 / (var(observed) var(predicted)).

    Blind to bias and to a wrong amplitude, hence apart from `r2`.  Source: Pearson (1895),
    Proc. Royal Society 58, 240-242.  NaN for fewer than two pairs and where all observed or all
    predicted values are equal.
    """
    obs, pred = _pairs(observed, predicted)
    if _is_constant(obs) or _is_constant(pred):
        return np.nan
    a, b = _unit_scaled(obs), _unit_scaled(pred)
    return float(min(np.sum(a * b) ** 2 / (np.sum(a * a) * np.sum(b * b)), 1.0))


def fitted_line(observed: ArrayLike, predicted: ArrayLike) -> tuple[float, float]:
    """Slope and intercept of the least-squares line of observed on predicted.

    1 and 0 at best.  Source: Pineiro et al. (2008), Ecological Modelling 216, 316-322.  NaN for fewer than
    two pairs and where all predicted values are equal.
    """
    obs, pred = _pairs(observed, predicted)
    if _is_constant(pred):
        return np.nan, np.nan
    centred = pred - np.mean(pred)
    slope = float(np.sum(centred * (obs - np.mean(obs))) / np.sum(centred**2))
    return slope, float(np.mean(obs) - slope * np.mean(pred))


def _pairs(observed: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    obs = np.asarray(observed, dtype=np.float64)
    pred = np.asarray(predicted, dtype=np.float64)
    if obs.shape != pred.shape:
        raise ValueError(f"observed {obs.shape} and predicted {pred.shape} differ in shape")
    valid = ~(np.isnan(obs) | np.isnan(pred))
    return obs[valid], pred[valid]


def _is_constant(values: np.ndarray) -> bool:
    return values.size < 2 or bool(np.min(values) == np.max(values))


def _unit_scaled(values: np.ndarray) -> np.ndarray:
    centred = values - np.mean(values)
    return centred / np.max(np.abs(centred))
