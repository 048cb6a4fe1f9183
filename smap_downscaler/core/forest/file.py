"""The forest file (.smapforest): all forests of a run in one zip of arrays and JSON.

Nothing in it is executable, and nothing of it is ever extracted to disk.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import TracebackType

import numpy as np

from ..errors import InputError
from . import codec
from .arrays import ForestFileError
from .container import Container
from .manifest import (
    MANIFEST,
    MAX_BYTES,
    MAX_FOREST_BYTES,
    Entry,
    Manifest,
    NewerVersionError,
    member_path,
    parse,
)
from .oob import OobScores
from .predict import Forest
from .writer import SUFFIX, ForestWriter

__all__ = ["SUFFIX", "ForestFile", "ForestWriter", "open_forests"]


class ForestFile:
    """An open forest file; close it, or use it in a ``with`` block.

    Several threads may `load` at once.  Made by `open_forests`.
    """

    def __init__(self, container: Container, manifest: Manifest):
        self._container = container
        self._manifest = manifest
        self._entries = {entry.day: entry for entry in manifest.entries}
        self.path = container.path
        self.mode = manifest.mode
        self.names = manifest.names
        self.units = dict(manifest.units)
        self.response = manifest.response
        self.response_unit = manifest.response_unit
        self.settings = manifest.settings
        self.versions = dict(manifest.versions)
        self.extra = dict(manifest.extra)
        self.dates = tuple(sorted(self._entries))

    def __enter__(self) -> ForestFile:
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

    def scores(self, day: date) -> OobScores:
        """Out-of-bag scores of a date's forest."""
        return self._entry(day).scores

    def load(self, day: date) -> Forest:
        """The forest of a date, read, checked and tried on its probe.

        Raises
        ------
        InputError
            No forest of that date; a member that was changed; damaged trees; a forest that does
            not give its stored predictions to the last bit.
        """
        entry = self._entry(day)
        members = {
            name: self._container.read(member_path(day, name), member.size, member.sha256)
            for name, member in entry.members.items()
        }
        try:
            arrays, probe_x, probe_y = codec.decode(members)
            forest = Forest(self.names, self.units, day, arrays, entry.scores)
        except ForestFileError as error:
            problem = str(error).rstrip(".")
            raise self._container.error(f"the forest of {day.isoformat()} is unusable ({problem})") from error
        if probe_x.shape[1] != len(self.names):
            raise self._container.error(
                f"the forest of {day.isoformat()} has {probe_x.shape[1]} covariates, not {len(self.names)}"
            )
        if not np.array_equal(forest.predict(probe_x), probe_y):
            raise self._container.error(
                f"the forest of {day.isoformat()} does not give the predictions stored with it"
            )
        return forest

    def _entry(self, day: date) -> Entry:
        entry = self._entries.get(day)
        if entry is None:
            raise InputError(
                f"{self.path} holds no forest of {day.isoformat()}; its {len(self.dates)} dates lie between "
                f"{self.dates[0].isoformat()} and {self.dates[-1].isoformat()}."
            )
        return entry


def open_forests(path: str | os.PathLike[str]) -> ForestFile:
    """Open a forest file and check all but the trees, which `ForestFile.load` checks one by one.

    Raises
    ------
    InputError
        One sentence that names the file: it does not exist, is not a forest file, is truncated or
        damaged, or is of a newer format.
    """
    container = Container(Path(path))
    try:
        manifest = _read_manifest(container)
        _compare(container, manifest)
    except BaseException:
        container.close()
        raise
    return ForestFile(container, manifest)


def _read_manifest(container: Container) -> Manifest:
    if MANIFEST not in container.sizes:
        raise ForestFileError(
            f"{container.path} is not a forest file (it holds no {MANIFEST}); "
            "choose what 'Train forests' wrote."
        )
    data = container.read(MANIFEST, MAX_BYTES)
    try:
        return parse(data)
    except NewerVersionError as error:
        raise ForestFileError(
            f"{container.path} was written by a newer version of the plugin (format {error.version}); "
            "update the plugin."
        ) from error
    except ForestFileError as error:
        raise container.error(str(error)) from error


def _compare(container: Container, manifest: Manifest) -> None:
    """The zip holds the members that the manifest names, in the sizes it states, and no other."""
    sizes = container.sizes
    del sizes[MANIFEST]
    for entry in manifest.entries:
        for name, member in entry.members.items():
            full = member_path(entry.day, name)
            size = sizes.pop(full, None)
            if size is None:
                raise container.error(f"the member {full} is missing")
            if size != member.size:
                raise container.error(f"the member {full} has {size:,} bytes in place of {member.size:,}")
        claimed = sum(member.size for member in entry.members.values())
        if claimed > MAX_FOREST_BYTES:
            raise container.error(
                f"the forest of {entry.day.isoformat()} claims {claimed:,} bytes, "
                f"more than {MAX_FOREST_BYTES:,}"
            )
    if sizes:
        raise container.error(f"it holds the unexpected member {min(sizes)}")
