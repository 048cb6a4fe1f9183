"""The bars of the area-to-point model: how maps compare with bilinear interpolation where the truth is known.

    sh tools/offscreen.sh python3 tools/skill_bars.py --seeds 1000 1001 --dates 12 --footprints 0 33
    sh tools/offscreen.sh python3 tools/skill_bars.py --cells 12 --pixel 100 --dates 1

The truth is made on covariates of its own for each seed (`steps/skill`). With --journal FILE a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from numbers_skill import summary
from smap_downscaler.base.progress import Progress
from smap_downscaler.runs.journal import Journal
from smap_downscaler.steps.skill.contenders import BILINEAR, CONTENDERS
from smap_downscaler.steps.skill.known_truth import KnownTruth, run_known_truth
from smap_downscaler.steps.skill.numbers.scores import CaseScore, cases_of
from smap_downscaler.steps.skill.numbers.truths import FLIP, MILD, STRONG, TRUTHS
from smap_downscaler.steps.skill.scene import MadeUp


class Told(Progress):
    """Prints what is going on."""

    def __init__(self) -> None:
        self._last = ""

    def set_text(self, text: str) -> None:
        if " cases, " in text and text != self._last:
            self._last = text
            print(f"  {text}", file=sys.stderr, flush=True)


def options() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", type=int, default=36, help="SMAP cells a side")
    parser.add_argument("--pixel", type=float, default=1000.0, help="side of a pixel, m")
    parser.add_argument("--nested", action="store_true", help="pixels that divide the cells, not in UTM")
    parser.add_argument("--no-lakes", action="store_true")
    parser.add_argument("--no-swaths", action="store_true", help="SMAP sees all cells on all dates")
    parser.add_argument("--dated-rain", action="store_true", help="rain is a dated covariate")
    parser.add_argument("--truths", nargs="+", default=[MILD, FLIP, STRONG], choices=TRUTHS)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.2, 0.4, 0.6])
    parser.add_argument("--footprints", nargs="+", type=float, default=[0.0, 33.0], help="km")
    parser.add_argument("--dates", nargs="+", type=int, default=[12])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1000])
    parser.add_argument("--methods", nargs="+", default=[], help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--given", action="store_true", help="two levels are told footprint and noise")
    parser.add_argument("--mapped", type=int, default=3, help="dates of each case that are mapped")
    parser.add_argument("--each", action="store_true", help="a line a case too")
    parser.add_argument("--journal", help="file that keeps what was done")
    return parser


def main(arguments: Sequence[str]) -> int:
    args = options().parse_args(arguments)
    settings = KnownTruth(
        tuple(args.truths),
        tuple(args.shares),
        tuple(args.footprints),
        tuple(args.dates),
        tuple(args.seeds),
        tuple(args.methods),
        swaths=not args.no_swaths,
        estimated=not args.given,
        mapped=args.mapped,
    )
    made_up = MadeUp(args.cells, args.pixel, args.nested, not args.no_lakes, args.dated_rain)
    journal = Journal(args.journal) if args.journal else None
    maps = run_known_truth(made_up, settings, Told(), journal, repr(made_up))
    cases = cases_of(maps, BILINEAR)
    if args.each:
        for one in cases:
            print(f"{one.case}, {one.method}: {_numbers(one)}")
    print("\n".join(summary(maps)))
    return 0


def _numbers(one: CaseScore) -> str:
    names = ("rmse", "ratio", "r_within", "coverage", "snr", "detail", "seconds")
    return ", ".join(f"{name} {one.scores[name]:.3f}" for name in names if np.isfinite(one.scores[name]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
