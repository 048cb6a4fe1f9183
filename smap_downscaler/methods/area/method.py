"""The area-to-point model as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ..base import NO_WISHES, Cells, Method, Wishes
from ..keys import BY_DATE, POOLED
from ..skill import OobScores
from .core import fit_core
from .members import decode
from .model import AreaModel
from .settings import AreaSettings, read_settings


class AreaToPoint(Method):
    """What covariates explain at the pixel, a field and SMAP's noise, estimated together."""

    name = "area-to-point model"
    noun = "model"
    modes = (BY_DATE, POOLED)
    smaller = "use fewer covariates, dates or TERMS"
    uses_coordinates = True
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
        """A model of one date (its key is the date), or of all (0): see `fit_core`."""
        core = fit_core(cells, settings, key == 0, progress)
        model = AreaModel(core)
        model.scores = OobScores.of(*_left_out(model))
        return model

    def load(self, members: Mapping[str, bytes], names: Sequence[str], scores: OobScores | None) -> AreaModel:
        """The model of `AreaModel.members`."""
        return AreaModel(decode(members, names), scores=scores)

    def get_ready(self) -> None:
        """Load SciPy's linear algebra and filters."""
        import scipy.linalg
        import scipy.ndimage
        import scipy.optimize
        import scipy.signal  # noqa: F401


def _left_out(model: AreaModel) -> tuple[np.ndarray, np.ndarray]:
    """SMAP's values, and what the other cells say of each."""
    errors = model.left_out_errors()
    seen = np.isfinite(errors)
    observed = model.core.cube[seen]
    return observed, observed - errors[seen]


AREA_TO_POINT = AreaToPoint()
