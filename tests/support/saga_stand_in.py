"""A provider named `sagang` that looks like SAGA NextGen: the same ids and parameters, no errors reported.

It checks how it is called and has `saga_cmd` do the work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingMultiStepFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingProvider,
)

# A test that empties PATH may be the first that imports this.
SAGA_CMD = shutil.which("saga_cmd", path=os.defpath)


def grid(name, optional=False):
    return QgsProcessingParameterRasterLayer(name, name, None, optional)


def made(name, optional=False):
    return QgsProcessingParameterRasterDestination(name, name, None, optional)


def extra(*names):
    """Outputs that need not be given."""
    return [made(name, True) for name in names]


def number(name, default, least):
    kind = Qgis.ProcessingNumberParameterType
    kind = kind.Integer if isinstance(default, int) else kind.Double
    return QgsProcessingParameterNumber(name, name, kind, default, False, least)


def choice(name, default, count):
    return QgsProcessingParameterEnum(name, name, [f"[{k}] choice" for k in range(count)], False, default)


def switch(name, default):
    return QgsProcessingParameterBoolean(name, name, default)


#: Library, number and parameters as the descriptions of SAGA NextGen 1.1.0 have them, all of them.
#: `tools/try_saganextgen.py` holds them against the plugin itself.
TOOLS = {
    "fillsinkswangliu": (
        "ta_preprocessor",
        4,
        lambda: [grid("ELEV"), made("FILLED"), made("FDIR"), made("WSHED"), number("MINSLOPE", 0.1, 0.0)],
    ),
    "slopeaspectcurvature": (
        "ta_morphometry",
        0,
        lambda: [
            grid("ELEVATION"),
            made("SLOPE"),
            made("ASPECT"),
            *extra("C_GENE", "C_PROF", "C_PLAN", "C_TANG", "C_LONG"),
            *extra("C_CROS", "C_MINI", "C_MAXI", "C_TOTA", "C_ROTO"),
            choice("METHOD", 6, 9),
            choice("UNIT_SLOPE", 0, 3),
            choice("UNIT_ASPECT", 0, 2),
        ],
    ),
    "flowaccumulationtopdown": (
        "ta_hydrology",
        0,
        lambda: [
            grid("ELEVATION"),
            grid("SINKROUTE", True),
            grid("WEIGHTS", True),
            made("FLOW"),
            grid("VAL_INPUT", True),
            made("VAL_MEAN"),
            grid("ACCU_MATERIAL", True),
            grid("ACCU_TARGET"),
            *extra("ACCU_TOTAL", "ACCU_LEFT", "ACCU_RIGHT"),
            number("STEP", 1, 1),
            choice("FLOW_UNIT", 1, 2),
            *extra("FLOW_LENGTH"),
            grid("LINEAR_VAL", True),
            grid("LINEAR_DIR", True),
            *extra("WEIGHT_LOSS"),
            choice("METHOD", 4, 7),
            switch("LINEAR_DO", False),
            number("LINEAR_MIN", 500, 0),
            number("CONVERGENCE", 1.1, 0.001),
            switch("MFD_CONTOUR", False),
            switch("NO_NEGATIVES", True),
        ],
    ),
    "flowwidthandspecificcatchmentarea": (
        "ta_hydrology",
        19,
        lambda: [
            grid("DEM"),
            made("WIDTH"),
            grid("TCA", True),
            made("SCA"),
            choice("COORD_UNIT", 0, 2),
            choice("METHOD", 2, 3),
        ],
    ),
}


@dataclass
class Behaviour:
    """What the stand-in does, and what it was asked to do."""

    #: "works" (saga_cmd does it) or "made up" (constant grids); from `fails_from` on it fails: "silent",
    #: "mute" (what SAGA said is lost as well), "cut", "raises"
    way: str = "made up"
    fails_from: int = 10**6
    failure: str = "silent"
    version: str = "9.14.1"
    before: object = None
    calls: list = field(default_factory=list)


class StandInTool(QgsProcessingAlgorithm):
    """One tool."""

    def __init__(self, name, behaviour):
        super().__init__()
        self._name, self._behaviour = name, behaviour

    def createInstance(self):
        return StandInTool(self._name, self._behaviour)

    def name(self):
        return self._name

    def displayName(self):
        return self._name

    def initAlgorithm(self, configuration=None):
        for definition in TOOLS[self._name][2]():
            self.addParameter(definition)

    def processAlgorithm(self, parameters, context, feedback):
        behaviour = self._behaviour
        assert isinstance(context, QgsProcessingContext)
        assert isinstance(feedback, QgsProcessingMultiStepFeedback)
        behaviour.calls.append((self._name, dict(parameters)))
        feedback.reportError(
            "Problem with SAGA installation: unsupported SAGA version "
            f"(found: {behaviour.version}, required: >=9.2.)."
        )
        failing = len(behaviour.calls) >= behaviour.fails_from
        if behaviour.way != "works" and not (failing and behaviour.failure == "mute"):
            feedback.pushConsoleInfo(f"SAGA Version: {behaviour.version}")
        if behaviour.before:
            behaviour.before(self._name)
        if failing:
            self._fail(parameters, context, feedback)
        elif behaviour.way == "made up":
            for definition in self.destinationParameterDefinitions():
                if definition.name() in parameters:
                    make_up(self._source(parameters), parameters[definition.name()])
        else:
            self._saga(parameters, context, feedback)
        # The real one returns a path for each output, those without one and those that failed included.
        return self._paths(parameters, context)

    def _paths(self, parameters, context):
        """Where each output goes; empty for one that is not wanted."""
        return {
            definition.name(): self.parameterAsOutputLayer(parameters, definition.name(), context)
            for definition in self.destinationParameterDefinitions()
        }

    def _source(self, parameters):
        first = self.parameterDefinitions()[0].name()
        return parameters[first]

    def _fail(self, parameters, context, feedback):
        failure = self._behaviour.failure
        if failure == "raises":
            raise QgsProcessingException("SAGA was not found or is not correctly installed")
        if failure == "mute":
            return
        feedback.pushConsoleInfo("[Error] could not allocate memory")
        feedback.pushConsoleInfo("Error: The tool does not know some of the provided arguments!!")
        if failure == "cut":
            for definition in self.destinationParameterDefinitions():
                if definition.name() in parameters:
                    path = parameters[definition.name()]
                    make_up(self._source(parameters), path)
                    Path(path).write_bytes(Path(path).read_bytes()[:40])

    def _saga(self, parameters, context, feedback):
        """As SAGA NextGen does it: a shell script a run, a name in quotes for every grid, no exit code."""
        library, tool, _ = TOOLS[self._name]
        words = [SAGA_CMD, library, str(tool)]
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name())
            if value is None or definition.isDestination():
                continue
            if isinstance(value, str):
                # Others it would copy first; these it takes as they are.
                assert value.endswith(".sdat"), (definition.name(), value)
                value = f'"{value[:-4]}sgrd"'
            elif isinstance(value, bool):
                value = str(value).lower()
            words += [f"-{definition.name()}", str(value)]
        for name, path in self._paths(parameters, context).items():
            words += [f"-{name}", f'"{path}"']
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "saga_batch_job.sh"
            script.write_text(f"{' '.join(words)}\nexit", encoding="utf-8")
            feedback.pushCommandInfo(" ".join(words))
            done = subprocess.run(["/bin/sh", script], capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).replace("\r", "\n").splitlines():
            if "%" in line:
                feedback.setProgress(int("".join(filter(str.isdigit, line)) or 0))
            elif line.strip() not in ("/", "-", "\\", "|"):
                feedback.pushConsoleInfo(line.strip())


def make_up(source, path):
    """A grid like another, all cells 200."""
    dataset = gdal.GetDriverByName("SAGA").CreateCopy(path, gdal.Open(source))
    dataset.GetRasterBand(1).WriteArray(
        np.full((dataset.RasterYSize, dataset.RasterXSize), 200.0, np.float32)
    )
    dataset.FlushCache()


class StandIn(QgsProcessingProvider):
    """The provider."""

    def __init__(self, behaviour, names=tuple(TOOLS)):
        super().__init__()
        self._behaviour, self._names = behaviour, names

    def id(self):
        return "sagang"

    def name(self):
        return "SAGA Next Gen"

    def longName(self):
        return f"SAGA Next Gen ({self._behaviour.version})"

    def defaultRasterFileExtension(self):
        return "sdat"

    def supportedOutputRasterLayerExtensions(self):
        return ["sdat"]

    def supportsNonFileBasedOutput(self):
        return False

    def loadAlgorithms(self):
        for name in self._names:
            self.addAlgorithm(StandInTool(name, self._behaviour))
