"""All that an area-to-point model holds, and how it is fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Pieces, Progress, heard_by
from ...base.words import counted, text
from ...geo.grid import Grid
from ..base import Cells
from .data import LEAST_CELLS, Data, data_of
from .dated import Dated
from .footprint import NOISE, UNSURE, Footprint, choose_footprint
from .ground import HURSTS, Ground
from .levels import Answer, Designs, Half, Level, Seen, answer, choose
from .likelihood import Fit, Prior
from .moments import Moments
from .pattern import FIRST_HURST, pattern_noise, pattern_reference, steps_at, two_way
from .settings import AreaSettings
from .subcells import SubCells
from .windows import Window, windows_of

#: How surely the noise of a mean pattern is known, and that of departures seen through a footprint, whose
#: shape is that of a rough field: one SD, as a factor.
_SURE, _ROUGHLY = 1.1, 1.5
#: What terms leave of the field's standard deviation, and how surely: one SD, as a factor.
LESS_FIELD, FIELD_FACTOR = 0.7, 1.4
#: Cells of a date inside of two levels, and dates of two levels, at least.
LEAST_OF_DATE, LEAST_DATES = 20, 6
#: Shares of the work that are done when the stack was looked at, and the footprint chosen.
_LOOKED, _CHOSEN = 0.1, 0.5
_FITS = "fits of the model"
#: Bytes that the dated terms of all cells and dates may take in a model.
_MOST_DATED = 50 * 2**20


@dataclass(frozen=True, eq=False)
class Core:
    """An area-to-point model in arrays.

    Attributes
    ----------
    settings : AreaSettings
    grid : Grid
        SMAP's.
    names : tuple of str
        All covariates, in the order of the pixels' columns.
    static, dated_names : tuple of str
        Which of them are bands of the stack, and which are dated and vary.
    moments : Moments
        Without design, z and share where it was read from a file.
    dated : Dated or None
        Without values where it was read from a file.
    footprint : Footprint
    two_levels : bool
    days : int64, shape (dates,)
        Ordinals, ascending.
    wetness : float64, shape (dates,)
        Standardised effect of each date; 1 for a date alone.
    skipped : dict of int to str
        Why days are not in it.
    cells : int64, shape (n, 2)
        In the window of the sub-cells.
    cube : float64, shape (dates, n)
        SMAP's soil moisture; NaN where missing.
    first : Fit or None
        Variances of the departures at `FIRST_HURST`, of which the noise of the mean pattern is made.
    design : float64, shape (n, columns)
        The static terms as cells see them.
    dated_design : float32, shape (dates, n, their columns), or None
        The dated terms; None where there are none, or they would take too much room.
    mean_of_dated : float64, shape (n, columns)
        The dates' mean of the dated terms, as cells see it.
    windows : list of Window
    levels : tuple of Level
        Mean pattern and departures, or the date alone.
    likelihoods : dict of float to float
        Of the mean pattern, by H.
    noise : float
        Standard deviation of SMAP's noise on one date, m3 m-3.
    gap_sd : float
        How far the mean of a date is from what its neighbours in time say.
    """

    settings: AreaSettings
    grid: Grid
    names: tuple[str, ...]
    static: tuple[str, ...]
    dated_names: tuple[str, ...]
    moments: Moments
    dated: Dated | None
    footprint: Footprint
    two_levels: bool
    days: np.ndarray
    wetness: np.ndarray
    skipped: dict[int, str]
    cells: np.ndarray
    cube: np.ndarray
    first: Fit | None
    design: np.ndarray
    dated_design: np.ndarray | None
    mean_of_dated: np.ndarray
    windows: list[Window]
    levels: tuple[Level, ...]
    likelihoods: dict[float, float]
    noise: float
    gap_sd: float

    @property
    def subcells(self) -> SubCells:
        """Cells and sub-cells."""
        return self.moments.subcells

    def pattern_noise(self, ground: Ground, index: np.ndarray) -> np.ndarray:
        """Shape of what lies between the cells' means and their pattern: see the function of that name."""
        if self.first is None:
            raise ValueError("a date alone has no mean pattern")
        single = np.flatnonzero(self.moments.terms.groups < len(self.moments.terms.scales.mean))
        seen = np.isfinite(self.cube[:, index])
        design = self.design[np.ix_(index, single)]
        return np.add(*pattern_noise(ground, self.cells[index], seen, self.first, self.wetness, design))


