"""Writing the model file, one model after the other."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.part_files import part_name, remove_leftovers
from ...base.progress import SILENT, Progress
from ...base.threads import interruptible_if
from ..base import Method, Model
from ..features import NO_FEATURES, FeatureSettings
from ..forest import codec
from ..forest.method import RANDOM_FOREST
from ..keys import BY_CELL, BY_DATE, Key, key_label, mode_of
from .manifest import (
    FIRST_VERSION,
    MANIFEST,
    MAX_BYTES,
    MAX_MODEL_BYTES,
    PACKED,
    PACKED_VERSION,
    VERSION,
    Entry,
    Manifest,
    Member,
    check_names,
    member_path,
)

SUFFIX = ".smapforest"
#: Level 4 packs as well as 6 to 3 %, in a third of the time.
_DEFLATE_LEVEL = 4
#: The first moment a zip knows: equal forests must give equal bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
#: Bytes that are packed between two looks at the cancel button: some hundredths of a second.
BYTES_A_PIECE = 4 * 2**20


class ModelWriter:
    """Writes a model file, one model after the other.

    Used in a ``with`` block: the file is written beside under a temporary name and takes its own
    name at the end of the block; an exception in the block, a cancel included, removes it.

    Parameters
    ----------
    path : path of the file to write
    names : sequence of str
        Covariates in the order of the columns that the forests were trained on, derived ones last.
    units : mapping
        Unit by covariate; empty where unknown.
    response, response_unit : str
        Name and unit of the response.
    settings : object
        What the models were fitted with, as its method knows it.
    plugin_version : str
        Version of the plugin.
    extra : mapping, optional
        Anything else worth keeping (inputs...), as JSON can hold it.
    mode : str
        "by date", "by cell" or "pooled": which keys `add` takes.
    features : FeatureSettings
        Which of the covariates are derived.
    tuned : bool
        Whether models come with settings of their own.
    method : Method
    trust : bool
        Whether forests come with what `Wishes.trust` keeps.

    Raises
    ------
    InputError
        Names that are empty or not unique, a folder that cannot be written to, a full disk.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        names: Sequence[str],
        units: Mapping[str, str],
        response: str,
        response_unit: str,
        settings: Any,
        plugin_version: str,
        extra: Mapping[str, Any] | None = None,
        mode: str = BY_DATE,
        features: FeatureSettings = NO_FEATURES,
        tuned: bool = False,
        method: Method = RANDOM_FOREST,
        trust: bool = False,
    ):
        check_names(names)
        self.path = Path(path)
        self._names = tuple(names)
        self._units = {name: units.get(name, "") for name in names}
        self._response, self._response_unit = response, response_unit
        self._settings = settings
        self._versions = _versions(plugin_version)
        # Through JSON now: what it cannot hold must fail before hours of training.
        self._extra: dict[str, Any] = json.loads(json.dumps(dict(extra or {}), allow_nan=False))
        self._mode, self._features = mode, features
        plain = mode == BY_DATE and not features.names and not tuned
        self._method = method
        if method is not RANDOM_FOREST or trust:
            self._version = VERSION
        else:
            self._version = FIRST_VERSION if plain else PACKED_VERSION
        self._entries: dict[Key, Entry] = {}
        self._temporary = part_name(self.path, secrets.token_hex(6), self.path.suffix)

    def __enter__(self) -> ModelWriter:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.path, self.path.suffix)
            self._stream = self._temporary.open("xb")
        except OSError as error:
            raise self._unwritable(error) from error
        self._zip = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as problem:
            raise self._unwritable(problem) from problem
        finally:
            self._clear()

    def add(
        self,
        key: Key,
        model: Model,
        columns: Sequence[int] | None = None,
        settings: Any = None,
        progress: Progress = SILENT,
    ) -> None:
        """Add a model; refuses one whose key is already there.  A cancel is heard within a second.

        Parameters
        ----------
        key : Key
            What it is for; a date, in a file by date.
        model : Model
        columns : sequence of int, optional
            Which of the file's covariates it has, ascending; without it all.
        settings : object, optional
            What was chosen for it, if that differs from forest to forest.
        """
        label = key_label(key)
        if mode_of(key) != self._mode:
            raise ValueError(f"a forest of {label} does not belong into a file {self._mode}")
        if self._version == FIRST_VERSION and not (columns is None and settings is None):
            raise ValueError("forests with columns or settings of their own are written as tuned or by cell")
        if key in self._entries:
            what = {BY_DATE: "date", BY_CELL: "cell"}.get(self._mode, self._method.noun)
            noun = self._method.noun
            raise InputError(f"The {what} {label} is there twice; only one {noun} per {what} is kept.")
        covariates = len(self._names) if columns is None else len(columns)
        prepared = interruptible_if(
            model.is_large, partial(self._prepared, label, model, covariates), progress
        )
        members = {}
        try:
            for name, (data, checksum) in prepared.items():
                self._write(member_path(key, name, self._version), data, progress)
                members[name] = Member(len(data), checksum)
        except OSError as error:
            raise self._unwritable(error) from error
        kept = None if columns is None else tuple(int(column) for column in columns)
        self._entries[key] = Entry(key, model.scores, members, kept, settings)

    def keep(self, name: str, content: Any) -> None:
        """Keep something more in `extra` that was not known at the beginning, as JSON can hold it."""
        self._extra[name] = json.loads(json.dumps(content, allow_nan=False))

    def _prepared(self, label: str, model: Model, covariates: int) -> dict[str, tuple[bytes, str]]:
        """Bytes and checksum of each member of a model; touches nothing of the writer."""
        encoded = model.members(covariates)
        if sum(map(len, encoded.values())) > MAX_MODEL_BYTES:
            raise InputError(
                f"The {self._method.noun} of {label} is too large for a file; {self._method.smaller}."
            )
        if self._version == PACKED_VERSION:
            encoded = {PACKED: codec.pack(encoded)}
        return {name: (data, hashlib.sha256(data).hexdigest()) for name, data in encoded.items()}

    def _finish(self) -> None:
        if not self._entries:
            what = {BY_DATE: "no date", BY_CELL: "no cell"}.get(self._mode, "nothing")
            raise InputError(
                f"{self.path} was not written: {what} had enough data to train a {self._method.noun}."
            )
        manifest = Manifest(
            names=self._names,
            units=self._units,
            response=self._response,
            response_unit=self._response_unit,
            settings=self._settings,
            versions=self._versions,
            extra=self._extra,
            entries=tuple(self._entries[key] for key in sorted(self._entries)),
            mode=self._mode,
            features=self._features,
            version=self._version,
            method=self._method,
        ).to_json()
        if len(manifest) > MAX_BYTES:
            what = "cells" if self._mode == BY_CELL else "dates"
            raise InputError(
                f"{self.path} was not written: too many {what} for one file; train them in parts."
            )
        self._write(MANIFEST, manifest)
        self._zip.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        os.replace(self._temporary, self.path)

    def _write(self, name: str, data: bytes, progress: Progress = SILENT) -> None:
        info = zipfile.ZipInfo(name, _ZIP_TIME)
        info.create_system = _UNIX
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        # What `writestr` does, which packs all at once; `open` takes no level otherwise.
        info._compresslevel = _DEFLATE_LEVEL  # type: ignore[attr-defined]
        info.file_size = len(data)
        view = memoryview(data)
        with self._zip.open(info, "w") as member:
            for start in range(0, len(data), BYTES_A_PIECE):
                progress.check()
                member.write(view[start : start + BYTES_A_PIECE])

    def _clear(self) -> None:
        """Close what is open and remove the temporary file; after `_finish` there is none."""
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> InputError:
        reason = error.strerror or error
        return InputError(f"{self.path} could not be written ({reason}); choose another folder or make room.")


def _versions(plugin_version: str) -> dict[str, str]:
    import sklearn

    return {
        "numpy": np.__version__,
        "plugin": plugin_version,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
    }
