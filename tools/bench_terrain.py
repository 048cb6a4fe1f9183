"""Terrain indices: the built-in engine beside `saga_cmd`, and its time and memory from 1 to 10 million cells.

python3 tools/bench_terrain.py saga DEM.tif [ROUNDS]     wall and CPU time of both, in turn, each in one
                                                         process, and how well they agree
python3 tools/bench_terrain.py [sizes [MILLIONS ...]]    seconds, CPU time and peak memory a cell,
                                                         a process a size; then both in turn, where SAGA is
                                                         installed, on a made-up DEM of the first size
python3 tools/bench_terrain.py one DEM.tif FOLDER        one run of the built-in engine (used by `sizes`)
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.steps.terrain.builtin import OUTPUT_BANDS, compute_terrain
from smap_downscaler.steps.terrain.numbers.settings import ROUTERS, TerrainSettings
from turns import Took, peak_mb, ratio

#: SAGA's METHOD of each routing.
SAGA_METHODS = {"mtfd": "5", "fd8": "4", "mfdmd": "6"}
SLOPE_FLOOR = TerrainSettings().slope_floor
SIZES = (1.0, 2.5, 5.0, 10.0)


def saga(*words: str) -> None:
    """Run a tool of `saga_cmd`; CalledProcessError with its words where it fails."""
    subprocess.run(["saga_cmd", "-f=q", *words], check=True, capture_output=True)


#: How a tool of SAGA is run: library, number, parameters.
Run = Callable[..., object]


def saga_fill(dem: str | Path, folder: Path, minimum_slope: float, run: Run = saga) -> str:
    """SAGA's filled DEM, as the path of a grid in `folder`."""
    filled = str(folder / "filled.sgrd")
    run("ta_preprocessor", "4", "-ELEV", str(dem), "-FILLED", filled,
        "-FDIR", str(folder / "directions.sgrd"), "-WSHED", str(folder / "watersheds.sgrd"),
        "-MINSLOPE", str(minimum_slope))  # fmt: skip
    return filled


def saga_flow(filled: str, folder: Path, router: str, run: Run = saga) -> str:
    """SAGA's total catchment area, m2, by one routing."""
    flow = str(folder / f"flow_{router}.sgrd")
    run("ta_hydrology", "0", "-ELEVATION", filled, "-FLOW", flow, "-METHOD", SAGA_METHODS[router],
        "-CONVERGENCE", "1.1", "-MFD_CONTOUR", "0", "-FLOW_UNIT", "1")  # fmt: skip
    return flow


def saga_slope(filled: str, folder: Path, run: Run = saga) -> str:
    """SAGA's slope, radians."""
    slope = str(folder / "slope.sgrd")
    run("ta_morphometry", "0", "-ELEVATION", filled, "-SLOPE", slope, "-ASPECT", str(folder / "aspect.sgrd"),
        "-METHOD", "6", "-UNIT_SLOPE", "0")  # fmt: skip
    return slope


def saga_chain(dem: str | Path, folder: Path, minimum_slope: float = 0.1, run: Run = saga) -> dict[str, str]:
    """The whole chain with `saga_cmd`, a process a tool: paths of its grids by keys of the built-in one."""
    filled = saga_fill(dem, folder, minimum_slope, run)
    slope = saga_slope(filled, folder, run)
    grids = {"filled": filled, "slope": slope}
    for router in ROUTERS:
        flow = saga_flow(filled, folder, router, run)
        area, index = str(folder / f"sca_{router}.sgrd"), str(folder / f"twi_{router}.sgrd")
        run("ta_hydrology", "19", "-DEM", filled, "-TCA", flow, "-SCA", area,
            "-WIDTH", str(folder / "width.sgrd"), "-METHOD", "2")  # fmt: skip
        run("ta_hydrology", "20", "-SLOPE", slope, "-AREA", area, "-TWI", index, "-CONV", "0", "-METHOD", "0")
        grids.update({f"sca_{router}": area, f"twi_{router}": index})
    return {key: path.replace(".sgrd", ".sdat") for key, path in grids.items()}


def saga_chain_in_one(dem: str | Path, folder: Path, minimum_slope: float = 0.1) -> dict[str, str]:
    """The same grids by one process, which spares the second that SAGA takes to start."""
    lines: list[str] = []
    grids = saga_chain(dem, folder, minimum_slope, lambda *words: lines.append(shlex.join(words)))
    script = folder / "chain.txt"
    script.write_text("\n".join(lines) + "\n")
    saga(str(script))
    return grids


def values_of(path: str | Path) -> np.ndarray:
    """The first band, NaN where missing."""
    return read_band(open_dataset(str(path)), 1, dtype=np.float64)


def saga_wetness(grids: dict[str, str], router: str) -> np.ndarray:
    """SAGA's wetness index with its slope floored as here: version 8.5 does so, 9.14 goes down to 1e-7."""
    index, area = values_of(grids[f"twi_{router}"]), values_of(grids[f"sca_{router}"])
    flat = np.tan(values_of(grids["slope"])) < SLOPE_FLOOR
    index[flat] = np.log(area[flat] / SLOPE_FLOOR)
    return index


