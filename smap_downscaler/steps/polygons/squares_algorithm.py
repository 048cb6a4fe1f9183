"""samplesquares: about 1 km2 squares on a grid with a random start, each inside one SMAP cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from qgis.core import (
    Qgis,
    QgsFeature,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterCrs,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.words import counted
from ...geo.area import Area
from ...geo.crs_choice import Region, default_crs, is_metric
from ...geo.datasets import dataset_grid, open_dataset, same_crs
from ...geo.grid import EASE2_CELLS, Grid, ease2_grid
from ...geo.sources import Gaps, Mask
from ...series.series import Series, open_series
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.area import area_parameter, check_area, read_area
from ...toolbox.looks import outlines
from ...toolbox.parameters import choice, decimal, series_folder, whole_number
from ...toolbox.preflight_output import preflight_output, write_preflight_table
from ...toolbox.values import Values
from ...toolbox.vectors import INTEGER, REAL, fields_of, qgis_crs, write_layer
from .numbers.squares import sides_on
from .preflight import check_squares
from .squares import SquareDesign, Squares, sample_squares

_FIELDS = (
    ("id", INTEGER),
    ("row", INTEGER),
    ("col", INTEGER),
    ("x", REAL),
    ("y", REAL),
    ("area_m2", REAL),
    ("masked", REAL),
)
#: Greatest share by which areas on the ground may differ from SIZE squared without a word.
_AREA_TOLERANCE = 0.02


class SampleSquares(SmapAlgorithm):
    """The squares of the spatial analysis (paper 2.3.5)."""

    ID = "samplesquares"
    GROUP = "analysis"
    FIRST = ("EXTENT", "AOI", "COUNT", "SIZE", "MASK", "COVARIATES", "OUTPUT")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)
        yield area_parameter()
        # No least values here: out of range, `validate` says more than QGIS does.
        yield whole_number("COUNT", "Squares", 80, 0)
        yield decimal("SIZE", "Side of a square (m)", 1000.0, 0.0)
        yield whole_number("PER_CELL", "Maximum squares per SMAP cell", 1, 0)
        yield QgsProcessingParameterRasterLayer("MASK", "Mask (urban, water)", optional=True)
        yield QgsProcessingParameterRasterLayer(
            "COVARIATES", "Fine stack whose pixels squares follow", optional=True
        )
        yield series_folder("SMAP", "SMAP series", optional=True)
        yield choice("GRID", "SMAP grid, without a series", EASE2_CELLS, "9 km")
        yield whole_number("SEED", "Seed", 1, 0)
        yield QgsProcessingParameterCrs("CRS", "CRS of the squares", optional=True)
        yield decimal("MAXIMUM_MASKED", "Maximum masked share of a square (0 to 1)", 0.5, 0.0, 1.0)
        yield QgsProcessingParameterFeatureSink(
            "OUTPUT", "Squares", type=QgsProcessing.SourceType.TypeVectorPolygon
        )
        yield preflight_output()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("SQUARES", "Squares left")
        yield QgsProcessingOutputNumber("MASKED", "Masked squares left out")

    def dress(self, layer: QgsVectorLayer) -> None:
        outlines(layer)

    def validate(self, values: Values) -> None:
        for name in ("COUNT", "PER_CELL"):
            if values.integer(name) < 1:
                raise InputError(f"{name} is {values.integer(name)}; give a whole number from 1 on.")
        size = values.number("SIZE")
        if not (math.isfinite(size) and size > 0):
            raise InputError(f"SIZE is {size:g}; give the side of a square in metres, greater than 0.")
        share = values.number("MAXIMUM_MASKED")
        if not 0 <= share <= 1:
            raise InputError(f"MAXIMUM_MASKED is {share:g}; give a share from 0 to 1.")
        values.extent("EXTENT")
        check_area(values)
        if not any(map(values.given, ("EXTENT", "AOI", "COVARIATES"))):
            raise InputError(
                "AOI and EXTENT are empty; give the study area, or COVARIATES, whose extent it then is."
            )
        crs = values.crs("CRS")
        if crs and not is_metric(crs):
            raise InputError(f"CRS: {crs[:60]} is not in metres; choose another one, such as the UTM zone.")

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        series = values.paths("SMAP")
        smap = open_series(series, progress=progress) if series else None
        design = _design(values, smap, read_area(values, progress))
        mask, stack = values.raster_path("MASK"), values.raster_path("COVARIATES")
        before = check_squares(design, smap, mask, stack, progress)
        if smap or mask or stack:
            before.log(progress)
        masks = ([Mask(mask)] if mask else []) + ([Gaps(stack)] if stack else [])
        found = sample_squares(design, masks, progress)
        for one in masks:
            one.check_codes()
        left = found.where(found.masked <= values.number("MAXIMUM_MASKED"))
        _log_results(design, found, left, values.number("MAXIMUM_MASKED"), progress)
        if not len(left.x):
            _refuse_empty(values, design, len(found.x))
        layer = fields_of(_FIELDS), Qgis.WkbType.Polygon, qgis_crs(design.crs)
        output = write_layer(values, "OUTPUT", layer, square_features(design, left), progress)
        outputs = {"OUTPUT": output, "SQUARES": len(left.x), "MASKED": len(found.x) - len(left.x)}
        return {**outputs, **write_preflight_table(values, before)}


def _refuse_empty(values: Values, design: SquareDesign, found: int) -> None:
    names = [name for name in ("MASK", "COVARIATES") if values.given(name)]
    raise InputError(
        f"{' and '.join(names)}: all {counted(found, 'square')} are masked or without data by more than "
        f"{100 * values.number('MAXIMUM_MASKED'):g} %, so that none is left; raise MAXIMUM_MASKED, or choose "
        f"another {design.parameter}."
    )


def _design(values: Values, smap: Series | None, area: Area | None) -> SquareDesign:
    stack = values.raster_path("COVARIATES")
    pixels = dataset_grid(open_dataset(stack), f"COVARIATES ({stack})") if stack else None
    extent = values.extent("EXTENT")
    regions = [Region(*extent, "EXTENT")] if extent else []
    if pixels is not None:
        regions.append(Region(pixels.bounds, pixels.crs, f"COVARIATES ({stack})"))
    cells = smap.grid if smap else ease2_grid(values.choice("GRID"))
    around = regions[0] if area is None else Region(area.bounds, area.crs, area.label)
    return SquareDesign(
        tuple(regions),
        _crs(values, around, pixels),
        sides_on(values.number("SIZE"), pixels),
        cells,
        values.integer("COUNT"),
        values.integer("PER_CELL"),
        values.integer("SEED"),
        area,
    )


def _crs(values: Values, region: Region, pixels: Grid | None) -> str:
    crs = values.crs("CRS")
    if pixels is None:
        return crs or default_crs([], region)
    if not is_metric(pixels.crs):
        raise InputError(
            f"COVARIATES: its CRS {pixels.crs[:60]} is not in metres; choose a stack in metres, or leave it "
            "empty."
        )
    if crs and not same_crs(crs, pixels.crs):
        raise InputError(
            f"CRS is {crs[:60]}, but the squares follow the pixels of COVARIATES, which are in "
            f"{pixels.crs[:60]}; leave one of them empty."
        )
    return pixels.crs


def square_features(design: SquareDesign, squares: Squares) -> Iterator[QgsFeature]:
    half_width, half_height = design.sides.width / 2, design.sides.height / 2
    parts = (squares.rows, squares.cols, squares.x, squares.y, squares.areas, squares.masked)
    for number, square in enumerate(zip(*(part.tolist() for part in parts)), start=1):
        _row, _col, x, y, *_others = square
        feature = QgsFeature()
        feature.setGeometry(
            QgsGeometry.fromRect(
                QgsRectangle(x - half_width, y - half_height, x + half_width, y + half_height)
            )
        )
        feature.setAttributes([number, *square])
        yield feature


def _log_results(
    design: SquareDesign, found: Squares, left: Squares, share: float, progress: Progress
) -> None:
    size = f"{design.sides.width:g} x {design.sides.height:g} m"
    progress.log(
        f"{counted(len(found.x), 'square')} of {size} placed in {len(set(zip(found.rows, found.cols))):,} of "
        f"{found.cells_met:,} SMAP cells; {len(found.x) - len(left.x):,} of them, masked or without data by "
        f"more than {100 * share:g} %, left out; {len(left.x):,} left"
    )
    wanted = design.sides.width * design.sides.height
    if abs(found.areas.mean() / wanted - 1) > _AREA_TOLERANCE:
        progress.warn(
            f"A square of {size} in {design.crs[:60]} has {found.areas.mean():,.0f} m2 on the ground, not "
            f"{wanted:,.0f}; choose a CRS that is true to scale, such as the UTM zone, or another SIZE"
        )
    if found.random:
        progress.log(
            f"The cells are too few for a regular grid of {design.count:,} squares: {found.random:,} of them "
            "lie at random places in cells that the grid had left free"
        )
    if len(found.x) < design.count:
        progress.warn(
            f"Only {len(found.x):,} of {design.count:,} squares found a place: the study area meets "
            f"{found.cells_met:,} SMAP cells, with at most {design.per_cell} in each"
        )
