"""Intervals of forests: the draws of leaves, quantiles and factors by hand, what they hold, the file."""

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forest_cases import DAY, NAMES, UNITS, block_of, members, rows, settings, train_forest
from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.methods.base import Candidate, ModelFileError, Wishes
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.growth import drawn_rows, grow_trees, new_sklearn_forest
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.forest.spread import Spread
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.methods.npy import to_npy

TRUST = Wishes(trust=True)
GOLDEN = Path(__file__).parents[1] / "file" / "forests_by_date.base64"


def noisy(n, seed, noise=0.02, skewed=False):
    """Rows whose spread about what covariates tell grows with the first one."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 4)).astype(np.float32)
    drawn = rng.exponential(size=n) - 1 if skewed else rng.normal(size=n)
    return x, 0.25 + 0.08 * np.tanh(2 * x[:, 1]) + noise * (1.5 + x[:, 0]) * drawn


def grown(x, y, chosen, key=3, **more):
    return grow_forest(x, y, chosen, TRUST, key, **more)


def test_a_leaf_keeps_the_response_of_a_row_that_its_tree_drew_into_it():
    x, y = rows(80)
    chosen = settings()
    forest = grown(x, y, chosen)
    trees = grow_trees(x, y, chosen, 3, Listener())
    values = forest.spread.low + forest.spread.step * forest.spread.draws
    assert (forest.spread.low, forest.spread.high) == (y.min(), y.max())
    differ = 0
    for tree, first in zip(trees.trees, forest.arrays.offsets):
        drawn = drawn_rows(tree.random_state, 80, 80)
        leaves = tree.tree_.apply(x[drawn])
        for leaf in np.unique(leaves):
            own = y[drawn[leaves == leaf]]
            assert np.abs(own - values[first + leaf]).min() <= forest.spread.step / 2 * (1 + 1e-9)
            differ += own.max() - own.min() > 0.01
    assert differ > 50


def test_over_many_trees_draws_have_the_weights_of_a_quantile_forest():
    """Meinshausen's: each row of a leaf counts one over the rows of the leaf, over all trees."""
    x, y = noisy(300, 1)
    chosen = replace(PAPER, n_estimators=500, max_features=2, sample_size=200)
    forest = grown(x, y, chosen)
    trees = grow_trees(x, y, chosen, 3, Listener()).trees
    at = noisy(5, 2)[0]
    weights = np.zeros((len(at), 300))
    draws = np.empty((len(at), len(trees)))
    for number, (tree, first) in enumerate(zip(trees, forest.arrays.offsets)):
        drawn = drawn_rows(tree.random_state, 300, 200)
        own, asked = tree.tree_.apply(x[drawn]), tree.tree_.apply(at)
        for row, leaf in enumerate(asked):
            inside = drawn[own == leaf]
            np.add.at(weights[row], inside, 1 / len(inside) / len(trees))
        draws[:, number] = forest.spread.low + forest.spread.step * forest.spread.draws[first + asked]
    order = np.argsort(y)
    for own, found in zip(weights, draws):
        below = np.cumsum(own[order])
        for share in (0.05, 0.25, 0.5, 0.75, 0.95):
            quantile = y[order][np.searchsorted(below, share)]
            # Of 500 draws the share below a value has a standard error of .022 at most.
            assert np.mean(found <= quantile + 1e-5) == pytest.approx(
                below[np.searchsorted(below, share)], abs=0.07
            )


def test_intervals_and_deviation_by_hand():
    x, y = rows(120)
    forest = grown(x, y, settings(n_estimators=40))
    at = rows(50, seed=9)[0]
    found = forest.predict(block_of(at), sd=True)
    sklearn = new_sklearn_forest(settings(n_estimators=40), 120, 4, 3).fit(x, y)
    draws = np.column_stack(
        [
            forest.spread.low + forest.spread.step * forest.spread.draws[first + tree.apply(at)]
            for tree, first in zip(sklearn.estimators_, forest.arrays.offsets)
        ]
    )
    mean, factor = sklearn.predict(at), forest.spread.factor
    # With 40 trees a tenth of the rows have fewer than some 10 trees that did not see them.
    tail = forest.spread.tail
    assert 1 / 15 < tail < 1 / 9
    low, high = np.quantile(draws, (tail, 1 - tail), axis=1, method="weibull")
    least = 0.002 * (y.max() - y.min())
    np.testing.assert_allclose(found.lower, mean - factor * np.maximum(mean - low, least), atol=1e-12)
    np.testing.assert_allclose(found.upper, mean + factor * np.maximum(high - mean, least), atol=1e-12)
    square = np.mean((draws - mean[:, None]) ** 2, axis=1)
    np.testing.assert_allclose(found.sd, forest.spread.sd_factor * np.sqrt(square), rtol=1e-9)
    assert np.array_equal(found.mean, forest.predict(block_of(at)).mean)
    assert (found.lower < found.mean).all()
    assert (found.mean < found.upper).all()


