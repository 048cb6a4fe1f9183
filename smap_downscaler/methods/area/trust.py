"""How far pixels are from the cells that an area-to-point model was fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...stats.applicability import Applicability, cell_blocks
from .core import Core
from .terms import LINEAR

#: Rows of dates and cells that are looked at, at most.
_MOST_PAIRS = 20_000


def applicability_of_core(core: Core) -> Applicability | None:
    """That of the model's cells, as SMAP sees their covariates; None where it has no linear terms.

    Each covariate weighs as much as the standard deviation of its effect over the cells.  What is known of
    codes of classes, of what the model leaves out, and of dated covariates of a long archive, is not kept:
    they weigh nothing and are never out of range.
    """
    terms, columns = core.moments.terms, core.moments.columns
    if LINEAR not in terms.kinds:
        return None
    place, index = _pairs(core)
    x, known = np.zeros((len(index), len(core.names)), np.float32), np.zeros(len(core.names), bool)
    for column, (source, code) in enumerate(zip(columns.sources, columns.codes)):
        if code is None:
            number = core.names.index(core.static[source])
            z = core.design[index, column]
            x[:, number], known[number] = terms.scales.mean[column] + terms.scales.sd[column] * z, True
    if core.dated is not None and core.dated_design is not None:
        scales = core.dated.terms.scales
        for column, name in enumerate(core.dated.names):
            z = core.dated_design[place, index, column].astype(np.float64)
            if core.two_levels:
                z += core.mean_of_dated[index, column]
            number = core.names.index(name)
            x[:, number], known[number] = scales.mean[column] + scales.sd[column] * z, True
    blocks = cell_blocks(core.cells[index], float(np.mean(core.subcells.cell_km)))
    found = Applicability.of(x, _effects(core, place, index), blocks, core.settings.seed)
    if found is None:
        return None
    low, high = (
        np.where(known, ends, beyond) for ends, beyond in ((found.low, -np.inf), (found.high, np.inf))
    )
    return replace(found, low=low.astype(np.float32), high=high.astype(np.float32))


def _pairs(core: Core) -> tuple[np.ndarray, np.ndarray]:
    """Date and cell of each row: of all dates where covariates change with them, else of the first."""
    if core.dated is None or core.dated_design is None:
        index = np.flatnonzero(np.isfinite(core.cube).any(axis=0))
        return np.zeros(len(index), np.int64), index
    place, index = np.nonzero(np.isfinite(core.cube))
    step = -(-len(place) // _MOST_PAIRS)
    return place[::step], index[::step]


def _effects(core: Core, place: np.ndarray, index: np.ndarray) -> np.ndarray:
    """SD over rows of the effect of each covariate, over both levels: float64, shape (covariates,), m3 m-3.

    The effect of a product of two counts one half for each.
    """
    terms, columns = core.moments.terms, core.moments.columns
    p, square = len(terms.scales.mean), np.zeros(len(core.names))
    numbers = [core.names.index(core.static[source]) for source in columns.sources]
    owners = [*((group, group) for group in terms.groups[: len(terms.groups) - len(terms.pairs)].tolist())]
    owners += [tuple(pair) for pair in terms.pairs.tolist()]
    for level, fitted in enumerate(core.levels):
        if fitted.full is None:
            continue
        some = np.flatnonzero(terms.groups < p) if level else np.arange(len(terms.groups))
        b = np.mean([one.b for one in fitted.full.answers], axis=0)
        static, rest = b[: len(some)], b[len(some) :]
        effects = np.zeros((len(index), len(core.names)))
        for column, coefficient in zip(some.tolist(), static):
            for owner in owners[column]:
                effects[:, numbers[owner]] += coefficient / 2 * core.design[index, column]
        if core.dated is not None and core.dated_design is not None and (level or not core.two_levels):
            own = core.dated_design[place, index]
            groups = core.dated.groups(0, p)
            for number, name in enumerate(core.dated.names):
                mine = groups % len(core.dated.names) == number
                effects[:, core.names.index(name)] = own[:, mine] @ rest[: own.shape[1]][mine]
        square += effects.var(axis=0)
    return np.sqrt(square)
