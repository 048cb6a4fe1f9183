"""A call in the main thread, from an algorithm that works in another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from qgis.PyQt.QtCore import QCoreApplication, QObject, Qt, QThread, pyqtSignal, pyqtSlot

Result = TypeVar("Result")


def in_main_thread(function: Callable[[], Result]) -> Result:
    """``function()`` where Qt's graphics scenes belong, such as print layouts; returns when it is done.

    QGIS itself waits in this way for the steps of a model that must run in the main thread.  So the
    main thread must not be waiting for the algorithm, except in its event loop.
    """
    main = QCoreApplication.instance().thread()
    if QThread.currentThread() == main:
        return function()
    call = _Call(function)
    call.moveToThread(main)
    call.asked.connect(call.answer, Qt.ConnectionType.BlockingQueuedConnection)
    call.asked.emit()
    result: Result = call.result()
    return result


class _Call(QObject):
    asked = pyqtSignal()

    def __init__(self, function: Callable[[], Any]):
        super().__init__()
        self._function = function
        self._result: Any = None
        self._error: BaseException | None = None

    @pyqtSlot()
    def answer(self) -> None:
        """Call the function, in the thread of this object."""
        try:
            self._result = self._function()
        except BaseException as error:  # handed to the caller, who raises it
            self._error = error

    def result(self) -> Any:
        """What the function returned or raised."""
        if self._error is not None:
            raise self._error
        return self._result
