"""Small forests, ways to ask them, and ways to tamper with their files."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.methods.base import NO_WISHES, Block, Cells, Model
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ModelWriter
from smap_downscaler.methods.forest.engines import SCIKIT_LEARN
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.model import Forest
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.methods.keys import CellKey, key_number
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import permuted_orders

NAMES = ("elevation", "clay", "p_antecedent", "twi_fd8")
UNITS = {"elevation": "m", "clay": "g/kg", "p_antecedent": "mm/d"}
DAY = date(2020, 2, 28)


def settings(**changes: Any) -> ForestSettings:
    """Twelve small trees, with what is asked for changed."""
    fields: dict[str, Any] = {
        "n_estimators": 12,
        "max_features": 2,
        "sample_size": None,
        "min_samples_split": 4,
        "min_samples_leaf": 1,
        "max_depth": None,
        "seed": 5,
    }
    return ForestSettings(**(fields | changes))


def train_forest(
    x: np.ndarray,
    y: np.ndarray,
    chosen: ForestSettings,
    key: int,
    progress: Progress = SILENT,
    threads: int = 1,
) -> Forest:
    """A plain forest of rows."""
    return grow_forest(x, y, chosen, NO_WISHES, key, progress, threads)


def cells_of(x: np.ndarray, y: np.ndarray, day: date = DAY) -> Cells:
    """Rows of one date, for a method."""
    return Cells(x, y, np.full((len(y), 2), -1), np.full(len(y), day.toordinal()))


def block_of(x: np.ndarray, day: date = DAY) -> Block:
    """Pixels of one date, for a model."""
    return Block(x, np.full(len(x), day.toordinal()))


def predict(model: Model, x: np.ndarray, *arguments: Any, **more: Any) -> np.ndarray:
    """Predictions of a model for pixels of one date."""
    return model.predict(block_of(x), *arguments, **more).mean


def growing(chosen: ForestSettings) -> Callable[..., Forest]:
    """What `fit_each` does with the rows of each key: a plain forest."""
    return lambda cells, number, progress: RANDOM_FOREST.fit(cells, chosen, number, progress)


def grow_and_predict(
    x: np.ndarray,
    y: np.ndarray,
    x_new: np.ndarray,
    chosen: ForestSettings,
    key: int,
    counts: Sequence[int],
    progress: Progress = SILENT,
    engine: str = SCIKIT_LEARN,
) -> np.ndarray:
    """Predictions of forests of some numbers of trees for held-out rows."""
    own = [replace(chosen, n_estimators=count) for count in counts]
    return RANDOM_FOREST.held_out(cells_of(x, y), block_of(x_new), own, key, progress, engine)


def permuted_errors(
    x: np.ndarray,
    y: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    chosen: ForestSettings,
    key: int,
    progress: Progress = SILENT,
    engine: str = SCIKIT_LEARN,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of held-out rows, and sums of squared errors with each covariate permuted."""
    orders = permuted_orders(*x_test.shape, chosen.seed, key)
    predicted, permuted = RANDOM_FOREST.permuted(
        cells_of(x, y), block_of(x_test), chosen, key, orders, progress, engine
    )
    return predicted, np.sum((permuted - y_test) ** 2, axis=1)


def rows(n: int, seed: int = 0, p: int = len(NAMES)) -> tuple[np.ndarray, np.ndarray]:
    """Covariates (n, p) float32 and a noisy soil moisture (n,) that depends on them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, p)).astype(np.float32)
    y = 0.25 + 0.05 * x[:, 0] + 0.03 * np.sin(2 * x[:, -1]) + 0.02 * generator.normal(size=n)
    return x, y


def write_forests(path: Path, dates: int = 2, n: int = 25, **changes: Any) -> Path:
    """A forest file of a few dates, trained on `n` rows each."""
    chosen = settings(**({"n_estimators": 3} | changes))
    with ModelWriter(
        path, NAMES, UNITS, "soil_moisture", "m3 m-3", chosen, "0.1.0", {"table": "matrix.gpkg"}
    ) as writer:
        for number in range(dates):
            day = DAY + timedelta(days=number)
            writer.add(day, train_forest(*rows(n, seed=number), chosen, day.toordinal()))
    return path


def write_cells(path: Path, n: int = 25) -> Path:
    """A forest file of three cells, each without another of six covariates, two of those derived."""
    chosen, names = settings(n_estimators=3), (*NAMES, "doy_sin", "doy_cos")
    keys = (CellKey(3, 7, 100.5, -3.0), CellKey(3, 8, 109.5, -3.0), CellKey(12, 0))
    with ModelWriter(
        path, names, UNITS, "sm", "m3 m-3", chosen, "0.1.0", None, "by cell", FeatureSettings(True)
    ) as writer:
        for number, key in enumerate(keys):
            x, y = rows(n, seed=number, p=6)
            columns = [column for column in range(6) if column != number]
            own = settings(n_estimators=3, max_features=1) if number == 1 else None
            trained = train_forest(x[:, columns], y, chosen, key_number(key))
            writer.add(key, trained, columns, own)
    return path


def members(path: Path) -> dict[str, bytes]:
    """All members of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path: Path, contents: dict[str, bytes]) -> Path:
    """A zip of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def tampered(
    path: Path,
    changes: dict[str, bytes] | None = None,
    edit: Callable[[dict[str, Any]], None] | None = None,
) -> Path:
    """The file with members and manifest changed, and sizes and checksums put right again."""
    contents = members(path) | (changes or {})
    manifest = json.loads(contents["manifest.json"])
    for forest in manifest["forests"]:
        for name, member in forest["members"].items():
            data = contents[f"forests/{forest['date']}/{name}"]
            member.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    if edit is not None:
        edit(manifest)
    contents["manifest.json"] = json.dumps(manifest).encode()
    return write_zip(path, contents)


def repacked(
    path: Path,
    changes: dict[str, bytes] | None = None,
    edit: Callable[[dict[str, Any]], None] | None = None,
) -> Path:
    """As `tampered`, for files of the second version."""
    contents = members(path) | (changes or {})
    manifest = json.loads(contents["manifest.json"])
    for forest in manifest["forests"]:
        data = contents[f"forests/r{forest['row']}_c{forest['col']}/forest.bin"]
        forest.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    if edit is not None:
        edit(manifest)
    contents["manifest.json"] = json.dumps(manifest).encode()
    return write_zip(path, contents)


class CancelAfter(Progress):
    """Cancelled from the `calls`-th question on."""

    def __init__(self, calls: int):
        self.calls, self.asked = calls, 0

    def is_cancelled(self) -> bool:
        self.asked += 1
        return self.asked > self.calls
