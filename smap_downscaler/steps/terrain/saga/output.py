"""What SAGA prints while it runs a tool: version, progress, and what went wrong."""

from __future__ import annotations

import re
from collections import deque

#: Lines kept for the case of a failure.
_KEPT = 200
#: A message longer than this loses its end.
_LONGEST = 300
_PERCENT = re.compile(r"(\d{1,3})\s*%")
_VERSION = re.compile(r"SAGA Version:\s*(\d+(?:\.\d+)*)")
_TIME_STAMP = re.compile(r"^\d{1,2}:\d{2}:\d{2}:\s*")
#: Complaints that tell nothing: a provider names ACCU_TARGET without need; numbers need no locale; a script
#: ends with the line that failed.
_HARMLESS = re.compile(
    r"does not know some of the provided arguments|Cannot set locale|invalid command( \[|:)", re.IGNORECASE
)


class SagaTalk:
    """Listens to what SAGA prints for one tool, in pieces as they come."""

    def __init__(self) -> None:
        self._rest = ""
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._working = False
        #: SAGA's version as it says itself; empty until then.
        self.version = ""
        #: Share of the tool's own work that is done, 0...1; loading and saving of grids do not count.
        self.fraction = 0.0

    def feed(self, text: str) -> None:
        """Take a piece of output; lines end in a line feed or, for progress, a carriage return."""
        *lines, self._rest = re.split(r"[\r\n]", self._rest + text)
        for line in lines:
            self.line(line)

    def end(self) -> None:
        """Take what came last, without a line feed."""
        rest, self._rest = self._rest, ""
        self.line(rest)

    def line(self, line: str) -> None:
        """Take one whole line."""
        line = line.strip()
        percent = _PERCENT.fullmatch(line)
        if percent:
            self.percent(float(percent.group(1)))
            return
        version = _VERSION.search(line)
        if version:
            self.version = version.group(1)
        if "Execution started" in line:
            self._working = True
        elif "Execution succeeded" in line or "Execution failed" in line:
            self._working = False
        if line:
            self._lines.append(line)

    def percent(self, value: float) -> None:
        """Take SAGA's own progress, 0...100."""
        if self._working:
            self.fraction = max(self.fraction, min(value / 100.0, 1.0))

    def message(self) -> str:
        """What SAGA says of its failure, on one line: its errors, else its last words; empty if none."""
        lines = [_TIME_STAMP.sub("", part) for line in self._lines for part in _parts(line)]
        lines = [line for line in lines if _is_meaningful(line)]
        errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
        chosen = list(dict.fromkeys(errors))[:3] or lines[-3:]
        text = "; ".join(" ".join(line.split()).strip("; .") for line in chosen)
        return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " ..."


def _parts(line: str) -> list[str]:
    """The messages of a line: SAGA 9 puts several into one, each after [Error]."""
    first, *others = line.split("[Error]")
    return [first, *(f"Error:{other}" for other in others)]


def _is_meaningful(line: str) -> bool:
    """Whether a line is neither an ornament of SAGA's banner nor a complaint that means no harm."""
    return re.search(r"[A-Za-z]", line) is not None and not _HARMLESS.search(line)


def version_number(text: str) -> tuple[int, ...]:
    """A version as numbers, so that 9.14 comes after 9.2; empty where there is none in the text."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found.group(0).split(".")) if found else ()
