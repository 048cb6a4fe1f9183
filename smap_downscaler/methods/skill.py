"""How good models are: scores on rows that they did not see, and the importance of covariates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..stats import scores
from ..stats.distribution import Distribution

#: Scores of a forest that are summed up over forests.
SCORES = ("rmse", "mae", "bias", "r2", "pearson_r2")
#: What is told of a forest's intervals, where it has them.
OF_INTERVALS = ("held", "held_before", "width")


@dataclass(frozen=True, eq=False)
class OobScores:
    """Out-of-bag scores of a forest (see `stats.scores`); NaN where undefined.

    `n` is the number of training rows, `n_scored` of those that were out of bag at least once.

    Of a model with intervals also `held`, the share of the rows that they hold, `held_before`, that before
    their ends were moved, and `width`, their mean width, m3 m-3.
    """

    n: int
    n_scored: int
    rmse: float
    mae: float
    bias: float
    r2: float
    pearson_r2: float
    held: float = math.nan
    held_before: float = math.nan
    width: float = math.nan

    @classmethod
    def of(cls, observed: np.ndarray, predicted: np.ndarray) -> OobScores:
        """Scores of out-of-bag `predicted` (NaN: never out of bag), both of shape (n,)."""
        return cls(
            n=int(observed.size),
            n_scored=int(np.count_nonzero(~np.isnan(predicted))),
            rmse=scores.rmse(observed, predicted),
            mae=scores.mae(observed, predicted),
            bias=scores.bias(observed, predicted),
            r2=scores.r2(observed, predicted),
            pearson_r2=scores.pearson_r2(observed, predicted),
        )

    def __eq__(self, other: object) -> bool:
        # From Python 3.13 on fields are compared one by one, and NaN is not NaN.
        return isinstance(other, OobScores) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.as_dict().items()))

    def as_dict(self) -> dict[str, int | float | None]:
        """The fields by name for JSON, None in place of what is not finite; of intervals what there is."""
        return {
            name: value if math.isfinite(value) else None
            for name, value in asdict(self).items()
            if name not in OF_INTERVALS or math.isfinite(value)
        }


def summarise_scores(found: Iterable[OobScores]) -> dict[str, Distribution]:
    """How each of `SCORES` is spread over forests."""
    kept = list(found)
    return {name: Distribution.of(np.array([getattr(own, name) for own in kept])) for name in SCORES}


@dataclass(frozen=True, eq=False)
class Importance:
    """Rise of the out-of-bag mean square error by covariate, (m3 m-3)2.

    Parameters
    ----------
    mean, sd : float64, shape (p,)
        Over the repeats; SD with n - 1, NaN for one repeat.
    """

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class ImportanceRow:
    """The importance of a covariate over `n_forests` forests, (m3 m-3)2; SD with n - 1."""

    covariate: str
    n_forests: int
    mean: float
    sd: float
    median: float
    q25: float
    q75: float


def summarise_importance(
    found: Iterable[tuple[Sequence[str], Importance]], names: Sequence[str]
) -> list[ImportanceRow]:
    """The importances of several forests by covariate, most important first.

    A forest without a covariate, or that could not be measured, does not count for it.
    """
    values: dict[str, list[float]] = {name: [] for name in names}
    for own, importance in found:
        for name, mean in zip(own, importance.mean.tolist()):
            values[name].append(mean)
    spreads = {name: Distribution.of(np.array(numbers)) for name, numbers in values.items()}
    rows = [
        ImportanceRow(name, each.n, each.mean, each.sd, each.median, each.q1, each.q3)
        for name, each in spreads.items()
        if each.n
    ]
    return sorted(rows, key=lambda row: (-row.mean, row.covariate))
