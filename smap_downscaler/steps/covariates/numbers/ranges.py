"""What values a quantity can have, and which unit a layer is likely in where they cannot be true."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.nodata import code_text, is_known_code
from .conversions import CONVERSIONS, LOG_IN, NO_LOG, NONE, Change, plain_unit

#: Fractions of fine earth, g/kg, add up to 1000 and some rounding; less than this cannot be g/kg.
MOST_OF_FRACTIONS, LEAST_OF_FRACTIONS = 1050.0, 500.0
FRACTIONS = ("clay", "sand", "silt")


@dataclass(frozen=True)
class Quantity:
    """Physical limits (both allowed unless `above`), unit, and the highest value that looks too small."""

    unit: str
    low: float
    high: float
    #: Whether `low` itself is impossible.
    above: bool = False
    #: A layer whose highest value is below is likely in a larger unit.
    small: float = 0.0
    #: Conversions to try, most likely first.
    others: tuple[Change, ...] = ()


def _changes(*names: str) -> tuple[Change, ...]:
    return tuple(Change(CONVERSIONS[name]) for name in names)


_FRACTION = Quantity("g/kg", 0, 1000, small=100, others=_changes("% -> g/kg", "x 0.1"))
_PH = Quantity("pH", 2, 11, others=_changes("pH x 10 -> pH"))
_WATER = _changes("% -> m3/m3", "10-3 cm3/cm3 -> m3/m3")
_RAIN = Quantity("mm/d", 0, 2000)
QUANTITIES = {
    "elevation": Quantity("m", -450, 9000, others=_changes("ft -> m", "dm -> m", "cm -> m")),
    "clay": _FRACTION,
    "sand": _FRACTION,
    "silt": _FRACTION,
    "soc": Quantity("g/kg", 0, 600, small=3, others=_changes("dg/kg -> g/kg", "% -> g/kg")),
    # Peat is light: ISRIC's own limits.
    "bdod": Quantity("kg/dm3", 0.05, 2.65, others=_changes("cg/cm3 -> kg/dm3", "kg/m3 -> kg/dm3")),
    "cec": Quantity("cmol(c)/kg", 0, 200, others=_changes("mmol(c)/kg -> cmol(c)/kg")),
    "ocs": Quantity("t/ha", 0, 5000, small=8, others=_changes("kg/m2 -> t/ha")),
    "ocd": Quantity("kg/m3", 0, 500, others=_changes("hg/m3 -> kg/m3")),
    "phh2o": _PH,
    "phkcl": _PH,
    "nitrogen": Quantity("g/kg", 0, 60, others=_changes("cg/kg -> g/kg")),
    "cfvo": Quantity("%", 0, 100, others=_changes("cm3/dm3 -> %")),
    "wv0010": Quantity("m3/m3", 0, 0.95, others=_WATER),
    "wv0033": Quantity("m3/m3", 0, 0.95, others=_WATER),
    "wv1500": Quantity("m3/m3", 0, 0.95, others=_WATER),
    "ksat": Quantity(
        "cm/d",
        0,
        1e6,
        above=True,
        others=(Change(NONE, LOG_IN), *_changes("m/d -> cm/d", "mm/h -> cm/d", "um/s -> cm/d")),
    ),
    "theta_s": Quantity("m3/m3", 0.2, 0.95, others=_WATER),
    "theta_r": Quantity("m3/m3", 0, 0.5, others=_WATER),
    "vg_alpha": Quantity(
        "1/cm",
        0,
        2,
        above=True,
        others=(Change(CONVERSIONS["1/m -> 1/cm"], LOG_IN), *_changes("1/m -> 1/cm"), Change(NONE, LOG_IN)),
    ),
    "vg_n": Quantity("1", 1, 15, others=(Change(NONE, LOG_IN),)),
    "precipitation": _RAIN,
}
#: Other names that people give to quantities.
_ALIASES = {
    "altitude": "elevation",
    "dem": "elevation",
    "elev": "elevation",
    "clay_content": "clay",
    "sand_content": "sand",
    "silt_content": "silt",
    "organic_carbon": "soc",
    "soil_organic_carbon": "soc",
    "bulk_density": "bdod",
    "ph": "phh2o",
    "ph_h2o": "phh2o",
    "soil_ph": "phh2o",
    "ph_kcl": "phkcl",
}
_DEPTH = re.compile(r"_(?:\d+_)?\d+cm(?:_.*)?$")
_RAINS = re.compile(r"p_(?:antecedent|djf|def|mam|jja|son|[a-z]{3}|\d+d?)(?:_.*)?$")


@dataclass(frozen=True)
class Verdict:
    """What the range of a layer shows: whether it can be true, and a sentence's end for the user."""

    possible: bool
    text: str


def quantity_of(name: str) -> str:
    """The quantity that a covariate is by its name (`clay_0_5cm` is clay, `dem` elevation), or empty."""
    plain = _DEPTH.sub("", name)
    plain = _ALIASES.get(plain, plain)
    if plain in QUANTITIES:
        return plain
    return "precipitation" if _RAINS.fullmatch(name) else ""


