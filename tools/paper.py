"""The paper, figure by figure: all its steps, and each figure and table under its number on one page.

make paper                          on the made-up basin: trained on the basin, mapped over one watershed
make paper PAPER="--data FOLDER"    on files of your own: smap/, dem.tif, soil/*.tif and precipitation/ in it,
                                    and where there are: aoi.gpkg (the basin), watershed.gpkg (what is
                                    mapped), mask.tif, stations.csv (station, x and y, in the CRS of dem.tif),
                                    model/, truth/

What a report calls "the paper's Fig. 4" is found by that heading, so nothing is named twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from console import run
from paper_index import write_index
from paper_steps import Chain, write_stations, write_watershed
from qgis_session import ROOT, qgis_session


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder of your own files; else a made-up basin")
    parser.add_argument("--output", type=Path, help="else demo-output/paper, or paper-NAME for a folder NAME")
    parser.add_argument("--cells", type=int, default=300, help="least SMAP cells of the made-up basin")
    parser.add_argument("--repeats", type=int, default=3, help="of the cross-validation")
    parser.add_argument("--trees", type=int, help="in place of the paper's 100")
    chosen = parser.parse_args()
    begun, data = time.monotonic(), chosen.data and chosen.data.resolve()
    # Each basin has a folder of its own: what is left of another one would be taken for a part of it.
    output = (chosen.output or ROOT / "demo-output" / (f"paper-{data.name}" if data else "paper")).resolve()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, qgis_session(Path(profile)):
        if data is None:
            data = output / "data"
            demo = {"CELLS": chosen.cells, "OUTPUT": str(data)}
            run("1. A year of a made-up basin", "createdemodata", demo)
            write_watershed(data, output / "watershed.gpkg")
        if (data / "stations.csv").exists():
            write_stations(data, output / "stations.gpkg")
        chain = Chain(data, output, chosen.repeats, chosen.trees)
        for count, step in enumerate(chain.steps(), start=2):
            run(f"{count}. {step.title}", step.algorithm, step.parameters)
        index, numbers = write_index(output, "The paper, figure by figure")
    print(f"\n{count} steps in {time.monotonic() - begun:.0f} s: {', '.join(numbers)}")
    print(f"Index: {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
