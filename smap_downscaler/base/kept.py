"""What is worked out once and used again, as much of it as there is room for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows how many bytes it takes."""

    @property
    def nbytes(self) -> int: ...


_Kind = TypeVar("_Kind", bound=Sized)


class Kept(Generic[_Kind]):
    """Keeps what was made under a key while there is room; the rest is made anew. Threads may share it.

    A copy for another machine is empty.

    Parameters
    ----------
    room : int
        Bytes.
    """

    def __init__(self, room: int):
        self._size = self._room = room
        self._found: dict[Hashable, _Kind] = {}
        self._refused: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Kept[_Kind]], tuple[int]]:
        return Kept, (self._size,)

    def of(self, key: Hashable, make: Callable[[], _Kind]) -> _Kind:
        """What `make` gives, now or before."""
        with self._lock:
            found = self._found.get(key)
        if found is not None:
            return found
        found = make()
        with self._lock:
            if key not in self._found and found.nbytes <= self._room:
                self._room -= found.nbytes
                self._found[key] = found
            elif key not in self._found:
                self._refused[key] = found.nbytes
        return found

    @property
    def lacking(self) -> int:
        """Bytes of room that there should be beside."""
        with self._lock:
            return sum(self._refused.values())
