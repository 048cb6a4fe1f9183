"""Algorithms of the plugin, run one after another as the steps of one; each is done once for its inputs."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
    QgsReferencedRectangle,
)

from ....base.errors import InputError
from ....runs.fingerprint import digest, identity
from ....runs.journal import Journal
from ....series.tags import files_behind
from ....toolbox.feedback import QgisProgress
from ....toolbox.naming import by_ids
from ....toolbox.values import Values, crs_text

#: Finished steps, in the folder of results.
JOURNAL = ".steps.work"
PROVIDER = "smapdownscaler"
_SMALLER_BLOCKS = "take a larger area, or use 'Cross-validate models' with more folds or smaller blocks"
#: What steps advise that this dialog has no parameter for.
_ADVICE = {
    "give it another one by NAMES": "rename its file",
    "name one otherwise by NAMES": "rename one of the files",
    "give BLOCKS a smaller number, or use a larger table": _SMALLER_BLOCKS,
    "give FOLDS a larger number, or BLOCKS a smaller one": _SMALLER_BLOCKS,
    "give FOLDS a larger number": "take a larger area, or use 'Cross-validate models' with more folds",
    "give BLOCKS a smaller side, or 0 for random folds only": "take a larger area",
    "name the column": "rename the column, or use 'Validate maps against the field'",
}


def step_of(algorithm: str) -> QgsProcessingAlgorithm:
    """An algorithm of the plugin by its id."""
    return QgsApplication.processingRegistry().createAlgorithmById(f"{PROVIDER}:{algorithm}")


def check_step(
    algorithm: str, parameters: Mapping[str, Any], names: Mapping[str, str], context: QgsProcessingContext
) -> None:
    """Raise `InputError` for what a step would refuse before its work.

    Parameters
    ----------
    algorithm : str
    parameters : mapping
        Those that are known.
    names : mapping
        What the whole dialog calls parameters of the step.
    context : QgsProcessingContext
    """
    step = step_of(algorithm)
    with own_words(names):
        step.validate(Values(step, dict(parameters), context))


@contextlib.contextmanager
def own_words(names: Mapping[str, str]) -> Iterator[None]:
    """Refusals of a step in the words of the whole dialog, see `in_own_words`."""
    refusal = ""
    try:
        yield
    except InputError as error:
        refusal = str(error)
    if refusal:
        raise InputError(in_own_words(refusal, names))


def in_own_words(sentence: str, names: Mapping[str, str]) -> str:
    """The sentence of a step, with the names that the whole dialog has for the step's parameters."""
    for name, own in names.items():
        sentence = re.sub(rf"\b{name}\b", own, sentence)
    for words, own in _ADVICE.items():
        sentence = sentence.replace(words, own)
    return sentence


def _with_own_advice(sentence: str, step: QgsProcessingAlgorithm) -> str:
    plain = by_ids(sentence, step)
    own = in_own_words(plain, {})
    return sentence if own == plain else own


