"""Numbers that stand for no value."""

import numpy as np
import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.base.nodata import (
    FILL,
    Declared,
    Look,
    equals_code,
    is_fill,
    is_known_code,
    parse_nodata,
)

VALUES = [0.0, -12.5, 255.0, 9999.0, -9998.0, 1e19, -3000.0, np.nan]
NONE = [FILL, -99999.0, -32768.0, 1e20, -3.4028235e38, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fill_values_are_known_in_both_precisions(dtype):
    assert is_fill(np.array([VALUES, VALUES[::-1]], dtype)).tolist() == [[False] * 8] * 2
    assert is_fill(np.array(NONE, dtype)).all()


def test_known_codes_are_known_as_text_and_as_float32_has_them():
    for code in (FILL, -999.99, float(np.float32(-999.99)), 255.0, 99.9, -3000.0, 1e20, -3.4e38):
        assert is_known_code(code)
    for value in (0.0, -12.5, 256.0, -9.99, 1.0, 100.0, 32768.0):
        assert not is_known_code(value)


GENERATOR = np.random.default_rng(11)
PLAIN = GENERATOR.uniform(100, 400, 4000).astype(np.float32)
BYTES = GENERATOR.integers(0, 256, 4000).astype(np.uint8)


def _with(values, *codes):
    """Some numbers of `values` replaced: the first hundred by the first code, the next by the second..."""
    out = values.copy()
    for number, code in enumerate(codes):
        out[100 * number : 100 * (number + 1)] = code
    return out


def _look(*blocks, zeros=True, **settings):
    look = Look("a.tif", "clay", zeros=zeros, **settings)
    for block in blocks:
        look.add(block)
    return look


SEEN = {
    "nines": (_with(PLAIN, -999), {-999.0}),
    "nines with decimals": (_with(PLAIN, -9999.9), {float(np.float32(-9999.9))}),
    "elevation": (_with(GENERATOR.uniform(3005, 3600, 4000), -999), {-999.0}),
    "end of a type": (_with(GENERATOR.integers(100, 1200, 4000).astype(np.int16), 32767), {32767.0}),
    "wide": (_with(GENERATOR.integers(-2000, 9900, 4000).astype(np.int16), -3000), {-3000.0}),
    "two": (_with(PLAIN, -9999, 65535), {-9999.0, 65535.0}),
    "two of bytes": (
        _with(GENERATOR.integers(0, 101, 4000).astype(np.uint8), 200, 253),
        {200.0, 253.0},
    ),
    "255 beside small numbers": (_with(GENERATOR.uniform(0, 60, 4000), 255), {255.0}),
    "255 of bytes": (_with(GENERATOR.integers(0, 200, 4000).astype(np.uint8), 255), {255.0}),
    "a mask with codes": (np.array([0, 1, 1, 0, 255, 255, 255], np.uint8), {255.0}),
    "rain": (_with(GENERATOR.gamma(0.1, 20, 4000), -99.9), {-99.9}),
    "kelvin": (_with(GENERATOR.integers(13000, 15500, 4000), 0), {0.0}),
    "a code of nobody": (_with(PLAIN, -12345), {-12345.0}),
    "a large one of nobody": (_with(PLAIN, 123456), {123456.0}),
    "interpolated": (_with(GENERATOR.uniform(-9998, 3600, 4000), -9999), {-9999.0}),
    "classes without a table": (GENERATOR.choice([130, 150, 200], 4000).astype(np.uint8), set()),
    "one place": (np.append(PLAIN, np.float32(-9999)), {-9999.0}),
    "nothing else": (np.full(50, -9999.0), {-9999.0}),
    "255 among others": (_with(PLAIN, 255), set()),
    "all bytes": (BYTES, set()),
    "a mask": (np.array([0, 255, 255, 0, 0], np.uint8), set()),
    "temperature": (_with(GENERATOR.uniform(-30, 30, 4000), -9.99), set()),
    "anomalies": (_with(GENERATOR.normal(0, 50000, 4000), -9999), set()),
    "zeros": (_with(PLAIN, 0), set()),
    "sea": (_with(GENERATOR.uniform(0.1, 3600, 4000), 0), set()),
    "shares": (GENERATOR.choice([0.0, 1.0], 4000), set()),
    "peat": (_with(GENERATOR.uniform(0.5, 3, 4000), 38), set()),
    "one far number": (np.append(PLAIN, np.float32(12345)), set()),
    "complex": (np.full(9, -9999 + 1j), set()),
    "infinite": (np.append(PLAIN, [np.inf, -np.inf, np.nan]), set()),
    "nothing": (np.full(9, np.nan), set()),
}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("size", [257, 4001])
def test_codes_are_told_from_values_however_the_numbers_come(name, size):
    values, codes = SEEN[name]
    shuffled = np.random.default_rng(1).permutation(values)
    for numbers in (values, shuffled):
        blocks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        assert {np.float32(code) for code in _look(*blocks).codes} == {np.float32(code) for code in codes}


def test_a_code_is_counted_and_named_as_people_write_it():
    with pytest.raises(InputError, match=r"^a\.tif: clay holds -2147483648 in 100 places, far from its"):
        _look(_with(PLAIN.astype(np.int64), -2147483648)).check()
    with pytest.raises(InputError, match=r"holds -9999\.9 in 100 places.*clay=-9999\.9"):
        _look(_with(PLAIN, -9999.9)).check()
    with pytest.raises(InputError, match=r"; use -999\.$"):
        _look(_with(PLAIN, -999), advice="use {code}").check()
    _look(PLAIN).check()


def test_what_is_declared_is_not_looked_for():
    assert not _look(_with(PLAIN, -999), declared=Declared((-999.0,))).codes
    assert _look(_with(PLAIN, -999, -9999), declared=Declared((-999.0,))).codes == {-9999.0: 100}
    assert not _look(_with(PLAIN, -999), declared=Declared(all_values=True)).codes
    assert _look(np.array([5.0, 6, 7, 99]), limits=(0, 50)).codes == {99.0: 1}
    assert not _look(SEEN["kelvin"][0], zeros=False).codes
    classes = np.repeat([1, 2, 3, 17, 255, 255], 9)
    assert _look(classes.astype(np.uint8), classes=True).codes == {255.0: 18}
    assert not _look(np.repeat([10, 11, 12, 200, 200], 9).astype(np.uint8), classes=True).codes
    assert _look(np.repeat([10, 11, 12, -9999], 9), classes=True).codes == {-9999.0: 9}


@pytest.mark.parametrize(
    ("cells", "code", "same"),
    [
        (np.array([-3.4028234663852886e38, 1], np.float32), -3.40282e38, [True, False]),
        (np.array([-3.4028234663852886e38, 1]), -3.4e38, [True, False]),
        (np.array([-9999.9, 1], np.float32).astype(np.float64), -9999.9, [True, False]),
        (np.array([-9999.9, -9999.8], np.float32), -9999.9, [True, False]),
        (np.array([1e20, 1], np.float32), 1.00000002004e20, [True, False]),
        (np.array([255, 254], np.uint8), 255.0, [True, False]),
        (np.array([255, 0], np.uint8), -9999.0, [False, False]),
        (np.array([1, 2], np.int16), 1.5, [False, False]),
        (np.array([-2147483648, 0], np.int32), -2147483648.0, [True, False]),
        (np.array([0, 1], np.int32), -3.4e38, [False, False]),
        (np.array([np.nan, 1]), np.nan, [True, False]),
        (np.array([0.0, 1e-9]), 0.0, [True, False]),
    ],
)
def test_a_declared_number_is_found_however_it_is_rounded(cells, code, same):
    assert equals_code(cells, code).tolist() == same


def test_the_parameter_names_numbers_by_layer():
    choice = parse_nodata(" Clay=-999, dem = 32767,dem=-9999, rain=None, -1 ")
    assert choice.of("clay") == Declared((-999.0,))
    assert choice.of("other", "DEM") == Declared((32767.0, -9999.0))
    assert choice.of("rain") == Declared(all_values=True)
    assert choice.of("slope") == Declared((-1.0,))
    assert str(choice) == "clay=-999, dem=32767, dem=-9999, rain=none, -1"
    assert parse_nodata(str(choice)) == choice
    more = choice.with_codes(("Soil", "clay"), (5.0,))
    assert more.of("soil") == more.of("clay") == Declared((-999.0, 5.0))
    assert choice.with_codes(("rain",), (5.0,)) == choice
    choice.require(["clay", "Dem", "rain", "slope"])
    with pytest.raises(InputError, match="NODATA: there is no layer named dem "):
        choice.require(["clay", "rain"])
    assert parse_nodata("") == parse_nodata(" , ")
    with pytest.raises(InputError, match="NODATA: clay=x is no number"):
        parse_nodata("clay=x")
    with pytest.raises(InputError, match="NODATA: clay is given none and a number"):
        parse_nodata("clay=none,clay=2")
