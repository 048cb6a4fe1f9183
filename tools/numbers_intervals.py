"""What intervals of forests hold: SMAP's values that no tree saw, and a known truth at cells and pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from numbers_crossvalidation import BLOCK_KM, CONUS_BLOCK_KM, SEED
from real_cases import write_australian_matrix, write_conus_matrix
from smap_downscaler.base.progress import SILENT
from smap_downscaler.methods.base import Block, Cells, Wishes
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.skill import OobScores
from smap_downscaler.steps.crossvalidation.numbers.folds import (
    BLOCKS,
    RANDOM,
    block_numbers,
    fold_generator,
    make_folds,
)
from smap_downscaler.steps.matrix.numbers.rows import cells_and_days, centres_of_cells
from smap_downscaler.steps.matrix.read import open_matrix

FOLDS = 10
#: Days of the two series: every 28th of a year, every 8th of six weeks.
_CONUS_EVERY, _AUSTRALIA_EVERY = 28, 8
_LEAST_CELLS = 60
#: The known truth: cells along a side, pixels along the side of a cell, covariates, noise of SMAP (m3 m-3).
_CELLS, _PIXELS, _COVARIATES, _NOISE = 36, 8, 10, 0.02
_SHARES, _SEEDS = (0.2, 0.4, 0.6), (1, 2, 3)


def intervals(data: Path, folder: Path) -> list[str]:
    """Shares of values that intervals of 90 % hold."""
    rows = []
    conus, australia = folder / "conus_intervals.gpkg", folder / "australia_intervals.gpkg"
    write_conus_matrix(data, conus, _CONUS_EVERY)
    write_australian_matrix(data, australia)
    for name, path, every, km in (
        ("United States, 36 km", conus, 1, CONUS_BLOCK_KM),
        ("W. Australia, 9 km, x and y alone", australia, _AUSTRALIA_EVERY, BLOCK_KM),
    ):
        found = np.array([of_date(cells, km) for cells in _dates(path, every)])
        rows.append((f"{name}, {len(found)} days", *found.mean(axis=0)))
    lines = [
        "## Intervals of forests that are to hold 90 %",
        "",
        "Shares, %, of SMAP's noisy values: out of bag, as the quantile forest alone gives them and as they "
        f"are stretched; and of cells that no forest saw, {FOLDS} folds, random or blocks "
        f"({CONUS_BLOCK_KM:g} and {BLOCK_KM:g} km). Means over days, the paper's hyper-parameters.",
        "",
        "| | quantile forest alone | stretched | random folds | blocks | mean width, m3 m-3 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_line(row[0], row[1:5], row[5]) for row in rows),
        "",
        f"A known truth ({_CELLS} x {_CELLS} cells of {_PIXELS} x {_PIXELS} pixels, {_COVARIATES} covariates "
        f"that explain a share of it, noise of SMAP {_NOISE:g}, {len(_SEEDS)} seeds; forests of half of the "
        "cells), in % of the cells out of bag, of noisy values of the other half, and of the pixels' true "
        "values:",
        "",
        "| share explained | out of bag | noisy values of cells | pixels | mean width, m3 m-3 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for share in _SHARES:
        found = np.mean([_of_truth(share, seed) for seed in _SEEDS], axis=0)
        lines.append(_line(f"{share:g}", found[:3], found[3]))
    return lines


def _line(name: str, shares: np.ndarray, width: float) -> str:
    return f"| {name} | {' | '.join(f'{100 * share:.1f}' for share in shares)} | {width:.3f} |"


def _dates(path: Path, every: int) -> Iterator[Cells]:
    table = open_matrix(path)
    for number, day in enumerate(table.days(None, None, SILENT)):
        kept = day.keep(day.complete)
        if number % every == 0 and len(kept.y) >= _LEAST_CELLS:
            cells, days = cells_and_days(kept)
            place = centres_of_cells(table.grid, cells)
            yield Cells(kept.x, kept.y, cells, days, place, (), table.grid)


def of_date(cells: Cells, km: float, parts: int = FOLDS) -> list[float]:
    """Out of bag before and after stretching, random folds, blocks, mean width."""
    scores = _scores(cells)
    held = []
    for number, scheme in enumerate((RANDOM, BLOCKS)):
        generator = fold_generator(SEED, int(cells.days[0]), number)
        groups = block_numbers(*cells.coordinates.T, 1000 * km, generator)
        folds = make_folds(scheme, groups, cells.days, parts, 1, 0, generator)
        inside = np.zeros(len(cells.y), bool)
        for fold in range(folds.number):
            test = folds.test(fold)
            inside[test] = _inside(cells.take(folds.train(fold)), cells.x[test], cells.y[test])
        held.append(float(inside.mean()))
    return [scores.held_before, scores.held, *held, scores.width]


def _scores(cells: Cells) -> OobScores:
    found = RANDOM_FOREST.fit(cells, PAPER, 0, wishes=Wishes(trust=True)).scores
    if found is None:
        raise ValueError("a forest without scores")
    return found


def _inside(train: Cells, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the intervals of a forest hold values."""
    model = RANDOM_FOREST.fit(train, PAPER, 0, wishes=Wishes(trust=True))
    found = model.predict(Block(x, np.zeros(len(x), np.int64)), sd=True)
    if found.lower is None or found.upper is None:
        raise ValueError("a forest without intervals")
    return np.asarray((found.lower <= y) & (y <= found.upper))


def _of_truth(share: float, seed: int) -> list[float]:
    """Out of bag, noisy values of the cells once more, pixels, mean width."""
    rng = np.random.default_rng([SEED, seed])
    side = _CELLS * _PIXELS
    covariates = np.stack([_field(side, rng) for _ in range(_COVARIATES)])
    told = covariates[0] + 0.7 * np.tanh(2 * covariates[1]) + 0.5 * covariates[2] * covariates[3]
    other = _field(side, rng)
    truth = 0.25 + 0.07 * (math.sqrt(share) * told / told.std() + math.sqrt(1 - share) * other)
    x, means = _means(covariates).reshape(_COVARIATES, -1).T, _means(truth[None])[0]
    y = (means + _NOISE * rng.normal(size=means.shape)).ravel()
    again = (means + _NOISE * rng.normal(size=means.shape)).ravel()
    places = np.stack(np.mgrid[0:_CELLS, 0:_CELLS], axis=-1).reshape(-1, 2)
    seen = (places // 2).sum(axis=1) % 2 == 0
    every = Cells(x.astype(np.float32), y, places, np.zeros(len(y), np.int64))
    train = every.take(seen)
    scores = _scores(train)
    pixels = covariates.reshape(_COVARIATES, -1).T.astype(np.float32)
    return [
        scores.held,
        float(_inside(train, every.x[~seen], again[~seen]).mean()),
        float(_inside(train, pixels, truth.ravel()).mean()),
        scores.width,
    ]


def _field(side: int, rng: np.random.Generator) -> np.ndarray:
    """A field of mean 0 and variance 1 whose spectrum falls as a power of the wave number, drawn with it."""
    frequency = np.fft.fftfreq(side)
    wave = np.hypot(frequency[:, None], frequency[None])
    wave[0, 0] = np.inf
    found = np.fft.ifft2(np.fft.fft2(rng.normal(size=(side, side))) * wave ** -rng.uniform(0.8, 1.6)).real
    return np.asarray((found - found.mean()) / found.std())


def _means(layers: np.ndarray) -> np.ndarray:
    """Over cells: shape (layers, cells, cells)."""
    return layers.reshape(len(layers), _CELLS, _PIXELS, _CELLS, _PIXELS).mean(axis=(2, 4))
