"""The provider: all algorithms and the models shipped with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingProvider,
)
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QWidget

from ..base.errors import Cancelled
from .algorithm import GROUPS, frameless, group_icon, icon_path, short_help
from .algorithms import algorithms
from .feedback import QgisProgress
from .given import ignored_parameters
from .help import load_help
from .help_page import help_url
from .landing import group
from .manifest import RunManifest
from .series_parameter import register_series_parameter, unregister_series_parameter
from .tags import tags_of
from .values import Values

#: What QGIS calls itself where it shows no dialogs.
_WITHOUT_DIALOGS = ("qgis_process", "server")
MODELS = Path(__file__).resolve().parents[1] / "workflows"
#: Outputs of models on the first page of their dialogs; the others are folded away.
_MAIN_OUTPUTS = ("maps", "fine", "pairs")


class ShippedModel(QgsProcessingModelAlgorithm):
    """A model whose id is its file's name, and whose title comes from its help."""

    def createInstance(self) -> ShippedModel:
        model = ShippedModel()
        model.loadVariant(self.toVariant())
        model.fold()
        model.setProvider(self.provider())
        model.setSourceFilePath(self.sourceFilePath())
        return model

    def fold(self) -> None:
        """Leave one output on the first page of the dialog."""
        for definition in self.destinationParameterDefinitions():
            if definition.name() not in _MAIN_OUTPUTS:
                definition.setFlags(definition.flags() | Qgis.ProcessingParameterFlag.Advanced)

    @frameless
    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        for sentence in ignored_parameters(self, parameters, context):
            feedback.pushWarning(sentence)
        progress = QgisProgress(feedback)
        try:
            manifest = RunManifest(self, Values.of_run(self, parameters, context), progress)
        except Cancelled:
            return {}
        outputs = super().processAlgorithm(parameters, context, feedback)
        if not feedback.isCanceled():
            # In the place of those of its steps, which know only what they handed on to each other.
            manifest.write(outputs, progress)
        group(context, load_help(self.name()).title, whole=True)
        return outputs

    def displayName(self) -> str:
        return load_help(self.name()).name

    def group(self) -> str:
        return GROUPS[self.groupId()]

    def groupId(self) -> str:
        return "workflows"

    def tags(self) -> list[str]:
        return tags_of(self.name())

    def shortDescription(self) -> str:
        return load_help(self.name()).summary

    def shortHelpString(self) -> str:
        return short_help(self)

    def helpUrl(self) -> str:
        return help_url(self)

    def icon(self) -> QIcon:
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        return group_icon(self.groupId())

    def createCustomParametersWidget(self, parent: QWidget | None = None) -> QWidget:
        from .dialog import OwnDialog

        return OwnDialog(self, False, parent)


class SmapDownscalerProvider(QgsProcessingProvider):
    """SMAP Downscaler in the Processing toolbox."""

    def id(self) -> str:
        return "smapdownscaler"

    def name(self) -> str:
        return "SMAP Downscaler"

    def icon(self) -> QIcon:
        return QIcon(icon_path())

    def loadAlgorithms(self) -> None:
        for algorithm in algorithms():
            self.addAlgorithm(algorithm())
        # A model finds its steps in the registry: there are none before the provider is in it.
        if QgsApplication.processingRegistry().providerById(self.id()) is self:
            self._load_models()

    def _load_models(self) -> None:
        for path in sorted(MODELS.glob("*.model3")):
            model = ShippedModel()
            if model.fromFile(str(path)):
                model.fold()
                model.setProvider(self)
                self.addAlgorithm(model)


def register_provider() -> SmapDownscalerProvider:
    """Put the provider into QGIS's registry, models and the kinds of their parameters included."""
    register_series_parameter()
    if QgsApplication.platform() not in _WITHOUT_DIALOGS:
        from .series_widget import register_series_widget

        register_series_widget()
    provider = SmapDownscalerProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    provider.refreshAlgorithms()
    return provider


def unregister_provider(provider: SmapDownscalerProvider) -> None:
    """Take the provider out of QGIS's registry, and what came with it."""
    QgsApplication.processingRegistry().removeProvider(provider)
    unregister_series_parameter()
    if QgsApplication.platform() not in _WITHOUT_DIALOGS:
        from .series_widget import unregister_series_widget

        unregister_series_widget()
