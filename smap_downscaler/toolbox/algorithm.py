"""The base of all algorithms: help, dependencies, checks and errors in one place.

A subclass sets `ID`, `GROUP`, `FIRST` and `NEEDS`, lists its parameters in `define()`,
checks what is cheap to check in `validate()` and works in `work()`.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from qgis.core import (
    Qgis,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
    QgsProcessingOutputDefinition,
    QgsProcessingParameterDefinition,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QWidget

from ..base.cluster import check_address, working_at
from ..base.errors import Cancelled, InputError, let_go
from ..base.progress import Progress, heard_by
from ..base.version import tracker
from .dependencies import advice, missing
from .feedback import QgisProgress
from .given import check_file_names, check_plain_values, ignored_parameters
from .help import as_html, as_plain, load_help, with_labels
from .help_page import help_url
from .landing import COVARIATE, group
from .layers import hand_over_outputs
from .manifest import RunManifest
from .naming import labels_of, named
from .output_checks import check_outputs
from .reports import DRAWN_BY, report_outputs
from .tags import tags_of
from .values import Values

RESOURCES = Path(__file__).resolve().parents[1] / "resources"

#: Groups of the toolbox: where to begin, then in the order in which the data flow. QGIS sorts them by name.
GROUPS = {
    "workflows": "0 Start here",
    "data": "1 Data",
    "covariates": "2 Covariates",
    "models": "3 Models",
    "maps": "4 Maps",
    "analysis": "5 Analysis",
}
#: Modules that every algorithm needs; QGIS brings them on all systems.
_ALL_NEED = ("pyproj",)
#: Letters of an error that was not foreseen which its sentence repeats.
_LONGEST = 300


Outcome = TypeVar("Outcome")


def frameless(method: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """What `method` raises goes on without its frames.

    QGIS never lets go of an exception that comes out of an algorithm written in Python, nor of the frames in
    its traceback, of their callers, and of all that these hold: layers, open files, arrays.
    """

    @functools.wraps(method)
    def outermost(*arguments: Any) -> Outcome:
        try:
            return method(*arguments)
        except QgsProcessingException as refusal:
            refusal.__traceback__ = None
            # A bare one adds no frame of its own (from Python 3.11 on).
            raise

    return outermost


def short_help(algorithm: QgsProcessingAlgorithm) -> str:
    """The help beside the dialog of an algorithm or a shipped model."""
    outputs = {output.name(): output.description() for output in algorithm.outputDefinitions()}
    return as_html(load_help(algorithm.name()), outputs | labels_of(algorithm))


class SmapAlgorithm(QgsProcessingAlgorithm):
    """Base of the provider's algorithms."""

    ID: ClassVar[str] = ""
    GROUP: ClassVar[str] = ""
    #: Parameters on the dialog's first page, at most 7: what a first run needs.
    FIRST: ClassVar[tuple[str, ...]] = ()
    #: Modules that `work` imports and that a QGIS may lack (keys of `dependencies.PACKAGES`).
    NEEDS: ClassVar[tuple[str, ...]] = ()

    # What subclasses write.

    def define(self) -> Iterable[QgsProcessingParameterDefinition]:
        """The parameters, in the order of the dialog."""
        raise NotImplementedError

    def define_outputs(self) -> Iterable[QgsProcessingOutputDefinition]:
        """Outputs that no destination parameter makes."""
        return ()

    def validate(self, values: Values) -> None:
        """Raise `InputError` for what can be seen to be wrong before any work; quick, changes nothing."""

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        """Do the work and return the outputs; in a background thread."""
        raise NotImplementedError

    def kind_of(self, output: str) -> str:
        """What a raster among the outputs is (one of `landing.KINDS`)."""
        return COVARIATE

    def dress(self, layer: QgsVectorLayer) -> None:
        """Give features among the outputs their looks."""

    # What QGIS calls.

    def createInstance(self) -> SmapAlgorithm:
        return type(self)()

    def name(self) -> str:
        return self.ID

    def displayName(self) -> str:
        return load_help(self.ID).name

    def group(self) -> str:
        return GROUPS[self.GROUP]

    def groupId(self) -> str:
        return self.GROUP

    def tags(self) -> list[str]:
        return tags_of(self.ID)

    def shortDescription(self) -> str:
        return load_help(self.ID).summary

    def shortHelpString(self) -> str:
        return short_help(self)

    def helpUrl(self) -> str:
        return help_url(self)

    def icon(self) -> QIcon:
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        return group_icon(self.GROUP)

    def createCustomParametersWidget(self, parent: QWidget | None = None) -> QWidget:
        from .dialog import OwnDialog

        return OwnDialog(self, False, parent)

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        texts, definitions = load_help(self.ID), list(self.define())
        labels = {definition.name(): definition.description() for definition in definitions}
        for definition in definitions:
            text = texts.parameters.get(definition.name()) or texts.outputs.get(definition.name(), "")
            definition.setHelp(as_plain(with_labels(text, labels)))
            if definition.name() not in self.FIRST:
                definition.setFlags(definition.flags() | Qgis.ProcessingParameterFlag.Advanced)
            self.addParameter(definition, createOutput=definition.name() != "REPORT")
        outputs = list(self.define_outputs())
        if self.parameterDefinition("REPORT") is not None:
            outputs += report_outputs(texts.title)
        for output in outputs:
            self.addOutput(output)

    def canExecute(self) -> tuple[bool, str]:
        lacking = missing((*_ALL_NEED, *self.NEEDS))
        return (False, advice(lacking)) if lacking else (True, "")

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        can_run, message = self.canExecute()
        if not can_run:
            return False, message
        values = Values(self, parameters, context)
        # Where both find fault, our sentence says more than QGIS's "Incorrect parameter value".
        for check in (lambda: self._check(values), lambda: self._check_layers(values)):
            refusal = self._attempt(check, values.parameters, context.feedback())
            if refusal:
                return False, refusal
        good, sentence = super().checkParameterValues(values.parameters, context)
        return good, named(sentence, self, values.parameters)

    def _check_layers(self, values: Values) -> None:
        """Raise `InputError` for a damaged file at which QGIS throws an exception without a name."""
        for definition in self.parameterDefinitions():
            given, damaged = values.parameters.get(definition.name()), False
            try:
                definition.checkValueIsAcceptable(given, values.context)
            except Exception:
                damaged = True
            if damaged:
                raise InputError(
                    f"{definition.name()}: QGIS cannot open {given}; the file may be damaged, get it again."
                )

    def _check(self, values: Values) -> None:
        check_file_names(self, values.parameters)
        check_plain_values(self, values.parameters)
        wants_report = self.parameterDefinition("REPORT") is not None and values.given("REPORT")
        lacking = missing(DRAWN_BY) if wants_report else []
        if lacking:
            raise InputError(f"REPORT: {advice(lacking)}")
        _check_scheduler(values)
        self.validate(values)
        check_outputs(self, values.parameters, values.context)

    @frameless
    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        if feedback.metaObject().className() == QgsProcessingMultiStepFeedback.__name__:
            # The log of a model says of no line which step speaks.
            feedback.pushInfo("")
            feedback.pushInfo(f"Step: {load_help(self.ID).title}")
        # Models and scripts skip canExecute and checkParameterValues.
        lacking = missing((*_ALL_NEED, *self.NEEDS))
        if lacking:
            raise QgsProcessingException(advice(lacking))
        values = Values.of_run(self, parameters, context)
        layers = context.layersToLoadOnCompletion()
        refusal = self._attempt(lambda: self._check(values), values.parameters, feedback)
        # Temporary files of the check alone.
        context.setLayersToLoadOnCompletion(layers)
        if refusal:
            raise QgsProcessingException(refusal)
        return True

    @frameless
    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        outputs: dict[str, Any] = {}

        def work() -> None:
            progress = QgisProgress(feedback, lambda sentence: named(sentence, self, parameters))
            for sentence in ignored_parameters(self, parameters, context):
                # Of ids that it advises, the ids are wanted.
                feedback.pushWarning(sentence)
            values = Values.of_run(self, parameters, context)
            with heard_by(progress), working_at(_scheduler(values), progress):
                manifest = RunManifest(self, values, progress)
                outputs.update(self.work(values, progress))
                manifest.write(outputs, progress)
                hand_over_outputs(self, context, outputs, self.kind_of, self.dress)
                group(context, load_help(self.ID).title)

        refusal = self._attempt(work, parameters, feedback)
        if refusal:
            raise QgsProcessingException(refusal)
        return outputs

    def _attempt(
        self, step: Callable[[], None], parameters: dict[str, Any], feedback: QgsProcessingFeedback | None
    ) -> str:
        """Take a step; returns the sentence with which it was refused, if it was.

        Nothing is raised while an error is handled: the new one would hold the frames of the first.
        """
        refusal = ""
        try:
            step()
        except Exception as error:
            refusal = self._sentence(error, feedback)
            if isinstance(error, InputError):
                refusal = named(refusal, self, parameters)
            let_go(error)
        return refusal

    def _sentence(self, error: Exception, feedback: QgsProcessingFeedback | None) -> str:
        if isinstance(error, Cancelled):
            if feedback is not None:
                feedback.pushInfo(
                    "Cancelled; files that were finished are whole, and no unfinished one is left."
                )
            return ""
        if isinstance(error, InputError):
            return str(error)
        if feedback is not None:
            feedback.pushDebugInfo(
                "".join(traceback.format_exception(type(error), error, error.__traceback__))
            )
        title = load_help(self.ID).title
        if isinstance(error, MemoryError):
            return (
                f"{title}: the memory of this machine does not suffice; close other programs, "
                "or work on a smaller extent."
            )
        if isinstance(error, OSError) and error.strerror:
            return (
                f"{error.filename or title}: {error.strerror}; check the path, your rights and "
                "the free space there."
            )
        return (
            f"{title}: it stopped at an error that was not foreseen "
            f"({type(error).__name__}: {' '.join(str(error).split())[:_LONGEST]}); report it at {tracker()} "
            "together with the log of this run, which says where."
        )


def _scheduler(values: Values) -> str:
    """The address of a Dask scheduler; empty where none is given."""
    return values.text("SCHEDULER").strip() if values.given("SCHEDULER") else ""


def _check_scheduler(values: Values) -> None:
    address = _scheduler(values)
    lacking = missing(("distributed",)) if address else []
    if lacking:
        raise InputError(f"SCHEDULER: {advice(lacking)}")
    if address:
        check_address(address)


def icon_path() -> str:
    """The plugin's icon."""
    return str(RESOURCES / "icon.svg")


def group_icon(group: str) -> str:
    """The icon of the tools of a group."""
    return str(RESOURCES / "groups" / f"{group}.svg")
