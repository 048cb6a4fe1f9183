"""What the skill experiment measured of area-to-point models where the truth is known, as they tell it.

The numbers, `measured.json`, are those of tools/NUMBERS.md: `make numbers` writes both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..base.words import Text, counted, text

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Measured:
    """What came of models on two levels, or of single dates, with a footprint or without one.

    Attributes
    ----------
    two_levels : bool
    footprint_km : float
    side : int
        How many cells a side the areas had.
    truths : int
        How many known truths there were.
    better : float
        Share of their maps that were better than bilinear interpolation.
    right : float
        Share of them that were better for what they show of the pattern within cells by evidence.
    held : float
        Share of the pixels' true values in intervals that are to hold 90 % of them.
    """

    two_levels: bool
    footprint_km: float
    side: int
    truths: int
    better: float
    right: float
    held: float

    @property
    def rule(self) -> Text:
        """How often the rule was right."""
        return text(
            "By this rule {:.0f} % of the maps of {} in the skill experiment were better than bilinear "
            "interpolation, and {:.0f} % were better for what they show of the pattern ({})",
            100 * self.better,
            counted(self.truths, "known truth"),
            100 * self.right,
            self._where,
        )

    @property
    def cover(self) -> Text:
        """How many pixels intervals held."""
        return text(
            "In the skill experiment such intervals held {:.0f} % of the true values of pixels of {} ({})",
            100 * self.held,
            counted(self.truths, "known truth"),
            self._where,
        )

    @property
    def _where(self) -> Text:
        levels = "two levels" if self.two_levels else "single dates"
        width = text("a footprint of {:g} km", self.footprint_km) if self.footprint_km else "no footprint"
        return text("{}, {}, {} x {} cells", levels, width, self.side, self.side)


def measured(two_levels: bool, footprint_km: float) -> Measured:
    """What was measured of models like one; of those with a footprint, whatever its width."""
    return next(
        one for one in _all() if (one.two_levels, one.footprint_km > 0) == (two_levels, footprint_km > 0)
    )


@lru_cache(maxsize=1)
def _all() -> tuple[Measured, ...]:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Measured(side=content["side"], **row) for row in content["rows"])
