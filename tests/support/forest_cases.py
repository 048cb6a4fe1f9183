"""Small forests and ways to tamper with their files, for the tests of `core.forest`."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ForestWriter
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.forest.train import TrainedForest, train_forest
from smap_downscaler.methods.keys import CellKey, key_number

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


def growing(chosen: ForestSettings) -> Callable[..., TrainedForest]:
    """What `train_each` does with the rows of each key: a plain forest."""
    return lambda x, y, number, progress: train_forest(x, y, chosen, number, progress)


def rows(n: int, seed: int = 0, p: int = len(NAMES)) -> tuple[np.ndarray, np.ndarray]:
    """Covariates (n, p) float32 and a noisy soil moisture (n,) that depends on them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, p)).astype(np.float32)
    y = 0.25 + 0.05 * x[:, 0] + 0.03 * np.sin(2 * x[:, -1]) + 0.02 * generator.normal(size=n)
    return x, y


def write_forests(path: Path, dates: int = 2, n: int = 25, **changes: Any) -> Path:
    """A forest file of a few dates, trained on `n` rows each."""
    chosen = settings(**({"n_estimators": 3} | changes))
    with ForestWriter(
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
    with ForestWriter(
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
