"""What a method is to the steps: it fits models to SMAP's cells, and a model predicts soil moisture.

A method is one file (or folder) in this room and one line in `register`.  Training, cross-validation,
maps, filled gaps and the model file know methods by these classes only.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ..base.errors import InputError
from ..base.kept import Kept
from ..base.progress import SILENT, Progress
from ..base.words import Text, joined, text
from ..geo.grid import Grid
from ..stats.applicability import Applicability
from .keys import MODES
from .measured import Measured
from .skill import Importance, OobScores

_T = TypeVar("_T")

#: Covariates of a model, at most: what 16 bits count.
MOST_COVARIATES = int(np.iinfo(np.int16).max)


class ModelFileError(InputError):
    """A model, or the file that holds it, is damaged or not what it says it is."""


class ModelMismatch(ModelFileError):
    """A model does not fit to what the file says of it; the text goes on "the model of ... "."""


class FineBlock(NamedTuple):
    """Fine pixels side by side.

    Attributes
    ----------
    x : float32, shape (p, rows, columns)
        Covariates; NaN where missing.
    rows, cols : float64, shape (rows, columns)
        Where the pixels lie in the SMAP grid, in cells: the centre of the first cell is at 0.5.
    """

    x: np.ndarray
    rows: np.ndarray
    cols: np.ndarray


class FineReader(Protocol):
    """Reads the fine stack and dated covariates, for methods that look below the cells."""

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates of the stack."""

    def blocks(self, names: Sequence[str], progress: Progress = SILENT) -> Iterator[FineBlock]:
        """All pixels once, in blocks, with the covariates `names`."""

    @property
    def dated(self) -> tuple[str, ...]:
        """The dated covariates."""

    def dated_on(self, name: str, day: int, grid: Grid, progress: Progress = SILENT) -> np.ndarray:
        """A dated covariate on a day (its ordinal): float32, shape of the grid, NaN where missing."""

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What was made of the stack under a key before; made now where it was not.

        Models of a run, and folds, share what hangs on the stack alone.
        """


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of SMAP cells and dates: what a model is fitted to.

    Attributes
    ----------
    x : float32, shape (n, p)
        Covariates, derived ones last; no NaN where a model is fitted.
    y : float64, shape (n,)
        Soil moisture, m3 m-3.
    cells : int64, shape (n, 2)
        Row and column of each row's cell in the SMAP grid; -1 where unknown.
    days : int64, shape (n,)
        Ordinal of each row's date.
    coordinates : float64, shape (n, 2), or None
        x and y of the cells' centres in the CRS of the SMAP grid, where known and asked for.
    names : tuple of str
        The covariates; empty where nobody asks.
    grid : Grid or None
        The SMAP grid, where known.
    fine : FineReader or None
        The fine stack, where there is one.
    """

    x: np.ndarray
    y: np.ndarray
    cells: np.ndarray
    days: np.ndarray
    coordinates: np.ndarray | None = None
    names: tuple[str, ...] = ()
    grid: Grid | None = None
    fine: FineReader | None = None

    def take(self, mask: np.ndarray) -> Cells:
        """The rows of a mask, bool, shape (n,)."""
        coordinates = None if self.coordinates is None else self.coordinates[mask]
        return replace(
            self,
            x=self.x[mask],
            y=self.y[mask],
            cells=self.cells[mask],
            days=self.days[mask],
            coordinates=coordinates,
        )


@dataclass(frozen=True, eq=False)
class Block:
    """Pixels, or cells, whose soil moisture is asked for.

    Attributes
    ----------
    x : float32, shape (n, p)
        Covariates in the order of the model's; no NaN.
    days : int64, shape (n,)
        Ordinals of the dates.
    coordinates : float64, shape (n, 2), or None
        x and y of the centres in the CRS of the SMAP grid; None unless the method `uses_coordinates`.
    still
        What `Model.still` gave for these pixels; predictions are the same without it, to the last bit.
    """

    x: np.ndarray
    days: np.ndarray
    coordinates: np.ndarray | None = None
    still: Any | None = None


