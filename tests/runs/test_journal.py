"""Finished work on disk: what was added is found, whatever a stop left behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from smap_downscaler.base.errors import InputError
from smap_downscaler.runs.journal import Journal


def test_records_are_found_in_their_order(tmp_path):
    journal = Journal(tmp_path / "new" / "work")
    assert list(journal.records()) == []
    assert not (tmp_path / "new").exists()
    for number in range(3):
        journal.add({"number": number, "text": "\u00fc\n"})
        # On disk at once: a kill asks nobody.
        assert len(list(Journal(tmp_path / "new" / "work").records())) == number + 1
    journal.close()
    journal.add({"number": 3})
    journal.close()
    assert [record["number"] for record in journal.records()] == [0, 1, 2, 3]


def test_a_line_that_was_cut_off_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "work"
    journal = Journal(path)
    for number in range(2):
        journal.add({"number": number})
    journal.close()
    first, second = path.read_bytes().splitlines(keepends=True)
    for cut in range(len(second)):
        path.write_bytes(first + second[:cut])
        journal.add({"number": 2})
        journal.close()
        # All but its end of line is a whole record.
        found = [0, 1, 2] if cut == len(second) - 1 else [0, 2]
        assert [record["number"] for record in journal.records()] == found


@given(data=st.data())
def test_a_damaged_line_is_passed_over(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("work") / "work"
    journal = Journal(path)
    journal.add({"values": np.arange(5.0), "text": "a"})
    journal.close()
    line = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(line)
    assert list(journal.records()) == []


@pytest.mark.parametrize(
    "line", [b'{"key": "a", "scores": {}}', b"7", b"", b"\xff\xfe", b'0123456789abcdef {"a": 1}']
)
def test_what_others_wrote_is_passed_over(tmp_path, line):
    """The plugin 0.1.0 kept lines of JSON without a checksum."""
    path = tmp_path / "work"
    path.write_bytes(line + b"\n")
    journal = Journal(path)
    journal.add({"number": 1})
    journal.close()
    assert [record["number"] for record in journal.records()] == [1]


def test_what_another_version_wrote_is_passed_over(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "work")
    journal.add({"number": 1})
    journal.close()
    assert len(list(journal.records())) == 1
    monkeypatch.setattr("smap_downscaler.runs.journal.plugin_version", lambda: "0.0.9")
    assert list(journal.records()) == []


def test_nothing_is_kept_without_a_path(tmp_path):
    journal = Journal(None)
    journal.add({"number": 1})
    assert list(journal.records()) == []
    journal.close()


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "work"
    with pytest.raises(InputError) as error:
        Journal(path).add({})
    assert str(error.value).startswith(f"{path}: finished work cannot be kept there (")
    assert str(error.value).endswith("; remove it, make room, or choose another folder.")


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<i4", "<i8", "?"])
@given(data=st.data())
def test_arrays_and_numbers_keep_each_bit(tmp_path_factory, kind, data):
    path = tmp_path_factory.mktemp("work") / "work"
    shape = hn.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9)
    values, number = data.draw(hn.arrays(kind, shape)), data.draw(st.floats())
    journal = Journal(path)
    # In the machine's own order or the other one: the line is the same.
    for array in (values, values.astype(values.dtype.newbyteorder(">"))):
        journal.add({"in": [{"values": array}], "number": number, "nothing": None})
    journal.close()
    one, other = path.read_bytes().splitlines()
    assert one == other
    record = next(journal.records())
    found = record["in"][0]["values"]
    assert found.dtype == np.dtype(kind)
    assert found.shape == values.shape
    assert found.tobytes() == values.tobytes()
    assert np.array_equal(record["number"], number, equal_nan=True)
    assert record["nothing"] is None


def test_a_cleared_file_is_gone(tmp_path):
    journal = Journal(tmp_path / "work")
    journal.clear()
    journal.add({"number": 1})
    journal.clear()
    assert not (tmp_path / "work").exists()
    journal.add({"number": 2})
    journal.close()
    assert [record["number"] for record in journal.records()] == [2]
