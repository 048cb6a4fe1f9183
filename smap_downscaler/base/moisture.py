"""What soil moisture in m3 m-3 can be."""

from __future__ import annotations

import math


def moisture_sentence(subject: str, low: float, high: float) -> str:
    """That a range of values is no soil moisture in m3 m-3; empty where it may be, or is NaN.

    `subject` begins the sentence, as in `a.tif: soil moisture runs`.
    """
    if math.isnan(low) or 0 <= low <= high <= 1:
        return ""
    return f"{subject} from {low:g} to {high:g}; it must be m3 m-3 (0 to 1), so divide percent by 100."