class _StepFeedback(QgsProcessingMultiStepFeedback):
    """Says which step speaks, and nothing that a step before it said; keeps warnings and errors."""

    def __init__(self, steps: int, feedback: QgsProcessingFeedback):
        super().__init__(steps, feedback)
        self.prefix = ""
        #: That which speaks.
        self.step: QgsProcessingAlgorithm | None = None
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self._said: set[str] = set()
        self._table: list[str] = []

    def pushInfo(self, info: str) -> None:
        # Steps read the same files. A table, which begins with a heading and is set in, is one sentence.
        if self._table and info.startswith("  "):
            self._table.append(info)
            return
        self.end_table()
        if info.endswith(":"):
            self._table = [info]
        elif info not in self._said:
            self._said.add(info)
            super().pushInfo(info)

    def end_table(self) -> None:
        """Say the table that was begun, unless it was said before."""
        lines, self._table = self._table, []
        whole = "\n".join(lines)
        if not lines or (len(lines) > 1 and whole in self._said):
            return
        self._said.add(whole)
        for line in lines:
            super().pushInfo(line)

    def setProgressText(self, text: str) -> None:
        super().setProgressText(f"{self.prefix}{text}")

    def pushWarning(self, warning: str) -> None:
        self.end_table()
        if self.step is not None:
            warning = _with_own_advice(warning, self.step)
        self.warnings.append(warning)
        super().pushWarning(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        # QGIS reports in this way, and in no other, with which sentence a step is refused.
        self.errors.append(error)


class Steps:
    """Runs the steps.

    Parameters
    ----------
    total : int
        How many there are.
    folder : Path
        Of the results; finished steps are kept in a file there.
    about : str
        What all steps depend on beside their parameters and files.
    context : QgsProcessingContext
    progress : QgisProgress

    Attributes
    ----------
    warnings : list of (str, str)
        Title of the step, and what it warned of.
    """

    def __init__(
        self, total: int, folder: Path, about: str, context: QgsProcessingContext, progress: QgisProgress
    ):
        self._total, self._about, self._context, self._progress = total, about, context, progress
        self._feedback = _StepFeedback(total, progress.feedback)
        self._journal = Journal(folder / JOURNAL)
        self._done = {record["step"]: record for record in self._journal.records()}
        self._number, self._title = 0, ""
        self.warnings: list[tuple[str, str]] = []

    def begin(self, title: str) -> None:
        """Go on to the next step."""
        self._progress.check()
        self._feedback.setCurrentStep(self._number)
        self._number += 1
        self._title = title
        self._feedback.prefix = f"Step {self._number} of {self._total}: "
        self._progress.log("")
        self._progress.log(f"{self._feedback.prefix}{title}")

    def run(
        self,
        title: str,
        algorithm: str,
        parameters: dict[str, Any],
        names: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> dict[str, Any]:
        """The outputs of a step, which is not done anew where nothing that it hangs on has changed.

        Parameters
        ----------
        title : str
        algorithm : str
            Its id.
        parameters : dict
        names : mapping, optional
            What the whole dialog calls parameters of the step.
        again : bool
            Whether it is run in any case: it knows itself what is there, or hands over layers.

        Raises
        ------
        InputError
            With the sentence of the step.
        Cancelled
        """
        self.begin(title)
        if again:
            return self._run(title, algorithm, parameters, names or {})
        plain = {name: _plain(value, self._context) for name, value in parameters.items()}
        written = _made(parameters, algorithm)
        state = digest(
            {
                "algorithm": algorithm,
                "parameters": plain,
                "about": self._about,
                "files": [
                    _state(path)
                    for name, value in plain.items()
                    if name not in written
                    for path in _paths(value)
                ],
            }
        )
        found = self._done.get(algorithm, {})
        if found.get("state") == state and found.get("made") == _states(written):
            self._progress.log("Kept from an earlier run: its inputs, settings and results are the same.")
            self.warnings += [(title, words) for words in found["warnings"]]
            return dict(found["outputs"])
        outputs = self._run(title, algorithm, parameters, names or {})
        self._journal.add(
            {
                "step": algorithm,
                "state": state,
                "made": _states(written),
                "outputs": {name: value for name, value in outputs.items() if _is_plain(value)},
                "warnings": self._feedback.warnings,
            }
        )
        return outputs

    def warn(self, sentence: str) -> None:
        """Warn of the step that runs, in log and report."""
        self._progress.warn(sentence)
        self.warnings.append((self._title, sentence))

    def close(self) -> None:
        """Close the file of finished steps."""
        self._journal.close()

    def _run(
        self, title: str, algorithm: str, parameters: dict[str, Any], names: Mapping[str, str]
    ) -> dict[str, Any]:
        # As QGIS runs the steps of a model: `processing.run` would repeat results and errors in the log.
        feedback, refusal = self._feedback, ""
        feedback.warnings, feedback.errors = [], []
        outputs, good = {}, False
        try:
            feedback.step = step = step_of(algorithm)
            outputs, good = step.run(parameters, self._context, feedback, catchExceptions=False)
        except QgsProcessingException as error:
            refusal = str(error)
        feedback.end_table()
        self._progress.check()
        if not refusal and not good:
            refusal = feedback.errors[-1] if feedback.errors else f"'{title}' ended without a result."
        if refusal:
            raise InputError(in_own_words(by_ids(refusal, step), names))
        self.warnings += [(title, words) for words in feedback.warnings]
        return outputs


def _made(parameters: Mapping[str, Any], algorithm: str) -> dict[str, str]:
    """The files and folders that a step writes, by parameter."""
    # Held: its definitions end with it.
    step = step_of(algorithm)
    names = {one.name() for one in step.destinationParameterDefinitions()}
    return {name: value for name, value in parameters.items() if name in names}


def _states(written: Mapping[str, str]) -> list[Any]:
    return [_state(path) for path in written.values()]


def _state(path: str) -> list[Any]:
    """Names, sizes and times of a file and those behind it, or of all files in a folder; none without one."""
    if not os.path.exists(path):
        return []
    files = sorted(_files_in(path)) if os.path.isdir(path) else _files_behind(path)
    return [list(identity(file)) for file in files]


def _files_in(folder: str) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # QGIS leaves statistics beside rasters that it opens.
        yield from (
            os.path.join(root, name)
            for name in files
            if not name.startswith(".") and not name.endswith(".aux.xml")
        )


def _files_behind(path: str) -> list[str]:
    return [file for file in files_behind(path) if not file.endswith(".aux.xml")]


def _paths(plain: Any) -> Iterator[str]:
    """What of a value is a file or folder."""
    if isinstance(plain, list):
        for item in plain:
            yield from _paths(item)
    elif isinstance(plain, str):
        path = plain.split("|")[0]
        if os.path.exists(path):
            yield path


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _plain(value: Any, context: QgsProcessingContext) -> Any:
    """A parameter's value as JSON takes it: of layers their sources, of extents their edges and CRS."""
    if isinstance(value, (list, tuple)):
        return [_plain(item, context) for item in value]
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        return [_plain(value.source.staticValue(), context), value.selectedFeaturesOnly]
    if isinstance(value, QgsMapLayer):
        return value.source()
    if isinstance(value, QgsReferencedRectangle):
        return f"{value.toString(12)} {crs_text(value.crs())}"
    if isinstance(value, QgsCoordinateReferenceSystem):
        return crs_text(value)
    if isinstance(value, str):
        layer = None if os.path.exists(value) else context.getMapLayer(value)
        return value if layer is None else layer.source()
    if value is None or _is_plain(value):
        return value
    return value.toString() if hasattr(value, "toString") else str(value)
