"""A shipped model is copied to the user's own models, from the toolbox's context menu."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch, qgis_provider):
    from processing.modeler.ModelerUtils import ModelerUtils

    monkeypatch.setattr(ModelerUtils, "modelsFolders", staticmethod(lambda: [str(tmp_path / "models")]))
    return tmp_path / "models"


def chosen(provider, action, name):
    """Whether the entry is there for an algorithm, as the toolbox asks."""
    action.setData(provider.algorithm(name).create(), None)
    return action.isEnabled()


def test_a_copy_is_a_whole_model_and_an_earlier_one_stays(qgis_provider, folder):
    from qgis.core import Qgis, QgsProcessingModelAlgorithm

    from smap_downscaler.toolbox.copy_model import copy_action

    said = []
    action = copy_action(lambda *words: said.append(words))
    assert action.name == "Copy to My Models"
    assert chosen(qgis_provider, action, "prepare")
    action.execute()
    (folder / "prepare.model3").write_text("changed", encoding="utf-8")
    action.execute()
    assert (folder / "prepare.model3").read_text(encoding="utf-8") == "changed"
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(folder / "prepare_2.model3"))
    assert set(model.childAlgorithms()) == {"import", "rain", "terrain", "harmonise"}
    assert [level for _, level in said] == [Qgis.MessageLevel.Success] * 2
    assert said[1][0].startswith(f"Copied to {folder / 'prepare_2.model3'}: ")


def test_only_models_have_the_entry(qgis_provider):
    from smap_downscaler.toolbox.copy_model import copy_action

    action = copy_action(print)
    assert not chosen(qgis_provider, action, "downscalesmap")
    assert chosen(qgis_provider, action, "smaptomaps")


def test_a_folder_that_cannot_be_written_is_told(qgis_provider, folder):
    from qgis.core import Qgis

    from smap_downscaler.toolbox.copy_model import copy_action

    folder.write_text("a file", encoding="utf-8")
    said = []
    action = copy_action(lambda *words: said.append(words))
    assert chosen(qgis_provider, action, "validate")
    action.execute()
    ((sentence, level),) = said
    assert sentence.startswith("The model cannot be copied: ")
    assert level == Qgis.MessageLevel.Warning
