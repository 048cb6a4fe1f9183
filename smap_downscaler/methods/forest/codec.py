"""A forest as the bytes of a few .npy files, and back.

Children are kept as their distance from their parent, and the bytes of the numbers are shuffled
(all first bytes, then all second ones...): both halve what deflate makes of them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

from ..base import ModelFileError
from ..npy import from_npy, to_members
from .arrays import LEAF, ForestArrays

#: Rows of training covariates kept with a forest, at most, so that a loaded one can be tried.
PROBE_ROWS = 16
#: Member -> its dtype and number of dimensions.
MEMBERS: dict[str, tuple[str, int]] = {
    "sizes.npy": ("<i4", 1),  # nodes of each tree
    "left.npy": ("<i4", 1),  # left child minus own position, 0 at leaves
    "right.npy": ("<i4", 1),  # right child minus own position, 0 at leaves
    "feature.npy": ("<i2", 1),  # -1 at leaves
    "number.npy": ("|u1", 2),  # (8, nodes): thresholds of inner nodes, then means of leaves
    "probe_x.npy": ("<f4", 2),
    "probe_y.npy": ("<f8", 1),
}
#: How long the members in a packed forest are: one number each, before them.
_LENGTHS = struct.Struct(f"<{len(MEMBERS)}Q")


def encode(arrays: ForestArrays, probe_x: np.ndarray, probe_y: np.ndarray) -> dict[str, bytes]:
    """Bytes by member name; `probe_x` has shape (k, p), `probe_y` (k,).  Equal input gives equal bytes."""
    sizes = np.diff(arrays.offsets)
    own = _positions(sizes)
    leaf = arrays.left == LEAF
    number = np.concatenate([arrays.number[~leaf], arrays.number[leaf]]).astype("<f8")
    members = {
        "sizes.npy": sizes,
        "left.npy": np.where(leaf, 0, arrays.left - own),
        "right.npy": np.where(leaf, 0, arrays.right - own),
        "feature.npy": arrays.feature,
        "number.npy": np.ascontiguousarray(number.view(np.uint8).reshape(-1, 8).T),
        "probe_x.npy": probe_x,
        "probe_y.npy": probe_y,
    }
    return to_members(members, MEMBERS)


def decode(members: Mapping[str, bytes]) -> tuple[ForestArrays, np.ndarray, np.ndarray]:
    """Arrays (not checked yet), probe covariates, shape (k, p), and probe predictions, shape (k,).

    Raises
    ------
    ModelFileError
        A member is not the array that it should be.
    """
    raw = {name: from_npy(members[name], name, *kind) for name, kind in MEMBERS.items()}
    sizes = raw["sizes.npy"].astype(np.int64)
    nodes = raw["left.npy"].size
    if sizes.size == 0 or np.any(sizes < 1) or int(sizes.sum()) != nodes:
        raise ModelFileError("The forest is damaged: its trees do not follow each other.")
    if raw["right.npy"].size != nodes or raw["feature.npy"].size != nodes:
        raise ModelFileError("The trees are damaged: their arrays differ in length.")
    if raw["number.npy"].shape != (8, nodes):
        raise ModelFileError("The trees are damaged: their arrays differ in length.")
    left, right = _children(raw["left.npy"], sizes), _children(raw["right.npy"], sizes)
    shuffled = np.ascontiguousarray(raw["number.npy"].T).view("<f8").reshape(-1)
    leaf = left == LEAF
    number = np.empty(nodes, dtype=np.float64)
    inner = nodes - int(np.count_nonzero(leaf))
    number[~leaf], number[leaf] = shuffled[:inner], shuffled[inner:]
    arrays = ForestArrays(
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
        left=left,
        right=right,
        feature=raw["feature.npy"].astype(np.int16),
        number=number,
    )
    probe_x = raw["probe_x.npy"].astype(np.float32)
    probe_y = raw["probe_y.npy"].astype(np.float64)
    if not 1 <= probe_y.size <= PROBE_ROWS or probe_x.shape[0] != probe_y.size:
        raise ModelFileError("The forest is damaged: its stored predictions are missing or too many.")
    if not (np.all(np.isfinite(probe_x)) and np.all(np.isfinite(probe_y))):
        raise ModelFileError("The forest is damaged: its stored predictions are not finite.")
    return arrays, probe_x, probe_y


def pack(members: Mapping[str, bytes]) -> bytes:
    """All members in one piece, so that thousands of small forests make a small zip directory."""
    parts = [members[name] for name in MEMBERS]
    return b"".join([_LENGTHS.pack(*map(len, parts)), *parts])


def unpack(data: bytes) -> dict[str, bytes]:
    """What `pack` has put together.

    Raises
    ------
    ModelFileError
        The piece is not as long as it says.
    """
    if len(data) < _LENGTHS.size:
        raise ModelFileError("The forest is not as long as it says.")
    lengths = _LENGTHS.unpack_from(data)
    if _LENGTHS.size + sum(lengths) != len(data):
        raise ModelFileError("The forest is not as long as it says.")
    members, start = {}, _LENGTHS.size
    for name, length in zip(MEMBERS, lengths):
        members[name] = data[start : start + length]
        start += length
    return members


def _positions(sizes: np.ndarray) -> np.ndarray:
    """Position of each node in its own tree, int64."""
    first = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum()), dtype=np.int64) - np.repeat(first, sizes)


def _children(distance: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    child = np.where(distance != 0, _positions(sizes) + distance, LEAF)
    if np.any(distance < 0) or np.any(child > np.iinfo(np.int32).max):
        raise ModelFileError("A tree is damaged: a child does not lie after its parent in the same tree.")
    return child.astype(np.int32)
