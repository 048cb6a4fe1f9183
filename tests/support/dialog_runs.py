"""Algorithms run from their dialog, as a user does, with what QGIS then shows."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import Any

import pytest

_LONGEST = 300.0


@dataclass
class Shown:
    """What a run from the dialog left: its outputs, its group of layers, and the list of results."""

    outputs: dict[str, Any]
    #: Names of the groups that the project has, the uppermost first.
    groups: list[str]
    #: The nodes of the uppermost group, the upper first.
    nodes: list[Any]
    #: Name and file by entry of the Results Viewer, of this run.
    results: list[tuple[str, str]]

    @property
    def names(self) -> list[str]:
        """The names of the layers, the upper first."""
        return [node.name() for node in self.nodes]

    def layer(self, name: str) -> Any:
        """A layer of the group."""
        (found,) = (node.layer() for node in self.nodes if node.name() == name)
        return found


@pytest.fixture
def from_dialog(qgis_provider):
    """Run an algorithm from its dialog: ``from_dialog(id, parameters) -> Shown``.

    Parameters that are not given are what the dialog has by default; what a run loads stays in the project
    until the end of the test.
    """
    from processing.core.ProcessingResults import resultsList
    from qgis.core import QgsApplication, QgsLayerTreeGroup, QgsProject
    from qgis.PyQt.QtCore import QCoreApplication, QEvent

    project = QgsProject.instance()

    def run(algorithm_id: str, parameters: dict[str, Any]) -> Shown:
        registry = QgsApplication.processingRegistry()
        algorithm = registry.createAlgorithmById(f"smapdownscaler:{algorithm_id}")
        # As QGIS asks for it.
        dialog = algorithm.createCustomParametersWidget(None)
        ended: list[tuple[bool, dict[str, Any]]] = []
        dialog.algorithmFinished.connect(lambda good, outputs: ended.append((good, outputs)))
        before = len(resultsList.getResults())
        # Shown, or it deletes itself when it is closed.
        dialog.show()
        dialog.setParameters(parameters)
        dialog.runButton().click()
        until = time.monotonic() + _LONGEST
        while not ended and time.monotonic() < until:
            QCoreApplication.processEvents()
            time.sleep(0.01)
        log = dialog.findChild(object, "txtLog").toPlainText()
        dialog.close()
        # Now, not while the next run works in its thread.
        dialog.deleteLater()
        del dialog, algorithm
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        if not ended or not ended[0][0]:
            raise AssertionError(log)
        groups = [one for one in project.layerTreeRoot().children() if isinstance(one, QgsLayerTreeGroup)]
        found = [(one.name, one.filename) for one in resultsList.getResults()[before:]]
        nodes = groups[0].children() if groups else []
        return Shown(ended[0][1], [one.name() for one in groups], nodes, found)

    yield run
    project.clear()
