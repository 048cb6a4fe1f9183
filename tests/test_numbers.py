"""The numbers on real data: the file says how it came about, and holds what the tool writes."""

import re
from pathlib import Path

import real_numbers
from smap_downscaler.core.forest.keys import PooledKey
from smap_downscaler.core.forest.settings import PAPER
from smap_downscaler.core.validation.pieces import SCORES, Piece, PieceResult
from smap_downscaler.core.validation.results import ValidationRun
from smap_downscaler.raster.provenance import versions

ROOT = Path(__file__).resolve().parents[1]


def test_the_file_names_its_command_date_versions_and_seed():
    text = (ROOT / "tools" / "NUMBERS.md").read_text(encoding="utf-8")
    assert re.search(r"Written by `make numbers` on \d{4}-\d\d-\d\d, seed 1: SMAP Downscaler ", text)
    assert all(name in text for name in versions())
    assert re.search(r"^numbers: ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(sections) == len(real_numbers.SECTIONS)
    # A table of scores in each.
    assert all(re.search(r"^\|.*RMSE.*\|$", section, re.MULTILINE) for section in sections)


def test_a_table_has_a_line_a_kind_of_folds():
    settings = real_numbers._settings(mode="pooled", block_km=600.0, trees=PAPER.n_estimators)
    run = ValidationRun(settings, ("clay",))
    for number, scheme in enumerate(settings.schemes):
        scores = dict.fromkeys(SCORES, 0.1 * number - 0.0001)
        run.results.append(PieceResult(Piece(PooledKey(), scheme, 1), 9, scores, ()))
    lines = real_numbers._table(run)
    assert lines[0] == "Scores of all rows:"
    assert lines[4] == "| random folds | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 |"
    assert lines[6] == "| blocks of 600 km and dates held out | 0.200 | 0.200 | 0.200 | 0.200 | 0.200 |"
