"""A provider named `sagang` that looks like SAGA NextGen: the same ids and parameters, and no failures told.

It checks how it is called and has `saga_cmd` do the work.
"""

from __future__ import annotations

import shutil
import subprocess
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

SAGA_CMD = shutil.which("saga_cmd")
METHODS = [f"method {number}" for number in range(9)]


def grid(name, optional=False):
    return QgsProcessingParameterRasterLayer(name, name, None, optional)


def made(name, optional=False):
    return QgsProcessingParameterRasterDestination(name, name, None, optional)


def number(name, default):
    return QgsProcessingParameterNumber(name, name, Qgis.ProcessingNumberParameterType.Double, default)


def choice(name, default):
    return QgsProcessingParameterEnum(name, name, METHODS, False, default)


#: Library, number and parameters as the descriptions of SAGA NextGen 1.1 have them.
TOOLS = {
    "fillsinkswangliu": (
        "ta_preprocessor",
        4,
        lambda: [grid("ELEV"), made("FILLED"), made("FDIR"), made("WSHED"), number("MINSLOPE", 0.1)],
    ),
    "slopeaspectcurvature": (
        "ta_morphometry",
        0,
        lambda: [
            grid("ELEVATION"),
            made("SLOPE"),
            made("ASPECT"),
            made("C_GENE", True),
            choice("METHOD", 6),
            choice("UNIT_SLOPE", 0),
            choice("UNIT_ASPECT", 0),
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
            made("ACCU_TOTAL", True),
            number("STEP", 1),
            choice("FLOW_UNIT", 1),
            choice("METHOD", 4),
            QgsProcessingParameterBoolean("LINEAR_DO", "LINEAR_DO", False),
            number("CONVERGENCE", 1.1),
            QgsProcessingParameterBoolean("MFD_CONTOUR", "MFD_CONTOUR", False),
            QgsProcessingParameterBoolean("NO_NEGATIVES", "NO_NEGATIVES", True),
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
            choice("COORD_UNIT", 0),
            choice("METHOD", 2),
        ],
    ),
}


@dataclass
class Behaviour:
    """What the stand-in does, and what it was asked to do."""

    #: "works" (saga_cmd does it), "made up" (constant grids), from `fails_from` on: "silent", "cut", "raises"
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
        if behaviour.way != "works":
            feedback.pushConsoleInfo(f"SAGA Version: {behaviour.version}")
        if behaviour.before:
            behaviour.before(self._name)
        if len(behaviour.calls) >= behaviour.fails_from:
            self._fail(parameters, context, feedback)
        elif behaviour.way == "made up":
            for definition in self.destinationParameterDefinitions():
                if definition.name() in parameters:
                    make_up(self._source(parameters), parameters[definition.name()])
        else:
            self._saga(parameters, feedback)
        return {}

    def _source(self, parameters):
        first = self.parameterDefinitions()[0].name()
        return parameters[first]

    def _fail(self, parameters, context, feedback):
        failure = self._behaviour.failure
        if failure == "raises":
            raise QgsProcessingException("SAGA was not found or is not correctly installed")
        feedback.pushConsoleInfo("[Error] could not allocate memory")
        feedback.pushConsoleInfo("Error: The tool does not know some of the provided arguments!!")
        if failure == "cut":
            for definition in self.destinationParameterDefinitions():
                if definition.name() in parameters:
                    path = parameters[definition.name()]
                    make_up(self._source(parameters), path)
                    Path(path).write_bytes(Path(path).read_bytes()[:40])

    def _saga(self, parameters, feedback):
        library, tool, _ = TOOLS[self._name]
        words = [SAGA_CMD, library, str(tool)]
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name())
            if value is None:
                continue
            if isinstance(value, str):
                assert value.endswith(".sdat"), (definition.name(), value)
                value = value[:-4] + "sgrd"
            words += [f"-{definition.name()}", str(int(value) if isinstance(value, bool) else value)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).replace("\r", "\n").splitlines():
            if "%" in line:
                feedback.setProgress(int("".join(filter(str.isdigit, line)) or 0))
            else:
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

    def loadAlgorithms(self):
        for name in self._names:
            self.addAlgorithm(StandInTool(name, self._behaviour))
