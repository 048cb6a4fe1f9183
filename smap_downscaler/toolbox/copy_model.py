"""The entry in the toolbox's context menu that copies a shipped model to the user's own models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsApplication

from .provider import MODELS, ShippedModel

NAME = "Copy to My Models"


def copy_model(model: ShippedModel) -> Path:
    """Copy a shipped model to the first of the user's folders of models; returns the file.

    A copy that is there, which the user may have changed, stays.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from processing.modeler.ModelerUtils import ModelerUtils

    source, folder = MODELS / f"{model.name()}.model3", Path(ModelerUtils.modelsFolders()[0])
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / source.name, 2
    while target.exists():
        target, number = folder / f"{source.stem}_{number}{source.suffix}", number + 1
    shutil.copyfile(source, target)
    provider = QgsApplication.processingRegistry().providerById("model")
    if provider is not None:
        provider.refreshAlgorithms()
    return target


def copy_action(tell: Callable[[str, Qgis.MessageLevel], Any]) -> Any:
    """The entry, as the toolbox of QGIS takes it; `tell` shows the user a sentence."""
    from processing.gui.ContextAction import ContextAction

    class CopyModel(ContextAction):
        def __init__(self) -> None:
            super().__init__()
            self.name = NAME

        def isEnabled(self) -> bool:
            return isinstance(self.itemData, ShippedModel)

        def execute(self) -> None:
            try:
                target = copy_model(self.itemData)
            except OSError as error:
                tell(f"The model cannot be copied: {error}.", Qgis.MessageLevel.Warning)
                return
            tell(
                f"Copied to {target}: it is in the toolbox under Models, where a right click opens it in the "
                "graphical modeler.",
                Qgis.MessageLevel.Success,
            )

    return CopyModel()
