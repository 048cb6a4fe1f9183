"""Compiled prediction: the bits of scikit-learn's trees, whatever there is of numba."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forest_cases import CancelAfter, predict, rows, train_forest
from forest_cases import settings as forest_settings
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.forest import compiled, kernel
from smap_downscaler.methods.forest.compiled import NUMBA, TRIED_ROWS, Numba, lay_out
from smap_downscaler.methods.forest.growth import mean_of_trees
from smap_downscaler.methods.forest.model import Forest

INNER = {name: getattr(kernel, name) for name in kernel.INNER}


class Heard(Progress):
    def __init__(self):
        self.lines = []

    def log(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module")
def numba():
    """numba with the kernel compiled, once for all tests here."""
    pytest.importorskip("numba", reason="numba is not installed")
    found, heard = Numba(), Heard()
    found.load(heard)
    assert heard.lines == []
    assert found.version
    return found


@pytest.fixture
def plain_python(monkeypatch):
    """The kernel as it is written, not compiled."""
    for name, function in INNER.items():
        monkeypatch.setattr(kernel, name, function)
    return kernel.mean_of_trees


def by_kernel(run, forest, x):
    laid = lay_out(forest.arrays, forest.covariates)
    found = np.empty(len(x))
    run(np.ascontiguousarray(x), found, *laid)
    return found


def plain(forest, x):
    return mean_of_trees(forest.trees, np.ascontiguousarray(x))


def random_case(seed, n, covariates, values, trees, depth, leaf):
    """A forest of covariates with many ties (so many values each), some of them constant, and pixels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, values, (n, covariates)).astype(np.float32) * np.float32(0.1)
    x[:, rng.random(covariates) < 0.2] = 3
    y = rng.normal(size=n)
    chosen = forest_settings(
        n_estimators=trees, max_features=None, max_depth=depth, min_samples_leaf=leaf, min_samples_split=2
    )
    forest = train_forest(x, y, chosen, 1)
    pixels = x[rng.integers(0, n, 300)]
    other = rng.normal(size=pixels.shape).astype(np.float32)
    # On thresholds, beside them, and beyond all of them.
    found = [forest.arrays.number[forest.arrays.feature == f] for f in range(covariates)]
    for f, thresholds in enumerate(found):
        if thresholds.size:
            other[:, f] = rng.choice(thresholds, len(other)).astype(np.float32)
    other[:50] = np.nextafter(other[:50], np.float32(9e9))
    other[50:60] = rng.choice([3e38, -3e38, 0.0, -0.0, 1e-44], (10, covariates))
    return forest, np.concatenate([pixels, other])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 2**31),
    st.integers(2, 120),
    st.integers(1, 6),
    st.sampled_from([2, 3, 20, 10**6]),
    st.integers(1, 9),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([1, 5, 100]),
)
def test_random_forests_have_the_same_bits(numba, seed, n, covariates, values, trees, depth, leaf):
    forest, x = random_case(seed, n, covariates, values, trees, depth, leaf)
    expected = plain(forest, x)
    np.testing.assert_array_equal(by_kernel(numba._run, forest, x), expected)
    np.testing.assert_array_equal(by_kernel(numba._run, forest, x[:1]), expected[:1])
    assert by_kernel(numba._run, forest, x[:0]).shape == (0,)


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_needs_no_compiler_to_be_right(plain_python, seed):
    forest, x = random_case(seed, 60, 4, 9, 3, None, 1)
    np.testing.assert_array_equal(by_kernel(plain_python, forest, x), plain(forest, x))
    alike = np.repeat(x[:1], 70, axis=0)
    np.testing.assert_array_equal(by_kernel(plain_python, forest, alike), plain(forest, alike))


