"""Writes tools/NUMBERS.md: how good the forests are on real data, as `crossvalidate` and `fillgaps` tell it.

    make numbers

It needs the files of ../shared/data.  A section is a function that takes the folder of the data and a
folder for files of its own, and returns lines of Markdown; `SECTIONS` lists them.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from numbers_fillgaps import fillgaps_section
from real_cases import write_conus_matrix
from smap_downscaler.core.features import NO_FEATURES, FeatureSettings
from smap_downscaler.core.forest.keys import BY_CELL, POOLED
from smap_downscaler.core.forest.settings import PAPER
from smap_downscaler.core.months import ALL
from smap_downscaler.core.progress import Progress
from smap_downscaler.core.validation.grid import Candidate
from smap_downscaler.core.validation.results import ValidationRun
from smap_downscaler.core.validation.schemes import scheme_text
from smap_downscaler.core.validation.settings import ValidationSettings
from smap_downscaler.core.validation.summary import OVER, summarise
from smap_downscaler.raster.crossvalidation import crossvalidate_table
from smap_downscaler.raster.matrix_table import MatrixTable, open_matrix
from smap_downscaler.raster.provenance import versions
from smap_downscaler.raster.validation_units import WHOLE_TABLE, Scope

TOOLS = Path(__file__).resolve().parent
DATA = TOOLS.parents[1] / "shared" / "data"
OUTPUT = TOOLS / "NUMBERS.md"
COMMAND = "make numbers"
SEED = 1
#: The cells of the matrix lie 144 km apart, so that a block has to be large.
BLOCK_KM = 600.0
_SCORES = {"rmse": "RMSE", "mae": "MAE", "bias": "bias", "r2": "R2", "pearson_r2": "squared Pearson r"}


class Told(Progress):
    """Says on the screen how far it is."""

    def log(self, text: str) -> None:
        if "left out" not in text:
            print(f"  {text}", flush=True)


def main() -> None:
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        for section in SECTIONS:
            print(section.__name__.replace("_", " "), flush=True)
            sections.append("\n".join(section(DATA, Path(folder))))
    OUTPUT.write_text("\n\n".join([head(), *sections]) + "\n", encoding="utf-8")
    print(f"{OUTPUT} is written")


def head() -> str:
    """What the numbers came from."""
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    return "\n".join(
        [
            "# Numbers on real data",
            "",
            f"Written by `{COMMAND}` on {dt.date.today():%Y-%m-%d}, seed {SEED}: {told}.",
            "",
            "All are errors against SMAP itself, m3 m-3, on cells or days that the forests did not see. A",
            "low error on SMAP's cells is not skill at 100 m.",
        ]
    )


def conus_by_date(data: Path, folder: Path) -> list[str]:
    """June 2015 over the United States, a forest a date."""
    settings = _settings(block_km=BLOCK_KM)
    scope = Scope(dt.date(2015, 6, 1), dt.date(2015, 6, 30))
    run = _validated(_conus(data, folder), settings, scope)
    told = (
        f"{len(run.units)} days of June 2015 with a forest each, the paper's hyper-parameters, 10 folds. "
        "Blocks keep the neighbours out of the training part."
    )
    return ["## SMAP 36 km, United States: forests by date", "", told, "", *_table(run)]


def conus_by_cell(data: Path, folder: Path) -> list[str]:
    """A year over the United States, a forest a cell."""
    settings = _settings(
        mode=BY_CELL,
        folds=5,
        trees=20,
        period=30,
        features=FeatureSettings(day_of_year=True, neighbours=True),
    )
    run = _validated(_conus(data, folder), settings)
    told = (
        f"{len(run.units)} cells with a forest of {settings.candidates[0].settings.n_estimators} trees each, "
        f"{settings.folds} folds; covariates: rain of the three days before, day of year, the cell's own "
        f"soil moisture before and after. Periods: {settings.period} days hidden together, their neighbours "
        "in time taken from outside of them."
    )
    return ["## SMAP 36 km, United States: forests by cell", "", told, "", *_table(run)]


def conus_pooled(data: Path, folder: Path) -> list[str]:
    """A year over the United States, one forest."""
    settings = _settings(
        mode=POOLED,
        folds=5,
        trees=50,
        period=30,
        block_km=BLOCK_KM,
        features=FeatureSettings(day_of_year=True),
    )
    run = _validated(_conus(data, folder), settings)
    told = (
        f"{run.results[0].n:,} rows and one forest of {settings.candidates[0].settings.n_estimators} trees, "
        f"{settings.folds} folds; with the day of year. Held out: single rows; whole blocks; and whole "
        f"blocks in whole runs of {settings.period} days."
    )
    return ["## SMAP 36 km, United States: one pooled forest", "", told, "", *_table(run)]


#: What `make numbers` writes, in order.
def filled_gaps(data: Path, folder: Path) -> list[str]:
    """Runs of days hidden and filled again, beside linear interpolation and climatology."""
    return fillgaps_section(data).splitlines()


SECTIONS: tuple[Callable[[Path, Path], list[str]], ...] = (
    conus_by_date,
    conus_by_cell,
    conus_pooled,
    filled_gaps,
)


def _conus(data: Path, folder: Path) -> MatrixTable:
    path = folder / "conus.gpkg"
    if not path.is_file():
        write_conus_matrix(data, path)
    return open_matrix(path)


def _settings(
    mode: str = "by date",
    folds: int = 10,
    trees: int = PAPER.n_estimators,
    block_km: float = 0.0,
    period: int = 1,
    features: FeatureSettings = NO_FEATURES,
) -> ValidationSettings:
    return ValidationSettings(
        folds=folds,
        repeats=1,
        block_km=block_km,
        candidates=(Candidate(replace(PAPER, n_estimators=trees, seed=SEED)),),
        seed=SEED,
        mode=mode,
        period=period,
        features=features,
        wet=(11, 12, 1, 2, 3),
        dry=(5, 6, 7, 8, 9),
    )


def _validated(table: MatrixTable, settings: ValidationSettings, scope: Scope = WHOLE_TABLE) -> ValidationRun:
    return crossvalidate_table(table, settings, None, scope, os.cpu_count() or 1, Told())


def _table(run: ValidationRun) -> list[str]:
    """The scores by kind of folds: medians over dates or cells, or of all rows."""
    over = OVER[run.settings.mode][0]
    rows = {
        (row.scheme, row.score): row
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


if __name__ == "__main__":
    main()
