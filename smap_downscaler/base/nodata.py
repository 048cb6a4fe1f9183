"""Numbers that stand for no value, also in files that do not say so: one list of them, one look for them."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .errors import InputError
from .words import counted

#: What SMAP, this plugin and most files of the field hold where they have no value.
FILL = -9999.0
#: The size from which any number is none, whatever it measures (-3.4e38, 1e20, 9.96921e36...).
LARGEST = 1e20


def _nines(least: int, most: int, *decimals: float) -> set[float]:
    """99..., with and without decimals."""
    return {10.0**digits - 1 + part for digits in range(least, most + 1) for part in (0.0, *decimals)}


#: What programs and products write for no value: nines below zero, ends of the types of numbers, the fills
#: of NetCDF, of MODIS (-3000, -28672, 32761...), TRMM (-31999) and GLDAS. Of these a single one tells.
_SURE = (
    {-value for value in _nines(2, 8, 0.9, 0.99)}
    | {-777.0, -7777.0, -888.0, -8888.0, -3000.0, -28672.0, -31999.0, -99900.0}
    | _nines(4, 8, 0.9, 0.99)
    | {-32768.0, -32767.0, -32766.0, 32766.0, 32767.0, 65533.0, 65534.0, 65535.0, -65535.0}
    | {float(value) for value in (*range(32761, 32766), *range(65529, 65533))}
    | {-2147483648.0, -2147483647.0, 2147483647.0, 4294967295.0, -9223372036854775808.0}
)
#: Numbers that are as often values; in a raster of bytes they are likely none, and so is the water of MODIS
#: beside percent.
_WATER = 200.0
_OF_BYTES = {-128.0, -127.0, 127.0, _WATER, *map(float, range(250, 256))}
_PERHAPS = _nines(2, 3, 0.9, 0.99) | (_OF_BYTES - {_WATER})
#: The known codes as float32 holds them: -9999.9 of a file is -9999.900390625.
_SURE_CELLS, _BYTE_CELLS, _PERHAPS_CELLS = (
    frozenset(float(np.float32(value)) for value in codes) for codes in (_SURE, _OF_BYTES, _PERHAPS)
)
#: The code of land cover that was not classified.
_UNCLASSIFIED = 255.0
#: What texts hold for no value, in small letters.
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})
#: Numbers that are no value wherever they stand.
FILLS = frozenset({FILL, -99999.0, -32768.0})

#: A code lies as far from the other values as these from each other, times this: a sure one, one that is as
#: often a value, a number below values that are all positive, 0, and any other number that repeats.
_FAR_SURE, _FAR_PERHAPS, _FAR_NEGATIVE, _FAR_ZERO, _FAR_OTHER = 1.0, 3.0, 2.0, 4.0, 20.0
#: A sure code may also lie nearer, where it is no rare value and a gap parts it from all others.
_GAP, _SHARE = 0.08, 0.005
#: So large, and in so many places, it tells without a gap: what was interpolated with it lies between.
_LARGE, _MUCH = 900.0, 0.01
#: Times that a number which is no known code has to occur.
_REPEATS = 3
#: Different numbers set aside, at most: more are no codes.
_MOST_ASIDE = 64
#: Ends of a block looked at one after the other, at most.
_MOST_ENDS = 12


def is_fill(values: np.ndarray) -> np.ndarray:
    """Which of `values` are no value whatever they measure: bool, their shape.

    Infinite ones are none, NaN is not looked for.
    """
    return np.isin(values, list(FILLS)) | (np.abs(values) >= LARGEST)


def is_known_code(value: float) -> bool:
    """Whether a number is likely no value where it cannot be true."""
    return abs(value) >= LARGEST or _cell(value) in _SURE_CELLS | _BYTE_CELLS | _PERHAPS_CELLS


def code_text(value: float) -> str:
    """A code as people write it: -2147483648, -999.9."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.7g}"


