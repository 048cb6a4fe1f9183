"""Layers as QGIS is handed them at the end of a run."""

from __future__ import annotations

import pytest

from small_case import make_small_case


def test_a_stack_is_shown_in_grey_from_its_least_to_its_greatest_value(qgis_provider, tmp_path):
    from qgis.core import QgsProcessingContext, QgsProject

    from smap_downscaler.toolbox.layers import hand_over_stack

    case = make_small_case(tmp_path)
    context, project = QgsProcessingContext(), QgsProject()
    details = QgsProcessingContext.LayerDetails("Coarse stack", project, "OUTPUT_COARSE")
    context.addLayerToLoadOnCompletion(case.coarse_stack, details)
    hand_over_stack(context, case.coarse_stack)
    (reference,) = context.layersToLoadOnCompletion()
    layer = context.temporaryLayerStore().mapLayer(reference)
    assert (layer.source(), layer.name()) == (case.coarse_stack, "Coarse stack")
    assert layer.renderer().type() == "singlebandgray"
    stretch = layer.renderer().contrastEnhancement()
    assert stretch.minimumValue() == pytest.approx(case.coarse[0].min(), rel=1e-6)
    assert stretch.maximumValue() == pytest.approx(case.coarse[0].max(), rel=1e-6)


def test_a_stack_that_is_not_to_be_shown_is_left_alone(qgis_provider, tmp_path):
    from qgis.core import QgsProcessingContext

    from smap_downscaler.toolbox.layers import hand_over_stack

    context = QgsProcessingContext()
    hand_over_stack(context, str(tmp_path / "none.tif"))
    assert context.layersToLoadOnCompletion() == {}
