"""What the two ways to call SAGA have in common: a session of tools, and how they fail."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from ....base.errors import InputError
from ....base.progress import Progress
from .output import SagaTalk
from .tools import Call


class SagaFailure(InputError):
    """SAGA did not do what it was asked; the sentence holds its own words."""


def failure(call: Call, talk: SagaTalk, what: str = "") -> SagaFailure:
    """The sentence for a call that failed; `what` is what was seen of it."""
    said = talk.message()
    version = f" {talk.version}" if talk.version else ""
    seen = f" ({what})" if what else ""
    return SagaFailure(
        f"SAGA{version}: {call.tool.title} failed{seen}; SAGA says: {said or 'nothing'}; "
        "correct that, or set ENGINE to built-in, which needs no SAGA."
    )


class Session:
    """Runs calls one after the other, in the order in which they were told; made by a `Runner`."""

    def __init__(self, calls: Sequence[Call], progress: Progress):
        self._calls, self.progress = calls, progress
        self._done = 0
        #: SAGA's version, once it has said it.
        self.version = ""

    def run(self, call: Call) -> None:
        """Run one call; its outputs are there afterwards.

        Raises
        ------
        SagaFailure
            If SAGA failed, or says that it did not but left an output out.
        Cancelled
            If the user asked to stop.
        """
        self.progress.check()
        self.progress.set_text(str(call))
        talk, begun = SagaTalk(), time.monotonic()
        # SAGA NextGen loses what SAGA prints where a letter is foreign to the locale: what is known stays.
        talk.version = self.version
        steps = len(self._calls)
        part = self.progress.part(self._done / steps, min((self._done + 1) / steps, 1.0))
        self.work(call, talk, part)
        self.version = talk.version
        # Seen before the outputs: a tool that was stopped leaves none.
        self.progress.check()
        lost = [name for name, path in call.outputs.items() if not Path(path).is_file()]
        if lost:
            raise failure(call, talk, f"it left no {' and no '.join(lost)}")
        self._done += 1
        self.progress.log(f"{call}: {time.monotonic() - begun:.1f} s.")

    def work(self, call: Call, talk: SagaTalk, progress: Progress) -> None:
        """Run one call and listen to it."""
        raise NotImplementedError


class Runner:
    """A way to call SAGA."""

    #: What to call it in the log.
    label = "SAGA"

    def session(
        self, calls: Sequence[Call], folder: Path, progress: Progress
    ) -> contextlib.AbstractContextManager[Session]:
        """A session of calls whose files lie in `folder`."""
        raise NotImplementedError
