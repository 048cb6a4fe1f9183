"""Grids of hyper-parameters, as users write them: `2, 4, 7`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ...base.errors import InputError
from ...base.words import text
from ..base import Candidate
from .settings import ForestSettings

MOST_CANDIDATES = 1000
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class ForestCandidate(Candidate):
    """One choice of hyper-parameters.

    Parameters
    ----------
    settings : ForestSettings
    sample_share : float or None
        Share of the training rows that is drawn for each tree, in place of `settings.sample_size`.
    """

    sample_share: float | None = None

    def of(self, rows: int) -> ForestSettings:
        """The settings for a training part of `rows` rows."""
        if self.sample_share is None:
            return self.settings
        return replace(self.settings, sample_size=max(2, round(self.sample_share * rows)))

    def text(self, covariates: int) -> str:
        """In one line, for people."""
        settings = self.settings
        # A training part may have fewer rows than the sample.
        drawn = "all" if settings.sample_size is None else text("at most {:,}", settings.sample_size)
        share = self.sample_share
        return text(
            "n_estimators {n_estimators}, max_features {mtry}, min_samples_split {min_samples_split}, "
            "sample_size {}",
            text("{} rows", drawn) if share is None else text("{:g} of the rows", share),
            n_estimators=settings.n_estimators,
            mtry=settings.mtry(covariates),
            min_samples_split=settings.min_samples_split,
        )

    def columns(self, covariates: int) -> dict[str, Any]:
        """Hyper-parameters by the names of `RandomForest.columns`; mtry is that of so many covariates."""
        settings = self.settings
        return {
            **settings.as_dict(),
            "max_features": settings.mtry(covariates),
            "sample_size": settings.sample_size if self.sample_share is None else None,
            "sample_share": self.sample_share,
        }


def parse_grid(text: str, parameter: str, least: int, greatest: int) -> tuple[int, ...]:
    """Whole numbers separated by commas; an empty text gives none.

    Raises
    ------
    InputError
        For what is no whole number, is out of range or occurs twice.
    """
    numbers = _parts(text, parameter, _whole, "whole number", "2, 4, 7")
    for number in numbers:
        if not least <= number <= greatest:
            raise InputError(
                f"{parameter}: {number} is out of range; give whole numbers from {least} to {greatest}."
            )
    return numbers


def parse_shares(text: str, parameter: str) -> tuple[float, ...]:
    """Shares over 0 up to 1, separated by commas; an empty text gives none.

    Raises
    ------
    InputError
        As `parse_grid`.
    """
    shares = _parts(text, parameter, float, "number", "0.5, 0.8, 1")
    for share in shares:
        if not 0 < share <= 1:
            raise InputError(f"{parameter}: {share:g} is out of range; give shares over 0 up to 1.")
    return shares


def candidates(
    base: ForestSettings,
    max_features: str = "",
    min_samples_split: str = "",
    n_estimators: str = "",
    sample_share: str = "",
) -> tuple[ForestCandidate, ...]:
    """All combinations of the grids; what has no grid is as in `base`.  One candidate: nothing to tune.

    The last grid that is given changes fastest.

    Raises
    ------
    InputError
        For a grid that cannot be read, or more than 1,000 combinations.
    """
    from sklearn.model_selection import ParameterGrid

    grids: dict[str, tuple[float, ...]] = {
        "max_features": parse_grid(max_features, "MAX_FEATURES_GRID", 1, 32_767),
        "min_samples_split": parse_grid(min_samples_split, "MIN_SAMPLES_SPLIT_GRID", 2, 2**31 - 1),
        "n_estimators": parse_grid(n_estimators, "N_ESTIMATORS_GRID", 1, 100_000),
        "sample_share": parse_shares(sample_share, "SAMPLE_SHARE_GRID"),
    }
    grid = ParameterGrid({name: numbers for name, numbers in grids.items() if numbers})
    if len(grid) > MOST_CANDIDATES:
        raise InputError(
            f"The grids have {len(grid):,} combinations; give fewer values, so that there are at most "
            f"{MOST_CANDIDATES:,}."
        )
    return tuple(
        ForestCandidate(sample_share=choice.pop("sample_share", None), settings=replace(base, **choice))
        for choice in grid
    )


def check_mtry(choices: Sequence[Candidate], covariates: int, label: str) -> None:
    """Refuse a grid of `max_features` over the number of covariates: its forests would be equal.

    Raises
    ------
    InputError
        `label` is what has too few covariates.
    """
    mtry = {candidate.settings.max_features or 1 for candidate in choices}
    if len(mtry) > 1 and max(mtry) > covariates:
        raise InputError(
            f"MAX_FEATURES_GRID: {max(mtry)} is more than the {covariates} covariates of {label}; give at "
            f"most {covariates}."
        )


def mtry_of_all(choices: Sequence[Candidate], covariates: int) -> list[int]:
    """The values of a grid of `max_features`, ascending, that are all covariates or more: equals."""
    return sorted({mtry for one in choices if (mtry := one.settings.max_features or 1) >= covariates})


def tree_groups(settings: Sequence[ForestSettings]) -> list[list[int]]:
    """Indices of settings that differ by their number of trees alone: one forest serves each group."""
    groups: dict[ForestSettings, list[int]] = {}
    for index, own in enumerate(settings):
        groups.setdefault(replace(own, n_estimators=1), []).append(index)
    return list(groups.values())


def _whole(text: str) -> int:
    # int() alone would take underscores and digits of other scripts.
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def _parts(
    text: str, parameter: str, read: Callable[[str], Number], kind: str, example: str
) -> tuple[Number, ...]:
    numbers: list[Number] = []
    for part in (piece.strip() for piece in text.split(",")) if text.strip() else ():
        try:
            number = read(part)
        except ValueError:
            raise InputError(
                f"{parameter}: '{part}' is no {kind}; write numbers separated by commas, such as {example}."
            ) from None
        if number in numbers:
            raise InputError(f"{parameter}: {part} occurs twice; give it once.")
        numbers.append(number)
    return tuple(numbers)
