"""The measure of `make window`: it must see a main thread that is kept waiting, and when."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def beat(qgis_provider):
    from window_beat import Beat

    beat = Beat()
    yield beat
    beat.stop()


def let_events_run(seconds):
    from qgis.PyQt.QtCore import QCoreApplication

    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        QCoreApplication.processEvents()
        time.sleep(0.001)


def test_a_blocked_main_thread_is_seen_in_full(beat):
    let_events_run(0.1)
    begun = time.perf_counter()
    time.sleep(0.4)
    ended = time.perf_counter()
    let_events_run(0.1)
    wait, stack = beat.longest(begun, ended)
    assert wait == pytest.approx(ended - begun, abs=1e-6)
    assert "test_a_blocked_main_thread_is_seen_in_full" in stack


def test_only_the_part_of_a_wait_within_the_phase_counts(beat):
    let_events_run(0.05)
    begun = time.perf_counter()
    time.sleep(0.4)
    let_events_run(0.05)
    assert beat.longest(begun + 0.1, begun + 0.25)[0] == pytest.approx(0.15, abs=1e-6)


def test_a_free_main_thread_shows_no_wait(beat):
    begun = time.perf_counter()
    let_events_run(0.5)
    # Far below the 0.5 s of the phase, on however busy a machine.
    assert beat.longest(begun, time.perf_counter())[0] < 0.3
