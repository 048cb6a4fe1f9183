"""The mean of a forest's trees, written for a compiler (numba): functions that need no package.

Tens of thousands of rows at a time.  Of each tree the nodes that the least and greatest values of the rows
decide are left out.  Covariates become ranks among the thresholds that are left, and these become bytes, one
for each 255 thresholds.  Then some thousand rows at a time: nodes that their bytes decide are left out too,
and what is left is evaluated from the leaves up, for all rows at once, by loops that become vector
instructions.  Where rows that lie side by side are alike (`compiled.order_of`), few nodes are left.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Rows of which trees are cut down at once: their numbers fit 16 bits.
ROWS = 32768
#: Rows evaluated at a time: work done once a node is spread over them, and their bytes fit the caches.
LANES = 4096
#: Thresholds that a byte tells apart, and leaves.
STEPS, LEAVES = 255, 256
#: Parts of the range of thresholds, in which a rank is looked for, and looks that take less than halving.
PARTS, MOST_LOOKS = 4096, 8
#: Trees that are asked how rows are best halved.
ASKED = 5


#: Functions of this file that others call, each after those that it calls.  Those of rows are apart, and load
#: before they choose, since only so their loops become vector instructions.
INNER = (
    "two_leaves",
    "leaf_on_the_left",
    "leaf_on_the_right",
    "no_leaf",
    "leaves_of",
    "add_leaves",
    "bytes_of",
    "least_and_most",
    "thresholds_under",
    "parts_of",
    "rank_of",
    "nodes_left",
)


def two_leaves(
    leaf_of: np.ndarray, d: int, left: int, right: int, rank: np.ndarray, f: int, t: int, n: int
) -> None:
    """Row `d` of `leaf_of`: one leaf where row `f` of `rank` is under `t`, else the other."""
    for i in range(n):
        leaf_of[d, i] = left if rank[f, i] < t else right


def leaf_on_the_left(
    leaf_of: np.ndarray, d: int, left: int, rank: np.ndarray, f: int, t: int, n: int
) -> None:
    """As `two_leaves`, where the right child has come to row `d`."""
    for i in range(n):
        right = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] < t else right


def leaf_on_the_right(
    leaf_of: np.ndarray, d: int, right: int, rank: np.ndarray, f: int, t: int, n: int
) -> None:
    """As `two_leaves`, where the left child has come to row `d`."""
    for i in range(n):
        left = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] < t else right


def no_leaf(leaf_of: np.ndarray, left_row: int, d: int, rank: np.ndarray, f: int, t: int, n: int) -> None:
    """As `two_leaves`, where the left child has come to another row, and the right one to row `d`."""
    for i in range(n):
        left = leaf_of[left_row, i]
        right = leaf_of[d, i]
        leaf_of[d, i] = left if rank[f, i] < t else right


def leaves_of(
    leaf_of: np.ndarray,
    found: np.ndarray,
    plane: np.ndarray,
    step: np.ndarray,
    size: int,
    rank: np.ndarray,
    n: int,
) -> int:
    """The leaf of each row in a tree that was cut down: -1 - its row of `leaf_of`, or its only leaf, 0.

    Parameters
    ----------
    leaf_of : uint8 or uint16, shape (depth + 2, LANES)
        Room for numbers of leaves, which are counted from the last one.
    found : int64, shape (depth + 3,)
        Room for what nodes come to.
    plane, step : int16 and uint8, shape (size,) or longer
        Of each node, parents before their left child and that before the right one: the row of `rank` that
        is compared, -1 at leaves, and what it must be under to go left.
    rank : uint8, shape (planes, LANES)
    """
    kind = leaf_of.dtype.type
    leaves, used, top = 0, 0, 0
    for place in range(size - 1, -1, -1):
        f = plane[place]
        if f < 0:
            found[top] = leaves
            leaves += 1
            top += 1
            continue
        t = step[place]
        left, other = found[top - 1], found[top - 2]
        top -= 1
        if left >= 0 and other >= 0:
            d = used
            used += 1
            two_leaves(leaf_of, d, kind(left), kind(other), rank, f, t, n)
        elif left >= 0:
            d = -1 - other
            leaf_on_the_left(leaf_of, d, kind(left), rank, f, t, n)
        elif other >= 0:
            d = -1 - left
            leaf_on_the_right(leaf_of, d, kind(other), rank, f, t, n)
        else:
            # The left one was made last.
            d = -1 - other
            used -= 1
            no_leaf(leaf_of, -1 - left, d, rank, f, t, n)
        found[top - 1] = -1 - d
    return int(found[0])


def add_leaves(total: np.ndarray, values: np.ndarray, leaf_of: np.ndarray, d: int, n: int) -> None:
    """Add the value of each row's leaf to its total."""
    for i in range(n):
        total[i] += values[leaf_of[d, i]]