def test_factors_are_those_that_the_rows_out_of_bag_need():
    x, y = noisy(90, 4)
    chosen = settings(n_estimators=60)
    blocks = np.arange(90) // 9
    forest = grown(x, y, chosen, blocks=blocks)
    trees = grow_trees(x, y, chosen, 3, Listener()).trees
    values = forest.spread.low + forest.spread.step * forest.spread.draws
    least = 0.002 * (y.max() - y.min())
    unseen = [sum(row not in drawn_rows(tree.random_state, 90, 90) for tree in trees) for row in range(90)]
    tail = max(0.05, 1 / (np.percentile(unseen, 10) + 1))
    assert forest.spread.tail == pytest.approx(tail)
    needed, width, square = np.empty((3, 90))
    for row in range(90):
        own = [
            values[first + tree.tree_.apply(x[row : row + 1])[0]]
            for tree, first in zip(trees, forest.arrays.offsets)
            if row not in drawn_rows(tree.random_state, 90, 90)
        ]
        low, high = np.quantile(own, (tail, 1 - tail), method="weibull")
        below, above = max(forest.oob[row] - low, least), max(high - forest.oob[row], least)
        error = y[row] - forest.oob[row]
        needed[row] = error / above if error > 0 else -error / below
        width[row], square[row] = below + above, np.mean((own - forest.oob[row]) ** 2)

    def holding(rows):
        return np.sort(needed[rows])[min(int(np.ceil(0.9 * (rows.sum() + 1))), rows.sum()) - 1]

    assert forest.spread.factor == pytest.approx(holding(np.ones(90, bool)), rel=1e-9)
    held = [needed[row] <= holding(blocks != blocks[row]) for row in range(90)]
    assert forest.scores.held == np.mean(held)
    assert forest.scores.held_before == np.mean(needed <= 1)
    assert forest.scores.width == pytest.approx(forest.spread.factor * width.mean(), rel=1e-9)
    errors = (y - forest.oob) ** 2
    assert forest.spread.sd_factor == pytest.approx(np.sqrt(errors.sum() / square.sum()), rel=1e-9)


@pytest.mark.parametrize(
    ("trees", "leaf", "skewed"), [(30, 1, False), (100, 1, True), (100, 60, False), (300, 1, False)]
)
def test_intervals_hold_nine_tenths_of_noisy_values_that_nobody_saw(trees, leaf, skewed):
    """Also where the quantile forest alone is far off: trees that are pruned, or few of them."""
    held, sd = [], []
    for seed in range(4):
        x, y = noisy(900, 20 + seed, skewed=skewed)
        chosen = replace(PAPER, n_estimators=trees, max_features=2, min_samples_leaf=leaf)
        forest = grown(x[:400], y[:400], chosen)
        found = forest.predict(block_of(x[400:]), sd=True)
        held.append(np.mean((y[400:] >= found.lower) & (y[400:] <= found.upper)))
        sd.append(np.sqrt(np.mean((y[400:] - found.mean) ** 2) / np.mean(found.sd**2)))
    assert 0.87 <= np.mean(held) <= 0.93
    assert 0.92 <= np.mean(sd) <= 1.08


def test_trees_and_means_are_those_of_a_forest_without():
    x, y = rows(70)
    plain, forest = train_forest(x, y, settings(), 3), grown(x, y, settings())
    bare, whole = plain.members(4), forest.members(4)
    assert {name: whole[name] for name in bare} == bare
    assert sorted(set(whole) - set(bare)) == [
        "draws.npy",
        "rows.npy",
        "rows_numbers.npy",
        "rows_scale.npy",
        "spread.npy",
    ]
    assert replace(forest.scores, held=np.nan, held_before=np.nan, width=np.nan).as_dict() == (
        plain.scores.as_dict()
    )
    assert not plain.has_sd
    assert plain.applicability is None
    with pytest.raises(ValueError, match="nothing to make intervals from"):
        plain.predict(block_of(x), sd=True)


def test_no_bit_depends_on_blocks_or_threads():
    x, y = rows(70)
    forest, other = grown(x, y, settings()), grown(x, y, settings(), threads=2)
    assert forest.members(4) == other.members(4)
    at = block_of(rows(200, seed=2)[0])
    whole = forest.predict(at, sd=True)
    for chunk in (1, 7, 64):
        for one, part in zip(whole, forest.predict(at, sd=True, chunk_rows=chunk)):
            assert np.array_equal(one, part)


def test_weights_of_covariates_are_those_of_scikit_learn():
    x, y = rows(70)
    forest = grown(x, y, settings())
    sklearn = new_sklearn_forest(settings(), 70, 4, 3).fit(x, y)
    np.testing.assert_allclose(forest.applicability.weights, sklearn.feature_importances_, rtol=1e-12)
    assert np.array_equal(forest.applicability.rows, x)


def test_a_chosen_forest_has_the_spread_of_its_settings_alone():
    x, y = rows(70)
    tried = tuple(Candidate(settings(n_estimators=number)) for number in (3, 12))
    best = grow_forest(x, y, settings(), Wishes(tried, 0, True), 8)
    alone = grow_forest(x, y, best.settings, TRUST, 8)
    assert best.members(4) == alone.members(4)
    assert best.scores == alone.scores


