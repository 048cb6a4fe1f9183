"""Is scikit-learn-intelex faster for these forests, and do they stay the same?  Needs it installed.

/usr/bin/python3 -m venv --system-site-packages /tmp/intelex
/tmp/intelex/bin/pip install scikit-learn-intelex
/tmp/intelex/bin/python tools/bench_intelex.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from importlib.metadata import version
from typing import Any

import numpy as np

#: The paper's preset; the sample is as large as the table.
SETTINGS = {
    "n_estimators": 100,
    "max_features": 7,
    "min_samples_split": 4,
    "bootstrap": True,
    "random_state": 1,
}


def rows(n: int, covariates: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up covariates and a soil moisture that depends on some of them."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(n, covariates)).astype(np.float32)
    y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.03 * np.sin(2 * x[:, 1]) + 0.02 * generator.normal(size=n)
    return x, y


def fitted(kind: type, x: np.ndarray, y: np.ndarray, **more: Any) -> Any:
    """A forest of a class."""
    return kind(**{**SETTINGS, "max_samples": len(y), "n_jobs": 1, **more}).fit(x, y)


def seconds(kind: type, x: np.ndarray, y: np.ndarray, jobs: int) -> float:
    """Median time of five fits."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        fitted(kind, x, y, n_jobs=jobs)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def predicted(forest: Any, x: np.ndarray, trees: int = 100) -> np.ndarray:
    """Mean of the first trees, summed in their order: threads may not change its last bit."""
    return np.sum([tree.predict(x) for tree in forest.estimators_[:trees]], axis=0) / trees


def promises(kind: type, x: np.ndarray, y: np.ndarray) -> dict[str, object]:
    """What the plugin asks of a forest's class."""
    whole, half = fitted(kind, x, y), fitted(kind, x, y, n_estimators=50, warm_start=True)
    first = predicted(half, x, 50)
    grown = half.set_params(n_estimators=100).fit(x, y)
    return {
        "two fits are equal": np.array_equal(predicted(whole, x), predicted(fitted(kind, x, y), x)),
        "two threads equal one": np.array_equal(
            predicted(whole, x), predicted(fitted(kind, x, y, n_jobs=2), x)
        ),
        "grown in two steps equals at once": np.array_equal(predicted(whole, x), predicted(grown, x)),
        "its first trees are the smaller forest": np.array_equal(predicted(whole, x, 50), first),
        "tells which rows its trees drew": _draws_are_true(whole, y),
    }


def _draws_are_true(forest: Any, y: np.ndarray) -> bool:
    """Whether a tree's root is the mean of the rows that its seed is said to have drawn."""
    tree = forest.estimators_[0]
    drawn = np.random.RandomState(tree.random_state).randint(0, len(y), len(y))
    return bool(np.isclose(tree.tree_.value[0, 0, 0], y[drawn].mean(), rtol=1e-9))


def main() -> None:
    """Time both and print what holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 1278, 20_000])
    parser.add_argument("--covariates", type=int, default=20)
    options = parser.parse_args()
    from sklearn.ensemble import RandomForestRegressor

    try:
        from sklearnex.ensemble import RandomForestRegressor as IntelRegressor
    except ImportError:
        print("scikit-learn-intelex is not installed: nothing is compared; see the head of this file")
        return

    print(", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "scikit-learn-intelex")))
    for n in options.rows:
        x, y = rows(n, options.covariates)
        for jobs in (1, 2):
            own, other = (seconds(kind, x, y, jobs) for kind in (RandomForestRegressor, IntelRegressor))
            print(
                f"{n:>7,} rows, {jobs} threads: scikit-learn {own:.3f} s, intelex {other:.3f} s, "
                f"{own / other:.2f} times as fast"
            )
    x, y = rows(1278, options.covariates)
    for kind in (RandomForestRegressor, IntelRegressor):
        print(kind.__module__)
        for name, value in promises(kind, x, y).items():
            print(f"  {name}: {value}")
    one, other = (predicted(fitted(kind, x, y), x) for kind in (RandomForestRegressor, IntelRegressor))
    print(f"largest difference of their predictions: {np.abs(one - other).max():.4f} m3 m-3")


if __name__ == "__main__":
    main()
