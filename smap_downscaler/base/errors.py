"""The two ways in which a step may end other than with its result."""


class InputError(ValueError):
    """Bad input, in one sentence: which file or parameter, what is wrong, what to do."""


class Cancelled(Exception):
    """The user stopped the work; nothing was written under a final name."""


def check_least(parameter: str, value: float, least: int, unit: str = "") -> None:
    """Raise `InputError` for a value of a parameter, in `unit` (with a blank), of less than `least`."""
    if value < least:
        raise InputError(f"{parameter} is {value}{unit}; give {least} or more.")
