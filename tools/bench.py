"""Runs the benchmarks: all of them, or those named.

python tools/bench.py [matrix ...]
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent


def benchmarks() -> dict[str, Path]:
    """Name and file of each: tools/bench_NAME.py."""
    return {file.stem.removeprefix("bench_"): file for file in sorted(TOOLS.glob("bench_*.py"))}


def main(wanted: list[str]) -> None:
    known = benchmarks()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]}; choose from {', '.join(known)}.")
    sys.path.insert(0, str(TOOLS.parent))
    for name in wanted or known:
        print(f"== {name}", flush=True)
        sys.argv = [str(known[name])]
        runpy.run_path(str(known[name]), run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
