"""The forest file: what goes in comes out, and every way a file can be bad has its sentence."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pytest

from forest_cases import (
    DAY,
    NAMES,
    UNITS,
    CancelAfter,
    members,
    predict,
    rows,
    settings,
    tampered,
    train_forest,
    write_forests,
    write_zip,
)
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.methods.file import manifest, writer
from smap_downscaler.methods.file import reader as file
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest import codec
from smap_downscaler.methods.forest.growth import new_sklearn_forest

WROTE = "choose what 'Train forests' or 'Train area-to-point model' wrote."
LATER = "get another copy or train it again."
FIRST = f"forests/{DAY.isoformat()}"


@pytest.fixture
def path(tmp_path):
    return write_forests(tmp_path / "basin.smapforest")


def refused(path, sentence, load=False):
    """Opening (or loading) fails with exactly this sentence."""
    with pytest.raises(InputError) as caught:
        load_first(path) if load else open_models(path)
    assert str(caught.value) == sentence


def load_first(path):
    with open_models(path) as opened:
        opened.load(DAY)


def damaged(path, problem, load=False):
    refused(path, f"{path} is damaged: {problem}; {LATER}", load)


# ---- what goes in comes out


def test_loaded_forests_predict_as_scikit_learns_trees(path):
    x = rows(2000, seed=7)[0]
    chosen = settings(n_estimators=3)
    with open_models(path) as opened:
        for number in range(2):
            day = DAY + timedelta(days=number)
            train_x, train_y = rows(25, seed=number)
            forest = new_sklearn_forest(chosen, *train_x.shape, key=day.toordinal()).fit(train_x, train_y)
            total = np.zeros(len(x))
            for estimator in forest.estimators_:
                total += estimator.predict(x)
            loaded = opened.load(day)
            np.testing.assert_array_equal(predict(loaded, x), total / 3)


def test_what_the_file_tells(path):
    with open_models(path) as opened:
        assert opened.path == path
        assert opened.mode == "by date"
        assert opened.names == NAMES
        assert opened.units == {"elevation": "m", "clay": "g/kg", "p_antecedent": "mm/d", "twi_fd8": ""}
        assert (opened.response, opened.response_unit) == ("soil_moisture", "m3 m-3")
        assert opened.settings == settings(n_estimators=3)
        assert opened.dates == (date(2020, 2, 28), date(2020, 2, 29))
        assert opened.extra == {"table": "matrix.gpkg"}
        assert opened.versions["plugin"] == "0.1.0"
        assert opened.versions["numpy"] == np.__version__
        assert set(opened.versions) == {"numpy", "plugin", "python", "scikit-learn"}
        trained = train_forest(*rows(25, seed=0), settings(n_estimators=3), DAY.toordinal())
        assert opened.scores(DAY) == trained.scores
        assert opened.load(DAY).scores == trained.scores


def test_the_zip_holds_arrays_and_json_only(path):
    contents = members(path)
    assert sorted(contents) == sorted(
        [
            "manifest.json",
            *(f"forests/{day}/{name}" for day in ("2020-02-28", "2020-02-29") for name in codec.MEMBERS),
        ]
    )
    assert json.loads(contents["manifest.json"])["seed"] == 5
    for name, data in contents.items():
        assert data.startswith(b"{" if name == "manifest.json" else b"\x93NUMPY")


def test_undefined_scores_survive(tmp_path):
    """One tree that draws all of two rows leaves too few out of bag for R2."""
    chosen = settings(n_estimators=1)
    x, y = rows(3)
    trained = next(
        trained
        for trained in (train_forest(x, y, chosen, key) for key in range(100))
        if trained.scores.n_scored == 1
    )
    assert math.isnan(trained.scores.r2)
    with ModelWriter(tmp_path / "few.smapforest", NAMES, UNITS, "soil_moisture", "", chosen, "0") as writer:
        writer.add(DAY, trained)
    with open_models(tmp_path / "few.smapforest") as opened:
        scores = opened.scores(DAY)
    assert math.isnan(scores.r2)
    assert (scores.n, scores.n_scored, scores.rmse) == (3, 1, trained.scores.rmse)


def test_equal_forests_give_equal_bytes(tmp_path):
    one, other = (write_forests(tmp_path / name) for name in ("a.smapforest", "b.smapforest"))
    assert one.read_bytes() == other.read_bytes()
    assert write_forests(tmp_path / "c.smapforest", seed=6).read_bytes() != one.read_bytes()


def test_dates_are_sorted_whatever_the_order_of_adding(tmp_path):
    chosen = settings()
    days = [DAY + timedelta(days=number) for number in (2, 0, 1)]
    with ModelWriter(tmp_path / "f.smapforest", NAMES, UNITS, "sm", "", chosen, "0") as writer:
        for day in days:
            writer.add(day, train_forest(*rows(20), chosen, day.toordinal()))
    with open_models(tmp_path / "f.smapforest") as opened:
        assert opened.dates == tuple(sorted(days))
        assert list(opened.dates) == sorted(days)


def test_several_threads_load_at_once(tmp_path):
    path = write_forests(tmp_path / "f.smapforest", dates=8)
    x = rows(100, seed=7)[0]
    with open_models(path) as opened:
        expected = [predict(opened.load(day), x) for day in opened.dates]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda day: predict(opened.load(day), x), opened.dates))
    np.testing.assert_array_equal(found, expected)


def test_a_date_that_is_not_there(path):
    with open_models(path) as opened:
        for ask in (opened.load, opened.scores):
            with pytest.raises(InputError) as caught:
                ask(date(2021, 1, 1))
            assert str(caught.value) == (
                f"{path} holds no forest of 2021-01-01; its 2 dates lie between 2020-02-28 and 2020-02-29."
            )


# ---- writing


def start(path, names=NAMES, **more):
    return ModelWriter(path, names, UNITS, "soil_moisture", "m3 m-3", settings(), "0.1.0", **more)


@pytest.mark.parametrize("problem", [Cancelled, KeyError, KeyboardInterrupt, GeneratorExit])
def test_nothing_is_left_of_a_run_that_failed(tmp_path, problem):
    path = tmp_path / "f.smapforest"
    path.write_bytes(b"an older file")

    def fail_after(opened):
        opened.add(DAY, train_forest(*rows(20), settings(), 0))
        assert len(list(tmp_path.iterdir())) == 2, "a temporary file beside"
        raise problem

    with pytest.raises(problem), start(path) as opened:
        fail_after(opened)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f.smapforest", b"an older file")]


def test_packing_in_pieces_gives_the_same_file_and_hears_a_cancel(tmp_path, monkeypatch):
    trained = train_forest(*rows(400), settings(n_estimators=40), 0)
    files, asked = [], []
    for number, (piece, many) in enumerate(((2**22, 500_000), (1000, 0))):
        monkeypatch.setattr(writer, "BYTES_A_PIECE", piece)
        monkeypatch.setattr("smap_downscaler.methods.forest.model.MANY_NODES", many)
        listener = CancelAfter(10**9)
        target = tmp_path / f"{number}.smapforest"
        with start(target) as opened:
            opened.add(DAY, trained, progress=listener)
        files.append(target.read_bytes())
        asked.append(listener.asked)
    assert files[0] == files[1]
    assert asked[0] < 10 < 50 < asked[1]
    for calls in (0, asked[1] // 2, asked[1] - 5):
        listener = CancelAfter(calls)
        with pytest.raises(Cancelled), start(tmp_path / "f.smapforest") as opened:
            opened.add(DAY, trained, progress=listener)
        assert listener.asked == calls + 1
        assert sorted(p.name for p in tmp_path.iterdir()) == ["0.smapforest", "1.smapforest"]


def test_bytes_are_those_of_one_piece(path):
    """What `writestr` makes of the same members at level 4, as files of before had it."""
    again = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(again, "w") as other:
        for old in archive.infolist():
            info = zipfile.ZipInfo(old.filename, old.date_time)
            info.create_system, info.external_attr = old.create_system, old.external_attr
            other.writestr(info, archive.read(old), zipfile.ZIP_DEFLATED, 4)
    assert path.read_bytes() == again.getvalue()


@pytest.mark.parametrize("moment", ["add", "end"])
def test_a_full_disk(tmp_path, monkeypatch, moment):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "f.smapforest"
    trained = train_forest(*rows(20), settings(), 0)
    target = (zipfile.ZipFile, "open") if moment == "add" else (writer.os, "fsync")
    monkeypatch.setattr(*target, full)
    with pytest.raises(InputError) as caught, start(path) as opened:
        opened.add(DAY, trained)
    assert str(caught.value) == (
        f"{path} could not be written (No space left on device); choose another folder or make room."
    )
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_is_replaced(path):
    before = path.read_bytes()
    write_forests(path, seed=9)
    assert path.read_bytes() != before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_that_does_not_exist_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "f.smapforest"
    write_forests(path)
    assert path.is_file()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / "f.smapforest"
    with (
        pytest.raises(InputError, match=rf"^{re.escape(str(path))} could not be written \(File exists\)"),
        start(path),
    ):
        pytest.fail("the block must not be entered")


def test_no_forest_at_all(tmp_path):
    path = tmp_path / "f.smapforest"
    with pytest.raises(InputError) as caught, start(path):
        pass
    assert str(caught.value) == f"{path} was not written: no date had enough data to train a forest."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("clay", "sand", "clay"), "The covariate clay is there twice; give every covariate its own name."),
        (("clay", ""), "A covariate has no name; name every band."),
        ((), "A model takes 1 to 32767 covariates, not 0."),
    ],
)
def test_bad_names(tmp_path, names, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        start(tmp_path / "f.smapforest", names)


def test_what_does_not_belong_is_not_written(tmp_path):
    trained = train_forest(*rows(20), settings(), 0)
    with start(tmp_path / "f.smapforest") as opened:
        opened.add(DAY, trained)
        with pytest.raises(InputError) as caught:
            opened.add(DAY, trained)
        assert str(caught.value) == "The date 2020-02-28 is there twice; only one forest per date is kept."
    with (
        pytest.raises(InputError, match=r"^A tree is damaged: a node asks for a covariate"),
        start(tmp_path / "g.smapforest", NAMES[:2]) as opened,
    ):
        opened.add(DAY, trained)
    with pytest.raises(TypeError, match="not JSON serializable"):
        start(tmp_path / "h.smapforest", extra={"a": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["f.smapforest"]


def test_too_much_for_a_file(tmp_path, monkeypatch):
    path = tmp_path / "f.smapforest"
    trained = train_forest(*rows(20), settings(), 0)
    monkeypatch.setattr(writer, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(InputError) as caught, start(path) as opened:
        opened.add(DAY, trained)
    assert str(caught.value) == (
        "The forest of 2020-02-28 is too large for a file; give N_ESTIMATORS or SAMPLE_SIZE a smaller number."
    )
    monkeypatch.undo()
    monkeypatch.setattr(writer, "MAX_BYTES", 1000)
    with pytest.raises(InputError) as caught, start(path) as opened:
        opened.add(DAY, trained)
    assert str(caught.value) == f"{path} was not written: too many dates for one file; train them in parts."
    assert list(tmp_path.iterdir()) == []


# ---- files that are none


def test_a_file_that_does_not_exist(tmp_path):
    path = tmp_path / "none.smapforest"
    refused(path, f"{path} does not exist; choose a model file (.smapforest or .smapmodel).")


def test_a_folder(tmp_path):
    refused(tmp_path, f"{tmp_path} is a folder; choose a model file (.smapforest or .smapmodel).")


@pytest.mark.parametrize("content", [b"", b"date,row,col\n", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_not_a_zip(tmp_path, content):
    path = tmp_path / "matrix.smapforest"
    path.write_bytes(content)
    refused(path, f"{path} is not a model file (it is no zip archive); {WROTE}")


def test_another_zip(tmp_path):
    path = write_zip(tmp_path / "plugin.zip", {"smap_downscaler/__init__.py": b""})
    refused(path, f"{path} is not a model file (it holds no manifest.json); {WROTE}")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, f"{path} is a truncated or corrupt model file; {LATER}")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(path):
    path.chmod(0)
    refused(path, f"{path} could not be read (Permission denied).")


def test_a_newer_format(path):
    tampered(path, edit=lambda manifest: manifest.update(version=4))
    refused(path, f"{path} was written by a newer version of the plugin (format 4); update the plugin.")


# ---- manifests


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"version": NaN}'])
def test_a_manifest_that_is_no_json(path, data):
    write_zip(path, members(path) | {"manifest.json": data})
    damaged(path, "its manifest is not valid JSON")


TWICE = "its manifest is wrong (The covariate elevation is there twice; give every covariate its own name)"
NO_TREES = "its manifest is wrong (N_ESTIMATORS is 0; give a whole number from 1 to 100000)"
MEMBERS = "its manifest is wrong at forests members"
LENGTH = f"the member {FIRST}/left.npy has LENGTH bytes in place of 9"


def set_in(*keys):
    """An edit that puts the last of `keys` at the place that the others name."""

    def edit(content):
        *way, last, value = keys
        for key in way:
            content = content[key]
        content[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (set_in("format", "zip"), "its manifest is not that of a model file"),
        (set_in("format", 3), "its manifest is wrong at format"),
        (set_in("version", "1"), "its manifest is wrong at version"),
        (set_in("version", True), "its manifest is wrong at version"),
        (set_in("version", 0), "its format version 0 does not exist"),
        (set_in("mode", "by moon"), "its mode 'by moon' is unknown"),
        (set_in("seed", 4), "its manifest is wrong at seed"),
        (set_in("covariates", []), "its manifest is wrong (A model takes 1 to 32767 covariates, not 0)"),
        (set_in("covariates", 1, "name", "elevation"), TWICE),
        (set_in("covariates", 1, "name", 4), "its manifest is wrong at covariates name"),
        (set_in("covariates", 1, "unit", None), "its manifest is wrong at covariates unit"),
        (set_in("covariates", 1, "clay"), "its manifest is wrong at covariates"),
        (set_in("response", "soil_moisture"), "its manifest is wrong at response"),
        (set_in("settings", "n_estimators", 0), NO_TREES),
        (set_in("settings", "n_jobs", 4), "its manifest is wrong at settings"),
        (set_in("settings", []), "its manifest is wrong at settings"),
        (set_in("versions", "numpy", 1), "its manifest is wrong at versions numpy"),
        (set_in("extra", []), "its manifest is wrong at extra"),
        (set_in("forests", []), "it holds no forest"),
        (set_in("forests", {}), "its manifest is wrong at forests"),
        (set_in("forests", 0, []), "its manifest is wrong at forests"),
        (set_in("forests", 0, "date", "2020-02-29"), "its manifest names a date twice"),
        (set_in("forests", 0, "date", "20200228"), "its manifest is wrong at forests date"),
        (set_in("forests", 0, "date", "../../etc"), "its manifest is wrong at forests date"),
        (set_in("forests", 0, "scores", "rmse", "low"), "its manifest is wrong at scores rmse"),
        (set_in("forests", 0, "scores", "r2", 10**400), "its manifest is wrong at scores r2"),
        (set_in("forests", 0, "scores", "n", 1), "its manifest is wrong at scores n"),
        (set_in("forests", 0, "scores", "n_scored", 99), "its manifest is wrong at scores n"),
        (set_in("forests", 0, "members", "extra.npy", {}), MEMBERS),
        (set_in("forests", 0, "members", "left.npy", "size", -1), MEMBERS),
        (set_in("forests", 0, "members", "left.npy", "sha256", "ab"), MEMBERS),
        (set_in("forests", 0, "members", "left.npy", []), "its manifest is wrong at members left.npy"),
        (set_in("forests", 0, "members", "left.npy", "size", 9), LENGTH),
        (set_in("forests", 0, "date", "2020-02-27"), "the member forests/2020-02-27/sizes.npy is missing"),
    ],
)  # fmt: skip
def test_wrong_manifests(path, edit, problem):
    left = len(members(path)[f"{FIRST}/left.npy"])
    tampered(path, edit=edit)
    damaged(path, problem.replace("LENGTH", str(left)))


def test_a_manifest_that_is_a_bomb(path, monkeypatch):
    monkeypatch.setattr(file, "MAX_BYTES", 100_000)
    write_zip(path, members(path) | {"manifest.json": b" " * 100_001})
    damaged(path, "the member manifest.json claims 100,001 bytes, more than 100,000")


def test_a_forest_that_is_a_bomb(path, monkeypatch):
    monkeypatch.setattr(file, "MAX_MODEL_BYTES", 5_000_000)
    tampered(path, {f"{FIRST}/left.npy": bytes(10_000_000)})
    claimed = sum(len(data) for name, data in members(path).items() if name.startswith(FIRST))
    damaged(path, f"the forest of 2020-02-28 claims {claimed:,} bytes, more than 5,000,000")
    assert manifest.MAX_MODEL_BYTES == 2**30


# ---- members


def test_a_missing_member(path):
    contents = members(path)
    del contents[f"{FIRST}/right.npy"]
    write_zip(path, contents)
    damaged(path, f"the member {FIRST}/right.npy is missing")


def test_an_unexpected_member(path):
    write_zip(path, members(path) | {"forests/code.py": b"print()"})
    damaged(path, "it holds the unexpected member forests/code.py")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.npy",
        "/etc/passwd",
        "forests/../../evil",
        "forests\\evil.npy",
        "C:/evil.npy",
        "a//b",
        "./a",
        "folder/",
        "a\nb",
        "a\x00b",
    ],
)
def test_unsafe_names(path, name):
    info = zipfile.ZipInfo("x" * len(name))
    # Set afterwards: the constructor itself would cut and clean it.
    info.filename = name
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, b"")
    before = sorted(path.parent.iterdir())
    damaged(path, f"a member has the unsafe name {name!r}")
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("manifest.json", b"{}")
    damaged(path, "the member manifest.json is there twice")


def test_an_unknown_packing(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("more.npy", b"abc")
    damaged(path, "the member more.npy is encrypted or packed in an unknown way")


def test_an_encrypted_member(path):
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    damaged(path, "the member manifest.json is encrypted or packed in an unknown way")


def test_a_changed_member(path):
    contents = members(path)
    name = f"{FIRST}/number.npy"
    data = contents[name]
    write_zip(path, contents | {name: data[:-1] + bytes([data[-1] ^ 1])})
    damaged(path, f"the member {name} was changed (its checksum differs)", load=True)


def test_a_corrupt_member(path):
    data = bytearray(path.read_bytes())
    start = data.index(b"number.npy") + 200
    data[start : start + 20] = bytes(20)
    path.write_bytes(data)
    damaged(path, f"the member {FIRST}/number.npy is truncated or corrupt", load=True)


# ---- arrays and trees whose checksums are right


def npy(array, version=(1, 0)):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=version)
    return buffer.getvalue()


def array_of(path, name):
    return np.load(io.BytesIO(members(path)[f"{FIRST}/{name}"]))


def unusable(path, name, data, problem):
    tampered(path, {f"{FIRST}/{name}": data})
    damaged(path, f"the forest of 2020-02-28 is unusable ({problem})", load=True)


KIND = "The member {} is not an array of the expected kind"


@pytest.mark.parametrize("name", sorted(codec.MEMBERS))
def test_arrays_of_another_kind(path, name):
    array = array_of(path, name)
    original = path.read_bytes()
    header = npy(array)
    others = [
        npy(array.astype(np.complex64)),
        npy(array.astype(array.dtype.newbyteorder(">")) if array.itemsize > 1 else array.astype(np.int8)),
        npy(array[None]),
        npy(np.asfortranarray(np.ones((3, 4), array.dtype))),
        npy(array, version=(2, 0)),
        npy(np.array([{"a": print}], dtype=object)),
        b"",
        b"\x93NUMPY",
        header.replace(b"}", b"("),
        header.replace(b"'shape': (", b"'shape':-("),
        header.replace(b"NUMPY", b"NUMPI"),
        header[:30],
    ]
    for data in others:
        path.write_bytes(original)
        unusable(path, name, data, KIND.format(name))


@pytest.mark.parametrize("name", sorted(codec.MEMBERS))
def test_arrays_that_are_not_as_long_as_they_say(path, name):
    original, data = path.read_bytes(), npy(array_of(path, name))
    huge = re.sub(rb"'shape': \((\d+)", lambda found: b"'shape': (" + b"9" * 15, data)
    for bad in (data[:-1], data + b"\0", huge):
        path.write_bytes(original)
        unusable(path, name, bad, f"The member {name} is not as long as it says")


def test_bad_trees(path):
    original = path.read_bytes()
    sizes, left, right = (array_of(path, name) for name in ("sizes.npy", "left.npy", "right.npy"))
    feature, number = array_of(path, "feature.npy"), array_of(path, "number.npy")
    follow = "The forest is damaged: its trees do not follow each other"
    order = "A tree is damaged: a child does not lie after its parent in the same tree"
    covariate = "A tree is damaged: a node asks for a covariate that is not one of the 4"
    lengths = "The trees are damaged: their arrays differ in length"

    def put(array, value, at=0):
        array = array.copy()
        array[at] = value
        return npy(array)

    def infinite():
        plain = np.ascontiguousarray(number.T).view("<f8")[:, 0].copy()
        plain[1] = np.inf
        return npy(np.ascontiguousarray(plain.view(np.uint8).reshape(-1, 8).T))

    for name, data, problem in (
        ("sizes.npy", put(sizes, 0), follow),
        ("sizes.npy", put(sizes, -1), follow),
        ("sizes.npy", put(sizes, sizes[0] + 1), follow),
        ("sizes.npy", npy(sizes[:0]), follow),
        ("left.npy", put(left, -1), order),
        ("left.npy", put(left, 2**31 - 1), order),
        ("left.npy", put(left, 0), "A tree is damaged: a node has only one child"),
        ("right.npy", put(right, left[0]), "A tree is damaged: a node does not have exactly one parent"),
        ("right.npy", npy(right[:-1]), lengths),
        ("feature.npy", npy(feature[:-1]), lengths),
        ("number.npy", npy(np.ascontiguousarray(number[:, :-1])), lengths),
        ("number.npy", infinite(), "A tree is damaged: it holds a number that is not finite"),
        ("feature.npy", put(feature, 4), covariate),
    ):  # fmt: skip
        path.write_bytes(original)
        unusable(path, name, data, problem)


def test_probes(path):
    original = path.read_bytes()
    x, y = array_of(path, "probe_x.npy"), array_of(path, "probe_y.npy")
    number = "The forest is damaged: its stored predictions are missing or too many"
    finite = "The forest is damaged: its stored predictions are not finite"
    for name, data, problem in (
        ("probe_y.npy", npy(y[:-1]), number),
        ("probe_x.npy", npy(np.ascontiguousarray(x[:-1])), number),
        ("probe_y.npy", npy(np.where(y == y[3], np.nan, y)), finite),
        ("probe_x.npy", npy(np.where(x == x[3, 1], np.float32(np.inf), x)), finite),
    ):
        path.write_bytes(original)
        unusable(path, name, data, problem)
    path.write_bytes(original)
    tampered(
        path, {f"{FIRST}/probe_x.npy": npy(np.tile(x, (2, 1))), f"{FIRST}/probe_y.npy": npy(np.tile(y, 2))}
    )
    damaged(path, f"the forest of 2020-02-28 is unusable ({number})", load=True)
    path.write_bytes(original)
    tampered(path, {f"{FIRST}/probe_x.npy": npy(np.ascontiguousarray(x[:, :3]))})
    damaged(path, "the forest of 2020-02-28 has 3 covariates, not 4", load=True)


def test_a_forest_that_does_not_give_its_predictions(path):
    """One unit in the last place is enough."""
    y = array_of(path, "probe_y.npy")
    y[5] = np.nextafter(y[5], 1)
    tampered(path, {f"{FIRST}/probe_y.npy": npy(y)})
    damaged(path, "the forest of 2020-02-28 does not give the predictions stored with it", load=True)


def test_another_order_of_covariates_is_another_forest(path):
    """A file whose trees were made for swapped columns is seen by its probe."""
    feature = array_of(path, "feature.npy")
    swapped = np.array([1, 0, 2, 3, -1], feature.dtype)[feature]
    tampered(path, {f"{FIRST}/feature.npy": npy(swapped)})
    damaged(path, "the forest of 2020-02-28 does not give the predictions stored with it", load=True)
