"""What names of bands and variables say of SMAP: soil moisture or its quality flag, overpass, algorithm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....base.covariate_names import covariate_name
from ....base.errors import InputError
from .screening import RETRIEVALS, Choices

FLAG_BAND = "retrieval_qual_flag"
#: The group of NASA's granules, which AppEEARS and others put before the name of the variable.
_GROUP = re.compile(r"soil_moisture_retrieval_data_?")
_MOISTURE = re.compile(r"(?<![a-z])(soil_?moisture|s?sm)(?![a-z])")
_OVERPASSES = {"am": "AM", "pm": "PM"}
_ALGORITHMS = {suffix[1:] for suffix in RETRIEVALS.values() if suffix}
#: What names say besides: numbers, dates, units, releases, the product.
_BESIDES = re.compile(r"\w*\d\w*|smap|e|km|m|cm|surface|volumetric|band|aid|doy|")
#: Words in names of SMAP's other variables.
_OTHERS = re.compile(
    "soil_moisture_retrieval_data|albedo|vegetation|opacity|temperature|roughness|emissivity|error|anomaly"
)


@dataclass(frozen=True)
class Said:
    """What a name says: whether it is the quality flag, its overpass ("AM", "PM") and algorithm, or empty."""

    is_flag: bool
    overpass: str = ""
    algorithm: str = ""


def said_by(name: str) -> Said | None:
    """What a name says; None for what is neither soil moisture nor its quality flag, as albedo."""
    text = _GROUP.sub("", covariate_name(name)).replace("sca_", "sca")
    is_flag = FLAG_BAND in text
    rest = text.replace(FLAG_BAND, "", 1) if is_flag else _MOISTURE.sub("", text, count=1)
    if rest == text:
        return None
    words = set(rest.split("_"))
    passes = {_OVERPASSES[word] for word in words if word in _OVERPASSES}
    ways = words & _ALGORITHMS
    others = words - set(_OVERPASSES) - ways
    odd = any(word.startswith("option") or not _BESIDES.fullmatch(word) for word in others)
    if odd or len(passes) > 1 or len(ways) > 1:
        return None
    return Said(is_flag, "".join(passes), "".join(ways))


@dataclass(frozen=True)
class Pass:
    """An overpass: the indices of its soil moisture and, where there is one, of its quality flag."""

    moisture: int
    flag: int | None


def passes_of(names: Sequence[str], choices: Choices, label: str, listed: str) -> list[Pass]:
    """The overpasses that are asked for among names of bands (or variables) of one date.

    What says no overpass is taken as it is; beside one that says PM it is that of the morning, as in NASA's
    granules.

    Parameters
    ----------
    names : sequence of str
    choices : Choices
    label : str
        What messages call the file.
    listed : str
        What messages call its bands.

    Returns
    -------
    list of Pass
        One, or for "both" up to two.

    Raises
    ------
    InputError
        If none is, or it cannot be told which one.
    """
    said = {number: one for number, name in enumerate(names) if (one := said_by(name)) is not None}
    flags = {number: one for number, one in said.items() if one.is_flag}
    moist = {number: one for number, one in said.items() if not one.is_flag}
    others = [number for number in range(len(names)) if number not in flags]
    if not moist and len(others) == 1 and not _OTHERS.search(covariate_name(names[others[0]])):
        # A single band, whatever it is called, unless that is another variable of SMAP.
        moist = {others[0]: Said(False)}
    if not moist:
        raise InputError(
            f"{label}: it has {listed}, and none is called soil_moisture (with _am or _pm); name the band of "
            "soil moisture so, or keep it in a file of its own (Raster > Conversion > Translate)."
        )
    wanted = ("AM", "PM") if choices.overpass == "both" else (choices.overpass,)
    found: dict[int, Pass] = {}
    for overpass in wanted:
        here = _of_overpass(moist, overpass)
        if here:
            number = _of_algorithm(here, choices.algorithm, label, listed)
            found[number] = Pass(number, _flag_of(flags, moist[number], overpass))
    if not found:
        raise InputError(
            f"{label}: it has no soil moisture of the {choices.overpass} overpass (it has {listed}); choose "
            "another OVERPASS."
        )
    return list(found.values())


def _of_overpass(bands: Mapping[int, Said], overpass: str) -> dict[int, Said]:
    """Those of an overpass, or those that say none and may be of it."""
    exact = {number: one for number, one in bands.items() if one.overpass == overpass}
    if exact:
        return exact
    told = {one.overpass for one in bands.values()} - {""}
    # Beside a band of the evening, one that says nothing is that of the morning, not the other way round.
    silent = {number: one for number, one in bands.items() if not one.overpass}
    return silent if not told or (overpass == "AM" and told == {"PM"}) else {}


def _of_algorithm(bands: Mapping[int, Said], algorithm: str, label: str, listed: str) -> int:
    wanted = RETRIEVALS[algorithm][1:]
    exact = [number for number, one in bands.items() if one.algorithm == wanted]
    said_none = not any(one.algorithm for one in bands.values())
    found = exact or (list(bands) if said_none or algorithm == "default" else [])
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{label}: it cannot be told which one of its {listed} is soil moisture by ALGORITHM {algorithm}; "
        "choose another ALGORITHM."
    )


def _flag_of(flags: Mapping[int, Said], moisture: Said, overpass: str) -> int | None:
    """The quality flag of the same overpass and algorithm, or that of the overpass."""
    here = _of_overpass(flags, moisture.overpass or overpass)
    for algorithm in (moisture.algorithm, ""):
        found = [number for number, one in here.items() if one.algorithm == algorithm]
        if found:
            return found[0]
    return None
