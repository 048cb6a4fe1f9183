"""The whole chain: which steps there are, what each is given, and what the report shows of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....base.errors import InputError
from ....base.progress import Progress
from ....base.threads import Stoppable
from ....base.words import Text, counted, text
from ....geo.grid import Grid, ease2_grid
from ....geo.lattice import is_geographic
from ....geo.sources import Mask
from ....methods.area.method import AREA_TO_POINT
from ....methods.forest.method import RANDOM_FOREST
from ....series.series import Series, open_series
from ....series.stack import open_stack
from ....toolbox.area import AOI, read_area
from ....toolbox.feedback import QgisProgress
from ....toolbox.layers import SERIES_FILE
from ....toolbox.values import Values
from ...crossvalidation.numbers.folds import BLOCKS, LOCATIONS, RANDOM, scheme_text
from ...field.toolbox.parameters import stations_read
from ...rain.antecedent import NAME as RAIN_NAME
from ...rain.numbers.seasons import DEFAULT_SEASONS, parse_seasons
from ...terrain.degrees import bring_to_metres, is_in_degrees
from ..look import cells_by_day, evidence_of, look_at
from ..numbers.interpolated import FoldScores, interpolated_scores
from ..numbers.outcome import ChainOutcome, SchemeScores
from .steps import Steps, check_step, own_words, step_of

METHODS = (AREA_TO_POINT.name, RANDOM_FOREST.name)
#: Outputs of 'Terrain indices' that become covariates: on SMAP's cells all wetness indices are the same.
_TERRAIN = ("TWI_MTFD", "SLOPE")
#: A shorter record has no seasons, days.
_YEAR = 365
#: SMAP cells around the study area whose rain is read too: rain's own cells may be as large.
_CELLS_AROUND = 3
#: Outputs of 'Cross-validate models' by scheme.
_SCORES = {
    RANDOM: ("RMSE", "R2"),
    BLOCKS: ("BLOCK_RMSE", "BLOCK_R2"),
    LOCATIONS: ("LOCATION_RMSE", "LOCATION_R2"),
}
_FOLDS, _BLOCK_KM = 5, 72.0
#: What the dialog calls parameters of the steps.
_NAMES: dict[str, dict[str, str]] = {
    "importsmap": {"INPUT": "SMAP"},
    "terrainindices": {"INPUT": "DEM"},
    "antecedentprecipitation": {"INPUT": "RAIN"},
    "seasonalprecipitation": {"INPUT": "RAIN"},
    "harmonisecovariates": {"INPUT": "SOIL"},
    "fieldvalidation": dict.fromkeys(
        ("STATION_FIELD", "DATE_FIELD", "X_FIELD", "Y_FIELD", "VALUE_FIELD", "REPLICATE_FIELD"), "STATIONS"
    ),
}


@dataclass(frozen=True)
class _Files:
    """Where results lie in the folder."""

    folder: Path

    def __getattr__(self, name: str) -> str:
        return str(self.folder / _NAMES_OF_FILES[name])


_NAMES_OF_FILES = {
    "smap": "smap",
    "rain": RAIN_NAME,
    "seasons": "covariates/rain_of_seasons.tif",
    "dem": "covariates/dem_in_metres.tif",
    "coarse": "covariates/stack_of_cells.tif",
    "fine": "covariates/fine_stack.tif",
    "matrix": "training/matrix.gpkg",
    "forests": "training/model.smapforest",
    "model": "training/model.smapmodel",
    "training_report": "training/report.html",
    "maps": "maps",
    # The folder may hold maps of other runs.
    "series": f"maps/{SERIES_FILE}",
    "scores": "crossvalidation/scores.gpkg",
    "scores_report": "crossvalidation/report.html",
    "pairs": "stations/pairs.gpkg",
    "metrics": "stations/metrics.csv",
    "field_report": "stations/report.html",
}


def check_chain(values: Values, folder: str) -> None:
    """Raise `InputError` for what one of the steps would refuse before its work, in this dialog's words."""
    files = _Files(Path(folder))
    for algorithm, parameters in _known(values, files):
        check_step(algorithm, parameters, _NAMES.get(algorithm, {}), values.context)


