"""What an area-to-point model is fitted with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...base.errors import InputError
from .terms import KINDS

#: Widest footprint and largest noise that can be given.
WIDEST_KM, MOST_NOISE = 100.0, 0.2
#: How surely users know the noise that they give: one SD, as a factor.
SURE = 1.02


@dataclass(frozen=True)
class AreaSettings:
    """Settings of an area-to-point model.

    Parameters
    ----------
    footprint_km : float or None
        Full width at half maximum of SMAP's footprint, 0 for none; None: chosen by likelihood.
    noise : float or None
        Standard deviation of SMAP's noise, m3 m-3; None: estimated.
    terms : tuple of str
        Of `terms.KINDS`; none: kriging alone.
    categorical : tuple of str
        Covariates that are codes of classes.
    seed : int
        Of the run; the model has no randomness.
    noise_factor : float
        How surely a noise that is given is known: one SD, as a factor above 1.
    """

    footprint_km: float | None = None
    noise: float | None = None
    terms: tuple[str, ...] = KINDS
    categorical: tuple[str, ...] = ()
    seed: int = 1
    noise_factor: float = SURE

    def __post_init__(self) -> None:
        width = self.footprint_km
        if width is not None and not 0 <= width <= WIDEST_KM:
            raise InputError(f"FOOTPRINT is {width:g} km; give 0 to {WIDEST_KM:g}, or auto.")
        if self.noise is not None and not 0 < self.noise <= MOST_NOISE:
            raise InputError(
                f"NOISE is {self.noise:g} m3 m-3; give more than 0, at most {MOST_NOISE:g}, or auto."
            )
        unknown = [kind for kind in self.terms if kind not in KINDS]
        if unknown:
            raise InputError(f"TERMS has {unknown[0]!r}; choose from {', '.join(KINDS)}.")
        object.__setattr__(self, "terms", tuple(kind for kind in KINDS if kind in self.terms))
        object.__setattr__(self, "categorical", tuple(self.categorical))

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, for JSON."""
        return {**asdict(self), "terms": list(self.terms), "categorical": list(self.categorical)}


def read_settings(content: Mapping[str, Any]) -> AreaSettings:
    """Settings from JSON.

    Raises
    ------
    InputError, TypeError
    """
    # Files of 0.5.0 do not say how surely the noise was known.
    content = {"noise_factor": SURE, **content}
    if set(content) != {field.name for field in fields(AreaSettings)}:
        raise TypeError(f"the settings of an area-to-point model are {', '.join(content)}")
    numbers = [content[name] for name in ("footprint_km", "noise")]
    factor = content["noise_factor"]
    if not (_is_number(factor) and math.isfinite(factor) and factor > 1):
        raise TypeError("the factor of a noise is no number above 1")
    lists = [content[name] for name in ("terms", "categorical")]
    if not all(one is None or (_is_number(one) and math.isfinite(one)) for one in numbers):
        raise TypeError("a setting of an area-to-point model is no number")
    if not all(isinstance(one, list) and all(isinstance(name, str) for name in one) for one in lists):
        raise TypeError("a setting of an area-to-point model is no list of names")
    if not isinstance(content["seed"], int):
        raise TypeError("the seed of an area-to-point model is no whole number")
    return AreaSettings(numbers[0], numbers[1], tuple(lists[0]), tuple(lists[1]), content["seed"], factor)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
