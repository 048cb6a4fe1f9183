"""The paper's steps on a folder of files, and a watershed for the made-up basin."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import ogr

from smap_downscaler.geo.datasets import dataset_grid, open_dataset, spatial_reference, whole_file
from smap_downscaler.series.series import open_series

#: The seasons of the paper's Table 6.
WET, DRY = "11,12,1,2,3", "5,6,7,8,9"
TWI = ("twi_mtfd", "twi_fd8", "twi_mfdmd")
#: Sheets of maps: the figure, the kind, and the series.
_SHEETS = (("fig_1", "locator", "maps"), ("fig_5", "cascade", "cascade"), ("fig_s2", "days", "maps"))


@dataclass(frozen=True)
class Step:
    """An algorithm of the toolbox, its parameters, and what a reader calls it."""

    title: str
    algorithm: str
    parameters: dict[str, Any]


class Chain:
    """The paper's steps on the files of a folder."""

    def __init__(self, data: Path, output: Path, repeats: int, trees: int | None):
        self._data, self._output = data, output
        self._repeats, self._trees = repeats, trees
        output.mkdir(parents=True, exist_ok=True)

    def steps(self) -> Iterator[Step]:
        """One after the other; a step is made when those before it are done."""
        yield from self._layers()
        yield from self._learning()
        yield from self._maps()
        yield from self._squares()
        if (self._data / "stations.csv").exists():
            yield from self._field()
        if (self._data / "truth").is_dir():
            yield Step(
                "Maps against the known truth",
                "comparemaps",
                {
                    "INPUT": self._out("maps"),
                    "REFERENCE": str(self._data / "truth"),
                    "SMAP": self._out("smap"),
                    "OUTPUT": self._out("comparison.gpkg"),
                    "REPORT": self._report("comparemaps"),
                },
            )

    def _layers(self) -> Iterator[Step]:
        data = self._data
        yield Step(
            "SMAP over the basin",
            "importsmap",
            {"INPUT": str(data / "smap"), **self._area("aoi"), "OUTPUT": self._out("smap")},
        )
        yield Step(
            "Terrain",
            "terrainindices",
            {
                "INPUT": str(data / "dem.tif"),
                "ENGINE": "built-in",
                **{name.upper(): self._out(f"{name}.tif") for name in TWI},
                "REPORT": self._report("terrainindices"),
            },
        )
        rain = {"INPUT": str(data / "precipitation")}
        yield Step(
            "Seasons of the rain", "seasonalprecipitation", {**rain, "OUTPUT": self._out("p_seasons.tif")}
        )
        yield Step(
            "Rain of three days", "antecedentprecipitation", {**rain, "OUTPUT": self._out("p_antecedent")}
        )
        soil = sorted((data / "soil").glob("*.tif"))
        twi = [self._output / f"{name}.tif" for name in TWI]
        layers = [data / "dem.tif", *twi, *soil, self._output / "p_seasons.tif"]
        yield Step(
            "Covariates on SMAP's cells and at 100 m",
            "harmonisecovariates",
            {
                "INPUT": [str(layer) for layer in layers],
                "SMAP": self._out("smap"),
                **self._area("aoi"),
                **self._given("MASK", "mask.tif"),
                "RESOLUTION": 100,
                "OUTPUT_COARSE": self._out("covariates_cells.tif"),
                "OUTPUT_FINE": self._out("covariates_100m.tif"),
                "COVARIATES_TABLE": self._out("covariates.csv"),
                "REPORT": self._report("harmonisecovariates"),
            },
        )

    def _learning(self) -> Iterator[Step]:
        yield Step(
            "The regression matrix",
            "regressionmatrix",
            {
                "SMAP": self._out("smap"),
                "COVARIATES": self._out("covariates_cells.tif"),
                "DYNAMIC": [self._out("p_antecedent")],
                "OUTPUT": self._out("matrix.gpkg"),
                "RAIN_BY_DATE": self._out("rain_by_date.csv"),
                "REPORT": self._report("regressionmatrix"),
            },
        )
        forest = {"INPUT": self._out("matrix.gpkg"), **self._forest()}
        yield Step(
            "A forest a date",
            "trainforests",
            {
                **forest,
                "OUTPUT": self._out("forests.smapforest"),
                "SCORES": self._out("out_of_bag.gpkg"),
                "EFFECTS": self._out("effects.csv"),
                "REPORT": self._report("trainforests"),
            },
        )
        yield Step(
            "Cross-validation",
            "crossvalidate",
            {
                **forest,
                "FOLDS": 10,
                "REPEATS": self._repeats,
                "WET_MONTHS": WET,
                "DRY_MONTHS": DRY,
                "OUTPUT": self._out("crossvalidation.gpkg"),
                "SUMMARY": self._out("crossvalidation_summary.csv"),
                "REPORT": self._report("crossvalidate"),
            },
        )

    def _maps(self) -> Iterator[Step]:
        fine = {
            "FORESTS": self._out("forests.smapforest"),
            "COVARIATES": self._out("covariates_100m.tif"),
            "DYNAMIC": [self._out("p_antecedent")],
            **self._area("watershed"),
        }
        yield Step(
            "Maps of the watershed",
            "downscale",
            {
                **fine,
                "OUTPUT": self._out("maps"),
                "DATES": self._out("maps_by_date.csv"),
                "REPORT": self._report("downscale"),
            },
        )
        wet = self._two_dates()[0]
        yield Step(
            "One date from 3 km to 100 m",
            "cascade",
            {**fine, "DATE": wet, "OUTPUT": self._out("cascade"), "REPORT": self._report("cascade")},
        )
        for number, kind, source in _SHEETS:
            yield Step(
                f"Sheet: {kind}",
                "mapsheet",
                {
                    "KIND": kind,
                    "SERIES": self._out(source),
                    "SMAP": self._out("smap"),
                    "DEM": str(self._data / "dem.tif"),
                    **self._area("watershed"),
                    **(self._given("STATIONS", "stations.gpkg") if kind == "locator" else {}),
                    "OUTPUT": self._out(f"{number}.png"),
                },
            )

    def _squares(self) -> Iterator[Step]:
        yield Step(
            "Squares of a square kilometre",
            "samplesquares",
            {
                "COVARIATES": self._out("covariates_100m.tif"),
                "SMAP": self._out("smap"),
                **self._given("MASK", "mask.tif"),
                **self._area("watershed"),
                "OUTPUT": self._out("squares.gpkg"),
            },
        )
        dates = ",".join(self._two_dates())
        yield Step(
            "Statistics of the squares",
            "moisturestatistics",
            {
                "INPUT": self._out("squares.gpkg"),
                "SERIES": [self._out("maps")],
                "COVARIATES": self._out("covariates_100m.tif"),
                "DATES": dates,
                "REPORT_DATES": dates,
                "OUTPUT": self._out("statistics.gpkg"),
                "REPORT": self._report("moisturestatistics"),
            },
        )
        yield Step(
            "Principal components",
            "principalcomponents",
            {
                "INPUT": self._out("statistics.gpkg"),
                "FIELD_SET": "all mu_ and sd_ fields",
                "SUPPLEMENTARY": ["mu_sm", "sd_sm"],
                "COLOUR": "mu_sm",
                "DATES": dates,
                "OUTPUT": self._out("components.gpkg"),
                "REPORT": self._report("principalcomponents"),
            },
        )

    def _field(self) -> Iterator[Step]:
        stations = {
            "STATIONS": str(self._data / "stations.csv"),
            "CRS": crs_of(self._data),
        }
        yield Step(
            "Maps against the stations",
            "fieldvalidation",
            {
                "SERIES": self._out("maps"),
                **stations,
                "SMAP": self._out("smap"),
                "WET_MONTHS": WET,
                "DRY_MONTHS": DRY,
                "OUTPUT": self._out("pairs.gpkg"),
                "METRICS": self._out("metrics.csv"),
                "GROUPS": self._out("groups.csv"),
                "REPORT": self._report("fieldvalidation"),
            },
        )
        yield Step(
            "Quantile correlation by scale",
            "quantilecorrelation",
            {
                "INPUT": self._out("pairs.gpkg"),
                "X_FIELD": "map",
                "Y_FIELD": "field",
                "STATION_FIELD": "station",
                "DATE_FIELD": "date",
                "OUTPUT": self._out("quantiles.csv"),
                "REPORT": self._report("quantilecorrelation"),
            },
        )
        if (self._data / "model").is_dir():
            yield Step(
                "Triple collocation at the stations",
                "triplecollocation",
                {
                    "SERIES": self._out("maps"),
                    **stations,
                    "THIRD": str(self._data / "model"),
                    "ANOMALIES": "moving",
                    "MINIMUM_DAYS": 20,
                    "OUTPUT": self._out("collocation.gpkg"),
                    "REPORT": self._report("triplecollocation"),
                },
            )

    def _two_dates(self) -> tuple[str, str]:
        """A date of the wet season and one of the dry one, those with a map of which SMAP saw most: ISO.

        Without a map of a season one of any date is taken.
        """
        dates, smap = open_series(self._output / "maps").dates, open_series(self._output / "smap")
        seen = {date: int(np.isfinite(smap.read(date)).sum()) for date in dates}

        def most_seen(months: str) -> str:
            held = [date for date in dates if str(date.month) in months.split(",")]
            return max(held or dates, key=lambda date: seen[date]).isoformat()

        return most_seen(WET), most_seen(DRY)

    def _forest(self) -> dict[str, Any]:
        if self._trees is None:
            return {"PRESET": "paper"}
        return {"PRESET": "custom", "N_ESTIMATORS": self._trees}

    def _area(self, name: str) -> dict[str, str]:
        return self._given("AOI", f"{name}.gpkg")

    def _given(self, parameter: str, name: str) -> dict[str, str]:
        """A parameter that a file of the folder gives, if it is there."""
        for folder in (self._data, self._output):
            if (folder / name).exists():
                return {parameter: str(folder / name)}
        return {}

    def _out(self, name: str) -> str:
        return str(self._output / name)

    def _report(self, name: str) -> str:
        return str(self._output / "reports" / f"{name}.html")


