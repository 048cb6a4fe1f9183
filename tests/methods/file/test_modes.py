"""Forest files by cell and pooled; those by date stay as they were."""

from __future__ import annotations

import base64
import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forest_cases import (
    DAY,
    NAMES,
    UNITS,
    members,
    predict,
    repacked,
    rows,
    settings,
    train_forest,
    write_cells,
    write_zip,
)
from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.base import ModelFileError
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file import manifest
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest import codec
from smap_downscaler.methods.keys import CellKey, PooledKey, key_label, key_number, mode_of

LATER = "get another copy or train it again."
X = rows(200, seed=11, p=6)[0]
#: What the plugin wrote before there were other modes: two dates, one tree each.
GOLDEN = Path(__file__).parent / "forests_by_date.base64"


@pytest.fixture
def path(tmp_path):
    return write_cells(tmp_path / "cells.smapforest")


def load_first(path):
    with open_models(path) as opened:
        opened.load(opened.keys[0])


def refused(path, problem, load=False):
    with pytest.raises(InputError) as caught:
        load_first(path) if load else open_models(path)
    assert str(caught.value) == f"{path} is damaged: {problem}; {LATER}"


def test_files_by_date_of_older_versions_are_read_and_written_as_then(tmp_path):
    path = tmp_path / "old.smapforest"
    path.write_bytes(base64.b64decode(GOLDEN.read_text()))
    contents = members(path)
    with open_models(path) as opened:
        assert [str(day) for day in opened.dates] == ["2020-02-28", "2020-02-29"]
        assert (opened.mode, opened.keys, opened.features.names) == ("by date", opened.dates, ())
        for day in opened.dates:
            forest = opened.load(day)
            probe = {name: contents[f"forests/{day}/{name}"] for name in codec.MEMBERS}
            _, probe_x, probe_y = codec.decode(probe)
            np.testing.assert_array_equal(predict(forest, probe_x), probe_y)
            assert codec.encode(forest.arrays, probe_x, probe_y) == probe
    assert manifest.parse(contents["manifest.json"]).to_json() == contents["manifest.json"]


def test_a_file_by_date_is_of_the_first_version(tmp_path):
    with ModelWriter(tmp_path / "f", NAMES, UNITS, "sm", "", settings(), "0") as writer:
        writer.add(DAY, train_forest(*rows(20), settings(), 0))
    content = json.loads(members(tmp_path / "f")["manifest.json"])
    assert content["version"] == 1
    assert sorted(content) == sorted(json.loads(members_of_golden(tmp_path)["manifest.json"]))


def members_of_golden(folder):
    path = folder / "golden"
    path.write_bytes(base64.b64decode(GOLDEN.read_text()))
    return members(path)


def test_forests_by_cell_come_back_with_their_covariates(path):
    with open_models(path) as opened:
        assert (opened.mode, opened.dates) == ("by cell", ())
        assert opened.keys == (CellKey(3, 7), CellKey(3, 8), CellKey(12, 0))
        assert (opened.keys[0].x, opened.keys[0].y, opened.keys[2].x) == (100.5, -3.0, None)
        assert opened.names == (*NAMES, "doy_sin", "doy_cos")
        assert (opened.covariates, opened.features) == (NAMES, FeatureSettings(True))
        for number, key in enumerate(opened.keys):
            columns = [column for column in range(6) if column != number]
            x, y = rows(25, seed=number, p=6)
            forest = opened.load(key)
            trained = train_forest(x[:, columns], y, settings(n_estimators=3), key_number(key))
            assert opened.names_of(key) == tuple(opened.names[c] for c in columns)
            assert forest.scores == trained.scores
            assert opened.scores(key) == trained.scores
            np.testing.assert_array_equal(predict(forest, trained.probe_x), trained.probe_y)
        assert opened.settings_of(opened.keys[1]) == settings(n_estimators=3, max_features=1)
        assert opened.settings_of(opened.keys[0]) == opened.settings == settings(n_estimators=3)


def test_equal_files_by_cell_are_equal_bytes(path, tmp_path):
    assert write_cells(tmp_path / "again").read_bytes() == path.read_bytes()


