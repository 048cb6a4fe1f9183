"""The plugin's menu. QGIS's interface needs its window: a main window and a message bar stand for it."""

from __future__ import annotations

import time

import pytest
from qgis.core import QgsApplication, QgsProject, QgsSettings
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtWidgets import QMainWindow, QPushButton

from smap_downscaler.toolbox import menu
from smap_downscaler.toolbox.menu import GREETED, TITLE, Menu


class Interface:
    """What the menu asks of QGIS's."""

    def __init__(self):
        self._window = QMainWindow()
        self._bar = QgsMessageBar(self._window)
        self.entries = []

    def mainWindow(self):
        return self._window

    def messageBar(self):
        return self._bar

    def addPluginToMenu(self, title, action):
        assert title == TITLE
        self.entries.append(action)

    def removePluginMenu(self, title, action):
        self.entries.remove(action)

    def told(self):
        return [item.text() for item in self._bar.items()]


@pytest.fixture
def interface(qgis_provider):
    QgsSettings().setValue(GREETED, True)
    return Interface()


def test_entries_come_and_go(interface):
    from processing.gui.ProviderActions import ProviderContextMenuActions

    before = list(ProviderContextMenuActions.actions)
    found = Menu(interface)
    found.open()
    assert [action.text() for action in interface.entries] == [
        "Open example",
        "A first map, in two minutes",
        "Your own area: what to get, and where",
    ]
    (copying,) = ProviderContextMenuActions.actions[len(before) :]
    assert copying.name == "Copy to My Models"
    found.close()
    assert interface.entries == []
    assert ProviderContextMenuActions.actions == before


def test_the_first_start_has_a_message_and_the_second_has_none(interface, monkeypatch):
    shown = []
    monkeypatch.setattr(menu, "show_guide", shown.append)
    QgsSettings().remove(GREETED)
    Menu(interface).open()
    assert interface.told() == [
        "Its tools are in the Processing toolbox. An example, without a download, shows what they do."
    ]
    buttons = interface.messageBar().items()[0].findChildren(QPushButton)
    assert [button.text() for button in buttons] == ["Open example", "How to begin"]
    buttons[1].click()
    assert shown == ["first_map"]
    again = Interface()
    Menu(again).open()
    assert again.told() == []


def test_the_example_is_made_and_loaded(interface, monkeypatch, tmp_path):
    monkeypatch.setattr(menu, "example_folder", lambda: tmp_path / "example")
    monkeypatch.setattr(menu, "_SETTINGS", {"LOAD": True, "DAYS": 2, "CELLS": 30})
    QgsProject.instance().clear()
    found = Menu(interface)
    found.open_example()
    found.open_example()
    assert any("is being made" in text for text in interface.told())
    wait_for(lambda: any("is there" in text for text in interface.told()))
    assert (tmp_path / "example" / "dem.tif").is_file()
    assert len(QgsProject.instance().mapLayers()) >= 5
    QgsProject.instance().clear()


def test_an_example_ends_with_the_menu(interface, monkeypatch, tmp_path):
    monkeypatch.setattr(menu, "example_folder", lambda: tmp_path / "example")
    found = Menu(interface)
    found.open()
    found.open_example()
    (task,) = QgsApplication.taskManager().activeTasks()
    found.close()
    wait_for(lambda: not found._running)
    assert task.isCanceled()
    assert not any("is there" in text or "was not made" in text for text in interface.told())
    assert not (tmp_path / "example" / "smap_downscaler.json").exists()


def test_an_example_that_cannot_be_made_says_why(interface, monkeypatch, tmp_path):
    (tmp_path / "example").write_text("a file", encoding="utf-8")
    monkeypatch.setattr(menu, "example_folder", lambda: tmp_path / "example")
    Menu(interface).open_example()
    wait_for(lambda: len(interface.told()) > 1 or "example" in interface.told()[0])
    assert any(str(tmp_path / "example") in text for text in interface.told())


def wait_for(done, seconds=120):
    """Let QGIS's tasks go on until `done()`."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        QgsApplication.processEvents()
        time.sleep(0.02)