def bytes_of(rank: np.ndarray, first: int, out: np.ndarray, g: int, n: int) -> None:
    """Row `g` of `out`: how far ranks, int32, lie over `first`, from 0 to `STEPS`."""
    for i in range(n):
        out[g, i] = min(max(rank[i] - np.int32(first), np.int32(0)), np.int32(STEPS))


def least_and_most(values: np.ndarray, g: int, n: int) -> tuple[int, int]:
    """Of row `g`."""
    least = values[g, 0]
    most = least
    for i in range(n):
        least, most = min(least, values[g, i]), max(most, values[g, i])
    return least, most


def thresholds_under(value: Any, thresholds: np.ndarray, a: int, b: int) -> int:
    """The first of the places `a` to `b` whose threshold is not under a value, or `b`."""
    while a < b:
        middle = (a + b) // 2
        if thresholds[middle] < value:
            a = middle + 1
        else:
            b = middle
    return a


def parts_of(asked: np.ndarray, count: int, under: np.ndarray) -> tuple[Any, Any, int]:
    """Count thresholds in equal parts of their range, for `rank_of`.

    Parameters
    ----------
    asked : float32, shape (count, ...)
        Distinct and ascending.
    under : int32, shape (PARTS + 1,)
        Takes how many thresholds lie in parts before each.

    Returns
    -------
    first, scale : float
        Begin of the first part, and how many there are a unit.
    most : int
        Thresholds in one part.
    """
    first, last = np.float64(asked[0]), np.float64(asked[count - 1])
    scale = (PARTS - 1) / (last - first) if last > first else 0.0
    for part in range(PARTS + 1):
        under[part] = 0
    for i in range(count):
        under[int((np.float64(asked[i]) - first) * scale) + 1] += 1
    most = 0
    for part in range(PARTS):
        most = max(most, under[part + 1])
        under[part + 1] += under[part]
    return first, scale, most