def judge(
    quantity: str,
    unit: str,
    low: float,
    high: float,
    change: Change,
    stored: tuple[float, float] | None = None,
    usual: Change | None = None,
) -> Verdict | None:
    """Hold the lowest and highest value of a covariate against what can be true.

    Parameters
    ----------
    quantity : str
        See `quantity_of`.
    unit : str
        Unit of the values; empty is taken as the quantity's own.
    low, high : float
        Before any logarithm is taken; NaN where there is no value.
    change : Change
        What was done to the stored numbers, to name what might have been done instead.
    stored : tuple of float, optional
        Lowest and highest number in the file; worked out from the values where they are not known.
    usual : Change, optional
        What the product that the file seems to be needs; tried before others.

    Returns
    -------
    Verdict or None
        None where the values are as they should be, or nothing is known of the quantity or unit.
    """
    if quantity not in QUANTITIES or not (low <= high):
        return None
    known = QUANTITIES[quantity]
    stored = stored or _stored(change, low, high)
    from_tag = Change()
    if unit and plain_unit(unit) != plain_unit(known.unit):
        # A tag says another unit: hold that against the limits in that unit.
        found = [one for one in known.others if plain_unit(one.conversion.source) == plain_unit(unit)]
        if not found:
            return None
        from_tag = found[0]
    if _fits(known, *_ends(from_tag, low, high)):
        if from_tag.nothing and high < known.small:
            return _too_small(known, low, high, change, stored)
        return None
    shown = _after_number(unit or known.unit)
    text = f"values {low:.6g} to {high:.6g}{shown} cannot be {quantity} ({_limits(known)})"
    return Verdict(False, f"{text}; {_advice(known, change, stored, usual)}")


def _fits(known: Quantity, low: float, high: float) -> bool:
    return (low > known.low if known.above else low >= known.low) and high <= known.high


def _ends(change: Change, low: float, high: float) -> tuple[float, float]:
    first, last = change.natural(np.array([low, high]))
    return float(first), float(last)


def _stored(change: Change, low: float, high: float) -> tuple[float, float]:
    """The numbers in the file."""
    linear = change.conversion
    ends = [(value - linear.offset) / linear.scale for value in (low, high)]
    if change.log10 == LOG_IN:
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = [float(np.log10(value)) for value in ends]
    return ends[0], ends[1]


def _too_small(
    known: Quantity, low: float, high: float, change: Change, stored: tuple[float, float]
) -> Verdict | None:
    for other in known.others:
        first, last = _ends(other, *stored)
        if other != change and _fits(known, first, last) and last >= known.small:
            return Verdict(
                True,
                f"values {low:.4g} to {high:.4g} look like {other.conversion.source}, not {known.unit}: "
                f"if so, choose {_choice_text(other)} for it in LAYERS",
            )
    return None


def _limits(known: Quantity) -> str:
    return f"{'above ' if known.above else ''}{known.low:g} to {known.high:g}{_after_number(known.unit)}"


def _after_number(unit: str) -> str:
    """A unit as it stands behind a number; none behind a pure number."""
    return "" if unit == "1" else f" {unit}"


def _advice(known: Quantity, change: Change, stored: tuple[float, float], usual: Change | None) -> str:
    fill = next((value for value in stored if math.isfinite(value) and is_known_code(value)), None)
    if fill is not None:
        return f"{code_text(fill)} is likely a NoData value without a tag: declare it by NODATA"
    for other in (*([usual] if usual else []), Change(), *known.others):
        first, last = _ends(other, *stored)
        if other != change and _fits(known, first, last) and last >= known.small:
            return f"the layer is likely {_in(known, other)}: choose {_choice_text(other)} for it in LAYERS"
    return (
        "check its unit and choose a conversion in LAYERS, or give the covariate another name "
        "if it is another quantity"
    )


def _in(known: Quantity, other: Change) -> str:
    if not other.conversion.source and other.conversion.scale != 1.0:
        return f"in {known.unit} times {1 / other.conversion.scale:g}"
    source = other.conversion.source or known.unit
    if source == "1":
        return "log10 of the number" if other.log10 == LOG_IN else "the plain number"
    return f"log10({source})" if other.log10 == LOG_IN else f"in {source}"


def _choice_text(change: Change) -> str:
    parts = []
    if change.conversion.name != "none" or change.log10 == NO_LOG:
        parts.append(f"the conversion '{change.conversion.name}'")
    if change.log10 != NO_LOG:
        parts.append(f"log10 '{change.log10}'")
    return " and ".join(parts)


def fractions_verdict(names: Sequence[str], highest_sum: float) -> Verdict | None:
    """Hold the sum of clay, sand and silt (or two of them), g/kg, against the 1000 that it cannot exceed.

    Parameters
    ----------
    names : sequence of str
        Covariates that were added up.
    highest_sum : float
        The highest sum over the cells; NaN for none.
    """
    added = " + ".join(names)
    if highest_sum > MOST_OF_FRACTIONS:
        return Verdict(
            False,
            f"{added} add up to {highest_sum:.0f} g/kg on a SMAP cell, more than 1000; one of them is "
            "likely in another unit, or of another depth: check their conversions in LAYERS",
        )
    if len(names) == len(FRACTIONS) and highest_sum < LEAST_OF_FRACTIONS:
        return Verdict(
            True,
            f"{added} add up to {highest_sum:.0f} at most, not to about 1000 g/kg: they are likely in %, "
            "or of different units; choose a conversion in LAYERS",
        )
    return None
