"""Arrays as .npy files in memory, and back; nothing is ever unpickled."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping

import numpy as np

from .base import ModelFileError

#: Member -> its dtype and number of dimensions.
Kinds = Mapping[str, "tuple[str, int]"]
_HEADER_ERRORS = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    EOFError,
    RecursionError,
    MemoryError,
)


def to_npy(array: np.ndarray, dtype: str) -> bytes:
    """The bytes of an array, as an .npy file of that dtype."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array.astype(dtype), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes, name: str, dtype: str, dimensions: int) -> np.ndarray:
    """The array of an .npy file, if it has that dtype and as many dimensions; never unpickles.

    Raises
    ------
    ModelFileError
        If it is another one, or none.
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ModelFileError(f"The member {name} is not an array of the expected kind.")
        shape, fortran, found = np.lib.format.read_array_header_1_0(stream)
    except ModelFileError:
        raise
    except _HEADER_ERRORS as error:
        raise ModelFileError(f"The member {name} is not an array of the expected kind.") from error
    body = len(data) - stream.tell()
    if found != np.dtype(dtype) or len(shape) != dimensions or fortran or min(shape) < 0:
        raise ModelFileError(f"The member {name} is not an array of the expected kind.")
    count = 1
    for length in shape:
        count *= int(length)
    if count * found.itemsize != body:
        raise ModelFileError(f"The member {name} is not as long as it says.")
    return np.frombuffer(data, dtype=dtype, offset=len(data) - body).reshape(shape)


def to_members(arrays: Mapping[str, np.ndarray], kinds: Kinds) -> dict[str, bytes]:
    """Arrays by member name as .npy files of their kinds."""
    return {name: to_npy(arrays[name], dtype) for name, (dtype, _) in kinds.items()}


def from_members(members: Mapping[str, bytes], kinds: Kinds, what: str) -> dict[str, np.ndarray] | None:
    """The arrays of those kinds; None where a file has none of them.

    Raises
    ------
    ModelFileError
        If it has some of them only, or one is of another kind; `what` is what they are for.
    """
    if not any(name in members for name in kinds):
        return None
    if not all(name in members for name in kinds):
        raise ModelFileError(f"A part of {what} is missing.")
    return {name: from_npy(members[name], name, *kind) for name, kind in kinds.items()}
