"""The methods there are; a new one is one line."""

from __future__ import annotations

from .area.method import AREA_TO_POINT
from .base import Method, ModelFileError
from .forest.method import RANDOM_FOREST

#: By the name that model files carry.
METHODS: dict[str, Method] = {method.name: method for method in (RANDOM_FOREST, AREA_TO_POINT)}


def method_of(name: str) -> Method:
    """The method of a name in a model file.

    Raises
    ------
    ModelFileError
        If there is none.
    """
    if name not in METHODS:
        raise ModelFileError(f"its method {name!r} is unknown")
    return METHODS[name]
