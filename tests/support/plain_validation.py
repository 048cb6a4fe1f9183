"""Cross-validation once more from its rules, in plain loops and scikit-learn: what ours is held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error

from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings

#: Part of the seed of each forest.
SCHEME_NUMBERS = {"random": 0, "blocks": 1, "periods": 2, "locations": 3, "locations and dates": 4}
#: Of a fold: indices of the rows that its forest learns from, and of those that it predicts.
Fold = tuple[np.ndarray, np.ndarray]


def forest_key(whose: int, scheme: str, repeat: int, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a forest from that of others; `inner` from 1, 0 for the outer fold's own."""
    numbers = [whose, SCHEME_NUMBERS[scheme], repeat, fold, inner]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def plain_forest(
    forest: ForestSettings, rows: int, p: int, key: int, share: float | None = None
) -> RandomForestRegressor:
    """scikit-learn's own, to be fitted all at once, with the seed worked out by hand."""
    draws = rows if forest.sample_size is None else min(forest.sample_size, rows)
    if share is not None:
        draws = max(2, round(share * rows))
    return RandomForestRegressor(
        n_estimators=forest.n_estimators,
        max_features=min(forest.max_features or 1, p),
        max_samples=draws,
        min_samples_split=forest.min_samples_split,
        min_samples_leaf=forest.min_samples_leaf,
        random_state=int(np.random.SeedSequence([forest.seed, key]).generate_state(1)[0]),
    )


def derived_by_hand(
    days: np.ndarray, y: np.ndarray, seen: Sequence[int], targets: Sequence[int]
) -> np.ndarray:
    """Day of year and neighbours in time of the rows `targets`, one by one, from the rows `seen`."""
    known = sorted((int(days[index]), y[index]) for index in seen)
    rows = []
    for target in targets:
        day = int(days[target])
        date = dt.date.fromordinal(day)
        length = 366 if date.year % 4 == 0 else 365
        angle = 2 * np.pi * (date.timetuple().tm_yday - 1) / length
        before = [pair for pair in known if pair[0] < day]
        after = [pair for pair in known if pair[0] > day]
        left, right = before[-1:] or after[:1], after[:1] or before[-1:]
        gap_left = min(day - before[-1][0], 30) if before else 30
        gap_right = min(after[0][0] - day, 30) if after else 30
        rows.append([np.sin(angle), np.cos(angle), left[0][1], right[0][1], gap_left, gap_right])
    return np.array(rows)


def _dealt(names: list, folds: int, rng: np.random.Generator, largest_first: bool = False) -> dict:
    """The fold of each different name: in random order each goes where the fewest rows are."""
    different = sorted(set(names))
    order = [different[index] for index in rng.permutation(len(different))]
    if largest_first:
        order.sort(key=lambda name: -names.count(name))
    filled = [0] * min(folds, len(different))
    fold_of = {}
    for name in order:
        fold_of[name] = filled.index(min(filled))
        filled[fold_of[name]] += names.count(name)
    return fold_of


def _in_turn(runs: list, folds: int, rng: np.random.Generator) -> dict:
    """The fold of each run: each fold once in any `folds` runs from the first, never twice in a row."""
    order = sorted(set(runs))
    folds = min(folds, len(order))
    fold_of: dict = {}
    for begin in range(0, len(order), folds):
        turn = rng.permutation(folds).tolist()
        if begin and turn[0] == fold_of[order[begin - 1]]:
            turn = turn[-1:] + turn[:-1]
        fold_of.update(zip(order[begin:], turn))
    return fold_of


