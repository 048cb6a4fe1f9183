"""Skill experiments, sections of tools/NUMBERS.md: known truth, and one scale up on the real granule.

A section that was stopped goes on where it was (`build/skill`), as long as version and settings are the same.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from numbers_crossvalidation import Told
from real_cases import australian_stack, bungo_layers
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import EASE2_CELLS, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.methods.area import windows
from smap_downscaler.runs.journal import Journal
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.demo.numbers.basin import make_basin
from smap_downscaler.steps.demo.numbers.settings import DemoSettings
from smap_downscaler.steps.gaps.daily_cube import read_cube
from smap_downscaler.steps.skill.contenders import (
    BILINEAR,
    CEILING,
    KRIGING,
    LINEAR_RESIDUAL,
    PAPER_FOREST,
    PAPER_RESIDUAL,
    SINGLE,
    TWO_LEVELS,
)
from smap_downscaler.steps.skill.from_files import cells_over
from smap_downscaler.steps.skill.known_truth import KnownTruth, SceneOf, run_known_truth
from smap_downscaler.steps.skill.numbers import landscape
from smap_downscaler.steps.skill.numbers.scores import CaseScore, MapScore, cases_of
from smap_downscaler.steps.skill.numbers.truths import FLIP, MILD, MIRRORED, STRONG
from smap_downscaler.steps.skill.scale_up import Coarse, ScaleUp, run_scale_up
from smap_downscaler.steps.skill.scene import Landing, MadeUp, Scene, days_of

WORK = Path(__file__).resolve().parents[1] / "build" / "skill"
#: Drawn after the model was frozen.
SEEDS = (1007, 1008, 1009, 1010, 1011)
GRANULE = "SMAP_L3_SM_P_20150402_R13080_001.h5"
#: Variables of the granule that are no map of soil moisture; the first two were inputs of its retrieval.
_OF_GRANULE = {
    "vegetation_water_content": "vegetation water content",
    "surface_temperature": "surface temperature",
    "albedo": "albedo",
    "roughness_coefficient": "roughness",
    "static_water_body_fraction": "water",
}
#: North and south of these latitudes soils are frozen for a part of the year.
_MOST_LATITUDE = 60.0
_KINDS = (MILD, FLIP, STRONG)
#: The parts of `skill_bars` that models are measured by, and the method of each.
_OF_TWO_LEVELS, _OF_ONE_DATE = (
    "Two levels, 12 dates, footprint and noise estimated",
    "One date, footprint and noise given",
)
_MEASURED = {_OF_TWO_LEVELS: TWO_LEVELS, _OF_ONE_DATE: SINGLE}
#: Layers of the made-up landscape for real cells elsewhere.
_KNOW_NOTHING = ("clay", "elevation")
#: Dates of the enhanced product.
_DATES = 12
_BASELINES = (LINEAR_RESIDUAL, PAPER_FOREST, PAPER_RESIDUAL)


def skill_bars(_data: Path, _folder: Path, seeds: Sequence[int] = SEEDS) -> list[str]:
    """The bars of the area-to-point model, on made-up covariates: an hour and a half."""
    lines = [
        "## Known truth: made-up covariates",
        "",
        "36 x 36 SMAP cells at 15 degrees south, pixels of 1 km in UTM, lakes, a swath a date; kinds mild, "
        "flip and strong, shares .2, .4 and .6, footprints of 0 and 33 km, "
        f"{_seeds(seeds)}. Of several dates the driest, the wettest and a middling one are scored.",
    ]
    return lines + _parts(bars(seeds))


def skill_beside(_data: Path, _folder: Path, seeds: Sequence[int] = SEEDS) -> list[str]:
    """The same beside other methods, with more dates, fewer cells, other covariates: an hour and a half."""
    lines = [
        "## Known truth: other methods, dates, cells and covariates",
        "",
        f"As above (18 x 18 cells where said; the forests', the ceiling's, 36 dates' and the rain's parts: "
        f"{_seeds(seeds[:1])}, share .4).",
    ]
    return lines + _parts(_beside(seeds))


def _parts(parts: dict[str, tuple[MadeUp, KnownTruth, Sequence[int]]]) -> list[str]:
    lines = []
    for title, (made, settings, own) in parts.items():
        lines += ["", f"### {title}", "", *_known(title, made, settings, own)]
    return lines


_TWO_LEVELS = KnownTruth(_KINDS, footprints=(0, 33), methods=(KRIGING, TWO_LEVELS))


def bars(seeds: Sequence[int] = SEEDS) -> dict[str, tuple[MadeUp, KnownTruth, Sequence[int]]]:
    """The parts of `skill_bars`: their landscapes, settings and seeds."""
    one_date = replace(_TWO_LEVELS, dates=(1,), methods=(KRIGING, SINGLE))
    return {_OF_TWO_LEVELS: (MadeUp(), _TWO_LEVELS, seeds), _OF_ONE_DATE: (MadeUp(), one_date, seeds)}


def _beside(seeds: Sequence[int]) -> dict[str, tuple[MadeUp, KnownTruth, Sequence[int]]]:
    """The parts of `skill_beside`."""
    scenes, few = MadeUp(), seeds[:1]
    return {
        "12 dates, beside the paper's forests, least squares, and a forest that saw the truth": (
            scenes,
            replace(_TWO_LEVELS, shares=(0.4,), methods=(*_BASELINES, TWO_LEVELS, CEILING)),
            few,
        ),
        "36 dates": (scenes, replace(_TWO_LEVELS, shares=(0.4,), dates=(36,), methods=(TWO_LEVELS,)), few),
        "Mirrored covariates, 12 dates": (
            scenes,
            KnownTruth((MIRRORED,), (0.4,), (0, 33), methods=(TWO_LEVELS,)),
            seeds,
        ),
        "18 x 18 cells, 12 dates": (
            MadeUp(18),
            KnownTruth(_KINDS, (0.2, 0.6), (0, 33), methods=(TWO_LEVELS,)),
            seeds,
        ),
        "Rain by date as a dated covariate, 12 dates": (
            MadeUp(dated_rain=True),
            KnownTruth(_KINDS, (0.4,), (0,), methods=(TWO_LEVELS,)),
            few,
        ),
    }


def measured(section: str) -> dict[str, object]:
    """What `smap_downscaler/methods/measured.py` tells, out of the text of the section `skill_bars`."""
    parts = {part.split("\n", 1)[0]: part for part in section.split("\n### ")[1:]}
    rows = []
    for title, method in _MEASURED.items():
        head, _rule, *lines = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in parts[title].splitlines()
            if line.startswith("|")
        ]
        for row in (dict(zip(head, line)) for line in lines):
            if row["method"] == method:
                rows.append(
                    {
                        "two_levels": method == TWO_LEVELS,
                        "footprint_km": float(row["footprint, km"]),
                        "truths": int(row["cases"]),
                        "better": float(row["better"]),
                        "right": float(row["for the pattern"]),
                        "held": float(row["90 % holds"]),
                    }
                )
    side, seeds, version = (
        found.group(1)
        for pattern in (r"(\d+) x \d+ SMAP cells", r"(seeds? \d+( to \d+)?)", r"(SMAP Downscaler [\d.]+\d)")
        if (found := re.search(pattern, section))
    )
    return {"made": f"tools/real_numbers.py, {version}, {seeds}", "side": int(side), "rows": rows}


def skill_fine_pixels(_data: Path, _folder: Path, seeds: Sequence[int] = SEEDS[:1]) -> list[str]:
    """The same with pixels of 100 m."""
    both = KnownTruth((MILD, STRONG), (0.4,), (0, 33), (1, 12), methods=(SINGLE, TWO_LEVELS), mapped=1)
    return [
        "## Known truth: pixels of 100 m",
        "",
        f"12 x 12 SMAP cells, else as above; kinds mild and strong, share .4, {_seeds(seeds)}.",
        "",
        *_known("100 m", MadeUp(12, 100.0), both, seeds),
    ]


def skill_windows(_data: Path, _folder: Path, seeds: Sequence[int] = SEEDS[:1]) -> list[str]:
    """More cells than one covariance matrix takes: windows beside the whole."""
    settings = KnownTruth(_KINDS, (0.4,), (0,), (1,), methods=(SINGLE,))
    lines = [
        "## Known truth: windows beside the whole",
        "",
        f"72 x 72 SMAP cells, one date, else as above; no footprint, share .4, {_seeds(seeds)}. The same "
        "maps in windows of 48 x 48 cells, as more than 2,500 cells always are, and with one covariance "
        "matrix.",
    ]
    scenes, most = MadeUp(72), windows.MOST_CELLS
    for title, cells in {"In windows": most, "As a whole": 72 * 72}.items():
        windows.MOST_CELLS = cells
        try:
            lines += ["", f"### {title}", "", *_known(f"72 {title}", scenes, settings, seeds)]
        finally:
            windows.MOST_CELLS = most
    return lines


def skill_sumatra(data: Path, _folder: Path, seeds: Sequence[int] = SEEDS[:1]) -> list[str]:
    """Known truth on real covariates."""
    settings = KnownTruth(
        _KINDS, (0.2, 0.6), (0,), (1, 12), methods=(*_BASELINES, SINGLE, TWO_LEVELS), mapped=1
    )
    return [
        "## Known truth: real covariates over Sumatra",
        "",
        "Elevation, clay, sand, silt and yearly rain at 100 m (`bungo_100m`), cells of 6 km (only 57 of 9 km "
        "lie on the layers for half or more), no footprint (the layers do not reach beyond the cells); kinds "
        f"mild, flip and strong, shares .2 and .6, {_seeds(seeds)}.",
        "",
        *_known("sumatra", sumatra(data), settings, seeds),
    ]


def skill_demo_basin(_data: Path, _folder: Path, seeds: Sequence[int] = SEEDS[:1]) -> list[str]:
    """Known truth on the covariates of the demo basin."""
    settings = KnownTruth(
        _KINDS, (0.2, 0.6), (0,), (1, 12), methods=(*_BASELINES, SINGLE, TWO_LEVELS), mapped=1
    )
    return [
        "## Known truth: the demo basin",
        "",
        "Elevation, wetness index, slope, clay, sand and carbon of a demo basin of 150 cells at 100 m, with "
        "its lakes and towns, no footprint; kinds mild, flip and strong, shares .2 and .6, "
        f"{_seeds(seeds)}.",
        "",
        *_known("demo", demo_basin(), settings, seeds),
    ]


def skill_granule(data: Path, _folder: Path) -> list[str]:
    """One scale up on the real granule of 36 km."""
    lines = [
        "## One scale up: a granule of SPL3SMP",
        "",
        f"{GRANULE}, between {_MOST_LATITUDE:g} degrees south and north. Blocks of 3 x 3 cells of 36 km are "
        "mapped back to cells, on windows that share no cell and hold 150 blocks with values or more. "
        f"Covariates: {', '.join(_OF_GRANULE.values())}, which are inputs of the retrieval and flatter the "
        "test.",
        "",
    ]
    methods = (*_BASELINES, KRIGING, SINGLE)
    maps = run_scale_up(granule(data), ScaleUp(methods=methods), Told(), journal_of("granule"), GRANULE)
    return [*lines, *summary(maps)]


def skill_enhanced(data: Path, _folder: Path) -> list[str]:
    """One scale up on the real series of the enhanced product."""
    found = enhanced(data)
    every = ScaleUp(methods=(LINEAR_RESIDUAL, PAPER_RESIDUAL, KRIGING, SINGLE, TWO_LEVELS))
    lines = [
        "## One scale up: SPL3SMP_E over W. Australia, 27 to 9 km",
        "",
        f"The {len(found.days)} dates with the most values of {found.grid.height} x {found.grid.width} cells "
        "of 9 km, in which one window of 20 x 20 blocks of 3 x 3 cells has room; the driest, the wettest and "
        "a middling date are scored. There are no layers of soil or terrain beside this series: covariates "
        f"are x and y, and {' and '.join(_KNOW_NOTHING)} of a made-up landscape, which know nothing. So it "
        "shows what interpolation finds, and whether covariates that know nothing do harm. The product is "
        "itself interpolated from a footprint of over 30 km, so that there is little within blocks. (The "
        "stack of Uruguay has 98 blocks, and 150 are needed.)",
    ]
    for title, settings in {
        "Two levels with a footprint by likelihood, which the cells that are scored have too": every,
        "Two levels without a footprint": replace(every, methods=(TWO_LEVELS,), estimated=False),
    }.items():
        maps = run_scale_up(found, settings, Told(), journal_of("enhanced"), found.label)
        lines += ["", f"### {title}", "", *summary(maps)]
    return lines


def _seeds(seeds: Sequence[int]) -> str:
    return f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"


def _known(title: str, scenes: SceneOf, settings: KnownTruth, seeds: Sequence[int]) -> list[str]:
    print(f"  {title}", flush=True)
    maps = run_known_truth(
        scenes, replace(settings, seeds=tuple(seeds)), Told(), journal_of(title), repr(scenes)
    )
    return summary(maps)


def journal_of(title: str) -> Journal:
    """What is finished of a part, kept in `build/skill`."""
    return Journal(WORK / f"{''.join(c if c.isalnum() else '_' for c in title.lower())}.journal")


@dataclass(frozen=True)
class InMemory:
    """Always the same scene, whatever the seed, with cells of a side, m."""

    name: str
    grid: Grid
    names: tuple[str, ...]
    x: np.ndarray
    side: float = EASE2_CELLS["9 km"]

    def __call__(self, _seed: int, dates: int, progress: Progress = SILENT) -> Scene:
        """The scene with so many dates."""
        whole = replace(ease2_grid("9 km"), cell_width=self.side, cell_height=self.side)
        cells = cells_over(self.grid, replace(whole, width=1 << 14, height=1 << 14), self.name)
        return Scene(
            self.grid, cells, self.names, self.x, Landing(self.grid, cells, progress), days_of(dates)
        )

    def __repr__(self) -> str:
        return self.name


def sumatra(data: Path) -> InMemory:
    """The real layers over Sumatra."""
    layers = {name: open_dataset(path) for name, path in bungo_layers(data).items()}
    grid = dataset_grid(layers["elevation"], "elevation")
    x = np.stack([read_band(one, 1) for one in layers.values()])
    return InMemory("sumatra", grid, tuple(layers), x, 6000.0)


def demo_basin(cells: int = 150) -> InMemory:
    """The covariates of a demo basin."""
    utm, ease, degrees = "EPSG:32719", ease2_grid("9 km").crs, "EPSG:4326"
    basin = make_basin(DemoSettings(cells=cells), Transformation(utm, ease), Transformation(utm, degrees))
    layers = {
        "elevation": basin.terrain.elevation,
        "twi": basin.terrain.wetness,
        "slope": basin.terrain.slope,
        "clay": basin.soil.clay,
        "sand": basin.soil.sand,
        "soc": basin.soil.soc,
    }
    valid = basin.outline & ~basin.masked
    x = np.stack([np.where(valid, one, np.nan) for one in layers.values()]).astype(np.float32)
    return InMemory("demo", basin.grid, tuple(layers), x)


def granule(data: Path) -> Coarse:
    """The real granule, and what it holds beside soil moisture."""
    path = data / "smap_l3_36km" / GRANULE

    def read(name: str) -> np.ndarray:
        dataset = open_dataset(f'HDF5:"{path}"://Soil_Moisture_Retrieval_Data/{name}')
        values = dataset.ReadAsArray().astype(np.float32)
        values[values <= -9990] = np.nan
        return values

    whole = ease2_grid("36 km")
    lat = Transformation(whole.crs, "EPSG:4326")(np.full(whole.height, 0.0), whole.y_centres())[1]
    some = np.flatnonzero(np.abs(lat) <= _MOST_LATITUDE)
    window = Window(int(some[0]), 0, len(some), whole.width)
    rows = window.slices[0]
    return Coarse(
        whole.crop(window),
        (dt.date(2015, 4, 2).toordinal(),),
        read("soil_moisture")[rows][None].astype(np.float64),
        tuple(_OF_GRANULE),
        np.stack([read(name)[rows] for name in _OF_GRANULE]),
        label=GRANULE,
    )


def enhanced(data: Path) -> Coarse:
    """The 9 km stack of W. Australia, with covariates that know where a cell lies, or nothing."""
    series = open_series(australian_stack(data))
    cube, grid = read_cube(series), series.grid
    x, y = np.meshgrid(grid.x_centres(), grid.y_centres())
    places = [landscape.NAMES.index(name) for name in _KNOW_NOTHING]
    made = landscape.covariates(grid.shape, SEEDS[0])[places]
    most = np.sort(np.argsort(-np.isfinite(cube.values).sum(axis=(1, 2)), kind="stable")[:_DATES])
    return Coarse(
        grid,
        tuple(cube.ordinals[most].tolist()),
        cube.values[most].astype(np.float64),
        ("x", "y", *_KNOW_NOTHING),
        np.concatenate([np.stack([x, y]) / 1000, made]).astype(np.float32),
        label=str(series.source),
    )


def summary(maps: Sequence[MapScore]) -> list[str]:
    """Lines of Markdown: a row a footprint, number of dates and method, over kinds, shares and seeds.

    Better: the share of maps with a lower RMSE than bilinear interpolation has; for the pattern: than they
    have without what they show of the pattern.
    """
    lines = [
        "| footprint, km | dates | method | cases | RMSE / bilinear | worst | RMSE | r within cells | SPAEF "
        "| variance ratio | closure | 90 % holds | better | for the pattern | s a map |",
        "|---:|---:|---|" + "---:|" * 12,
    ]
    groups: dict[tuple[float, int, str], list[CaseScore]] = {}
    plain = {(one.case, one.date): one.rmse for one in maps if one.method == BILINEAR}
    better: dict[tuple[float, int, str], list[float]] = {}
    for own in maps:
        name = _row_name(own)
        below = own.rmse < plain[own.case, own.date]
        better.setdefault((own.case.footprint_km, own.case.dates, name), []).append(float(below))
    for one in cases_of(maps, BILINEAR):
        groups.setdefault((one.case.footprint_km, one.case.dates, _row_name(one)), []).append(one)
    names = ("rmse", "r_within", "spaef", "variance_ratio", "closure", "coverage", "rule_right", "seconds")
    for (footprint, dates, method), group in groups.items():
        ratios = [one.scores["ratio"] for one in group]
        means = [_mean([one.scores[name] for one in group]) for name in names]
        means.insert(6, _mean(better[footprint, dates, method]))
        formats = (".4f", ".3f", ".3f", ".3f", ".4f", ".3f", ".2f", ".2f", ".1f")
        cells = [f"{number:{form}}" if np.isfinite(number) else "" for number, form in zip(means, formats)]
        lines.append(
            f"| {footprint:g} | {dates} | {method} | {len(group)} | {np.mean(ratios):.3f} "
            f"| {max(ratios):.3f} | {' | '.join(cells)} |"
        )
    return lines


def _row_name(one: MapScore | CaseScore) -> str:
    return f"{one.method}, mirrored" if one.case.truth == MIRRORED else one.method


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
