"""Forest files with random damage: the same predictions, or a sentence; never anything else."""

from __future__ import annotations

import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forest_cases import members, predict, rows, tampered, write_forests, write_zip
from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.base import ModelFileError
from smap_downscaler.methods.file.container import Container
from smap_downscaler.methods.file.reader import open_models

X = rows(200, seed=11)[0]
QUICK = hypothesis_settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)


def predictions(path):
    with open_models(path) as opened:
        return [predict(opened.load(day), X) for day in opened.dates]


def predictions_or_sentence(path):
    """What loading gives; None and the sentence where the file is refused."""
    try:
        return predictions(path), ""
    except InputError as error:
        return None, str(error)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Bytes of a small file, its predictions, and a place to put damaged ones."""
    path = write_forests(tmp_path_factory.mktemp("fuzz") / "f.smapforest", n=12)
    return path.read_bytes(), predictions(path), path


def flipped(data: bytes, flips) -> bytes:
    changed = bytearray(data)
    for where, mask in flips:
        changed[int(where * len(data))] ^= mask
    return bytes(changed)


def works_or_tells(path, expected):
    found, sentence = predictions_or_sentence(path)
    if found is None:
        assert sentence.startswith(str(path))
        assert sentence.endswith(".")
    else:
        np.testing.assert_array_equal(found, expected)


@QUICK
@given(FLIPS)
def test_flipped_bytes(good, flips):
    data, expected, path = good
    path.write_bytes(flipped(data, flips))
    works_or_tells(path, expected)


@QUICK
@given(st.integers(0, 2500), st.integers(1, 255), st.booleans())
def test_flipped_bytes_of_the_directory(good, back, mask, local):
    """The zip's own records, which no checksum covers: names, sizes, offsets, flags."""
    data, expected, path = good
    changed = bytearray(data)
    at = back % 60 if local else len(data) - 1 - back % (len(data) - data.index(b"PK\x01\x02"))
    changed[at] ^= mask
    path.write_bytes(bytes(changed))
    works_or_tells(path, expected)


@QUICK
@given(st.floats(0, 1, exclude_max=True), st.binary(max_size=8), st.booleans())
def test_truncated_and_with_bytes_put_in(good, where, more, cut):
    data, expected, path = good
    at = int(where * len(data))
    path.write_bytes(data[:at] + more + (b"" if cut else data[at:]))
    works_or_tells(path, expected)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # NumPy reads headers as literals
@hypothesis_settings(QUICK, max_examples=300)
@given(st.data())
def test_members_changed_by_someone_who_knows_the_checksums(good, data):
    """Whatever the arrays say, nothing but a forest or a sentence comes of it, and no crash."""
    original, expected, path = good
    path.write_bytes(original)
    contents = members(path)
    name = data.draw(st.sampled_from(sorted(name for name in contents if name.endswith(".npy"))))
    tampered(path, {name: flipped(contents[name], data.draw(FLIPS))})
    found, sentence = predictions_or_sentence(path)
    if found is None:
        assert sentence.startswith(str(path))
    else:
        assert np.shape(found) == np.shape(expected)
        assert np.isfinite(found).all()


@hypothesis_settings(QUICK, max_examples=300)
@given(FLIPS)
def test_manifests_changed_by_someone_who_knows_the_checksums(good, flips):
    original, expected, path = good
    path.write_bytes(original)
    contents = members(path)
    changed = flipped(contents["manifest.json"], flips)
    write_zip(path, contents | {"manifest.json": changed})
    works_or_tells(path, expected)


def test_a_member_is_read_no_further_than_its_directory_tells(tmp_path):
    path = tmp_path / "f.smapforest"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a", "w") as member:
        for _ in range(100):
            member.write(bytes(1 << 20))
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        at = data.index(mark) + place
        data[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError) as caught:
            Container(path).read("a", 10_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(caught.value) == (
        f"{path} is damaged: the member a is truncated or corrupt; get another copy or train it again."
    )
    assert peak < 5e6
