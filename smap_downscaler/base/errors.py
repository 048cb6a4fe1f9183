"""The two ways in which a step may end other than with its result, and how an error is let go of."""

from __future__ import annotations

import traceback


class InputError(ValueError):
    """Bad input, in one sentence: which file or parameter, what is wrong, what to do."""


class Cancelled(Exception):
    """The user stopped the work; nothing was written under a final name."""


def let_go(error: BaseException) -> None:
    """Empty the frames that an error, and the errors before it, passed: they hold open files and arrays.

    For whoever turns an error into a sentence: QGIS keeps what it is told of until it ends.
    """
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
            one.__traceback__ = one.__cause__ = one.__context__ = None


def check_least(parameter: str, value: float, least: int, unit: str = "") -> None:
    """Raise `InputError` for a value of a parameter, in `unit` (with a blank), of less than `least`."""
    if value < least:
        raise InputError(f"{parameter} is {value}{unit}; give {least} or more.")
