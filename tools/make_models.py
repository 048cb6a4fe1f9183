"""Write the models that are shipped with the plugin (smap_downscaler/workflows) with QGIS itself.

    /usr/bin/python3 tools/make_models.py

Their help comes from help/, as that of the algorithms does.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from qgis_session import ROOT, qgis_session

MODELS = ROOT / "smap_downscaler" / "workflows"
#: What rain of the days before is called in matrix and forests.
RAIN = "p_antecedent"
#: Outputs of 'Terrain indices' that become covariates.
TERRAIN = ("TWI_MTFD", "SLOPE")
_STEP = 240


def main() -> None:
    with tempfile.TemporaryDirectory() as profile, qgis_session(Path(profile)):
        for name, write in WRITERS.items():
            write(MODELS / f"{name}.model3")


def write_smap_to_maps(path: Path) -> None:
    """SMAP files, covariates and daily rain to maps, the chain of the paper."""
    from qgis.core import Qgis, QgsProcessingParameterNumber

    whole_number = Qgis.ProcessingNumberParameterType.Integer
    seed = QgsProcessingParameterNumber("SEED", "Seed", type=whole_number, defaultValue=1, minValue=0)
    model = _up_to_rain("smaptomaps", "SMAP granules or dated rasters", seed)
    model.add_step(
        "matrix",
        "regressionmatrix",
        {
            "SMAP": made("import", "OUTPUT"),
            "COVARIATES": made("harmonise", "OUTPUT_COARSE"),
            "DYNAMIC": made("rain", "OUTPUT"),
            "DYNAMIC_NAMES": fixed(RAIN),
        },
    )
    model.add_step(
        "train",
        "trainforests",
        {"INPUT": made("matrix", "OUTPUT"), "SEED": given("SEED")},
        {"Forests": "OUTPUT", "Scores": "SCORES"},
    )
    model.add_step(
        "maps",
        "downscale",
        {
            "FORESTS": made("train", "OUTPUT"),
            "COVARIATES": made("harmonise", "OUTPUT_FINE"),
            "AOI": given("AOI"),
            "DYNAMIC": made("rain", "OUTPUT"),
            "DYNAMIC_NAMES": fixed(RAIN),
        },
        {"Maps": "OUTPUT", "Series": "SERIES"},
    )
    model.write(path)


def write_map_every_day(path: Path) -> None:
    """SMAP files or a filled series, covariates and daily rain to a map each day, with intervals."""
    from qgis.core import QgsProcessingParameterString

    footprint = QgsProcessingParameterString(
        "FOOTPRINT", "Footprint of SMAP (full width, km; or auto)", "auto", optional=True
    )
    smap = "SMAP granules, dated rasters, or a filled series"
    model = _up_to_rain("mapeveryday", smap, footprint)
    dated = {"DYNAMIC": made("rain", "OUTPUT"), "DYNAMIC_NAMES": fixed(RAIN)}
    stack = {"COVARIATES": made("harmonise", "OUTPUT_FINE")}
    model.add_step(
        "train",
        "trainareamodel",
        {
            "SMAP": made("import", "OUTPUT"),
            **stack,
            **dated,
            "LEVELS": fixed("two levels"),
            "FOOTPRINT": given("FOOTPRINT"),
        },
        {"Model": "OUTPUT", "Scores": "SCORES"},
    )
    model.add_step(
        "maps",
        "downscale",
        {
            "FORESTS": made("train", "OUTPUT"),
            **stack,
            "AOI": given("AOI"),
            **dated,
            "EVERY_DAY": fixed(True),
            "INTERVALS": fixed(True),
        },
        {"Maps": "OUTPUT", "Series": "SERIES", "Dates": "DATES"},
    )
    model.write(path)


def write_prepare(path: Path) -> None:
    """SMAP files, a DEM, other layers and daily rain to what a model is trained on."""
    given_layers = {name: given(name) for name in ("MASK", "CRS", "RESOLUTION")}
    model = Model("prepare")
    model.add_parameters(
        _folder("SMAP", "SMAP granules or dated rasters"),
        _box(),
        _raster("DEM", "Elevation (DEM, m)"),
        _rasters("SOIL", "Soil and other layers"),
        _folder("RAIN", "Daily rain (series, mm/d)"),
        more=[_polygons(), *_fine_stack()],
    )
    model.add_step(
        "import",
        "importsmap",
        {"INPUT": given("SMAP"), "EXTENT": given("EXTENT"), "AOI": given("AOI")},
        {"Smap": "OUTPUT"},
    )
    model.add_step("rain", "antecedentprecipitation", {"INPUT": given("RAIN")}, {"Rain": "OUTPUT"})
    model.add_step("terrain", "terrainindices", {"INPUT": given("DEM")})
    model.add_step(
        "harmonise",
        "harmonisecovariates",
        {
            "INPUT": [given("DEM"), *(made("terrain", name) for name in TERRAIN), given("SOIL")],
            "SMAP": made("import", "OUTPUT"),
            **given_layers,
        },
        {"Coarse": "OUTPUT_COARSE", "Fine": "OUTPUT_FINE"},
    )
    model.write(path)


def write_train_and_map(path: Path) -> None:
    """What 'Prepare' made, to an area-to-point model and its maps with intervals."""
    model = Model("trainandmap")
    model.add_parameters(*_prepared(), _polygons())
    own = {"COVARIATES": given("COVARIATES"), "DYNAMIC": given("RAIN")}
    model.add_step(
        "train",
        "trainareamodel",
        {"SMAP": given("SMAP"), **own},
        {"Model": "OUTPUT", "Scores": "SCORES", "Report": "REPORT"},
    )
    model.add_step(
        "maps",
        "downscale",
        {"FORESTS": made("train", "OUTPUT"), **own, "AOI": given("AOI"), "INTERVALS": fixed(True)},
        {"Maps": "OUTPUT", "Series": "SERIES"},
    )
    model.write(path)


def write_validate(path: Path) -> None:
    """Cross-validation of the area-to-point model, and its maps beside field stations."""
    from qgis.core import QgsProcessingParameterFile

    model = Model("validate")
    stations = QgsProcessingParameterFile(
        "STATIONS", "Field stations (CSV file, ISMN file or zip)", fileFilter="All files (*)"
    )
    model.add_parameters(*_prepared(), _folder("MAPS", "Folder of maps"), stations)
    model.add_step(
        "folds",
        "crossvalidate",
        {
            "METHOD": fixed("area-to-point model"),
            "SMAP": given("SMAP"),
            "COVARIATES": given("COVARIATES"),
            "DYNAMIC": given("RAIN"),
        },
        {"Scores": "OUTPUT", "Folds_report": "REPORT"},
    )
    model.add_step(
        "stations",
        "fieldvalidation",
        {"SERIES": given("MAPS"), "STATIONS": given("STATIONS"), "SMAP": given("SMAP")},
        {"Pairs": "OUTPUT", "Metrics": "METRICS", "Field_report": "REPORT"},
    )
    model.write(path)


def _prepared() -> list[Any]:
    """What 'Prepare' makes, as parameters."""
    return [
        _folder("SMAP", "SMAP series"),
        _raster("COVARIATES", "Fine stack of covariates"),
        _folder("RAIN", "Rain of the days before (series)", optional=True),
    ]


def _folder(name: str, description: str, optional: bool = False) -> Any:
    from smap_downscaler.toolbox.parameters import series_folder

    return series_folder(name, description, optional)


def _raster(name: str, description: str, optional: bool = False) -> Any:
    from qgis.core import QgsProcessingParameterRasterLayer

    return QgsProcessingParameterRasterLayer(name, description, optional=optional)


def _rasters(name: str, description: str) -> Any:
    from qgis.core import Qgis, QgsProcessingParameterMultipleLayers

    return QgsProcessingParameterMultipleLayers(name, description, layerType=Qgis.ProcessingSourceType.Raster)


def _box() -> Any:
    from qgis.core import QgsProcessingParameterExtent

    return QgsProcessingParameterExtent("EXTENT", "Study area (a box)", optional=True)


def _polygons() -> Any:
    from qgis.core import Qgis, QgsProcessingParameterFeatureSource

    kinds = [Qgis.ProcessingSourceType.VectorPolygon]
    return QgsProcessingParameterFeatureSource("AOI", "Study area (polygons)", types=kinds, optional=True)


def _fine_stack() -> list[Any]:
    """MASK, CRS and RESOLUTION."""
    from qgis.core import QgsProcessingParameterCrs, QgsProcessingParameterNumber

    return [
        _raster("MASK", "Mask (water, towns)", optional=True),
        QgsProcessingParameterCrs("CRS", "CRS of the maps", optional=True),
        QgsProcessingParameterNumber(
            "RESOLUTION", "Pixel of the maps (units of their CRS)", defaultValue=100.0, minValue=0.0
        ),
    ]


def _up_to_rain(name: str, smap: str, last: Any) -> Model:
    """What all chains begin with: the inputs, of which `last` is the last, and the steps up to rain."""
    from qgis.core import QgsProcessingParameterString

    model = Model(name)
    model.add_parameters(
        _folder("SMAP", smap),
        _box(),
        _rasters("COVARIATES", "Covariates (terrain, soil, ...)"),
        _folder("PRECIPITATION", "Daily precipitation (mm/d)"),
        more=[
            _polygons(),
            QgsProcessingParameterString("NAMES", "Names of the covariates (a, b)", optional=True),
            *_fine_stack(),
            last,
        ],
    )
    area = {name: given(name) for name in ("EXTENT", "AOI")}
    model.add_step("import", "importsmap", {"INPUT": given("SMAP"), **area})
    model.add_step(
        "harmonise",
        "harmonisecovariates",
        {
            "INPUT": given("COVARIATES"),
            "SMAP": made("import", "OUTPUT"),
            **area,
            "NAMES": given("NAMES"),
            "MASK": given("MASK"),
            "CRS": given("CRS"),
            "RESOLUTION": given("RESOLUTION"),
        },
    )
    model.add_step("rain", "antecedentprecipitation", {"INPUT": given("PRECIPITATION")})
    return model


def given(name: str) -> Any:
    """A value that is a parameter of the model."""
    from qgis.core import QgsProcessingModelChildParameterSource

    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def made(step: str, output: str) -> Any:
    """A value that an earlier step makes."""
    from qgis.core import QgsProcessingModelChildParameterSource

    return QgsProcessingModelChildParameterSource.fromChildOutput(step, output)


def fixed(value: Any) -> Any:
    """A value that never changes."""
    from qgis.core import QgsProcessingModelChildParameterSource

    return QgsProcessingModelChildParameterSource.fromStaticValue(value)


class Model:
    """A model in the making, laid out from left to right."""

    def __init__(self, name: str) -> None:
        from qgis.core import QgsProcessingModelAlgorithm

        self._name = name
        self._model = QgsProcessingModelAlgorithm(name)

    def add_parameters(self, *definitions: Any, more: Sequence[Any] = ()) -> None:
        """Add the model's own parameters, a column at the left; `more` are folded away in its dialog."""
        from qgis.core import Qgis, QgsProcessingModelParameter
        from qgis.PyQt.QtCore import QPointF

        for definition in more:
            definition.setFlags(definition.flags() | Qgis.ProcessingParameterFlag.Advanced)
        definitions = (*definitions, *more)
        for row, definition in enumerate(definitions):
            component = QgsProcessingModelParameter(definition.name())
            component.setPosition(QPointF(120, 80 + 60 * row))
            self._model.addModelParameter(definition, component)
        self._model.setParameterOrder([definition.name() for definition in definitions])

    def add_step(
        self, step: str, algorithm: str, values: dict[str, Any], outputs: dict[str, str] | None = None
    ) -> None:
        """Add an algorithm with its values, and the outputs that the model itself shows."""
        from qgis.core import QgsProcessingModelChildAlgorithm, QgsProcessingModelOutput
        from qgis.PyQt.QtCore import QPointF

        from smap_downscaler.toolbox.help import load_help

        child = QgsProcessingModelChildAlgorithm(f"smapdownscaler:{algorithm}")
        child.setChildId(step)
        child.setDescription(load_help(algorithm).title)
        position = QPointF(120 + _STEP * (1 + len(self._model.childAlgorithms())), 200)
        child.setPosition(position)
        for name, value in values.items():
            child.addParameterSources(name, value if isinstance(value, list) else [value])
        shown = {}
        for label, name in (outputs or {}).items():
            output = QgsProcessingModelOutput(label)
            output.setChildId(step)
            output.setChildOutputName(name)
            output.setDescription(label)
            output.setPosition(QPointF(position.x() + 60, position.y() + 120 + 60 * len(shown)))
            shown[label] = output
        child.setModelOutputs(shown)
        self._model.addChildAlgorithm(child)

    def write(self, path: Path) -> None:
        """Write the model with its help."""
        from smap_downscaler.toolbox.algorithm import GROUPS
        from smap_downscaler.toolbox.help import as_plain, load_help

        text = load_help(self._name)
        content = {"ALG_DESC": f"{text.summary}\n\n{as_plain(text.body)}"}
        content.update({name: as_plain(value) for name, value in {**text.parameters, **text.outputs}.items()})
        self._model.setHelpContent(content)
        self._model.setGroup(GROUPS["workflows"])
        path.parent.mkdir(exist_ok=True)
        if not self._model.toFile(str(path)):
            raise OSError(f"{path} could not be written")


#: What writes each model, by its name.
WRITERS = {
    "smaptomaps": write_smap_to_maps,
    "mapeveryday": write_map_every_day,
    "prepare": write_prepare,
    "trainandmap": write_train_and_map,
    "validate": write_validate,
}

if __name__ == "__main__":
    main()
