"""Whether a map shows the borders of SMAP's cells."""

import numpy as np


def seam(values, rows, cols):
    """Mean step at the borders of cells over that inside, to the right or down, whichever is larger.

    `rows` and `cols` are the places of the pixels among the cells, of the shape of `values`.
    """
    found = []
    for axis, place in ((0, rows), (1, cols)):
        step = np.abs(np.diff(values, axis=axis))
        border = np.diff(np.floor(place), axis=axis) != 0
        known = np.isfinite(step)
        found.append(step[border & known].mean() / step[~border & known].mean())
    return max(found)


def places(shape, parts):
    """Rows and columns of pixels that nest in cells, `parts` a side of each."""
    return (np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5) / parts
