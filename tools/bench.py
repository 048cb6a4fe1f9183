"""Runs the benchmarks: all of them, or those named, each in a process of its own.

python tools/bench.py [--size small] [matrix ...]

Small ones take seconds and tell no times that mean anything: they show that a benchmark runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
#: What each benchmark is given to be small.
SMALL: dict[str, tuple[str, ...]] = {
    "archive": ("--dates", "6", "--pixels", "20000", "--cells", "9"),
    "areamodel": ("10", "6", "4", "1", "5"),
    "cancel": ("20", "60", "3", "3", "2"),
    "crossvalidate": ("1", "200", "3", "1"),
    "dask": ("--pixels", "4000", "--dates", "2", "--trees", "2", "--rounds", "1"),
    "forest": ("6", "20", "4", "2", "1", "4"),
    "gaps": ("3", "150", "3", "1"),
    "intelex": ("--rows", "100", "--covariates", "8"),
    "matrix": ("10",),
    "quantile": ("60", "2", "100"),
    "rain": ("10", "40"),
    "statistics": ("20", "2"),
    "terrain": ("sizes", "0.01"),
}


def benchmarks() -> dict[str, Path]:
    """Name and file of each: tools/bench_NAME.py."""
    return {file.stem.removeprefix("bench_"): file for file in sorted(TOOLS.glob("bench_*.py"))}


def main(words: Sequence[str] | None = None) -> int:
    known = benchmarks()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("full", "small"), default="full")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    chosen = parser.parse_args(words)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; choose from {', '.join(known)}")
    failed = []
    for name in chosen.names or known:
        print(f"== {name}", flush=True)
        more = SMALL[name] if chosen.size == "small" else ()
        if subprocess.run([sys.executable, str(known[name]), *more], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"ended with an error: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
