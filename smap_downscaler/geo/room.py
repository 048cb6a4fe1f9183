"""Room on disks: what is free, and what certainly finds none."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..base.errors import InputError
from ..base.words import counted
from .grid import Grid

#: How many times smaller a raster may get by packing, if almost all of it is missing.
_MOST_PACKED = 50


def free_bytes(path: str | Path) -> int | None:
    """What is free on the disk of a file or folder, which need not be there yet; None where nobody knows."""
    folder = Path(path).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def bytes_text(count: float) -> str:
    """`13 GB`, `5.2 MB`, `840 kB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:,.0f} {unit}" if count >= 9.95 * size else f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"


def check_room(path: str | Path, grid: Grid, rasters: int = 1, bytes_a_cell: int = 4) -> None:
    """Refuse rasters that find no room on the disk of `path`, even if hardly a cell of them has a value.

    `bytes_a_cell`: before they are packed.

    Raises
    ------
    InputError
    """
    free, need = free_bytes(path), grid.width * grid.height * rasters * bytes_a_cell
    if free is not None and need > _MOST_PACKED * free:
        raise InputError(
            f"{path}: {counted(rasters, 'raster')} of {grid.width:,} x {grid.height:,} cells would take "
            f"{bytes_text(need)} unpacked, and the disk has {bytes_text(free)} left; give a smaller extent "
            "or larger cells."
        )