def test_very_deep_trees(numba):
    """A tree that cuts off one value at a time from either end: as deep as it has leaves."""
    x = np.arange(3000, dtype=np.float32)[:, None]
    for base in (2.0, 0.5):
        y = np.clip(base ** (np.arange(3000) / 4.0 - 375), 0, 1e300)
        chosen = forest_settings(n_estimators=2, max_features=None, min_samples_split=2)
        forest = train_forest(x, y, chosen, 1)
        assert forest.arrays.depths().max() > 200
        np.testing.assert_array_equal(by_kernel(numba._run, forest, x), plain(forest, x))


def test_thresholds_that_lie_close_together(numba):
    """Covariates over many orders of magnitude: nearly all thresholds lie in the first part."""
    rng = np.random.default_rng(1)
    x = np.exp(rng.normal(0, 12, (900, 3))).astype(np.float32)
    x[:, 0] *= -1
    chosen = forest_settings(n_estimators=9, max_features=None, min_samples_split=2)
    forest = train_forest(x, rng.normal(size=900), chosen, 1)
    laid = lay_out(forest.arrays, 3)
    asked = laid.thresholds[laid.starts[1] : laid.starts[2]]
    assert asked.size > kernel.STEPS
    assert np.count_nonzero(asked < asked[-1] / kernel.PARTS) > kernel.MOST_LOOKS
    pixels = np.concatenate([x, np.exp(rng.normal(0, 14, (5000, 3))).astype(np.float32)])
    np.testing.assert_array_equal(by_kernel(numba._run, forest, pixels), plain(forest, pixels))


def test_more_rows_than_it_takes_at_a_time(numba):
    forest = train_forest(*rows(500), forest_settings(n_estimators=20), 1)
    x = rows(kernel.ROWS + kernel.LANES + 77, seed=5)[0]
    np.testing.assert_array_equal(by_kernel(numba._run, forest, x), plain(forest, x))
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(by_kernel(numba._run, forest, read_only), plain(forest, x))


def test_trees_in_another_order_are_left_to_scikit_learn():
    forest = train_forest(*rows(60), forest_settings(n_estimators=1), 1)
    assert lay_out(forest.arrays, 4) is not None
    swapped = forest.arrays.__class__(
        forest.arrays.offsets,
        forest.arrays.right,
        forest.arrays.left,
        forest.arrays.feature,
        forest.arrays.number,
    )
    assert lay_out(swapped, 4) is None


def left_over(x, laid):
    """Nodes a tree that pixels do not decide, `kernel.LANES` of them at a time."""
    covariates, found = laid.starts.size - 1, []
    for start in range(0, len(x), kernel.LANES):
        part = x[start : start + kernel.LANES]
        low, high = laid.starts[:-1].copy(), laid.starts[1:].copy()
        for f in range(covariates):
            own = laid.thresholds[laid.starts[f] : laid.starts[f + 1]]
            low[f], high[f] = laid.starts[f] + np.searchsorted(own, [part[:, f].min(), part[:, f].max()])
        waiting = np.empty(laid.depth + 2, np.int64)
        trees = laid.feature, laid.key, laid.right, waiting
        found += [kernel.nodes_left(low, high, root, *trees) for root in laid.roots[:-1]]
    return np.mean(found)


def test_an_order_holds_each_pixel_once_and_leaves_fewer_nodes(numba):
    forest = train_forest(*rows(500), forest_settings(n_estimators=3), 1)
    laid = lay_out(forest.arrays, 4)
    x = rows(40_000, seed=3)[0]
    order = numba.order_of(x, laid, Progress())
    np.testing.assert_array_equal(np.sort(order), np.arange(len(x)))
    assert left_over(x[order], laid) < 0.6 * left_over(x, laid)
    np.testing.assert_array_equal(
        np.sort(numba.order_of(x[:, :2].copy(), laid, Progress())), np.arange(len(x))
    )
    alike = np.ones_like(x)
    np.testing.assert_array_equal(numba.order_of(alike, laid, Progress()), np.arange(len(x)))
    with pytest.raises(Cancelled):
        numba.order_of(x, laid, CancelAfter(0))


