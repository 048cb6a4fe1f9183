"""Maps on one grid side by side, as a picture for a screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.map_frame import map_frame
from smap_downscaler.report.figure import save_pages
from smap_downscaler.steps.sheets.drawing import draw_page
from smap_downscaler.steps.sheets.maps import picture_of
from smap_downscaler.steps.sheets.page_layout import SheetPanel, sheet_pages

_MOST_PIXELS, _DPI = 900, 150


def draw_side_by_side(path: Path, title: str, maps: Mapping[str, np.ndarray], grid: Grid) -> None:
    """Draw maps by their titles, m3 m-3, all on `grid`."""
    pictures = {name: picture_of(values, grid, _MOST_PIXELS) for name, values in maps.items()}
    panels = [SheetPanel(name, picture.values, picture.bounds) for name, picture in pictures.items()]
    save_pages(path, map(draw_page, sheet_pages(title, map_frame(grid.bounds, grid.crs), panels)), _DPI)
