"""Principal components of standardised variables, with supplementary ones projected on them (paper 2.3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....base.errors import InputError

#: Least rows of an analysis.
LEAST_ROWS = 3
#: An SD below this share of the largest value is rounding: the variable is constant.
_ROUNDING = 1e-12
#: Loadings that differ by less are equally large: the first one then gives the sign.
_TIE = 1e-9


@dataclass(frozen=True)
class Supplementary:
    """Variables that were not fitted, shape (variables,) or (variables, components).

    Attributes
    ----------
    names : tuple of str
    n : int array
        Rows of the analysis in which each has a value.
    mean, sd : float64 arrays
        Over these rows, ddof 0.
    loadings : float64 array
        Correlation of the variable with the scores over these rows.
    """

    names: tuple[str, ...]
    n: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    loadings: np.ndarray


@dataclass(frozen=True)
class Components:
    """Principal components, the greatest first; components without variance are left out.

    Attributes
    ----------
    names : tuple of str, length p
    rows : bool array, shape (all rows,)
        The n rows that have all variables.
    mean, sd : float64 arrays, shape (p,)
        Of these rows, ddof 0.
    eigenvalues : float64 array, shape (k,)
        Of the correlation matrix; k is at most p and n - 1.
    eigenvectors, loadings : float64 arrays, shape (p, k)
        A loading is an eigenvector's element times the root of the eigenvalue: the correlation of the
        variable with the component.
    scores : float64 array, shape (n, k)
        z-scores times eigenvectors; their variance (ddof 0) is the eigenvalue.
    supplementary : Supplementary
    """

    names: tuple[str, ...]
    rows: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    loadings: np.ndarray
    scores: np.ndarray
    supplementary: Supplementary

    @property
    def shares(self) -> np.ndarray:
        """Share of the variance that each component explains, shape (k,)."""
        return self.eigenvalues / len(self.names)

    @property
    def cumulative(self) -> np.ndarray:
        """Share that it explains together with those before it, shape (k,)."""
        return np.cumsum(self.shares)


def varying(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which variables have a number, and which vary in the rows that have all of these: bool, shape (p,).

    Parameters
    ----------
    values : float array, shape (rows, p)
        NaN where missing.
    """
    known = np.isfinite(values).any(axis=0)
    rows = np.isfinite(values[:, known]).all(axis=1)
    vary = known.copy()
    if rows.any():
        vary[known] = ~_moments(values[rows][:, known].astype(np.float64))[2]
    return known, vary


def with_signs_of(found: Components, other: Components) -> Components:
    """The same components, each turned so that it points the way of that of `other` with its number."""
    sign = np.ones(len(found.eigenvalues))
    along = _along(found, other)
    sign[: len(along)] = np.where(along < 0, -1.0, 1.0)
    supplementary = replace(found.supplementary, loadings=found.supplementary.loadings * sign)
    return replace(
        found,
        eigenvectors=found.eigenvectors * sign,
        loadings=found.loadings * sign,
        scores=found.scores * sign,
        supplementary=supplementary,
    )


