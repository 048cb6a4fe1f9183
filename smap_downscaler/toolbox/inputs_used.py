"""What went into a run, for the manifest of its report: files and series, each with a SHA-256."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..base.errors import InputError
from ..base.progress import Progress
from ..preflight.layer_check import dates_text
from ..runs.provenance import file_hash, files_hash, named_files, series_hash
from ..series.dated import DatedCovariate
from ..series.series import Series
from .values import Values

#: Larger files are not hashed: rasters of the whole earth could outlast the work on a corner.
_LARGEST = 1 << 30


def files_used(files: Mapping[str, str], progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of each file; a name without a file (empty) is told as it is.

    A VRT of rasters is hashed together with them.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    told: dict[str, object] = {}
    for name, path in files.items():
        told[name] = path
        behind = _files_of_vrt(path, progress)
        if behind:
            found = files_hash(behind, progress)
            told[f"{name}, SHA-256 of {found.of}"] = found.digest
        elif os.path.isfile(path):
            size = os.path.getsize(path)
            told[f"{name}, SHA-256"] = (
                file_hash(path, progress)
                if size <= _LARGEST
                else f"not worked out: the file is large ({size / 2**30:.1f} GiB)"
            )
    return told


def _files_of_vrt(path: str, progress: Progress) -> dict[str, str]:
    """Name by path of a VRT and of the rasters that it reads, since its text holds no values; else none."""
    if not path.lower().endswith(".vrt"):
        return {}
    try:
        return named_files([path], progress)
    except InputError:
        # It is one of tables.
        return {}


def layer_used(values: Values, name: str, parameter: str, progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of the file of the vector layer of a parameter, or the name of one without a file."""
    return files_used({name: values.layer_label(parameter)}, progress)


def series_used(named: Mapping[str, Series | None], progress: Progress) -> dict[str, object]:
    """Source, dates and SHA-256 of each series; of a large one the latter is that of names, sizes and times.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    told: dict[str, object] = {}
    for name, series in named.items():
        told[name] = f"{series.source} ({dates_text(series.dates)})" if series else ""
        if series:
            found = series_hash(series, progress)
            told[f"{name}, SHA-256 of {found.of}"] = found.digest
    return told


def dated_covariates_used(covariates: Sequence[DatedCovariate], progress: Progress) -> dict[str, object]:
    """What `series_used` tells of dated covariates, by their names, and which of them are rain."""
    told = series_used({dated.name: dated.series for dated in covariates}, progress)
    rain = [dated.name for dated in covariates if dated.is_rain]
    return {**told, "dated covariates that are rain": ", ".join(rain) or "none"} if covariates else told
