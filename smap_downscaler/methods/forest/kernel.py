"""The mean of a forest's trees, written for a compiler (numba): one function that needs no package.

A few thousand rows at a time.  Covariates become ranks among the thresholds that lie between their least and
greatest value, which fit 16 bits; of each tree the nodes that these two decide are left out; what is left is
evaluated from the leaves up, for all rows at once, by loops that become vector instructions.  Where rows that
lie side by side are alike (`compiled.order_of`), few nodes are left.
"""

from __future__ import annotations

import numpy as np

#: Rows at a time: work done once a node is spread over them, and their buffers fit the caches.
LANES = 2048
#: Parts of the range of thresholds, in which a rank is looked for.
PARTS = 1024


#: Functions of this file that `mean_of_trees` calls.  They are apart from it, and load before they choose,
#: since only so their loops become vector instructions.
INNER = ("two_leaves", "leaf_on_the_left", "leaf_on_the_right", "no_leaf", "add_leaves")


def two_leaves(
    leaf_of: np.ndarray,
    d: int,
    left: np.uint16,
    right: np.uint16,
    rank: np.ndarray,
    f: int,
    t: np.int16,
    n: int,
) -> None:
    """Row `d` of `leaf_of`: one leaf where the rank of covariate `f` is at most `t`, else the other."""
    for i in range(n):
        leaf_of[d, i] = left if rank[f, i] <= t else right


def leaf_on_the_left(
    leaf_of: np.ndarray, d: int, left: np.uint16, rank: np.ndarray, f: int, t: np.int16, n: int
) -> None:
    """As `two_leaves`, where the right child has come to row `d`."""
    for i in range(n):
        right = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] <= t else right


def leaf_on_the_right(
    leaf_of: np.ndarray, d: int, right: np.uint16, rank: np.ndarray, f: int, t: np.int16, n: int
) -> None:
    """As `two_leaves`, where the left child has come to row `d`."""
    for i in range(n):
        left = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] <= t else right


def no_leaf(
    leaf_of: np.ndarray, left_row: int, d: int, rank: np.ndarray, f: int, t: np.int16, n: int
) -> None:
    """As `two_leaves`, where the left child has come to another row, and the right one to row `d`."""
    for i in range(n):
        left = leaf_of[left_row, i]
        right = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] <= t else right


def add_leaves(total: np.ndarray, values: np.ndarray, leaf_of: np.ndarray, d: int, n: int) -> None:
    """Add the value of each row's leaf to its total."""
    for i in range(n):
        total[i] += values[leaf_of[d, i]]