#: Share of true values that an interval is to hold, and how many standard deviations to either side of the
#: mean hold so much of a normal distribution.
COVER, COVER_SDS = 0.9, 1.6448536269514722


class Prediction(NamedTuple):
    """Soil moisture, m3 m-3; float64, shape (n,).

    Attributes
    ----------
    mean : ndarray
    sd : ndarray or None
        Standard deviation of what is true about the mean, where asked for.
    lower, upper : ndarray or None
        Ends of the interval that is to hold `COVER` of what is true, where asked for.
    """

    mean: np.ndarray
    sd: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None


#: What people call settings, where it is not their name; empty: it is not told.
_CALLED = {"footprint_km": "footprint in km", "noise": "noise in m3 m-3", "noise_factor": ""}


def settings_text(content: Mapping[str, Any]) -> Text:
    """Settings by name in one line, for people; those that are not given are left out."""
    called = {_CALLED.get(name, name): value for name, value in content.items()}
    told = {name: value for name, value in called.items() if name and value is not None and value != []}
    words = {name: ", ".join(one) if isinstance(one, list) else one for name, one in told.items()}
    forms = {name: "{} {:g}" if isinstance(value, float) else "{} {}" for name, value in words.items()}
    return joined(", ", (text(forms[name], name, value) for name, value in words.items()))


@dataclass(frozen=True)
class Candidate:
    """One choice of settings; methods whose settings hang on the number of rows extend it."""

    settings: Any

    def of(self, rows: int) -> Any:
        """The settings for a training part of `rows` rows."""
        return self.settings

    def text(self, covariates: int) -> str:
        """In one line, for people."""
        return settings_text(self.settings.as_dict())

    def columns(self, covariates: int) -> dict[str, Any]:
        """Settings by the names of `Method.columns`, for a model of so many covariates."""
        return dict(self.settings.as_dict())


@dataclass(frozen=True)
class Wishes:
    """What is wanted of each model of a run beside its fit.

    Parameters
    ----------
    candidates : tuple of Candidate
        Settings to choose from; none: as the settings say.
    importance_repeats : int
        How often each covariate is shuffled for the permutation importance; 0: no importance.
    trust : bool
        Whether it keeps what maps need to tell how far they can be trusted: intervals, applicability.
    """

    candidates: tuple[Candidate, ...] = ()
    importance_repeats: int = 0
    trust: bool = False

    def __post_init__(self) -> None:
        if self.importance_repeats < 0:
            raise InputError(
                f"IMPORTANCE_REPEATS is {self.importance_repeats}; give 0 (no importance) or more."
            )

    @property
    def tuned(self) -> bool:
        """Whether there is a choice."""
        return len(self.candidates) > 1


NO_WISHES = Wishes()

#: How much of the pattern within cells is shown: what the data speak for, all, nothing.
BY_EVIDENCE, ALL_DETAIL, NO_DETAIL = "by evidence", "all", "none"
DETAILS = (BY_EVIDENCE, ALL_DETAIL, NO_DETAIL)


