"""Random fields and filters on regular grids, in NumPy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def fast_length(n: int) -> int:
    """The least number >= `n` without prime factors above 5, where FFTs are quick."""
    length = n
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def synthesise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    cell: float,
    amplitude: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """A Gaussian random field of `shape` (rows, columns) by spectral synthesis, mean 0, variance 1, float32.

    White noise is filtered in the frequency domain (Peitgen & Saupe 1988).
    `amplitude` gives the filter for wave numbers in cycles per unit of `cell`.
    """
    rows, cols = (fast_length(n) for n in shape)
    spectrum = np.fft.rfft2(rng.standard_normal((rows, cols), dtype=np.float32))
    wave_number = np.hypot(np.fft.fftfreq(rows, cell)[:, None], np.fft.rfftfreq(cols, cell)[None, :])
    wave_number[0, 0] = 1.0
    gain = amplitude(wave_number)
    gain[0, 0] = 0.0
    field = np.fft.irfft2(spectrum * gain, s=(rows, cols))[: shape[0], : shape[1]]
    return ((field - field.mean()) / field.std()).astype(np.float32)


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    cell: float,
    hurst: float,
    longest: float,
) -> np.ndarray:
    """A fractal surface (power spectrum ~ k^-2(hurst + 1)) that is flat beyond `longest`.

    float32, of `shape`; `cell` and `longest` are in one unit of length.
    """
    return synthesise(rng, shape, cell, lambda k: (k**2 + longest**-2) ** (-(hurst + 1.0) / 2.0))


def correlated(rng: np.random.Generator, shape: tuple[int, ...], cell: float, length: float) -> np.ndarray:
    """A field of `shape` with covariance exp(-distance / length), float32; `cell` and `length` in one unit.

    Its 2-D spectrum is (1 + (2 pi k length)^2)^-3/2.
    """
    return synthesise(rng, shape, cell, lambda k: (1.0 + (2.0 * np.pi * k * length) ** 2) ** -0.75)


def enlarge(coarse: np.ndarray, factor: int) -> np.ndarray:
    """Bilinear interpolation from block centres to the `factor` x `factor` pixels of each block.

    Shape (rows, columns) -> (rows * factor, columns * factor).
    """
    return enlarge_rows(enlarge_rows(coarse, factor).T, factor).T


def enlarge_rows(values: np.ndarray, factor: int) -> np.ndarray:
    """`enlarge` along the first axis only: shape (rows, columns) -> (rows * factor, columns)."""
    n = values.shape[0]
    position = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0.0, n - 1.0)
    first = np.minimum(position.astype(np.intp), max(n - 2, 0))
    weight = (position - first).astype(values.dtype)[:, None]
    second = np.minimum(first + 1, n - 1)
    return values[first] * (1 - weight) + values[second] * weight


def block_sums(values: np.ndarray, factor: int) -> np.ndarray:
    """Sums over `factor` x `factor` blocks, float64; the shape must be a multiple of `factor`."""
    rows, cols = values.shape
    blocks = values.reshape(rows // factor, factor, cols // factor, factor)
    return np.asarray(blocks.sum(axis=(1, 3), dtype=np.float64))


def repeat(blocks: np.ndarray, factor: int) -> np.ndarray:
    """Each block's value for all its pixels, (rows * factor, columns * factor): `block_sums` transposed."""
    return np.repeat(np.repeat(blocks, factor, axis=0), factor, axis=1)


def gaussian_kernel(sigma: float) -> np.ndarray:
    """exp(-i^2 / 2 sigma^2) for whole i out to 4 sigma on both sides, float64, (2 ceil(4 sigma) + 1,)."""
    reach = int(np.ceil(4 * sigma))
    return np.asarray(np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2))


def convolve(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Separable convolution with a symmetric kernel, zero outside, float64, (rows, columns) as `values`.

    By shifts rather than by BLAS, whose last bits depend on its threads.
    """
    return _convolve_rows(_convolve_rows(values, kernel).T, kernel).T


def _convolve_rows(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    rows, reach = values.shape[0], kernel.size // 2
    out = values * kernel[reach]
    for shift in range(1, min(reach, rows - 1) + 1):
        weight = kernel[reach + shift]
        out[shift:] += weight * values[:-shift]
        out[:-shift] += weight * values[shift:]
    return np.ascontiguousarray(out)


def smooth(values: np.ndarray, sigma: float, weights: np.ndarray | None = None) -> np.ndarray:
    """Gaussian mean with standard deviation `sigma` in cells, float64.

    `weights` (same shape, 0 where missing) and the edges are allowed for: the
    kernel's weights sum to 1 over what is there.  NaN where nothing is.
    """
    kernel = gaussian_kernel(sigma)
    weights = np.ones(values.shape) if weights is None else weights
    total = convolve(weights.astype(np.float64), kernel)
    weighted = convolve(np.where(weights > 0, values * weights, 0.0), kernel)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, weighted / total, np.nan))


def standardise(values: np.ndarray) -> np.ndarray:
    """(values - mean) / standard deviation, float32, shape of `values`; 0 where all are the same."""
    spread = values.std(dtype=np.float64)
    return np.asarray((values - values.mean(dtype=np.float64)) / (spread or 1.0), np.float32)