def fit_core(cells: Cells, settings: AreaSettings, two_levels: bool, progress: Progress = SILENT) -> Core:
    """Fit a model to SMAP's cells.

    Parameters
    ----------
    cells : Cells
        With the SMAP grid and the fine stack; of one date, or of all.
    settings : AreaSettings
    two_levels : bool
        Whether the mean pattern and the departures of all dates are estimated, or one date.

    Raises
    ------
    InputError
        If there are too few cells or dates, or the likelihood does not converge.
    """
    with heard_by(progress):
        data = data_of(cells, settings, progress.part(0.0, _LOOKED))
        footprint = _footprint_of(data, settings, two_levels, progress.part(_LOOKED, _CHOSEN))
        fit = _fit_levels if two_levels else _fit_date
        try:
            return fit(data, settings, cells.names, footprint, progress.part(_CHOSEN, 1.0))
        except np.linalg.LinAlgError:
            raise InputError("the likelihood does not converge") from None


def _fits_of(level_groups: int, hursts: int, windows: int) -> int:
    """How many pieces of work `_level` is: fits, and answers of windows."""
    return 2 + hursts + 2 * windows if level_groups else hursts + windows


def _footprint_of(data: Data, settings: AreaSettings, two_levels: bool, progress: Progress) -> Footprint:
    if settings.footprint_km is not None:
        return Footprint(settings.footprint_km, {})
    if not two_levels:
        note = (
            "SMAP's footprint is taken as none: a single date does not tell it; give FOOTPRINT if you know "
            "it, or train on two levels"
        )
        return Footprint(0.0, {}, note)
    progress.set_text("Choosing the footprint")
    return choose_footprint(data.moments, data.cells, data.cube, progress)


def _fit_date(
    data: Data, settings: AreaSettings, names: Sequence[str], footprint: Footprint, progress: Progress
) -> Core:
    """One date alone."""
    dated = data.dated(data.days, settings, progress)
    ground = Ground(data.moments, dated, footprint.km)
    usable = data.usable(ground) & np.isfinite(data.cube[0])
    cells, cube = data.cells[usable], data.cube[:, usable]
    where = tuple(cells.T)
    design = ground.static[where]
    p = len(data.moments.terms.scales.mean)
    groups = data.moments.terms.groups
    both, scatter = design, data.moments.scatter
    dated_design = None
    if dated is not None:
        dated_design = ground.dated_terms(0, centred=False)[where]
        both = np.concatenate([design, dated_design], axis=1)
        groups = np.concatenate([groups, dated.groups(p + 1, p)])
        scatter = _with_dated(scatter, dated, np.arange(p), products=True)
    prior = Prior(ground.noise_part, NOISE**2, UNSURE)
    if settings.noise is not None:
        prior = Prior(ground.noise_part, settings.noise**2, settings.noise_factor)
    seen = [Seen((0,), np.arange(len(cells)), cells, cube, Designs(both, np.ones(1)))]
    windows = _windows(data, ground, cells)
    fits = Pieces(progress, _fits_of(groups.size, len(HURSTS), len(windows)), _FITS)
    level, likelihoods = _level(seen, ground, groups, HURSTS, [prior], scatter, windows, fits)
    noise = math.sqrt(level.fullest.fit.noise[ground.noise_part])
    return Core(
        settings,
        data.grid,
        tuple(names),
        data.static,
        () if dated is None else dated.names,
        data.moments,
        dated,
        footprint,
        False,
        data.days,
        np.ones(1),
        {},
        cells,
        cube,
        None,
        design,
        None if dated_design is None else dated_design[None].astype(np.float32),
        np.zeros((len(cells), 0)),
        windows,
        (level,),
        likelihoods,
        noise,
        0.0,
    )


def _windows(data: Data, ground: Ground, cells: np.ndarray) -> list[Window]:
    least = math.ceil(3 * ground.footprint_km / min(data.moments.subcells.cell_km))
    return windows_of(cells, data.moments.subcells.shape, least)


def _level(
    seen: list[Seen],
    ground: Ground,
    groups: np.ndarray,
    hursts: Sequence[float],
    priors: Sequence[Prior],
    scatter: np.ndarray,
    windows: list[Window],
    progress: Progress,
) -> tuple[Level, dict[float, float]]:
    """A level with and without its terms, and the likelihood by H."""
    groups = np.unique(groups, return_inverse=True)[1].reshape(-1)
    bare = [one.without_terms() for one in seen]
    full: Half | None = None
    likelihoods: dict[float, float] = {}
    hurst = hursts[0]
    if groups.size:
        # Terms that vary smoothly could take the place of the field, which they never quite do.
        _, alone, _ = choose(bare, ground, np.zeros(0, int), hursts[:1], priors, progress)
        field = Prior(0, alone.noise[0] * LESS_FIELD**2, FIELD_FACTOR)
        hurst, fit, likelihoods = choose(seen, ground, groups, hursts, [*priors, field], progress)
        full = _half(seen, ground, groups, hurst, fit, scatter, windows, progress)
        _, fit, _ = choose(bare, ground, np.zeros(0, int), (hurst,), priors, progress)
    else:
        hurst, fit, likelihoods = choose(bare, ground, np.zeros(0, int), hursts, priors, progress)
    plain = _half(bare, ground, np.zeros(0, int), hurst, fit, np.zeros((0, 0)), windows, progress)
    return Level(hurst, full, plain), likelihoods


