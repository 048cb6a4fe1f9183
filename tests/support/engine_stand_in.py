"""A stand-in for scikit-learn-intelex, and a clock that forests turn on as they grow."""

from __future__ import annotations

import importlib.metadata
import sys
from types import ModuleType

from sklearn.ensemble import RandomForestRegressor

from smap_downscaler.methods.forest import engines
from smap_downscaler.methods.forest.growth import grow_each


class Clock:
    """Seconds by fiat."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def not_installed(monkeypatch) -> None:
    """Whatever there is on this machine."""
    monkeypatch.setitem(sys.modules, "sklearnex", None)


def installed(monkeypatch, seconds_a_tree: float) -> Clock:
    """Trees that cost so many seconds, where scikit-learn's cost one; their rows are others."""
    clock = Clock()

    class StandIn(RandomForestRegressor):
        def fit(self, x, y):
            clock.now += seconds_a_tree * self.n_estimators
            self.random_state += 1
            return super().fit(x, y)

    def grow_slowly(*arguments):
        for tree in grow_each(*arguments):
            clock.now += 1.0
            yield tree

    package, module = ModuleType("sklearnex"), ModuleType("sklearnex.ensemble")
    package.ensemble, module.RandomForestRegressor = module, StandIn
    monkeypatch.setitem(sys.modules, "sklearnex", package)
    monkeypatch.setitem(sys.modules, "sklearnex.ensemble", module)
    monkeypatch.setattr(importlib.metadata, "version", {"scikit-learn-intelex": "9.8.7"}.__getitem__)
    monkeypatch.setattr(engines, "grow_each", grow_slowly)
    return clock