class Model(ABC):
    """A fitted model.

    Attributes
    ----------
    settings
        What it was fitted with; None in a model that was read from a file, which keeps them.
    scores : OobScores or None
        Of its own error, such as out-of-bag scores.
    importance : Importance or None
        Of its covariates, where that was wished for.
    has_sd : bool
        Whether `predict` can give a standard deviation, and the ends of intervals.
    applicability : Applicability or None
        Of the rows that it was fitted to.
    """

    settings: Any = None
    scores: OobScores | None = None
    importance: Importance | None = None
    has_sd = False
    applicability: Applicability | None = None
    #: Whether it takes so long to be packed that a cancel must be able to leave it.
    is_large = False

    def still(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Any | None:
        """What predictions of the same pixels share on all days, for `Block.still`; None: nothing.

        It has `nbytes`, and hangs on the pixels' places and static covariates alone; with what standard
        deviations share, where these are asked for.
        """
        return None

    def keep_in(self, kept: Kept[Any]) -> None:
        """From now on share the room of `kept` for what predictions share on all days, of any pixels."""
        return

    def arranged(
        self, x: np.ndarray, rows: np.ndarray, cols: np.ndarray, progress: Progress = SILENT
    ) -> np.ndarray | None:
        """The order of pixels, int64, shape (n,), in which they are predicted fastest; None: as they come.

        Predictions are the same in any order, to the last bit.

        Parameters
        ----------
        x : float32, shape (n, p)
            Covariates; 0 for those of a date, and derived ones lack.
        rows, cols : int, shape (n,)
            Where the pixels lie in their block.
        """
        return None

    @abstractmethod
    def predict(self, block: Block, progress: Progress = SILENT, sd: bool = False) -> Prediction:
        """Soil moisture of a block; several threads may call it at once.

        Parameters
        ----------
        block : Block
        progress : Progress
        sd : bool
            Whether standard deviation and interval are asked for; only where the model `has_sd`.
        """

    def prior_share(self, block: Block, progress: Progress = SILENT) -> np.ndarray | None:
        """Share of each pixel's variance before the data that these took away: float64, shape (n,), or None.

        Asked for only where the method `has_prior`.
        """
        return None

    def with_detail(self, detail: str) -> Model:
        """The model whose maps show of the pattern within cells what `detail`, one of `DETAILS`, says."""
        return self

    @property
    def days(self) -> tuple[int, ...]:
        """Ordinals of the days that a model of a method that `sees_cells` was fitted to."""
        return ()

    @property
    def footprint_km(self) -> float:
        """Of such a model: full width of SMAP's footprint; 0 for none."""
        return 0.0

    @property
    def noise_sd(self) -> float:
        """Of such a model: standard deviation of SMAP's noise, m3 m-3."""
        return math.nan

    def observed(self, day: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Cells, int64, shape (n, 2), and SMAP there, float64, on a day that the model was fitted to."""
        return None

    def covers(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Of such a model: whether it maps places of the SMAP grid, in fractions: bool, their shape."""
        return np.ones(np.shape(rows), bool)

    def evidence(self) -> list[str]:
        """Sentences that say what speaks for the pattern within cells."""
        return []

    def doubts(self) -> list[str]:
        """Those of them that should be looked at."""
        return []

    @property
    def measured(self) -> Measured | None:
        """How right such sentences and intervals were where the truth is known; None where nobody knows."""
        return None

    @abstractmethod
    def members(self, covariates: int) -> dict[str, bytes]:
        """All that `Method.load` needs, by name: arrays or JSON, nothing executable.

        Raises
        ------
        InputError
            If it does not fit to so many covariates.
        """


class Method(ABC):
    """A way to learn.

    Attributes
    ----------
    name : str
        What files and reports call it.
    noun : str
        What a model of it is called.
    modes : tuple of str
        Of `keys.MODES`: whether a model is by date, by cell or of all rows.
    parts : str
        What a model is made of, for estimates, such as "tree"; empty where it is of one piece.
    smaller : str
        What to do where models are too large, as a part of a sentence.
    uses_coordinates : bool
        Whether `Cells` and `Block` need coordinates.
    sees_cells : bool
        Whether its models take SMAP for means over cells: they keep these (`Model.observed`), have a field,
        noise and footprint of their own, and detail to choose.
    has_prior : bool
        Whether its models know the `prior_share` of pixels.
    columns : dict
        Settings as columns of tables: name -> int or float; see `Candidate.columns`.
    tunable : tuple of str
        Settings that may be chosen for each model.
    engines : tuple of str
        Programs that can fit it; empty where there is no choice.
    """

    name = ""
    noun = "model"
    modes: tuple[str, ...] = MODES
    parts = ""
    smaller = "use fewer covariates"
    uses_coordinates = False
    sees_cells = False
    has_prior = False
    columns: Mapping[str, type] = MappingProxyType({})
    tunable: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()

    @abstractmethod
    def read_settings(self, content: Mapping[str, Any]) -> Any:
        """Settings from what their `as_dict` gave.

        Raises
        ------
        InputError
            If one is out of its limits.
        TypeError
            If one is unknown or missing.
        """

    @abstractmethod
    def fit(
        self,
        cells: Cells,
        settings: Any,
        key: int,
        progress: Progress = SILENT,
        threads: int = 1,
        wishes: Wishes = NO_WISHES,
    ) -> Model:
        """A model of rows.

        It depends on the rows, settings, wishes and `key` (which makes its randomness another than
        that of others of the run) only.

        Raises
        ------
        InputError
            If nothing can be learned from the rows.
        """

    @abstractmethod
    def load(self, members: Mapping[str, bytes], names: Sequence[str], scores: OobScores | None) -> Model:
        """The model of `Model.members`, with the covariates `names`.

        Raises
        ------
        ModelFileError
            If it is damaged.
        """

    def get_ready(self) -> None:
        """Load packages: threads that load the same one at once may trip over each other."""
        return

    def quicken(self, pixels: int, progress: Progress = SILENT) -> None:
        """Load what predicts so many pixels faster, where it is installed."""
        return

    def quickened(self) -> str:
        """What was measured of it, as a sentence; empty where nothing was."""
        return ""

    def check(self, candidates: Sequence[Candidate], covariates: int, label: str) -> None:
        """Refuse settings that make no sense for so many covariates of the table `label`.

        Raises
        ------
        InputError
        """
        return

    def equals(self, candidates: Sequence[Candidate], covariates: int) -> str:
        """Candidates that come to the same with so few covariates, as a sentence; empty where none do."""
        return ""

    def bytes_of(self, settings: Any, rows: int) -> float:
        """Memory that a model may take while it is fitted, beside the rows."""
        return 0.0

    def size_text(self, settings: Any, rows: int) -> str:
        """How large a model is, for people."""
        return f"a {self.noun} of {rows:,} rows"

    def held_out(
        self,
        cells: Cells,
        block: Block,
        settings: Sequence[Any],
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> np.ndarray:
        """Predictions of rows that were held out, for each of some settings: float64, shape (settings, n)."""
        return np.stack(
            [self.fit(cells, own, key, progress).predict(block, progress).mean for own in settings]
        )

    def held_out_told(
        self,
        cells: Cells,
        block: Block,
        settings: Any,
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> Prediction:
        """Predictions of rows that were held out.

        With the ends of the intervals that are to hold `COVER` of what SMAP sees there, its noise included,
        where the method has such intervals.
        """
        return Prediction(self.held_out(cells, block, [settings], key, progress, engine)[0])

    def permuted(
        self,
        cells: Cells,
        block: Block,
        settings: Any,
        key: int,
        orders: np.ndarray,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predictions of held-out rows, as they are and with one covariate at a time in another order.

        Parameters
        ----------
        orders : int64, shape (p, n)
            The order of the rows in which each covariate is given.

        Returns
        -------
        predicted : float64, shape (n,)
        permuted : float64, shape (p, n)
        """
        model, x = self.fit(cells, settings, key, progress), block.x.copy()
        permuted = np.empty((x.shape[1], x.shape[0]))
        for number, order in enumerate(orders):
            x[:, number] = block.x[order, number]
            permuted[number] = model.predict(Block(x, block.days, block.coordinates), progress).mean
            x[:, number] = block.x[:, number]
        return model.predict(block, progress).mean, permuted

    def work(self, settings: Sequence[Any]) -> tuple[int, int]:
        """How many models, and parts of models, `held_out` fits for some settings."""
        return len(settings), len(settings)

    def sample(self, settings: Any, engine: str) -> tuple[Any, int]:
        """Settings of a small piece of a model's work, for an estimate of time, and its parts."""
        return settings, 1

    def faster_engine(
        self, cells: Cells, block: Block, settings: Any, threads: int, progress: Progress
    ) -> tuple[str, str]:
        """The engine that fits faster, and a sentence that says why."""
        return "", ""

    def engine_version(self, engine: str) -> str | None:
        """The version of an engine; None where it is not installed or does not load."""
        return ""
