"""How SMAP sees a truth: through a footprint, with noise, in swaths."""

from __future__ import annotations

import numpy as np

from ....base.progress import SILENT, Progress
from ...demo.numbers.fields import fast_length

#: Full width at half maximum of a Gaussian, in its SDs.
FWHM = 2.3548200450309493
#: Share of a cell's footprint, and of the cell, that must lie on valid pixels.
LEAST_FOOTPRINT, LEAST_CELL = 0.9, 0.5
_REACH = 4.0
_ROWS = 256


def blurred(values: np.ndarray, sigma: tuple[float, float], progress: Progress = SILENT) -> np.ndarray:
    """The Gaussian mean of an array, zero outside.

    Parameters
    ----------
    values : float array, shape (rows, columns)
    sigma : tuple of float
        SD of the Gaussian in rows and in columns.
    progress : Progress
        Asked for cancellation.

    Returns
    -------
    float32, of its shape.
    """
    down = _blurred_rows(np.asarray(values, np.float32), sigma[1], progress)
    return _blurred_rows(down.T, sigma[0], progress).T


def _blurred_rows(values: np.ndarray, sigma: float, progress: Progress) -> np.ndarray:
    columns = values.shape[1]
    length = fast_length(columns + int(np.ceil(_REACH * sigma)))
    gain = np.exp(-2.0 * (np.pi * sigma * np.fft.rfftfreq(length, 1.0)) ** 2)
    out = np.empty(values.shape, np.float32)
    for start in range(0, len(values), _ROWS):
        progress.check()
        part = slice(start, start + _ROWS)
        out[part] = np.fft.irfft(np.fft.rfft(values[part], length) * gain, length)[:, :columns]
    return out


def noise_of(
    rng: np.random.Generator, shape: tuple[int, int], sd: float, sigma: tuple[float, float]
) -> np.ndarray:
    """Noise of a date: float64, of `shape`.

    Parameters
    ----------
    rng : Generator
    shape : tuple of int
        Rows and columns of cells.
    sd : float
        Its SD, m3 m-3.
    sigma : tuple of float
        SD of the footprint in rows and in columns: errors go together as exp(-d^2 / (4 sigma^2)), which is
        what white noise is after the footprint.  0: white.
    """
    white = rng.standard_normal(shape)
    rows, cols = (_root(size, own) for size, own in zip(shape, sigma))
    return np.asarray(sd * rows @ white @ cols.T)


def _root(size: int, sigma: float) -> np.ndarray:
    """A square root of the covariance along one side; the whole is the product of both sides."""
    if not sigma > 0:
        return np.eye(size)
    apart = np.subtract.outer(np.arange(size), np.arange(size))
    values, vectors = np.linalg.eigh(np.exp(-(apart**2) / (4 * sigma**2)))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def swath(rng: np.random.Generator, shape: tuple[int, int], most: float = 0.5) -> np.ndarray:
    """Which cells a pass sees: bool, of `shape`.

    The edge of the swath runs from north-north-east or north-north-west and leaves out the cells on one side
    of it, up to the share `most` of them; more than a third of the passes see all.
    """
    left_out = max(0.0, rng.uniform(-0.6 * most, most))
    slope = rng.choice((-1, 1)) * rng.uniform(0.1, 0.35)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    across = rng.choice((-1, 1)) * (cols + slope * rows)
    order = np.argsort(np.argsort(across, axis=None, kind="stable"), kind="stable").reshape(shape)
    return np.asarray(order >= round(left_out * across.size))
