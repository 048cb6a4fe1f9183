"""Kinds of parameters that several algorithms have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qgis.core import (
    Qgis,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .series_parameter import SeriesParameter

#: Of a parameter's metadata: its files may be folders too.
FOLDER_TOO = "folder_too"


def date_parameter(name: str, description: str) -> QgsProcessingParameterDateTime:
    """An optional date."""
    return QgsProcessingParameterDateTime(
        name, description, type=Qgis.ProcessingDateTimeParameterDataType.Date, optional=True
    )


def dated_covariates() -> Iterator[QgsProcessingParameterDefinition]:
    """The dated covariates, their names and variables."""
    yield SeriesParameter("DYNAMIC", "Dated covariates (series)", optional=True, several=True)
    yield QgsProcessingParameterString("DYNAMIC_NAMES", "Names of the dated covariates (a, b)", optional=True)
    yield variable("Variables of the NetCDF files (a, b)")
    yield band_of("Bands of the dated covariates (a, b)")


def variable(description: str = "Variable of the NetCDF files") -> QgsProcessingParameterDefinition:
    """VARIABLE: which of several variables in a file is the series; see `Values.variables`."""
    return QgsProcessingParameterString("VARIABLE", description, optional=True)


def band_of(description: str) -> QgsProcessingParameterDefinition:
    """BAND: which band is meant where a raster has several, by name or number."""
    return QgsProcessingParameterString("BAND", description, optional=True)


def window_and_rain() -> Iterator[QgsProcessingParameterDefinition]:
    """How old the rasters of dated covariates may be, which of these are rain, whose may not; and NODATA."""
    yield whole_number("WINDOW", "Maximum age of a dated covariate (days)", 0, 0)
    yield QgsProcessingParameterString("RAIN", "Dated covariates that are rain (a, b)", optional=True)
    yield nodata_parameter()


def nodata_parameter() -> QgsProcessingParameterDefinition:
    """Numbers of layers that are no values; see `base.nodata.parse_nodata`."""
    return QgsProcessingParameterString("NODATA", "Numbers that stand for no value (a=-999)", optional=True)


def whole_number(
    name: str, description: str, default: int | None, least: int, most: int = 2**31 - 1
) -> QgsProcessingParameterNumber:
    """A whole number; optional where there is no default."""
    return QgsProcessingParameterNumber(
        name,
        description,
        type=Qgis.ProcessingNumberParameterType.Integer,
        defaultValue=default,
        optional=default is None,
        minValue=least,
        maxValue=most,
    )


def minimum_covered() -> QgsProcessingParameterNumber:
    """The share of a cell that a dated covariate must cover."""
    return decimal("MINIMUM_COVERED", "Least covered share of a cell (0 to 1)", 0.5, 0.0, 1.0)


def decimal(
    name: str, description: str, default: float | None, least: float | None = None, most: float | None = None
) -> QgsProcessingParameterNumber:
    """A number with decimals, in the range where one is given; optional where there is no default."""
    definition = QgsProcessingParameterNumber(
        name,
        description,
        type=Qgis.ProcessingNumberParameterType.Double,
        defaultValue=default,
        optional=default is None,
    )
    if least is not None:
        definition.setMinimum(least)
    if most is not None:
        definition.setMaximum(most)
    return definition


def choice(
    name: str, description: str, options: Iterable[str], default: str | None = None
) -> QgsProcessingParameterEnum:
    """A choice of texts, the first by default."""
    texts = list(options)
    return QgsProcessingParameterEnum(
        name, description, options=texts, defaultValue=default or texts[0], usesStaticStrings=True
    )


def series_folder(name: str, description: str, optional: bool = False) -> SeriesParameter:
    """One series: a folder of dated rasters, a file of many dates, several files, or layers of these."""
    return SeriesParameter(name, description, optional)


def any_file(name: str, description: str, optional: bool = False) -> QgsProcessingParameterFile:
    """A file of any name: QGIS's own filter, `*.*`, refuses names without a dot."""
    return QgsProcessingParameterFile(name, description, optional=optional, fileFilter="All files (*)")


def file_or_folder(name: str, description: str, optional: bool = False) -> QgsProcessingParameterFile:
    """A file or folder, which dialogs have a button each for."""
    definition = any_file(name, description, optional)
    definition.setMetadata({FOLDER_TOO: True})
    return definition


def model_file(name: str = "FORESTS", description: str = "Model file") -> QgsProcessingParameterFile:
    """A file of models of any kind."""
    return QgsProcessingParameterFile(
        name, description, fileFilter="Model files (*.smapforest *.smapmodel);;All files (*)"
    )


def period_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """START and END; see `Values.period`."""
    yield date_parameter("START", "First date")
    yield date_parameter("END", "Last date")


def season_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """WET_MONTHS and DRY_MONTHS; see `Values.seasons`."""
    yield QgsProcessingParameterString("WET_MONTHS", "Wet season (as Nov-Mar)", optional=True)
    yield QgsProcessingParameterString("DRY_MONTHS", "Dry season (as May-Sep)", optional=True)


def table_destination(name: str, description: str) -> QgsProcessingParameterVectorDestination:
    """A table that is always made."""
    return QgsProcessingParameterVectorDestination(name, description, type=Qgis.ProcessingSourceType.Vector)


def scheduler() -> QgsProcessingParameterDefinition:
    """SCHEDULER: where else the work may be done; see `base.cluster`."""
    return QgsProcessingParameterString("SCHEDULER", "Dask scheduler (as tcp://host:8786)", optional=True)
