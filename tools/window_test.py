#!/usr/bin/env python3
"""The plugin in a real QGIS window: dialogs, waits of the main thread, Cancel, batch, errors, temporal layer.

    make window

Pictures and status.json are left in build/window.  Times are printed, not judged; all else is.
An own area, from raw files to maps and report, is tried where it is asked for:

    python3 tools/window_test.py --cells 300 --days 10 --steps own_area
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tree import TOP
from window_screen import WindowError, make_data, run_qgis

STEPS = (
    "toolbox",
    "dialogs",
    "one_dialog",
    "example",
    "first_map",
    "harmonise",
    "train",
    "downscale",
    "temporal",
    "cancel",
    "batch",
    "wrong_table",
    "wrong_dates",
    "sheet",
)
#: The main thread should not keep a user waiting longer than this while a task works, ms.
LONGEST_WAIT = 200


def print_report(result: dict[str, Any]) -> None:
    """A line a step, then the waits and the messages."""
    print(f"\nQGIS {result['version']}\n")
    for step in result["steps"]:
        print(f"  {step['name']:<12} {'FAILED' if step['error'] else 'ok':<8}{step['seconds']:6.1f} s")
        for line in step["error"].splitlines():
            print(f"      {line}")
        if "cancel_seconds" in step["notes"]:
            print(f"      cancelled {step['notes']['cancel_seconds']:.2f} s after the click")
    print("\nLongest wait of the main thread, ms:\n")
    print("  step           work, s   opening the dialog   click   during the work   end (loading layers)")
    for step in result["steps"]:
        waits = step["notes"].get("waits")
        if waits:
            print(
                f"  {step['name']:<12} {waits['seconds']:9.1f} {waits['open']:20.0f} {waits['click']:7.0f} "
                f"{waits['work']:17.0f} {waits['end']:22.0f}"
            )
    for step in result["steps"]:
        waits = step["notes"].get("waits", {})
        if waits.get("work", 0) > LONGEST_WAIT:
            wait = f"{waits['work']:.0f} ms, more than {LONGEST_WAIT} ms"
            print(f"\n*** {step['name']}: THE MAIN THREAD WAITED {wait}:")
            print(waits["work_stack"])
    if result["messages"]:
        print("\nQGIS's message log (warnings and errors):")
        for tag, texts in _by_tag(result["messages"]).items():
            more = f"  (and {len(texts) - 1} more of {tag})" if len(texts) > 1 else ""
            print(f"  {texts[0]}{more}")


def _by_tag(messages: list[str]) -> dict[str, list[str]]:
    tagged: dict[str, list[str]] = {}
    for message in dict.fromkeys(messages):
        tagged.setdefault(message.partition(":")[0], []).append(message)
    return tagged


def failures(result: dict[str, Any], steps: tuple[str, ...]) -> list[str]:
    """Why the test failed, a line each; empty where all is well."""
    found = [f"{step['name']} failed" for step in result["steps"] if step["error"]]
    done = [step["name"] for step in result["steps"]]
    found += [f"{name} was not reached" for name in steps if name not in done]
    if result["exit_code"] != 0:
        found.append(f"QGIS ended with code {result['exit_code']}")
    if "Traceback" in result["stderr"] or any("Traceback" in text for text in result["messages"]):
        found.append("Python errors in QGIS's output (build/window/status.json)")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=TOP / "build" / "window", help="folder of the pictures"
    )
    parser.add_argument("--cells", type=int, default=120, help="least SMAP cells of the basin")
    parser.add_argument("--days", type=int, default=6, help="days of the basin")
    parser.add_argument("--data", type=Path, help="folder with the basin of an earlier run of window_data.py")
    parser.add_argument("--steps", nargs="+", default=STEPS, help="only these steps")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that QGIS may take")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.output, ignore_errors=True)
    arguments.output.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="smap-data-") as name:
        data = arguments.data or Path(name) / "basin"
        if not arguments.data:
            make_data(data, arguments.cells, arguments.days)
        job = {
            "steps": arguments.steps,
            "data": str(data.resolve()),
            "output": str(arguments.output.resolve()),
        }
        try:
            result = run_qgis(job, arguments.timeout)
        except WindowError as error:
            print(f"window: {error}", file=sys.stderr)
            return 1
    (arguments.output / "status.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print_report(result)
    wrong = failures(result, tuple(arguments.steps))
    print("\n" + ("\n".join(wrong) if wrong else f"All well. Pictures: {arguments.output}"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
