"""What is harmonised: layers that the user chose, and the covariates that they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.covariate_names import covariate_name
from ...geo.sampling import AUTO
from ...geo.sources import Source
from .numbers.conversions import AS_IS, Change


@dataclass(frozen=True)
class ConvertedSource(Source):
    """A band whose numbers are converted as they are read, before anything is averaged."""

    change: Change = AS_IS

    def of(self, values: np.ndarray) -> np.ndarray:
        """The band's values in the unit of the covariate, float32."""
        return self.change.apply(values)


@dataclass(frozen=True)
class Layer:
    """A raster that the user chose: its file (or GDAL name), the file's name, and its title in QGIS."""

    path: str
    name: str
    title: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"INPUT layer {self.name} ({self.path})"


@dataclass(frozen=True)
class Covariate:
    """A band of both stacks.

    Attributes
    ----------
    name, unit : str
        Of the covariate.
    layer, source
        Where it comes from.
    categorical : bool
        Whether its values are classes.
    measured : bool
        Whether the user says that they are none.
    whole : bool
        Whether they are stored as whole numbers.
    quantity : str
        Which quantity it is (a key of `numbers.ranges.QUANTITIES`), or empty.
    stored : str
        Unit in the file, or empty where nobody knows.
    change : Change
        What is done to the numbers in the file.
    resampling : str
        Way to the fine grid that was asked for, or AUTO.
    why : str
        What unit and conversion rest on.
    description : str
        What the band says of itself.
    usual : Change, optional
        What the product that the file seems to be needs.
    scaled : bool
        Whether GDAL applies a scale of the band's own while it reads.
    """

    name: str
    unit: str
    layer: Layer
    source: Source
    categorical: bool = False
    measured: bool = False
    whole: bool = False
    quantity: str = ""
    stored: str = ""
    change: Change = AS_IS
    resampling: str = AUTO
    why: str = ""
    description: str = ""
    usual: Change | None = None
    scaled: bool = False

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.layer.label}, band {self.source.band}"

    def is_called(self, name: str) -> bool:
        """Whether the user may mean it by a name: its own, or that of its layer's file or title."""
        texts = (self.name, self.layer.name, self.layer.title)
        return covariate_name(name) in {covariate_name(text) for text in texts if text}