def test_one_pooled_forest(tmp_path):
    trained = train_forest(*rows(40), settings(), 0)
    with ModelWriter(tmp_path / "p", NAMES, UNITS, "sm", "", settings(), "0", mode="pooled") as writer:
        writer.add(PooledKey(), trained)
        with pytest.raises(InputError, match=r"^The forest all rows is there twice"):
            writer.add(PooledKey(), trained)
    with open_models(tmp_path / "p") as opened:
        assert (opened.mode, opened.keys, opened.dates) == ("pooled", (PooledKey(),), ())
        np.testing.assert_array_equal(predict(opened.load(PooledKey()), trained.probe_x), trained.probe_y)
        with pytest.raises(InputError) as caught:
            opened.load(DAY)
        assert str(caught.value) == (
            f"{tmp_path}/p holds no forest of 2020-02-28; it has one forest of all rows."
        )


def test_a_cell_that_is_not_there(path):
    with open_models(path) as opened, pytest.raises(InputError) as caught:
        opened.load(CellKey(4, 4))
    assert str(caught.value) == (
        f"{path} holds no forest of row 4, col 4; it has forests of 3 cells, not of this one."
    )


def test_keys():
    assert (mode_of(DAY), mode_of(CellKey(1, 2)), mode_of(PooledKey())) == ("by date", "by cell", "pooled")
    assert key_label(CellKey(1, 2)) == "row 1, col 2"
    assert CellKey(1, 2, 5.0, 6.0) == CellKey(1, 2) < CellKey(1, 3) < CellKey(2, 0)
    numbers = {key_number(CellKey(row, col)) for row in (0, 1, 50) for col in (0, 1, 2, 1000)}
    assert len(numbers) == 12


def test_what_does_not_belong_into_a_file(tmp_path):
    trained = train_forest(*rows(20), settings(), 0)
    with ModelWriter(tmp_path / "f", NAMES, UNITS, "sm", "", settings(), "0") as writer:
        writer.add(DAY, trained)
        with pytest.raises(ValueError, match="does not belong into a file by date"):
            writer.add(CellKey(1, 1), trained)
        with pytest.raises(ValueError, match="columns or settings of their own"):
            writer.add(DAY, trained, [0, 1, 2, 3])
    with (
        pytest.raises(InputError, match="no cell had enough data"),
        ModelWriter(tmp_path / "g", NAMES, UNITS, "sm", "", settings(), "0", mode="by cell"),
    ):
        pass


def test_thousands_of_cells_have_a_small_manifest(tmp_path):
    """Under 600 bytes a cell, where seven members a forest would take over 1,400 and seven zip entries."""
    trained = train_forest(*rows(20), settings(n_estimators=1, min_samples_leaf=8), 0)
    count = 3_000
    with ModelWriter(tmp_path / "f", NAMES, UNITS, "sm", "", settings(), "0", mode="by cell") as writer:
        for number in range(count):
            writer.add(CellKey(number // 100, number % 100, 9000.5 * number, -3.25), trained, [0, 1, 2, 3])
    with zipfile.ZipFile(tmp_path / "f") as archive:
        assert len(archive.namelist()) == count + 1
        assert archive.getinfo("manifest.json").file_size < 600 * count
    with open_models(tmp_path / "f") as opened:
        assert len(opened.keys) == count
        assert opened.keys[-1].x == 9000.5 * 2999


# ---- damage


def set_in(*keys):
    def edit(content):
        *way, last, value = keys
        for key in way:
            content = content[key]
        content[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (set_in("mode", "by moon"), "its mode 'by moon' is unknown"),
        (set_in("mode", "by date"), "its manifest is wrong at forests date"),
        (set_in("mode", "pooled"), "its manifest names a pooled forest twice"),
        (set_in("features", []), "its manifest is wrong at features"),
        (set_in("features", {}), "its manifest is wrong at features"),
        (set_in("features", "day_of_year", 1), "its manifest is wrong at features day_of_year"),
        (set_in("features", "day_of_year", False), "its manifest is wrong at features"),
        (set_in("features", "neighbours", True), "its manifest is wrong at features"),
        (
            set_in("features", "farthest", 0),
            "its manifest is wrong (The farthest neighbour in time is 0 days away; give 1 or more)",
        ),
        (set_in("forests", 1, "col", 7), "its manifest names a cell twice"),
        (set_in("forests", 0, "row", -1), "its manifest is wrong at forests row and col"),
        (set_in("forests", 0, "row", 2**31), "its manifest is wrong at forests row and col"),
        (set_in("forests", 0, "row", 1.5), "its manifest is wrong at forests row"),
        (set_in("forests", 0, "row", True), "its manifest is wrong at forests row"),
        (set_in("forests", 0, "x", "5"), "its manifest is wrong at forests x"),
        (set_in("forests", 0, "y", 10**400), "its manifest is wrong at forests y"),
        (set_in("forests", 0, "columns", []), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", [0, 6]), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", [-1, 2]), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", [1, 1]), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", [0, "1", 2]), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", [True, 2]), "its manifest is wrong at forests columns"),
        (set_in("forests", 0, "columns", 3), "its manifest is wrong at forests columns"),
        (set_in("forests", 1, "settings", {}), "its manifest is wrong at settings"),
        (set_in("forests", 0, "sha256", "ab"), "its manifest is wrong at forests members"),
        (set_in("forests", 0, "row", 4), "the member forests/r4_c7/forest.bin is missing"),
    ],
)
def test_wrong_manifests(path, edit, problem):
    repacked(path, edit=edit)
    refused(path, problem)


