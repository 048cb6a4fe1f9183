"""The plugin's menu: two guides, and an example that is made and opened in one click; copies of models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsSettings,
)
from qgis.PyQt.QtCore import QStandardPaths, QUrl
from qgis.PyQt.QtGui import QAction, QDesktopServices, QIcon
from qgis.PyQt.QtWidgets import QPushButton

from .algorithm import icon_path
from .copy_model import copy_action
from .help_page import guide_url

TITLE = "SMAP Downscaler"
#: Set once the first message was shown.
GREETED = "smap_downscaler/greeted"
_EXAMPLE, _SETTINGS = "smapdownscaler:createdemodata", {"LOAD": True}


class Menu:
    """Below Plugins, and a message on the first start.

    Parameters
    ----------
    interface : QgisInterface
    """

    def __init__(self, interface: Any):
        self._interface = interface
        self._actions: list[QAction] = []
        #: Of the toolbox's context menu.
        self._copying = [copy_action(self._tell)]
        #: What is under way: QGIS's task manager does not keep it alive.
        self._running: list[Any] = []

    def open(self) -> None:
        """Add the entries."""
        from processing.gui.ProviderActions import ProviderContextMenuActions

        entries: dict[str, Callable[[], None]] = {
            "Open example": self.open_example,
            "A first map, in two minutes": lambda: show_guide("first_map"),
            "Your own area: what to get, and where": lambda: show_guide("own_area"),
        }
        for text, call in entries.items():
            action = QAction(QIcon(icon_path()), text, self._interface.mainWindow())
            # The signal says whether it is checked.
            action.triggered.connect(lambda _checked=False, call=call: call())
            self._interface.addPluginToMenu(TITLE, action)
            self._actions.append(action)
        ProviderContextMenuActions.registerProviderContextMenuActions(self._copying)
        if not QgsSettings().value(GREETED, False, type=bool):
            QgsSettings().setValue(GREETED, True)
            self._greet()

    def close(self) -> None:
        """Take them away, and make no more of an example that is under way."""
        from processing.gui.ProviderActions import ProviderContextMenuActions

        for action in self._actions:
            self._interface.removePluginMenu(TITLE, action)
        self._actions.clear()
        for task in self._running[-1:]:
            task.cancel()
        ProviderContextMenuActions.deregisterProviderContextMenuActions(self._copying)

    def open_example(self) -> None:
        """Make the demo's year in a task that QGIS shows and can cancel, and load it."""
        if self._running:
            self._tell("The example is being made: the lower edge of the window shows how far it is.")
            return
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(_EXAMPLE)
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
        context.setProject(QgsProject.instance())
        parameters = {**_SETTINGS, "OUTPUT": str(example_folder())}
        can_run, reason = algorithm.checkParameterValues(parameters, context)
        if not can_run:
            self._tell(reason, Qgis.MessageLevel.Warning)
            return
        task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
        self._running = [algorithm, context, feedback, task]
        task.executed.connect(lambda fine, _results: self._made(fine))
        QgsApplication.taskManager().addTask(task)
        self._tell(f"The example is made in {example_folder()}: about a minute, 300 MB.")

    def _made(self, fine: bool) -> None:
        from processing.gui.Postprocessing import handleAlgorithmResults

        algorithm, context, feedback, _task = self._running
        self._running = []
        if fine:
            handleAlgorithmResults(algorithm, context, feedback)
            self._tell(f"The example is there, in {example_folder()}.", Qgis.MessageLevel.Success)
        elif not feedback.isCanceled():
            reason = feedback.textLog().strip().splitlines()
            self._tell(
                f"The example was not made: {reason[-1] if reason else 'see the log of Processing'}",
                Qgis.MessageLevel.Warning,
            )

    def _greet(self) -> None:
        bar = self._interface.messageBar()
        message = bar.createMessage(
            TITLE,
            "Its tools are in the Processing toolbox. An example, without a download, shows what they do.",
        )
        for text, call in (
            ("Open example", self.open_example),
            ("How to begin", lambda: show_guide("first_map")),
        ):
            button = QPushButton(text, message)
            button.clicked.connect(lambda _checked=False, call=call: call())
            message.layout().addWidget(button)
        bar.pushWidget(message, Qgis.MessageLevel.Info)

    def _tell(self, sentence: str, level: Qgis.MessageLevel = Qgis.MessageLevel.Info) -> None:
        self._interface.messageBar().pushMessage(TITLE, sentence, level)


def example_folder() -> Path:
    """Where the example lies."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(documents or Path.home()) / "SMAP Downscaler example"


def show_guide(name: str) -> None:
    """Open a guide in the browser."""
    QDesktopServices.openUrl(QUrl(guide_url(name)))
