"""The numbers on real data: the file says how it came about, and holds what the tool writes."""

import json
import re
from pathlib import Path

import numbers_crossvalidation
import real_numbers
from numbers_skill import measured
from smap_downscaler.methods import measured as told
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
    # Benchmarks are written by hand from what `make bench` prints.
    assert "make bench" in sections.pop("benchmarks")
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


METHODS = {True: "area-to-point on two levels", False: "area-to-point by date"}


def bars():
    text = (ROOT / "tools" / "NUMBERS.md").read_text(encoding="utf-8")
    return real_numbers.sections_of(text)["skill_bars"]


def test_what_models_say_of_known_truths_is_what_the_file_holds():
    section = bars()
    content = json.loads(told.FILE.read_text(encoding="utf-8"))
    assert content == measured(section)
    assert re.search(r"SMAP Downscaler [\d.]+\d, seeds? \d+", content["made"])
    for two_levels, part in ((True, "### Two levels, 12 dates"), (False, "### One date")):
        table = section[section.index(part) :].split("\n### ")[0]
        for footprint in (0.0, 33.0):
            one = told.measured(two_levels, footprint)
            numbers = rf"{one.held:.3f} \| {one.better:.2f} \| {one.right:.2f} \| [\d.]+ \|$"
            row = rf"^\| {footprint:g} \| \d+ \| {METHODS[two_levels]} \| {one.truths} \|.* \| {numbers}"
            assert len(re.findall(row, table, re.MULTILINE)) == 1
    assert told.measured(True, 20.0) == told.measured(True, 33.0)


def test_the_help_tells_what_was_measured():
    two, wide_two, one, wide_one = (told.measured(levels, km) for levels in (True, False) for km in (0, 33))
    text = (ROOT / "help" / "downscale.md").read_text(encoding="utf-8")
    assert (
        f"On two levels {100 * two.better:.0f} % of the maps without a footprint and "
        f"{100 * wide_two.better:.0f} % of those with one of 33 km were better than bilinear interpolation, "
        f"on single dates {100 * one.better:.0f} % and {100 * wide_one.better:.0f} %; better for what they "
        f"show of the pattern were {100 * two.right:.0f} %, {100 * wide_two.right:.0f} %, "
        f"{100 * one.right:.0f} % and {100 * wide_one.right:.0f} %"
    ) in text
    assert (
        f"it held, of the true values of pixels, {100 * two.held:.0f} % on two levels and "
        f"{100 * one.held:.0f} % on single dates without a footprint, {100 * wide_two.held:.0f} % and "
        f"{100 * wide_one.held:.0f} % with one of 33 km"
    ) in text


def sentences_on_held_out_cells():
    """What the help of 'Downscale' and of the training tell of the section `intervals_held_out`."""
    text = (ROOT / "tools" / "NUMBERS.md").read_text(encoding="utf-8")
    section = real_numbers.sections_of(text)["intervals_held_out"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    held = {}
    for name, footprint, model, _sets, _one, random, blocks, *_rmse in (row for row in rows if len(row) == 9):
        if model.startswith("area-to-point"):
            share, side = blocks.rstrip(")").split(" (")
            held[name, footprint, model.split(", ")[1]] = f"{share} % ({random} %)", side
    made = "made-up landscape"
    two, wide_two = (held[made, width, "two levels"] for width in ("0", "33"))
    one, wide_one = (held[made, width, "by date"] for width in ("0", "33"))
    basin_two, basin_one = (held["demo basin", "0", levels] for levels in ("two levels", "by date"))
    granule = held["granule, one scale up", "0", "by date"]
    figures = (
        f"on two levels {two[0]} without a footprint and {wide_two[0]} with one of 33 km, on single dates "
        f"{one[0]} and {wide_one[0]}"
    )
    others = (
        f"in blocks of {basin_two[1]} km of the demo basin {basin_two[0]} on two levels and {basin_one[0]} "
        f"on single dates; in blocks of {granule[1]} km of a real granule of 36 km one scale up {granule[0]}"
    )
    return (
        f"Of SMAP's values in cells that no model saw it held, noise included, in blocks of {two[1]} km of a "
        f"made-up landscape (in brackets: in random folds) {figures}; {others} (`make numbers "
        "SECTIONS=intervals_held_out`).",
        "Those of 'Downscale' (`INTERVALS`) are to hold 90 %. Measured, of SMAP's values in cells that no "
        f"model saw, in blocks of {two[1]} km (in brackets: in random folds): {figures}; {others}. The "
        "report tells what your own hold of cells that are held out one by one; for true values of pixels "
        "see the help of 'Downscale'.",
    )


def test_the_help_tells_what_intervals_held_in_cells_that_no_model_saw():
    for name, sentence in zip(("downscale", "trainareamodel"), sentences_on_held_out_cells()):
        assert sentence in (ROOT / "help" / f"{name}.md").read_text(encoding="utf-8")


def test_the_help_tells_what_intervals_held_at_the_pixel():
    rows = json.loads(told.FILE.read_text(encoding="utf-8"))["rows"]
    two, wide_two, one, wide_one = (f"{100 * row['held']:.0f} %" for row in rows)
    assert (
        f"it held, of the true values of pixels, {two} on two levels and {one} on single dates without a "
        f"footprint, {wide_two} and {wide_one} with one of 33 km."
    ) in (ROOT / "help" / "downscale.md").read_text(encoding="utf-8")


def test_what_models_say_is_written_with_the_section(tmp_path, monkeypatch):
    section = re.sub(r"seeds? \d+( to \d+)?", "seeds 7 to 9", bars())
    section = re.sub(r"(area-to-point (by date|on two levels)) \| \d+ \|", r"\1 | 63 |", section)
    monkeypatch.setattr(real_numbers, "OUTPUT", tmp_path / "NUMBERS.md")
    monkeypatch.setattr(real_numbers, "FILE", tmp_path / "measured.json")
    sections = {"skill_bars": lambda *_: section.splitlines(), "b": lambda *_: ["## b", "", "of b"]}
    monkeypatch.setattr(real_numbers, "SECTIONS", sections)
    assert real_numbers.main(["b"]) == 0
    assert not (tmp_path / "measured.json").exists()
    assert real_numbers.main(["skill_bars"]) == 0
    content = json.loads((tmp_path / "measured.json").read_text(encoding="utf-8"))
    assert [row["truths"] for row in content["rows"]] == [63] * 4
    assert content["made"].endswith(", seeds 7 to 9")
