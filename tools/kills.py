"""Kills each long step at random moments, runs it anew, and compares with a run that was left alone.

python tools/kills.py [--kills N] [--seed N] [--folder FOLDER] [STEP ...]

A step runs in a QGIS of its own and is killed as the system does it when memory is short.  Then every file
that has its final name must be whole, and what was there before must be there still.  The step is run again
in the same folder, and all files must be those of the run that was left alone, with nothing else beside them.
Steps with the area-to-point model run on `tests/support/small_area_case.py`, which has cells enough for one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import re
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from child_runs import CRASH, HANG, KILLED, OK, Child
from small_area_case import CELLS, NAMES, cell_means, make_area_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff

FOREST = {"PRESET": "custom", "N_ESTIMATORS": 10, "SEED": 3, "THREADS": 2}
_DEMO = "createdemodata"
_AREA_FOLDER = "area"
_RAIN = {"DYNAMIC": ["{area}/rain"], "WINDOW": 3}
_AREA = {"SMAP": "{area}/smap", "COVARIATES": "{area}/fine.tif", **_RAIN}
#: The steps in the order of the work.  `{data}` is the made-up basin, `{area}` the case for area-to-point
#: models, `{out}` the step's own folder, and `{NAME}` the folder of a step before.
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    _DEMO: ("createdemodata", {"CELLS": 30, "DAYS": 8, "SEED": 5, "OUTPUT": "{out}/data"}),
    "importsmap": ("importsmap", {"INPUT": "{data}/smap", "OUTPUT": "{out}/smap"}),
    "terrainindices": (
        "terrainindices",
        {
            "INPUT": "{data}/dem.tif",
            "ENGINE": "built-in",
            "SLOPE": "{out}/slope.tif",
            "TWI_MTFD": "{out}/twi.tif",
            "FILLED": "{out}/filled.tif",
            "REPORT": "{out}/report.html",
        },
    ),
    "harmonisecovariates": (
        "harmonisecovariates",
        {
            "INPUT": [
                "{data}/dem.tif",
                "{data}/soil/clay.tif",
                "{data}/soil/sand.tif",
                "{terrainindices}/twi.tif",
            ],
            "NAMES": "elevation,clay,sand,twi",
            "SMAP": "{importsmap}/smap",
            "MASK": "{data}/mask.tif",
            "RESOLUTION": 400,
            "OUTPUT_COARSE": "{out}/coarse.tif",
            "OUTPUT_FINE": "{out}/fine.tif",
        },
    ),
    "antecedentprecipitation": (
        "antecedentprecipitation",
        {"INPUT": "{data}/precipitation", "OUTPUT": "{out}/p_antecedent"},
    ),
    "regressionmatrix": (
        "regressionmatrix",
        {
            "SMAP": "{importsmap}/smap",
            "COVARIATES": "{harmonisecovariates}/coarse.tif",
            "DYNAMIC": ["{antecedentprecipitation}/p_antecedent"],
            "OUTPUT": "{out}/matrix.gpkg",
            "DATES": "{out}/dates.csv",
        },
    ),
    "trainforests": (
        "trainforests",
        {
            "INPUT": "{regressionmatrix}/matrix.gpkg",
            **FOREST,
            "OUTPUT": "{out}/forests.smapforest",
            "SCORES": "{out}/scores.gpkg",
            "REPORT": "{out}/report.html",
        },
    ),
    "crossvalidate": (
        "crossvalidate",
        {
            "INPUT": "{regressionmatrix}/matrix.gpkg",
            **FOREST,
            "FOLDS": 3,
            "BLOCKS": 36,
            "OUTPUT": "{out}/scores.gpkg",
            "SUMMARY": "{out}/summary.csv",
        },
    ),
    "downscale": (
        "downscale",
        {
            "FORESTS": "{trainforests}/forests.smapforest",
            "COVARIATES": "{harmonisecovariates}/fine.tif",
            "DYNAMIC": ["{antecedentprecipitation}/p_antecedent"],
            "OUTPUT": "{out}/maps",
        },
    ),
    "comparemaps": (
        "comparemaps",
        {
            "INPUT": "{downscale}/maps",
            "REFERENCE": "{data}/truth",
            "SMAP": "{importsmap}/smap",
            "OUTPUT": "{out}/scores.gpkg",
            "REPORT": "{out}/report.html",
        },
    ),
    "trainbycell": (
        "trainforests",
        {
            "INPUT": "{regressionmatrix}/matrix.gpkg",
            "MODE": "by cell",
            "MINIMUM_DATES": 5,
            **FOREST,
            "OUTPUT": "{out}/cells.smapforest",
        },
    ),
    "fillgaps": (
        "fillgaps",
        {
            "SMAP": "{importsmap}/smap",
            "FORESTS": "{trainbycell}/cells.smapforest",
            "DYNAMIC": ["{antecedentprecipitation}/p_antecedent"],
            "THREADS": 2,
            "OUTPUT": "{out}/filled",
            "DAYS": "{out}/days.gpkg",
        },
    ),
    "mapsheet": (
        "mapsheet",
        {"SERIES": "{downscale}/maps", "OUTPUT": "{out}/sheet.pdf", "LAYOUT": "{out}/sheet.qpt"},
    ),
    "samplesquares": (
        "samplesquares",
        {"COVARIATES": "{harmonisecovariates}/fine.tif", "COUNT": 40, "OUTPUT": "{out}/squares.shp"},
    ),
    "moisturestatistics": (
        "moisturestatistics",
        {
            "INPUT": "{samplesquares}/squares.shp",
            "SERIES": ["{downscale}/maps"],
            "COVARIATES": "{harmonisecovariates}/fine.tif",
            "OUTPUT": "{out}/statistics.gpkg",
            "TABLE": "{out}/table.csv",
            "SUMMARY": "{out}/summary.gpkg",
            "REPORT": "{out}/report.html",
        },
    ),
    "principalcomponents": (
        "principalcomponents",
        {
            "INPUT": "{moisturestatistics}/statistics.gpkg",
            "FIELDS": ["mu_sm", "sd_sm", "mu_elevation", "mu_clay"],
            "OUTPUT": "{out}/scores.csv",
            "LOADINGS": "{out}/loadings.csv",
            "REPORT": "{out}/report.html",
        },
    ),
    "fieldvalidation": (
        "fieldvalidation",
        {
            "SERIES": "{downscale}/maps",
            "STATIONS": "{data}/stations.csv",
            "CRS": "EPSG:32719",
            "OUTPUT": "{out}/scores.gpkg",
            "REPORT": "{out}/report.html",
        },
    ),
    "trainareamodel": (
        "trainareamodel",
        {
            **_AREA,
            "OUTPUT": "{out}/levels.smapmodel",
            "SCORES": "{out}/scores.gpkg",
            "TERMS_TABLE": "{out}/terms.gpkg",
            "REPORT": "{out}/report.html",
        },
    ),
    "trainareabydate": (
        "trainareamodel",
        {
            **_AREA,
            "LEVELS": "single dates",
            "FOOTPRINT": "0",
            "OUTPUT": "{out}/dates.smapmodel",
            "SCORES": "{out}/scores.gpkg",
        },
    ),
    "crossvalidatearea": (
        "crossvalidate",
        {
            **_AREA,
            "METHOD": "area-to-point model",
            "FOOTPRINT": "0",
            "FOLDS": 3,
            "BLOCKS": 36,
            "OUTPUT": "{out}/scores.gpkg",
            "SUMMARY": "{out}/summary.csv",
            "REPORT": "{out}/report.html",
        },
    ),
    "downscalearea": (
        "downscale",
        {
            "FORESTS": "{trainareamodel}/levels.smapmodel",
            "COVARIATES": "{area}/fine.tif",
            **_RAIN,
            "EVERY_DAY": True,
            "INTERVALS": True,
            "APPLICABILITY": True,
            "OUTPUT": "{out}/maps",
            "SERIES": "{out}/maps.vrt",
            "DATES": "{out}/dates.csv",
            "REPORT": "{out}/report.html",
        },
    ),
    "mapeveryday": (
        "mapeveryday",
        {
            "SMAP": "{area}/smap",
            "COVARIATES": ["{area}/fine.tif"],
            "PRECIPITATION": "{area}/daily",
            "RESOLUTION": 1500,
            "FOOTPRINT": "0",
            "maps": "{out}/maps",
            "series": "{out}/maps.vrt",
            "dates": "{out}/dates.csv",
            "model": "{out}/levels.smapmodel",
            "scores": "{out}/scores.gpkg",
        },
    ),
    "downscaleexact": (
        "downscale",
        {
            "FORESTS": "{trainareabydate}/dates.smapmodel",
            "COVARIATES": "{area}/fine.tif",
            **_RAIN,
            "SMAP": "{area}/smap",
            "CONSISTENCY": "exact",
            "INTERVALS": True,
            "OUTPUT": "{out}/maps",
        },
    ),
    "areamatrix": (
        "regressionmatrix",
        {"SMAP": "{area}/smap", "COVARIATES": "{area}/coarse.tif", "OUTPUT": "{out}/matrix.gpkg"},
    ),
    "areaforests": (
        "trainforests",
        {"INPUT": "{areamatrix}/matrix.gpkg", **FOREST, "OUTPUT": "{out}/forests.smapforest"},
    ),
    "downscaleresidual": (
        "downscale",
        {
            "FORESTS": "{areaforests}/forests.smapforest",
            "COVARIATES": "{area}/fine.tif",
            "SMAP": "{area}/smap",
            "RESIDUAL": True,
            "INTERVALS": True,
            "OUTPUT": "{out}/maps",
            "REPORT": "{out}/report.html",
        },
    ),
    "skillexperiment": (
        "skillexperiment",
        {
            "TRUTHS": ["mild"],
            "SHARES": "0.4",
            "FOOTPRINT": "0, 20",
            "DATES": "1, 6",
            "CELLS": 12,
            "PIXEL": 1500,
            "MAPPED": 1,
            "OUTPUT": "{out}/skill.csv",
            "MAPS": "{out}/maps.csv",
            "REPORT": "{out}/report.html",
        },
    ),
}
_PLACE = re.compile(r"\{(\w+)\}")
#: A run that takes more than this many times what it took alone, and more than so many seconds, hangs.
_TIMES, _LEAST = 20, 120.0
#: How long a run may take in which what random kills are compared with is made.
_ALONE = 900.0
#: What must not happen: the last one is a run that does not go on after a kill.
_KINDS = ("partial files", "silently other results", "hangs", "crashes", "refused")
#: How reports tell which results were kept, and rows of tables of their numbers that tell it.
_KEPT = re.compile(rb"\d+ new, \d+ kept from an earlier run")
_KEPT_ROW = re.compile(rb"[^\n]*\d+ new, \d+ kept from an earlier run[^\n]*")
#: A file that says itself that the others are not finished.
_BEGUN = "README.txt"


@dataclass(frozen=True)
class Alone:
    """What a step leaves if it is left alone: folder, and seconds in a process of its own."""

    folder: Path
    seconds: float


class Kills:
    """Runs of steps in folders below `folder`."""

    def __init__(self, folder: Path, seed: int):
        self._folder, self._seed = folder, seed
        self._alone: dict[str, Alone] = {}
        self._children, self._moment = 0, 0.0
        self._has_area = False
        #: Runs nothing; those that are killed are copies of it.
        self._first = self.new_child()
        self._again = self._first
        self.counts: Counter[str] = Counter()

    def new_child(self) -> Child:
        """A process with a folder of its own."""
        return Child(self._new_folder())

    def _new_folder(self) -> Path:
        self._children += 1
        return self._folder / "processes" / str(self._children)

    def alone(self, step: str) -> Alone:
        """What the step leaves if it is left alone; made once, after what it needs."""
        if step not in self._alone:
            for needed in needs(step):
                self.alone(needed)
            if "{area}" in repr(STEPS[step][1]) and not self._has_area:
                make_area(self._folder / "out" / _AREA_FOLDER)
                self._has_area = True
            out = self.out(step)
            # A new process, which loads what it needs as one that is killed does.
            if self._again is not self._first:
                self._again.kill()
            self._again = self._first.fork(self._new_folder())
            ended = self._again.run(*self.call(step), seconds=_ALONE)
            if ended.kind != OK:
                sys.exit(f"{step} does not run: {ended.kind} {ended.told}")
            kept = self._folder / "alone" / step
            shutil.copytree(out, kept)
            self._alone[step] = Alone(kept, ended.seconds)
        return self._alone[step]

    def close(self) -> None:
        """End the processes that go on from run to run."""
        for child in (self._again, self._first):
            child.kill()

    def kill(self, step: str, count: int) -> None:
        """Kill a step `count` times, each time at another moment, and run it again."""
        alone, moments = self.alone(step), random.Random(f"{self._seed} {step}")
        limit, done = max(_LEAST, _TIMES * alone.seconds), 0
        # A run that is at its end before its moment does not count.
        for turn in range(3 * count):
            over, out = turn % 3 == 2, self.out(step)
            if over:
                shutil.copytree(alone.folder, out, dirs_exist_ok=True)
            self._moment = moments.uniform(0.0, alone.seconds)
            with self._first.fork(self._new_folder()) as victim:
                ended = victim.run(*self.call(step), kill_after=self._moment)
            done += ended.kind == KILLED
            if ended.kind == KILLED:
                self._check_killed(step, out, alone, over)
                ended = self._again.run(*self.call(step), seconds=limit)
            if ended.kind == OK:
                self._check_again(step, out, alone)
            else:
                kind = {HANG: "hangs", CRASH: "crashes"}.get(ended.kind, "refused")
                self._note(kind, step, ended.told)
            if done == count:
                break
        self.counts["kills"] += done
        self.restore(step)

    def restore(self, step: str) -> None:
        """Put back what the step leaves if it is left alone: others read it."""
        shutil.copytree(self.alone(step).folder, self.out(step), dirs_exist_ok=True)

    def whole_so_far(self, step: str) -> None:
        """Note what a run that was stopped left: whole files under their names, and nothing else."""
        alone, out = self.alone(step), self._folder / "out" / step
        self._check_killed(step, out, alone, over=False)
        for name in files(out):
            if ".part" in name:
                self._note("partial files", step, f"{name} is left over")

    def _check_killed(self, step: str, out: Path, alone: Alone, over: bool) -> None:
        """What has its final name is whole; what was there before is there still."""
        found, whole = files(out), files(alone.folder)
        for name, path in found.items():
            named = Path(name)
            passed_over = named.name == _BEGUN or any(part.startswith(".") for part in named.parts)
            if not (passed_over or (name in whole and same(path, whole[name]))):
                self._note("partial files", step, name)
        for name in whole.keys() - found.keys() if over else ():
            self._note("partial files", step, f"{name} is gone")

    def _check_again(self, step: str, out: Path, alone: Alone) -> None:
        """All files are there, as they would be without a kill, and no others."""
        found, whole = files(out), files(alone.folder)
        for name in sorted(found.keys() - whole.keys()):
            self._note("partial files", step, f"{name} is left over")
        for name, path in whole.items():
            if name not in found or not same(found[name], path):
                self._note("silently other results", step, name)

    def _note(self, kind: str, step: str, what: str) -> None:
        self.counts[kind] += 1
        print(f"  {kind}: {step}, killed after {self._moment:.2f} s: {what}", flush=True)

    def out(self, step: str) -> Path:
        """The folder of a step, empty."""
        out = self._folder / "out" / step
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        return out

    def call(self, step: str) -> tuple[str, dict[str, Any]]:
        """Id and parameters of a step."""
        algorithm, parameters = STEPS[step]
        places = {name: str(self._folder / "out" / name) for name in STEPS}
        places |= {"out": places[step], "data": str(self._folder / "out" / _DEMO / "data")}
        places["area"] = str(self._folder / "out" / _AREA_FOLDER)
        return algorithm, {name: _filled(value, places) for name, value in parameters.items()}


def make_area(folder: Path) -> None:
    """The case for area-to-point models, its stack on SMAP's cells, and rain of each day."""
    case = make_area_case(folder, with_rain=True)
    generator = np.random.default_rng(5)
    for number in range(-3, (case.dates[-1] - case.dates[0]).days + 1):
        rain = generator.gamma(0.7, 4.0, CELLS.shape)
        date = case.dates[0] + dt.timedelta(number)
        write_geotiff(folder / "daily" / f"rain_{date:%Y%m%d}.tif", CELLS, rain, [Band("rain", "mm/d")])
    fine = open_dataset(str(folder / "fine.tif"))
    means = np.stack([cell_means(read_band(fine, number)) for number in range(1, len(NAMES) + 1)])
    write_geotiff(folder / "coarse.tif", CELLS, means, [Band(name) for name in NAMES])


