"""Metrics of maps against the field, all of them from weighted sums over the pairs.

A pair is a day of a station: x is the field's mean, y the map's (or SMAP's) value.  Sums in place of
loops make thousands of bootstrap samples cheap: a sample is a weight for each pair.

| metric | definition | source |
|---|---|---|
| slope, intercept | least squares, y = intercept + slope x | |
| pearson | cov(x, y) / (sd(x) sd(y)) | Pearson (1895) |
| spearman | Pearson's of the ranks, ties by their mean rank | Spearman (1904) |
| rmse | sqrt(mean((y - x)^2)) | Entekhabi et al. (2010), J. Hydrometeorology 11, 832-840 |
| mae | mean(|y - x|) | |
| bias | mean(y - x) | Entekhabi et al. (2010) |
| ubrmse | SD (ddof 0) of y - x = sqrt(rmse^2 - bias^2) | Entekhabi et al. (2010) |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

METRICS = ("slope", "intercept", "pearson", "spearman", "rmse", "mae", "bias", "ubrmse")
#: Those that are sizes of errors: over 0, and too small in samples.
SIZES = frozenset({"rmse", "mae", "ubrmse"})
#: Variance of a sample below this share of the whole variance counts as none.
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Moments:
    """Rows whose sums hold all that the metrics need.

    Parameters
    ----------
    rows : float64, shape (n, 15)
        Of each pair: 1; x, y, x^2, y^2, xy about the means of x and y; the same of the ranks; y - x and
        its square about the mean; |y - x| and (y - x)^2.
    x, y, error : float
        Means of x, y and y - x.
    """

    rows: np.ndarray
    x: float
    y: float
    error: float


def moments(x: np.ndarray, y: np.ndarray) -> Moments:
    """The moments of pairs, float64, shape (n,), n > 0, without NaN."""
    from scipy.stats import rankdata

    error = y - x
    x_mean, y_mean, error_mean = float(np.mean(x)), float(np.mean(y)), float(np.mean(error))
    about_mean = _centred(error)
    columns = [np.ones(len(x)), *_products(x, y), *_products(rankdata(x), rankdata(y))]
    columns += [about_mean, about_mean**2, np.abs(error), error**2]
    return Moments(np.stack(columns, axis=1), x_mean, y_mean, error_mean)


def _products(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    x, y = _centred(x), _centred(y)
    return x, y, x * x, y * y, x * y


def _centred(values: np.ndarray) -> np.ndarray:
    # The mean of equal numbers may differ from them in the last bit.
    return np.zeros(len(values)) if np.ptp(values) == 0 else values - np.mean(values)


def metrics(of: Moments, sums: np.ndarray) -> dict[str, np.ndarray]:
    """All of `METRICS` from weighted sums of `of.rows`.

    Parameters
    ----------
    of : Moments
    sums : float64, shape (..., 15)

    Returns
    -------
    dict of name to float64, shape (...); NaN where the pairs do not define a metric.
    """
    n = sums[..., 0]
    whole = of.rows.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_bar, y_bar = of.x + sums[..., 1] / n, of.y + sums[..., 2] / n
        var_x, _var_y, cov, pearson = _correlation(sums[..., 1:6], n, whole[1:6], whole[0])
        slope = np.where(var_x > 0, cov / var_x, np.nan)
        error_bar = sums[..., 11] / n
        return {
            "slope": slope,
            "intercept": y_bar - slope * x_bar,
            "pearson": pearson,
            "spearman": _correlation(sums[..., 6:11], n, whole[6:11], whole[0])[3],
            "rmse": np.sqrt(sums[..., 14] / n),
            "mae": sums[..., 13] / n,
            "bias": of.error + error_bar,
            "ubrmse": np.sqrt(np.maximum(sums[..., 12] / n - error_bar**2, 0.0)),
        }


def _correlation(
    sums: np.ndarray, n: np.ndarray, whole: np.ndarray, count: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Variances of x and y (0 where there is none to speak of), covariance, Pearson's r."""
    x, y, xx, yy, xy = (sums[..., place] / n for place in range(5))
    var_x, var_y = xx - x * x, yy - y * y
    var_x = np.where(var_x > _TINY * whole[2] / count, var_x, 0.0)
    var_y = np.where(var_y > _TINY * whole[3] / count, var_y, 0.0)
    cov = xy - x * y
    r = np.where((var_x > 0) & (var_y > 0), cov / (np.sqrt(var_x) * np.sqrt(var_y)), np.nan)
    return var_x, var_y, cov, np.clip(r, -1.0, 1.0)


def metrics_of(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """All of `METRICS` of pairs without NaN, shape (n,); NaN where n is too small for one."""
    if not len(x):
        return dict.fromkeys(METRICS, float("nan"))
    of = moments(x, y)
    return {name: float(value) for name, value in metrics(of, of.rows.sum(axis=0)).items()}
