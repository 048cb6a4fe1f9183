"""What maps are made from, whether it fits together, and what their files depend on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.packed import file_of
from ...geo.storage import Storage
from ...geo.to_fine_grid import AREA_MEAN, way_of
from ...methods.base import BY_EVIDENCE, Model
from ...methods.file.reader import ModelFile
from ...methods.keys import BY_CELL, POOLED, PooledKey
from ...runs.fingerprint import contents, fingerprint
from ...series.dated import DatedCovariate
from ...series.series import Series
from ...series.stack import Stack
from ...series.tags import filled_tags
from ..matrix.build import check_soil_moisture
from .bands import NAME, NO_EXTRA, Extra
from .consistency import Finish
from .limits import Limits
from .mapped import PART_TAG, Part, Wanted
from .under import CellsUnder

#: Tag of a map that says that there is no SMAP of its date.
SMAP_TAG, NO_SMAP = "SMAP", "none"
#: Why maps cannot return SMAP through a footprint, and what to do.
NO_MEAN = "SMAP then is no mean over its cells, and to return it would sharpen its noise; set it to 'none'"


@dataclass(frozen=True)
class MapInputs:
    """What maps are made from: models, the fine stack and the dated covariates by name.

    `extra` is what they tell beside soil moisture, `wanted` what of the stack is mapped; with `clip` soil
    moisture is brought between 0 and saturation. `smap` is what maps are held against where models do not
    keep it, `finish` what is done to them beside the prediction, and `detail`, one of `DETAILS`, what models
    that choose it show of the pattern in cells. `storage` is how their files hold them.
    """

    forests: ModelFile
    stack: Stack
    dynamic: tuple[DatedCovariate, ...] = ()
    extra: Extra = NO_EXTRA
    clip: bool = False
    wanted: Wanted = field(default_factory=Wanted)
    smap: Series | None = None
    finish: Finish = field(default_factory=Finish)
    detail: str = BY_EVIDENCE
    storage: Storage = field(default_factory=Storage)

    def __post_init__(self) -> None:
        self._check_wishes()
        if self.forests.mode == BY_CELL:
            raise InputError(
                f"{self.forests.path}: its forests are by cell, each for one SMAP cell; use 'Fill gaps' with "
                "them, and for maps forests that were trained by date or pooled."
            )
        if self.forests.method.uses_coordinates and self.forests.grid is None:
            raise InputError(
                f"{self.forests.path}: it does not say which SMAP grid it is of; train it again."
            )
        names = [dated.name for dated in self.dynamic]
        refuse_unknown(self.forests, self.dynamic)
        both = [dated for dated in self.dynamic if dated.name in self.stack.names]
        if both:
            raise InputError(
                f"{both[0].series.source}: {both[0].name} is a band of the stack too; leave out one of them."
            )
        missing = [
            name for name in self.forests.covariates if name not in names and name not in self.stack.names
        ]
        if missing:
            raise InputError(
                f"{self.stack.path}: the {self.forests.method.noun}s need the covariate {missing[0]}, which "
                f"is neither a band of the stack ({', '.join(self.stack.names)}) nor a dated series; add it."
            )

    def _check_wishes(self) -> None:
        """Refuse what makes no sense with the models."""
        path, method, finish = self.forests.path, self.forests.method, self.finish
        if self.detail != BY_EVIDENCE and not method.sees_cells:
            raise InputError(
                f"DETAIL is '{self.detail}', but only area-to-point models have detail to choose, and {path} "
                f"holds {method.noun}s; leave it at '{BY_EVIDENCE}'."
            )
        if finish.residual and method.sees_cells:
            raise InputError(
                f"RESIDUAL is for forests: the models of {path} have a field and noise of their own; switch "
                "it off."
            )
        if finish.steps and self.smap is None and not method.sees_cells:
            what = "RESIDUAL" if finish.residual else "CONSISTENCY 'exact'"
            raise InputError(
                f"SMAP is empty, but {what} needs it; give the SMAP series that {path} was trained with."
            )
        if finish.exact and finish.footprint_km > 0:
            raise InputError(
                f"CONSISTENCY is 'exact' with a FOOTPRINT of {finish.footprint_km:g} km: {NO_MEAN}."
            )

    def model(self, date: dt.date) -> Model:
        """The model of a date, with the detail that is wanted.

        Raises
        ------
        InputError
            As `ModelFile.load`.
        """
        if self.forests.mode == POOLED:
            return self._pooled
        return self.forests.load(date).with_detail(self.detail)

    @cached_property
    def _pooled(self) -> Model:
        return self.forests.load(PooledKey()).with_detail(self.detail)

    @property
    def days(self) -> tuple[int, ...]:
        """Ordinals of the days of a pooled model that knows them; it maps others too."""
        pooled = self.forests.mode == POOLED and self.forests.method.sees_cells
        return self._pooled.days if pooled else ()

    def is_unseen(self, date: dt.date) -> bool:
        """Whether a pooled model maps a day that it has no SMAP of."""
        return bool(self.days) and date.toordinal() not in self.days

    def is_filled(self, date: dt.date) -> bool:
        """Whether what a map shows was not observed: SMAP that was filled, or none."""
        return self.is_unseen(date) or bool(self.forests.extra.get("filled"))

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands of each map, in their order."""
        return (NAME, *self.extra.names(self.forests))

    @cached_property
    def under(self) -> CellsUnder | None:
        """SMAP's cells under the maps; None where nobody knows SMAP.

        Raises
        ------
        InputError
            If they do not meet the maps, or are too small beside the pixels.
        """
        grid, label = self.forests.grid, str(self.forests.path)
        if self.smap is not None:
            grid, label = self.smap.grid, f"SMAP ({self.smap.source})"
        elif not self.forests.method.sees_cells:
            return None
        if grid is None:
            return None
        found = CellsUnder(self.part.grid, grid, label)
        if self.smap is None and not self.finish.steps and not found.are_larger:
            # A cascade has pixels as large as cells, which are not held against them.
            return None
        found.check(self.finish.exact)
        return found

    def smap_on(self, date: dt.date, under: CellsUnder) -> np.ndarray | None:
        """SMAP on a date: float64, shape of the cells under the maps, NaN where missing; None for no value.

        Raises
        ------
        InputError
            If a file cannot be read, or values are no m3 m-3.
        """
        if self.smap is not None:
            if not self.smap.has(date):
                return None
            values = self.smap.read(date, under.window)
            check_soil_moisture(self.smap, date, values)
            return values.astype(np.float64) if np.isfinite(values).any() else None
        observed = self.model(date).observed(date.toordinal())
        return None if observed is None else under.on_cells(*observed)

    @cached_property
    def part(self) -> Part:
        """What of the stack is mapped.

        Raises
        ------
        InputError
            If there is nothing.
        """
        return self.wanted.part(self.stack.grid, self.stack.source)

    @cached_property
    def limits(self) -> Limits:
        """What soil moisture can be."""
        return Limits(self.stack, self.part.window)

    def units(self) -> dict[str, str]:
        """The unit in each covariate's file, or empty."""
        units = dict(zip(self.stack.names, self.stack.units))
        return units | {dated.name: dated.series.unit() for dated in self.dynamic}

    @property
    def files(self) -> list[str]:
        """The files that all maps are made from, and one of each series."""
        series = [dated.series for dated in self.dynamic]
        if self.smap is not None and self.finish.steps:
            series.append(self.smap)
        paths = [str(self.forests.path), self.stack.path, *(one.entries[0].path for one in series)]
        return [file_of(path) for path in paths]

    def fingerprint(self, date: dt.date) -> str:
        """A hash of all that the map of a date depends on: files by path, size and time of change.

        Models are known by what they hold: those of a training that is run again are the same. Other dates
        of a series are left out: a longer series does not make old maps anew.
        """
        paths = [self.stack.path]
        taken = {dated.name: dated.entry(date) for dated in self.dynamic}
        paths += [entry.path for entry in taken.values() if entry]
        rasters = {name: contents([entry] if entry else []) for name, entry in taken.items()}
        content: dict[str, object] = {"models": self.forests.digest, "date": str(date), "dated": rasters}
        content |= {name: True for name, wanted in asdict(self.extra).items() if wanted}
        if self.clip:
            content["clip"] = True
        if self._averaged:
            content["averaged"] = self._averaged
        if self.part.tags:
            aoi = self.wanted.aoi
            content["part"] = [self.part.tags[PART_TAG], aoi.digest if aoi else ""]
        content |= nodata_content(self.stack, self.dynamic)
        if self.detail != BY_EVIDENCE:
            content["detail"] = self.detail
        content |= {**self.finish.content, **self.storage.content}
        if self.smap is not None and self.finish.steps:
            entries = [entry for entry in self.smap.entries if entry.date == date]
            paths += [entry.path for entry in entries]
            content["smap"] = contents(entries)
        return fingerprint(paths, content)

    def tags(self, date: dt.date) -> dict[str, str]:
        """What the file of a map says of SMAP on its date."""
        return filled_tags(self.is_filled(date)) | ({SMAP_TAG: NO_SMAP} if self.is_unseen(date) else {})

    def check_codes(self) -> None:
        """Raise `InputError` if what was read so far holds a code of no value that nobody declared."""
        self.stack.check_codes()
        for dated in self.dynamic:
            dated.series.check_codes()

    @cached_property
    def _averaged(self) -> dict[str, float]:
        """Least covered share of the dated covariates that are finer than the stack."""
        grid = self.stack.grid
        return {
            dated.name: dated.minimum_share
            for dated in self.dynamic
            if way_of(dated.series.grid, grid) == AREA_MEAN
        }


