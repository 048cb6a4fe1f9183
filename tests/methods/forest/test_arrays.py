"""Trees as plain arrays: the way there and back, and a check that lets no bad tree through."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forest_cases import rows, settings
from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.base import ModelFileError
from smap_downscaler.methods.forest.arrays import ForestArrays
from smap_downscaler.methods.forest.growth import new_sklearn_forest

ORDER = "A tree is damaged: a child does not lie after its parent in the same tree."
ONE_CHILD = "A tree is damaged: a node has only one child."
PARENTS = "A tree is damaged: a node does not have exactly one parent."
COVARIATE = "A tree is damaged: a node asks for a covariate that is not one of the 2."
FINITE = "A tree is damaged: it holds a number that is not finite."
FOLLOW = "The forest is damaged: its trees do not follow each other."
EMPTY = "The forest is damaged: it holds no tree."
LENGTHS = "The trees are damaged: their arrays differ in length."


def forest(n=200, **changes):
    x, y = rows(n)
    return new_sklearn_forest(settings(**changes), *x.shape, key=1).fit(x, y)


def small():
    """Two trees by hand: 0 -> (1 -> (2, 3), 4), and a single leaf."""
    return ForestArrays(
        offsets=np.array([0, 5, 6], np.int64),
        left=np.array([1, 2, -1, -1, -1, -1], np.int32),
        right=np.array([4, 3, -1, -1, -1, -1], np.int32),
        feature=np.array([0, 1, -1, -1, -1, -1], np.int16),
        number=np.array([0.5, -1.0, 0.1, 0.2, 0.3, 0.4]),
    )


def test_layout_by_hand():
    arrays = small()
    arrays.check(2)
    assert (arrays.n_trees, arrays.n_nodes) == (2, 6)
    assert arrays.depths().tolist() == [2, 0]
    x = np.array([[0.5, -1.0], [0.5, -0.9], [0.6, 0.0]], np.float32)
    first, second = arrays.to_trees(2)
    assert first.predict(x)[:, 0].tolist() == [0.1, 0.2, 0.3]
    assert second.predict(x)[:, 0].tolist() == [0.4, 0.4, 0.4]


def test_there_and_back_is_bit_equal():
    original = forest()
    arrays = ForestArrays.from_sklearn(original)
    arrays.check(4)
    x = rows(3000, seed=8)[0]
    trees = arrays.to_trees(4)
    assert len(trees) == len(original.estimators_)
    for tree, estimator in zip(trees, original.estimators_, strict=True):
        np.testing.assert_array_equal(tree.predict(x)[:, 0], estimator.predict(x))
        np.testing.assert_array_equal(tree.apply(x), estimator.apply(x))
        assert tree.max_depth == estimator.get_depth()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"left": [1, 1, -1, -1, -1, -1]}, ORDER),
        ({"left": [0, 2, -1, -1, -1, -1]}, ORDER),
        ({"left": [-2, 2, -1, -1, -1, -1]}, ORDER),
        ({"right": [5, 3, -1, -1, -1, -1]}, ORDER),
        ({"right": [2**31 - 1, 3, -1, -1, -1, -1]}, ORDER),
        ({"left": [-1, 2, -1, -1, -1, -1]}, ONE_CHILD),
        ({"right": [4, -1, -1, -1, -1, -1]}, ONE_CHILD),
        ({"right": [3, 3, -1, -1, -1, -1]}, PARENTS),
        ({"right": [1, 3, -1, -1, -1, -1]}, PARENTS),
        ({"feature": [2, 1, -1, -1, -1, -1]}, COVARIATE),
        ({"feature": [0, -1, -1, -1, -1, -1]}, COVARIATE),
        ({"feature": [0, 1, 0, -1, -1, -1]}, COVARIATE),
        ({"number": [np.nan, -1, 0.1, 0.2, 0.3, 0.4]}, FINITE),
        ({"number": [0.5, -1, 0.1, 0.2, 0.3, np.inf]}, FINITE),
        ({"offsets": [0, 5]}, FOLLOW),
        ({"offsets": [1, 5, 6]}, FOLLOW),
        ({"offsets": [0, 5, 5, 6]}, FOLLOW),
        ({"offsets": [0, 7, 6]}, FOLLOW),
        ({"offsets": [0, 2**40, 6]}, FOLLOW),
        ({"offsets": [0]}, EMPTY),
        ({"feature": [0, 1, -1, -1, -1]}, LENGTHS),
    ],
)  # fmt: skip
def test_bad_trees_are_refused(changes, sentence):
    arrays = small()
    bad = replace(
        arrays, **{name: np.array(value, getattr(arrays, name).dtype) for name, value in changes.items()}
    )
    with pytest.raises(ModelFileError) as caught:
        bad.check(2)
    assert str(caught.value) == sentence
    with pytest.raises(InputError):
        bad.to_trees(2)


def test_wrong_types_and_feature_counts_are_refused():
    arrays = small()
    with pytest.raises(
        ModelFileError, match=r"^The trees are damaged: an array has the wrong type or shape\.$"
    ):
        replace(arrays, left=arrays.left.astype(np.int64)).check(2)
    for p in (0, 40_000):
        with pytest.raises(ModelFileError, match=rf"^A forest takes 1 to 32767 covariates, not {p}\.$"):
            arrays.check(p)
    with pytest.raises(ModelFileError, match="a covariate that is not one of the 1"):
        arrays.check(1)


def is_sound(arrays: ForestArrays, n_features: int) -> bool:
    """The same question asked the slow way: walk each tree from its root."""
    offsets = arrays.offsets.tolist()
    if offsets[0] != 0 or offsets[-1] != arrays.n_nodes:
        return False
    for start, end in pairwise(offsets):
        if end <= start or end > arrays.n_nodes or start < 0:
            return False
        visited, waiting = [], [0]
        while waiting:
            node = waiting.pop()
            visited.append(node)
            left, right = int(arrays.left[start + node]), int(arrays.right[start + node])
            feature, number = int(arrays.feature[start + node]), float(arrays.number[start + node])
            if not np.isfinite(number):
                return False
            if left == right == -1:
                if feature != -1:
                    return False
                continue
            if not 0 <= feature < n_features:
                return False
            if not all(node < child < end - start for child in (left, right)):
                return False
            waiting += [left, right]
            if len(visited) > end - start:
                return False
        if sorted(visited) != list(range(end - start)):
            return False
    return True


SOUND = ForestArrays.from_sklearn(forest(n=12, n_estimators=2))


@hypothesis_settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_check_agrees_with_a_walk(data):
    """Change a few entries at random: refused exactly where a walk through the trees fails."""
    copies = {name: getattr(SOUND, name).copy() for name in ("offsets", "left", "right", "feature", "number")}
    for _ in range(data.draw(st.integers(1, 3))):
        array = copies[data.draw(st.sampled_from(sorted(copies)))]
        at = data.draw(st.integers(0, array.size - 1))
        small_numbers = st.integers(-2, SOUND.n_nodes + 1)
        array[at] = data.draw(st.sampled_from([np.nan, 0.3]) if array.dtype.kind == "f" else small_numbers)
    changed = ForestArrays(**copies)
    if is_sound(changed, 4):
        assert changed.to_trees(4)[0].predict(np.zeros((1, 4), np.float32)).shape == (1, 1)
    else:
        with pytest.raises(ModelFileError):
            changed.check(4)
