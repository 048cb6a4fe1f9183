"""What needs no forest: interpolation in time, and the usual course of the year.

Days are ordinals (`datetime.date.toordinal`), ascending, each there once.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

_YEAR = 365.25
_MOST_HARMONICS = 2


def linear(days: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Linear interpolation in time; before the first and after the last day their value stands.

    theta(t) = theta_b + (theta_a - theta_b) (t - t_b) / (t_a - t_b), b the day before and a the one after.

    Parameters
    ----------
    days : int array, shape (n,), n >= 1
    values : float array, shape (n,)
    wanted : int array, shape (m,)

    Returns
    -------
    float64, shape (m,)
    """
    return np.interp(wanted, days, np.asarray(values, np.float64))


def distance(days: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Days from each of `wanted`, shape (m,), to the nearest of `days`, shape (n,), n >= 1: int64."""
    after = np.clip(np.searchsorted(days, wanted), 1, max(len(days) - 1, 1))
    last = len(days) - 1
    return np.asarray(
        np.minimum(np.abs(wanted - days[after - 1]), np.abs(wanted - days[np.minimum(after, last)])), np.int64
    )


def climatology(days: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The usual value of the day of the year: a mean and its first harmonics, by least squares.

    theta(d) = a_0 + sum over k = 1...h of (a_k cos(2 pi k d / 365.25) + b_k sin(2 pi k d / 365.25)), d the
    day of the year.  Source: Narapusetty, DelSole & Tippett (2009), J. Climate 22, 4845-4859.  h is 2; fewer
    where a piece of the year without data is longer than half of the shortest wave, so that 0 (the mean)
    is left of some weeks: a wave would swing freely there.

    Parameters
    ----------
    days : int array, shape (n,), n >= 1
    values : float array, shape (n,)
    wanted : int array, shape (m,)

    Returns
    -------
    float64, shape (m,)
    """
    known = days_of_year(days)
    waves = harmonics(known)
    coefficients, *_ = np.linalg.lstsq(_waves(known, waves), np.asarray(values, np.float64), rcond=None)
    return np.asarray(_waves(days_of_year(wanted), waves) @ coefficients)


def harmonics(days_of_year: np.ndarray) -> int:
    """How many harmonics the days of the year, shape (n,), can support: 0, 1 or 2."""
    found = np.unique(days_of_year)
    longest = float(np.max(np.diff(np.append(found, found[0] + _YEAR))))
    for waves in range(_MOST_HARMONICS, 0, -1):
        # Twice as many days as coefficients at least.
        if longest <= _YEAR / (2 * waves) and len(found) >= 2 * (2 * waves + 1):
            return waves
    return 0


def days_of_year(days: np.ndarray) -> np.ndarray:
    """The day of the year, 1...366, of ordinals of shape (n,): int64, shape (n,)."""
    return np.array([dt.date.fromordinal(int(day)).timetuple().tm_yday for day in days], np.int64)


def _waves(days_of_year: np.ndarray, waves: int) -> np.ndarray:
    angle = 2 * np.pi * days_of_year / _YEAR
    columns = [np.ones(len(angle))]
    for k in range(1, waves + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(columns, axis=1)
