"""Lines of CSV files with more values than columns, of which OGR drops the rest, are named."""

from __future__ import annotations

import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.tables.csv_lines import check_lines

HEAD = "date,row,col,soil_moisture,clay"
LINES = [f"2020-01-01,{number},3,0.{number + 1},{20 + number}" for number in range(9)]


def written(path, lines, ending="\n"):
    path.write_text(ending.join(lines) + ending, encoding="utf-8", newline="")
    return str(path)


@pytest.mark.parametrize(
    "lines",
    [
        [HEAD, *LINES],
        # As spreadsheets leave away, or add, what is empty.
        [HEAD, *LINES, "2020-01-01,9,3,0.3", "2020-01-01,9,3,0.3,25,,", ""],
        [HEAD, '2020-01-01,1,3,0.2,"2,5"'],
        ["a;b", '"1;5";2,5', '"1\n5";2,5'],
        ["a\tb", "1,5,6\t2"],
        [],
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_good_lines(tmp_path, lines, ending):
    check_lines(written(tmp_path / "a.csv", lines, ending))
    check_lines(str(tmp_path / "none.csv"))


def test_a_line_with_too_many_values(tmp_path):
    path = written(tmp_path / "a.csv", [HEAD, *LINES[:3], LINES[3] + LINES[4], *LINES[5:]])
    with pytest.raises(InputError) as caught:
        check_lines(path)
    assert str(caught.value) == (
        f"{path}: line 5 has 9 values, but the header names 5 columns; put the line right, or get the file "
        "again."
    )


@pytest.mark.parametrize(
    ("algorithm", "more"),
    [
        ("trainforests", {"OUTPUT": "f.smapforest"}),
        ("principalcomponents", {"FIELDS": ["clay", "row"], "OUTPUT": "p.csv"}),
    ],
)
def test_algorithms_refuse_it(refusal, tmp_path, algorithm, more):
    path = written(tmp_path / "a.csv", [HEAD, *LINES[:3], LINES[3] + LINES[4], *LINES[5:]])
    values = {**more, "INPUT": path, "OUTPUT": str(tmp_path / more["OUTPUT"])}
    assert f"{path}: line 5 has 9 values, but the header names 5 columns" in refusal(algorithm, values)


@pytest.mark.parametrize("hole", [bytes(3), b"\xff" * 3])
def test_bytes_that_are_no_text(tmp_path, hole):
    """What a disk or a copy leaves where a piece was never written."""
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEAD}\n{LINES[0]}\nÑ".encode("latin-1") + b"," + hole + b",0.4,2\n")
    with pytest.raises(InputError) as caught:
        check_lines(str(path))
    assert str(caught.value) == (
        f"{path}: line 3 holds bytes that are no text, the file is damaged; get it again."
    )
