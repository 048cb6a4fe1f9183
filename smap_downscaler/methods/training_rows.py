"""Training rows as a model file keeps them, so that maps tell how far pixels are from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..stats.applicability import Applicability, cell_blocks
from .base import Cells, ModelFileError
from .npy import from_members, to_members

#: Members of a model's file.
MEMBERS: dict[str, tuple[str, int]] = {
    "rows.npy": ("<f4", 2),
    "rows_scale.npy": ("<f8", 2),  # mean, SD, weight, lowest and highest value of each covariate
    "rows_numbers.npy": ("<f8", 1),  # mean distance, threshold, blocks
}
#: Side of a cell where the grid is unknown, km, and of a degree.
_CELL_KM, _DEGREE_KM = 9.0, 111.2


def blocks_of(cells: Cells) -> np.ndarray:
    """The block of cells of each row; see `cell_blocks`."""
    grid = cells.grid
    if grid is None:
        return cell_blocks(cells.cells, _CELL_KM)
    # Cells of SMAP are thousands of metres wide, or less than a degree.
    return cell_blocks(cells.cells, grid.cell_width * (1e-3 if grid.cell_width > 1 else _DEGREE_KM))


def applicability_of(cells: Cells, weights: np.ndarray | None, seed: int) -> Applicability | None:
    """That of the rows that a model is fitted to; see `Applicability.of`."""
    return Applicability.of(np.asarray(cells.x, np.float32), weights, blocks_of(cells), seed)


def applicability_members(found: Applicability) -> dict[str, bytes]:
    """It as .npy files."""
    scale = np.stack([found.mean, found.sd, found.weights, found.low, found.high])
    numbers = np.array([found.distance, found.threshold, found.blocks])
    arrays = {"rows.npy": found.rows, "rows_scale.npy": scale, "rows_numbers.npy": numbers}
    return to_members(arrays, MEMBERS)


def load_applicability(members: Mapping[str, bytes], covariates: int) -> Applicability | None:
    """What `applicability_members` gave; None where there is nothing.

    Raises
    ------
    ModelFileError
        If it is damaged.
    """
    raw = from_members(members, MEMBERS, "the training rows")
    if raw is None:
        return None
    rows, scale, numbers = (raw[name] for name in MEMBERS)
    if not rows.size or rows.shape[1] != covariates or scale.shape != (5, covariates) or numbers.size != 3:
        raise ModelFileError("The training rows do not belong to the covariates.")
    finite = all(np.isfinite(array).all() for array in (rows, scale, numbers))
    mean, sd, weights, low, high = scale
    distance, threshold, blocks = numbers.tolist()
    sound = finite and (sd >= 0).all() and (weights >= 0).all() and distance > 0 and threshold >= 0
    if not sound or not ((weights > 0) & (sd > 0)).any() or ((weights > 0) & (sd == 0)).any():
        raise ModelFileError("The training rows hold a number that cannot be.")
    ends = low.astype(np.float32), high.astype(np.float32)
    return Applicability(rows, mean, sd, weights, *ends, distance, threshold, int(blocks))
