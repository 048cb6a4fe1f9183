"""Which product a file is, by the name that portals give it, and how it stores its numbers.

What each rests on:

- SoilGrids 2.0 (Poggio et al. 2021): the mapped units of ISRIC's FAQ, the same in the R package soilDB
  (`fetchSoilGrids`); water contents as soilDB has them.
- SoilGrids250m 2017 (Hengl et al. 2017): names, depths and units of ISRIC's own list META_GEOTIFF_1B.csv
  (repository ISRICWorldSoil/SoilGrids250m); `OCSTHA_M_30cm` and the like from users' scripts and gistool.
- geodata (SoilGrids 2.0 at 30 seconds): the units in the help of its `soil_world`.
- Gupta et al. (2021) Ksat, Zenodo 3935359, and Gupta et al. (2022) van Genuchten parameters, Zenodo
  6348799: names and changes as the climate model CliMA reads the files (repository CliMA/ClimaArtifacts,
  soil_params_Gupta2020_2022): 10**x of Ksat in cm/d, of alpha in 1/m and of n, water contents as they are.
  Its README calls Ksat and alpha logarithms and does not say so of n; were n stored plainly, 10**n would
  exceed its limits in `ranges` and stop the run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .conversions import CONVERSIONS, LOG_IN, NO_LOG, Change

SOILGRIDS2, SOILGRIDS2017 = "SoilGrids 2.0", "SoilGrids 2017"
GEODATA, GUPTA = "SoilGrids 2.0 (geodata)", "Gupta et al."


@dataclass(frozen=True)
class Known:
    """What is known of a file by its name.

    Attributes
    ----------
    product : str
        SOILGRIDS2 and so on.
    quantity : str
        Covariate name without depth: clay, soc, ksat...
    depth, statistic : str
        As parts of a name (`0_5cm`, `q0_5`), or empty.
    stored, unit : str
        Unit in the file, and that of the covariate.
    change : Change
        From the one to the other.
    own_name : bool
        Whether it is the name that the portal gave, not one that somebody made of it: only then is
        `change` to be relied on.
    """

    product: str
    quantity: str
    depth: str
    statistic: str
    stored: str
    unit: str
    change: Change
    own_name: bool = True


def _linear(name: str) -> tuple[str, str, Change]:
    conversion = CONVERSIONS[name]
    return conversion.source, conversion.target, Change(conversion)


def _same(unit: str) -> tuple[str, str, Change]:
    return unit, unit, Change()


def _log10(unit: str, name: str = "none") -> tuple[str, str, Change]:
    conversion = CONVERSIONS[name]
    return f"log10({conversion.source or unit})", unit, Change(conversion, LOG_IN)


_SOILGRIDS2 = {
    "bdod": _linear("cg/cm3 -> kg/dm3"),
    "cec": _linear("mmol(c)/kg -> cmol(c)/kg"),
    "cfvo": _linear("cm3/dm3 -> %"),
    "clay": _same("g/kg"),
    "nitrogen": _linear("cg/kg -> g/kg"),
    "ocd": _linear("hg/m3 -> kg/m3"),
    "ocs": _same("t/ha"),
    "phh2o": _linear("pH x 10 -> pH"),
    "sand": _same("g/kg"),
    "silt": _same("g/kg"),
    "soc": _linear("dg/kg -> g/kg"),
    "wv0010": _linear("10-3 cm3/cm3 -> m3/m3"),
    "wv0033": _linear("10-3 cm3/cm3 -> m3/m3"),
    "wv1500": _linear("10-3 cm3/cm3 -> m3/m3"),
}
_GEODATA = {
    "bdod": _same("kg/dm3"),
    "cec": _same("cmol(c)/kg"),
    "cfvo": _same("%"),
    "clay": _linear("% -> g/kg"),
    "nitrogen": _same("g/kg"),
    "ocd": _same("kg/m3"),
    "ocs": _linear("kg/m2 -> t/ha"),
    "phh2o": _same("pH"),
    "sand": _linear("% -> g/kg"),
    "silt": _linear("% -> g/kg"),
    "soc": _same("g/kg"),
}
_SOILGRIDS2017 = {
    "CLYPPT": ("clay", *_linear("% -> g/kg")),
    "SNDPPT": ("sand", *_linear("% -> g/kg")),
    "SLTPPT": ("silt", *_linear("% -> g/kg")),
    "ORCDRC": ("soc", *_same("g/kg")),
    "BLDFIE": ("bdod", *_linear("kg/m3 -> kg/dm3")),
    "CECSOL": ("cec", *_same("cmol(c)/kg")),
    "OCSTHA": ("ocs", *_same("t/ha")),
    "PHIHOX": ("phh2o", *_linear("pH x 10 -> pH")),
    "PHIKCL": ("phkcl", *_linear("pH x 10 -> pH")),
    "CRFVOL": ("cfvo", *_same("%")),
    "OCDENS": ("ocd", *_same("kg/m3")),
}
#: Depths of the points (sl) and upper and lower edges of the layers (sd) of SoilGrids 2017, cm.
_POINTS = (0, 5, 15, 30, 60, 100, 200)
_GUPTA = {
    "ksat": ("ksat", *_log10("cm/d")),
    "alpha": ("vg_alpha", *_log10("1/cm", "1/m -> 1/cm")),
    "n": ("vg_n", *_log10("1")),
    "thetas": ("theta_s", *_same("m3/m3")),
    "thetar": ("theta_r", *_same("m3/m3")),
}

# R and Earth Engine write 0.5cm or 0_5cm for 0-5cm.
_NAME2 = re.compile(
    rf"(?P<quantity>{'|'.join(_SOILGRIDS2)})_(?P<top>\d+)[-_.](?P<bottom>\d+)cm_"
    r"(?P<statistic>mean|median|Q0[._]05|Q0[._]5|Q0[._]95)(?:_(?P<size>1000|5000|30s))?",
    re.IGNORECASE,
)
_NAME2017 = re.compile(
    rf"(?P<code>{'|'.join(_SOILGRIDS2017)})_M_(?:sl(?P<point>[1-7])|sd(?P<layer>[1-6])|(?P<down>\d+)cm)"
    r"(?:_(?:250m|1km|5km|10km))?(?:_ll)?",
    re.IGNORECASE,
)
_NAME_GUPTA = re.compile(
    r"Global_(?P<code>Ksat|alpha_vG_parameter|n_vG_parameter|thetas_vG_parameter|thetar_vG_parameter)_1Km_"
    r"s(?P<top>\d+)[._]+(?P<bottom>\d+)cm(?:_v\d[._]\d)?",
    re.IGNORECASE,
)


def known_name(text: str) -> Known | None:
    """What the name of a file (without its ending), layer or band says, or None."""
    text = text.strip()
    for pattern, reader in ((_NAME2, _read2), (_NAME2017, _read2017), (_NAME_GUPTA, _read_gupta)):
        match = pattern.fullmatch(text)
        if match:
            return reader(match, True)
        # Somebody's name around the product's: clip_clay_0-5cm_mean, clay_0-5cm_mean_peru.
        match = re.search(rf"(?<![A-Za-z0-9])(?:{pattern.pattern})(?![A-Za-z0-9])", text, re.IGNORECASE)
        if match:
            return reader(match, False)
    return None


def _read2(match: re.Match[str], own_name: bool) -> Known | None:
    quantity = match.group("quantity").lower()
    product, table = (GEODATA, _GEODATA) if match.group("size") == "30s" else (SOILGRIDS2, _SOILGRIDS2)
    if quantity not in table:
        return None
    depth = f"{int(match.group('top'))}_{int(match.group('bottom'))}cm"
    statistic = re.sub(r"[._]", "_", match.group("statistic").lower())
    return Known(product, quantity, depth, statistic, *table[quantity], own_name)


def _read2017(match: re.Match[str], own_name: bool) -> Known:
    if match.group("point"):
        depth = f"{_POINTS[int(match.group('point')) - 1]}cm"
    elif match.group("layer"):
        number = int(match.group("layer"))
        depth = f"{_POINTS[number - 1]}_{_POINTS[number]}cm"
    else:
        depth = f"0_{int(match.group('down'))}cm"
    quantity, *rest = _SOILGRIDS2017[match.group("code").upper()]
    return Known(SOILGRIDS2017, str(quantity), depth, "", *_parts(rest), own_name)


def _read_gupta(match: re.Match[str], own_name: bool) -> Known:
    quantity, *rest = _GUPTA[match.group("code").lower().split("_")[0]]
    top, bottom = int(match.group("top")), int(match.group("bottom"))
    depth = f"{top}cm" if top == bottom else f"{top}_{bottom}cm"
    return Known(GUPTA, str(quantity), depth, "", *_parts(rest), own_name)


def _parts(rest: Sequence[object]) -> tuple[str, str, Change]:
    stored, unit, change = rest
    return str(stored), str(unit), change if isinstance(change, Change) else Change()


def known_names(found: Sequence[Known | None]) -> list[str]:
    """Covariate names: the quantity; with its depth (or statistic) where several of one are given.

    Empty for those that nothing is known of, and for names that somebody changed.
    """
    groups: dict[str, list[Known]] = defaultdict(list)
    for one in found:
        if one is not None and one.own_name:
            groups[one.quantity].append(one)
    return ["" if one is None or not one.own_name else _name(one, groups[one.quantity]) for one in found]


def _name(one: Known, group: Sequence[Known]) -> str:
    parts = [one.quantity]
    if len({other.depth for other in group}) > 1:
        parts.append(one.depth)
    if len({other.statistic for other in group}) > 1:
        parts.append(one.statistic)
    return "_".join(part for part in parts if part)


def taken_as(one: Known) -> str:
    """In words what the layer is taken as: `SoilGrids 2.0 soc in dg/kg, conversion dg/kg -> g/kg`."""
    text = f"{one.product} {one.quantity} in {one.stored}"
    if one.change.conversion.name != "none":
        text += f", conversion '{one.change.conversion.name}'"
    if one.change.log10 != NO_LOG:
        text += f", log10 '{one.change.log10}'"
    if one.change.nothing:
        text += ", no conversion"
    return text
