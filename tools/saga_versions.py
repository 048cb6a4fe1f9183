"""Two SAGA versions on the same DEMs: how far the rasters of `terrainindices` differ between them.

python3 tools/saga_versions.py dems FOLDER      the DEMs: the Andes (../shared/data), and a rough one
python3 tools/saga_versions.py chain FOLDER     this machine's SAGA on the DEMs of FOLDER, by two ways:
                                                `terrainindices`, and SAGA's own TWI tool after the same chain
python3 tools/saga_versions.py compare A B      a line a raster: cells that differ, by how much, and where

`make saga-versions` does all of it, with Debian testing's SAGA as the second.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from osgeo import gdal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench_terrain import SLOPE_FLOOR, fractal_dem, saga_chain_in_one, values_of  # noqa: E402
from qgis_session import qgis_session  # noqa: E402
from real_cases import write_andes_dem  # noqa: E402
from smap_downscaler.geo.datasets import open_dataset  # noqa: E402
from smap_downscaler.steps.terrain.builtin import OUTPUT_BANDS  # noqa: E402
from smap_downscaler.steps.terrain.numbers.settings import ROUTERS  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
_ROUGH_CELLS = 4e5
_NODATA = -99999.0
#: Columns of `compare` and their widths.
COLUMNS = {"cells differ": 13, "of them level": 14, "largest": 11, "RMS": 11, "r": 11}
_COLUMNS = (
    f"{'raster':14s} {'cells differ':>12s} {'of them level':>13s} {'largest':>10s} {'RMS':>10s} {'r':>10s}"
)


def rough_dem(path: Path) -> None:
    """A fractal landscape with what filling finds hard: a plain, pits, whole metres, a lake of NoData."""
    fractal_dem(path, _ROUGH_CELLS, seed=7)
    dataset = gdal.Open(str(path), gdal.GA_Update)
    z = dataset.ReadAsArray()
    rng = np.random.default_rng(7)
    half = z.shape[1] // 2
    z[:, half:] = np.round(z[:, half:])
    z = np.maximum(z, np.quantile(z, 0.1))
    z[rng.random(z.shape) < 0.002] -= 40
    z[200:240, 300:350] = _NODATA
    z[:30, :30] = _NODATA
    dataset.GetRasterBand(1).SetNoDataValue(_NODATA)
    dataset.GetRasterBand(1).WriteArray(z)
    dataset.FlushCache()


def write_dems(folder: Path) -> None:
    """The DEMs, `NAME.tif` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rough_dem(folder / "rough.tif")
    if DATA.is_dir():
        write_andes_dem(DATA, folder / "andes.tif", whole=True)
    else:
        print(f"{DATA} is not there: no Andes DEM.")


def run_chains(folder: Path) -> None:
    """For each DEM a folder of its name: the rasters of `terrainindices`, and SAGA's own wetness indices."""
    program = shutil.which("saga_cmd")
    if program is None:
        sys.exit("saga_cmd is not on the PATH")
    dems = sorted(folder.glob("*.tif"))
    with tempfile.TemporaryDirectory() as profile, qgis_session(Path(profile)):
        import processing

        for dem in dems:
            made = folder / dem.stem
            made.mkdir(exist_ok=True)
            outputs = {key.upper(): str(made / f"{key}.tif") for key in OUTPUT_BANDS}
            parameters = {"INPUT": str(dem), "ENGINE": "SAGA", "SAGA_CMD": program, **outputs}
            processing.run("smapdownscaler:terrainindices", parameters)
            own_indices(dem, made)


def own_indices(dem: Path, folder: Path) -> None:
    """The wetness indices of SAGA's own tool after the same chain, `own_twi_ROUTER.tif`."""
    with tempfile.TemporaryDirectory() as place:
        grids = saga_chain_in_one(dem, Path(place))
        for router in ROUTERS:
            target = str(folder / f"own_twi_{router}.tif")
            gdal.Translate(target, grids[f"twi_{router}"], creationOptions=["COMPRESS=DEFLATE"])


def compare(first: Path, second: Path) -> None:
    """Print what `chain` made in two folders, one beside the other."""
    for dem in sorted(path for path in first.iterdir() if path.is_dir()):
        engines = [_engine(folder / dem.name / "filled.tif") for folder in (first, second)]
        slope = values_of(dem / "slope.tif")
        level = np.tan(np.radians(slope)) < SLOPE_FLOOR
        valid = np.isfinite(slope)
        print(
            f"\n{dem.name}: {engines[0]} and {engines[1]}, {valid.sum():,} valid cells, of which "
            f"{(level & valid).sum():,} level (tangent of the slope under {SLOPE_FLOOR:g})"
        )
        print(f"{'raster':14s}" + "".join(f"{title:>{width}s}" for title, width in COLUMNS.items()))
        for path in sorted(dem.glob("*.tif")):
            one, other = values_of(path), values_of(second / dem.name / path.name)
            print(f"{path.stem:14s}{_differences(one, other, level)}")


def _engine(path: Path) -> str:
    return str(open_dataset(str(path)).GetMetadata()["ENGINE"])


def _differences(one: np.ndarray, other: np.ndarray, level: np.ndarray) -> str:
    """Cells with other values (NaN equals NaN), how many of them are level, largest and RMS difference, r."""
    differ = ~((one == other) | (np.isnan(one) & np.isnan(other)))
    both = np.isfinite(one) & np.isfinite(other)
    change = (other - one)[both]
    r = np.corrcoef(one[both], other[both])[0, 1]
    texts = [f"{differ.sum():,}", f"{(differ & level).sum():,}", f"{np.abs(change).max():.3g}"]
    texts += [f"{np.sqrt(np.mean(change**2)):.3g}", f"{r:.6f}"]
    return "".join(f"{text:>{width}s}" for text, width in zip(texts, COLUMNS.values()))


def main(words: list[str]) -> None:
    """See the head of this file."""
    if words[:1] == ["dems"] and len(words) == 2:
        write_dems(Path(words[1]))
    elif words[:1] == ["chain"] and len(words) == 2:
        run_chains(Path(words[1]))
    elif words[:1] == ["compare"] and len(words) == 3:
        compare(Path(words[1]), Path(words[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
