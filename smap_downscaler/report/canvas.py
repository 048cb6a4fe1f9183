"""A canvas of matplotlib on which drawing hears of a cancel."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..base.progress import check_cancelled

#: What a figure calls often while it is laid out and while it is drawn.
_OFTEN = ("draw_path", "draw_text", "draw_image", "get_text_width_height_descent")


def put_on_canvas(figure: Any) -> None:
    """Give a figure a canvas; while it is drawn, a cancelled listener of the thread ends that at once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    class Canvas(FigureCanvasAgg):
        """Looks at the cancel button with each thing that is measured or drawn."""

        def get_renderer(self, *words: Any, **more: Any) -> Any:
            renderer = super().get_renderer(*words, **more)
            for name in _OFTEN:
                call = getattr(renderer, name)
                if not hasattr(call, "__wrapped__"):
                    setattr(renderer, name, _heard(call))
            return renderer

    Canvas(figure)


def _heard(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def checked(*words: Any, **more: Any) -> Any:
        check_cancelled()
        return call(*words, **more)

    return checked