def mean_of_trees(
    x: np.ndarray,
    out: np.ndarray,
    roots: np.ndarray,
    depth: int,
    feature: np.ndarray,
    key: np.ndarray,
    right: np.ndarray,
    number: np.ndarray,
    thresholds: np.ndarray,
    starts: np.ndarray,
) -> None:
    """Mean of the trees in their order, to the last bit that of scikit-learn's trees.

    Parameters
    ----------
    x : float32, shape (n, p)
        Covariates; finite.
    out : float64, shape (n,)
        Takes the means.
    roots : int64, shape (trees + 1,)
        First node of each tree, and the number of nodes.
    depth : int
        Of the deepest tree.
    feature : int16, shape (nodes,)
        Column that is compared; -1 at leaves.  A left child follows its parent.
    key : int32, shape (nodes,)
        Place of a node's threshold in `thresholds`; of a leaf its own number.
    right : int32, shape (nodes,)
        Right child, counted from the first node of all.
    number : float64, shape (nodes,)
        Mean of the response at leaves.
    thresholds : float32
        Those of each covariate, distinct and ascending, one covariate after the other.
    starts : int64, shape (p + 1,)
        First threshold of each covariate, and the number of all.
    """
    rows, covariates = x.shape
    trees = roots.size - 1
    largest = 0
    for tree in range(trees):
        largest = max(largest, roots[tree + 1] - roots[tree])
    column = np.empty(LANES, np.float32)
    rank = np.zeros((covariates, LANES), np.int16)
    # Thresholds between these are neither under all values nor over all: x <= t is left to be asked.
    low, high = np.zeros(covariates, np.int64), np.zeros(covariates, np.int64)
    under = np.zeros(PARTS + 4, np.int64)
    kept_feature, kept_key = np.empty(largest, np.int16), np.empty(largest, np.int32)
    waiting = np.empty(depth + 2, np.int64)
    # What a node comes to: the number of a leaf, or -1 - row of `leaf_of` (for each row of x its leaf).
    found = np.empty(depth + 3, np.int64)
    leaf_of = np.empty((depth + 2, LANES), np.uint16)
    values = np.empty(largest, np.float64)
    for begin in range(0, rows, LANES):
        n = min(LANES, rows - begin)
        total = out[begin : begin + n]
        for i in range(n):
            total[i] = 0.0
        for f in range(covariates):
            least = x[begin, f]
            most = least
            for i in range(n):
                value = x[begin + i, f]
                column[i] = value
                least, most = min(least, value), max(most, value)
            for bound in range(2):
                value = most if bound else least
                a, b = starts[f], starts[f + 1]
                while a < b:
                    middle = (a + b) // 2
                    if thresholds[middle] < value:
                        a = middle + 1
                    else:
                        b = middle
                if bound:
                    high[f] = a
                else:
                    low[f] = a
            count = high[f] - low[f]
            if count == 0:
                continue
            # The rank of a value is how many thresholds lie under it: x <= t where rank <= place of t.
            asked = thresholds[low[f] : high[f]]
            first, last = np.float64(asked[0]), np.float64(asked[count - 1])
            scale = PARTS / (last - first) if last > first else 0.0
            for part in range(PARTS + 4):
                under[part] = 0
            for i in range(count):
                under[int((np.float64(asked[i]) - first) * scale) + 2] += 1
            for part in range(PARTS + 3):
                under[part + 1] += under[part]
            for i in range(n):
                value = column[i]
                if value <= asked[0]:
                    rank[f, i] = 0
                elif value > asked[count - 1]:
                    rank[f, i] = count
                else:
                    part = int((np.float64(value) - first) * scale)
                    a, b = under[part + 1], under[part + 2]
                    while a < b:
                        middle = (a + b) // 2
                        if asked[middle] < value:
                            a = middle + 1
                        else:
                            b = middle
                    rank[f, i] = a
        for tree in range(trees):
            # The nodes that are left, each before its left child and that before the right one.
            node, size, top = roots[tree], 0, 0
            while True:
                f = feature[node]
                while f >= 0:
                    if key[node] < low[f]:
                        node = np.int64(right[node])
                    elif key[node] >= high[f]:
                        node += 1
                    else:
                        break
                    f = feature[node]
                kept_feature[size], kept_key[size] = f, key[node]
                size += 1
                if f >= 0:
                    waiting[top] = right[node]
                    top += 1
                    node += 1
                elif top > 0:
                    top -= 1
                    node = waiting[top]
                else:
                    break
            leaves, used, top = 0, 0, 0
            for place in range(size - 1, -1, -1):
                f = kept_feature[place]
                if f < 0:
                    values[leaves] = number[kept_key[place]]
                    found[top] = leaves
                    leaves += 1
                    top += 1
                    continue
                t = np.int16(kept_key[place] - low[f])
                left, other = found[top - 1], found[top - 2]
                top -= 1
                if left >= 0 and other >= 0:
                    d = used
                    used += 1
                    two_leaves(leaf_of, d, np.uint16(left), np.uint16(other), rank, f, t, n)
                elif left >= 0:
                    d = -1 - other
                    leaf_on_the_left(leaf_of, d, np.uint16(left), rank, f, t, n)
                elif other >= 0:
                    d = -1 - left
                    leaf_on_the_right(leaf_of, d, np.uint16(other), rank, f, t, n)
                else:
                    # The left one was made last.
                    d = -1 - other
                    used -= 1
                    no_leaf(leaf_of, -1 - left, d, rank, f, t, n)
                found[top - 1] = -1 - d
            if found[0] >= 0:
                for i in range(n):
                    total[i] += values[0]
            else:
                add_leaves(total, values, leaf_of, -1 - found[0], n)
        for i in range(n):
            total[i] /= trees
