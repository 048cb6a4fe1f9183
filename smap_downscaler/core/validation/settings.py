"""What a cross-validation is run with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError
from .folds import BLOCKS, RANDOM
from .grid import Candidate

#: SMAP's brightness temperatures resolve 27-33 km: cells of smaller blocks share their footprint.
LEAST_SIDE_KM = 36.0


@dataclass(frozen=True)
class ValidationSettings:
    """Folds, repeats and candidates.

    Parameters
    ----------
    folds, repeats : int
        K and how often; 2 and 1 at least.
    block_km : float
        Side of the spatial blocks, km, at least 36; 0: random folds only.
    candidates : tuple of Candidate
        Hyper-parameters; more than one are chosen from within each training part.
    inner_folds : int
        Folds of the choice.
    seed : int
        Seed of the folds; the forests' own is in their settings.

    A value out of its range raises `InputError` with the name of the QGIS parameter.
    """

    folds: int
    repeats: int
    block_km: float
    candidates: tuple[Candidate, ...]
    inner_folds: int = 5
    seed: int = 1

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"FOLDS is {self.folds}; give 2 or more.")
        if self.repeats < 1:
            raise InputError(f"REPEATS is {self.repeats}; give 1 or more.")
        if self.inner_folds < 2:
            raise InputError(f"INNER_FOLDS is {self.inner_folds}; give 2 or more.")
        if self.block_km != 0 and not LEAST_SIDE_KM <= self.block_km < float("inf"):
            raise InputError(
                f"BLOCKS is {self.block_km:g} km, and SMAP sees about {LEAST_SIDE_KM:g} km at once; give "
                f"{LEAST_SIDE_KM:g} or more, or 0 for random folds only."
            )
        if self.seed < 0:
            raise InputError(f"SEED is {self.seed}; give 0 or more.")

    @property
    def schemes(self) -> tuple[str, ...]:
        """Random folds, and blocks if there are any."""
        return (RANDOM, BLOCKS) if self.block_km else (RANDOM,)

    @property
    def tuned(self) -> bool:
        """Whether there is a choice."""
        return len(self.candidates) > 1

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, for JSON."""
        return asdict(self)