def _half(
    seen: list[Seen],
    ground: Ground,
    groups: np.ndarray,
    hurst: float,
    fit: Fit,
    scatter: np.ndarray,
    windows: list[Window],
    progress: Progress,
) -> Half:
    if not (fit.converged and np.isfinite(fit.noise).all()):
        raise InputError("the likelihood does not converge")
    answers: list[Answer] = []
    dates = 1 + max(number for one in seen for number in one.numbers)
    for window in windows:
        own = [one.take(window.holds(one.cells)) for one in seen] if len(windows) > 1 else seen
        own = [one for one in own if len(one.cells)]
        index = np.unique(np.concatenate([one.index for one in own]))
        answers.append(answer(own, ground, groups, hurst, fit, dates, index, scatter, progress))
    return Half(fit, groups, tuple(answers))


def _with_dated(scatter: np.ndarray, dated: Dated, columns: np.ndarray, products: bool) -> np.ndarray:
    """The scatter of pixels with that of the dated terms: their curves change little within a cell.

    `columns`: the linear columns of the static covariates in `scatter`.
    """
    curves, q = dated.terms.width(), len(dated.names)
    more = q * len(columns) if products and dated.with_products else 0
    size = len(scatter) + curves + more
    found = np.zeros((size, size))
    found[: len(scatter), : len(scatter)] = scatter
    linear = scatter[np.ix_(columns, columns)] if more else np.zeros((0, 0))
    for number in range(q if more else 0):
        begin = len(scatter) + curves + number * len(columns)
        # Standard dated covariates vary by 1 in time and space.
        found[begin : begin + len(columns), begin : begin + len(columns)] = linear
    return found