@pytest.mark.parametrize("columns", [[0, 1], [0, 1, 2, 3, 4, 5]])
def test_fewer_or_more_covariates_than_the_trees_have(path, columns):
    repacked(path, edit=set_in("forests", 0, "columns", columns))
    with (
        pytest.raises(InputError, match="is damaged: the forest of row 3, col 7"),
        open_models(path) as file,
    ):
        file.load(file.keys[0])


def test_packed_forests_that_are_cut(path):
    name = "forests/r3_c7/forest.bin"
    whole = members(path)[name]
    for data in (b"", whole[:40], whole[:-1], whole + b"x", b"\xff" * 56 + whole[56:]):
        repacked(path, {name: data})
        refused(
            path, "the forest of row 3, col 7 is unusable (The forest is not as long as it says)", load=True
        )


def test_what_is_packed_is_unpacked():
    parts = {name: name.encode() * number for number, name in enumerate(codec.MEMBERS)}
    assert codec.unpack(codec.pack(parts)) == parts
    with pytest.raises(ModelFileError):
        codec.unpack(codec.pack(parts)[:-1])


QUICK = hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)


def flipped(data, flips):
    changed = bytearray(data)
    for where, mask in flips:
        changed[int(where * len(data))] ^= mask
    return bytes(changed)


def predictions(path):
    with open_models(path) as opened:
        return [predict(opened.load(key), X[:, : len(opened.names_of(key))]) for key in opened.keys]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = write_cells(tmp_path_factory.mktemp("fuzz") / "f.smapforest", n=12)
    return path.read_bytes(), path


def finite_or_sentence(path):
    """Finite predictions, or a sentence that names the file."""
    try:
        found, sentence = predictions(path), ""
    except InputError as error:
        found, sentence = [], str(error)
    assert found or (sentence.startswith(str(path)) and sentence.endswith("."))
    assert all(np.isfinite(part).all() for part in found)


@QUICK
@given(FLIPS)
def test_flipped_bytes(good, flips):
    data, path = good
    path.write_bytes(flipped(data, flips))
    finite_or_sentence(path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # NumPy reads headers as literals
@QUICK
@given(st.sampled_from(["forests/r3_c7/forest.bin", "forests/r12_c0/forest.bin"]), FLIPS)
def test_members_changed_by_someone_who_knows_the_checksums(good, name, flips):
    data, path = good
    path.write_bytes(data)
    repacked(path, {name: flipped(members(path)[name], flips)})
    finite_or_sentence(path)


@QUICK
@given(FLIPS)
def test_manifests_changed_by_someone(good, flips):
    data, path = good
    path.write_bytes(data)
    contents = members(path)
    write_zip(path, contents | {"manifest.json": flipped(contents["manifest.json"], flips)})
    finite_or_sentence(path)


def test_settings_of_an_entry_are_checked_like_those_of_the_file(path):
    wrong = dataclasses.replace(settings(), seed=5).as_dict() | {"n_estimators": 0}
    repacked(path, edit=set_in("forests", 1, "settings", wrong))
    refused(path, "its manifest is wrong (N_ESTIMATORS is 0; give a whole number from 1 to 100000)")
