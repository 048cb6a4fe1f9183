"""Writes tools/NUMBERS.md: how good the forests are on real data, as `crossvalidate` and `fillgaps` tell it.

    make numbers                            all sections
    make numbers SECTIONS="conus_by_date"   these alone; the others stay as they are

With `skill_bars` it writes smap_downscaler/methods/measured.json too, what models say of such as they are.

It needs the files of ../shared/data.  A section is a function that takes the folder of the data and a
folder for files of its own, and returns lines of Markdown; each is in the file as soon as it is made.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from numbers_crossvalidation import (
    SEED,
    australia_by_cell,
    australia_by_date,
    conus_by_cell,
    conus_by_date,
    conus_pooled,
)
from numbers_fillgaps import filled_gaps
from numbers_held_out import intervals_held_out
from numbers_intervals import intervals
from numbers_shares import skill_shares
from numbers_skill import (
    measured,
    skill_bars,
    skill_beside,
    skill_demo_basin,
    skill_enhanced,
    skill_fine_pixels,
    skill_granule,
    skill_sumatra,
    skill_windows,
)
from smap_downscaler.methods.measured import FILE
from smap_downscaler.runs.provenance import versions

TOOLS = Path(__file__).resolve().parent
DATA = TOOLS.parents[1] / "shared" / "data"
OUTPUT = TOOLS / "NUMBERS.md"
HEAD = """\
# Numbers on real data

Written by `make numbers`. All are errors against SMAP itself, m3 m-3, on cells or days that the forests did
not see. A low error on SMAP's cells is not skill at 100 m.
"""
#: What `make numbers` writes, in order.
SECTIONS: dict[str, Callable[[Path, Path], list[str]]] = {
    section.__name__: section
    for section in (
        conus_by_date,
        conus_by_cell,
        conus_pooled,
        australia_by_date,
        australia_by_cell,
        filled_gaps,
        intervals,
        intervals_held_out,
        skill_bars,
        skill_beside,
        skill_shares,
        skill_fine_pixels,
        skill_windows,
        skill_sumatra,
        skill_demo_basin,
        skill_granule,
        skill_enhanced,
    )
}
#: Stands before a section in the file, and is not shown.
_MARK = "<!-- {} -->"


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"There is no section {', '.join(unknown)}; give some of {', '.join(SECTIONS)}.")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for name in names or SECTIONS:
            print(name, flush=True)
            begun = time.monotonic()
            lines = SECTIONS[name](DATA, Path(folder))
            print(f"{name}: {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)
            written = OUTPUT.read_text(encoding="utf-8") if OUTPUT.is_file() else ""
            text = "\n".join([*lines, "", made()])
            OUTPUT.write_text(page({**sections_of(written), name: text}), encoding="utf-8")
            if name == skill_bars.__name__:
                write_measured(text)
    print(f"{OUTPUT} is written")
    return 0


def write_measured(section: str) -> None:
    """Write what models tell of known truths."""
    FILE.write_text(json.dumps(measured(section), indent=1) + "\n", encoding="utf-8")


def made() -> str:
    """When and with what a section was made."""
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"Made on {dt.date.today():%Y-%m-%d}, seed {SEED}: {told}."


def sections_of(text: str) -> dict[str, str]:
    """The sections of the file by name."""
    parts = re.split(_MARK.format(r"(\w+)"), text)[1:]
    return {name: section.strip() for name, section in zip(parts[::2], parts[1::2])}


def page(sections: Mapping[str, str]) -> str:
    """The file; what is not made here, such as benchmarks, stands last."""
    names = [name for name in SECTIONS if name in sections] + [
        name for name in sections if name not in SECTIONS
    ]
    return "\n".join([HEAD, *(f"{_MARK.format(name)}\n{sections[name]}\n" for name in names)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