def rank_of(
    x: np.ndarray,
    f: int,
    n: int,
    asked: np.ndarray,
    under: np.ndarray,
    first: Any,
    scale: Any,
    most: int,
    column: np.ndarray,
    rank: np.ndarray,
) -> None:
    """How many of the thresholds that `parts_of` has counted lie under each value of column `f`.

    Parameters
    ----------
    asked : float32
        The thresholds, and a number that is over all values.
    column : float32, shape (n,) or longer
        Room.
    rank : int32, shape (n,) or longer
        Takes what is found.
    """
    for i in range(n):
        column[i] = x[i, f]
    for i in range(n):
        rank[i] = np.int32(min(max((np.float64(column[i]) - first) * scale, 0.0), np.float64(PARTS - 1)))
    if most <= MOST_LOOKS:
        for i in range(n):
            rank[i] = under[np.uint32(rank[i])]
        for _ in range(most):
            for i in range(n):
                rank[i] += np.int32(asked[np.uint32(rank[i])] < column[i])
        return
    for i in range(n):
        part = rank[i]
        rank[i] = thresholds_under(column[i], asked, under[part], under[part + 1])


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
    covariates, trees, nodes = x.shape[1], roots.size - 1, roots[-1]
    # Thresholds between these are neither under all values nor over all: x <= t is left to be asked.
    low, high = np.zeros(covariates, np.int64), np.zeros(covariates, np.int64)
    least, most = np.zeros(covariates, np.float32), np.zeros(covariates, np.float32)
    # Trees that were cut down, in the order of `roots`; the places of thresholds among those that are left.
    first, cut_key = np.empty(trees + 1, np.int64), np.empty(nodes, np.int32)
    cut_plane, cut_right = np.empty(nodes, np.int16), np.empty(nodes, np.int32)
    cut_step, cut_number = np.empty(nodes, np.uint8), np.empty(nodes, np.float64)
    place_of = np.zeros(thresholds.size, np.int32)
    asked, asked_from = np.empty(thresholds.size + covariates, np.float32), np.zeros(covariates + 1, np.int64)
    under_part, looks = np.empty((covariates, PARTS + 1), np.int32), np.empty(covariates, np.int64)
    origin, scale = np.empty(covariates), np.empty(covariates)
    column, rank = np.empty(LANES, np.float32), np.empty(LANES, np.int32)
    first_plane = np.empty(covariates + 1, np.int64)
    most_planes = covariates + thresholds.size // STEPS + 1
    compared = np.empty((most_planes, LANES), np.uint8)
    under, over = np.empty(most_planes, np.int64), np.empty(most_planes, np.int64)
    # Right children that wait, and the nodes that they are of.
    waiting, parent = np.empty(depth + 2, np.int64), np.empty(depth + 2, np.int64)
    found = np.empty(depth + 3, np.int64)
    few, many = np.empty((depth + 2, LANES), np.uint8), np.empty((depth + 2, LANES), np.uint16)
    for begin in range(0, x.shape[0], ROWS):
        rows = min(ROWS, x.shape[0] - begin)
        for f in range(covariates):
            least[f] = most[f] = x[begin, f]
        for i in range(begin, begin + rows):
            for f in range(covariates):
                value = x[i, f]
                least[f], most[f] = min(least[f], value), max(most[f], value)
        for f in range(covariates):
            low[f] = thresholds_under(least[f], thresholds, starts[f], starts[f + 1])
            high[f] = thresholds_under(most[f], thresholds, starts[f], starts[f + 1])
        place_of[:] = 0
        size, largest = 0, 0
        for tree in range(trees):
            first[tree] = size
            node, top = int(roots[tree]), 0
            while True:
                f = feature[node]
                while f >= 0:
                    if key[node] < low[f]:
                        node = int(right[node])
                    elif key[node] >= high[f]:
                        node += 1
                    else:
                        break
                    f = feature[node]
                cut_plane[size] = f
                cut_key[size] = key[node]
                size += 1
                if f >= 0:
                    place_of[key[node]] = 1
                    waiting[top], parent[top] = right[node], size - 1
                    top += 1
                    node += 1
                elif top > 0:
                    cut_number[size - 1] = number[node]
                    top -= 1
                    node = waiting[top]
                    cut_right[parent[top]] = size
                else:
                    cut_number[size - 1] = number[node]
                    break
            largest = max(largest, size - first[tree])
        first[trees] = size
        planes, own = 0, 0
        for f in range(covariates):
            first_plane[f], asked_from[f] = planes, own
            left = 0
            for place in range(low[f], high[f]):
                if place_of[place]:
                    asked[own + left] = thresholds[place]
                    left += 1
                    place_of[place] = left
            if left:
                planes += (left + STEPS - 1) // STEPS
                # The rank of a value is how many thresholds lie under it.
                origin[f], scale[f], looks[f] = parts_of(asked[own : own + left], left, under_part[f])
                asked[own + left] = np.inf
                own += left + 1
        first_plane[covariates] = planes
        for node in range(size):
            f = cut_plane[node]
            if f >= 0:
                # x <= t where its rank is under the place of t.
                place = place_of[cut_key[node]] - 1
                cut_plane[node] = first_plane[f] + place // STEPS
                cut_step[node] = place % STEPS + 1
        plane, step = np.empty(largest, np.int16), np.empty(largest, np.uint8)
        number_of, values = np.empty(largest, np.float64), np.empty(largest, np.float64)
        for start in range(0, rows, LANES):
            n = min(LANES, rows - start)
            total = out[begin + start : begin + start + n]
            for i in range(n):
                total[i] = 0.0
            for f in range(covariates):
                if first_plane[f] == first_plane[f + 1]:
                    continue
                some, of_it = x[begin + start : begin + start + n], asked[asked_from[f] :]
                rank_of(some, f, n, of_it, under_part[f], origin[f], scale[f], looks[f], column, rank)
                for g in range(first_plane[f], first_plane[f + 1]):
                    bytes_of(rank, STEPS * (g - first_plane[f]), compared, g, n)
                    under[g], over[g] = least_and_most(compared, g, n)
            for tree in range(trees):
                # The nodes that are left, each before its left child and that before the right one.
                node, size, top = first[tree], 0, 0
                leaves = 0
                while True:
                    g = cut_plane[node]
                    while g >= 0:
                        t = cut_step[node]
                        if t <= under[g]:
                            node = int(cut_right[node])
                        elif t > over[g]:
                            node += 1
                        else:
                            break
                        g = cut_plane[node]
                    plane[size] = g
                    if g >= 0:
                        step[size] = cut_step[node]
                        waiting[top] = cut_right[node]
                        top += 1
                        node += 1
                        size += 1
                    else:
                        number_of[leaves] = cut_number[node]
                        leaves += 1
                        size += 1
                        if top == 0:
                            break
                        top -= 1
                        node = waiting[top]
                if leaves == 1:
                    for i in range(n):
                        total[i] += number_of[0]
                    continue
                for leaf in range(leaves):
                    values[leaves - 1 - leaf] = number_of[leaf]
                if leaves <= LEAVES:
                    d = -1 - leaves_of(few, found, plane, step, size, compared, n)
                    add_leaves(total, values, few, d, n)
                else:
                    d = -1 - leaves_of(many, found, plane, step, size, compared, n)
                    add_leaves(total, values, many, d, n)
            for i in range(n):
                total[i] /= trees


