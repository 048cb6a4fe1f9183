"""QGIS runs this file with --code; it hands over to window_inside.py, which QGIS can then import by name."""

import json
import os
import sys
from pathlib import Path

job = json.loads(Path(os.environ["SMAP_WINDOW_JOB"]).read_text(encoding="utf-8"))
# At the end: QGIS's own modules come first.
sys.path.append(job["tools"])

import window_inside  # noqa: E402

smap_window_runner = window_inside.start(job)
