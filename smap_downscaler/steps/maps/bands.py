"""What bands of maps say beside soil moisture: intervals, and how far pixels are from the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.geotiff import Band
from ...geo.storage import CLASSES, STEP
from ...methods.base import Block, Model
from ...methods.file.reader import ModelFile

NAME = "soil_moisture"
LOWER, UPPER, SD = f"{NAME}_lower", f"{NAME}_upper", f"{NAME}_sd"
DISSIMILARITY, OUTSIDE, OUT_OF_RANGE, EXPLAINED = (
    "dissimilarity",
    "outside",
    "out_of_range",
    "variance_explained",
)
#: Steps of whole numbers, where maps are stored as such, of bands that are no soil moisture.
_STEPS = {DISSIMILARITY: 0.001, OUTSIDE: CLASSES, OUT_OF_RANGE: CLASSES}


@dataclass(frozen=True)
class Extra:
    """What maps tell beside soil moisture.

    Parameters
    ----------
    intervals : bool
        Ends of the interval, and standard deviation.
    applicability : bool
        Dissimilarity to the training rows, whether it is over the threshold, and which covariate is farthest
        out of its range; where the method knows it, the share of the variance that the data took away.
    """

    intervals: bool = False
    applicability: bool = False

    def names(self, models: ModelFile) -> tuple[str, ...]:
        """The bands after the first, in their order."""
        names = (LOWER, UPPER, SD) if self.intervals else ()
        if not self.applicability:
            return names
        known = (EXPLAINED,) if models.method.has_prior else ()
        return (*names, DISSIMILARITY, OUTSIDE, OUT_OF_RANGE, *known)

    def bands(self, models: ModelFile) -> list[Band]:
        """As `names`, with unit; `OUT_OF_RANGE` names its numbers in tags."""
        numbered = {str(number): name for number, name in enumerate(models.names, start=1)}
        return [
            Band(
                name,
                models.response_unit if name in (LOWER, UPPER, SD) else "",
                {"0": "none", **numbered} if name == OUT_OF_RANGE else {},
                _STEPS.get(name, STEP),
            )
            for name in self.names(models)
        ]

    def check(self, model: Model, models: ModelFile) -> None:
        """Raise `InputError` if a model of a file cannot tell what is wanted."""
        if self.intervals and not model.has_sd:
            raise InputError(
                f"{models.path}: it has nothing that intervals are made from; train it again, or leave out "
                "INTERVALS."
            )
        if self.applicability and model.applicability is None:
            raise InputError(
                f"{models.path}: it has no training rows that pixels are held against; train it again, or "
                "leave out APPLICABILITY."
            )

    def layers(self, model: Model, block: Block, progress: Progress = SILENT) -> list[np.ndarray]:
        """Soil moisture, and the bands after it, of a block: each of shape (n,)."""
        found = model.predict(block, progress, self.intervals)
        layers: list[np.ndarray | None] = [found.mean]
        if self.intervals:
            layers += [found.lower, found.upper, found.sd]
        if self.applicability and (known := model.applicability) is not None:
            dissimilarity = known.dissimilarity(block.x)
            layers += [dissimilarity, dissimilarity > known.threshold, known.out_of_range(block.x)]
            layers.append(model.prior_share(block, progress))
        return [layer for layer in layers if layer is not None]


NO_EXTRA = Extra()
