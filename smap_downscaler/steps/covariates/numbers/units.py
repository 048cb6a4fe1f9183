"""Units as people write them, brought to one spelling: `g kg-1` and `g/kg` are the same."""

from __future__ import annotations

import re

_WORDS = {
    "percent": "%",
    "pct": "%",
    "per cent": "%",
    "day": "d",
    "days": "d",
    "metre": "m",
    "meter": "m",
    "metres": "m",
    "meters": "m",
    "ph": "pH",
    "ha": "ha",
    "cmol(+)": "cmol(c)",
    "cmolc": "cmol(c)",
    "cmol": "cmol(c)",
    "mmol(+)": "mmol(c)",
    "mmolc": "mmol(c)",
}
_SIGNS = {"⁻¹": "-1", "⁻³": "-3", "⁻²": "-2", "²": "2", "³": "3", "^": "", "**": "", "·": " ", "*": " "}


def plain_unit(text: str) -> str:
    """One spelling of a unit: `kg m-3`, `kg m^-3` and `kg/m3` give `kg/m3`; unknown words stay."""
    text = text.strip()
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    text = _WORDS.get(text.lower(), text)
    above, _, below = text.partition("/")
    parts_above, parts_below = [], [_word(part) for part in below.split()]
    for part in above.split():
        match = re.fullmatch(r"([A-Za-z()+]+)-([1-3])", part)
        if match:
            power = "" if match.group(2) == "1" else match.group(2)
            parts_below.append(_word(match.group(1)) + power)
        else:
            parts_above.append(_word(part))
    unit = " ".join(parts_above)
    return f"{unit or '1'}/{' '.join(parts_below)}" if parts_below else unit


def _word(word: str) -> str:
    return _WORDS.get(word.lower(), word)
