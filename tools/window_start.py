"""QGIS runs this file with --code; it hands the steps of window_tour.py to window_inside.py, by name."""

import json
import os
import sys
from pathlib import Path

job = json.loads(Path(os.environ["SMAP_WINDOW_JOB"]).read_text(encoding="utf-8"))
# At the end: QGIS's own modules come first.
sys.path.append(job["tools"])

import window_inside  # noqa: E402
import window_tour  # noqa: E402

smap_window_runner = window_inside.start(job, window_tour.STEPS)
