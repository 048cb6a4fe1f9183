"""QGIS without a window, with Processing and this plugin's provider, in a profile of its own."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: What Qt holds of an application outlives the block; destroying it then would crash.
_ALIVE: list[Any] = []
ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def qgis_session(profile: Path) -> Iterator[Any]:
    """Start QGIS, yield the provider, and end QGIS; hold no QGIS object beyond the block."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QGIS_CUSTOM_CONFIG_PATH"] = str(profile)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from qgis.core import QgsApplication

    application = QgsApplication([b"smap-downscaler"], True, str(profile))
    application.initQgis()
    sys.path.append(str(Path(application.pkgDataPath()) / "python" / "plugins"))
    from processing.core.Processing import Processing

    Processing.initialize()
    from smap_downscaler.toolbox.provider import register_provider, unregister_provider

    provider = register_provider()
    try:
        yield provider
    finally:
        unregister_provider(provider)
        # Dialogs and layers in reference cycles must be gone before QGIS is.
        gc.collect()
        application.exitQgis()
        _ALIVE.append(application)
