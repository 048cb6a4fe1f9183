"""Small files of all kinds that the algorithms read, and the runs that read them."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, ogr, osr

from child_runs import OK, Child
from gap_case import make_gap_case
from granules import write_granule
from rain_cases import days_from, rain, write_days, write_netcdf
from raster_cases import netcdf
from small_area_case import AreaCase, make_area_case
from small_case import CELLS, DATES, PIXELS, SmallCase, make_small_case, write_small_stations
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.features import FeatureSettings
from station_files import ismn_file
from terrain_cases import rough_dem

FOREST = {"PRESET": "custom", "N_ESTIMATORS": 3, "MINIMUM_CELLS": 20, "SEED": 3, "THREADS": 1}
#: Pieces of work that the journals of stopped runs hold at least.
_KEPT = 3
GRANULE_EXTENT = "-72.30,-70.83,-14.68,-13.13 [EPSG:4326]"


@dataclass(frozen=True)
class Trial:
    """A file that is damaged, and a run that reads it.

    Parameters
    ----------
    name : str
    folder : Path
        All files that the damaged one stands among; each trial has a copy.
    target : str
        The file to damage, relative to `folder`.
    form : str
        Of the file's header, as `fuzz_mutations.mutate` knows it.
    algorithm : str
    parameters : dict
        `{in}` stands for the copy, `{out}` for a new folder.
    resumed : bool
        The folder is that of an earlier run's outputs, on which the run goes on.
    guarded : bool
        All that the file holds stands behind checksums, so that no damage may count as other content.
    """

    name: str
    folder: Path
    target: str
    form: str
    algorithm: str
    parameters: dict[str, Any]
    resumed: bool = False
    guarded: bool = False


class Trials:
    """All trials by kind, made in a folder when they are asked for; earlier steps run in `child`."""

    def __init__(self, root: Path, child: Child):
        self._root, self._child = root, child
        self._small: SmallCase | None = None
        self._area: AreaCase | None = None
        self._made: dict[str, list[Trial]] = {}

    def of(self, kind: str) -> list[Trial]:
        """The trials of a kind, one of `KINDS`."""
        if kind not in self._made:
            self._made[kind] = KINDS[kind](self)
        return self._made[kind]

    @property
    def small(self) -> SmallCase:
        if self._small is None:
            self._small = make_small_case(self._root / "small")
        return self._small

    @property
    def area(self) -> AreaCase:
        """Cells, stack and rain for area-to-point models."""
        if self._area is None:
            self._area = make_area_case(self._root / "area", dates=6, with_rain=True)
        return self._area

    def folder(self, name: str) -> Path:
        path = self._root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, algorithm: str, parameters: dict[str, Any]) -> None:
        """An earlier step of the chain."""
        ended = self._child.run(algorithm, parameters)
        if ended.kind != OK:
            raise RuntimeError(f"{algorithm}: {ended.kind} {ended.told}")

    def stop(self, algorithm: str, parameters: dict[str, Any], largest_file: int) -> None:
        """An earlier step, stopped by a disk that is full."""
        self._child.run(algorithm, parameters, largest_file=largest_file)

    def matrix(self, ending: str = ".gpkg") -> Path:
        path = self.folder(f"matrix{ending}") / f"matrix{ending}"
        if not path.exists():
            values = {
                "SMAP": self.small.smap_folder,
                "COVARIATES": self.small.coarse_stack,
                "OUTPUT": str(path),
            }
            self.run("regressionmatrix", values)
        return path

    def forests(self) -> Path:
        path = self.folder("forests") / "forests.smapforest"
        if not path.exists():
            self.run("trainforests", {"INPUT": str(self.matrix()), **FOREST, "OUTPUT": str(path)})
        return path


def _copy(trials: Trials, name: str, source: str | Path) -> tuple[Path, str]:
    folder = trials.folder(name)
    shutil.copy(source, folder)
    return folder, Path(source).name


def _harmonise(trials: Trials, layer: str) -> dict[str, Any]:
    return {
        "INPUT": [f"{{in}}/{layer}"],
        "SMAP": trials.small.smap_folder,
        "CRS": "EPSG:6933",
        "RESOLUTION": 900,
        "OUTPUT_COARSE": "{out}/coarse.tif",
        "OUTPUT_FINE": "{out}/fine.tif",
    }


def _covariate(trials: Trials, name: str, layer: str, form: str) -> Trial:
    """A raster of a covariate, given to `harmonisecovariates`."""
    return Trial(name, trials.folder(name), layer, form, "harmonisecovariates", _harmonise(trials, layer))


def _geotiffs(trials: Trials) -> list[Trial]:
    small, made = trials.small, []
    source = gdal.Open(small.fine_stack)
    forms: dict[str, tuple[str, list[str]]] = {
        "float": (
            "Float32",
            ["COMPRESS=DEFLATE", "PREDICTOR=3", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"],
        ),
        "lzw": ("Int16", ["COMPRESS=LZW", "PREDICTOR=2"]),
        "plain": ("Float64", []),
        "big": ("UInt16", ["COMPRESS=ZSTD", "BIGTIFF=YES"]),
        "packbits": ("Int32", ["COMPRESS=PACKBITS", "INTERLEAVE=BAND", "ENDIANNESS=BIG"]),
        "lerc": ("Float32", ["COMPRESS=LERC_DEFLATE", "INTERLEAVE=BAND"]),
    }
    for name, (kind, options) in forms.items():
        folder = trials.folder(f"tif_{name}")
        dataset = gdal.Translate(
            str(folder / "layer.tif"),
            source,
            bandList=[2],
            outputType=getattr(gdal, f"GDT_{kind}"),
            creationOptions=options,
            metadataOptions=["SOURCE=made up"],
            noData=-9999 if kind[0] != "U" else 0,
        )
        if name == "lzw":
            dataset.GetRasterBand(1).SetScale(0.5)
            dataset.BuildOverviews("AVERAGE", [2, 4])
        if name == "plain":
            dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
            mask = np.full(PIXELS.shape, 255, np.uint8)
            mask[:5, :5] = 0
            dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
        del dataset
        made.append(_covariate(trials, f"tif_{name}", "layer.tif", "tiff"))
    folder, name = _copy(trials, "tif_dem", rough_dem(trials.folder("dem")))
    made.append(
        Trial(
            "tif_dem",
            folder,
            name,
            "tiff",
            "terrainindices",
            {
                "INPUT": f"{{in}}/{name}",
                "ENGINE": "built-in",
                "TWI_FD8": "{out}/twi.tif",
                "SLOPE": "{out}/slope.tif",
            },
        )
    )
    folder, name = _copy(trials, "tif_fine", small.fine_stack)
    made.append(
        Trial(
            "tif_fine",
            folder,
            name,
            "tiff",
            "downscale",
            {
                "FORESTS": str(trials.forests()),
                "COVARIATES": f"{{in}}/{name}",
                "START": "2021-01-01",
                "OUTPUT": "{out}/maps",
                "THREADS": 1,
            },
        )
    )
    folder, name = _copy(trials, "tif_coarse", small.coarse_stack)
    made.append(
        Trial(
            "tif_coarse",
            folder,
            name,
            "tiff",
            "regressionmatrix",
            {"SMAP": small.smap_folder, "COVARIATES": f"{{in}}/{name}", "OUTPUT": "{out}/m.gpkg"},
        )
    )
    folder = trials.folder("tif_smap")
    shutil.copytree(small.smap_folder, folder, dirs_exist_ok=True)
    made.append(
        Trial(
            "tif_smap",
            folder,
            "soil_moisture_20201230.tif",
            "tiff",
            "regressionmatrix",
            {"SMAP": "{in}", "COVARIATES": small.coarse_stack, "OUTPUT": "{out}/m.gpkg"},
        )
    )
    folder = trials.folder("tif_rain")
    write_days(folder, days_from("2019-12-28", 6), rain(6))
    target = sorted(path.name for path in folder.iterdir())[2]
    made += _rain_trials("tif_rain", folder, target, "tiff", "{in}")
    folder = trials.folder("tif_mask")
    mask = np.zeros(PIXELS.shape, np.float32)
    mask[20:40, 10:30] = 1
    write_geotiff(folder / "mask.tif", PIXELS, mask)
    made.append(
        Trial(
            "tif_mask",
            folder,
            "mask.tif",
            "tiff",
            "samplesquares",
            {"EXTENT": _extent(PIXELS), "COUNT": 30, "MASK": "{in}/mask.tif", "OUTPUT": "{out}/squares.gpkg"},
        )
    )
    return made


def _rain_trials(name: str, folder: Path, target: str, form: str, given: str) -> list[Trial]:
    """Rain, given to both algorithms that read it."""
    runs = {
        "antecedentprecipitation": {"DAYS": 2, "OUTPUT": "{out}/rain"},
        "seasonalprecipitation": {
            "KIND": "daily",
            "MINIMUM_SHARE": 0.01,
            "SEASONS": "p_dry=12,1",
            "OUTPUT": "{out}/rain.tif",
        },
    }
    return [
        Trial(name, folder, target, form, algorithm, {"INPUT": given, **values})
        for algorithm, values in runs.items()
    ]


def _extent(grid: Grid) -> str:
    bounds = grid.bounds
    return f"{bounds.left},{bounds.right},{bounds.bottom},{bounds.top} [{grid.crs}]"


def _netcdfs(trials: Trials) -> list[Trial]:
    made = []
    values = rain(6)
    numbers = list(range(7300, 7306))
    folder = trials.folder("nc_classic")
    write_netcdf(folder / "rain.nc", values, numbers, "days since 2000-01-01")
    four = trials.folder("nc_four")
    netcdf(four / "rain.nc", {"precip": values}, numbers, fill=-9999.0)
    packed = trials.folder("nc_packed")
    whole = np.round(values * 10).astype(np.int16)
    netcdf(packed / "rain.nc", {"precip": whole}, numbers, fill=-9999.0, packing=(0.1, 0.0))
    for name in ("nc_classic", "nc_four", "nc_packed"):
        made += _rain_trials(name, trials.folder(name), "rain.nc", name, "{in}/rain.nc")
    return made


def _granules(trials: Trials) -> list[Trial]:
    cells = {
        "AM": {(250, 290): (0.2, 0), (251, 290): (0.3, 1), (251, 291): (0.25, 0)},
        "PM": {(250, 290): (0.3, 0), (252, 291): (0.22, 8)},
    }
    made = []
    for layout in ("AM/PM", "single"):
        folder = trials.folder(f"granule_{layout.replace('/', '_')}")
        path = write_granule(folder, cells if layout == "AM/PM" else {"AM": cells["AM"]}, layout=layout)
        write_granule(folder, {"AM": cells["AM"]}, "20200106", layout=layout)
        for overpass in ("AM", "both") if layout == "AM/PM" else ("AM",):
            values = {"INPUT": "{in}", "EXTENT": GRANULE_EXTENT, "OVERPASS": overpass, "OUTPUT": "{out}/smap"}
            made.append(Trial(f"granule_{overpass}", folder, path.name, "hdf5", "importsmap", values))
    return made


def _vrts(trials: Trials) -> list[Trial]:
    folder = trials.folder("vrt")
    shutil.copy(trials.small.fine_stack, folder / "fine.tif")
    gdal.BuildVRT(str(folder / "layer.vrt"), [str(folder / "fine.tif")], bandList=[2]).FlushCache()
    text = (folder / "layer.vrt").read_text()
    (folder / "layer.vrt").write_text(text.replace(f"{folder}/", ""))
    stacked = trials.folder("vrt_stack")
    shutil.copy(trials.small.coarse_stack, stacked / "coarse.tif")
    gdal.Translate(str(stacked / "coarse.vrt"), str(stacked / "coarse.tif"), format="VRT").FlushCache()
    values = {"SMAP": trials.small.smap_folder, "COVARIATES": "{in}/coarse.vrt", "OUTPUT": "{out}/m.gpkg"}
    return [
        _covariate(trials, "vrt", "layer.vrt", "text"),
        Trial("vrt_stack", stacked, "coarse.vrt", "text", "regressionmatrix", values),
    ]


def _packages(trials: Trials) -> list[Trial]:
    folder = trials.folder("gpkg_raster")
    _package_of_raster(trials.small.fine_stack, folder / "layer.gpkg")
    matrix = str(trials.matrix())
    made = [_covariate(trials, "gpkg_raster", "layer.gpkg", "sqlite")]
    folder, name = _copy(trials, "gpkg_matrix", matrix)
    made.append(
        Trial(
            "gpkg_matrix",
            folder,
            name,
            "sqlite",
            "trainforests",
            {"INPUT": f"{{in}}/{name}", **FOREST, "OUTPUT": "{out}/f.smapforest", "SCORES": "{out}/s.gpkg"},
        )
    )
    made.append(
        Trial(
            "gpkg_matrix",
            folder,
            name,
            "sqlite",
            "crossvalidate",
            {
                "INPUT": f"{{in}}/{name}",
                **FOREST,
                "FOLDS": 2,
                "BLOCKS": 0,
                "START": "2021-01-01",
                "OUTPUT": "{out}/cv.gpkg",
            },
        )
    )
    return [*made, *_polygon_trials(trials, "gpkg_polygons", "GPKG", "boxes.gpkg", ["boxes.gpkg"], "sqlite")]


def _package_of_raster(source: str, path: Path) -> None:
    """A GeoPackage of 16-bit numbers: floats have no place in a raster of it before GDAL 3.7."""
    dataset = gdal.Translate("", source, format="MEM", bandList=[2], outputType=gdal.GDT_Int16)
    gdal.Translate(str(path), dataset, format="GPKG", creationOptions=["RASTER_TABLE=layer"]).FlushCache()


def _polygon_trials(
    trials: Trials, name: str, driver: str, layer: str, targets: list[str], form: str
) -> list[Trial]:
    """Boxes, given to `moisturestatistics` as polygons and to `mapsheet` as the study area."""
    folder = trials.folder(name)
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    way_from = osr.SpatialReference()
    way_from.ImportFromEPSG(6933)
    way = osr.CoordinateTransformation(way_from, degrees)
    dataset = ogr.GetDriverByName(driver).CreateDataSource(str(folder / layer))
    table = dataset.CreateLayer("boxes", degrees, ogr.wkbPolygon)
    table.CreateField(ogr.FieldDefn("name", ogr.OFTString))
    table.CreateField(ogr.FieldDefn("clay", ogr.OFTReal))
    for number in range(6):
        left = PIXELS.left + (5 + 12 * number) * PIXELS.cell_width
        top = PIXELS.top - (5 + 11 * number) * PIXELS.cell_height
        right, bottom = left + 8 * PIXELS.cell_width, top - 7 * PIXELS.cell_height
        ring = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        text = ", ".join("{} {}".format(*way.TransformPoint(x, y)[:2]) for x, y in ring)
        feature = ogr.Feature(table.GetLayerDefn())
        feature.SetField("name", f"box {number}")
        feature.SetField("clay", 200.0 + number)
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON (({text}))"))
        table.CreateFeature(feature)
    del feature, table, dataset
    values = {
        "INPUT": f"{{in}}/{layer}",
        "SERIES": trials.small.smap_folder,
        "OUTPUT": "{out}/stats.gpkg",
        "TABLE": "{out}/table.csv",
    }
    made = [Trial(name, folder, target, form, "moisturestatistics", values) for target in targets]
    drawn = {"KIND": "days", "SERIES": trials.small.smap_folder, "AOI": f"{{in}}/{layer}", "DPI": 50}
    drawn |= {"OUTPUT": "{out}/sheet.png", "TABLE": "{out}/table.csv"}
    return [*made, Trial(name, folder, targets[0], form, "mapsheet", drawn)]


def _tables(trials: Trials) -> list[Trial]:
    folder, name = _copy(trials, "csv_matrix", trials.matrix(".csv"))
    made = [
        Trial(
            "csv_matrix",
            folder,
            name,
            "text",
            "trainforests",
            {"INPUT": f"{{in}}/{name}", **FOREST, "OUTPUT": "{out}/f.smapforest", "SCORES": "{out}/s.csv"},
        )
    ]
    made.append(
        Trial(
            "csv_points",
            folder,
            name,
            "text",
            "principalcomponents",
            {
                "INPUT": f"{{in}}/{name}",
                "FIELDS": ["elevation", "clay", "sand"],
                "OUTPUT": "{out}/pc.csv",
                "LOADINGS": "{out}/loadings.csv",
            },
        )
    )
    folder = trials.folder("csv_stations")
    write_small_stations(folder / "stations.csv")
    made.append(_validation(trials, "csv_stations", "stations.csv", "text"))
    folder = trials.folder("csv_pairs")
    rng = np.random.default_rng(1)
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("date", "station", "map", "field"))
        for number, date in enumerate(days_from("2021-01-30", 60)):
            x = 0.25 + 0.05 * np.sin(number / 5) + 0.02 * rng.normal()
            writer.writerow((date, "Ana", f"{x:.5f}", f"{x + 0.02 * rng.normal():.5f}"))
    made.append(
        Trial(
            "csv_pairs",
            folder,
            "pairs.csv",
            "text",
            "quantilecorrelation",
            {
                "INPUT": "{in}/pairs.csv",
                "X_FIELD": "map",
                "Y_FIELD": "field",
                "STATION_FIELD": "station",
                "SCALES": "1",
                "QUANTILES": "0.5",
                "BOOTSTRAP": 100,
                "THREADS": 1,
                "OUTPUT": "{out}/q.csv",
            },
        )
    )
    return made


def _validation(trials: Trials, name: str, stations: str, form: str, target: str = "") -> Trial:
    values = {
        "SERIES": trials.small.smap_folder,
        "STATIONS": f"{{in}}/{stations}" if stations else "{in}",
        "CRS": "EPSG:6933",
        "MINIMUM_DAYS": 2,
        "BOOTSTRAP": 100,
        "OUTPUT": "{out}/pairs.csv",
        "METRICS": "{out}/metrics.csv",
    }
    return Trial(name, trials.folder(name), target or stations, form, "fieldvalidation", values)


def _ismn(trials: Trials) -> list[Trial]:
    folder = trials.folder("ismn")
    grid = CELLS
    way = osr.CoordinateTransformation(*_ease_to_degrees())
    lines = []
    for number, date in enumerate(DATES):
        for hour in (0, 6, 12):
            lines.append((f"{date:%Y/%m/%d}", f"{hour:02}:00", f"{0.2 + 0.03 * number:.4f}", "G", "M"))
    paths = []
    for station, (row, col) in {"One": (3, 0), "Two": (5, 1)}.items():
        lon, lat, _ = way.TransformPoint(float(grid.x_centres()[col]), float(grid.y_centres()[row]))
        paths.append(ismn_file(folder, station, place=(lat, lon), records=lines))
    (folder / "Readme.txt").write_text("made up\n")
    zipped = trials.folder("ismn_zip")
    with zipfile.ZipFile(zipped / "stations.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [*paths, folder / "Readme.txt"]:
            archive.write(path, path.relative_to(folder))
    target = paths[0].relative_to(folder).as_posix()
    return [
        _validation(trials, "ismn", "", "text", target),
        _validation(trials, "ismn_zip", "stations.zip", "zip"),
    ]


def _ease_to_degrees() -> tuple[osr.SpatialReference, osr.SpatialReference]:
    ends = osr.SpatialReference(), osr.SpatialReference()
    for end, code in zip(ends, (6933, 4326)):
        end.ImportFromEPSG(code)
        end.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return ends


def _models(trials: Trials) -> list[Trial]:
    folder, name = _copy(trials, "forest", trials.forests())
    common = {"FORESTS": f"{{in}}/{name}", "COVARIATES": trials.small.fine_stack, "THREADS": 1}
    values = {**common, "START": "2021-01-01", "OUTPUT": "{out}/maps"}
    cascade = {**common, "DATE": "2021-01-01", "RESOLUTIONS": "4500", "OUTPUT": "{out}/cascade"}
    return [
        Trial("forest", folder, name, "zip", "downscale", values),
        Trial("forest", folder, name, "zip", "cascade", cascade),
    ]


def _area_models(trials: Trials) -> list[Trial]:
    """Area-to-point models, what they are trained on, and SMAP that maps are held against."""
    area, folder = trials.area, trials.folder("area_model")
    dated = {"DYNAMIC": [area.rain]}
    values = {**area.inputs, **dated, "FOOTPRINT": "20", "OUTPUT": str(folder / "area.smapmodel")}
    trials.run("trainareamodel", values)
    given = {"FORESTS": "{in}/area.smapmodel", "COVARIATES": area.inputs["COVARIATES"], **dated, "THREADS": 1}
    extra = {"INTERVALS": True, "APPLICABILITY": True, "OUTPUT": "{out}/maps"}
    cascade = {"DATE": str(area.dates[1]), "RESOLUTIONS": "4500", "OUTPUT": "{out}/cascade"}
    made = [
        Trial("area_model", folder, "area.smapmodel", "zip", "downscale", {**given, **extra}),
        Trial("area_model", folder, "area.smapmodel", "zip", "cascade", {**given, **cascade}),
    ]
    quick = {"FOOTPRINT": "0", "TERMS": ["linear"], "OUTPUT": "{out}/m.smapmodel", "SCORES": "{out}/s.gpkg"}
    folder, name = _copy(trials, "area_stack", str(area.inputs["COVARIATES"]))
    values = {**area.inputs, **quick, "COVARIATES": f"{{in}}/{name}"}
    made.append(Trial("area_stack", folder, name, "tiff", "trainareamodel", values))
    folder = trials.folder("area_smap")
    shutil.copytree(str(area.inputs["SMAP"]), folder, dirs_exist_ok=True)
    name = sorted(path.name for path in folder.iterdir())[2]
    values = {**area.inputs, **quick, "SMAP": "{in}"}
    made.append(Trial("area_smap", folder, name, "tiff", "trainareamodel", values))
    model = {"FORESTS": str(trials.folder("area_model") / "area.smapmodel"), **dated, "THREADS": 1}
    # A model knows the SMAP that it was trained on; another one is read where it is given.
    values = {**model, **area.inputs, "SMAP": "{in}", "OUTPUT": "{out}/maps", "DATES": "{out}/dates.csv"}
    made.append(Trial("area_smap", folder, name, "tiff", "downscale", values))
    values = {
        "METHODS": ["nearest", "linear"],
        "TRUTHS": ["mild", "flip", "linear"],
        "SHARES": "0.2, 0.6",
        "FOOTPRINT": "0",
        "DATES": "1",
        "CELLS": 9,
        "PIXEL": 1500,
        "SWATHS": False,
        "OUTPUT": "{out}/skill.csv",
        "MAPS": "{out}/maps.csv",
    }
    return [*made, _stopped(trials, "skill_journal", "skillexperiment", values, ".skill.csv.work")]


def _polygons(trials: Trials) -> list[Trial]:
    return [
        *_polygon_trials(trials, "geojson", "GeoJSON", "boxes.geojson", ["boxes.geojson"], "text"),
        *_polygon_trials(
            trials,
            "shapefile",
            "ESRI Shapefile",
            "boxes.shp",
            ["boxes.shp", "boxes.dbf", "boxes.prj", "boxes.shx"],
            "shapefile",
        ),
    ]


def _resumed(trials: Trials) -> list[Trial]:
    """Outputs and journals of earlier runs, on which the same run goes on."""
    made = []
    small = trials.small
    values = {
        "FORESTS": str(trials.forests()),
        "COVARIATES": small.fine_stack,
        "THREADS": 1,
        "OUTPUT": "{out}/maps",
    }
    values["SERIES"] = "{out}/maps.vrt"
    made.append(
        _finished(trials, "maps_resumed", "downscale", values, "maps/soil_moisture_20210101.tif", "tiff")
    )
    values = {"INPUT": str(_rain_folder(trials)), "DAYS": 2, "OUTPUT": "{out}/rain"}
    made.append(_finished(trials, "rain_resumed", "antecedentprecipitation", values, "rain/*.tif", "tiff"))
    gaps = make_gap_case(trials.folder("gaps"), 50)
    forests = gaps.forests(gaps.folder / "season.smapforest", FeatureSettings(day_of_year=True))
    values = {
        "SMAP": str(gaps.smap),
        "FORESTS": str(forests),
        "DYNAMIC": [str(gaps.rain_folder)],
        "PERIOD": 2,
        "FOLDS": 2,
        "THREADS": 1,
        "OUTPUT": "{out}/filled",
    }
    made.append(_finished(trials, "gaps_resumed", "fillgaps", values, "filled/*.tif", "tiff"))
    made.append(_stopped(trials, "gaps_journal", "fillgaps", values, ".filled.work"))
    values = {"INPUT": str(trials.matrix()), **FOREST, "FOLDS": 2, "REPEATS": 5, "BLOCKS": 0}
    values["OUTPUT"] = "{out}/cv.gpkg"
    made.append(_stopped(trials, "cv_journal", "crossvalidate", values, ".cv.gpkg.work"))
    return made


def _rain_folder(trials: Trials) -> Path:
    folder = trials.folder("rain")
    return write_days(folder, days_from("2019-12-28", 6), rain(6))


def _finished(
    trials: Trials, name: str, algorithm: str, values: dict[str, Any], target: str, form: str
) -> Trial:
    folder = trials.folder(name)
    trials.run(algorithm, placed(values, folder, folder))
    found = sorted(folder.glob(target))[-1].relative_to(folder).as_posix()
    return Trial(name, folder, found, form, algorithm, values, resumed=True, guarded=True)


def _stopped(trials: Trials, name: str, algorithm: str, values: dict[str, Any], journal: str) -> Trial:
    """A run that stopped on a full disk after it had kept some pieces of work."""
    folder = trials.folder(name)
    for limit in (1 << power for power in range(11, 20)):
        trials.stop(algorithm, placed(values, folder, folder), limit)
        path = folder / journal
        if path.exists() and path.read_bytes().count(b"\n") >= _KEPT:
            return Trial(name, folder, journal, "text", algorithm, values, resumed=True, guarded=True)
        shutil.rmtree(folder)
        folder.mkdir()
    raise RuntimeError(f"{algorithm}: it kept no {_KEPT} pieces of work")


def placed(values: Any, given: Path, out: Path) -> Any:
    """Parameters with folders in the places of `{in}` and `{out}`."""
    if isinstance(values, dict):
        return {name: placed(value, given, out) for name, value in values.items()}
    if isinstance(values, list):
        return [placed(value, given, out) for value in values]
    if isinstance(values, str):
        return values.replace("{in}", str(given)).replace("{out}", str(out))
    return values


#: What there is to damage.
KINDS: dict[str, Callable[[Trials], list[Trial]]] = {
    "geotiff": _geotiffs,
    "netcdf": _netcdfs,
    "granule": _granules,
    "vrt": _vrts,
    "geopackage": _packages,
    "table": _tables,
    "ismn": _ismn,
    "forests": _models,
    "areamodel": _area_models,
    "polygons": _polygons,
    "resumed": _resumed,
}
