"""The main job, from raw files to maps: on the made-up basin, or with --real on real files.

make demo           a made-up basin, and how well its maps tell the known truth
make demo-real      real SMAP, soil, rain and terrain in ../shared/data
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from demo_basin import run_basin
from demo_real import run_real
from qgis_session import ROOT, qgis_session


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", action="store_true", help="use the real files in ../shared/data")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", help="folder to write to")
    parser.add_argument("--cells", type=int, default=300, help="least SMAP cells of the made-up basin")
    parser.add_argument("--days", type=int, default=10, help="days of the made-up basin")
    parser.add_argument("--seed", type=int, default=42, help="seed of the made-up basin")
    arguments = parser.parse_args()
    begun = time.monotonic()
    output = arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, qgis_session(Path(profile)):
        if arguments.real:
            run_real(ROOT.parent / "shared" / "data", output / "real")
        else:
            run_basin(output, arguments.cells, arguments.days, arguments.seed)
    print(f"\nDone in {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
