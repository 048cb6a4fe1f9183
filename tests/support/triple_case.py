"""Maps, a third series and readings at stations that see one truth, each with errors of its own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from small_case import CELLS
from smap_downscaler.geo.geotiff import Band, write_geotiff

DAYS = [dt.date(2021, 1, 1) + dt.timedelta(days=number) for number in range(130)]
STATIONS = {"A": (2, 3), "B": (5, 6)}
ERRORS = {"maps": 0.02, "third": 0.04}


def make_triple_case(folder: Path) -> dict[str, np.ndarray]:
    """Write `maps`, `third` and `stations.csv`; the arrays by name, shape (days, rows, columns)."""
    rng = np.random.default_rng(5)
    truth = 0.25 + 0.06 * rng.standard_normal((len(DAYS), *CELLS.shape))
    written = {
        name: (truth + e * rng.standard_normal(truth.shape)).astype(np.float32) for name, e in ERRORS.items()
    }
    lines = ["station,date,x,y,soil_moisture"]
    written["field"] = np.clip(truth + 0.03 * rng.standard_normal(truth.shape), 0, 1).round(6)
    for number, date in enumerate(DAYS):
        for name in ERRORS:
            bands = [Band("soil_moisture", "m3 m-3")]
            write_geotiff(folder / name / f"{name}_{date:%Y%m%d}.tif", CELLS, written[name][number], bands)
        for name, (row, col) in STATIONS.items():
            x, y = CELLS.x_centres()[col], CELLS.y_centres()[row]
            lines.append(f"{name},{date},{x},{y},{written['field'][number, row, col]:.6f}")
    lines.append(f"far,2021-01-01,{CELLS.left - 1e5},{CELLS.top},0.2")
    (folder / "stations.csv").write_text("\n".join(lines), encoding="utf-8")
    return written