def crs_of(data: Path) -> str:
    """The CRS of the DEM of a folder."""
    return dataset_grid(open_dataset(data / "dem.tif"), "dem.tif").crs


def places_of(data: Path) -> dict[str, tuple[float, float]]:
    """x and y of each station of a folder."""
    with (data / "stations.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {row["station"]: (float(row["x"]), float(row["y"])) for row in csv.DictReader(stream)}


def write_stations(data: Path, target: Path) -> None:
    """The stations as a layer of points."""
    points = {name: f"POINT ({x} {y})" for name, (x, y) in places_of(data).items()}
    _write(target, "stations", ogr.wkbPoint, crs_of(data), points)


def write_watershed(data: Path, target: Path) -> None:
    """A made-up watershed: what of the basin lies as near to its stations' middle as half of them."""
    places = list(places_of(data).values())
    x, y = (statistics.fmean(place[axis] for place in places) for axis in (0, 1))
    radius = statistics.median(math.dist(place, (x, y)) for place in places)
    circle = ogr.CreateGeometryFromWkt(f"POINT ({x} {y})").Buffer(radius + 1000.0)
    # A layer dies with its dataset, a shape with its feature.
    basin = ogr.Open(str(data / "aoi.gpkg"))
    layer = basin.GetLayer(0)
    feature = layer.GetNextFeature()
    shape = feature.GetGeometryRef().Clone()
    shape.TransformTo(spatial_reference(crs_of(data)))
    inside = ogr.ForceToMultiPolygon(circle.Intersection(shape))
    _write(target, "watershed", ogr.wkbMultiPolygon, crs_of(data), {"watershed": inside.ExportToWkt()})


def _write(target: Path, layer: str, kind: int, crs: str, shapes: Mapping[str, str]) -> None:
    with whole_file(target) as part:
        made = ogr.GetDriverByName("GPKG").CreateDataSource(str(part))
        out = made.CreateLayer(layer, spatial_reference(crs), kind)
        out.CreateField(ogr.FieldDefn("name", ogr.OFTString))
        for name, wkt in shapes.items():
            feature = ogr.Feature(out.GetLayerDefn())
            feature.SetField("name", name)
            feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
            out.CreateFeature(feature)
        del feature, out, made