def congruence(found: Components, other: Components) -> np.ndarray:
    """How alike components of the same number are, -1 to 1, shape (components of both,).

    Tucker's coefficient of the loadings of the variables of both (Lorenzo-Seva & ten Berge 2006,
    Methodology 2, 57-64).
    """
    here, there = _shared(found, other)
    sizes = np.linalg.norm(here, axis=0) * np.linalg.norm(there, axis=0)
    return np.divide(_along(found, other), sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def _along(found: Components, other: Components) -> np.ndarray:
    here, there = _shared(found, other)
    return np.asarray((here * there).sum(axis=0))


def _shared(found: Components, other: Components) -> tuple[np.ndarray, np.ndarray]:
    """Loadings of the variables and components that both have."""
    names = [name for name in found.names if name in other.names]
    count = min(len(found.eigenvalues), len(other.eigenvalues))
    here, there = (each.loadings[[each.names.index(n) for n in names], :count] for each in (found, other))
    return here, there


def principal_components(
    values: np.ndarray,
    names: Sequence[str],
    supplementary: np.ndarray | None = None,
    supplementary_names: Sequence[str] = (),
) -> Components:
    """PCA of z-scores (ddof 0) by singular value decomposition (Jolliffe 2002, 2.3 and 3.5).

    The sign of a component is such that its largest absolute loading is positive.

    Parameters
    ----------
    values : float array, shape (rows, p)
        NaN where missing; rows with a NaN are left out.
    names : sequence of str, length p
    supplementary : float array, shape (rows, q), optional
        Variables that are projected: their loadings are their correlations with the scores.
    supplementary_names : sequence of str, length q

    Raises
    ------
    InputError
        For fewer than two variables, variables without a value or with one value only, and fewer than
        three complete rows.
    """
    names = tuple(names)
    if len(names) < 2:
        raise InputError("FIELDS: a principal component analysis needs two fields or more; choose more.")
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    _refuse("FIELDS", names, ~np.isfinite(values).any(axis=0), "no number in any row")
    rows = np.isfinite(values).all(axis=1)
    if rows.sum() < LEAST_ROWS:
        if len(rows) < LEAST_ROWS:
            raise InputError(f"INPUT: it has {len(rows)} rows of at least {LEAST_ROWS}; give more.")
        lacking = np.isnan(values).sum(axis=0)
        worst = int(np.argmax(lacking))
        raise InputError(
            f"FIELDS: only {int(rows.sum())} of {len(rows)} rows have all fields ({names[worst]} is missing "
            f"in {int(lacking[worst])}); at least {LEAST_ROWS} are needed, so leave out fields or fill them."
        )
    used = values[rows]
    mean, sd, constant = _moments(used)
    _refuse("FIELDS", names, constant, "one value only in the rows used")
    left, singular, right = np.linalg.svd((used - mean) / sd / np.sqrt(len(used)), full_matrices=False)
    kept = singular > singular[0] * max(used.shape) * np.finfo(np.float64).eps
    # Centred rows span one dimension less than they are; rounding may leave something of it.
    kept[len(used) - 1 :] = False
    singular, eigenvectors = singular[kept], right[kept].T
    sign = _signs(eigenvectors)
    eigenvectors = eigenvectors * sign
    scores = left[:, kept] * singular * np.sqrt(len(used)) * sign
    others = np.zeros((len(rows), 0)) if supplementary is None else np.asarray(supplementary, np.float64)
    return Components(
        names,
        rows,
        mean,
        sd,
        singular**2,
        eigenvectors,
        eigenvectors * singular,
        scores,
        _projected(others[rows], tuple(supplementary_names), scores),
    )


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, SD (ddof 0), and whether a variable is constant, shape (variables,) each; no NaN."""
    mean, sd = values.mean(axis=0), values.std(axis=0)
    return mean, sd, sd <= _ROUNDING * np.abs(values).max(axis=0, initial=0.0)


def _refuse(parameter: str, names: Sequence[str], bad: np.ndarray, what: str) -> None:
    found = [name for name, is_bad in zip(names, bad) if is_bad]
    if found:
        verb, them = ("has", "it") if len(found) == 1 else ("have", "them")
        raise InputError(f"{parameter}: {', '.join(found)} {verb} {what}; leave {them} out.")


def _signs(eigenvectors: np.ndarray) -> np.ndarray:
    size = np.abs(eigenvectors)
    # The first of (nearly) equal ones: rounding shall not decide.
    first = np.argmax(size >= size.max(axis=0) - _TIE, axis=0)
    return np.where(eigenvectors[first, np.arange(eigenvectors.shape[1])] < 0, -1.0, 1.0)


def _projected(values: np.ndarray, names: tuple[str, ...], scores: np.ndarray) -> Supplementary:
    found = Supplementary(
        names,
        np.isfinite(values).sum(axis=0),
        np.zeros(len(names)),
        np.zeros(len(names)),
        np.zeros((len(names), scores.shape[1])),
    )
    for index, name in enumerate(names):
        if found.n[index] < LEAST_ROWS:
            raise InputError(
                f"SUPPLEMENTARY: {name} has {int(found.n[index])} numbers in the rows used; at least "
                f"{LEAST_ROWS} are needed, so leave it out."
            )
        known = np.isfinite(values[:, index])
        mean, sd, constant = _moments(values[known, index : index + 1])
        _refuse("SUPPLEMENTARY", (name,), constant, "one value only in the rows used")
        z = (values[known, index] - mean) / sd
        found.mean[index], found.sd[index] = mean[0], sd[0]
        found.loadings[index] = _correlations(z, scores[known])
    return found


def _correlations(z: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Pearson correlation of z-scores with each component; NaN with one that does not vary."""
    spread = scores.std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = z @ (scores - scores.mean(axis=0)) / len(z) / spread
    return np.where(spread > 0, np.clip(found, -1.0, 1.0), np.nan)