def equals_code(values: np.ndarray, code: float) -> np.ndarray:
    """Which of `values` are a code, but for how float32, or the text of a tag, rounds it: bool, their shape.

    Parameters
    ----------
    values : array of any shape and type
    code : float
        A declared NoData value.
    """
    if math.isnan(code):
        return np.asarray(np.isnan(values))
    if np.issubdtype(values.dtype, np.integer):
        limits = np.iinfo(values.dtype)
        nearest = round(code) if math.isfinite(code) else limits.max + 1
        off = abs(nearest - code) > 1e-6 * max(abs(code), 1.0)
        if off or not limits.min <= nearest <= limits.max:
            return np.zeros(values.shape, bool)
        return np.asarray(values == values.dtype.type(nearest))
    with np.errstate(over="ignore", invalid="ignore"):
        if abs(code) >= LARGEST:
            # -3.4028234663852886e+38 is written as -3.4e38 as often.
            return np.asarray(np.abs(values - values.dtype.type(code)) <= 2e-3 * abs(code))
        if values.dtype.itemsize <= 4:
            return np.asarray(values == values.dtype.type(code))
        return np.asarray(np.abs(values - code) <= 1.2e-7 * abs(code))


@dataclass(frozen=True)
class Declared:
    """What the user says of a layer: numbers that are no value, or that all its numbers are values."""

    codes: tuple[float, ...] = ()
    all_values: bool = False

    def missing(self, values: np.ndarray) -> np.ndarray:
        """Which of `values`, as the file stores them, are none: bool, their shape."""
        out = np.zeros(values.shape, bool)
        for code in self.codes:
            out |= equals_code(values, code)
        return out


#: Nothing is said.
UNDECLARED = Declared()
#: What to do with a raster where there is no NODATA; see `Look`.
DECLARE = (
    "declare that as its NoData value (Raster > Conversion > Translate, or gdal_edit.py -a_nodata {code})"
)


@dataclass(frozen=True)
class NoDataChoice:
    """The parameter NODATA: what is said of layers by name (in small letters), and of all others.

    Attributes
    ----------
    by_name : mapping
    others : Declared
    """

    by_name: Mapping[str, Declared] = field(default_factory=dict)
    others: Declared = UNDECLARED

    def __str__(self) -> str:
        """As `parse_nodata` reads it."""
        parts = []
        for name, declared in (*self.by_name.items(), ("", self.others)):
            texts = ["none"] if declared.all_values else [code_text(code) for code in declared.codes]
            parts += [f"{name}={text}" if name else text for text in texts]
        return ", ".join(parts)

    def of(self, *names: str) -> Declared:
        """What is said of a layer that goes by these names."""
        found = (self.by_name.get(name.casefold()) for name in names)
        return next((declared for declared in found if declared is not None), self.others)

    def with_codes(self, names: Sequence[str], codes: Sequence[float]) -> NoDataChoice:
        """The same, with codes of a layer that goes by these names, unless all its numbers are values."""
        before = self.of(*names)
        if before.all_values:
            return self
        declared = Declared((*before.codes, *codes))
        return NoDataChoice({**self.by_name, **{name.casefold(): declared for name in names}}, self.others)

    def require(self, names: Iterable[str]) -> None:
        """Raise `InputError` for a name in NODATA that is none of `names`."""
        known = list(dict.fromkeys(names))
        folded = {name.casefold() for name in known}
        unknown = [name for name in self.by_name if name not in folded]
        if unknown:
            listed = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
            raise InputError(
                f"NODATA: there is no layer named {unknown[0]} (there is {listed or 'none'}); "
                "correct the name."
            )


def parse_nodata(text: str) -> NoDataChoice:
    """Read NODATA: `clay=-999, dem=32767, dem=-9999, rain=none`; a number or `none` alone is of all others.

    Raises
    ------
    InputError
        For what is neither a number nor `none`.
    """
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        if part.strip():
            name, _equals, value = part.rpartition("=")
            found.setdefault(name.strip().casefold(), []).append(value.strip())
    declared = {name: _declared(name, values) for name, values in found.items()}
    return NoDataChoice({name: one for name, one in declared.items() if name}, declared.get("", UNDECLARED))


