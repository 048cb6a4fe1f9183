"""What layers look like in QGIS: colours by what they show, with its unit in the legend."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from qgis.core import (
    Qgis,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsContrastEnhancement,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsRasterRenderer,
    QgsRasterShader,
    QgsRendererRange,
    QgsSingleBandGrayRenderer,
    QgsSingleBandPseudoColorRenderer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from ..geo.datasets import open_dataset, read_band
from ..geo.grid import Window
from ..geo.texts import band_name, band_unit
from ..report.figure import SOIL_MOISTURE_RAMP

#: Colours from low to high by what the name of a band says; of others, grey.
_WATER = ("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b")
_COLOURS = (
    ("elevation|dem|filled|height", ("#2c6b3f", "#a8c66c", "#efe5b0", "#b98b4e", "#7a4b27", "#f7f5f2")),
    ("slope", ("#ffffff", "#d9cfbd", "#8f7c62", "#2b2118")),
    ("twi|wetness", ("#fff7e0", "#c7e1c0", "#59b3b8", "#1f6fa8", "#0b2c66")),
    ("sca|catchment", _WATER),
    ("rain|precip|prec|p|mm|wet|dry|summer|winter", _WATER),
    ("clay|sand|silt|soc|soil|bulk|bdod|ph|nitrogen|cec", ("#fff5e0", "#e5c08a", "#b5793b", "#6b3d14")),
    ("ndvi|evi|lai|vegetation", ("#f7fcf0", "#bae4b3", "#74c476", "#238b45", "#00441b")),
)
_GREY = ("#000000", "#ffffff")
#: What reaches over powers of ten has its colours at these.
_LOGARITHMIC = "sca"
_UNITS = {"m3 m-3": "m³ m⁻³", "degrees": "°"}
#: Rows of a raster that are looked at for the ends of its colours, which leave out so many per cent each.
_ROWS, _BEYOND = 128, 2.0
#: Low to high of errors: even in lightness, readable with colour-blindness (matplotlib's cividis).
_ERRORS = ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")
#: Low, middle and high of numbers on both sides of zero.
_BOTH_SIDES = ("#b2182b", "#ef8a62", "#fddbc7", "#f7f7f7", "#d1e5f0", "#67a9cf", "#2166ac")


#: Makes what draws a band. It needs no data provider: a layer gives its own to what draws it.
Look = Callable[[], QgsRasterRenderer]


def soil_moisture(band: int = 1) -> QgsSingleBandPseudoColorRenderer:
    """The colours of soil moisture, the same between the same values for SMAP and maps."""
    return coloured(band, SOIL_MOISTURE_RAMP, "m3 m-3")


def look_of(path: str, number: int = 1, samples: Sequence[str] = ()) -> Look:
    """How a band of a raster is drawn: by its name, its unit and its values.

    `samples` are files whose first bands tell the ends of the colours in place of the raster's.
    """
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(number)
    name, unit = band_name(band), band_unit(band)
    low, high = _ends(samples or (path,), 1 if samples else number)
    colours, logarithmic = _colours_of(name, unit), name.startswith(_LOGARITHMIC) and low > 0

    def renderer() -> QgsRasterRenderer:
        if colours is _GREY:
            return _grey(number, low, high)
        spaced = np.geomspace if logarithmic else np.linspace
        stops = list(zip(spaced(low, high, len(colours)).tolist(), colours))
        return coloured(number, stops, unit, not logarithmic)

    return renderer


def _colours_of(name: str, unit: str) -> Sequence[str]:
    words = set(re.findall("[a-z]+", f"{name} {unit.split('/')[0]}".lower()))
    return next((colours for known, colours in _COLOURS if words & set(known.split("|"))), _GREY)


def _ends(paths: Sequence[str], number: int) -> tuple[float, float]:
    """The values between which the colours lie, to three digits."""
    found = []
    for path in paths:
        dataset = open_dataset(path)
        rows, columns = dataset.RasterYSize, dataset.RasterXSize
        for row in np.unique(np.linspace(0, rows - 1, max(1, _ROWS // len(paths))).astype(int)).tolist():
            values = read_band(dataset, number, Window(row, 0, 1, columns))
            found.append(values[np.isfinite(values)])
    known = np.concatenate(found)
    if not known.size:
        return 0.0, 1.0
    low, high = (float(f"{end:.3g}") for end in np.percentile(known, (_BEYOND, 100 - _BEYOND)))
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def coloured(
    band: int,
    stops: Sequence[tuple[float, str]],
    unit: str,
    continuous: bool = True,
) -> QgsSingleBandPseudoColorRenderer:
    """Colours between values; the legend has the unit, and where not `continuous` a line a stop."""
    suffix = f" {_UNITS.get(unit, unit)}" if unit else ""
    ramp = QgsColorRampShader(stops[0][0], stops[-1][0])
    ramp.setColorRampType(Qgis.ShaderInterpolationMethod.Linear)
    ramp.setColorRampItemList(
        [
            QgsColorRampShader.ColorRampItem(value, QColor(colour), f"{value:.3g}{suffix}")
            for value, colour in stops
        ]
    )
    legend = QgsColorRampLegendNodeSettings()
    legend.setSuffix(suffix)
    legend.setUseContinuousLegend(continuous)
    ramp.setLegendSettings(legend)
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(ramp)
    renderer = QgsSingleBandPseudoColorRenderer(None, band, shader)
    renderer.setClassificationMin(stops[0][0])
    renderer.setClassificationMax(stops[-1][0])
    return renderer


def _grey(band: int, low: float, high: float) -> QgsSingleBandGrayRenderer:
    renderer = QgsSingleBandGrayRenderer(None, band)
    stretch = QgsContrastEnhancement(Qgis.DataType.Float32)
    stretch.setMinimumValue(low)
    stretch.setMaximumValue(high)
    stretch.setContrastEnhancementAlgorithm(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
    )
    renderer.setContrastEnhancement(stretch)
    return renderer


def outlines(layer: QgsVectorLayer) -> None:
    """Polygons through which the layers below are seen."""
    looks = {"color": "255,255,255,40", "outline_color": "#D55E00", "outline_width": "0.4"}
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(looks)))


def graduated(
    layer: QgsVectorLayer, field: str, classes: Sequence[tuple[float, float, str]], unit: str, name: str = ""
) -> None:
    """Colour features by a field; `classes` are the ends and the colour of each, `name` begins each label."""
    suffix = f" {_UNITS.get(unit, unit)}" if unit else ""
    ranges = []
    for low, high, colour in classes:
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(QColor(colour))
        ranges.append(QgsRendererRange(low, high, symbol, f"{name} {low:.3g} to {high:.3g}{suffix}".strip()))
    layer.setRenderer(QgsGraduatedSymbolRenderer(f'"{field}"', ranges))


def by_soil_moisture(layer: QgsVectorLayer, field: str) -> None:
    """Colour polygons by a field in m3 m-3, with the colours of maps; outlines where they lack it."""
    if layer.fields().lookupField(field) < 0:
        outlines(layer)
        return
    values, colours = zip(*SOIL_MOISTURE_RAMP)
    graduated(layer, field, list(zip(values, values[1:], colours[1:])), "m3 m-3")


def around_zero(layer: QgsVectorLayer, beginning: str) -> None:
    """Colour features by the first field whose name begins so, whose values lie on both sides of zero."""
    field = next(name for name in layer.fields().names() if name.startswith(beginning))
    far = max(map(abs, _range_of(layer, field)), default=0.0) or 1.0
    _in_even_classes(layer, field, (-far, far), _BOTH_SIDES, "", field)


def from_low_to_high(layer: QgsVectorLayer, field: str, unit: str, name: str) -> None:
    """Colour features by a field of errors, which the legend calls `name`."""
    low, high = _range_of(layer, field) or (0.0, 0.0)
    _in_even_classes(layer, field, (low, high if low < high else low + 1.0), _ERRORS, unit, name)


def _range_of(layer: QgsVectorLayer, field: str) -> tuple[float, ...]:
    """Lowest and highest number of a field; none where it has none."""
    ends = layer.minimumAndMaximumValue(layer.fields().lookupField(field))
    return tuple(end for end in ends if isinstance(end, float))


def _in_even_classes(
    layer: QgsVectorLayer,
    field: str,
    ends: tuple[float, float],
    colours: Sequence[str],
    unit: str,
    name: str,
) -> None:
    edges = np.linspace(*ends, len(colours) + 1).tolist()
    graduated(layer, field, list(zip(edges, edges[1:], colours)), unit, name)
