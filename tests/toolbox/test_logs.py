"""Lines of the log: tables break between words, and steps of a model have headings."""

from __future__ import annotations

import pytest

from small_case import make_small_case


class Listening:
    """What a log is given."""

    def __init__(self):
        self.lines = []

    def pushInfo(self, text):
        self.lines.append(("line", text))

    def pushConsoleInfo(self, text):
        self.lines.append(("table", text))


def test_tables_keep_their_columns_and_break_between_words():
    from smap_downscaler.toolbox.feedback import QgisProgress

    log = Listening()
    progress = QgisProgress(log)
    progress.log("A line of words.")
    progress.log("  clay   2, 2021-01-05 to 2021-01-06")
    nbsp = "\u00a0"
    assert log.lines == [
        ("line", "A line of words."),
        ("table", f"{nbsp} clay{nbsp}{nbsp} 2, 2021-01-05 to 2021-01-06"),
    ]


@pytest.mark.parametrize("width", [250, 400])
def test_the_log_of_a_dialog_breaks_no_word(qgis_provider, width):
    """As QGIS shows a line of a table: HTML in a typewriter face, with a line break of its own at the end."""
    from qgis.core import QgsProcessingFeedback
    from qgis.PyQt.QtGui import QTextOption
    from qgis.PyQt.QtWidgets import QTextEdit

    from smap_downscaler.toolbox.feedback import QgisProgress

    feedback = QgsProcessingFeedback(False)
    QgisProgress(feedback).log(
        "  elevation  EPSG:32719  100   84.2 %   0.0 %   2506.8  4690.7  21, 2020-12-19 to 2021"
    )
    edit = QTextEdit()
    edit.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    edit.resize(width, 300)
    edit.insertHtml(feedback.htmlLog())
    edit.show()
    broken = []
    block = edit.document().begin()
    while block.isValid():
        text, layout = block.text(), block.layout()
        ends = [layout.lineAt(row).textStart() for row in range(1, layout.lineCount())]
        broken += [text[end - 4 : end + 4] for end in ends if text[end - 1] not in " \u2028"]
        block = block.next()
    assert edit.document().begin().layout().lineCount() > 1
    assert broken == []


def test_a_step_of_a_model_has_a_heading(run, feedback, said, tmp_path):
    """By QGIS's own class of feedback, also in copies of models; an algorithm alone has none."""
    from qgis.core import QgsProcessingContext, QgsProcessingModelAlgorithm
    from qgis.core import QgsProcessingModelChildAlgorithm as Child
    from qgis.core import QgsProcessingModelChildParameterSource as Source

    case = make_small_case(tmp_path)
    model = QgsProcessingModelAlgorithm("own")
    for step in ("first", "second"):
        child = Child("smapdownscaler:regressionmatrix")
        child.setChildId(step)
        values = {
            "SMAP": case.smap_folder,
            "COVARIATES": case.coarse_stack,
            "OUTPUT": str(tmp_path / f"{step}.gpkg"),
        }
        for name, value in values.items():
            child.addParameterSources(name, [Source.fromStaticValue(value)])
        model.addChildAlgorithm(child)
    _, good = model.run({}, QgsProcessingContext(), feedback)
    assert good
    lines = said.info
    places = [place for place, line in enumerate(lines) if line == "Step: Regression matrix"]
    assert len(places) == 2
    assert all(lines[place - 1] == "" for place in places)
    first = lines[places[0] + 1 : places[1] - 1]
    assert any("rows of" in line for line in first)
    assert len(first) == len(set(first))
    said.info.clear()
    run("regressionmatrix", {**values, "OUTPUT": str(tmp_path / "alone.gpkg")})
    assert not any(line.startswith("Step") for line in said.info)
