"""Time of an archive of maps by the area-to-point model, and where it goes: training, maps, memory.

    sh tools/offscreen.sh python3 tools/bench_archive.py --dates 100 --pixels 2750000

The landscape is made up (`steps/skill`), SMAP has a swath of its own on each date.  As many dates as
`--trained` says are really trained, and `--dates` of them really mapped; what 2,000 would take is worked out
from them, and said to be so.  Lines that begin with "figure" are for tools/NUMBERS.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from turns import Took, in_turns, peak_mb, ratio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.storage import COMPRESSIONS, DATA_TYPES, DEFLATE, FLOAT32, Storage
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import Stack, open_stack
from smap_downscaler.steps.areamodel.training import SINGLE_DATES, TWO_LEVELS, AreaInputs, train_area_model
from smap_downscaler.steps.maps.bands import Extra
from smap_downscaler.steps.maps.dates import dates_to_map
from smap_downscaler.steps.maps.downscale import make_maps
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.skill.numbers.observation import swath
from smap_downscaler.steps.skill.scene import MadeUp, Scene

_FIRST, _APART, _NOISE = dt.date(2015, 4, 1), 1, 0.02


def dated_names(count: int) -> list[str]:
    """Of the dated covariates."""
    return [f"temperature_{number + 1}" for number in range(count)]


def make_files(folder: Path, scene: Scene, dates: int, dated: int = 0, seed: int = 1) -> None:
    """The stack, SMAP and dated covariates on its grid.

    SMAP is a pattern, one that goes with wetness, a smooth field a date, noise, a swath.
    """
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
        for name in dated_names(dated):
            smooth = gaussian_filter(rng.normal(size=scene.cells.shape), 2).astype(np.float32)
            path = folder / name / f"{name}_{_FIRST + dt.timedelta(_APART * number):%Y%m%d}.tif"
            write_geotiff(path, scene.cells, 15.0 + 50.0 * smooth, [Band(name, "degC")])
        wet = rng.normal()
        field = gaussian_filter(rng.normal(size=scene.cells.shape), 3)
        values = 0.25 + pattern + wet * (0.03 + 0.5 * more) + 0.02 * field / field.std()
        values += rng.normal(0, _NOISE, values.shape)
        values = np.where(swath(rng, values.shape), np.clip(values, 0.01, 0.6), np.nan)
        date = _FIRST + dt.timedelta(_APART * number)
        path = series / f"soil_moisture_{date:%Y%m%d}.tif"
        write_geotiff(path, scene.cells, values.astype(np.float32), [Band("soil_moisture", "m3 m-3")])


class Marks(Progress):
    """When each map was there: wall and processor seconds."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def log(self, text: str) -> None:
        if text.endswith(" written"):
            self.times.append(now())

    def a_date(self, skipped: int) -> Took:
        """Time of a map, without the first ones, which make what all share."""
        skipped = min(skipped, len(self.times) - 2)
        (wall, busy), (end, busy_end) = self.times[skipped], self.times[-1]
        count = len(self.times) - 1 - skipped
        return Took(end - wall, busy_end - busy).by(count)


def now() -> tuple[float, float]:
    """Wall and processor time, s."""
    return time.monotonic(), time.process_time()


class Mapping:
    """Maps of the first dates of a model, made anew each time."""

    def __init__(
        self,
        args: argparse.Namespace,
        model: Path,
        stack: Stack,
        dated: tuple[DatedCovariate, ...],
        folder: Path,
    ):
        self._args, self._model, self._stack, self._folder = args, model, stack, folder
        self._dated = dated

    def made(self, intervals: bool) -> tuple[Marks, int, float]:
        """When each map was there, how many there are, and megabytes a map."""
        shutil.rmtree(self._folder, ignore_errors=True)
        args, marks = self._args, Marks()
        storage = Storage(args.data_type, args.compression)
        maps = MapInputs(
            open_models(self._model), self._stack, self._dated, Extra(intervals), storage=storage
        )
        dates = dates_to_map(maps)[: args.dates]
        report = make_maps(maps, self._folder, dates, args.threads, args.memory, marks)
        size = sum(path.stat().st_size for path in report.files.values()) / len(dates) / 1e6
        return marks, len(dates), size

    def a_date(self, intervals: bool) -> Took:
        """Time of a date once all is there that they share."""
        return self.made(intervals)[0].a_date(1 + self._args.threads)


def options() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dates", type=int, default=100, help="mapped")
    parser.add_argument("--trained", type=int, help="dates of SMAP; else those that are mapped")
    parser.add_argument("--dated", type=int, default=0, help="covariates that differ by date")
    parser.add_argument("--levels", choices=("two", "single"), default="two")
    parser.add_argument("--pixels", type=int, default=2_750_000)
    parser.add_argument("--cells", type=int, default=36, help="SMAP cells a side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1200, help="MB, for maps")
    parser.add_argument("--data-type", choices=DATA_TYPES, default=FLOAT32)
    parser.add_argument("--compression", choices=COMPRESSIONS, default=DEFLATE)
    parser.add_argument("--intervals", action="store_true", help="and beside maps without them, in turns")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", help="files are kept there, a model too; else in a temporary one")
    return parser


def main(arguments: Sequence[str]) -> int:
    args = options().parse_args(arguments)
    folder = Path(args.folder or tempfile.mkdtemp())
    name = f"archive_{args.levels}"
    try:
        if not (folder / "stack.tif").is_file():
            side = args.cells * 9008.0
            scene = MadeUp(args.cells, side / math.sqrt(args.pixels), lakes=True, margin=0)(1, 1)
            make_files(folder, scene, args.trained or args.dates, args.dated)
        smap, stack = open_series(folder / "smap"), open_stack(folder / "stack.tif")
        dated = tuple(DatedCovariate(open_series(folder / name)) for name in dated_names(args.dated))
        model, levels = folder / f"{args.levels}.smapmodel", {"two": TWO_LEVELS, "single": SINGLE_DATES}
        trained = len(smap.dates)
        if not model.is_file():
            inputs, begun = AreaInputs(smap, stack, dated), now()
            train_area_model(inputs, AreaSettings(0.0), levels[args.levels], model, args.threads)
            wall, busy = (end - start for start, end in zip(begun, now()))
            print(f"figure {name}_training {wall:.1f} s wall, {busy:.1f} s processor, {trained} dates")
            print(f"figure {name}_training_memory {peak_mb():.0f} MB")
        work = Mapping(args, model, stack, dated, folder / "maps")
        begun, marks, dates, size = now()[0], *work.made(args.intervals)
        total, first = now()[0] - begun, marks.times[0][0] - begun
        each = marks.a_date(1 + args.threads)
        pixels = stack.grid.width * stack.grid.height
        print(f"figure {name}_first_map {first:.1f} s wall")
        told = f"{each.wall:.3f} s wall, {each.processor:.3f} s processor, {size:.1f} MB a map"
        print(f"figure {name}_a_date {told}")
        print(f"figure {name}_maps {total:.1f} s wall: {dates} dates of {pixels:,} pixels, all made")
        print(f"figure {name}_memory {peak_mb():.0f} MB")
        minutes = (first + 2000 * each.wall) / 60
        print(f"figure {name}_2000 {minutes:.1f} minutes of maps, EXTRAPOLATED from these dates")
        if args.intervals:
            ways = {"mean": lambda: work.a_date(False), "intervals": lambda: work.a_date(True)}
            found = in_turns(ways, args.rounds)
            ratio(f"{name}_intervals_to_mean", found["intervals"], found["mean"])
    finally:
        if not args.folder:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