def test_the_best_cut_needs_no_compiler(plain_python, numba):
    forest = train_forest(*rows(200), forest_settings(n_estimators=3), 1)
    laid = lay_out(forest.arrays, 4)
    x = rows(60, seed=3)[0]
    trees = laid.roots, laid.depth, laid.feature, laid.key, laid.right, laid.thresholds, laid.starts
    given = x, np.median(x, axis=0), np.array([True, True, False, True]), *trees
    cut = getattr(kernel.best_cut, "py_func", kernel.best_cut)(*given)
    assert cut == numba._cut(*given) != 2


# ---- whether it is used


@pytest.fixture
def forest_and_pixels(monkeypatch, numba):
    """A forest whose prediction may choose, and its predictions without numba."""
    trained = train_forest(*rows(400), forest_settings(n_estimators=60), 1)
    x = rows(3 * TRIED_ROWS, seed=7)[0]
    assert not NUMBA.version
    expected = predict(trained, x)
    monkeypatch.setattr("smap_downscaler.methods.forest.model.NUMBA", numba)
    monkeypatch.setattr(numba, "_gains", {})
    return Forest(trained.arrays, trained.probe_x, trained.probe_y), x, expected


def counted(monkeypatch, numba):
    """How many rows compiled code has predicted."""
    run, done = numba._run, []

    def counting(x, *more):
        done.append(len(x))
        run(x, *more)

    monkeypatch.setattr(numba, "_run", counting)
    return done


def slower(seconds):
    """Clocks by which scikit-learn takes one second, and compiled code so many."""
    times = iter([0.0, 1.0, 1.0, 1.0 + seconds, 0.0, 1.0, 1.0, 1.0 + seconds])
    return lambda: next(times)


@pytest.mark.parametrize(
    ("seconds", "gain", "chosen"), [(0.25, "4.00", "numba"), (0.95, "1.05", ""), (2.0, "0.50", "")]
)
def test_it_is_used_where_it_is_measured_to_be_faster(
    monkeypatch, numba, forest_and_pixels, seconds, gain, chosen
):
    forest, x, expected = forest_and_pixels
    done = counted(monkeypatch, numba)
    monkeypatch.setattr(compiled.time, "perf_counter", slower(seconds))
    np.testing.assert_array_equal(predict(forest, x), expected)
    assert sum(done) == 2 * TRIED_ROWS + (len(x) if chosen else 0)
    name = f"numba {numba.version}"
    assert numba.said == (
        f"{name} is {gain} times as fast as scikit-learn ({seconds:.3f} and 1.000 s for 8,192 pixels), so "
        f"that forests are predicted with {name if chosen else 'scikit-learn'}."
    )
    # Measured once for forests of this size, which then use it for few pixels too, and say so again.
    told, numba.said = numba.said, ""
    np.testing.assert_array_equal(predict(forest, x[:5]), expected[:5])
    assert done[-1] == (5 if chosen else TRIED_ROWS)
    assert numba.said == told


def test_few_pixels_are_not_timed(monkeypatch, numba, forest_and_pixels):
    forest, x, expected = forest_and_pixels
    done = counted(monkeypatch, numba)
    np.testing.assert_array_equal(predict(forest, x[:100]), expected[:100])
    assert done == []


def test_other_bits_are_never_used(monkeypatch, numba, forest_and_pixels):
    forest, x, expected = forest_and_pixels
    run = numba._run

    def wrong(x, found, *more):
        run(x, found, *more)
        found[3] = np.nextafter(found[3], 1)

    monkeypatch.setattr(numba, "_run", wrong)
    np.testing.assert_array_equal(predict(forest, x), expected)
    assert numba.said == f"numba {numba.version} gives other bits than scikit-learn here, and is not used."


