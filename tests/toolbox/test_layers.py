"""Layers as QGIS is handed them at the end of a run."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid


@pytest.mark.parametrize(("name", "kind"), [("elevation", "singlebandpseudocolor"), ("x7", "singlebandgray")])
def test_a_stack_is_shown_in_one_ramp_over_all_but_the_ends_of_its_values(
    qgis_provider, tmp_path, name, kind
):
    from qgis.core import QgsProcessingContext, QgsProject

    from smap_downscaler.toolbox.landing import STACK
    from smap_downscaler.toolbox.layers import hand_over_raster

    path = str(tmp_path / "stack.tif")
    values = np.linspace(0, 1000, 2 * 50 * 50, dtype=np.float32).reshape(2, 50, 50)
    write_geotiff(path, Grid("EPSG:32719", 0, 0, 10, 10, 50, 50), values, [Band(name, "m"), Band("b", "m")])
    context, project = QgsProcessingContext(), QgsProject()
    details = QgsProcessingContext.LayerDetails("Coarse stack", project, "OUTPUT_COARSE")
    context.addLayerToLoadOnCompletion(path, details)
    hand_over_raster(context, path, STACK)
    (reference,) = context.layersToLoadOnCompletion()
    layer = context.temporaryLayerStore().mapLayer(reference)
    assert (layer.source(), layer.name()) == (path, "Coarse stack")
    renderer = layer.renderer()
    assert renderer.type() == kind
    shown = renderer.contrastEnhancement() if kind == "singlebandgray" else None
    low, high = (
        (shown.minimumValue(), shown.maximumValue())
        if shown
        else (renderer.classificationMin(), renderer.classificationMax())
    )
    # 2 and 98 per cent, to three digits.
    assert [low, high] == pytest.approx(np.percentile(values[0], (2, 98)), rel=6e-3)


def test_a_stack_that_is_not_to_be_shown_is_left_alone(qgis_provider, tmp_path):
    from qgis.core import QgsProcessingContext

    from smap_downscaler.toolbox.landing import STACK
    from smap_downscaler.toolbox.layers import hand_over_raster

    context = QgsProcessingContext()
    hand_over_raster(context, str(tmp_path / "none.tif"), STACK)
    assert context.layersToLoadOnCompletion() == {}
