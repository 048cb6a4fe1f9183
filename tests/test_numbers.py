"""The numbers on real data: the file says how it came about, and holds what the tool writes."""

import re
from pathlib import Path

import numbers_crossvalidation
import real_numbers
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.runs.provenance import versions
from smap_downscaler.steps.crossvalidation.numbers.pieces import SCORES, Piece, PieceResult
from smap_downscaler.steps.crossvalidation.numbers.results import ValidationRun

ROOT = Path(__file__).resolve().parents[1]


def test_the_file_names_its_command_dates_versions_and_seed():
    text = (ROOT / "tools" / "NUMBERS.md").read_text(encoding="utf-8")
    assert text.startswith(real_numbers.HEAD)
    assert re.search(r"^numbers: ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    sections = real_numbers.sections_of(text)
    assert list(sections) == list(real_numbers.SECTIONS)
    for section in sections.values():
        # A table of scores in each.
        assert re.search(r"^\|.*(RMSE|out of bag).*\|$", section, re.MULTILINE)
        assert re.search(r"Made on \d{4}-\d\d-\d\d, seed 1: SMAP Downscaler ", section)
        assert all(name in section for name in versions())


def test_a_section_is_made_anew_and_the_others_stay(tmp_path, monkeypatch, capsys):
    output = tmp_path / "NUMBERS.md"
    monkeypatch.setattr(real_numbers, "OUTPUT", output)
    sections = {name: lambda *_, name=name: [f"## {name}", "", f"of {name}"] for name in ("a", "b")}
    monkeypatch.setattr(real_numbers, "SECTIONS", sections)
    assert real_numbers.main(["b"]) == 0
    assert real_numbers.main(["a"]) == 0
    first = output.read_text(encoding="utf-8")
    assert re.findall(r"^## \w+", first, re.MULTILINE) == ["## a", "## b"]
    monkeypatch.setitem(real_numbers.SECTIONS, "b", lambda *_: ["## b", "", "new"])
    assert real_numbers.main(["b"]) == 0
    second = output.read_text(encoding="utf-8")
    assert second == first.replace("of b", "new")
    assert real_numbers.main(["c"]) == 1
    assert "There is no section c; give some of a, b." in capsys.readouterr().out
    assert output.read_text(encoding="utf-8") == second


def test_a_table_has_a_line_a_kind_of_folds():
    settings = numbers_crossvalidation.validation_settings(mode="pooled", block_km=600.0)
    run = ValidationRun(settings, ("clay",))
    for number, scheme in enumerate(settings.schemes):
        scores = dict.fromkeys(SCORES, 0.1 * number - 0.0001)
        run.results.append(PieceResult(Piece(PooledKey(), scheme, 1), 9, scores, ()))
    lines = numbers_crossvalidation.score_table(run)
    assert lines[0] == "Scores of all rows:"
    assert lines[4] == "| random folds | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 |"
    assert lines[6] == "| blocks of 600 km and dates held out | 0.200 | 0.200 | 0.200 | 0.200 | 0.200 |"
