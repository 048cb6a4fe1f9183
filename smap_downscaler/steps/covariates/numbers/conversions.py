"""Units in one spelling, and named changes of unit: never a factor that somebody guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ....base.errors import InputError

#: What is done about logarithms.
NO_LOG, LOG_IN, LOG_OUT = "no", "in", "out"
_LOG_WORDS = {
    **dict.fromkeys(("no", "none", "false", "0", "-"), NO_LOG),
    **dict.fromkeys(("in", "10**x", "undo"), LOG_IN),
    **dict.fromkeys(("out", "log10", "take"), LOG_OUT),
}
#: Units as people write them, and the one spelling.
_UNIT_WORDS = {
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
_UNIT_SIGNS = {"⁻¹": "-1", "⁻³": "-3", "⁻²": "-2", "²": "2", "³": "3", "^": "", "**": "", "·": " ", "*": " "}


@dataclass(frozen=True)
class Conversion:
    """A linear change of unit: value = stored x `scale` + `offset`."""

    name: str
    source: str = ""
    target: str = ""
    scale: float = 1.0
    offset: float = 0.0


NONE = Conversion("none")
#: Logarithms as entries of the same list, for those who look for them there.
UNDO_LOG10 = Conversion("10**x (log10 -> value)")
TAKE_LOG10 = Conversion("log10(value)")


def _of(source: str, target: str, scale: float, offset: float = 0.0) -> Conversion:
    return Conversion(f"{source} -> {target}", source, target, scale, offset)


#: All conversions by name, in the order in which they are offered.
CONVERSIONS = {
    one.name: one
    for one in (
        NONE,
        _of("dg/kg", "g/kg", 0.1),
        _of("cg/kg", "g/kg", 0.01),
        _of("%", "g/kg", 10.0),
        _of("g/kg", "%", 0.1),
        _of("cg/cm3", "kg/dm3", 0.01),
        _of("kg/m3", "kg/dm3", 0.001),
        _of("mmol(c)/kg", "cmol(c)/kg", 0.1),
        _of("kg/m2", "t/ha", 10.0),
        _of("hg/m3", "kg/m3", 0.1),
        _of("pH x 10", "pH", 0.1),
        _of("cm3/dm3", "%", 0.1),
        _of("%", "m3/m3", 0.01),
        _of("10-3 cm3/cm3", "m3/m3", 0.001),
        _of("m/d", "cm/d", 100.0),
        _of("mm/d", "cm/d", 0.1),
        _of("mm/h", "cm/d", 2.4),
        _of("um/s", "cm/d", 8.64),
        _of("m/s", "cm/d", 8.64e6),
        _of("1/m", "1/cm", 0.01),
        _of("ft", "m", 0.3048),
        _of("cm", "m", 0.01),
        _of("dm", "m", 0.1),
        _of("K", "degC", 1.0, -273.15),
        _of("K x 50", "K", 0.02),
        UNDO_LOG10,
        TAKE_LOG10,
        Conversion("x 0.0001", scale=0.0001),
        Conversion("x 0.001", scale=0.001),
        Conversion("x 0.01", scale=0.01),
        Conversion("x 0.1", scale=0.1),
        Conversion("x 10", scale=10.0),
        Conversion("x 100", scale=100.0),
    )
}
_BY_KEY = {"".join(name.lower().split()): one for name, one in CONVERSIONS.items()}


@dataclass(frozen=True)
class Change:
    """All that is done to a layer's numbers, in this order: 10**x, the linear conversion, log10."""

    conversion: Conversion = NONE
    log10: str = NO_LOG

    @property
    def nothing(self) -> bool:
        """Whether numbers stay as they are."""
        return self.log10 == NO_LOG and self.conversion.scale == 1.0 and self.conversion.offset == 0.0

    def natural(self, values: np.ndarray) -> np.ndarray:
        """Values before a logarithm is taken, float64, the shape of `values`; NaN stays NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            out: np.ndarray = values.astype(np.float64)
            if self.log10 == LOG_IN:
                out = np.power(10.0, out)
            return out * self.conversion.scale + self.conversion.offset

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Values as covariate, float32, the shape of `values`; NaN where missing or without logarithm."""
        out = self.natural(values)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.log10 == LOG_OUT:
                out = np.where(out > 0, np.log10(out), np.nan)
            return out.astype(np.float32)

    def unit(self, stored: str) -> str:
        """The unit of the covariate, of a layer stored in `stored` (empty where nobody knows)."""
        unit = self.conversion.target
        if not unit:
            plain = self.conversion.scale == 1.0 and self.conversion.offset == 0.0
            unit = stored if plain else ""
        return f"log10({unit or 'value'})" if self.log10 == LOG_OUT else unit


AS_IS = Change()


def find_conversion(text: str, where: str) -> Conversion:
    """The conversion of a name, whatever its blanks and capitals.

    Raises
    ------
    InputError
        If there is none of that name; `where` begins the sentence.
    """
    key = "".join(text.replace("→", "->").replace("^", "**").lower().split())
    if key not in _BY_KEY:
        raise InputError(f"{where}: there is no conversion '{text}'; choose one of {', '.join(CONVERSIONS)}.")
    return _BY_KEY[key]


def find_log10(text: str, where: str) -> str:
    """NO_LOG, LOG_IN or LOG_OUT.

    Raises
    ------
    InputError
        For another word; `where` begins the sentence.
    """
    word = _LOG_WORDS.get(text.strip().lower())
    if word is None:
        raise InputError(
            f"{where}: log10 is '{text}'; write no, in (the layer holds log10, its values are wanted) "
            "or out (log10 of the values is wanted)."
        )
    return word


def joined_change(conversion: Conversion, log10: str, where: str) -> Change:
    """The two choices together; the logarithms among the conversions count as `log10`.

    Raises
    ------
    InputError
        If a logarithm is chosen twice.
    """
    meant = {UNDO_LOG10.name: LOG_IN, TAKE_LOG10.name: LOG_OUT}.get(conversion.name)
    if meant is None:
        return Change(conversion, log10)
    if log10 not in (NO_LOG, meant):
        raise InputError(
            f"{where}: the conversion '{conversion.name}' and log10 '{log10}' contradict each other; "
            "leave one of them empty."
        )
    return Change(NONE, meant)


def plain_unit(text: str) -> str:
    """One spelling of a unit: `kg m-3`, `kg m^-3` and `kg/m3` give `kg/m3`; unknown words stay."""
    text = text.strip()
    for sign, plain in _UNIT_SIGNS.items():
        text = text.replace(sign, plain)
    text = _UNIT_WORDS.get(text.lower(), text)
    above, _, below = text.partition("/")
    parts_above, parts_below = [], [_unit_word(part) for part in below.split()]
    for part in above.split():
        match = re.fullmatch(r"([A-Za-z()+]+)-([1-3])", part)
        if match:
            power = "" if match.group(2) == "1" else match.group(2)
            parts_below.append(_unit_word(match.group(1)) + power)
        else:
            parts_above.append(_unit_word(part))
    unit = " ".join(parts_above)
    return f"{unit or '1'}/{' '.join(parts_below)}" if parts_below else unit


def _unit_word(word: str) -> str:
    return _UNIT_WORDS.get(word.lower(), word)