def _filled(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, places) for item in value]
    return value.format(**places) if isinstance(value, str) else value


def needs(step: str) -> list[str]:
    """The steps whose results a step reads, in the order of the work."""
    named = set(_PLACE.findall(repr(STEPS[step][1])))
    if "data" in named:
        named.add(_DEMO)
    return [name for name in STEPS if name in named]


def files(folder: Path) -> dict[str, Path]:
    """All files below a folder, hidden ones too, by their names from there."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def same(first: Path, second: Path) -> bool:
    """Whether two files say the same: tables of databases by their rows, all else by the bytes.

    Which results were kept from the run that was killed is told by tables and is no difference.
    """
    said = [_said(path) for path in (first, second)]
    return said[0] == said[1]


def _said(path: Path) -> bytes:
    if path.suffix in (".qml", ".qpt"):
        # QGIS puts ids and colours into them that are other ones each time.
        try:
            return repr([element.tag for element in ElementTree.parse(path).iter()]).encode()
        except ElementTree.ParseError as error:
            return str(error).encode()
    said = repr(tables(path)).encode() if path.suffix == ".gpkg" else path.read_bytes()
    if path.suffix in (".gpkg", ".csv", ".html"):
        said = (_KEPT_ROW if path.suffix == ".csv" else _KEPT).sub(b"", said)
        return said.replace(b"kept from an earlier run", b"").replace(b"kept", b"written")
    return said


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]] | str:
    """All rows of all tables that are not the database's own; the reason where they cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return "damaged"
            names = [name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")]
            return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    except sqlite3.Error as error:
        return str(error)


def summary(counts: Mapping[str, int], steps: int) -> str:
    """The counts in one line."""
    found = ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in _KINDS)
    return f"{counts.get('kills', 0)} random kills of {steps} steps: {found}"


def chosen_of(words: Sequence[str] | None, what: str, count: int, about: str) -> argparse.Namespace:
    """`count` of `what` for each step, seed, folder and steps, as a command line gives them or by default."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(f"--{what}", dest="count", type=int, default=count, help="of each step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where all is made, and left; else it is removed at the end")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS))
    chosen = parser.parse_args(words)
    unknown = [step for step in chosen.steps if step not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]}; choose from {', '.join(STEPS)}")
    chosen.steps = chosen.steps or list(STEPS)
    return chosen


def main(words: Sequence[str] | None = None) -> int:
    chosen = chosen_of(words, "kills", 50, __doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        kills = Kills(Path(chosen.folder or temporary).absolute(), chosen.seed)
        for step in chosen.steps:
            alone = kills.alone(step)
            print(f"{step}: {alone.seconds:.1f} s alone, {chosen.count} kills", flush=True)
            kills.kill(step, chosen.count)
        kills.close()
    print(summary(kills.counts, len(chosen.steps)), flush=True)
    return 1 if any(kills.counts[kind] for kind in _KINDS) else 0


if __name__ == "__main__":
    sys.exit(main())
