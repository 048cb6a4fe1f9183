"""Time of an archive of maps by the area-to-point model, and where it goes: training, maps, memory.

    sh tools/offscreen.sh python3 tools/bench_archive.py --dates 100 --pixels 2750000

The landscape is made up (`steps/skill`), SMAP has a swath of its own on each date.  All dates are really
trained and mapped; what 2,000 dates would take is worked out from them, and said to be so.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.areamodel.training import AreaInputs, train_area_model
from smap_downscaler.steps.maps.dates import dates_to_map
from smap_downscaler.steps.maps.downscale import make_maps
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.skill.numbers.observation import swath
from smap_downscaler.steps.skill.scene import MadeUp, Scene

_FIRST, _APART, _NOISE = dt.date(2015, 4, 1), 2, 0.02


def make_files(folder: Path, scene: Scene, dates: int, seed: int = 1) -> None:
    """The stack, and SMAP: a pattern, one that goes with wetness, a smooth field a date, noise, a swath."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    bands = [Band(name) for name in scene.names]
    write_geotiff(folder / "stack.tif", scene.grid, scene.x, bands)
    z = (scene.x - np.nanmean(scene.x, axis=(1, 2))[:, None, None]) / np.nanstd(scene.x, axis=(1, 2))[
        :, None, None
    ]
    pattern, more = (
        scene.landing.means(np.nan_to_num(np.tensordot(rng.normal(0, 0.02, len(z)), z, axes=1)))
        for _ in range(2)
    )
    series = folder / "smap"
    for number in range(dates):
        wet = rng.normal()
        field = gaussian_filter(rng.normal(size=scene.cells.shape), 3)
        values = 0.25 + pattern + wet * (0.03 + 0.5 * more) + 0.02 * field / field.std()
        values += rng.normal(0, _NOISE, values.shape)
        values = np.where(swath(rng, values.shape), np.clip(values, 0.01, 0.6), np.nan)
        date = _FIRST + dt.timedelta(_APART * number)
        path = series / f"soil_moisture_{date:%Y%m%d}.tif"
        write_geotiff(path, scene.cells, values.astype(np.float32), [Band("soil_moisture", "m3 m-3")])


def options() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dates", type=int, default=100)
    parser.add_argument("--pixels", type=int, default=2_750_000)
    parser.add_argument("--cells", type=int, default=36, help="SMAP cells a side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1024, help="MB, for maps")
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--folder", help="kept; else a temporary one")
    return parser


def main(arguments: Sequence[str]) -> int:
    args = options().parse_args(arguments)
    folder = Path(args.folder or tempfile.mkdtemp())
    try:
        if not (folder / "stack.tif").is_file():
            side = args.cells * 9008.0
            scene = MadeUp(args.cells, side / math.sqrt(args.pixels), lakes=True, margin=0)(1, 1)
            make_files(folder, scene, args.dates)
        shutil.rmtree(folder / "maps", ignore_errors=True)
        smap, stack = open_series(folder / "smap"), open_stack(folder / "stack.tif")
        inputs = AreaInputs(smap, stack)
        begun = time.monotonic(), time.process_time()
        if not args.profile or not (folder / "m.smapmodel").is_file():
            train_area_model(inputs, AreaSettings(0.0), "two levels", folder / "m.smapmodel", args.threads)
        trained = time.monotonic(), time.process_time()
        models = open_models(folder / "m.smapmodel")
        maps = MapInputs(models, stack)
        dates = dates_to_map(maps)
        if args.profile:
            import cProfile
            import pstats

            profile = cProfile.Profile()
            profile.runcall(make_maps, maps, folder / "maps", dates, 1, args.memory)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        else:
            make_maps(maps, folder / "maps", dates, args.threads, args.memory)
        ended = time.monotonic(), time.process_time()
        count = len(dates)
        for name, one, other in (("training", begun, trained), ("maps", trained, ended)):
            wall, busy = other[0] - one[0], other[1] - one[1]
            print(f"{name}: {wall:.1f} s wall, {busy:.1f} s processor, {busy / count:.3f} s a date")
        pixels = stack.grid.width * stack.grid.height
        total = (ended[0] - begun[0]) / count * 2000 / 60
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{count} dates of {pixels:,} pixels; at this rate 2,000 take {total:.1f} minutes; {most:.0f} MB"
        )
    finally:
        if not args.folder:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
