"""What came of the whole chain, for the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ....geo.graticule import MapFrame
from ....geo.grid import Bounds
from ....methods.measured import Measured
from .interpolated import FoldScores


@dataclass(frozen=True)
class SchemeScores:
    """Scores of the model under a scheme of folds, and those of interpolation, where there are any.

    Attributes
    ----------
    scheme : str
        What is held out together.
    model : FoldScores
    interpolation : FoldScores or None
    """

    scheme: str
    model: FoldScores
    interpolation: FoldScores | None


@dataclass(frozen=True)
class Shown:
    """A date as SMAP saw it and as it was mapped, at the size of a picture: NaN where missing."""

    date: dt.date
    smap: np.ndarray
    mapped: np.ndarray
    bounds: Bounds
    frame: MapFrame | None


@dataclass
class ChainOutcome:
    """What was made.

    Attributes
    ----------
    method : str
    dates : sequence of date
        Of the maps.
    facts : list of (str, str)
        Names and what they are.
    by_day : bool
        Whether scores are medians over days.
    scores : list of SchemeScores
    at_stations : dict of str to float
        Scores at the stations, by output of 'Validate maps against the field'.
    evidence : list of str
        What the model says of the pattern within cells.
    measured : list of Measured
    warnings : list of (str, str)
        The step, and what it warned of.
    shown : Shown or None
    reports : list of (str, str)
        Title of the reports of single steps, and their paths from the folder of the page.
    """

    method: str
    dates: Sequence[dt.date]
    facts: list[tuple[str, str]] = field(default_factory=list)
    by_day: bool = False
    scores: list[SchemeScores] = field(default_factory=list)
    at_stations: dict[str, float] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    shown: Shown | None = None
    reports: list[tuple[str, str]] = field(default_factory=list)
