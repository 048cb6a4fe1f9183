"""Cross-validated forests on real data, sections of tools/NUMBERS.md: by date, by cell, pooled."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from real_cases import AUSTRALIAN_CELLS, write_australian_matrix, write_conus_matrix
from smap_downscaler.base.progress import Progress
from smap_downscaler.base.seasons_of_year import ALL
from smap_downscaler.base.threads import growing_threads
from smap_downscaler.base.words import counted
from smap_downscaler.methods.features import NO_FEATURES, FeatureSettings
from smap_downscaler.methods.forest.hyper_grid import ForestCandidate
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.keys import BY_CELL, POOLED
from smap_downscaler.steps.crossvalidation.numbers.folds import scheme_text
from smap_downscaler.steps.crossvalidation.numbers.results import ValidationRun, summarise
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.matrix.read import open_matrix

SEED = 1
#: The cells of `conus_matrix` lie 144 km apart, so that a block has to be large; those of W. Australia 9 km.
CONUS_BLOCK_KM, BLOCK_KM = 600.0, 72.0
#: SMAP passes the same way every 8 days: every 7th day is of each of these 8, and of each week day, in turn.
EVERY = 7
_SCORES = {"rmse": "RMSE", "mae": "MAE", "bias": "bias", "r2": "R2", "pearson_r2": "squared Pearson r"}


class Told(Progress):
    """Says on the screen how far it is."""

    SECONDS = 15.0

    def __init__(self) -> None:
        self._told = time.monotonic()

    def log(self, text: str) -> None:
        if "left out" not in text:
            print(f"  {text}", flush=True)

    def set_text(self, text: str) -> None:
        if time.monotonic() - self._told >= self.SECONDS:
            self._told = time.monotonic()
            print(f"    {text}", flush=True)


def conus_by_date(data: Path, folder: Path) -> list[str]:
    """A year over the United States, a forest on every 7th day."""
    path = folder / "conus_by_date.gpkg"
    write_conus_matrix(data, path, EVERY)
    run = _validated(path, validation_settings(block_km=CONUS_BLOCK_KM))
    first, last = _ends(run)
    told = (
        f"{len(run.keys)} days, every {EVERY}th from {first} to {last} (in turn each of the 8 days after "
        "which SMAP's orbit repeats), with a forest each, the paper's hyper-parameters, 10 folds. Blocks "
        "keep the neighbours out of the training part."
    )
    return _section("SMAP 36 km, United States: forests by date", told, run)


def conus_by_cell(data: Path, folder: Path) -> list[str]:
    """A year over the United States, a forest a cell."""
    settings = _settings_by_cell(30)
    run = _validated(_conus(data, folder), settings)
    told = (
        f"{_cells_and_trees(run)}, {settings.folds} folds; covariates: rain of the three days before, day of "
        f"year, the cell's own soil moisture before and after. {_hidden(run)}"
    )
    return _section("SMAP 36 km, United States: forests by cell", told, run)


def conus_pooled(data: Path, folder: Path) -> list[str]:
    """A year over the United States, one forest."""
    settings = validation_settings(
        mode=POOLED,
        folds=5,
        trees=50,
        period=30,
        block_km=CONUS_BLOCK_KM,
        features=FeatureSettings(day_of_year=True),
    )
    run = _validated(_conus(data, folder), settings)
    told = (
        f"{run.results[0].n:,} rows and one forest of {_trees(settings)} trees, {settings.folds} folds; with "
        "the day of year. Held out: single rows; whole blocks; and whole blocks in whole runs of "
        f"{settings.period} days; one repeat, so that small differences may be chance."
    )
    return _section("SMAP 36 km, United States: one pooled forest", told, run)


def australia_by_date(data: Path, folder: Path) -> list[str]:
    """Six weeks over W. Australia, a forest a date, told by the place alone."""
    path = folder / "australia_by_date.gpkg"
    write_australian_matrix(data, path)
    run = _validated(path, validation_settings(block_km=BLOCK_KM))
    first, last = _ends(run)
    told = (
        f"{len(run.keys)} days from {first} to {last} with a forest each, the paper's hyper-parameters, 10 "
        "folds. There are no layers of soil or terrain beside this series: the covariates are x and y alone, "
        "so that random folds show how much a cell's neighbours tell, and blocks what is left without them."
    )
    return _section("SMAP 9 km, W. Australia: forests by date of x and y", told, run)


def australia_by_cell(data: Path, folder: Path) -> list[str]:
    """Six weeks over W. Australia, a forest a cell, told by its own days alone."""
    path = folder / "australia_by_cell.gpkg"
    write_australian_matrix(data, path, AUSTRALIAN_CELLS)
    settings = _settings_by_cell(5)
    run = _validated(path, settings)
    told = (
        f"{_cells_and_trees(run)}, evenly spaced, {settings.folds} folds; covariates: day of year, the "
        f"cell's own soil moisture before and after; there is no rain. {_hidden(run)}"
    )
    return _section("SMAP 9 km, W. Australia: forests by cell", told, run)


def _section(title: str, told: str, run: ValidationRun) -> list[str]:
    return [f"## {title}", "", told, "", *score_table(run)]


def _settings_by_cell(period: int) -> ValidationSettings:
    features = FeatureSettings(day_of_year=True, neighbours=True)
    return validation_settings(BY_CELL, folds=5, trees=20, period=period, features=features)


def _conus(data: Path, folder: Path) -> Path:
    path = folder / "conus.gpkg"
    if not path.is_file():
        write_conus_matrix(data, path)
    return path


def _ends(run: ValidationRun) -> tuple[dt.date, dt.date]:
    dates = [key for key in run.keys if isinstance(key, dt.date)]
    return dates[0], dates[-1]


def _trees(settings: ValidationSettings) -> int:
    return settings.candidates[0].settings.n_estimators


def _cells_and_trees(run: ValidationRun) -> str:
    return f"{counted(len(run.keys), 'cell')} with a forest of {_trees(run.settings)} trees each"


def _hidden(run: ValidationRun) -> str:
    text = (
        f"Periods: {run.settings.period} days hidden together, their neighbours in time taken from outside "
        "of them."
    )
    if not run.skipped:
        return text
    left = counted(len(run.skipped), "other cell has", "other cells have")
    return f"{text} {left} too few days, or one value on all, and no forest."


def validation_settings(
    mode: str = "by date",
    folds: int = 10,
    trees: int = PAPER.n_estimators,
    block_km: float = 0.0,
    period: int = 1,
    features: FeatureSettings = NO_FEATURES,
) -> ValidationSettings:
    """The paper's, but for what is given."""
    return ValidationSettings(
        folds=folds,
        repeats=1,
        block_km=block_km,
        candidates=(ForestCandidate(replace(PAPER, n_estimators=trees, seed=SEED)),),
        seed=SEED,
        mode=mode,
        period=period,
        features=features,
        wet=(11, 12, 1, 2, 3),
        dry=(5, 6, 7, 8, 9),
    )


def _validated(path: Path, settings: ValidationSettings) -> ValidationRun:
    return crossvalidate_table(open_matrix(path), settings, threads=growing_threads(), progress=Told())


def score_table(run: ValidationRun) -> list[str]:
    """The scores by kind of folds: medians over dates or cells, or of all rows."""
    over = run.settings.words.over[0]
    rows = {
        (row.scheme, row.score): row.spread
        for row in summarise(run.results, run.settings)
        if row.season == ALL and row.over == over
    }
    first = rows[run.settings.schemes[0], "rmse"]
    kind = "of all rows" if run.settings.mode == POOLED else f"median over {first.n} {over} (IQR)"
    lines = [_line(["folds", *_SCORES.values()]), _line(["---"] + ["---:"] * len(_SCORES))]
    for scheme in run.settings.schemes:
        cells = [scheme_text(scheme, run.settings.block_km)]
        for score in _SCORES:
            row = rows[scheme, score]
            spread = "" if run.settings.mode == POOLED else f" ({row.iqr:.3f})"
            # A bias of -0.0001 is no -0.000.
            cells.append(f"{round(row.median, 3) + 0.0:.3f}{spread}")
        lines.append(_line(cells))
    return [f"Scores {kind}:", "", *lines]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
