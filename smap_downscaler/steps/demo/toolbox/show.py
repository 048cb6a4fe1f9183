"""The demo data as layers of QGIS."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingContext, QgsVectorLayer

from ....base.progress import Progress
from ....toolbox.landing import COVARIATE, SHAPES, STACK, add_layer
from ....toolbox.layers import SMAP_SERIES, Dated, add_raster, add_series
from ....toolbox.looks import outlines
from ..numbers.shape import FINE_CRS

_TRUTH = Dated(kind=STACK, name="True soil moisture")


def show_demo(context: QgsProcessingContext, folder: Path, progress: Progress) -> None:
    """Let QGIS show what lies in a folder of demo data; soil, rain, mask and truth are hidden at first."""
    stations = (folder / "stations.csv").as_uri()
    points = f"{stations}?type=csv&xField=x&yField=y&crs={FINE_CRS}&watchFile=no"
    add_layer(context, QgsVectorLayer(points, "stations", "delimitedtext"), SHAPES)
    outline = QgsVectorLayer(str(folder / "aoi.gpkg"), "demo basin", "ogr")
    outlines(outline)
    add_layer(context, outline, SHAPES)
    add_series(context, folder / "smap", SMAP_SERIES, progress)
    add_raster(context, folder / "dem.tif", COVARIATE)
    for path in (*sorted((folder / "soil").glob("*.tif")), folder / "mask.tif"):
        add_raster(context, path, STACK)
    add_series(context, folder / "precipitation", Dated("mm/d", STACK, "precipitation"), progress)
    add_series(context, folder / "truth", _TRUTH, progress)
