"""A regression matrix with days that can be used and days that cannot."""

import numpy as np

from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import open_matrix
from smap_downscaler.steps.matrix.write import create_matrix


def good_and_bad_days(path, grid, names, day):
    """Days 0-3 are good; 4 has 19 cells, 5 has 30 of which 12 lack rain, 6 is constant, 7 has no rain."""
    generator = np.random.default_rng(2)
    with create_matrix(path, grid, names, {"clay": "g/kg"}) as writer:
        for number, n in enumerate((40, 45, 50, 40, 19, 30, 40, 40)):
            flat = np.sort(generator.choice(120, n, replace=False))
            x = generator.normal(size=(n, 3)).astype(np.float32)
            y = 0.25 + 0.1 * np.tanh(x[:, 0]) + 0.01 * generator.normal(size=n)
            if number == 1:
                x[3:8, 2] = np.nan
            elif number == 5:
                x[:12, 1] = np.nan
            elif number == 6:
                y[:] = 0.3
            elif number == 7:
                x[:, 1] = np.nan
            writer.write(DayRows(day(number), flat // 12, flat % 12, y, x))
    return open_matrix(path)
