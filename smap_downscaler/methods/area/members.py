"""An area-to-point model as the bytes of .npy files and one of JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...geo.grid import grid_from
from ..base import ModelFileError
from ..npy import from_npy, to_npy
from .core import Core
from .dated import Dated
from .footprint import Footprint
from .levels import Answer, Half, Level
from .likelihood import Fit
from .moments import Moments
from .settings import read_settings
from .subcells import SubCells
from .terms import Columns, Scales, Terms
from .windows import Window

_NUMBERS = "model.json"


def encode(core: Core) -> dict[str, bytes]:
    """Bytes by member name.  Equal models give equal bytes."""
    out = _Out()
    moments, subcells = core.moments, core.subcells
    content: dict[str, Any] = {
        "settings": core.settings.as_dict(),
        "grid": asdict(core.grid),
        "names": list(core.names),
        "static": list(core.static),
        "dated": list(core.dated_names),
        "subcells": asdict(subcells),
        "columns": asdict(moments.columns),
        "left_out": moments.left_out,
        "pixel_km": list(moments.pixel_km),
        "footprint": [core.footprint.km, sorted(core.footprint.values.items()), core.footprint.note],
        "two_levels": core.two_levels,
        "skipped": sorted(core.skipped.items()),
        "windows": [asdict(one) for one in core.windows],
        "likelihoods": sorted(core.likelihoods.items()),
        "noise": core.noise,
        "gap_sd": core.gap_sd,
        "terms": out.terms("static", moments.terms),
        "dated_terms": None if core.dated is None else out.terms("dated", core.dated.terms),
        "with_products": core.dated is not None and core.dated.with_products,
        "levels": [out.level(number, level) for number, level in enumerate(core.levels)],
        "dated_design": core.dated_design is not None,
        "first": None if core.first is None else _fit(core.first),
    }
    out.put("scatter", moments.scatter)
    out.put("days", core.days, "<i8")
    out.put("wetness", core.wetness)
    out.put("cells", core.cells, "<i8")
    out.put("cube", core.cube)
    out.put("design", core.design, "<f4")
    out.put("mean_of_dated", core.mean_of_dated, "<f4")
    if core.dated is not None:
        out.put("reference", core.dated.reference, "<f4")
    if core.dated_design is not None:
        out.put("dated_design", core.dated_design, "<f4")
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return {_NUMBERS: text.encode(), **out.members}


def _fit(fit: Fit) -> dict[str, Any]:
    return {"noise": fit.noise.tolist(), "groups": fit.groups.tolist(), "value": fit.value}


class _Out:
    def __init__(self) -> None:
        self.members: dict[str, bytes] = {}

    def put(self, name: str, array: np.ndarray, dtype: str = "<f8") -> None:
        self.members[f"{name}.npy"] = to_npy(np.ascontiguousarray(array), dtype)

    def terms(self, name: str, terms: Terms) -> dict[str, Any]:
        self.put(f"{name}_mean", terms.scales.mean)
        self.put(f"{name}_sd", terms.scales.sd)
        self.put(f"{name}_knots", terms.scales.knots)
        self.put(f"{name}_splines", np.concatenate([np.zeros((7, 0)), *terms.splines], axis=1))
        self.put(f"{name}_pairs", terms.pairs, "<i8")
        self.put(f"{name}_pair_mean", terms.pair_mean)
        self.put(f"{name}_pair_sd", terms.pair_sd)
        return {"kinds": list(terms.kinds), "splines": [one.shape[1] for one in terms.splines]}

    def level(self, number: int, level: Level) -> dict[str, Any]:
        halves = {"full": level.full, "plain": level.plain}
        found = {
            name: self._half(f"level{number}_{name}", half)
            for name, half in halves.items()
            if half is not None
        }
        return {"hurst": level.hurst, **found}

    def _half(self, name: str, half: Half) -> dict[str, Any]:
        for number, one in enumerate(half.answers):
            own = f"{name}_{number}"
            self.put(f"{own}_b", one.b)
            self.put(f"{own}_s", one.s)
            self.put(f"{own}_index", one.index, "<i8")
            self.put(f"{own}_means", one.means)
            self.put(f"{own}_alphas", one.alphas)
        return {
            **_fit(half.fit),
            "of_columns": [int(group) for group in half.groups],
            "answers": [[one.snr] for one in half.answers],
        }


def decode(members: Mapping[str, bytes], names: Sequence[str]) -> Core:
    """The model of its members.

    Raises
    ------
    ModelFileError
        If it is damaged, or of other covariates.
    """
    try:
        core = _In(members).core()
    except (KeyError, IndexError, TypeError, ValueError, RecursionError, AttributeError, InputError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            "The model is damaged: its numbers are not those of an area-to-point model."
        ) from error
    if core.names != tuple(names):
        raise ModelFileError("The model is damaged: it is of other covariates than its file.")
    return core


class _In:
    def __init__(self, members: Mapping[str, bytes]):
        self._members = members
        self._content = json.loads(members[_NUMBERS].decode("utf-8"), parse_constant=_refuse)

    def _get(self, name: str, shape: tuple[int, ...], dtype: str = "<f8", nan: bool = False) -> np.ndarray:
        """An array of that shape, all of it finite (or NaN where that means missing)."""
        found = from_npy(self._members[f"{name}.npy"], name, dtype, len(shape))
        if found.shape != shape:
            raise ModelFileError(f"The model is damaged: its array {name} is {found.shape}, not {shape}.")
        good = ~np.isinf(found) if nan else np.isfinite(found)
        if not good.all():
            raise ModelFileError(f"The model is damaged: its array {name} is not finite.")
        kind = {"<i8": np.int64, "<f4": np.float32}.get(dtype, np.float64)
        return np.array(found, kind)

    def core(self) -> Core:
        content = self._content
        grid = grid_from(content["grid"])
        if grid is None:
            raise ModelFileError("The model is damaged: it has no SMAP grid.")
        frame = content["subcells"]
        subcells = SubCells(
            _pair(frame["corner"], int),
            _pair(frame["shape"], int),
            int(frame["parts"]),
            _pair(frame["cell_km"], float),
        )
        if min(*subcells.shape, subcells.parts, *subcells.cell_km) <= 0 or subcells.parts % 2 == 0:
            raise ModelFileError("The model is damaged: its sub-cells are none.")
        raw = content["columns"]
        columns = Columns(tuple(int(one) for one in raw["sources"]), tuple(raw["codes"]), tuple(raw["names"]))
        static, dated_names = tuple(content["static"]), tuple(content["dated"])
        if columns.sources and not 0 <= min(columns.sources) <= max(columns.sources) < len(static):
            raise ModelFileError("The model is damaged: its columns are not those of its covariates.")
        terms = self._terms(
            "static", content["terms"], len(columns.sources) if content["terms"]["kinds"] else 0
        )
        width = terms.width()
        n = self._length("cells")
        dates = self._length("days")
        km, values, note = content["footprint"]
        moments = Moments(
            subcells,
            columns,
            terms,
            {str(name): str(why) for name, why in content["left_out"].items()},
            np.zeros((0, 0)),
            np.zeros((0, 0, 0)),
            np.zeros((0, 0, 0)),
            self._get("scatter", (width, width)),
            _pair(content["pixel_km"], float),
        )
        dated, mean_width = None, 0
        if content["dated_terms"] is not None:
            own = self._terms("dated", content["dated_terms"], len(dated_names))
            mean_width = own.width()
            reference = self._get("reference", (*subcells.fine_shape, mean_width + len(dated_names)), "<f4")
            empty = np.zeros((0, 0, 0, 0), np.float32)
            dated = Dated(
                dated_names, own, bool(content["with_products"]), empty, reference.astype(np.float64)
            )
        dated_design = None
        if content["dated_design"] and dated is not None:
            dated_design = self._get("dated_design", (dates, n, dated.width(len(terms.scales.mean))), "<f4")
        windows = [
            Window(_pair(one["rows"], int), _pair(one["cols"], int), _four(one["ramps"]))
            for one in content["windows"]
        ]
        two_levels = bool(content["two_levels"])
        levels = tuple(
            self._level(number, one, len(windows), dates if number or not two_levels else 1, n)
            for number, one in enumerate(content["levels"])
        )
        cells = self._get("cells", (n, 2), "<i8")
        if len(levels) != 1 + two_levels or not windows or not n or not dates:
            raise ModelFileError("The model is damaged: it has no levels.")
        if (cells < 0).any() or (cells >= subcells.shape).any():
            raise ModelFileError("The model is damaged: its cells lie elsewhere.")
        return Core(
            read_settings(content["settings"]),
            grid,
            tuple(content["names"]),
            static,
            dated_names,
            moments,
            dated,
            Footprint(_number(km), {_number(one): _number(two) for one, two in values}, str(note)),
            two_levels,
            self._get("days", (dates,), "<i8"),
            self._get("wetness", (dates,)),
            {int(day): str(why) for day, why in content["skipped"]},
            cells,
            self._get("cube", (dates, n), nan=True),
            self._fit(content["first"]) if two_levels else None,
            self._get("design", (n, width), "<f4").astype(np.float64),
            dated_design,
            self._get("mean_of_dated", (n, mean_width if two_levels else 0), "<f4").astype(np.float64),
            windows,
            levels,
            {_number(one): _number(two) for one, two in content["likelihoods"]},
            _number(content["noise"]),
            _number(content["gap_sd"]),
        )

    def _length(self, name: str) -> int:
        dimensions = 2 if name == "cells" else 1
        return int(from_npy(self._members[f"{name}.npy"], name, "<i8", dimensions).shape[0])

    def _terms(self, name: str, content: dict[str, Any], p: int) -> Terms:
        widths = [int(one) for one in content["splines"]]
        if len(widths) != p:
            raise ModelFileError("The model is damaged: its terms are not those of its covariates.")
        sd = self._get(f"{name}_sd", (p,))
        if (sd <= 0).any():
            raise ModelFileError("The model is damaged: a covariate has no spread.")
        scales = Scales(self._get(f"{name}_mean", (p,)), sd, self._get(f"{name}_knots", (p, 5)))
        splines = np.split(self._get(f"{name}_splines", (7, sum(widths))), np.cumsum(widths)[:-1], axis=1)
        q = len(from_npy(self._members[f"{name}_pair_mean.npy"], name, "<f8", 1))
        pairs = self._get(f"{name}_pairs", (q, 2), "<i8")
        if q and not 0 <= pairs.min() <= pairs.max() < p:
            raise ModelFileError("The model is damaged: its products are not those of its covariates.")
        return Terms(
            scales,
            tuple(content["kinds"]),
            tuple(splines) if p else (),
            pairs,
            self._get(f"{name}_pair_mean", (q,)),
            self._get(f"{name}_pair_sd", (q,)),
        )

    def _level(self, number: int, content: dict[str, Any], windows: int, dates: int, cells: int) -> Level:
        halves = {
            name: self._half(f"level{number}_{name}", content[name], windows, dates, cells)
            for name in ("full", "plain")
            if name in content
        }
        return Level(_number(content["hurst"]), halves.get("full"), halves["plain"])

    def _half(self, name: str, content: dict[str, Any], windows: int, dates: int, cells: int) -> Half:
        of_columns = np.array(content["of_columns"], np.int64)
        k = len(of_columns)
        fit = self._fit(content)
        groups = fit.groups
        if len(content["answers"]) != windows or (
            k and not 0 <= of_columns.min() <= of_columns.max() < len(groups)
        ):
            raise ModelFileError("The model is damaged: its levels are not those of its windows.")
        answers = []
        for number, (snr, *_) in enumerate(content["answers"]):
            own = f"{name}_{number}"
            m = len(from_npy(self._members[f"{own}_index.npy"], own, "<i8", 1))
            index = self._get(f"{own}_index", (m,), "<i8")
            if m and not 0 <= index.min() <= index.max() < cells:
                raise ModelFileError("The model is damaged: a window has cells that are none.")
            answers.append(
                Answer(
                    self._get(f"{own}_b", (k,)),
                    self._get(f"{own}_s", (k, k)),
                    index,
                    self._get(f"{own}_means", (dates,), nan=True),
                    self._get(f"{own}_alphas", (dates, m)),
                    np.full((dates, m), np.nan),
                    np.full((dates, m), np.nan),
                    _number(snr),
                )
            )
        return Half(fit, of_columns, tuple(answers))

    def _fit(self, content: dict[str, Any]) -> Fit:
        noise, groups = (np.array([_number(one) for one in content[name]]) for name in ("noise", "groups"))
        return Fit(noise, groups, _number(content["value"]), True)


def _four(value: Any) -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(_number(one)) for one in value)
    return first, second, third, fourth


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)


def _pair(value: Any, kind: type) -> Any:
    first, second = value
    return kind(_number(first)), kind(_number(second))
