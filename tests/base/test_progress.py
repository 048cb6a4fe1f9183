"""What long work shows: count, rate, time left, and parts of a whole."""

import pytest

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Counter, Pieces, Progress


class Listener(Progress):
    def __init__(self):
        self.fractions, self.texts, self.cancelled = [], [], False

    def is_cancelled(self):
        return self.cancelled

    def set_fraction(self, fraction):
        self.fractions.append(fraction)

    def set_text(self, text):
        self.texts.append(text)


def test_the_line_has_count_rate_and_time_left():
    counter = Counter(Listener(), 1000, "dates")
    counter.advance(250)
    assert counter.text(10) == "250 of 1,000 dates, 25 a second, 30 s left"
    assert counter.text(1000) == "250 of 1,000 dates, 4.0 s each, 50 min left"
    assert counter.text(100000) == "250 of 1,000 dates, 400 s each, 83.3 h left"
    assert counter.text(0) == "250 of 1,000 dates"


def test_the_end_is_always_shown():
    listener = Listener()
    counter = listener.counter(3, "blocks")
    for _ in range(3):
        counter.advance()
    assert listener.fractions[-1] == 1.0
    assert listener.texts[-1].startswith("3 of 3 blocks")


def test_parts_scale_and_share_the_cancel():
    listener = Listener()
    part = listener.part(0.5, 1.0).part(0.0, 0.5)
    part.set_fraction(1.0)
    assert listener.fractions == [0.75]
    listener.cancelled = True
    with pytest.raises(Cancelled):
        part.counter(10, "things").advance()


def test_pieces_are_counted_as_each_is_done():
    listener = Listener()
    pieces = Pieces(listener.part(0.5, 1.0), 4, "fits")
    pieces.set_fraction(0.5)
    assert listener.fractions == [0.5 + 0.5 * 0.5 / 4]
    assert not listener.texts
    for _ in range(4):
        pieces.part(0.0, 1.0).set_fraction(1.0)
    assert listener.fractions[-1] == 1.0
    assert listener.texts[-1].startswith("4 of 4 fits")
    pieces.set_text("what is done now")
    assert listener.texts[-1] == "what is done now"
    listener.cancelled = True
    with pytest.raises(Cancelled):
        pieces.check()
