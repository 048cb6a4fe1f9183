"""The estimate of time and disk from the maps that are there, and what is said of a small disk."""

from __future__ import annotations

from collections import namedtuple

import pytest

from map_case import DAYS, Case, refusal
from raster_cases import Listener, listing
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo import room
from smap_downscaler.geo.room import bytes_text
from smap_downscaler.steps.maps import outlook
from smap_downscaler.steps.maps.downscale import map_file
from smap_downscaler.steps.maps.outlook import Outlook

UNPACKED = 10_000_000
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def disk(monkeypatch):
    """A disk of which a test says what is free."""

    def free(count):
        monkeypatch.setattr(room.shutil, "disk_usage", lambda _folder: Usage(10**12, 0, count))

    return free


def sized(folder, *sizes):
    files = [folder / f"{number}.tif" for number in range(len(sizes))]
    for file, size in zip(files, sizes):
        file.write_bytes(bytes(size))
    return files


def test_the_estimate_is_that_of_the_second_map(monkeypatch, tmp_path, disk):
    disk(5 * 10**9)
    moments = iter([100.0, 109.5, 150.0])
    monkeypatch.setattr(outlook.time, "monotonic", lambda: next(moments))
    listener, files = Listener(), sized(tmp_path, 3_000_000, 5_000_000, 4_000_000)
    followed = Outlook(tmp_path, 502, [], UNPACKED, listener)
    for file in files:
        followed.add(file)
    assert listener.lines == [
        f"502 maps to make, of 5.0 GB before they are packed, on the disk of {tmp_path}, where 5.0 GB are "
        "free",
        f"500 more maps to come: about 79 min at 9.5 s each, and 2.0 GB on the disk of {tmp_path}, where "
        "5.0 GB are free",
    ]
    assert listener.warnings == []


def test_the_estimate_of_maps_made_at_once_is_that_of_all_of_them(monkeypatch, tmp_path, disk):
    disk(5 * 10**9)
    moments = iter([100.0, 103.0, 103.5, 104.0])
    monkeypatch.setattr(outlook.time, "monotonic", lambda: next(moments))
    listener = Listener()
    followed = Outlook(tmp_path, 303, [], UNPACKED, listener, 2)
    for file in sized(tmp_path, 3_000_000, 5_000_000, 4_000_000, 4_000_000):
        followed.add(file)
    (told,) = (line for line in listener.lines if "more maps" in line)
    assert told.startswith("300 more maps to come: about 9 min at 1.8 s each, and 1.2 GB on")


def test_a_disk_that_is_too_small_is_told_after_the_first_map(tmp_path, disk):
    disk(10**8)
    (file,) = sized(tmp_path, 2_000_000)
    with pytest.raises(InputError) as caught:
        Outlook(tmp_path, 101, [], UNPACKED, Listener()).add(file)
    assert str(caught.value) == (
        f"{tmp_path}: 100 maps to come need about 200 MB, and 100 MB are free on its disk; make "
        "room there, choose another OUTPUT, a smaller area, fewer dates, or DATA_TYPE 'int16'. What is made "
        "stays, and the same run goes on from there."
    )


def test_maps_of_an_earlier_run_tell_before_any_work(tmp_path, disk):
    disk(10**6)
    kept = sized(tmp_path, 40_000, 60_000)
    with pytest.raises(InputError, match=r"30 maps to come need about 1\.5 MB, and 1\.0 MB are"):
        Outlook(tmp_path, 30, kept, UNPACKED, Listener())
    Outlook(tmp_path, 0, kept, UNPACKED, Listener())


@pytest.mark.parametrize(("free", "warned"), [(1_260_000, False), (1_240_000, True), (840_000, True)])
def test_a_disk_that_will_be_nearly_full_is_warned_of_once(tmp_path, disk, free, warned):
    disk(free)
    listener, files = Listener(), sized(tmp_path, 100_000, 100_000, 100_000)
    followed = Outlook(tmp_path, 11, [], UNPACKED, listener)
    for file in files:
        followed.add(file)
    sentence = (
        f"{tmp_path}: 10 maps to come need about 1.0 MB, and {bytes_text(free)} are free on its "
        "disk; make room there while the maps are made"
    )
    assert listener.warnings == [sentence] * warned


def test_dates_without_a_map_need_nothing(tmp_path, disk):
    disk(150_000)
    listener, (file,) = Listener(), sized(tmp_path, 100_000)
    followed = Outlook(tmp_path, 3, [], UNPACKED, listener)
    followed.pass_over()
    followed.pass_over()
    followed.add(file)
    assert listener.warnings == []


def test_maps_stop_after_the_first_and_go_on_when_there_is_room(tmp_path, disk):
    case = Case(tmp_path)
    disk(50_000)
    assert refusal(case.make).startswith(f"{case.maps}: 1 map to come needs about ")
    first = map_file(case.maps, DAYS[0])
    assert listing(case.maps) == [first.name]
    content = first.read_bytes()
    disk(10**9)
    assert case.make().kept == DAYS[:1]
    assert first.read_bytes() == content


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 kB"), (840_000, "840 kB"), (5_240_000, "5.2 MB"), (13e9, "13 GB"), (9.96e9, "10 GB")],
)
def test_sizes_in_words(count, text):
    assert bytes_text(count) == text