def built_in(dem: str | Path, folder: Path, progress: Progress = SILENT) -> None:
    """The built-in engine with all its outputs."""
    outputs = {key: str(folder / f"{key}.tif") for key in OUTPUT_BANDS}
    compute_terrain(str(dem), outputs, TerrainSettings(), progress)


def fractal_dem(path: Path, cells: float, seed: int = 1) -> None:
    """A rough landscape of about `cells` cells at 90 m, with sinks (spectral synthesis, exponent 2)."""
    side = round(cells**0.5)
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) / frequency**2
    z = np.fft.irfft2(spectrum, s=(side, side))
    z = (z - z.min()) / (z.max() - z.min()) * 3000.0
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32718)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), side, side, 1, gdal.GDT_Float32)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform([300000.0, 90.0, 0.0, 8700000.0, 0.0, -90.0])
    dataset.GetRasterBand(1).WriteArray(z.astype(np.float32))


def compare(dem: str, rounds: int) -> None:
    """Both engines in turn, SAGA first."""
    if shutil.which("saga_cmd") is None:
        sys.exit("saga_cmd is not on the PATH")
    wall, cpu = {"saga_cmd": 0.0, "built-in": 0.0}, {"saga_cmd": 0.0, "built-in": 0.0}
    for _ in range(rounds):
        for name, run in (("saga_cmd", saga_chain_in_one), ("built-in", built_in)):
            with tempfile.TemporaryDirectory() as folder:
                begun, used = time.perf_counter(), _cpu()
                run(dem, Path(folder))
                seconds, used = time.perf_counter() - begun, _cpu() - used
            wall[name] += seconds
            cpu[name] += used
            print(f"{name:9s} {seconds:7.2f} s wall {used:7.2f} s CPU", flush=True)
    ours, theirs = (Took(wall[name], cpu[name]) for name in ("built-in", "saga_cmd"))
    ratio("terrain_to_saga", ours, theirs)
    agree(dem)


def _cpu() -> float:
    """Seconds of processor time of this process and of those that it has run, system time included."""
    return sum(os.times()[:4])


def agree(dem: str) -> None:
    """How far the filled DEMs of both engines differ, and how well their wetness indices correlate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grids = saga_chain_in_one(dem, folder)
        built_in(dem, folder)
        filled = values_of(folder / "filled.tif")
        valid = ~np.isnan(filled)
        differ = filled[valid] != values_of(grids["filled"])[valid]
        print(f"filled: {differ.sum():,} of {differ.size:,} cells differ")
        for router in ROUTERS:
            own, other = values_of(folder / f"twi_{router}.tif")[valid], saga_wetness(grids, router)[valid]
            print(f"TWI {router:6s} r = {np.corrcoef(own, other)[0, 1]:.6f}")


def sizes(millions: list[float]) -> None:
    """A process a size, so that each has its own peak."""
    for size in millions:
        with tempfile.TemporaryDirectory() as folder:
            dem = Path(folder) / "dem.tif"
            fractal_dem(dem, size * 1e6)
            done = subprocess.run(
                [sys.executable, __file__, "one", str(dem), folder],
                check=True,
                capture_output=True,
                text=True,
            )
            print(done.stdout.strip(), flush=True)


class _Gaps(Progress):
    """Notes the longest time between two looks at the user's wish to stop."""

    def __init__(self) -> None:
        self.last, self.longest = time.perf_counter(), 0.0

    def is_cancelled(self) -> bool:
        now = time.perf_counter()
        self.longest, self.last = max(self.longest, now - self.last), now
        return False


def one(dem: str, folder: str) -> None:
    """One run, with its peak over what the interpreter itself took."""
    before, gaps = peak_mb(), _Gaps()
    begun, used = time.perf_counter(), _cpu()
    built_in(dem, Path(folder), gaps)
    seconds, used = time.perf_counter() - begun, _cpu() - used
    most = (peak_mb() - before) * 2**20
    dataset = gdal.Open(dem)
    cells = dataset.RasterXSize * dataset.RasterYSize
    print(
        f"{cells / 1e6:6.2f} M cells {seconds:7.2f} s wall {used / cells * 1e6:6.2f} us CPU a cell "
        f"{most / cells:6.0f} bytes a cell, cancel seen within {gaps.longest:.2f} s"
    )


def main(words: list[str]) -> None:
    """See the head of this file."""
    if words[:1] == ["saga"] and len(words) in (2, 3):
        compare(words[1], int(words[2]) if len(words) == 3 else 2)
    elif words[:1] in ([], ["sizes"]):
        millions = [float(word) for word in words[1:]] or list(SIZES)
        sizes(millions)
        if shutil.which("saga_cmd") is None:
            print("saga_cmd is not installed: nothing is compared with it")
            return
        with tempfile.TemporaryDirectory() as folder:
            fractal_dem(Path(folder) / "dem.tif", millions[0] * 1e6)
            compare(str(Path(folder) / "dem.tif"), 2 if millions[0] >= 1 else 1)
    elif words[:1] == ["one"] and len(words) == 3:
        one(words[1], words[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
