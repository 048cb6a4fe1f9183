"""What covariates are, and where their numbers come from: words of the paper's Tables 1 to 3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .known import GEODATA, GUPTA, SOILGRIDS2, SOILGRIDS2017, Known


@dataclass(frozen=True)
class Reference:
    """A source of data or a method: its name, how texts cite it, and the whole citation."""

    source: str = ""
    cited: str = ""
    citation: str = ""


NO_REFERENCE = Reference()
_POGGIO = (
    "Poggio et al. 2021",
    "Poggio, L., de Sousa, L. M., Batjes, N. H., Heuvelink, G. B. M., Kempen, B., Ribeiro, E. & Rossiter, D. "
    "(2021). SoilGrids 2.0: producing soil information for the globe with quantified spatial uncertainty. "
    "SOIL 7, 217-240.",
)
#: By product.
_PRODUCTS = {
    SOILGRIDS2: Reference("SoilGrids 2.0 (ISRIC)", *_POGGIO),
    GEODATA: Reference("SoilGrids 2.0 (ISRIC), by way of geodata", *_POGGIO),
    SOILGRIDS2017: Reference(
        "SoilGrids250m 2017 (ISRIC)",
        "Hengl et al. 2017",
        "Hengl, T. et al. (2017). SoilGrids250m: Global gridded soil information based on machine learning. "
        "PLoS ONE 12(2), e0169748.",
    ),
    GUPTA: Reference(
        "Soil water characteristics (Zenodo 6348799)",
        "Gupta et al. 2022",
        "Gupta, S., Papritz, A., Lehmann, P., Hengl, T., Bonetti, S. & Or, D. (2022). Global mapping of soil "
        "water characteristics parameters - fusing curated data with machine learning and environmental "
        "covariates. Remote Sensing 14(8), 1947.",
    ),
}
_GUPTA_KSAT = Reference(
    "Soil saturated hydraulic conductivity (Zenodo 3935359)",
    "Gupta et al. 2021",
    "Gupta, S., Lehmann, P., Bonetti, S., Papritz, A. & Or, D. (2021). Global prediction of soil saturated "
    "hydraulic conductivity using random forest in a covariate-based geotransfer function (CoGTF) framework. "
    "Journal of Advances in Modeling Earth Systems 13(4), e2020MS002242.",
)
#: By a word in the name of a file, or of the folder that it was made from.
_WORDS = {
    "merit": Reference(
        "MERIT DEM",
        "Yamazaki et al. 2017",
        "Yamazaki, D. et al. (2017). A high-accuracy map of global terrain elevations. Geophysical Research "
        "Letters 44(11), 5844-5853.",
    ),
    "chirps": Reference(
        "CHIRPS",
        "Funk et al. 2015",
        "Funk, C. et al. (2015). The climate hazards infrared precipitation with stations - a new "
        "environmental record for monitoring extremes. Scientific Data 2, 150066.",
    ),
    "pisco": Reference(
        "PISCO (SENAMHI)",
        "Aybar et al. 2020",
        "Aybar, C. et al. (2020). Construction of a high-resolution gridded rainfall dataset for Peru from "
        "1981 to the present day. Hydrological Sciences Journal 65(5), 770-785.",
    ),
}
#: By the routing in the name of a wetness index or a catchment area: what it is, and whose.
_ROUTINGS = {
    "mtfd": (
        "triangular multiple flow direction",
        "Seibert & McGlynn 2007",
        "Seibert, J. & McGlynn, B. L. (2007). A new triangular multiple flow direction algorithm for "
        "computing upslope areas from gridded digital elevation models. Water Resources Research 43, W04501.",
    ),
    "fd8": (
        "multiple flow direction FD8",
        "Freeman 1991",
        "Freeman, T. G. (1991). Calculating catchment area with divergent flow based on a regular grid. "
        "Computers & Geosciences 17(3), 413-422.",
    ),
    "mfdmd": (
        "multiple flow direction by maximum downslope gradient",
        "Qin et al. 2007",
        "Qin, C. et al. (2007). An adaptive approach to selecting a flow-partition exponent for a "
        "multiple-flow-direction algorithm. International Journal of Geographical Information Science 21(4), "
        "443-458.",
    ),
}
_TERRAIN = {"twi": "Topographic wetness index", "sca": "Specific catchment area"}
#: By quantity.
DESCRIPTIONS = {
    "elevation": "Height above sea level",
    "clay": "Clay in the fine earth",
    "sand": "Sand in the fine earth",
    "silt": "Silt in the fine earth",
    "soc": "Organic carbon in the fine earth",
    "bdod": "Bulk density of the fine earth",
    "cec": "Cation exchange capacity",
    "ocs": "Stock of organic carbon",
    "ocd": "Density of organic carbon",
    "phh2o": "pH in water",
    "phkcl": "pH in potassium chloride",
    "nitrogen": "Total nitrogen",
    "cfvo": "Coarse fragments by volume",
    "wv0010": "Water content at 10 kPa",
    "wv0033": "Water content at 33 kPa",
    "wv1500": "Water content at 1500 kPa",
    "ksat": "Saturated hydraulic conductivity",
    "theta_s": "Saturated water content",
    "theta_r": "Residual water content",
    "vg_alpha": "Van Genuchten's alpha",
    "vg_n": "Van Genuchten's n",
    "precipitation": "Mean daily precipitation",
}
_DEPTH = re.compile(r"(?:^|_)((?:\d+_)?\d+)cm(?:_|$)")


def describe(name: str, quantity: str, depth: str = "", months: Sequence[str] = ()) -> str:
    """What a covariate is, in words; empty where neither name nor quantity tells.

    Parameters
    ----------
    name : str
    quantity : str
        See `Covariate.quantity`.
    depth : str
        As products write it (`0_5cm`); else that of the name counts.
    months : sequence of str
        Of a mean over a season.
    """
    routing = _routing(name)
    if routing:
        return f"{_TERRAIN[name[:3]]}, {_ROUTINGS[routing][0]}"
    words = DESCRIPTIONS.get(quantity, "")
    if not words:
        return ""
    if months:
        words += ", " + ", ".join(months)
    found = _DEPTH.search(depth or name)
    return f"{words}, {found[1].replace('_', '-')} cm" if found else words


def reference_of(known: Known) -> Reference:
    """Of a product's file."""
    return _GUPTA_KSAT if known.quantity == "ksat" else _PRODUCTS[known.product]


def reference_by_word(*texts: str) -> Reference:
    """Of what the names of files and folders say, or none."""
    words = set(re.split(r"[^a-z]+", " ".join(texts).lower()))
    return next((found for word, found in _WORDS.items() if word in words), NO_REFERENCE)


def reference_of_terrain(name: str, source: str) -> Reference:
    """The method of a terrain covariate by its name; `source` is what made it."""
    routing = _routing(name)
    return Reference(source, *_ROUTINGS[routing][1:]) if routing else Reference(source)


def _routing(name: str) -> str:
    kind, _, rest = name.partition("_")
    return rest if kind in _TERRAIN and rest in _ROUTINGS else ""