def refuse_unknown(forests: ModelFile, dynamic: Sequence[DatedCovariate]) -> None:
    """Raise `InputError` for a dated covariate that the forests do not know."""
    noun = forests.method.noun
    for dated in dynamic:
        if dated.name not in forests.covariates:
            raise InputError(
                f"{dated.series.source}: the {noun}s know no covariate named {dated.name} "
                f"(they know {', '.join(forests.covariates)}); rename it with DYNAMIC_NAMES, or leave it out."
            )


def compare_units(forests: ModelFile, units: Mapping[str, str], progress: Progress) -> None:
    """Warn where a covariate comes in another unit than the forests were trained with."""
    noun = forests.method.noun
    for name in forests.covariates:
        trained, given = forests.units.get(name, ""), units.get(name, "")
        if trained and given and trained != given:
            progress.warn(f"{name} is in {given}, but the {noun}s were trained with {name} in {trained}")


def nodata_content(stack: Stack | None, dynamic: Sequence[DatedCovariate]) -> dict[str, object]:
    """What of NODATA results depend on, for a fingerprint; nothing where nothing is declared."""
    looks = {dated.name: dated.series.look for dated in dynamic} | dict(stack.looks if stack else {})
    codes = {name: look.declared.codes for name, look in looks.items() if look and look.declared.codes}
    return {"nodata": codes} if codes else {}
