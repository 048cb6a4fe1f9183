"""The area-to-point model as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress, heard_by
from ..base import COVER_SDS, NO_WISHES, Block, Cells, Method, Prediction, Wishes
from ..keys import BY_DATE, POOLED
from ..skill import OobScores
from .core import fit_core
from .members import decode
from .model import AreaModel
from .settings import AreaSettings, read_settings
from .told import cells_at, told_cells, usable_rows


class AreaToPoint(Method):
    """What covariates explain at the pixel, a field and SMAP's noise, estimated together."""

    name = "area-to-point model"
    noun = "model"
    modes = (BY_DATE, POOLED)
    smaller = "use fewer covariates, dates or TERMS"
    uses_coordinates = True
    has_prior = True
    sees_cells = True
    columns: Mapping[str, type] = MappingProxyType({"footprint_km": float, "noise": float})

    def read_settings(self, content: Mapping[str, Any]) -> AreaSettings:
        """Settings from JSON; see `AreaSettings`."""
        return read_settings(content)

    def fit(
        self,
        cells: Cells,
        settings: AreaSettings,
        key: int,
        progress: Progress = SILENT,
        threads: int = 1,
        wishes: Wishes = NO_WISHES,
    ) -> AreaModel:
        """A model of the cells of one date, or on two levels of those of several: see `fit_core`."""
        core = fit_core(cells, settings, bool(np.ptp(cells.days)), progress)
        model = AreaModel(core)
        model.scores = _scores(model)
        return model

    def usable(self, cells: Cells, settings: AreaSettings, progress: Progress = SILENT) -> np.ndarray:
        """Rows whose cells lie far enough inside of the fine stack, for the widest footprint there may be.

        Returns
        -------
        bool, shape (n,)
        """
        with heard_by(progress):
            return usable_rows(cells, settings, progress)

    def held_out(
        self,
        cells: Cells,
        block: Block,
        settings: Sequence[Any],
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> np.ndarray:
        """As SMAP sees them: the covariates of cells are those of their pixels, not of `block`."""
        return np.stack([self.held_out_told(cells, block, own, key, progress).mean for own in settings])

    def held_out_told(
        self,
        cells: Cells,
        block: Block,
        settings: Any,
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> Prediction:
        """As `held_out`, with intervals; see `told_cells`."""
        if cells.grid is None or block.coordinates is None:
            raise InputError("Held-out cells need the SMAP grid and their coordinates.")
        model = self.fit(cells, settings, key, progress)
        with heard_by(progress):
            return told_cells(model, cells_at(cells.grid, block.coordinates), block.days, progress)

    def load(self, members: Mapping[str, bytes], names: Sequence[str], scores: OobScores | None) -> AreaModel:
        """The model of `AreaModel.members`."""
        return AreaModel(decode(members, names), scores=scores)

    def get_ready(self) -> None:
        """Load SciPy's linear algebra and filters."""
        import scipy.linalg
        import scipy.ndimage
        import scipy.optimize
        import scipy.signal  # noqa: F401


def _scores(model: AreaModel) -> OobScores:
    """Of SMAP's values beside what the other cells say of each, and of the intervals about that."""
    errors, variances = model.each_left_out()
    seen = np.isfinite(errors)
    observed, off, reach = model.core.cube[seen], errors[seen], COVER_SDS * np.sqrt(variances[seen])
    held = float(np.mean(np.abs(off) <= reach))
    return replace(OobScores.of(observed, observed - off), held=held, width=float(np.mean(2.0 * reach)))


AREA_TO_POINT = AreaToPoint()
