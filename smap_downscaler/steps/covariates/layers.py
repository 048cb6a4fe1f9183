"""From raster layers to covariates: names, bands, classes, units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...base.covariate_names import check_covariate_names, class_name, covariate_name
from ...base.dates import parse_iso_date
from ...base.errors import InputError
from ...base.nodata import Declared, Look, NoDataChoice
from ...base.progress import SILENT, Progress
from ...geo.area_means import chunks
from ...geo.bands import refuse_picture
from ...geo.datasets import dataset_grid, open_dataset
from ...geo.grid import Bounds, Grid, Window
from ...geo.sources import BandReader, Source, window_over, windows_over
from ...geo.texts import band_name, band_unit
from .covariate import Covariate, Layer
from .numbers.layers_table import LayerRow
from .products import with_products

#: A categorical raster with more classes is none, or is too rich for fractions.
MOST_CLASSES = 30
#: Columns that SQLite takes, and so a matrix.
_MOST_BANDS = 2000
#: Types of whole numbers.
_WHOLE = frozenset({gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16, gdal.GDT_UInt32, gdal.GDT_Int32})
#: Descriptions of bands that name nothing, and the length from which they are sentences.
_NO_NAME = re.compile(r"(?:(?:band|layer|lyr|raster|channel)?_?\d*|gr[ae]y(?:scale)?|unknown|unnamed)")
_LONGEST_NAME = 40


def read_covariates(
    layers: Sequence[Layer],
    names: Sequence[str] = (),
    categorical: Sequence[str] = (),
    rows: Sequence[LayerRow] = (),
    guess: bool = False,
) -> list[Covariate]:
    """The covariates that layers hold, one a band, in the order of the layers.

    Parameters
    ----------
    layers : sequence of Layer
    names : sequence of str
        Names to use instead, one a layer or one a band.
    categorical : sequence of str
        Layers or covariates to take as categorical, besides those with a
        colour table or category names; `name=no`: not to.
    rows : sequence of LayerRow
        What the analyst says of single layers; goes before all else.
    guess : bool
        Whether unit, conversion and name of a known product's files are taken from their names.

    Raises
    ------
    InputError
        Without layers, for a layer that cannot be read or has no CRS, for
        names or rows that do not fit.
    """
    if not layers:
        raise InputError("INPUT: no layer is given; choose at least one raster.")
    groups = _named_by_bands([_bands_of(layer) for layer in layers])
    count = sum(len(group) for group in groups)
    if names and len(names) not in (len(layers), count):
        raise InputError(
            f"NAMES: {len(names)} names are given for {len(layers)} layers with {count} bands; "
            "give one for each layer, or one for each band, separated by commas."
        )
    if names and len(names) == len(layers):
        groups = [_renamed(group, covariate_name(name)) for group, name in zip(groups, names)]
    covariates = [covariate for group in groups for covariate in group]
    if names and len(names) == count:
        covariates = [replace(one, name=covariate_name(name)) for one, name in zip(covariates, names)]
    covariates = _with_categorical(covariates, categorical)
    covariates = with_products(covariates, rows, guess, bool(names))
    check_covariate_names([one.name for one in covariates], [one.label for one in covariates])
    return covariates


def _bands_of(layer: Layer) -> list[Covariate]:
    dataset = open_dataset(layer.path)
    grid = dataset_grid(dataset, layer.label)
    refuse_picture(dataset, layer.label)
    if dataset.RasterCount > _MOST_BANDS:
        raise InputError(
            f"{layer.label}: it has {dataset.RasterCount:,} bands, more than the {_MOST_BANDS:,} columns "
            "that a table takes; make a raster of those that you want (Raster tools > Rearrange bands)."
        )
    bands = [
        (number, dataset.GetRasterBand(number))
        for number in range(1, dataset.RasterCount + 1)
        if dataset.GetRasterBand(number).GetColorInterpretation() != gdal.GCI_AlphaBand
    ]
    if not bands:
        raise InputError(
            f"{layer.label}: it has no band; for a NetCDF or HDF5 file choose one of its variables."
        )
    if len(bands) > 1 and all(parse_iso_date(band_name(band)) for _number, band in bands):
        raise InputError(
            f"{layer.label}: its bands are dates; give dated covariates to "
            "'Regression matrix' and 'Downscale' as they are."
        )
    base = covariate_name(layer.name)
    out = []
    for number, band in bands:
        name = base
        if len(bands) > 1:
            name = covariate_name(band_name(band)) or f"{base}_{number}"
        source = Source(layer.path, number, grid)
        unit, text = band_unit(band), band_name(band)
        scaled = band.GetScale() not in (None, 1.0) or band.GetOffset() not in (None, 0.0)
        out.append(
            Covariate(
                name,
                unit,
                layer,
                source,
                _is_categorical(band),
                whole=not scaled and band.DataType in _WHOLE,
                stored=unit,
                description=text,
                scaled=scaled,
            )
        )
    return out


def _named_by_bands(groups: list[list[Covariate]]) -> list[list[Covariate]]:
    """Layers of one band named by its description, where it has one of its own, else by the file."""
    described = [_own_name(group) for group in groups]
    names = Counter(one.name for group, name in zip(groups, described) if not name for one in group)
    names.update(name for name in described if name)
    return [
        [replace(group[0], name=name)] if names[name] == 1 else group
        for group, name in zip(groups, described)
    ]


def _own_name(group: list[Covariate]) -> str:
    name = covariate_name(group[0].description) if len(group) == 1 else ""
    return "" if len(name) > _LONGEST_NAME or _NO_NAME.fullmatch(name) else name


def _is_categorical(band: gdal.Band) -> bool:
    return band.GetColorTable() is not None or bool(band.GetCategoryNames())


def _renamed(group: list[Covariate], name: str) -> list[Covariate]:
    if len(group) == 1:
        return [replace(group[0], name=name)]
    return [replace(one, name=f"{name}_{number}") for number, one in enumerate(group, start=1)]


def _with_categorical(covariates: list[Covariate], listed: Sequence[str]) -> list[Covariate]:
    for text in listed:
        name, _, answer = text.partition("=")
        says_no = answer.strip().lower() == "no"
        if (answer and not says_no) or not any(one.is_called(name) for one in covariates):
            raise InputError(
                f"CATEGORICAL: there is no layer named {text} (there are "
                f"{', '.join(one.name for one in covariates)}); correct the name."
            )
        covariates = [
            replace(one, categorical=not says_no, measured=says_no) if one.is_called(name) else one
            for one in covariates
        ]
    return covariates


def with_looks(covariates: Sequence[Covariate], nodata: NoDataChoice) -> list[Covariate]:
    """The covariates with a look each, told by `nodata` under the names of layer or covariate.

    Raises
    ------
    InputError
        For a name that none of them has.
    """
    called = [
        (one.name, one.layer.name, one.layer.title, covariate_name(one.layer.name), Path(one.layer.path).stem)
        for one in covariates
    ]
    nodata.require([name for names in called for name in names])
    return [
        replace(one, source=replace(one.source, look=_look(one, nodata.of(*names))))
        for one, names in zip(covariates, called)
    ]


def _look(one: Covariate, declared: Declared) -> Look:
    return Look(one.label, one.name, declared, zeros=not one.categorical, classes=one.categorical)


def require_meeting(covariates: Sequence[Covariate], bounds: Bounds, crs: str, what: str) -> None:
    """Raise `InputError` if a layer shares no area with `bounds`; `what` names them."""
    for one in covariates:
        if window_over(one.source.grid, bounds, crs, margin=0) is None:
            raise InputError(
                f"{one.layer.label} and {what} do not meet; choose a layer, EXTENT or AOI of the same place."
            )


def expand_classes(
    covariates: Sequence[Covariate], cells: Grid, progress: Progress = SILENT
) -> list[Covariate]:
    """Categorical covariates replaced by one for each class that occurs over `cells`.

    Raises
    ------
    InputError
        If a categorical band holds fractions or more than 30 classes, or names clash.
    """
    out: list[Covariate] = []
    for one in covariates:
        if not one.categorical:
            out.append(one)
            continue
        for value in _classes(one, cells, progress):
            out.append(
                replace(
                    one, name=class_name(one.name, value), unit="1", source=replace(one.source, value=value)
                )
            )
    check_covariate_names([one.name for one in out], [one.label for one in out])
    return out


def _classes(covariate: Covariate, cells: Grid, progress: Progress) -> list[int]:
    grid = covariate.source.grid
    found: set[float] = set()
    reader = BandReader()
    for window in windows_over(grid, cells.bounds, cells.crs):
        for chunk in chunks(grid.crop(window)):
            progress.check()
            place = Window(window.row + chunk.row, window.col + chunk.col, chunk.height, chunk.width)
            values = reader.read(covariate.source, place)
            found.update(np.unique(values[np.isfinite(values)]).tolist())
            _check_classes(found, covariate)
    return sorted(int(value) for value in found)


def _check_classes(found: set[float], covariate: Covariate) -> None:
    odd = [value for value in sorted(found) if value != int(value)]
    if odd:
        raise InputError(
            f"{covariate.label}: it is categorical but holds {odd[0]:g}, which is no whole number; "
            f"take it out of CATEGORICAL, or give {covariate.name}=no there if it is measured."
        )
    if len(found) > MOST_CLASSES:
        raise InputError(
            f"{covariate.label}: it has more than {MOST_CLASSES} classes; reclassify it to fewer, "
            f"or give CATEGORICAL {covariate.name}=no if its numbers are measurements."
        )
