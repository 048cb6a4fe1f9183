"""manifest.json of a model file: what the file says about itself, checked field by field.

Versions 1 and 2 are of forests; version 3 names its method, and its models bring members of any name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from ...base.errors import InputError
from ...base.matrix_columns import DERIVED, MOST_CELLS
from ..base import MOST_COVARIATES, Method, ModelFileError
from ..features import NO_FEATURES, FeatureSettings
from ..forest.codec import MEMBERS
from ..forest.method import RANDOM_FOREST
from ..keys import BY_CELL, BY_DATE, MODES, CellKey, Key, PooledKey, key_fields, key_path
from ..register import method_of
from ..skill import OF_INTERVALS, SCORES, OobScores

FORMAT = "smap-downscaler-forests"
#: Plain forests by date are of the first version, which older plugins read, other forests of the second.
FIRST_VERSION, PACKED_VERSION, VERSION = 1, 2, 3
MANIFEST = "manifest.json"
#: Bounds of what is read into memory: the manifest, and all members of one forest (some 55
#: million nodes).
MAX_BYTES = 2**26
MAX_MODEL_BYTES = 2**30
#: The one member of a forest in a file of the second version.
PACKED = "forest.bin"
#: Names of members that a method may choose.
_MEMBER_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\.(npy|json)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Member:
    """Size in bytes and SHA-256 (hexadecimal) of a member."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One forest.

    Parameters
    ----------
    key : Key
        What it is for.
    scores : OobScores or None
    members : dict
        Its members by name; in the second version `PACKED` alone.
    columns : tuple of int, or None
        Which of the file's covariates it has, ascending; None: all.
    settings : object or None
        What it was grown with, if that was chosen for it; None: the file's.
    """

    key: Key
    scores: OobScores | None
    members: dict[str, Member]
    columns: tuple[int, ...] | None = None
    settings: Any = None


@dataclass(frozen=True)
class Manifest:
    """All that a model file holds besides the models; `settings` are those of the method."""

    names: tuple[str, ...]
    units: dict[str, str]
    response: str
    response_unit: str
    settings: Any
    versions: dict[str, str]
    extra: dict[str, Any]
    entries: tuple[Entry, ...]
    mode: str = BY_DATE
    features: FeatureSettings = NO_FEATURES
    version: int = FIRST_VERSION
    method: Method = RANDOM_FOREST

    def to_json(self) -> bytes:
        """The bytes of manifest.json; equal manifests give equal bytes."""
        content = {
            "format": FORMAT,
            "version": self.version,
            "mode": self.mode,
            "covariates": [{"name": name, "unit": self.units[name]} for name in self.names],
            "response": {"name": self.response, "unit": self.response_unit},
            "settings": self.settings.as_dict(),
            "seed": self.settings.as_dict().get("seed"),
            "versions": self.versions,
            "extra": self.extra,
            "forests": [_entry_content(entry) for entry in self.entries],
        }
        if self.version == FIRST_VERSION:
            return json.dumps(content, sort_keys=True, allow_nan=False, ensure_ascii=True, indent=1).encode()
        content["features"] = self.features.as_dict()
        if self.version == VERSION:
            content["method"] = self.method.name
        return json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()


def _entry_content(entry: Entry) -> dict[str, Any]:
    key, members = entry.key, entry.members
    content: dict[str, Any] = key_fields(key)
    if entry.scores is not None:
        content["scores"] = entry.scores.as_dict()
    if isinstance(key, CellKey):
        content.update(x=key.x, y=key.y)
    if PACKED not in members:
        content["members"] = {
            name: {"size": member.size, "sha256": member.sha256} for name, member in members.items()
        }
    else:
        content.update(size=members[PACKED].size, sha256=members[PACKED].sha256)
    if entry.columns is not None:
        content["columns"] = list(entry.columns)
    if entry.settings is not None:
        content["settings"] = entry.settings.as_dict()
    return content


def member_path(key: Key, name: str, version: int) -> str:
    """Where a member of a model lies in the zip."""
    return f"{'models' if version == VERSION else 'forests'}/{key_path(key)}/{name}"


def check_names(names: Sequence[str]) -> None:
    """Raise `InputError` unless there is a covariate, and all have names that differ."""
    if not 1 <= len(names) <= MOST_COVARIATES:
        raise InputError(f"A model takes 1 to {MOST_COVARIATES} covariates, not {len(names)}.")
    if not all(names):
        raise InputError("A covariate has no name; name every band.")
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InputError(f"The covariate {name} is there twice; give every covariate its own name.")


def parse(data: bytes) -> Manifest:
    """The manifest in `data`.

    Raises
    ------
    ModelFileError
        With a clause (no file name yet) that says what is wrong.
    """
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ModelFileError("its manifest is not valid JSON") from error
    root = Fields(content, "")
    if root.text("format") != FORMAT:
        raise ModelFileError("its manifest is not that of a model file")
    version = root.whole("version")
    if version > VERSION:
        raise NewerVersionError(version)
    if version < FIRST_VERSION:
        raise ModelFileError(f"its format version {version} does not exist")
    mode = root.text("mode")
    if mode not in ((BY_DATE,) if version == FIRST_VERSION else MODES):
        raise ModelFileError(f"its mode {mode!r} is unknown")
    covariates = [Fields(item, "covariates") for item in root.list("covariates")]
    names = tuple(item.text("name") for item in covariates)
    response = root.object("response")
    method = method_of(root.text("method")) if version == VERSION else RANDOM_FOREST
    settings = _settings(root.object("settings"), method)
    try:
        check_names(names)
    except InputError as error:
        raise _wrong(error) from error
    if root.content.get("seed") != settings.as_dict().get("seed"):
        raise ModelFileError("its manifest is wrong at seed")
    versions = root.object("versions")
    return Manifest(
        names=names,
        units={name: item.text("unit") for name, item in zip(names, covariates)},
        response=response.text("name"),
        response_unit=response.text("unit"),
        settings=settings,
        versions={name: versions.text(name) for name in versions.content},
        extra=root.object("extra").content,
        entries=_entries(root.list("forests"), mode, version, len(names), method),
        mode=mode,
        features=NO_FEATURES if version == FIRST_VERSION else _features(root.object("features"), names),
        version=version,
        method=method,
    )


class NewerVersionError(ModelFileError):
    """The file has a format that this version of the plugin does not know yet."""

    def __init__(self, version: int):
        super().__init__(f"format version {version}, newer than {VERSION}")
        self.version = version


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _wrong(error: InputError) -> ModelFileError:
    return ModelFileError(f"its manifest is wrong ({str(error).rstrip('.')})")


def _settings(item: Fields, method: Method) -> Any:
    try:
        return method.read_settings(item.content)
    except InputError as error:
        raise _wrong(error) from error
    except TypeError as error:
        raise ModelFileError("its manifest is wrong at settings") from error


def _features(item: Fields, names: Sequence[str]) -> FeatureSettings:
    if set(item.content) != {field.name for field in fields(FeatureSettings)}:
        raise ModelFileError("its manifest is wrong at features")
    flags, farthest = (item.flag("day_of_year"), item.flag("neighbours")), item.whole("farthest")
    try:
        features = FeatureSettings(*flags, farthest)
    except InputError as error:
        raise _wrong(error) from error
    derived = features.names
    # They stand behind the other covariates.
    if tuple(name for name in names if name in DERIVED) != derived or (
        derived and tuple(names[-len(derived) :]) != derived
    ):
        raise ModelFileError("its manifest is wrong at features")
    return features


def _entries(items: list[Any], mode: str, version: int, covariates: int, method: Method) -> tuple[Entry, ...]:
    if not items:
        raise ModelFileError(f"it holds no {method.noun}")
    entries = tuple(_entry(Fields(item, "forests"), mode, version, covariates, method) for item in items)
    if len({entry.key for entry in entries}) < len(entries):
        what = {BY_DATE: "date", BY_CELL: "cell"}.get(mode, f"pooled {method.noun}")
        raise ModelFileError(f"its manifest names a {what} twice")
    return entries


def _entry(item: Fields, mode: str, version: int, covariates: int, method: Method) -> Entry:
    if version == FIRST_VERSION:
        return Entry(_date(item), _scores(item.object("scores")), _members(item, version))
    columns = item.list("columns") if "columns" in item.content else None
    without_scores = version == VERSION and "scores" not in item.content
    return Entry(
        _key(item, mode),
        None if without_scores else _scores(item.object("scores")),
        _members(item, version),
        None if columns is None else _columns(columns, covariates),
        _settings(item.object("settings"), method) if "settings" in item.content else None,
    )


def _members(item: Fields, version: int) -> dict[str, Member]:
    if version == PACKED_VERSION:
        return {PACKED: _member(item)}
    members = item.object("members")
    if version == FIRST_VERSION and set(members.content) != set(MEMBERS):
        raise ModelFileError("its manifest is wrong at forests members")
    if not members.content or not all(_MEMBER_NAME.fullmatch(name) for name in members.content):
        raise ModelFileError("its manifest is wrong at forests members")
    names = MEMBERS if version == FIRST_VERSION else members.content
    return {name: _member(members.object(name)) for name in names}


def _key(item: Fields, mode: str) -> Key:
    if mode == BY_DATE:
        return _date(item)
    if mode != BY_CELL:
        return PooledKey()
    row, col = item.whole("row"), item.whole("col")
    if not (0 <= row < MOST_CELLS and 0 <= col < MOST_CELLS):
        raise ModelFileError("its manifest is wrong at forests row and col")
    x, y = (item.number(name) for name in ("x", "y"))
    return CellKey(row, col, x, y)


def _columns(columns: list[Any], covariates: int) -> tuple[int, ...]:
    whole = all(isinstance(column, int) and not isinstance(column, bool) for column in columns)
    if not columns or not whole or not 0 <= columns[0] <= columns[-1] < covariates:
        raise ModelFileError("its manifest is wrong at forests columns")
    if any(later <= earlier for earlier, later in zip(columns, columns[1:])):
        raise ModelFileError("its manifest is wrong at forests columns")
    return tuple(columns)


def _date(item: Fields) -> date:
    text = item.text("date")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ModelFileError("its manifest is wrong at forests date") from error
    if day.isoformat() != text:
        raise ModelFileError("its manifest is wrong at forests date")
    return day


def _member(item: Fields) -> Member:
    size, sha256 = item.whole("size"), item.text("sha256")
    if size < 0 or not _SHA256.fullmatch(sha256):
        raise ModelFileError("its manifest is wrong at forests members")
    return Member(size, sha256)


def _scores(item: Fields) -> OobScores:
    n, n_scored = item.whole("n"), item.whole("n_scored")
    if n < 2 or not 0 <= n_scored <= n:
        raise ModelFileError("its manifest is wrong at scores n")
    names = (*SCORES, *(name for name in OF_INTERVALS if name in item.content))
    found = {name: item.number(name) for name in names}
    values = {name: math.nan if value is None else value for name, value in found.items()}
    return OobScores(n=n, n_scored=n_scored, **values)


class Fields:
    """A JSON object whose fields are asked for by type; anything else is an error with its name."""

    def __init__(self, content: Any, where: str):
        self._where = where
        if not isinstance(content, dict):
            raise ModelFileError(f"its manifest is wrong at {where or 'the top'}")
        self.content: dict[str, Any] = content

    def _get(self, name: str, kind: type) -> Any:
        value = self.content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ModelFileError(f"its manifest is wrong at {f'{self._where} {name}'.strip()}")
        return value

    def text(self, name: str) -> str:
        value: str = self._get(name, str)
        return value

    def whole(self, name: str) -> int:
        value: int = self._get(name, int)
        return value

    def flag(self, name: str) -> bool:
        value = self.content.get(name)
        if not isinstance(value, bool):
            raise ModelFileError(f"its manifest is wrong at {self._where} {name}")
        return value

    def number(self, name: str) -> float | None:
        """A finite number, or None for null."""
        value = self.content.get(name, "")
        if value is None:
            return None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not _is_finite(value):
            raise ModelFileError(f"its manifest is wrong at {self._where} {name}")
        return float(value)

    def list(self, name: str) -> list[Any]:
        value: list[Any] = self._get(name, list)
        return value

    def object(self, name: str) -> Fields:
        return Fields(self._get(name, dict), name)


def _is_finite(value: float) -> bool:
    """Whether a JSON number fits a float (whole ones may have any length)."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
