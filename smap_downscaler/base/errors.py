"""The two ways in which a step may end other than with its result."""


class InputError(ValueError):
    """Bad input, in one sentence: which file or parameter, what is wrong, what to do."""


class Cancelled(Exception):
    """The user stopped the work; nothing was written under a final name."""
