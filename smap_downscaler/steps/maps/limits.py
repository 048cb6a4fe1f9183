"""Soil moisture that no soil can hold: below 0, or above its saturation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ...base.kept import Kept
from ...base.words import Text, text
from ...geo.grid import Window
from ...series.stack import Stack

#: The band of a stack that holds water content at saturation, what of it can be one, and what stands for it.
SATURATION = "theta_s"
_LEAST, _MOST, _OTHERWISE = 0.2, 0.95, 0.6
#: Share of all pixels from which on they are warned of, per cent.
_MANY = 1.0
#: Bytes that saturation may take from date to date.
_MOST_KEPT = 2**26


@dataclass(frozen=True)
class Beyond:
    """Pixels with a value, and those of them that lie below 0 and above saturation."""

    pixels: int = 0
    below: int = 0
    above: int = 0

    def __add__(self, other: Beyond) -> Beyond:
        """Those of both."""
        return Beyond(self.pixels + other.pixels, self.below + other.below, self.above + other.above)

    @property
    def share(self) -> float:
        """Of those beyond, per cent; NaN without a pixel."""
        return 100 * (self.below + self.above) / self.pixels if self.pixels else math.nan

    @property
    def is_much(self) -> bool:
        """Whether it should be looked at."""
        return self.share > _MANY


@dataclass(frozen=True)
class Limits:
    """0 and saturation, m3 m-3: that of the stack where it has one, else .6.

    Parameters
    ----------
    stack : Stack
    window : Window
        What of it the maps show.
    """

    stack: Stack
    window: Window
    _kept: Kept[np.ndarray] = field(
        default_factory=lambda: Kept(_MOST_KEPT), init=False, repr=False, compare=False
    )

    @property
    def words(self) -> Text:
        """What saturation is here."""
        if SATURATION in self.stack.names:
            return Text(f"saturation ({SATURATION} of the stack)")
        return text("{:g} m3 m-3 (the stack has no {})", _OTHERWISE, SATURATION)

    def saturation(self, block: Window) -> np.ndarray:
        """Of a block of the maps: float32, its shape; the same on all dates."""
        if SATURATION not in self.stack.names:
            return np.full((block.height, block.width), np.float32(_OTHERWISE))
        return self._kept.of(block, partial(self._of_stack, block))

    def _of_stack(self, block: Window) -> np.ndarray:
        read = self.stack.read([SATURATION], self.window.part(block))[0]
        with np.errstate(invalid="ignore"):
            known = (read >= _LEAST) & (read <= _MOST)
        return np.where(known, read, np.float32(_OTHERWISE))

    def clip(self, layers: Sequence[np.ndarray], block: Window) -> None:
        """Bring float32 layers of soil moisture, shape (rows, columns), to the limits, in place."""
        most = self.saturation(block)
        for layer in layers:
            np.clip(layer, np.float32(0), most, out=layer)

    def beyond(self, values: np.ndarray, block: Window, clipped: bool) -> Beyond:
        """Pixels of a block, float32, that lie below 0 and above saturation, or at these where clipped."""
        most = self.saturation(block)
        with np.errstate(invalid="ignore"):
            below = int((values <= 0 if clipped else values < 0).sum())
            above = int((values >= most if clipped else values > most).sum())
        return Beyond(int(np.isfinite(values).sum()), below, above)


def beyond_sentence(found: Beyond, limits: Limits, clipped: bool) -> Text:
    """How many pixels of maps lie beyond the limits."""
    words = text(
        "{:.2f} % of the pixels lie below zero and {:.2f} % above {}",
        100 * found.below / max(found.pixels, 1),
        100 * found.above / max(found.pixels, 1),
        limits.words,
    )
    return words + (", and were brought to it (CLIP)" if clipped else "")