def _declared(name: str, values: Sequence[str]) -> Declared:
    if "none" in (value.casefold() for value in values):
        if len(values) > 1:
            raise InputError(f"NODATA: {name} is given none and a number; keep one of them.")
        return Declared(all_values=True)
    codes = []
    for value in values:
        try:
            codes.append(float(value))
        except ValueError:
            raise InputError(
                f"NODATA: {f'{name}={value}' if name else value} is no number; write name=value, such as "
                "clay=-999, or name=none, separated by commas."
            ) from None
    return Declared(tuple(codes))


class Look:
    """Looks through the numbers of a layer, block by block as they are read, for codes of no value.

    An undeclared code lies beyond all other numbers, far off, and repeats. Threads may share a look.

    Parameters
    ----------
    label : str
        The file or parameter, for the refusal.
    name : str
        The layer or column.
    declared : Declared
        Codes of it are passed over; where all numbers are values, nothing is looked for.
    zeros : bool
        Whether 0 may be a code too, as at the edges of warped rasters; not where it often is a value (rain).
    classes : bool
        Whether the numbers are classes, of which few are far from each other.
    limits : tuple of float
        What the layer's numbers can be, where it is known: a known code beyond needs no gap.
    advice : str
        How a code is declared where there is no NODATA; {code} in it is the number.
    """

    def __init__(
        self,
        label: str,
        name: str,
        declared: Declared = UNDECLARED,
        limits: tuple[float, float] = (-math.inf, math.inf),
        advice: str = "",
        zeros: bool = False,
        classes: bool = False,
    ):
        self.label, self.name, self.declared = label, name, declared
        self._zeros, self._classes = zeros, classes
        self._limits, self._advice = limits, advice
        self._low, self._high = math.inf, -math.inf
        self._aside: dict[float, int] = {}
        self._count, self._bytes = 0, False
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def add(self, values: np.ndarray) -> None:
        """Look at numbers as the file stores them, any shape and type; those not finite are passed over."""
        if self.declared.all_values or not values.size or np.iscomplexobj(values):
            return
        low, high = float(values.min()), float(values.max())
        if math.isnan(low):
            low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
            if math.isnan(low):
                return
        with self._lock:
            if self._low <= low and high <= self._high:
                self._count += values.size
                return
            self._bytes = self._bytes or values.dtype.itemsize == 1
            self._look(values)

    def _look(self, values: np.ndarray) -> None:
        rest = values[np.isfinite(values)] if np.issubdtype(values.dtype, np.floating) else values.ravel()
        for code in self.declared.codes:
            rest = rest[~equals_code(rest, code)]
        self._count += rest.size
        for _end in range(_MOST_ENDS):
            if not rest.size:
                break
            low, high = float(rest.min()), float(rest.max())
            taken = self._taken(rest, low, high) if low < self._low else None
            if taken is None and high > self._high:
                taken = self._taken(rest, high, low)
            if taken is None:
                break
            rest = taken
        if rest.size:
            self._low, self._high = min(self._low, float(rest.min())), max(self._high, float(rest.max()))
        self._fold()

    def _taken(self, values: np.ndarray, end: float, other: float) -> np.ndarray | None:
        """The values without their lowest or highest, if that may be a code; it is set aside then."""
        rest = values[values != end]
        count = values.size - rest.size
        if not self._known(end) and rest.size:
            near = float(rest.min() if end < other else rest.max())
            ends = [near, other, *((self._low, self._high) if self._low <= self._high else ())]
            gap = min(abs(end - near), *(abs(end - one) for one in ends))
            if gap <= max(ends) - min(ends):
                return None
        self._aside[end] = self._aside.get(end, 0) + count
        return rest

    def _fold(self) -> None:
        """What was set aside and lies near the values is one of them, unless it tells: gaps never grow."""
        for value in sorted(self._aside, key=lambda one: max(one - self._high, self._low - one)):
            if self._low > self._high:
                break
            gap = max(self._low - value, value - self._high)
            if self._tells(value) and len(self._aside) <= _MOST_ASIDE:
                continue
            if gap <= _GAP / 2 * (self._high - self._low) or len(self._aside) > _MOST_ASIDE:
                self._low, self._high = min(self._low, value), max(self._high, value)
                del self._aside[value]

    def _tells(self, value: float) -> bool:
        return not self._bytes and abs(value) >= _LARGE and self._is_sure(value)

    def _known(self, value: float) -> bool:
        return self._is_sure(value) or _cell(value) in _PERHAPS_CELLS

    def _is_sure(self, value: float) -> bool:
        return abs(value) >= LARGEST or _cell(value) in (
            _SURE_CELLS | _BYTE_CELLS if self._bytes else _SURE_CELLS
        )

    @property
    def codes(self) -> dict[float, int]:
        """The codes seen so far that are no value, and how often."""
        with self._lock:
            low, high = self._range()
            return {
                value: count
                for value, count in sorted(self._aside.items())
                if self._is_code(value, count, low, high)
            }

    def _range(self) -> tuple[float, float]:
        """Lowest and highest of the numbers that are no codes."""
        # Without any that are near each other, what repeats may be a value too.
        most = math.inf if self._low > self._high else _REPEATS
        others = [value for value, count in self._aside.items() if count < most and not self._known(value)]
        return min([self._low, *others]), max([self._high, *others])

    def _is_code(self, value: float, count: int, low: float, high: float) -> bool:
        sure, known = self._is_sure(value), self._known(value)
        if low > high:
            # Nothing else was seen.
            return sure and not self._bytes
        gap, spread = max(low - value, value - high), high - low
        if gap <= 0 or (value == _WATER and high > 100):
            return False
        if self._classes and not (self._tells(value) or value == _UNCLASSIFIED):
            return False
        if known and not self._limits[0] <= value <= self._limits[1]:
            return True
        if sure and not (self._bytes and not spread):
            # Of bytes, one value beside 255 is a mask.
            common = gap >= _GAP * spread and count >= max(_REPEATS, _SHARE * self._count)
            much = self._tells(value) and count >= max(_REPEATS, _MUCH * self._count)
            return gap >= _FAR_SURE * spread or common or much
        if not spread or count < _REPEATS:
            return False
        if known:
            return gap > _FAR_PERHAPS * spread
        if value == 0:
            return self._zeros and gap > _FAR_ZERO * spread
        if value != int(value) and abs(value) < 1e6:
            return False
        return gap > (_FAR_NEGATIVE if value < 0 <= low else _FAR_OTHER) * spread

    def check(self) -> None:
        """Raise `InputError` if a code that is no value was seen."""
        found = self.codes
        if found:
            raise InputError(self.sentence(found))

    def sentence(self, codes: Mapping[float, int]) -> str:
        """What is said of codes seen."""
        texts = [code_text(code) for code in itertools.islice(codes, 3)]
        low, high = self._range()
        rest = f", far from its other values ({low:.5g} to {high:.5g})" if low <= high else ""
        what = "a missing value" if len(texts) == 1 else "missing values"
        places = counted(sum(codes.values()), "place")
        start = f"{self.label}: {self.name} holds {' and '.join(texts)} in {places}{rest}"
        if self._advice:
            remedy = self._advice.format(code=texts[0])
        else:
            named = ", ".join(f"{self.name}={text}" for text in texts)
            remedy = f"declare it by NODATA ({named}), or write {self.name}=none there if it is a value"
        return f"{start}, most likely for {what}; {remedy}."


def _cell(value: float) -> float:
    return float(np.float32(value))
