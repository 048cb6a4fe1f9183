"""Test A: a truth is made on fine covariates, seen by SMAP, mapped by each contender, and held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...methods.area.settings import SURE
from ...runs.fingerprint import digest
from ...runs.journal import Journal
from .contenders import BILINEAR, CONTENDERS, LEAST_DATES, TWO_LEVELS
from .mapped import map_all
from .numbers.observation import FWHM, LEAST_CELL, LEAST_FOOTPRINT, blurred, noise_of, swath
from .numbers.scores import KNOWN_TRUTH, Case, MapScore, as_record, from_record
from .numbers.truths import MILD, MIRRORED, Truth
from .scene import Scene, role_reader
from .trial import Trial

#: Makes the scene of a seed with so many dates.
SceneOf = Callable[[int, int, Progress], Scene]
#: The first stream of a truth's randomness that says how its dates are seen.
_SEEN = 1_000_000
#: Cells that must be seen on a date.
LEAST_CELLS = 60


@dataclass(frozen=True)
class KnownTruth:
    """What is tried.

    Parameters
    ----------
    truths : tuple of str
    shares, footprints : tuple of float
        Footprints in km.
    dates, seeds : tuple of int
        Numbers of dates, and seeds.
    methods : tuple of str
        Of `CONTENDERS`; bilinear always is one.
    noise : float
        SD of SMAP's noise, m3 m-3.
    swaths : bool
        Whether each date lacks cells of its own.
    estimated : bool
        Whether the two levels find out footprint and noise by themselves.
    mapped : int
        Dates of each case whose maps are scored, at most: the driest, the wettest, and some between.
    """

    truths: tuple[str, ...] = (MILD,)
    shares: tuple[float, ...] = (0.2, 0.4, 0.6)
    footprints: tuple[float, ...] = (0.0,)
    dates: tuple[int, ...] = (12,)
    seeds: tuple[int, ...] = (1000,)
    methods: tuple[str, ...] = ()
    noise: float = 0.02
    swaths: bool = True
    estimated: bool = True
    mapped: int = 3

    def cases(self) -> Iterator[Case]:
        """All cases, those of one seed beside each other."""
        for seed, dates, footprint, truth, share in product(
            self.seeds, self.dates, self.footprints, self.truths, self.shares
        ):
            yield Case(KNOWN_TRUTH, truth, share, footprint, dates, seed)

    def chosen(self, case: Case) -> tuple[str, ...]:
        """The contenders of a case."""
        names = self.methods or tuple(CONTENDERS)
        names = tuple(name for name in CONTENDERS if name in (*names, BILINEAR))
        return tuple(name for name in names if name != TWO_LEVELS or case.dates >= LEAST_DATES)

    def of(self, case: Case) -> dict[str, Any]:
        """What the maps of a case depend on beside it, for JSON."""
        whole = {name: getattr(self, name) for name in ("noise", "swaths", "estimated", "mapped")}
        return {**whole, "methods": self.chosen(case)}


def run_known_truth(
    scene_of: SceneOf,
    settings: KnownTruth,
    progress: Progress = SILENT,
    journal: Journal | None = None,
    inputs: str = "",
) -> list[MapScore]:
    """The scores of all maps; a case that the journal has is not worked out again.

    Parameters
    ----------
    scene_of : callable
    settings : KnownTruth
    progress : Progress
    journal : Journal, optional
    inputs : str
        A digest of what the scenes are made of.
    """
    done = {record["digest"]: record for record in (journal or Journal(None)).records()}
    cases = list(settings.cases())
    counter, found = progress.counter(len(cases), "cases"), []
    scene: Scene | None = None
    key: tuple[int, int] | None = None
    for number, case in enumerate(cases):
        name = digest({"inputs": inputs, "case": asdict(case), **settings.of(case)})
        if name in done:
            found += [from_record(one) for one in done[name]["maps"]]
            counter.advance()
            continue
        if scene is None or key != (case.seed, case.dates):
            scene, key = scene_of(case.seed, case.dates, progress), (case.seed, case.dates)
        part = progress.part(number / len(cases), (number + 1) / len(cases))
        maps = run_case(scene, case, settings, part)
        if journal is not None:
            journal.add({"digest": name, "maps": [as_record(one) for one in maps]})
        found += maps
        counter.advance()
    return found


def run_case(scene: Scene, case: Case, settings: KnownTruth, progress: Progress = SILENT) -> list[MapScore]:
    """The scores of the maps of one case."""
    progress.set_text(f"{case}: the truth is made")
    trial, truths = make_trial(scene, case, settings, progress.part(0.0, 0.2))
    methods = settings.chosen(case)
    return map_all(case, trial, truths, methods, progress.part(0.2, 1.0))


def make_trial(
    scene: Scene, case: Case, settings: KnownTruth, progress: Progress = SILENT
) -> tuple[Trial, dict[int, np.ndarray]]:
    """What methods see of a case, and the truth of the dates that are scored, by their numbers.

    Raises
    ------
    InputError
        If too few cells are seen.
    """
    truth = Truth(case.truth, case.share, role_reader(scene), scene.cell_of, case.dates, case.seed)
    wanted = spread_dates(truth.wetness, settings.mapped)
    metres = 1000 * case.footprint_km / FWHM
    sigma = metres / scene.pixel[0], metres / scene.pixel[1]
    cell_sigma = metres / scene.cell[0], metres / scene.cell[1]
    shares = scene.landing.shares(scene.valid)
    usable, under = shares >= LEAST_CELL, None
    if case.footprint_km:
        under = blurred(scene.valid, sigma, progress)
        usable &= scene.landing.means(under) >= LEAST_FOOTPRINT
    count = np.count_nonzero(usable)
    if count < LEAST_CELLS:
        how = "lie by half or more on its pixels with a value"
        if case.footprint_km:
            how = f"are seen with a footprint of {case.footprint_km:g} km"
        raise InputError(
            f"COVARIATES: of {scene.cells.width * scene.cells.height} SMAP cells over the stack only {count} "
            f"{how}, and a test of known truth needs {LEAST_CELLS}; give a stack of a larger area."
        )
    observed, kept = np.full((case.dates, *scene.cells.shape), np.nan), {}
    for date in range(case.dates):
        progress.check()
        rng = truth.generator(_SEEN + date)
        seen = usable & swath(rng, scene.cells.shape) if settings.swaths else usable
        if np.count_nonzero(seen) < LEAST_CELLS:
            seen = usable
        values = truth.on(date, progress)
        if under is None:
            cells = scene.landing.means(values)
        else:
            whole = blurred(np.nan_to_num(values), sigma, progress)
            with np.errstate(invalid="ignore", divide="ignore"):
                cells = scene.landing.sums(whole) / scene.landing.sums(under)
        cells = cells + noise_of(rng, scene.cells.shape, settings.noise, cell_sigma)
        observed[date] = np.where(seen, cells, np.nan)
        if date in wanted:
            kept[date] = values
        progress.set_fraction((date + 1) / case.dates)
    given = scene.mirrored() if case.truth == MIRRORED else scene
    trial = Trial(
        given, observed, case.footprint_km, settings.estimated, settings.noise, SURE, case.seed,
        kept.__getitem__, tuple(sorted(kept)),
    )  # fmt: skip
    return trial, kept


def spread_dates(wetness: np.ndarray, count: int) -> tuple[int, ...]:
    """Numbers of dates evenly over how wet they are, the driest and wettest among them."""
    order = np.argsort(wetness, kind="stable")
    if count >= len(order):
        return tuple(range(len(order)))
    some = np.unique(np.rint(np.linspace(0, len(order) - 1, count)).astype(int))
    return tuple(sorted(int(number) for number in order[some]))
