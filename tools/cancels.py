"""Cancels each long step at random moments and while its report is drawn, and measures how long it goes on.

python tools/cancels.py [--cancels N] [--seed N] [--folder FOLDER] [STEP ...]

The steps are those of `kills.py`.  A cancel is late where it takes more than two seconds; what is left then
must be whole files under their final names, and no others.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from child_runs import CANCELLED, OK
from kills import STEPS, Kills, chosen_of

_LATE = 2.0
#: What the steps say before they draw their report.
DRAWING = "Drawing the report"


class Cancels:
    """Cancelled runs of steps, in the folders of `Kills`."""

    def __init__(self, kills: Kills, seed: int):
        self._kills, self._seed = kills, seed
        self.times: list[float] = []
        self.other = 0

    def cancel(self, step: str, count: int) -> None:
        """Cancel a step at `count` random moments, and once where its report is drawn."""
        self._kills.alone(step)
        moments, whole = random.Random(f"{self._seed} {step}"), 0.0
        with self._kills.new_child() as child:
            # What is loaded once is not what is measured.
            for _ in range(2):
                self._kills.out(step)
                whole = child.run(*self._kills.call(step), seconds=900).seconds
            turns = [{"cancel_after": moments.uniform(0.0, whole)} for _ in range(count)]
            if "REPORT" in STEPS[step][1]:
                turns.append({"cancel_at": DRAWING})
            for turn in turns:
                self._kills.out(step)
                ended = child.run(*self._kills.call(step), seconds=900, **turn)
                if ended.kind == CANCELLED:
                    self.times.append(ended.seconds)
                    self._kills.whole_so_far(step)
                    if ended.seconds > _LATE:
                        print(f"  late: {step}, {turn}: {ended.seconds:.1f} s", flush=True)
                elif ended.kind != OK or "cancel_at" in turn:
                    self.other += 1
                    print(f"  not cancelled: {step}, {turn}: {ended.kind} {ended.told}", flush=True)
        self._kills.restore(step)

    def summary(self, steps: int) -> str:
        """The counts in one line."""
        late = sum(time > _LATE for time in self.times)
        return (
            f"{len(self.times)} cancels of {steps} steps: {late} late, {self.other} not heard, "
            f"{self._kills.counts['partial files']} partial files; the longest took "
            f"{max(self.times, default=0.0):.2f} s"
        )


def main(words: Sequence[str] | None = None) -> int:
    chosen = chosen_of(words, "cancels", 20, __doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(prefix="cancels-") as temporary:
        kills = Kills(Path(chosen.folder or temporary).absolute(), chosen.seed)
        cancels = Cancels(kills, chosen.seed)
        for step in chosen.steps:
            before = len(cancels.times)
            cancels.cancel(step, chosen.count)
            longest = max(cancels.times[before:], default=0.0)
            print(f"{step}: {len(cancels.times) - before} cancels, the longest {longest:.2f} s", flush=True)
        kills.close()
    print(cancels.summary(len(chosen.steps)), flush=True)
    return 1 if cancels.other or kills.counts["partial files"] or max(cancels.times, default=0) > _LATE else 0


if __name__ == "__main__":
    sys.exit(main())