def _known(values: Values, files: _Files) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps that take what the user gave, with as much of it as is known at the beginning."""
    yield "importsmap", _import(values, files)
    if not is_in_degrees(values.raster_path("DEM")):
        yield "terrainindices", _terrain(files, values.parameters.get("DEM"))
    if values.given("RAIN"):
        yield "antecedentprecipitation", {"INPUT": values.parameters["RAIN"], "OUTPUT": files.rain}
    yield "harmonisecovariates", _harmonise(values, files, [])
    if values.given("STATIONS"):
        yield "fieldvalidation", _field(values, files)


def _given(values: Values, *names: str) -> dict[str, Any]:
    return {name: values.parameters[name] for name in names if values.given(name)}


def _import(values: Values, files: _Files) -> dict[str, Any]:
    own = _given(values, "EXTENT", AOI, "START", "END")
    return {"INPUT": values.parameters.get("SMAP"), **own, "OUTPUT": files.smap}


def _terrain(files: _Files, dem: Any) -> dict[str, Any]:
    return {"INPUT": dem, **{name: _terrain_file(files, name) for name in _TERRAIN}}


def _terrain_file(files: _Files, name: str) -> str:
    return str(files.folder / "covariates" / f"{name.lower()}.tif")


def _harmonise(values: Values, files: _Files, made: Sequence[str]) -> dict[str, Any]:
    """The stacks; `made` are layers of earlier steps.

    They cover all of SMAP's cells: cells at the edge of the study area are known whole.
    """
    soil = values.parameters.get("SOIL") or []
    layers = soil if isinstance(soil, (list, tuple)) else [soil]
    return {
        "INPUT": [values.parameters.get("DEM"), *made, *layers],
        "SMAP": files.smap,
        **_given(values, "MASK", "CRS", "RESOLUTION"),
        "OUTPUT_COARSE": files.coarse,
        "OUTPUT_FINE": files.fine,
    }


def _field(values: Values, files: _Files) -> dict[str, Any]:
    return {
        "SERIES": files.series,
        "STATIONS": values.parameters["STATIONS"],
        "SMAP": files.smap,
        "OUTPUT": files.pairs,
        "METRICS": files.metrics,
        "REPORT": files.field_report,
    }


class Chain:
    """The steps of a run.

    Parameters
    ----------
    values : Values
        Of the dialog.
    folder : str
    progress : QgisProgress

    Raises
    ------
    InputError
        If what was given cannot be read: all of it is opened before any work.
    """

    def __init__(self, values: Values, folder: str, progress: QgisProgress):
        self._values, self._files, self._progress = values, _Files(Path(folder)), progress
        looking = progress.part(0.0, 0.0)
        area = read_area(values, looking)
        if values.given("MASK"):
            Mask(values.raster_path("MASK"))
        if values.given("STATIONS"):
            # What there is to say of them, their step says.
            self._look_at_stations(Stoppable(looking))
        self._seasons = self._seasons_held(looking) if values.given("RAIN") else ""
        self._in_degrees = is_in_degrees(values.raster_path("DEM"))
        self.of_area = values.choice("METHOD") == AREA_TO_POINT.name
        self._steps = Steps(
            self._count(), self._files.folder, "" if area is None else area.digest, values.context, progress
        )
        self.outputs: dict[str, Any] = {}
        self._scores: dict[str, Any] = {}
        self._at_stations: dict[str, Any] = {}
        self._reports: list[tuple[str, str]] = []

    def _look_at_stations(self, progress: Progress) -> None:
        # Held: its definitions end with it.
        step = step_of("fieldvalidation")
        with own_words(_NAMES["fieldvalidation"]):
            stations_read(Values(step, _field(self._values, self._files), self._values.context), progress)

    def _count(self) -> int:
        given = self._values
        rain = given.given("RAIN") + bool(self._seasons)
        more = given.flag("CROSS_VALIDATION") + given.given("STATIONS")
        return 5 + (not self.of_area) + rain + self._in_degrees + more + 1

    def _seasons_held(self, progress: Progress) -> str:
        """The seasons that the record of rain tells of, as 'Seasonal precipitation' takes them."""
        dates = open_series(self._values.paths("RAIN"), progress=progress).dates
        if (dates[-1] - dates[0]).days + 1 < _YEAR:
            progress.log(
                f"RAIN reaches from {dates[0]} to {dates[-1]}, less than a year: there is no rain of the "
                "seasons among the covariates."
            )
            return ""
        months = {date.month for date in dates}
        held = [season for season in parse_seasons(DEFAULT_SEASONS) if months.intersection(season.months)]
        return "; ".join(f"{season.name}={','.join(map(str, season.months))}" for season in held)

    def run(self) -> None:
        """All steps up to the scores."""
        try:
            self._prepare()
            self._train()
            self._map()
            if self._values.flag("CROSS_VALIDATION"):
                self._scores = self._attempt(self._crossvalidate)
            if self._values.given("STATIONS"):
                self._at_stations = self._attempt(self._validate)
            self._steps.begin("Report and project")
        finally:
            self._steps.close()

    def _run(
        self, title: str, algorithm: str, parameters: dict[str, Any], again: bool = False
    ) -> dict[str, Any]:
        return self._steps.run(title, algorithm, parameters, _NAMES.get(algorithm), again)

    def _attempt(self, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A step that only tells how good the maps are, which are there all the same."""
        try:
            return step()
        except InputError as error:
            refusal = str(error)
        self._steps.warn(f"It was not done: {refusal}")
        return {}

    def _prepare(self) -> None:
        values, files = self._values, self._files
        self._run("SMAP's cells over the study area", "importsmap", _import(values, files))
        layers = []
        if values.given("RAIN"):
            layers = self._rain()
        if self._in_degrees:
            self._steps.begin("The DEM in metres")
            around = self._smap().grid, values.crs("CRS"), self._progress.part(0.0, 0.0)
            bring_to_metres(values.raster_path("DEM"), files.dem, *around)
        self._run("Terrain indices", "terrainindices", _terrain(files, self.dem))
        terrain = [_terrain_file(files, name) for name in _TERRAIN]
        stacks = _harmonise(values, files, [*terrain, *layers])
        self._run("Covariates on SMAP's cells and on the pixels of the maps", "harmonisecovariates", stacks)

    def _rain(self) -> list[str]:
        """Rain of the days before; the layers of the seasons' rain, where there are any."""
        files, smap = self._files, self._smap()
        rain = {"INPUT": self._values.parameters["RAIN"], "EXTENT": around(smap.grid)}
        days = {"START": smap.dates[0].isoformat(), "END": smap.dates[-1].isoformat()}
        self._run(
            "Rain of the days before", "antecedentprecipitation", {**rain, **days, "OUTPUT": files.rain}
        )
        if not self._seasons:
            return []
        seasons = {**rain, "SEASONS": self._seasons, "OUTPUT": files.seasons}
        self._run("Rain of the seasons", "seasonalprecipitation", seasons)
        return [files.seasons]

    def _smap(self) -> Series:
        # The folder may hold dates of other runs.
        return open_series(self._files.smap).between(*self._values.period())

    def _period(self) -> dict[str, Any]:
        return _given(self._values, "START", "END")

    def _dynamic(self) -> dict[str, Any]:
        return {"DYNAMIC": [self._files.rain]} if self._values.given("RAIN") else {}

    @property
    def _model(self) -> str:
        return self._files.model if self.of_area else self._files.forests

    def _train(self) -> None:
        files = self._files
        smap = {"SMAP": files.smap, **self._dynamic(), **self._period()}
        output = {"OUTPUT": self._model, "REPORT": files.training_report}
        if self.of_area:
            title = "Training: the area-to-point model"
            self._run(title, "trainareamodel", {**smap, "COVARIATES": files.fine, **output})
        else:
            matrix = {**smap, "COVARIATES": files.coarse, "OUTPUT": files.matrix}
            self._run("The regression matrix", "regressionmatrix", matrix)
            title = "Training: random forests"
            self._run(title, "trainforests", {"INPUT": files.matrix, **output})
        self._reports.append((title, _NAMES_OF_FILES["training_report"]))

    def _map(self) -> None:
        values, files = self._values, self._files
        self.outputs = self._run(
            "Maps",
            "downscale",
            {
                "FORESTS": self._model,
                "COVARIATES": files.fine,
                **self._dynamic(),
                **_given(values, "EXTENT", AOI),
                **self._period(),
                "INTERVALS": values.flag("INTERVALS"),
                "OUTPUT": files.maps,
                # The child hands the layer to QGIS where the dialog asked for it.
                **({"SERIES": values.parameters["MAPS"]} if values.given("MAPS") else {}),
            },
            again=True,
        )

    def _crossvalidate(self) -> dict[str, Any]:
        files = self._files
        what = (
            {"SMAP": files.smap, "COVARIATES": files.fine, **self._dynamic(), **self._period()}
            if self.of_area
            else {"INPUT": files.matrix}
        )
        method = {"METHOD": AREA_TO_POINT.name if self.of_area else RANDOM_FOREST.name}
        output = {"FOLDS": _FOLDS, "OUTPUT": files.scores, "REPORT": files.scores_report}
        found = self._run("Cross-validation", "crossvalidate", {**method, **what, **output})
        self._reports.append(("Cross-validation", _NAMES_OF_FILES["scores_report"]))
        return found

    def _validate(self) -> dict[str, Any]:
        title = "Maps beside field stations"
        found = self._run(title, "fieldvalidation", _field(self._values, self._files))
        self._reports.append((title, _NAMES_OF_FILES["field_report"]))
        return found

    def outcome(self, progress: Progress) -> ChainOutcome:
        """What the report shows.

        Raises
        ------
        InputError
            If a result cannot be read.
        """
        files, (maps, smap) = self._files, self.series
        stack = open_stack(files.fine)
        names = [*stack.names, *([RAIN_NAME] if self._values.given("RAIN") else [])]
        by_day = "LOCATION_RMSE" not in self._scores
        said, measured = evidence_of(self._model, progress)
        return ChainOutcome(
            METHODS[0] if self.of_area else METHODS[1],
            maps.dates,
            self._facts(maps, smap, names),
            by_day,
            self._beside_interpolation(smap, by_day, progress),
            {name: value for name, value in self._at_stations.items() if isinstance(value, (int, float))},
            said,
            measured,
            self._steps.warnings,
            look_at(maps, smap, progress),
            self._reports,
        )

    def _facts(self, maps: Series, smap: Series, names: Sequence[str]) -> list[tuple[str, str]]:
        grid, cells = maps.grid, smap.grid
        return [
            ("Maps", text("{:,}, of {} that SMAP saw", len(maps.dates), counted(len(smap.dates), "date"))),
            ("Pixels", text("{}, {}", _size(grid), grid.crs[:60])),
            ("SMAP cells", _size(cells)),
            ("Covariates", ", ".join(names)),
            ("Folder", str(self._files.folder)),
        ]

    def _beside_interpolation(self, smap: Series, by_day: bool, progress: Progress) -> list[SchemeScores]:
        if not self._scores:
            return []
        days, places = cells_by_day(smap, progress)
        rows = []
        for scheme, outputs in _SCORES.items():
            if all(name in self._scores for name in outputs):
                side = 0.0 if scheme == RANDOM else _BLOCK_KM
                other = interpolated_scores(days, places, _FOLDS, side, by_day, progress=progress)
                own = FoldScores(*(float(self._scores[name]) for name in outputs))
                rows.append(SchemeScores(scheme_text(scheme, _BLOCK_KM), own, other))
        return rows

    @property
    def dem(self) -> str:
        """The DEM that slopes were worked out of, in metres."""
        return self._files.dem if self._in_degrees else self._values.raster_path("DEM")

    @property
    def used(self) -> Mapping[str, str]:
        """The model file and the stack, for a manifest."""
        return {"model file": self._model, "fine stack": self._files.fine}

    @property
    def series(self) -> tuple[Series, Series]:
        """Maps and SMAP."""
        return open_series(self._files.series), self._smap()


def _size(grid: Grid) -> Text:
    """`1,016 x 971 of 100 m`."""
    unit = "degrees" if is_geographic(grid.crs) else "m"
    return text("{:,} x {:,} of {:,.6g} {}", grid.width, grid.height, grid.cell_width, unit)


def around(grid: Grid) -> str:
    """The extent of SMAP's cells with some around them, as an EXTENT in words."""
    world, own = ease2_grid("9 km").bounds, grid.bounds
    side_x, side_y = _CELLS_AROUND * grid.cell_width, _CELLS_AROUND * grid.cell_height
    edges = (
        max(own.left - side_x, world.left),
        min(own.right + side_x, world.right),
        max(own.bottom - side_y, world.bottom),
        min(own.top + side_y, world.top),
    )
    return f"{','.join(map(repr, edges))} [{grid.crs}]"
