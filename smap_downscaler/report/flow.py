"""A flow diagram: what goes in, step by step, and what comes out (the paper's Fig. 3)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..base.words import Text, joined, numbers_of
from .figure import PAGE_WIDTH, new_figure, png

#: Inches: between boxes, lines of text, the rim of a box.
_GAP_ACROSS, _GAP_DOWN, _LINE, _RIM = 0.5, 0.34, 0.135, 0.08
_SIZE = 6.8
#: Width of a letter over its size.
_LETTER = 0.55
_INPUT, _STEP = "#FFFFFF", "#E3EDF6"


@dataclass(frozen=True)
class FlowBox:
    """A box with a title and lines below it, which are wrapped; a step is shaded, an input is not."""

    title: str
    lines: Sequence[str]
    is_step: bool = False


def flow_png(middle: Sequence[FlowBox], sides: Sequence[FlowBox], first: int, second: int) -> bytes:
    """Draw steps from top to bottom, and inputs at their sides; returns a PNG.

    Parameters
    ----------
    middle : sequence of FlowBox
        Each leads to the next.
    sides : sequence of FlowBox
        One or two, left and right, each of which goes into two steps.
    first, second : int
        Which of `middle` these are.
    """
    columns = 1 + len(sides)
    wide = (PAGE_WIDTH - 0.1 - (columns - 1) * _GAP_ACROSS) / columns
    texts = {id(box): _wrapped(box, wide) for box in (*middle, *sides)}
    heights = [_height(texts[id(box)]) for box in middle]
    whole = sum(heights) + _GAP_DOWN * (len(middle) - 1)
    tallest = max([whole, *(_height(texts[id(box)]) for box in sides)])
    figure = new_figure(tallest + 0.1, layout=None)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    axis.set(xlim=(0, PAGE_WIDTH), ylim=(tallest + 0.05, -0.05))
    left = 0.05 + (wide + _GAP_ACROSS if sides else 0.0)
    tops, top = [], (tallest - whole) / 2
    for box, high in zip(middle, heights):
        _draw(axis, (left, top, wide, high), box, texts[id(box)])
        tops.append(top)
        top += high + _GAP_DOWN
    for (begin, high), end in zip(zip(tops, heights), tops[1:]):
        _arrow(axis, (left + wide / 2, begin + high), (left + wide / 2, end))
    centres = [begin + high / 2 for begin, high in zip(tops, heights)]
    between = (centres[first] + centres[second]) / 2
    for number, box in enumerate(sides):
        high = _height(texts[id(box)])
        at = min(max(between - high / 2, 0.0), tallest - high)
        x = 0.05 if number == 0 else left + wide + _GAP_ACROSS
        _draw(axis, (x, at, wide, high), box, texts[id(box)])
        begin, end = (x + wide, left) if number == 0 else (x, left + wide)
        for step in (first, second):
            # From the side of the box, as far up or down as it reaches.
            y = min(max(centres[step], at + 0.12), at + high - 0.12)
            _arrow(axis, (begin, y), (end, centres[step]))
    return png(figure)


def _wrapped(box: FlowBox, wide: float) -> list[str]:
    """The lines of a box, none wider than it; numbers stay with the line that they begin in."""
    letters = int((wide - 2 * _RIM) * 72 / (_SIZE * _LETTER))
    lines: list[str] = []
    for line in box.lines:
        pieces = textwrap.wrap(line, letters) or [""]
        # Numbers of a wrapped text are those of its pieces together.
        lines.append(Text("\n".join(pieces), numbers_of(line)))
    return lines


def _height(lines: Sequence[str]) -> float:
    return 2 * _RIM + _LINE * (1 + sum(1 + line.count("\n") for line in lines))


def _draw(axis: Any, place: tuple[float, float, float, float], box: FlowBox, lines: Sequence[str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, top, wide, high = place
    shape = FancyBboxPatch(
        (left, top),
        wide,
        high,
        boxstyle="round,pad=0,rounding_size=0.05",
        facecolor=_STEP if box.is_step else _INPUT,
        edgecolor="#12395b",
        linewidth=0.9,
    )
    axis.add_patch(shape)
    middle = left + wide / 2
    axis.text(middle, top + _RIM, box.title, fontsize=_SIZE + 0.8, weight="bold", ha="center", va="top")
    axis.text(
        middle,
        top + _RIM + _LINE * 1.15,
        joined("\n", lines),
        fontsize=_SIZE,
        ha="center",
        va="top",
        linespacing=1.3,
    )


def _arrow(axis: Any, begin: tuple[float, float], end: tuple[float, float]) -> None:
    looks = {"arrowstyle": "-|>", "color": "#12395b", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 1}
    axis.annotate("", xy=end, xytext=begin, arrowprops=looks)