@pytest.mark.parametrize("trees", [1, 2])
def test_of_a_tree_or_two_there_are_intervals_too(trees):
    x, y = rows(40)
    found = grown(x, y, settings(n_estimators=trees)).predict(block_of(x), sd=True)
    assert np.isfinite(found).all()
    assert (found.lower < found.upper).all()


def test_a_cancel_is_heard_while_leaves_are_drawn():
    x, y = rows(60)
    plain, whole = Listener(), Listener()
    train_forest(x, y, settings(), 3, plain)
    grow_forest(x, y, settings(), TRUST, 3, whole)
    # Twice a tree more.
    assert whole.asked >= plain.asked + 24

    class Late(Listener):
        def is_cancelled(self):
            self.asked += 1
            return self.asked > plain.asked + 5

    with pytest.raises(Cancelled):
        grow_forest(x, y, settings(), TRUST, 3, Late())


class TestFile:
    def write(self, path, mode="by date", trust=True):
        x, y = rows(60)
        forest = grow_forest(x, y, settings(), Wishes(trust=trust), 3)
        with ModelWriter(path, NAMES, UNITS, "sm", "", settings(), "0", mode=mode, trust=trust) as writer:
            writer.add(DAY, forest)
        return forest

    def test_it_comes_back(self, tmp_path):
        forest = self.write(tmp_path / "f")
        with open_models(tmp_path / "f") as opened:
            again = opened.load(DAY)
            assert opened.method is RANDOM_FOREST
            assert opened.scores(DAY) == again.scores == forest.scores
        at = block_of(rows(90, seed=4)[0])
        for one, other in zip(forest.predict(at, sd=True), again.predict(at, sd=True)):
            assert np.array_equal(one, other)
        for name in ("rows", "mean", "sd", "weights", "low", "high", "distance", "threshold", "blocks"):
            assert np.array_equal(getattr(forest.applicability, name), getattr(again.applicability, name))
        assert json.loads(members(tmp_path / "f")["manifest.json"])["version"] == 3

    def test_without_it_files_stay_of_the_first_version(self, tmp_path):
        self.write(tmp_path / "f", trust=False)
        content = json.loads(members(tmp_path / "f")["manifest.json"])
        assert content["version"] == 1
        assert "held" not in content["forests"][0]["scores"]

    def test_a_file_of_an_older_version_has_none(self, tmp_path):
        (tmp_path / "old").write_bytes(base64.b64decode(GOLDEN.read_text()))
        with open_models(tmp_path / "old") as opened:
            forest = opened.load(opened.dates[0])
        assert not forest.has_sd
        assert forest.applicability is None
        assert np.isnan(forest.scores.held)

    def test_it_takes_no_more_than_half_of_the_trees(self):
        """As help says of the paper's forest of 1,278 cells and 20 covariates."""
        rng = np.random.default_rng(1)
        x = rng.normal(size=(1278, 20)).astype(np.float32)
        y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.02 * rng.normal(size=1278)
        packed = {name: len(zlib.compress(data, 4)) for name, data in grown(x, y, PAPER).members(20).items()}
        more = sum(packed[name] for name in ("draws.npy", "spread.npy", "rows.npy", "rows_scale.npy"))
        assert 0.2 < more / (sum(packed.values()) - more) < 0.4

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"draws.npy": None}, "A part of what intervals are made from is missing."),
            ({"rows.npy": None}, "A part of the training rows is missing."),
            (
                {"draws.npy": to_npy(np.zeros(3), "<u2")},
                "What intervals are made from does not belong to its trees.",
            ),
            (
                {"spread.npy": to_npy(np.array([0.1, 0.5, 0.05, np.nan, 1.0]), "<f8")},
                "What intervals are made from holds a number that cannot be.",
            ),
            (
                {"spread.npy": to_npy(np.array([0.1, 0.5, 0.6, 1.0, 1.0]), "<f8")},
                "What intervals are made from holds a number that cannot be.",
            ),
            (
                {"rows.npy": to_npy(np.zeros((5, 3)), "<f4")},
                "The training rows do not belong to the covariates.",
            ),
            (
                {"rows_numbers.npy": to_npy(np.array([0.0, 1.0, 3.0]), "<f8")},
                "The training rows hold a number that cannot be.",
            ),
            (
                {"rows.npy": to_npy(np.full((5, 4), np.nan), "<f4")},
                "The training rows hold a number that cannot be.",
            ),
            (
                {"rows_scale.npy": to_npy(np.zeros((5, 4)), "<f8")},
                "The training rows hold a number that cannot be.",
            ),
        ],
    )
    def test_what_is_damaged_is_refused(self, changes, problem):
        x, y = rows(60)
        whole = grown(x, y, settings()).members(4)
        changed = {name: data for name, data in {**whole, **changes}.items() if data is not None}
        with pytest.raises(ModelFileError) as caught:
            RANDOM_FOREST.load(changed, NAMES, None)
        assert str(caught.value) == problem


def test_nothing_is_no_spread():
    x, y = rows(20)
    assert Spread.load({}, train_forest(x, y, settings(), 0).arrays) is None