def test_infinite_covariates_are_left_to_scikit_learn(numba, monkeypatch, forest_and_pixels):
    forest, x, _ = forest_and_pixels
    done = counted(monkeypatch, numba)
    x = x.copy()
    x[5, 0], x[6, 1] = np.inf, -np.inf
    np.testing.assert_array_equal(predict(forest, x), plain(forest, x))
    assert done == []


def test_cancel_is_heard_between_chunks(monkeypatch, numba, forest_and_pixels):
    forest, x, _ = forest_and_pixels
    monkeypatch.setattr(compiled.time, "perf_counter", slower(0.1))
    done = counted(monkeypatch, numba)
    with pytest.raises(Cancelled):
        predict(forest, x, CancelAfter(1), chunk_rows=5000)
    assert sum(done) == 2 * TRIED_ROWS + 5000


# ---- loading it


def test_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    found, heard = Numba(), Heard()
    for _ in range(2):
        found.load(heard)
    assert heard.lines == ["numba is not installed, so that forests are predicted with scikit-learn."]
    assert found.mean_of(None, None, None, np.zeros((9, 1))) is None


def test_where_it_does_not_work(monkeypatch):
    def broken():
        raise AttributeError("module 'numpy' has no attribute 'long'")

    monkeypatch.setattr(compiled, "_compiled", broken)
    found, heard = Numba(), Heard()
    found.load(heard)
    assert heard.lines == [
        "numba does not work here (module 'numpy' has no attribute 'long'): forests are predicted with "
        "scikit-learn."
    ]
    assert not found.version


def test_a_cancel_leaves_the_compiler(monkeypatch):
    """It is left within a tenth of a second, and a later run loads it."""
    waiting = threading.Event()

    def slowly():
        waiting.wait(30)
        return None, None, "1"

    monkeypatch.setattr(compiled, "_compiled", slowly)
    found = Numba()
    with pytest.raises(Cancelled):
        found.load(CancelAfter(2))
    assert not found.version
    waiting.set()
    found.load()
    assert found.version == "1"


def always_first(x, medians, varies, roots, depth, feature, key, right, thresholds, starts):
    """Compiled in a moment."""
    return 0


def ones(x, found, roots, depth, feature, key, right, number, thresholds, starts):
    """Compiled in a moment."""
    for i in range(len(x)):
        found[i] = 1.0


@pytest.fixture
def as_loaded(monkeypatch):
    """What compiled code gives that is loaded anew; the kernel is a small one."""
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setattr(kernel, "INNER", ())
    monkeypatch.setattr(kernel, "mean_of_trees", ones)
    monkeypatch.setattr(kernel, "best_cut", always_first)
    forest = train_forest(*rows(60), forest_settings(n_estimators=3), 1)

    def load():
        found, heard = Numba(), Heard()
        found.load(heard)
        assert heard.lines == []
        assert len(found.order_of(rows(10, seed=2)[0], lay_out(forest.arrays, 4), Progress())) == 10
        return by_kernel(found._run, forest, rows(10, seed=2)[0]).tolist()

    return load


def test_no_folder_to_keep_it_in(monkeypatch, as_loaded):
    from numba.core import caching

    def full(self):
        raise OSError("no space left on device")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", full)
    assert as_loaded() == [1.0] * 10


def test_what_is_kept_is_damaged(monkeypatch, as_loaded, tmp_path):
    import numba as package

    monkeypatch.setattr(package.config, "CACHE_DIR", str(tmp_path))
    as_loaded()
    kept = sorted(tmp_path.rglob("*ones*.nb?"))
    assert [path.suffix for path in kept] == [".nbc", ".nbi"]
    whole = [path.read_bytes() for path in kept]
    for index in (0, 1):
        for data in (b"", b"not what it was", whole[index][:-50]):
            for path, content in zip(kept, whole):
                path.write_bytes(content)
            kept[index].write_bytes(data)
            assert as_loaded() == [1.0] * 10
