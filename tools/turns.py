"""What benchmarks share: pieces of work in turns (A B A B), and ratios of the time that they took."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Took(NamedTuple):
    """Seconds of the clock, and of the processors with those of processes that were started."""

    wall: float = 0.0
    processor: float = 0.0

    def plus(self, other: Took) -> Took:
        """Both."""
        return Took(self.wall + other.wall, self.processor + other.processor)

    def minus(self, other: Took) -> Took:
        """Without what another took."""
        return Took(self.wall - other.wall, self.processor - other.processor)

    def by(self, count: float) -> Took:
        """Of one of so many."""
        return Took(self.wall / count, self.processor / count)

    def __str__(self) -> str:
        return f"{self.wall:8.2f} s wall {self.processor:8.2f} s processor"


#: Some work; it tells what it took where that is not all of its time.
Work = Callable[[], object]


def took(work: Work) -> Took:
    """What some work took."""
    wall, processor = time.perf_counter(), sum(os.times()[:4])
    told = work()
    if isinstance(told, Took):
        return told
    return Took(time.perf_counter() - wall, sum(os.times()[:4]) - processor)


def in_turns(ways: Mapping[str, Work], rounds: int) -> dict[str, Took]:
    """What each took in all rounds; one after the other in each, so that all have the same machine."""
    found = dict.fromkeys(ways, Took())
    for _ in range(rounds):
        for name, work in ways.items():
            own = took(work)
            print(f"  {name:28s}{own}", flush=True)
            found[name] = found[name].plus(own)
    return found


def ratio(name: str, ours: Took, theirs: Took) -> None:
    """Print ours over theirs, by the clock and by the processors."""
    for end, own, other in zip(("", "_processor"), ours, theirs):
        print(f"ratio {name}{end} {max(own, 0.0) / max(other, 1e-9):.3f}", flush=True)


def load() -> str:
    """That of the machine in the last minute."""
    return f"  load of the machine {Path('/proc/loadavg').read_text().split()[0]}"


def peak_mb() -> float:
    """Largest memory of this process so far, MB (`ru_maxrss` would count the parent's too)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
