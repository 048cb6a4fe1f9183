"""SAGA by a provider that QGIS has: `sagang` (SAGA NextGen) or `saga`, tool by tool as child algorithms.

SAGA NextGen reports no failure, cannot be stopped within a tool, and writes
its commands to one file a profile: so results are looked at, cancelling acts
between tools, and only one run at a time goes through it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
)
from qgis.PyQt.QtCore import QLockFile

from ....base.progress import Progress
from ..saga.grids import remove_saga_grid as remove_grid
from ..saga.output import SagaTalk, version_number
from ..saga.runner import Runner, Session, failure
from ..saga.tools import TOOLS, Call

#: Ids of the providers, the best first.
PROVIDERS = ("sagang", "saga")
#: The file in a profile that a run holds.
LOCK = "smap_downscaler_saga.lock"
#: Milliseconds between two looks whether the other run has ended.
_LOOK = 200


def find_provider() -> tuple[str, str]:
    """Id of a registered provider that has all tools, or empty, and why another one is not used."""
    registry, reasons = QgsApplication.processingRegistry(), []
    for provider in PROVIDERS:
        if registry.providerById(provider) is None:
            continue
        lacking = _lacking(provider)
        if not lacking:
            return provider, ""
        reasons.append(f"the provider {provider} lacks {lacking}")
    return "", "; ".join(reasons)


def _lacking(provider: str) -> str:
    """The first tool or parameter that a provider does not have, or empty."""
    for tool in TOOLS:
        name = f"{provider}:{tool.algorithm}"
        algorithm = QgsApplication.processingRegistry().algorithmById(name)
        if algorithm is None:
            return name
        has = {definition.name() for definition in algorithm.parameterDefinitions()}
        for parameter in (*tool.inputs, *tool.options, *tool.outputs):
            if parameter not in has:
                return f"the parameter {parameter} of {name}"
    return ""


class ProviderSaga(Runner):
    """SAGA by a provider of QGIS."""

    def __init__(self, provider: str, context: QgsProcessingContext):
        self._provider, self._context = provider, context
        name = QgsApplication.processingRegistry().providerById(provider).longName()
        self.label = f"SAGA by the QGIS provider {provider} ({name})"

    @contextlib.contextmanager
    def session(self, calls: Sequence[Call], folder: Path, progress: Progress) -> Iterator[Session]:
        with _alone(progress):
            try:
                yield _ChildSession(self._provider, self._context, calls, folder, progress)
            finally:
                _let_go(self._context, folder)


@contextlib.contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """Hold the profile's lock; wait for another run to end."""
    lock = QLockFile(os.path.join(QgsApplication.qgisSettingsDirPath(), LOCK))
    # A run may take hours; the lock of a process that is gone is taken over whatever its age.
    lock.setStaleLockTime(0)
    logged = False
    while not lock.tryLock(_LOOK):
        if lock.error() != QLockFile.LockError.LockFailedError:
            # A profile that cannot be written to: nobody else runs SAGA from it either.
            progress.warn(
                "The profile's lock for SAGA cannot be made; run no other SAGA tool at the same time."
            )
            break
        progress.check()
        if not logged:
            progress.set_text("Waiting for another run of SAGA in this profile")
            logged = True
    try:
        yield
    finally:
        lock.unlock()


def _let_go(context: QgsProcessingContext, folder: Path) -> None:
    """Close the layers that QGIS opened to check the children's parameters: Windows removes no open file."""
    store, inside = context.temporaryLayerStore(), os.path.realpath(folder)
    opened = [
        layer
        for layer in store.mapLayers().values()
        if os.path.realpath(layer.source()).startswith(inside + os.sep)
    ]
    store.removeMapLayers(opened)


