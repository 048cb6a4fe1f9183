"""A call in the main thread, from an algorithm that works in another one."""

from __future__ import annotations

from collections.abc import Callable
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
    result: Result = call.take()
    return result


class _Call(QObject):
    asked = pyqtSignal()

    def __init__(self, function: Callable[[], Any]):
        super().__init__()
        self._function: Callable[[], Any] | None = function
        self._result: Any = None
        self._error: BaseException | None = None

    @pyqtSlot()
    def answer(self) -> None:
        """Call the function, in the thread of this object."""
        function, self._function = self._function, None
        try:
            self._result = function() if function is not None else None
        except BaseException as error:  # handed to the caller, who raises it
            self._error = error

    def take(self) -> Any:
        """What the function returned or raised; the call holds nothing of it any longer."""
        result, error = self._result, self._error
        self._result = self._error = None
        if error is not None:
            raise error
        return result
