"""Finished work on disk: what was added is found, whatever a stop left behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from smap_downscaler.base.errors import InputError
from smap_downscaler.runs.journal import KeptLines, array_of, array_text


def test_records_are_found_in_their_order(tmp_path):
    lines = KeptLines(tmp_path / "new" / "work")
    assert list(lines.records()) == []
    assert not (tmp_path / "new").exists()
    for number in range(3):
        lines.add({"number": number, "text": "\u00fc\n"})
        # On disk at once: a kill asks nobody.
        assert len(list(KeptLines(tmp_path / "new" / "work").records())) == number + 1
    lines.close()
    lines.add({"number": 3})
    lines.close()
    assert [record["number"] for record in lines.records()] == [0, 1, 2, 3]


@pytest.mark.parametrize("half", [b'{"number": 1', b"\xff\xfe", b'{"number": 1}'])
def test_a_line_that_was_cut_off_does_not_swallow_the_next(tmp_path, half):
    path = tmp_path / "work"
    path.write_bytes(b'{"number": 0}\n' + half)
    lines = KeptLines(path)
    lines.add({"number": 2})
    lines.close()
    found = [record["number"] for record in lines.records()]
    assert found == ([0, 1, 2] if half.endswith(b"}") else [0, 2])


def test_nothing_is_kept_without_a_path(tmp_path):
    lines = KeptLines(None)
    lines.add({"number": 1})
    assert list(lines.records()) == []
    lines.close()


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "work"
    with pytest.raises(InputError) as error:
        KeptLines(path).add({})
    assert str(error.value).startswith(f"{path}: finished work cannot be kept there (")
    assert str(error.value).endswith("; remove it, make room, or choose another folder.")


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<i8"])
@given(data=st.data())
def test_arrays_keep_each_bit(kind, data):
    values = data.draw(hn.arrays(kind, st.integers(0, 20)))
    text = array_text(values, kind)
    found = array_of(text, kind)
    assert found.dtype == np.dtype(kind)
    assert found.tobytes() == values.tobytes()
    # In the machine's own order or the other one: the file is the same.
    assert array_text(values.astype(values.dtype.newbyteorder(">")), kind) == text


@pytest.mark.parametrize("text", ["?", "QUJD"])
def test_a_text_that_is_no_array(text):
    with pytest.raises(ValueError, match=r"."):
        array_of(text, "<f4")
