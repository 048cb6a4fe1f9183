"""Which band of a raster is meant where one is wanted, and which rasters are no measurements but pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from osgeo import gdal

from ..base.covariate_names import covariate_name
from ..base.errors import InputError
from ..base.words import counted
from .texts import band_name

#: What a band's name may say besides: numbers, dates, units, and that it is a mean.
_BESIDES = re.compile(r"\d\w*|[ck]?m\d?|mm|days?|mean|average|avg|band|values?")
#: Names of bands that say nothing, or a colour.
_COLOUR_OR_NONE = re.compile(r"((band|layer|lyr|b)_?)?\d*|r|g|b|a|red|green|blue|alpha|gr[ae]y|opacity")
_COLOURS = frozenset({gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand})
#: Bands that a sentence lists.
_MOST_LISTED = 8
ALONE = "keep that band in a file of its own (Raster > Conversion > Translate)"


@dataclass(frozen=True)
class Wanted:
    """A band to be found.

    Attributes
    ----------
    what : str
        What it holds, in words.
    names : tuple of str
        What such bands are called, as covariate names.
    advice : str
        What to do where it cannot be told; the end of a sentence.
    asked : str
        The name or number that the user gave, or empty.
    within : str
        A name of something more special, in which the name of the band may stand: `modis_ndvi` of NDVI.
    classes : bool
        Whether a band with a colour table will do.
    off_grid : str
        What to do about one on an unfit grid, where not to warp it; the end of a sentence.
    """

    what: str
    names: tuple[str, ...]
    advice: str = ALONE
    asked: str = ""
    within: str = ""
    classes: bool = False
    off_grid: str = ""

    def find(self, names: Sequence[str], label: str) -> int:
        """The index of the band among all `names` of a raster: the one asked for, named so, or alone.

        Raises
        ------
        InputError
            If it cannot be told; names the bands.
        """
        if self.asked:
            return self._asked(names, label)
        if len(names) == 1:
            return 0
        for alike in (self._named, self._named_but_besides, self._named_within):
            found = [number for number, name in enumerate(names) if alike(_words(name))]
            if len(found) == 1:
                return found[0]
            if found:
                break
        raise InputError(
            f"{label}: it has {listed_bands(names)} where one is wanted, and it cannot be told which one is "
            f"{self.what}; {self.advice}."
        )

    def _asked(self, names: Sequence[str], label: str) -> int:
        wanted = covariate_name(self.asked)
        named = [number for number, name in enumerate(names) if wanted and covariate_name(name) == wanted]
        if len(named) == 1:
            return named[0]
        if list(names) == [""] and not self.asked.isdecimal():
            # One name may be meant for several series, of which others have a single band.
            return 0
        if self.asked.isdecimal() and 1 <= int(self.asked) <= len(names):
            return int(self.asked) - 1
        raise InputError(
            f"BAND: {label} has no band {self.asked} (it has {listed_bands(names)}); give the name or number "
            "of one of them."
        )

    def _named(self, band: list[str]) -> bool:
        return any(band == _words(name) for name in self.names)

    def _named_but_besides(self, band: list[str]) -> bool:
        return bool(_core(band)) and any(_core(band) == _core(_words(name)) for name in self.names)

    def _named_within(self, band: list[str]) -> bool:
        return bool(_core(band)) and set(_core(band)) <= set(_words(self.within))


_ELEVATIONS = (
    "elevation elev elv dem dtm dsm ave_dsm altitude height z srtm filled digital_elevation_model "
    "elevation_masl elevation_meters elevation_metres"
)
_RAINS = (
    "rain rainfall precipitation precip prec pr ppt pcp tp precipitationcal precipitation_cal "
    "total_precipitation total_precipitation_sum hourlypreciprate"
)
ELEVATION = Wanted("the elevation", tuple(_ELEVATIONS.split()))
RAIN = Wanted("rain", tuple(_RAINS.split()))
MOISTURE = Wanted(
    "soil moisture",
    ("soil_moisture", "soilmoisture", "sm", "ssm", "surface_soil_moisture"),
    off_grid="soil moisture is not resampled: give rasters as 'Import SMAP soil moisture' or 'Downscale' "
    "wrote them, those of each grid in a folder of their own",
)
MASK = Wanted("the mask", ("mask", "masked", "urban", "water", "built_up", "settlement"), classes=True)


def band_names(dataset: gdal.Dataset) -> dict[int, str]:
    """The descriptions of the bands by their numbers, without a band of transparency."""
    bands = [(number, dataset.GetRasterBand(number)) for number in range(1, dataset.RasterCount + 1)]
    return {
        number: band_name(band)
        for number, band in bands
        if band.GetColorInterpretation() != gdal.GCI_AlphaBand
    }


def one_band(dataset: gdal.Dataset, label: str, wanted: Wanted) -> int:
    """The number of the band that is wanted.

    Raises
    ------
    InputError
        If the raster is a picture, or it cannot be told which band is meant.
    """
    refuse_picture(dataset, label)
    bands = band_names(dataset)
    number = list(bands)[wanted.find(list(bands.values()), label)]
    check_measured(dataset, number, label, wanted)
    return number


def check_measured(dataset: gdal.Dataset, number: int, label: str, wanted: Wanted) -> None:
    """Raise `InputError` for a band whose numbers are those of colours or classes."""
    if not wanted.classes and dataset.GetRasterBand(number).GetColorTable() is not None:
        raise InputError(
            f"{label}: its band has a colour table, so its numbers are those of colours or classes, not "
            f"{wanted.what}; choose the raster of the values themselves, or save it without the table "
            "(Raster > Raster Calculator) if they are measurements."
        )


def refuse_picture(dataset: gdal.Dataset, label: str) -> None:
    """Raise `InputError` for a raster drawn in colours: red, green and blue as bytes, without other names."""
    if dataset.RasterCount not in (3, 4):
        return
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    kinds = [band.GetColorInterpretation() for band in bands]
    drawn = set(kinds) >= _COLOURS or kinds[-1] == gdal.GCI_AlphaBand
    named = any(not _COLOUR_OR_NONE.fullmatch(covariate_name(band_name(band))) for band in bands)
    if drawn and not named and all(band.DataType == gdal.GDT_Byte for band in bands):
        raise InputError(
            f"{label}: it is a picture rendered in colours, not the values themselves; choose the raster it "
            "was drawn from (saved from QGIS as 'Raw data'), or describe its bands by names if they are "
            "measurements."
        )


def listed_bands(names: Sequence[str]) -> str:
    """`3 bands (slope, curvature, band 3)`, `31 bands without names`."""
    count = counted(len(names), "band")
    if not any(names):
        return f"{count} without names"
    shown = [name or f"band {number}" for number, name in enumerate(names, start=1)]
    more = len(shown) - _MOST_LISTED
    return f"{count} ({', '.join(shown[:_MOST_LISTED])}{f' and {more:,} more' if more > 0 else ''})"


def same_but_dates(names: Sequence[str]) -> bool:
    """Whether names of bands say the same, but for numbers, dates and units."""
    return all(_core(_words(name)) == _core(_words(names[0])) for name in names)


def _words(name: str) -> list[str]:
    return covariate_name(name).split("_")


def _core(words: Sequence[str]) -> list[str]:
    return [word for word in words if word and not _BESIDES.fullmatch(word)]
