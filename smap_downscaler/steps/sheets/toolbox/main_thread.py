"""A call in the main thread, from an algorithm that works in another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from qgis.PyQt.QtCore import QCoreApplication, QObject, Qt, QThread, pyqtSignal, pyqtSlot

Result = TypeVar("Result")
#: Calls that were made, emptied: Qt's objects must not be deleted by another thread than their own.
_KEPT: list[_Call] = []


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
    _KEPT.append(call)
    call.asked.emit()
    result: Future[Result] = call.result
    del call.function, call.result
    return result.result()


class _Call(QObject):
    asked = pyqtSignal()

    def __init__(self, function: Callable[[], Any]):
        super().__init__()
        self.function = function
        self.result: Future[Any] = Future()

    @pyqtSlot()
    def answer(self) -> None:
        """Call the function, in the thread of this object."""
        try:
            self.result.set_result(self.function())
        except BaseException as error:  # handed to the caller, who raises it
            self.result.set_exception(error)
