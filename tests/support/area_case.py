"""Small known truths for the area-to-point model: nested pixels, cells of the EASE grid, arrays only."""

from __future__ import annotations

import numpy as np

from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.geo.ground import ground_size
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.methods.area.subcells import FWHM
from smap_downscaler.methods.base import Block, Cells, FineBlock

#: Pixels along the side of a cell, and cells of stack beyond SMAP's.
PIXELS = 9
DAYS = np.arange(737_000, 737_500, 3)


class ArrayStack:
    """A `FineReader` of arrays: static layers, shape (p, rows, columns), dated ones by name and day."""

    def __init__(self, names, layers, margin, pixels=PIXELS, dated=None, rows_a_block=40):
        self.names, self.layers = tuple(names), np.asarray(layers, np.float32)
        self.margin, self.pixels, self.rows_a_block = margin, pixels, rows_a_block
        self.by_day = dated or {}
        self.dated = tuple(self.by_day)
        self.made, self.reads = {}, 0

    def blocks(self, names, progress=SILENT):
        self.reads += 1
        chosen = [self.names.index(name) for name in names]
        high, wide = self.layers.shape[1:]
        for top in range(0, high, self.rows_a_block):
            rows = np.arange(top, min(top + self.rows_a_block, high))
            place = [(part + 0.5) / self.pixels - self.margin for part in (rows, np.arange(wide))]
            shape = len(rows), wide
            yield FineBlock(
                self.layers[chosen, rows[0] : rows[-1] + 1],
                np.broadcast_to(place[0][:, None], shape).copy(),
                np.broadcast_to(place[1], shape).copy(),
            )

    def dated_on(self, name, day, grid, progress=SILENT):
        """Bilinear, from layers with the cells of the case."""
        cells = self.by_day[name][day]
        step = cells.shape[0] / (grid.height + 0.0), cells.shape[1] / (grid.width + 0.0)
        rows = np.broadcast_to(((np.arange(grid.height) + 0.5) * step[0])[:, None], grid.shape)
        cols = np.broadcast_to((np.arange(grid.width) + 0.5) * step[1], grid.shape)
        return bilinear(cells, rows, cols).astype(np.float32)

    def kept(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


def smooth_field(shape, slope, rng):
    """A Gaussian random field with the spectrum k^-slope, mean 0, SD 1."""
    k = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    k[0, 0] = 1.0
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=shape)) * k ** (-slope / 2), s=shape)
    return (field - field.mean()) / field.std()


class AreaCase:
    """Soil moisture that is made of two covariates and a field, as SMAP's cells see it.

    `truth`, shape (dates, rows, columns), lies on the pixels of the cells; `y`, shape (dates, cells), is seen
    with noise; `layers` are the covariates on the same pixels, `stack` reaches `margin` cells beyond.
    """

    def __init__(
        self,
        side=12,
        dates=1,
        footprint_km=0.0,
        noise=0.01,
        seed=7,
        margin=1,
        gaps=0.0,
        slope=0.05,
        pixels=PIXELS,
    ):
        rng = np.random.default_rng(seed)
        self.pixels = pixels
        self.side, self.days = side, DAYS[:dates]
        self.grid = ease2_grid("9 km").crop(Window(950, 1200, side, side))
        whole = (side + 2 * margin) * pixels
        covariates = [smooth_field((whole, whole), power, rng) for power in (2.0, 1.5)]
        field = smooth_field((whole, whole), 3.0, rng)
        wetness = rng.normal(size=dates)
        wetness -= wetness.mean()
        self.names = ("clay", "twi")
        inner = slice(margin * pixels, (margin + side) * pixels)
        km = [size / 1000 for size in ground_size(self.grid)]
        truth, seen = [], []
        for number in range(dates):
            image = (
                0.25
                + slope * covariates[0] * (1 + 0.3 * wetness[number])
                + 0.02 * np.maximum(covariates[1], 0)
            )
            image = image + 0.02 * field + 0.02 * wetness[number]
            if dates > 1:
                image = image + 0.01 * smooth_field((whole, whole), 3.0, rng)
            truth.append(image[inner, inner])
            seen.append(self._seen(image, footprint_km, km, margin, noise, rng))
        self.truth, self.y = np.array(truth), np.array(seen)
        if gaps:
            self.y[rng.random(self.y.shape) < gaps] = np.nan
        self.layers = np.stack(covariates)[:, inner, inner].astype(np.float32)
        self.stack = ArrayStack(self.names, np.stack(covariates), margin, pixels)

    def _seen(self, image, footprint_km, km, margin, noise, rng):
        from scipy.ndimage import gaussian_filter

        n, side = self.pixels, self.side
        error = rng.normal(size=(side + 40, side + 40))
        if footprint_km:
            sigma = footprint_km / FWHM
            image = gaussian_filter(image, [sigma / (one / n) for one in km], mode="nearest")
            error = gaussian_filter(error, [sigma / one for one in km], mode="wrap")
            error /= error.std()
        cells = image.reshape(side + 2 * margin, n, side + 2 * margin, n).mean(axis=(1, 3))
        inner = slice(margin, margin + side)
        return cells[inner, inner] + noise * error[20:-20, 20:-20]

    def cells(self, mask=None):
        """SMAP's cells as rows; `mask`, bool, shape (dates, cells): which of them."""
        seen = np.isfinite(self.y) if mask is None else np.isfinite(self.y) & mask
        date, row, col = np.nonzero(seen)
        x = np.zeros((len(date), len(self.names)), np.float32)
        place = np.column_stack([row, col]).astype(np.int64)
        days = self.days[date].astype(np.int64)
        return Cells(x, self.y[seen], place, days, None, self.names, self.grid, self.stack)

    def block(self, day, window=np.s_[:, :]):
        """Pixels of the cells, or of a window of them."""
        n, size = self.pixels, self.layers.shape[1]
        centres = (np.arange(size) + 0.5) / n
        y, x = np.meshgrid(
            self.grid.top - centres * self.grid.cell_height,
            self.grid.left + centres * self.grid.cell_width,
            indexing="ij",
        )
        layers = self.layers[(slice(None), *window)]
        place = np.column_stack([x[window].ravel(), y[window].ravel()])
        return Block(
            np.ascontiguousarray(layers.reshape(len(layers), -1).T),
            np.full(place.shape[0], day, np.int64),
            place,
        )

    def bilinear(self, number):
        """SMAP's cells of a date between their centres, on the pixels."""
        size = self.layers.shape[1]
        centres = (np.arange(size) + 0.5) / self.pixels
        return bilinear(self.y[number], *np.meshgrid(centres, centres, indexing="ij"))


def rmse(one, other):
    """Root mean square difference."""
    return float(np.sqrt(np.mean((np.ravel(one) - np.ravel(other)) ** 2)))
