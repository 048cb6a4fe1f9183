"""What a cross-validation is run with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ....base.errors import InputError, check_least
from ....methods.base import Candidate, FineReader, Method
from ....methods.features import NO_FEATURES, FeatureSettings
from ....methods.forest.engines import FASTEST, SCIKIT_LEARN
from ....methods.forest.method import RANDOM_FOREST
from ....methods.keys import BY_CELL, BY_DATE, MODES
from .folds import BLOCKS, LOCATIONS, LOCATIONS_AND_DATES, MODE_WORDS, PERIODS, RANDOM, ModeWords

#: SMAP's brightness temperatures resolve 27-33 km: cells of smaller blocks share their footprint.
LEAST_SIDE_KM = 36.0


@dataclass(frozen=True)
class ValidationSettings:
    """Folds, repeats and candidates.

    Parameters
    ----------
    folds, repeats, inner_folds : int
        K, how often, and K of the choice within a training part.
    block_km : float
        Side of the spatial blocks, km, at least 36; 0: random folds only.
    candidates : tuple of Candidate
        Hyper-parameters; more than one are chosen from within each training part.
    seed : int
        Seed of the folds; the models' own is in their settings.
    mode : str
        What has a forest of its own: `by date`, `by cell`, or `pooled` for one of all rows.
    period, gap : int
        Days that are held out together, where dates are, and days beside them that the forest does not see
        either.
    features : FeatureSettings
        Covariates that are made from the rows, anew in each fold.
    importance : bool
        Whether covariates are permuted in the held-out rows of the first repeat.
    wet, dry : tuple of int
        Months of the seasons that the rows of cells and pooled rows are scored in.
    engine : str
        One of the method's engines, or `fastest` for whichever is; that must be decided before a fold is
        worked on.
    method : Method
    fine : FineReader or None
        The fine stack, for methods that look below the cells.
    whole_cells : bool
        Whether pooled rows are held out by cells, on all their dates: for methods whose models of all dates
        are made of the same cells.

    A value out of its range raises `InputError` with the name of the QGIS parameter.
    """

    folds: int
    repeats: int
    block_km: float
    candidates: tuple[Candidate, ...]
    inner_folds: int = 5
    seed: int = 1
    mode: str = BY_DATE
    period: int = 1
    gap: int = 0
    features: FeatureSettings = NO_FEATURES
    importance: bool = False
    wet: tuple[int, ...] = ()
    dry: tuple[int, ...] = ()
    engine: str = SCIKIT_LEARN
    method: Method = RANDOM_FOREST
    fine: FineReader | None = None
    whole_cells: bool = False

    def __post_init__(self) -> None:
        check_least("FOLDS", self.folds, 2)
        check_least("REPEATS", self.repeats, 1)
        check_least("INNER_FOLDS", self.inner_folds, 2)
        check_least("SEED", self.seed, 0)
        check_least("PERIOD", self.period, 1, " days")
        check_least("GAP", self.gap, 0, " days")
        if self.block_km != 0 and not LEAST_SIDE_KM <= self.block_km < float("inf"):
            raise InputError(
                f"BLOCKS is {self.block_km:g} km, and SMAP sees about {LEAST_SIDE_KM:g} km at once; give "
                f"{LEAST_SIDE_KM:g} or more, or 0 for random folds only."
            )
        if self.mode not in MODES:
            raise InputError(f"MODE is '{self.mode}'; give one of {', '.join(MODES)}.")
        if self.mode not in self.method.modes:
            raise InputError(f"MODE is '{self.mode}', which a {self.method.name} cannot be.")
        if not self.method.engines:
            object.__setattr__(self, "engine", "")
        elif self.engine not in (*self.method.engines, FASTEST):
            raise InputError(f"ENGINE is '{self.engine}'; give {FASTEST} or {SCIKIT_LEARN}.")

    @property
    def schemes(self) -> tuple[str, ...]:
        """Random folds, and what holds out more at once."""
        if self.mode == BY_DATE:
            return (RANDOM, BLOCKS) if self.block_km else (RANDOM,)
        if self.mode == BY_CELL:
            return (RANDOM, PERIODS)
        if self.whole_cells:
            return (RANDOM, LOCATIONS) if self.block_km else (RANDOM,)
        return (RANDOM, LOCATIONS, LOCATIONS_AND_DATES)

    @property
    def words(self) -> ModeWords:
        """How the mode is spoken of."""
        return MODE_WORDS[self.mode]

    @property
    def needs_coordinates(self) -> bool:
        """Whether blocks are made of the cells' x and y."""
        return self.block_km > 0 and self.mode != BY_CELL

    @property
    def tuned(self) -> bool:
        """Whether there is a choice."""
        return len(self.candidates) > 1

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, for JSON."""
        plain = asdict(replace(self, fine=None))
        return {**plain, "method": self.method.name}