def _kept_dates(cube: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Dates and cells that two levels can use, bool, and why others are left out.

    Dates that share too few cells with the others tell nothing of how wet they are beside them: of groups of
    dates that see different places the one with the most values is used.
    """
    seen = np.isfinite(cube)
    dates = np.ones(len(cube), bool)
    skipped: dict[int, str] = {}
    while True:
        own = seen & dates[:, None]
        cells = own.sum(axis=0) >= 2
        own &= cells
        kept = _together(own) & dates
        if kept.sum() == dates.sum():
            return dates, cells, skipped
        known = own[kept].any(axis=0)
        for number in np.flatnonzero(dates & ~kept):
            count = int((own[number] & known).sum())
            skipped[int(days[number])] = text(
                "it shares {} with the other dates, and {} are needed", counted(count, "cell"), LEAST_OF_DATE
            )
        dates = kept


def _together(seen: np.ndarray) -> np.ndarray:
    """The largest group of dates that each share cells enough with the rest of it: bool, shape (dates,)."""
    left, best = seen.any(axis=1), np.zeros(len(seen), bool)
    while left.any():
        group = np.zeros(len(seen), bool)
        more = np.arange(len(seen)) == int(np.argmax(np.where(left, seen.sum(axis=1), -1)))
        while more.any():
            group |= more
            shared = (seen & seen[group].any(axis=0)).sum(axis=1)
            more = left & ~group & (shared >= LEAST_OF_DATE)
        if seen[group].sum() > seen[best].sum():
            best = group
        left &= ~group
    return best


def _fit_levels(
    data: Data, settings: AreaSettings, names: Sequence[str], footprint: Footprint, progress: Progress
) -> Core:
    """The cells' means over the dates, and each date's departures."""
    usable = data.usable(Ground(data.moments, None, footprint.km))
    dates, twice, skipped = _kept_dates(data.cube[:, usable], data.days)
    if dates.sum() < LEAST_DATES:
        raise InputError(
            f"{int(dates.sum())} dates can be used, and two levels need {LEAST_DATES}; give more dates, or "
            "choose single dates as LEVELS."
        )
    days = data.days[dates]
    cells, cube = data.cells[usable][twice], data.cube[dates][:, usable][:, twice]
    if len(cells) < LEAST_CELLS:
        raise InputError(
            f"{len(cells)} SMAP cells were seen on two dates or more, and an area-to-point model needs "
            f"{LEAST_CELLS}; give more dates, or use a larger area."
        )
    dated = data.dated(days, settings, progress)
    ground = Ground(data.moments, dated, footprint.km)
    where = tuple(cells.T)
    of_cells, of_dates = two_way(cube)
    spread = of_dates.std()
    wetness = of_dates / spread if spread > 1e-6 else np.zeros(len(days))
    design, mean_of_dated = ground.static[where], ground.mean_of_dated()[where]
    terms = data.moments.terms
    p, single = len(terms.scales.mean), np.flatnonzero(terms.groups < len(terms.scales.mean))
    dated_design = None
    if dated is not None:
        dated_design = np.empty((len(days), len(cells), dated.width(p)), np.float32)
        for number, own in enumerate(dated_design):
            own[:] = ground.dated_terms(number, centred=True)[where]
    departures = cube - of_cells
    designs1 = Designs(np.ascontiguousarray(design[:, single]), wetness, dated_design)
    seen1 = _departures(departures, cells, designs1)
    groups1 = terms.groups[single]
    scatter1 = data.moments.scatter[np.ix_(single, single)]
    if dated is not None:
        groups1 = np.concatenate([groups1, dated.groups(p + 1, p)])
        scatter1 = _with_dated(scatter1, dated, np.arange(p), products=True)
    rank1 = np.unique(groups1, return_inverse=True)[1].reshape(-1)

    windows = _windows(data, ground, cells)
    count1 = _fits_of(groups1.size, 1, len(windows))
    fits = Pieces(progress, 1 + _fits_of(terms.groups.size, len(HURSTS), len(windows)) + count1, _FITS)
    progress.set_text("Estimating the departures of the dates")
    count, part = len(days), ground.noise_part
    prior1: list[Prior] = []
    if settings.noise is not None:
        prior1 = [Prior(part, settings.noise**2 * (count - 1) / count, settings.noise_factor)]
    elif footprint.km > 0:
        prior1 = [Prior(part, NOISE**2 * (count - 1) / count, _ROUGHLY)]
    _, fit1, _ = choose(seen1, ground, rank1, (FIRST_HURST,), prior1, fits)
    variance = fit1.noise[part] * count / (count - 1) if settings.noise is None else settings.noise**2

    progress.set_text("Estimating the mean pattern")
    seen_at = np.isfinite(cube)
    noise0, steps0 = pattern_noise(ground, cells, seen_at, fit1, wetness, design[:, single])
    prior0 = Prior(part, pattern_reference(fit1, seen_at), _SURE)
    both = np.concatenate([design, mean_of_dated], axis=1)
    groups0, scatter0 = terms.groups, data.moments.scatter
    if dated is not None:
        groups0 = np.concatenate([groups0, dated.groups(p + 1, p, products=False)])
        scatter0 = _with_dated(scatter0, dated, np.arange(p), products=False)
    seen0 = Seen(
        (0,),
        np.arange(len(cells)),
        cells,
        of_cells[None],
        Designs(both, np.ones(1)),
        noise0 + steps0,
    )
    level0, likelihoods = _level([seen0], ground, groups0, HURSTS, [prior0], scatter0, windows, fits)
    departures = departures + steps_at(level0, windows, steps0, cells)
    seen1 = _departures(departures, cells, designs1)
    if footprint.km > 0:
        # A rough field could take the noise's place once more, now that it is known.
        prior1 = [Prior(part, fit1.noise[part], _SURE)]
    level1, _ = _level(seen1, ground, groups1, (level0.hurst,), prior1, scatter1, windows, fits)
    if dated_design is not None and dated_design.nbytes > _MOST_DATED:
        dated_design = None
    return Core(
        settings,
        data.grid,
        tuple(names),
        data.static,
        () if dated is None else dated.names,
        data.moments,
        dated,
        footprint,
        True,
        days,
        wetness,
        skipped,
        cells,
        cube,
        fit1,
        design,
        dated_design,
        mean_of_dated,
        windows,
        (level0, level1),
        likelihoods,
        math.sqrt(variance),
        _gap_sd(days, level1.plain.answers[0].means),
    )


def _departures(departures: np.ndarray, cells: np.ndarray, designs: Designs) -> list[Seen]:
    """The departures, by the cells that were seen."""
    groups: dict[bytes, list[int]] = {}
    for number, one in enumerate(departures):
        groups.setdefault(np.isfinite(one).tobytes(), []).append(number)
    found = []
    for numbers in groups.values():
        index = np.flatnonzero(np.isfinite(departures[numbers[0]]))
        found.append(Seen(tuple(numbers), index, cells[index], departures[numbers][:, index], designs))
    return found


def _gap_sd(days: np.ndarray, means: np.ndarray) -> float:
    """Root mean square of what a date's mean is off from the line between its neighbours."""
    if len(days) < 3:
        return float(np.std(means))
    share = (days[1:-1] - days[:-2]) / (days[2:] - days[:-2])
    between = means[:-2] + share * (means[2:] - means[:-2])
    return float(np.sqrt(np.mean((means[1:-1] - between) ** 2)))
