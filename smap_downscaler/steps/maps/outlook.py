"""What the maps still to be made take of time and disk, worked out from those that are there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import Progress, duration_text
from ...base.words import Text, counted, text
from ...geo.room import bytes_text, free_bytes

#: Maps differ in size: from these shares of the free room on they are warned of, and refused.
_CLOSE, _TOO_MUCH = 0.8, 1.2


class Outlook:
    """Follows the maps of a run as they appear in a folder.

    The size of those that are there, of an earlier run too, is taken for that of the others; the time is that
    of those after the first one, which makes much that all share: of as many as are made at once.

    Parameters
    ----------
    folder : path
    left : int
        Maps that are to be made.
    kept : iterable of path
        Maps of the same kind that are there.
    unpacked : int
        Bytes of a map before it is packed.
    progress : Progress
    at_once : int
        Maps that are made at the same time.
    """

    def __init__(
        self,
        folder: str | Path,
        left: int,
        kept: Iterable[Path],
        unpacked: int,
        progress: Progress,
        at_once: int = 1,
    ):
        self._folder, self.left, self._progress = Path(folder), left, progress
        self._made, self._warned, self._begun, self._at_once = 0, False, 0.0, at_once
        sizes = [path.stat().st_size for path in kept]
        self._maps, self._bytes = len(sizes), sum(sizes)
        if left > 1:
            size = bytes_text(left * unpacked)
            said = text("{} to make, of {} before they are packed,", counted(left, "map"), size)
            progress.log(said + self._free())
        if self._maps:
            self._compare(True)

    def add(self, path: Path) -> None:
        """Count a map that was made.

        Raises
        ------
        InputError
            If it is the first one, and the others will find no room.
        """
        now, first = time.monotonic(), not self._maps
        self._made += 1
        if self._made == 1:
            self._begun = now
        self._maps += 1
        self._bytes += path.stat().st_size
        self.pass_over()
        self._compare(first)
        if self._made == 1 + self._at_once and self.left:
            self._progress.log(self._told((now - self._begun) / self._at_once))

    def pass_over(self) -> None:
        """Count a date that has no map after all."""
        self.left -= 1

    @property
    def _need(self) -> float:
        return self.left * self._bytes / self._maps

    def _told(self, seconds: float) -> Text:
        return (
            text(
                "{} to come: about {} at {:.2g} s each, and {}",
                counted(self.left, "more map"),
                duration_text(self.left * seconds),
                seconds,
                bytes_text(self._need),
            )
            + self._free()
        )

    def _free(self) -> Text:
        free = free_bytes(self._folder)
        if free is None:
            return text("")
        return text(" on the disk of {}, where {} are free", self._folder, bytes_text(free))

    def _compare(self, may_refuse: bool) -> None:
        """Warn where the maps to come may find no room; refuse them where they will find none."""
        free = free_bytes(self._folder)
        if free is None or self._need <= _CLOSE * free or self._warned:
            return
        said = text(
            "{}: {} about {}, and {} are free on its disk",
            self._folder,
            counted(self.left, "map to come needs", "maps to come need"),
            bytes_text(self._need),
            bytes_text(free),
        )
        if may_refuse and self._need > _TOO_MUCH * free:
            raise InputError(
                f"{said}; make room there, choose another OUTPUT, a smaller area, fewer dates, or DATA_TYPE "
                "'int16'. What is made stays, and the same run goes on from there."
            )
        self._warned = True
        self._progress.warn(text("{}; make room there while the maps are made", said))
