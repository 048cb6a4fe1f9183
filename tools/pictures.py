#!/usr/bin/env python3
"""The pictures of README.md and help, made anew in help/pictures: maps of the demo basin, QGIS's window.

make pictures                    all of them
make pictures PICTURES=dialogs   those of the dialogs alone, in a minute
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tree import TOP
from window_screen import WindowError, make_data, run_qgis

PICTURES = TOP / "help" / "pictures"
#: The comparison of maps with the truth; the others come from the window.
SHEET, DIALOGS = "demo.png", "dialog_*.png"
NAMES = (SHEET, "toolbox.png", "temporal_map.png", DIALOGS)
STEPS = ("toolbox", "tool_dialogs", "series", "temporal")
#: They are part of the package.
MOST_BYTES = 2_000_000
#: Of maps, and of dialogs, which have letters and lines.
_COLOURS, _FEW_COLOURS = 255, 48


def shrink(source: Path, target: Path) -> None:
    """Write a picture with a palette in place of full colours."""
    from PIL import Image

    picture = Image.open(source).convert("RGB")
    # Maximum coverage keeps the rare colours of the colour bar, which the median cut loses;
    # k-means then takes the tint from the greys.
    method, dither = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    colours = _FEW_COLOURS if source.match(DIALOGS) else _COLOURS
    palette = picture.quantize(colours, method=method, kmeans=3, dither=dither)
    target.parent.mkdir(parents=True, exist_ok=True)
    palette.save(target, optimize=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=PICTURES, help="folder of the pictures")
    parser.add_argument("--cells", type=int, default=300, help="least SMAP cells of the basin")
    parser.add_argument("--days", type=int, default=10, help="days of the basin")
    parser.add_argument("--data", type=Path, help="folder with the basin of an earlier run of window_data.py")
    parser.add_argument("which", nargs="?", choices=("all", "dialogs"), default="all")
    arguments = parser.parse_args()
    names, steps = ((DIALOGS,), ("tool_dialogs",)) if arguments.which == "dialogs" else (NAMES, STEPS)
    with tempfile.TemporaryDirectory(prefix="smap-pictures-") as name:
        raw = Path(name) / "pictures"
        raw.mkdir()
        data = (arguments.data or Path(name) / "basin").resolve()
        if arguments.which == "all":
            make_data(data, arguments.cells, arguments.days, raw / SHEET)
        try:
            result = run_qgis({"steps": steps, "data": str(data), "output": str(raw)}, 900)
        except WindowError as error:
            print(f"pictures: {error}", file=sys.stderr)
            return 1
        failed = [f"{step['name']}: {step['error']}" for step in result["steps"] if step["error"]]
        if failed:
            print("pictures: " + "\n".join(failed), file=sys.stderr)
            return 1
        for pattern in names:
            for old in arguments.output.glob(pattern):
                old.unlink()
            for picture in sorted(raw.glob(pattern)):
                shrink(picture, arguments.output / picture.name)
    return report(arguments.output)


def report(folder: Path) -> int:
    """Print the sizes; 1 if they are too much for the package."""
    sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.png"))}
    for name, size in sizes.items():
        print(f"{folder / name}: {size / 1024:.0f} KiB")
    if sum(sizes.values()) > MOST_BYTES:
        print(f"pictures: {sum(sizes.values())} bytes, more than {MOST_BYTES}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
