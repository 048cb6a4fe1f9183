"""All trees of a forest as a few plain arrays, checked before they become trees again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...base.errors import InputError
from ..base import MOST_COVARIATES, ModelFileError

LEAF = -1
#: Node fields without which this module cannot fill scikit-learn's trees.
_NEEDED = ("left_child", "right_child", "feature", "threshold")


@dataclass(frozen=True, eq=False)
class ForestArrays:
    """The nodes of all trees, one tree after the other.

    Parameters
    ----------
    offsets : int64, shape (n_trees + 1,)
        First node of each tree, and the number of nodes at the end.
    left, right : int32, shape (n_nodes,)
        Children, counted from the first node of their tree; -1 at leaves.
    feature : int16, shape (n_nodes,)
        Column of the covariate that is compared; -1 at leaves.
    number : float64, shape (n_nodes,)
        At inner nodes the threshold (covariate <= threshold goes left), at leaves the mean of the
        response.
    """

    offsets: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    number: np.ndarray

    @property
    def n_trees(self) -> int:
        """Trees."""
        return int(self.offsets.size - 1)

    @property
    def n_nodes(self) -> int:
        """Nodes of all trees."""
        return int(self.left.size)

    @classmethod
    def from_sklearn(cls, forest: Any) -> ForestArrays:
        """The arrays of a fitted scikit-learn forest (or any list of its tree regressors)."""
        estimators = getattr(forest, "estimators_", forest)
        trees = [estimator.tree_ for estimator in estimators]
        counts = np.array([tree.node_count for tree in trees], dtype=np.int64)
        left = np.concatenate([tree.children_left for tree in trees])
        right = np.concatenate([tree.children_right for tree in trees])
        feature = np.concatenate([tree.feature for tree in trees])
        threshold = np.concatenate([tree.threshold for tree in trees])
        mean = np.concatenate([tree.value[:, 0, 0] for tree in trees])
        leaf = left == LEAF
        return cls(
            offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
            left=left.astype(np.int32),
            right=right.astype(np.int32),
            feature=np.where(leaf, LEAF, feature).astype(np.int16),
            number=np.where(leaf, mean, threshold).astype(np.float64),
        )

    def check(self, n_features: int) -> None:
        """Raise `ModelFileError` unless every tree is sound for `n_features` covariates.

        scikit-learn follows children and features blindly: one out of range crashes the process,
        a cycle never ends.
        """
        self._check_layout(n_features)
        sizes = np.diff(self.offsets)
        first = np.repeat(self.offsets[:-1], sizes)
        own = np.arange(self.n_nodes, dtype=np.int64) - first
        leaf = self.left == LEAF
        if np.any(leaf != (self.right == LEAF)):
            raise ModelFileError("A tree is damaged: a node has only one child.")
        inner = ~leaf
        self._check_children(inner, own, np.repeat(sizes, sizes), first)
        feature = self.feature
        if np.any(feature[leaf] != LEAF) or np.any((feature[inner] < 0) | (feature[inner] >= n_features)):
            raise ModelFileError(
                f"A tree is damaged: a node asks for a covariate that is not one of the {n_features}."
            )
        if not np.all(np.isfinite(self.number)):
            raise ModelFileError("A tree is damaged: it holds a number that is not finite.")

    def _check_layout(self, n_features: int) -> None:
        layout = (
            (self.offsets, np.int64),
            (self.left, np.int32),
            (self.right, np.int32),
            (self.feature, np.int16),
            (self.number, np.float64),
        )
        if any(array.ndim != 1 or array.dtype != dtype for array, dtype in layout):
            raise ModelFileError("The trees are damaged: an array has the wrong type or shape.")
        if not 1 <= n_features <= MOST_COVARIATES:
            raise ModelFileError(f"A forest takes 1 to {MOST_COVARIATES} covariates, not {n_features}.")
        if any(array.size != self.n_nodes for array, _ in layout[1:]):
            raise ModelFileError("The trees are damaged: their arrays differ in length.")
        offsets = self.offsets
        if offsets.size < 2:
            raise ModelFileError("The forest is damaged: it holds no tree.")
        if offsets[0] != 0 or offsets[-1] != self.n_nodes or np.any(offsets[1:] <= offsets[:-1]):
            raise ModelFileError("The forest is damaged: its trees do not follow each other.")

    def _check_children(
        self, inner: np.ndarray, own: np.ndarray, size: np.ndarray, first: np.ndarray
    ) -> None:
        """Every node but the root is the child of exactly one earlier node of its own tree."""
        for child in (self.left, self.right):
            if np.any((child[inner] <= own[inner]) | (child[inner] >= size[inner])):
                raise ModelFileError(
                    "A tree is damaged: a child does not lie after its parent in the same tree."
                )
        children = np.concatenate([first[inner] + self.left[inner], first[inner] + self.right[inner]])
        parents = np.bincount(children, minlength=self.n_nodes)
        parents[self.offsets[:-1]] += 1
        if np.any(parents != 1):
            raise ModelFileError("A tree is damaged: a node does not have exactly one parent.")

    def depths(self) -> np.ndarray:
        """Depth of each tree (0: only a root), int64, shape (n_trees,).  For checked trees only."""
        tree_of = np.repeat(np.arange(self.n_trees), np.diff(self.offsets))
        depths = np.zeros(self.n_trees, dtype=np.int64)
        level, front = 0, self.offsets[:-1]
        while front.size:
            depths[tree_of[front]] = level
            front = front[self.left[front] != LEAF]
            first = self.offsets[tree_of[front]]
            front = np.concatenate([first + self.left[front], first + self.right[front]])
            level += 1
        return depths

    def to_trees(self, n_features: int) -> list[Any]:
        """scikit-learn's own trees, bit-equal in `predict` to those the arrays came from.

        Checks the arrays first (`check`), since a bad tree would crash the process.
        """
        self.check(n_features)
        from sklearn.tree._tree import Tree

        dtype = _node_dtype()
        leaf = self.left == LEAF
        nodes = np.zeros(self.n_nodes, dtype=dtype)
        nodes["left_child"] = self.left
        nodes["right_child"] = self.right
        # -2 is what scikit-learn itself writes at leaves.
        nodes["feature"] = np.where(leaf, -2, self.feature)
        nodes["threshold"] = np.where(leaf, -2.0, self.number)
        values = np.where(leaf, self.number, 0.0).reshape(-1, 1, 1)
        trees = []
        for start, end, depth in zip(self.offsets[:-1], self.offsets[1:], self.depths()):
            tree = Tree(n_features, np.array([1], dtype=np.intp), 1)
            tree.__setstate__(
                {
                    "max_depth": int(depth),
                    "node_count": int(end - start),
                    "nodes": nodes[start:end],
                    "values": values[start:end],
                }
            )
            trees.append(tree)
        return trees


@lru_cache(maxsize=1)
def _node_dtype() -> np.dtype[Any]:
    """The node layout of the installed scikit-learn (versions differ), from a freshly fitted tree."""
    from sklearn.tree import DecisionTreeRegressor

    dummy = DecisionTreeRegressor(random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
    dtype: np.dtype[Any] = dummy.tree_.__getstate__()["nodes"].dtype
    if dtype.names is None or any(name not in dtype.names for name in _NEEDED):
        raise InputError("The installed scikit-learn keeps trees in an unknown way; update the plugin.")
    return dtype
