"""Running algorithms as the toolbox does, with what they said."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

import pytest


@dataclass
class Said:
    """The lines an algorithm left in the log."""

    info: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    progress_texts: list[str] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.info + self.warnings + self.errors)


@pytest.fixture(autouse=True)
def _every_progress_text(request, monkeypatch):
    """Runs of tests are short: show all that a long one would show at times.

    What a run is cancelled at must not depend on how quick the machine is.
    """
    if "qgis_provider" not in request.fixturenames:
        return
    from smap_downscaler.base.progress import Counter
    from smap_downscaler.toolbox.feedback import QgisProgress

    monkeypatch.setattr(Counter, "LEAST_INTERVAL", 0.0)
    for name in ("QUIET", "OFTEN", "SELDOM"):
        monkeypatch.setattr(QgisProgress, name, 0.0)


@pytest.fixture(autouse=True)
def _plain_pictures(request, monkeypatch):
    """Laying out takes half of the time of a report: figures of whole runs are drawn, small, where they fall.

    Their own tests, which need no QGIS, lay them out.
    """
    if "qgis_provider" not in request.fixturenames:
        return
    from smap_downscaler.report import figure

    monkeypatch.setattr(figure.png, "__defaults__", (50,))
    with contextlib.suppress(ImportError):
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda engine, of: None)


@pytest.fixture
def said():
    """What the last `run` said."""
    return Said()


@pytest.fixture(scope="session")
def by_ids(qgis_provider):
    """What a user reads, as tests hold it: ids alone, in place of "label [ID]" (see `toolbox.naming`)."""
    ids = {
        f"{definition.description()} [{definition.name()}]": definition.name()
        for algorithm in qgis_provider.algorithms()
        for definition in algorithm.parameterDefinitions()
    }
    labelled = re.compile("|".join(re.escape(one) for one in sorted(ids, key=len, reverse=True)))
    return lambda text: labelled.sub(lambda found: ids[found[0]], text)


@pytest.fixture
def feedback(qgis_provider, said, by_ids):
    """A feedback that keeps what is logged; it cancels when `cancel_when` holds for a progress text."""
    from qgis.core import QgsProcessingFeedback

    class Listening(QgsProcessingFeedback):
        cancel_when = None

        def __init__(self):
            super().__init__(False)
            self.said = said
            self.progressChanged.connect(said.progress.append)

        def pushInfo(self, info):
            said.info.append(by_ids(info))

        def pushConsoleInfo(self, info):
            said.info.append(info.replace("\u00a0", " "))

        def pushWarning(self, warning):
            said.warnings.append(by_ids(warning))

        def reportError(self, error, fatalError=False):
            said.errors.append(by_ids(error))

        def setProgressText(self, text):
            said.progress_texts.append(text)
            if self.cancel_when and self.cancel_when(text):
                self.cancel()

    return Listening()


@pytest.fixture
def run(qgis_provider, feedback, by_ids):
    """Run an algorithm of the provider: ``run(id, parameters) -> outputs``; a bad run raises."""
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException

    def run_algorithm(algorithm_id, parameters, context=None):
        name = f"smapdownscaler:{algorithm_id}"
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
        if algorithm is None:
            raise LookupError(f"no algorithm {name}")
        context = context or QgsProcessingContext()
        context.setFeedback(feedback)
        try:
            outputs, good = algorithm.run(parameters, context, feedback, catchExceptions=False)
        except QgsProcessingException as error:
            raise QgsProcessingException(by_ids(str(error))) from None
        if not good and not feedback.isCanceled():
            # QGIS itself catches what prepareAlgorithm raises, and only reports it.
            raise QgsProcessingException(feedback.said.errors[-1])
        return outputs

    return run_algorithm


@pytest.fixture
def refusal(run):
    """The sentence with which an algorithm refuses: ``refusal(id, parameters) -> str``."""
    from qgis.core import QgsProcessingException

    def sentence(algorithm_id, parameters):
        with pytest.raises(QgsProcessingException) as caught:
            run(algorithm_id, parameters)
        return str(caught.value)

    return sentence
