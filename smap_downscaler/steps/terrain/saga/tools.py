"""The tools of SAGA that are used, as `saga_cmd` and as the QGIS providers name them.

Parameters and their numbers are the same in SAGA 8.5 and 9.14; 9.14 adds
outputs and renames the labels of choices, so choices are given as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

Option = Union[int, float, bool]


@dataclass(frozen=True)
class Tool:
    """A tool of SAGA.

    Parameters
    ----------
    library, number
        As `saga_cmd` wants them.
    algorithm
        Id within a provider of QGIS.
    title
        SAGA's own name, for messages.
    inputs, options, outputs
        Names of the parameters that are used here.
    asked
        Inputs that a provider may insist on though SAGA needs none: name and the input that serves for it.
    """

    library: str
    number: int
    algorithm: str
    title: str
    inputs: tuple[str, ...]
    options: tuple[str, ...]
    outputs: tuple[str, ...]
    asked: Mapping[str, str] = field(default_factory=dict)


FILL = Tool(
    "ta_preprocessor", 4, "fillsinkswangliu", "Fill Sinks (Wang & Liu)", ("ELEV",), ("MINSLOPE",), ("FILLED",)
)
SLOPE = Tool(
    "ta_morphometry",
    0,
    "slopeaspectcurvature",
    "Slope, Aspect, Curvature",
    ("ELEVATION",),
    ("METHOD", "UNIT_SLOPE"),
    ("SLOPE",),
)
FLOW = Tool(
    "ta_hydrology",
    0,
    "flowaccumulationtopdown",
    "Flow Accumulation (Top-Down)",
    ("ELEVATION",),
    ("METHOD", "CONVERGENCE", "MFD_CONTOUR", "FLOW_UNIT"),
    ("FLOW",),
    {"ACCU_TARGET": "ELEVATION"},
)
WIDTH = Tool(
    "ta_hydrology",
    19,
    "flowwidthandspecificcatchmentarea",
    "Flow Width and Specific Catchment Area",
    ("DEM", "TCA"),
    ("METHOD",),
    ("WIDTH", "SCA"),
)
TOOLS = (FILL, SLOPE, FLOW, WIDTH)


@dataclass(frozen=True)
class Call:
    """One run of a tool; inputs and outputs are .sdat files."""

    tool: Tool
    inputs: Mapping[str, str]
    options: Mapping[str, Option]
    outputs: Mapping[str, str]

    def __post_init__(self) -> None:
        given = (tuple(self.inputs), tuple(self.options), tuple(self.outputs))
        if given != (self.tool.inputs, self.tool.options, self.tool.outputs):
            raise ValueError(f"{self.tool.title} is called with {given}")

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value:g}" for name, value in self.options.items())
        return f"SAGA {self.tool.library} {self.tool.number}, {self.tool.title} ({options})"
