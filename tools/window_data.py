"""The demo basin up to the regression matrix, made without a window."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from qgis_session import qgis_session

SEED = 42


def make_data(output: Path, cells: int, days: int) -> None:
    """Write what the window's steps start from: data/, smap/, p_antecedent/, covariates, matrix, forests ...

    It is the chain of `make demo`; the steps in the window make parts of it again.
    """
    from console import run
    from demo_basin import run_chain

    data = output / "data"
    parameters = {"SEED": SEED, "DAYS": days, "CELLS": cells, "OUTPUT": str(data)}
    run("A made-up basin", "createdemodata", parameters)
    run_chain(data, output)


def draw_sheet(output: Path, path: Path) -> None:
    """SMAP, interpolation, map and truth side by side, for the date with the most cells."""
    from demo_basin import compare, draw, paths_of

    data, paths = output / "data", paths_of(output)
    draw(path, data, paths, compare(data, paths, output))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--sheet", type=Path, help="also draw maps and truth side by side, to this file")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, qgis_session(Path(profile)):
        if not (arguments.output / "maps").is_dir():
            make_data(arguments.output, arguments.cells, arguments.days)
        if arguments.sheet:
            draw_sheet(arguments.output, arguments.sheet)


if __name__ == "__main__":
    main()