def plain_folds(
    scheme: str,
    index: np.ndarray,
    where: list | None,
    days: np.ndarray,
    folds: int,
    wanted: ValidationSettings,
    rng: np.random.Generator,
) -> list[Fold]:
    """The folds of the rows `index`; `where` is the cell or block of every row."""
    rows = index.tolist()
    if scheme == "random":
        fold_of = {}
        for position, place in enumerate(rng.permutation(len(rows))):
            fold_of[rows[place]] = position % folds
        return [
            (
                np.array([row for row in rows if fold_of[row] != fold]),
                np.array([row for row in rows if fold_of[row] == fold]),
            )
            for fold in range(folds)
        ]
    run = {}
    if scheme in ("periods", "locations and dates"):
        start = int(rng.integers(wanted.period))
        run = {row: (int(days[row]) + start) // wanted.period for row in rows}
    if scheme == "locations and dates":
        folds = min(folds, len({where[row] for row in rows}), len(set(run.values())))
    here, now = {}, {}
    if scheme != "periods":
        of_place = _dealt([where[row] for row in rows], folds, rng, scheme == "blocks")
        here = {row: of_place[where[row]] for row in rows}
    if run:
        of_run = _in_turn([run[row] for row in rows], folds, rng)
        now = {row: of_run[run[row]] for row in rows}
    found = []
    for fold in range(folds):
        hidden_days = {int(days[row]) for row in rows if now and now[row] == fold}
        test, train = [], []
        for row in rows:
            in_place, in_time = not here or here[row] == fold, not now or now[row] == fold
            near = any(abs(int(days[row]) - day) <= wanted.gap for day in hidden_days)
            if in_place and in_time:
                test.append(row)
            elif not near and not (here and in_place):
                train.append(row)
        if test:
            found.append((np.array(train), np.array(test)))
    return found


def _places(rows: Cells, wanted: ValidationSettings, scheme: str, rng: np.random.Generator) -> list | None:
    """The cell, or block, of each row; where blocks begin is drawn."""
    if scheme not in ("blocks", "locations", "locations and dates"):
        return None
    if not wanted.block_km:
        return [tuple(cell) for cell in rows.cells.tolist()]
    side = wanted.block_km * 1000
    left, bottom = rng.uniform(0, side, 2)
    return [(int((y - bottom) // side), int((x - left) // side)) for x, y in rows.coordinates.tolist()]


class Nested:
    """Nested cross-validation of a repeat: predictions, and what each outer fold chose.

    `columns` are those of the table that are used; `whose` is the number of the date or cell.
    """

    def __init__(
        self,
        rows: Cells,
        whose: int,
        scheme: str,
        wanted: ValidationSettings,
        columns: list[int],
        repeat: int = 1,
    ):
        self.rows, self.wanted, self.columns = rows, wanted, columns
        everything = np.arange(rows.y.size)
        rng = np.random.default_rng(np.random.SeedSequence([wanted.seed, whose, repeat]))
        where = _places(rows, wanted, scheme, rng)
        self.folds = plain_folds(scheme, everything, where, rows.days, wanted.folds, wanted, rng)
        self.predicted = np.full(rows.y.size, np.nan)
        self.chosen: list[int] = []
        self.inner_rmse: list[float] = []
        for fold, (train, test) in enumerate(self.folds):
            rng = np.random.default_rng(np.random.SeedSequence([wanted.seed, whose, repeat, fold + 1]))
            inner = plain_folds(scheme, train, where, rows.days, wanted.inner_folds, wanted, rng)
            errors = []
            for candidate in range(len(wanted.candidates)):
                predicted = np.full(rows.y.size, np.nan)
                for number, (inside, outside) in enumerate(inner):
                    key = forest_key(whose, scheme, repeat, fold, number + 1)
                    predicted[outside] = self._predict(candidate, inside, outside, key)
                known = np.isfinite(predicted)
                errors.append(float(mean_squared_error(rows.y[known], predicted[known]) ** 0.5))
            self.chosen.append(int(np.argmin(errors)))
            self.inner_rmse.append(min(errors))
            own = forest_key(whose, scheme, repeat, fold)
            self.predicted[test] = self._predict(self.chosen[-1], train, test, own)

    def _predict(self, number: int, train: np.ndarray, test: np.ndarray, key: int) -> np.ndarray:
        candidate, rows = self.wanted.candidates[number], self.rows
        x = [rows.x[part][:, self.columns] for part in (train, test)]
        if self.wanted.features.names:
            x = [
                np.hstack([own, derived_by_hand(rows.days, rows.y, train, part)]).astype(np.float32)
                for own, part in zip(x, (train, test))
            ]
        settings, share = candidate.settings, candidate.sample_share
        forest = plain_forest(settings, train.size, x[0].shape[1], key, share)
        return forest.fit(x[0], rows.y[train]).predict(x[1])
