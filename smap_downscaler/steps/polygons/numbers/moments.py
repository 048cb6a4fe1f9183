"""Mean, SD and C.V. of the pixels of many polygons in many layers, block after block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Statistics of polygons, shape (layers, polygons) each; NaN where there is none.

    Attributes
    ----------
    n : int64
        Pixels with a value.
    mean, sd, cv : float64
        Mean, standard deviation, and SD / mean (where the mean is positive).
    """

    n: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    cv: np.ndarray


class Moments:
    """Sums of weights and squares about the mean; 40 bytes a polygon and layer.

    In a block in two passes (mean, then squared deviations from it), blocks put
    together as Chan et al. (1983) do: no cancellation, whatever the mean.
    """

    def __init__(self, layers: int, polygons: int):
        self._n = np.zeros((layers, polygons), np.int64)
        self._weight, self._weight2, self._mean, self._m2 = (np.zeros((layers, polygons)) for _ in range(4))

    def add(
        self,
        layer: int,
        polygons: np.ndarray,
        group: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        """Add the pixels of a block.

        Parameters
        ----------
        layer : int
        polygons : int array, shape (k,)
            Different polygons that the block meets.
        group : int array, shape (pairs,)
            Place in `polygons` of each pair of a pixel and a polygon.
        values : array, shape (pairs,)
            NaN where missing.
        weights : float64 array, shape (pairs,), optional
            Without it every pixel counts 1.
        """
        values = values.astype(np.float64)
        valid = np.isfinite(values)
        if not valid.all():
            group, values = group[valid], values[valid]
            weights = None if weights is None else weights[valid]
        size = len(polygons)
        n = np.bincount(group, minlength=size)
        weight: np.ndarray = n.astype(np.float64)
        weight2 = weight
        if weights is not None:
            weight, weight2 = np.bincount(group, weights, size), np.bincount(group, weights**2, size)
        some = np.where(weight > 0, weight, 1.0)
        mean = np.bincount(group, values if weights is None else weights * values, size) / some
        squares = (values - mean[group]) ** 2
        m2 = np.bincount(group, squares if weights is None else weights * squares, size)
        self._merge((layer, polygons), n, weight, weight2, mean, m2)

    def _merge(
        self,
        place: tuple[int, np.ndarray],
        n: np.ndarray,
        weight: np.ndarray,
        weight2: np.ndarray,
        mean: np.ndarray,
        m2: np.ndarray,
    ) -> None:
        before, delta = self._weight[place], mean - self._mean[place]
        total = before + weight
        share = weight / np.where(total > 0, total, 1.0)
        self._n[place] += n
        self._weight[place] = total
        self._weight2[place] += weight2
        self._mean[place] += delta * share
        self._m2[place] += m2 + delta**2 * before * share

    def statistics(self, ddof: int) -> Statistics:
        """What the sums say.

        Parameters
        ----------
        ddof : int
            0: the variance is the (weighted) mean of the squared deviations. 1: divided by n - 1 in
            place of n, with area weights by W - sum(w^2) / W (the unbiased form for reliability
            weights: GNU Scientific Library, `gsl_stats_wvariance`), which is n - 1 for weights of 1.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(self._n > 0, self._mean, np.nan)
            divisor = self._weight - ddof * self._weight2 / self._weight
            # A lone pixel has no SD with ddof 1, whatever rounding makes of its divisor.
            sd = np.sqrt(np.where(self._n > ddof, self._m2 / divisor, np.nan))
            cv = np.where(mean > 0, sd / mean, np.nan)
        return Statistics(self._n, mean, sd, cv)
