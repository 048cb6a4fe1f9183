"""manifest.json of a forest file: what the file says about itself, checked field by field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from ..errors import InputError
from .arrays import MAX_FEATURES, ForestFileError
from .codec import MEMBERS
from .oob import OobScores
from .settings import ForestSettings

FORMAT = "smap-downscaler-forests"
VERSION = 1
MANIFEST = "manifest.json"
#: Bounds of what is read into memory: the manifest, and all members of one forest (some 55
#: million nodes).
MAX_BYTES = 2**26
MAX_FOREST_BYTES = 2**30
BY_DATE = "by date"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Member:
    """Size in bytes and SHA-256 (hexadecimal) of a member."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One forest: its date, its scores and its members by name (the keys of `codec.MEMBERS`)."""

    day: date
    scores: OobScores
    members: dict[str, Member]


@dataclass(frozen=True)
class Manifest:
    """All that a forest file tells besides the trees."""

    names: tuple[str, ...]
    units: dict[str, str]
    response: str
    response_unit: str
    settings: ForestSettings
    versions: dict[str, str]
    extra: dict[str, Any]
    entries: tuple[Entry, ...]
    mode: str = BY_DATE

    def to_json(self) -> bytes:
        """The bytes of manifest.json; equal manifests give equal bytes."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "mode": self.mode,
            "covariates": [{"name": name, "unit": self.units[name]} for name in self.names],
            "response": {"name": self.response, "unit": self.response_unit},
            "settings": self.settings.as_dict(),
            "seed": self.settings.seed,
            "versions": self.versions,
            "extra": self.extra,
            "forests": [
                {
                    "date": entry.day.isoformat(),
                    "scores": entry.scores.as_dict(),
                    "members": {
                        name: {"size": member.size, "sha256": member.sha256}
                        for name, member in entry.members.items()
                    },
                }
                for entry in self.entries
            ],
        }
        return json.dumps(content, sort_keys=True, allow_nan=False, ensure_ascii=True, indent=1).encode()


def member_path(day: date, name: str) -> str:
    """Where a member of a date's forest lies in the zip."""
    return f"forests/{day.isoformat()}/{name}"


def check_names(names: Sequence[str]) -> None:
    """Raise `InputError` unless there is a covariate, and all have names that differ."""
    if not 1 <= len(names) <= MAX_FEATURES:
        raise InputError(f"A forest takes 1 to {MAX_FEATURES} covariates, not {len(names)}.")
    if not all(names):
        raise InputError("A covariate has no name; name every band.")
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InputError(f"The covariate {name} is there twice; give every covariate its own name.")


def parse(data: bytes) -> Manifest:
    """The manifest in `data`.

    Raises
    ------
    ForestFileError
        With a clause (no file name yet) that says what is wrong.
    """
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ForestFileError("its manifest is not valid JSON") from error
    root = _Fields(content, "")
    if root.text("format") != FORMAT:
        raise ForestFileError("its manifest is not that of a forest file")
    version = root.whole("version")
    if version > VERSION:
        raise NewerVersionError(version)
    if version != VERSION:
        raise ForestFileError(f"its format version {version} does not exist")
    if root.text("mode") != BY_DATE:
        raise ForestFileError(f"its mode {root.text('mode')!r} is unknown")
    covariates = [_Fields(item, "covariates") for item in root.list("covariates")]
    names = tuple(item.text("name") for item in covariates)
    response = root.object("response")
    chosen = _settings_fields(root.object("settings"))
    try:
        check_names(names)
        settings = ForestSettings(**chosen)
    except InputError as error:
        raise ForestFileError(f"its manifest is wrong ({str(error).rstrip('.')})") from error
    if root.whole("seed") != settings.seed:
        raise ForestFileError("its manifest is wrong at seed")
    versions = root.object("versions")
    return Manifest(
        names=names,
        units={name: item.text("unit") for name, item in zip(names, covariates)},
        response=response.text("name"),
        response_unit=response.text("unit"),
        settings=settings,
        versions={name: versions.text(name) for name in versions.content},
        extra=root.object("extra").content,
        entries=_entries(root.list("forests")),
    )


class NewerVersionError(ForestFileError):
    """The file has a format that this version of the plugin does not know yet."""

    def __init__(self, version: int):
        super().__init__(f"format version {version}, newer than {VERSION}")
        self.version = version


class _Fields:
    """A JSON object whose fields are asked for by type; anything else is an error with its name."""

    def __init__(self, content: Any, where: str):
        self._where = where
        if not isinstance(content, dict):
            raise ForestFileError(f"its manifest is wrong at {where or 'the top'}")
        self.content: dict[str, Any] = content

    def _get(self, name: str, kind: type) -> Any:
        value = self.content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ForestFileError(f"its manifest is wrong at {f'{self._where} {name}'.strip()}")
        return value

    def text(self, name: str) -> str:
        value: str = self._get(name, str)
        return value

    def whole(self, name: str) -> int:
        value: int = self._get(name, int)
        return value

    def list(self, name: str) -> list[Any]:
        value: list[Any] = self._get(name, list)
        return value

    def object(self, name: str) -> _Fields:
        return _Fields(self._get(name, dict), name)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _settings_fields(settings: _Fields) -> dict[str, Any]:
    expected = {field.name for field in fields(ForestSettings)}
    if set(settings.content) != expected:
        raise ForestFileError("its manifest is wrong at settings")
    return settings.content


def _entries(items: list[Any]) -> tuple[Entry, ...]:
    if not items:
        raise ForestFileError("it holds no forest")
    entries = tuple(_entry(_Fields(item, "forests")) for item in items)
    if len({entry.day for entry in entries}) < len(entries):
        raise ForestFileError("its manifest names a date twice")
    return entries


def _entry(item: _Fields) -> Entry:
    text = item.text("date")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ForestFileError("its manifest is wrong at forests date") from error
    if day.isoformat() != text:
        raise ForestFileError("its manifest is wrong at forests date")
    members = item.object("members")
    if set(members.content) != set(MEMBERS):
        raise ForestFileError("its manifest is wrong at forests members")
    return Entry(
        day, _scores(item.object("scores")), {name: _member(members.object(name)) for name in MEMBERS}
    )


def _member(item: _Fields) -> Member:
    size, sha256 = item.whole("size"), item.text("sha256")
    if size < 0 or not _SHA256.fullmatch(sha256):
        raise ForestFileError("its manifest is wrong at forests members")
    return Member(size, sha256)


def _scores(item: _Fields) -> OobScores:
    n, n_scored = item.whole("n"), item.whole("n_scored")
    if n < 2 or not 0 <= n_scored <= n:
        raise ForestFileError("its manifest is wrong at scores n")
    values = {name: _score(item, name) for name in ("rmse", "mae", "bias", "r2", "pearson_r2")}
    return OobScores(n=n, n_scored=n_scored, **values)


def _score(item: _Fields, name: str) -> float:
    value = item.content.get(name, "")
    if value is None:
        return math.nan
    if not isinstance(value, int | float) or isinstance(value, bool) or not _is_finite(value):
        raise ForestFileError(f"its manifest is wrong at scores {name}")
    return float(value)


def _is_finite(value: float) -> bool:
    """Whether a JSON number fits a float (whole ones may have any length)."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
