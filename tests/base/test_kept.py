"""What is kept is made once, while there is room."""

import numpy as np

from smap_downscaler.base.kept import Kept


def test_it_is_made_once_while_there_is_room():
    made = []

    def make(count):
        made.append(count)
        return np.zeros(count, np.uint8)

    kept = Kept(10)
    first = kept.of("a", lambda: make(6))
    assert kept.of("a", lambda: make(6)) is first
    # No room for it, and room for a smaller one after it.
    for _ in range(2):
        assert kept.of("b", lambda: make(5)).nbytes == 5
        assert kept.of("c", lambda: make(4)).nbytes == 4
    assert made == [6, 5, 4, 5]
    assert kept.lacking == 5


def test_without_room_nothing_is_kept():
    kept, made = Kept(0), []
    for _ in range(2):
        kept.of(1, lambda: made.append(1) or np.zeros(1))
    assert len(made) == 2
