"""Write the style of soil moisture layers (smap_downscaler/resources/styles) with QGIS itself.

/usr/bin/python3 tools/make_styles.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    from qgis.core import QgsApplication

    application = QgsApplication([], False)
    application.initQgis()
    # In a function of its own: its layer must be gone before QGIS ends.
    write_style(ROOT / "smap_downscaler" / "resources" / "styles" / "soil_moisture.qml")
    application.exitQgis()


def write_style(target: Path) -> None:
    from qgis.core import (
        Qgis,
        QgsColorRampLegendNodeSettings,
        QgsColorRampShader,
        QgsRasterLayer,
        QgsRasterShader,
        QgsSingleBandPseudoColorRenderer,
    )
    from qgis.PyQt.QtGui import QColor

    from smap_downscaler.geo.geotiff import write_geotiff
    from smap_downscaler.geo.grid import Grid
    from smap_downscaler.report.figure import SOIL_MOISTURE_RAMP

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soil_moisture.tif"
        write_geotiff(path, Grid("EPSG:32719", 0, 0, 100, 100, 2, 2), np.full((2, 2), 0.2))
        layer = QgsRasterLayer(str(path), "soil_moisture")
        ramp = QgsColorRampShader(SOIL_MOISTURE_RAMP[0][0], SOIL_MOISTURE_RAMP[-1][0])
        ramp.setColorRampType(Qgis.ShaderInterpolationMethod.Linear)
        ramp.setColorRampItemList(
            [
                QgsColorRampShader.ColorRampItem(value, QColor(colour), f"{value:.2f}")
                for value, colour in SOIL_MOISTURE_RAMP
            ]
        )
        legend = QgsColorRampLegendNodeSettings()
        legend.setSuffix(" m³ m⁻³")
        ramp.setLegendSettings(legend)
        shader = QgsRasterShader()
        shader.setRasterShaderFunction(ramp)
        renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
        renderer.setClassificationMin(SOIL_MOISTURE_RAMP[0][0])
        renderer.setClassificationMax(SOIL_MOISTURE_RAMP[-1][0])
        layer.setRenderer(renderer)
        target.parent.mkdir(parents=True, exist_ok=True)
        layer.saveNamedStyle(str(target), categories=layer.StyleCategory.Symbology)


if __name__ == "__main__":
    main()
