"""The model file (.smapforest, .smapmodel): all models of a run in one zip of arrays and JSON.

Nothing in it is executable, and nothing of it is ever extracted to disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from ...base.errors import InputError
from ...geo.grid import grid_from
from ..base import Model, ModelFileError, ModelMismatch
from ..coverage import coverages_from
from ..forest import codec
from ..keys import BY_CELL, BY_DATE, Key, key_label
from ..skill import OobScores
from .container import TRAINERS, Container
from .manifest import (
    MANIFEST,
    MAX_BYTES,
    MAX_MODEL_BYTES,
    PACKED,
    Entry,
    Manifest,
    NewerVersionError,
    member_path,
    parse,
)
from .writer import SUFFIX, ModelWriter

__all__ = ["SUFFIX", "ModelFile", "ModelWriter", "open_models"]


class ModelFile:
    """An open model file; close it, or use it in a ``with`` block.

    Several threads may `load` at once.  Made by `open_models`.

    Attributes
    ----------
    path : Path
    method : Method
    mode : str
        "by date", "by cell" or "pooled".
    keys : tuple of Key
        What there is a forest for, ascending.
    dates : tuple of datetime.date
        The keys of forests by date; empty in the other modes.
    names : tuple of str
        All covariates, the derived ones last; a forest by cell may have fewer.
    covariates : tuple of str
        Those that are not derived.
    features : FeatureSettings
        The derived ones.
    grid : Grid or None
        The SMAP grid, where the method needs coordinates.
    ranges : dict of str to tuple of float
        Lowest and highest value of covariates in the rows of the training, where the file says so.
    coverage : dict of date to Coverage
        Which part of the area the cells of a date cover, where the file says so.
    units, response, response_unit, settings, versions, extra
        As they were given to `ModelWriter`.
    """

    def __init__(self, container: Container, manifest: Manifest):
        self._container = container
        self._manifest = manifest
        self._entries = {entry.key: entry for entry in manifest.entries}
        self.path = container.path
        self.method = manifest.method
        self.mode = manifest.mode
        self.names = manifest.names
        self.features = manifest.features
        self.covariates = manifest.names[: len(manifest.names) - len(manifest.features.names)]
        self.units = dict(manifest.units)
        self.response = manifest.response
        self.response_unit = manifest.response_unit
        self.settings = manifest.settings
        self.versions = dict(manifest.versions)
        self.extra = dict(manifest.extra)
        self.grid = grid_from(manifest.extra.get("grid"))
        self.ranges = _ranges_from(manifest.extra.get("ranges"))
        self.coverage = coverages_from(manifest.extra.get("coverage"))
        self.keys: tuple[Key, ...] = tuple(sorted(self._entries))
        self.dates = tuple(key for key in self.keys if isinstance(key, date))

    @cached_property
    def digest(self) -> str:
        """A hash of what the file holds, wherever it lies: its manifest has those of all members."""
        return hashlib.sha256(self._container.read(MANIFEST, MAX_BYTES)).hexdigest()

    def __reduce__(self) -> tuple[Callable[[Path], ModelFile], tuple[Path]]:
        # Opened anew where it arrives.
        return open_models, (self.path,)

    def __enter__(self) -> ModelFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def scores(self, key: Key) -> OobScores | None:
        """The scores of a model, such as out-of-bag scores."""
        return self._entry(key).scores

    def settings_of(self, key: Key) -> Any:
        """What a model was fitted with: chosen for it alone, or the file's `settings`."""
        return self._entry(key).settings or self.settings

    def names_of(self, key: Key) -> tuple[str, ...]:
        """The covariates of a forest, in the order of its columns."""
        columns = self._entry(key).columns
        return self.names if columns is None else tuple(self.names[column] for column in columns)

    def load(self, key: Key) -> Model:
        """A model, read and checked.

        Parameters
        ----------
        key : Key
            One of `keys`; in a file by date simply the date.

        Raises
        ------
        InputError
            No such forest; a member that was changed; damaged trees; a forest that does not give
            its stored predictions to the last bit.
        """
        entry, names, label = self._entry(key), self.names_of(key), key_label(key)
        members = {
            name: self._container.read(
                member_path(key, name, self._manifest.version), member.size, member.sha256
            )
            for name, member in entry.members.items()
        }
        try:
            if PACKED in members:
                members = codec.unpack(members[PACKED])
            return self.method.load(members, names, entry.scores)
        except ModelMismatch as error:
            raise self._container.error(f"the {self.method.noun} of {label} {error}") from error
        except ModelFileError as error:
            problem = str(error).rstrip(".")
            raise self._container.error(
                f"the {self.method.noun} of {label} is unusable ({problem})"
            ) from error

    def _entry(self, key: Key) -> Entry:
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        noun = self.method.noun
        text = f"{self.path} holds no {noun} of {key_label(key)}"
        if self.mode == BY_DATE:
            first, last = self.dates[0].isoformat(), self.dates[-1].isoformat()
            raise InputError(f"{text}; its {len(self.dates)} dates lie between {first} and {last}.")
        if self.mode == BY_CELL:
            raise InputError(f"{text}; it has {noun}s of {len(self.keys):,} cells, not of this one.")
        raise InputError(f"{text}; it has one {noun} of all rows.")


def _ranges_from(content: Any) -> dict[str, tuple[float, float]]:
    """What `ModelWriter` was given; what is no range is left out."""
    found: dict[str, tuple[float, float]] = {}
    for name, ends in content.items() if isinstance(content, dict) else ():
        if isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, (int, float)) for end in ends):
            found[name] = (ends[0], ends[1])
    return found


def open_models(path: str | os.PathLike[str]) -> ModelFile:
    """Open a model file and check all but the models, which `ModelFile.load` checks one by one.

    Raises
    ------
    InputError
        One sentence that names the file: it does not exist, is not a model file, is truncated or
        damaged, or is of a newer format.
    """
    container = Container(Path(path))
    try:
        manifest = _read_manifest(container)
        _compare(container, manifest)
    except BaseException:
        container.close()
        raise
    return ModelFile(container, manifest)


def _read_manifest(container: Container) -> Manifest:
    if MANIFEST not in container.sizes:
        raise ModelFileError(
            f"{container.path} is not a model file (it holds no {MANIFEST}); choose what {TRAINERS} wrote."
        )
    data = container.read(MANIFEST, MAX_BYTES)
    try:
        return parse(data)
    except NewerVersionError as error:
        raise ModelFileError(
            f"{container.path} was written by a newer version of the plugin (format {error.version}); "
            "update the plugin."
        ) from error
    except ModelFileError as error:
        raise container.error(str(error)) from error


def _compare(container: Container, manifest: Manifest) -> None:
    """The zip holds the members that the manifest names, in the sizes it states, and no other."""
    sizes = container.sizes
    del sizes[MANIFEST]
    for entry in manifest.entries:
        for name, member in entry.members.items():
            full = member_path(entry.key, name, manifest.version)
            size = sizes.pop(full, None)
            if size is None:
                raise container.error(f"the member {full} is missing")
            if size != member.size:
                raise container.error(f"the member {full} has {size:,} bytes in place of {member.size:,}")
        claimed = sum(member.size for member in entry.members.values())
        if claimed > MAX_MODEL_BYTES:
            raise container.error(
                f"the {manifest.method.noun} of {key_label(entry.key)} claims {claimed:,} bytes, "
                f"more than {MAX_MODEL_BYTES:,}"
            )
    if sizes:
        raise container.error(f"it holds the unexpected member {min(sizes)}")