class _Listening(QgsProcessingFeedback):
    """Keeps what a child says from the log, and passes on progress and cancelling."""

    def __init__(self, steps: int, progress: Progress):
        super().__init__(False)
        self._steps, self._progress = steps, progress
        self._done, self._part = 0, progress
        self._explained = False
        self.talk = SagaTalk()
        self.progressChanged.connect(self._moved)

    def begin(self, done: int, talk: SagaTalk, part: Progress) -> None:
        """Listen to the next child, after `done` others."""
        self._done, self.talk, self._part = done, talk, part

    def _moved(self, percent: float) -> None:
        # Of all steps; a child goes from 0 to 100 for each grid that it loads and saves, too.
        self.talk.percent(percent * self._steps - 100.0 * self._done)
        self._part.set_fraction(self.talk.fraction)
        self._look()

    def _look(self) -> None:
        if self._progress.is_cancelled() and not self.isCanceled():
            self.cancel()

    def pushConsoleInfo(self, info: str) -> None:
        self.talk.feed(info + "\n")
        self._look()

    def pushInfo(self, info: str) -> None:
        self._look()

    def pushCommandInfo(self, info: str) -> None:
        self._look()

    def pushDebugInfo(self, info: str) -> None:
        self._look()

    def setProgressText(self, text: str) -> None:
        self._look()

    def pushWarning(self, warning: str) -> None:
        self.talk.feed(warning + "\n")

    def reportError(self, error: str, fatalError: bool = False) -> None:
        if "unsupported SAGA version" in error:
            self._explain(error)
        else:
            self.talk.feed(error + "\n")

    def _explain(self, error: str) -> None:
        """Say once what SAGA NextGen's warning is worth."""
        if self._explained:
            return
        self._explained = True
        found, _, wanted = error.partition("required")
        version, least = version_number(found), version_number(wanted)
        shown = ".".join(str(part) for part in version)
        if version >= least:
            why = "it compares the numbers as text; the version is new enough"
        else:
            why = "the tools used here are the same in SAGA 8.5 as in later versions"
        self._progress.log(f"The provider calls SAGA {shown} an unsupported version. Pay no heed: {why}.")


class _ChildSession(Session):
    def __init__(
        self,
        provider: str,
        context: QgsProcessingContext,
        calls: Sequence[Call],
        folder: Path,
        progress: Progress,
    ):
        super().__init__(calls, progress)
        self._provider, self._context, self._folder = provider, context, folder
        self._listening = _Listening(len(calls), progress)
        self._feedback = QgsProcessingMultiStepFeedback(len(calls), self._listening)

    def work(self, call: Call, talk: SagaTalk, progress: Progress) -> None:
        import processing

        self._listening.begin(self._done, talk, progress)
        self._feedback.setCurrentStep(self._done)
        name = f"{self._provider}:{call.tool.algorithm}"
        parameters, spare = self._parameters(name, call)
        try:
            processing.run(
                name, parameters, context=self._context, feedback=self._feedback, is_child_algorithm=True
            )
        except QgsProcessingException as error:
            talk.end()
            self.progress.check()
            raise failure(call, talk, _one_line(error)) from None
        except Exception as error:
            # Whatever a plugin of others raises must reach the user as a sentence.
            self.progress.check()
            raise failure(call, talk, f"{type(error).__name__}: {_one_line(error)}") from error
        finally:
            _let_go(self._context, self._folder)
            for path in spare:
                remove_grid(path)

    def _parameters(self, name: str, call: Call) -> tuple[dict[str, Any], list[str]]:
        """The parameters of a child, and the files of the outputs that it insists on without need."""
        algorithm = QgsApplication.processingRegistry().algorithmById(name)
        parameters: dict[str, Any] = {**call.inputs, **call.options, **call.outputs}
        spare: list[str] = []
        optional = Qgis.ProcessingParameterFlag.Optional
        for definition in algorithm.parameterDefinitions():
            if definition.name() in parameters or definition.flags() & optional:
                continue
            if definition.isDestination():
                spare.append(str(self._folder / f"spare_{definition.name().lower()}.sdat"))
                parameters[definition.name()] = spare[-1]
            elif definition.name() in call.tool.asked:
                parameters[definition.name()] = call.inputs[call.tool.asked[definition.name()]]
        return parameters, spare


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
