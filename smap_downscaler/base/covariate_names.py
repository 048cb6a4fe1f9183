"""Covariate names: what a band, a table column and a feature of a forest are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from .errors import InputError
from .matrix_columns import DERIVED, RESERVED

#: A word for rain, which is no end of terrain, train, drain, grain, brain or refrain.
_RAIN_WORD = re.compile(r"(?:[a-z]*[^bdfgrt])?rain(?:s|fall)?|[a-z]*precip(?:itation)?")
_SEASONS = "|".join(["def", *("jfmamjjasondjf"[month : month + 3] for month in range(12))])
#: `p`, and names such as `p_3d`, `p_10`, `p_ant10`, `p_antecedent`, `p_djf`.
_RAIN_NAME = re.compile(rf"p(?:_(?:\d{{1,3}}d?|ant(?:ecedent)?\d*|daily|mean|sum|total|{_SEASONS})(?:_.*)?)?")
#: Parts of names of maps of classes: kinds of them, and products.
_CLASSES = re.compile(
    r"(?:^|_)(?:land_?(?:cover|use|form)s?\d*|(?:lu)?lc(?:\d{4}|100|cs)?|lulc\d*|lc_?type_?\d?|world_?cover\d*"
    r"|corine|clc\d*|mcd12\w*|nlcd\d*|map_?biomas|fcs30|glc_?\d*|glc_?fcs\w*|globe?_?land\d*|glob_?cover|from_?glc\w*"
    r"|dynamic_?world|dw|cdl|lcz|biomes?|eco_?regions?|geology|lithology|glim|koe?ppen\w*|hwsd\d*|wrb\w*"
    r"|soil_?(?:types?|class(?:es)?|groups?|orders?|units?|map)|soil_?textures?"
    r"|texture_?class(?:es)?|texmht\w*|hysogs\w*|hsg"
    r"|flow_?dir(?:ection)?s?|fdir|geomorphons?|smod|class(?:es)?|categor(?:y|ies)|types?|codes?)(?:_|$)"
)
#: What such a name says where its numbers are measurements all the same.
_OF_CLASSES = re.compile(
    r"(?:^|_)(?:share|frac(?:tion)?|perc?(?:ent(?:age)?)?|pct|prob(?:ability)?|density|height|depth|dist(?:ance)?"
    r"|mean|ratio|index|area|count|number)s?(?:_|$)"
)
#: Names that a sentence lists of many.
_MOST_NAMED = 5


def covariate_name(text: str) -> str:
    """A layer's name as a covariate name: lower case ASCII letters, digits and underscores.

    Empty where the text holds no letter or digit that ASCII has.
    """
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    ascii_text = decomposed.encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text).strip("_")


def looks_like_rain(name: str) -> bool:
    """Whether a covariate may be rain by its name: a word for rain in it, or a name such as `p_3d`, `p_djf`.

    `terrain_corrected`, `training_ndvi`, `drainage` and `p_sand` are none.
    """
    plain = covariate_name(name)
    if any(_RAIN_WORD.fullmatch(word) for word in re.findall("[a-z]+", plain)):
        return True
    return _RAIN_NAME.fullmatch(plain) is not None


def looks_like_classes(name: str) -> bool:
    """Whether a raster may be a map of classes by its name: `ESA_WorldCover_2021`, `LC_Type1`, `soil type`.

    `tree_cover`, `landcover_fraction` and `LC08_L2SP` are none.
    """
    plain = covariate_name(name)
    return bool(_CLASSES.search(plain)) and not _OF_CLASSES.search(plain)


def class_name(name: str, value: int) -> str:
    """The name of the band that holds the fraction of a class: `landcover_3`, `landcover_m1`."""
    return f"{name}_{value}" if value >= 0 else f"{name}_m{-value}"


def split_names(text: str) -> list[str]:
    """Comma-separated names, without blanks around; an empty text gives none."""
    return [part.strip() for part in text.split(",")] if text.strip() else []


def nearest_names(name: str, known: Sequence[str]) -> str:
    """Those of some names that are most like a name that is not among them, as a list; a few of many."""
    if len(known) <= _MOST_NAMED:
        return ", ".join(known)
    folded = {one: one.casefold() for one in known}
    like = {one: SequenceMatcher(None, name.casefold(), text).ratio() for one, text in folded.items()}
    shown = sorted(known, key=lambda one: -like[one])[:_MOST_NAMED]
    return f"{', '.join(shown)} and {len(known) - _MOST_NAMED:,} more"


def check_covariate_names(names: Sequence[str], labels: Sequence[str]) -> None:
    """Check that covariate names are usable.

    Parameters
    ----------
    names, labels : sequence of str
        Names, and what messages call the layers they come from.

    Raises
    ------
    InputError
        If a name is empty, reserved, or occurs twice.
    """
    seen: dict[str, str] = {}
    for name, label in zip(names, labels):
        if not name:
            raise InputError(
                f"{label}: its name gives no covariate name (letters a-z, digits, underscores); "
                "give it another one by NAMES."
            )
        if name in DERIVED:
            raise InputError(
                f"{label}: a covariate cannot be named '{name}', since forests make one of that name "
                "themselves; give it another one by NAMES."
            )
        if name in RESERVED:
            raise InputError(
                f"{label}: a covariate cannot be named '{name}', since the regression matrix has a column "
                "of that name; give it another one by NAMES."
            )
        if name in seen:
            raise InputError(
                f"{seen[name]} and {label} would both be named '{name}'; name one otherwise by NAMES."
            )
        seen[name] = label