def nodes_left(
    low: np.ndarray,
    high: np.ndarray,
    root: int,
    feature: np.ndarray,
    key: np.ndarray,
    right: np.ndarray,
    waiting: np.ndarray,
) -> int:
    """How many nodes of a tree are left by rows between whose values thresholds `low` to `high` lie."""
    node, left, top = root, 0, 0
    while True:
        f = feature[node]
        if f < 0:
            if top == 0:
                return left
            top -= 1
            node = waiting[top]
        elif key[node] < low[f]:
            node = int(right[node])
        elif key[node] >= high[f]:
            node += 1
        else:
            left += 1
            waiting[top] = right[node]
            top += 1
            node += 1


def best_cut(
    x: np.ndarray,
    medians: np.ndarray,
    varies: np.ndarray,
    roots: np.ndarray,
    depth: int,
    feature: np.ndarray,
    key: np.ndarray,
    right: np.ndarray,
    thresholds: np.ndarray,
    starts: np.ndarray,
) -> int:
    """The covariate at whose median rows are best halved, so that both halves leave few nodes of some trees.

    Parameters
    ----------
    x : float32, shape (n, p)
        Some of the rows.
    medians : float32, shape (p,)
        Theirs.
    varies : bool, shape (covariates of the forest,)
        Those by which rows may be halved, among the first p; the others may have any value.
    roots, depth, feature, key, right, thresholds, starts
        As of `mean_of_trees`.
    """
    n, covariates, trees = x.shape[0], starts.size - 1, roots.size - 1
    low, high = starts[:-1].copy(), starts[1:].copy()
    waiting = np.empty(depth + 2, np.int64)
    best, fewest = 0, -1
    for f in range(covariates):
        if not varies[f]:
            continue
        left = 0
        for half in range(2):
            for g in range(covariates):
                if not varies[g]:
                    continue
                least, most = np.float32(np.inf), np.float32(-np.inf)
                for i in range(n):
                    if (x[i, f] < medians[f]) == (half == 0):
                        least, most = min(least, x[i, g]), max(most, x[i, g])
                low[g] = thresholds_under(least, thresholds, starts[g], starts[g + 1])
                high[g] = thresholds_under(most, thresholds, starts[g], starts[g + 1])
            for tree in range(0, trees, max(trees // ASKED, 1)):
                left += nodes_left(low, high, roots[tree], feature, key, right, waiting)
            if 0 <= fewest <= left:
                break
        if fewest < 0 or left < fewest:
            best, fewest = f, left
    return best
