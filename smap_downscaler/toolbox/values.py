"""The values of an algorithm's parameters as plain Python, read through QGIS's `parameterAs*`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsVectorLayer,
)

from ..base.covariate_names import split_names
from ..base.errors import InputError
from ..base.nodata import Declared, NoDataChoice, code_text, parse_nodata
from ..base.progress import Progress
from ..base.seasons_of_year import check_seasons, parse_months
from ..base.timestamps import parse_timestamp
from ..geo.grid import Bounds
from ..geo.packed import unpacked_name
from ..series.dated import DatedCovariate, dated_covariates
from ..series.series import open_several, variable_of
from ..series.stack import Stack
from .given import SERIES, given_parameters, several_of


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """`EPSG:code` where the authority is known, else WKT."""
    return str(crs.authid() or crs.toWkt())


def is_known(crs: QgsCoordinateReferenceSystem) -> bool:
    """Whether a CRS says where on earth a layer lies.

    GeoPackages name what they do not know "Undefined geographic (or Cartesian) SRS".
    """
    return crs.isValid() and "Undefined" not in crs.toWkt()[:20]


class Values:
    """The values of the parameters of one run of an algorithm."""

    def __init__(
        self, algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
    ):
        self.algorithm, self.context = algorithm, context
        self.parameters = given_parameters(algorithm, parameters, context)
        self._outputs: dict[str, str] = {}

    @classmethod
    def of_run(
        cls, algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> Values:
        """The values of a run that begins: what must be written and has no place goes to a temporary one.

        Models leave out the outputs that nobody asks them for.
        """
        values = cls(algorithm, parameters, context)
        for definition in algorithm.destinationParameterDefinitions():
            optional = bool(definition.flags() & Qgis.ProcessingParameterFlag.Optional)
            if not optional and not values.given(definition.name()):
                values.parameters[definition.name()] = definition.generateTemporaryDestination()
        return values

    def given(self, name: str) -> bool:
        """Whether the parameter has a value."""
        return self.parameters.get(name, "") != ""

    def text(self, name: str) -> str:
        """A string, choice or file."""
        return self.algorithm.parameterAsString(self.parameters, name, self.context)

    def texts(self, name: str) -> list[str]:
        """Several strings, such as the names of fields."""
        return list(self.algorithm.parameterAsStrings(self.parameters, name, self.context))

    def path(self, name: str) -> str:
        """An input file or folder.

        Raises
        ------
        InputError
            As `paths`, and if a series that is read from one folder or file is given as several.
        """
        if not self._is_series(name):
            return self.algorithm.parameterAsFile(self.parameters, name, self.context)
        paths = self.paths(name)
        if len(paths) > 1:
            raise InputError(
                f"{name}: one folder, file or layer is wanted here, and {len(paths):,} are given; put the "
                "files into one folder, and give that."
            )
        return "".join(paths)

    def paths(self, name: str) -> list[str]:
        """The folders and files (or GDAL names) of a series; layers by their files.

        Raises
        ------
        InputError
            If a layer is no file that GDAL reads, or QGIS takes some of its values as no data.
        """
        for _, layer in self._items(name):
            _refuse_additional_nodata(layer, name)
        return [path for path, _ in self._sources(name)]

    def choice(self, name: str) -> str:
        """The string of an enumeration with static strings."""
        return self.algorithm.parameterAsEnumString(self.parameters, name, self.context)

    def choices(self, name: str) -> list[str]:
        """The strings of an enumeration with static strings, of which several may be chosen."""
        chosen = self.algorithm.parameterAsEnumStrings(self.parameters, name, self.context)
        # Where nothing is chosen QGIS gives an empty string.
        return [one for one in chosen if one]

    def integer(self, name: str) -> int:
        """A whole number."""
        return self.algorithm.parameterAsInt(self.parameters, name, self.context)

    def optional_integer(self, name: str) -> int | None:
        """A whole number, or None where none is given."""
        return self.integer(name) if self.given(name) else None

    def number(self, name: str) -> float:
        """A number."""
        return self.algorithm.parameterAsDouble(self.parameters, name, self.context)

    def flag(self, name: str) -> bool:
        """A tick."""
        return self.algorithm.parameterAsBool(self.parameters, name, self.context)

    def date(self, name: str) -> dt.date | None:
        """A date, or None where none is given.

        Raises
        ------
        InputError
            If the value is no date.
        """
        if not self.given(name):
            return None
        value = self.algorithm.parameterAsDateTime(self.parameters, name, self.context)
        if value.isValid():
            day = value.date()
            return dt.date(day.year(), day.month(), day.day())
        moment = parse_timestamp(str(self.parameters[name]))
        if moment is None:
            raise InputError(f"{name}: '{self.parameters[name]}' is no date; give it as YYYY-MM-DD.")
        return moment.date()

    def period(self, start: str = "START", end: str = "END") -> tuple[dt.date | None, dt.date | None]:
        """First and last date.

        Raises
        ------
        InputError
            If the first is after the last.
        """
        first, last = self.date(start), self.date(end)
        if first and last and first > last:
            raise InputError(f"{start} ({first}) is after {end} ({last}); exchange them.")
        return first, last

    def seasons(self) -> tuple[frozenset[int], frozenset[int]]:
        """The months of the wet and of the dry season.

        Raises
        ------
        InputError
            For what is no month, or a month in both.
        """
        wet, dry = (parse_months(self.text(name), name) for name in ("WET_MONTHS", "DRY_MONTHS"))
        check_seasons(wet, dry)
        return wet, dry

    def extent(self, name: str) -> tuple[Bounds, str] | None:
        """Edges and CRS (`EPSG:code` or WKT) of an extent, or None where none is given.

        Raises
        ------
        InputError
            If the extent has no CRS (QGIS would not transform it) or no area, runs backwards (QGIS would turn
            it round), or has longitudes for latitudes.
        """
        if not self.given(name):
            return None
        crs = self.algorithm.parameterAsExtentCrs(self.parameters, name, self.context)
        if not self._extent_has_crs(name) or not is_known(crs):
            raise InputError(
                f"{name}: the extent has no CRS, so its place on earth is not known; give it as "
                "'xmin,xmax,ymin,ymax [EPSG:4326]'."
            )
        if self._extent_runs_backwards(name):
            raise InputError(
                f"{name}: its least value lies above its greatest; give it as 'xmin,xmax,ymin,ymax "
                "[EPSG:4326]', and an area across the date line in two runs."
            )
        box = self.algorithm.parameterAsExtent(self.parameters, name, self.context)
        if box.isEmpty():
            raise InputError(f"{name}: the extent has no area; give it as 'xmin,xmax,ymin,ymax [EPSG:4326]'.")
        if crs.isGeographic() and (box.yMinimum() > 90 or box.yMaximum() < -90):
            raise InputError(
                f"{name}: {box.yMinimum():g} to {box.yMaximum():g} are no latitudes; give it as "
                "'xmin,xmax,ymin,ymax [EPSG:4326]', longitudes first."
            )
        bounds = Bounds(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        return bounds, crs_text(crs)

    def _extent_has_crs(self, name: str) -> bool:
        value = self.parameters[name]
        if isinstance(value, QgsReferencedRectangle):
            return value.crs().isValid()
        if isinstance(value, QgsRectangle):
            return False
        # Where a text has no [CRS], QGIS takes the project's and says nothing.
        return not (isinstance(value, str) and value.count(",") == 3 and "[" not in value)

    def _extent_runs_backwards(self, name: str) -> bool:
        value = self.parameters[name]
        edges = value.split("[")[0].split(",") if isinstance(value, str) else []
        try:
            left, right, bottom, top = map(float, edges)
        except ValueError:
            return False
        return left > right or bottom > top

    def output(self, name: str) -> str:
        """Where a destination parameter writes: a file, a folder, or empty where it was skipped."""
        # QGIS makes up another temporary file, and loads that too, whenever it is asked.
        if name not in self._outputs:
            self._outputs[name] = self.algorithm.parameterAsOutputLayer(self.parameters, name, self.context)
        return self._outputs[name]

    def output_file(self, name: str) -> str:
        """Where a file destination writes, or empty where it was skipped."""
        return self.algorithm.parameterAsFileOutput(self.parameters, name, self.context)

    def output_folder(self, name: str) -> str:
        """Where a folder destination writes."""
        return self.text(name)

    def is_temporary(self, name: str) -> bool:
        """Whether a destination was left to QGIS, to live until the end of the session."""
        value = self.parameters.get(name)
        if isinstance(value, QgsProcessingOutputLayerDefinition):
            value = value.sink.staticValue()
        return not value or value == QgsProcessing.TEMPORARY_OUTPUT

    def is_handed_on(self, name: str) -> bool:
        """Whether a destination was named by a model, for a later step of it."""
        inside = Path(self.output_folder(name)).is_relative_to(QgsProcessingUtils.tempFolder())
        return inside and not self.is_temporary(name)

    def rasters(self, name: str) -> list[tuple[str, str]]:
        """File (or GDAL name) and title, or the file's name, of each raster of a parameter.

        Raises
        ------
        InputError
            If a layer is no file that GDAL reads.
        """
        # NODATA is of layers that hold values.
        if name == "MASK" or self.algorithm.parameterDefinition("NODATA") is None:
            for _, layer in self._items(name):
                _refuse_additional_nodata(layer, name)
        return [
            (path, title) if title else (unpacked_name(path), name_of_file(unpacked_name(path)))
            for path, title in self._sources(name)
        ]

    def _is_series(self, name: str) -> bool:
        definition = self.algorithm.parameterDefinition(name)
        return definition is not None and definition.type() == SERIES

    def _items(self, name: str) -> list[tuple[Any, QgsMapLayer | None]]:
        """Each layer or text of a parameter's raw value, and the layer that it means, if QGIS has loaded it.

        QGIS loads a file as a layer to resolve a parameter, and may then leave an ``.aux.xml`` beside the
        user's raster.  Here only what the project has loaded already is looked up; a path stays a path.
        """
        find = layer_called if self._is_series(name) else loaded_layer
        return [(item, find(item, self.context)) for item in several_of(self.parameters.get(name))]

    def _sources(self, name: str) -> list[tuple[str, str]]:
        """Path (or GDAL name), and name of the layer if it is one, of each layer or text of a parameter.

        Raises
        ------
        InputError
            If a layer is no file that GDAL reads.
        """
        return [
            (str(item), "") if layer is None else (_file_of(layer, name), layer.name())
            for item, layer in self._items(name)
        ]

    def raster_path(self, name: str) -> str:
        """The file (or GDAL name) of one raster; empty where none is given.

        Raises
        ------
        InputError
            As `rasters`.
        """
        found = self.rasters(name)
        return found[0][0] if found else ""

    def nodata(self, *rasters: str) -> NoDataChoice:
        """What NODATA says of layers, and QGIS (additional no data values) of those of parameters `rasters`.

        Raises
        ------
        InputError
            If NODATA cannot be read.
        """
        choice = parse_nodata(self.text("NODATA"))
        for name in rasters:
            for _, layer in self._items(name):
                codes = () if layer is None else _additional_nodata(layer)
                if layer is not None and codes:
                    names = (layer.name(), name_of_file(_file_of(layer, name)))
                    choice = choice.with_codes(names, codes)
        return choice

    def layer_label(self, name: str) -> str:
        """The file of a table or vector layer, or the name of a layer without one.

        Raises
        ------
        InputError
            If there is none.
        """
        layer = self.vector_layer(name)
        if layer is None:
            raise InputError(f"{name}: there is no table {self.parameters.get(name)!r}; check the path.")
        return str(layer.source().split("|")[0] if layer.dataProvider().name() == "ogr" else layer.name())

    def vector_layer(self, name: str) -> QgsVectorLayer | None:
        """The layer of a parameter, also of a selection; None where there is none."""
        value = self.parameters.get(name)
        # QGIS finds no layer by a selection or filter of one.
        source = value.source if isinstance(value, QgsProcessingFeatureSourceDefinition) else value
        return self.algorithm.parameterAsVectorLayer({**self.parameters, name: source}, name, self.context)

    def dated_covariates(
        self, progress: Progress, minimum_share: float, rain: str = "RAIN"
    ) -> tuple[DatedCovariate, ...]:
        """The dated covariates of DYNAMIC and the parameters that belong to it; see `toolbox.parameters`.

        `rain` is the parameter with the names of those that are rain.

        Raises
        ------
        InputError
            If one cannot be opened, or names do not fit.
        """
        names, bands, wet = (split_names(self.text(name)) for name in ("DYNAMIC_NAMES", "BAND", rain))
        sources = self._sources("DYNAMIC")
        all_series = open_several(
            [path for path, _ in sources],
            names,
            progress,
            self.nodata("DYNAMIC"),
            self.variables(),
            bands,
            dict(sources),
        )
        return dated_covariates(all_series, self.integer("WINDOW"), wet, minimum_share, rain)

    def nodata_of(self, name: str) -> Declared:
        """What NODATA says of the one file or folder of a parameter.

        Raises
        ------
        InputError
            If NODATA cannot be read, or names another layer.
        """
        choice = parse_nodata(self.text("NODATA"))
        names = [
            one
            for path, title in self._sources(name)
            for one in (title or Path(path).stem, Path(path).name, name_of_file(path))
        ]
        choice.require(names)
        return choice.of(*names)

    def require_nodata_names(self, stack: Stack | None, dynamic: Sequence[DatedCovariate]) -> None:
        """Raise `InputError` for a name in NODATA that is none of the bands or dated covariates."""
        paths = [dated.series.source for dated in dynamic] + ([stack.path] if stack else [])
        names = [*(stack.names if stack else ()), *(dated.name for dated in dynamic)]
        parse_nodata(self.text("NODATA")).require([*names, *(Path(path).stem for path in paths)])

    def variables(self) -> list[str]:
        """The names in VARIABLE."""
        return [name for name in split_names(self.text("VARIABLE")) if name]

    def crs(self, name: str) -> str:
        """A CRS as `EPSG:code` or WKT, or empty where none is given."""
        crs = self.algorithm.parameterAsCrs(self.parameters, name, self.context)
        return crs_text(crs) if crs.isValid() else ""


def loaded_layer(item: Any, context: QgsProcessingContext) -> Any:
    """The layer that a raw value means, if QGIS has loaded it."""
    if isinstance(item, QgsMapLayer):
        return item
    return QgsProcessingUtils.mapLayerFromString(str(item), context, False)


def layer_called(item: Any, context: QgsProcessingContext) -> QgsMapLayer | None:
    """The loaded layer that an item of a series is, or names; what is a path stays one."""
    if isinstance(item, QgsMapLayer):
        return item
    text = str(item)
    layer = None if os.path.exists(text) else loaded_layer(text, context)
    return layer if layer is not None and text in (layer.id(), layer.name()) else None


def _additional_nodata(layer: QgsMapLayer) -> tuple[float, ...]:
    """The additional no data values that QGIS, but not the file, has of a raster layer.

    Raises
    ------
    InputError
        For a range of values, or a band whose numbers are scaled.
    """
    provider = layer.dataProvider() if isinstance(layer, QgsRasterLayer) else None
    if provider is None:
        return ()
    codes: dict[float, None] = {}
    for band in range(1, provider.bandCount() + 1):
        for one in provider.userNoDataValues(band):
            scaled = provider.bandScale(band) != 1.0 or provider.bandOffset(band) != 0.0
            if scaled or one.min() != one.max():
                raise InputError(
                    f"Layer {layer.name()}: QGIS takes {one.min():.7g} to {one.max():.7g} as no data, which "
                    "its file does not say; save it anew with that as no data (Export > Save As)."
                )
            codes[one.min()] = None
    return tuple(codes)


def _refuse_additional_nodata(layer: QgsMapLayer | None, name: str) -> None:
    if layer is not None and (codes := _additional_nodata(layer)):
        raise InputError(
            f"{name}: QGIS takes {code_text(codes[0])} in the layer {layer.name()} as no data, which its "
            "file does not say; save it anew with that as no data (Export > Save As)."
        )


def _file_of(layer: QgsMapLayer, name: str) -> str:
    """The file (or GDAL name) of a layer given as the parameter `name`."""
    if layer.providerType() != "gdal":
        raise InputError(f"{name}: the layer {layer.name()} is no raster file; save it as a GeoTIFF first.")
    return gdal_name(layer)


def gdal_name(layer: QgsMapLayer) -> str:
    """The name by which GDAL reads a layer: its file, or the raster in a ZIP, GeoPackage or NetCDF file."""
    source = layer.source()
    parts = QgsProviderRegistry.instance().decodeUri("gdal", source)
    if any(parts.get(name) for name in ("vsiPrefix", "layerName")):
        return source.split("|")[0]
    return parts.get("path") or source


def name_of_file(path: str) -> str:
    """The file's stem, or the variable of a NETCDF:"file":variable."""
    if ":" in path[2:] and not Path(path).exists() and not path.startswith("/vsi"):
        return variable_of(path)
    return Path(path.removesuffix(".gz")).stem
