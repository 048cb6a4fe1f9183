"""The report of a principal component analysis: scree plot, biplot, eigenvalues and loadings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...base.words import Text, counted, joined, text
from ...report.number_text import fixed
from ...report.page import Page
from .figures import MOST_LABELS, biplot, scree
from .numbers.components import Components

#: Components in the table of loadings; the others are in the table file.
_MOST_COLUMNS = 6


def components_page(
    found: Components,
    warnings: Sequence[str],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str,
    scored: int | None = None,
) -> Page:
    """The report as a page.

    Parameters
    ----------
    found : Components
    warnings : sequence of str
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    scored : int, optional
        Components whose scores the layer has; None: all. The report shows no other scores.
    """
    n, p, k = int(found.rows.sum()), len(found.names), len(found.eigenvalues)
    counts = (counted(n, "row"), counted(p, "variable"), counted(k, "component"))
    page = Page("Principal components", joined(", ", counts))
    page.warnings(warnings)
    first = "component explains" if k == 1 else "two components explain"
    page.paragraph(
        text(
            "The first {} {share:.1f} % of the variance of the standardised variables. A component describes "
            "what goes together in this sample; it proves no cause.",
            first,
            share=100 * found.cumulative[min(k, 2) - 1],
        )
    )
    page.heading("Variance explained").picture(
        scree(found),
        "Share of the variance of each component, and of all up to it",
        "Bars: each component, with its eigenvalue; line: all up to it. Dashed: what a single variable "
        "contributes (eigenvalue 1).",
    )
    rows = [
        (
            f"PC{number}",
            fixed(value, ".4f"),
            text("{:.2f} %", 100 * share),
            text("{:.2f} %", 100 * total),
        )
        for number, (value, share, total) in enumerate(
            zip(found.eigenvalues, found.shares, found.cumulative), start=1
        )
    ]
    page.table(("component", "eigenvalue", "explained", "up to here"), rows)
    if min(k, k if scored is None else scored) > 1:
        _biplot(page, found)
    else:
        page.paragraph("A biplot needs the scores of two components; OUTPUT has those of one.")
    _loadings(page, found)
    return page.manifest(manifest).footer(footer)


def _biplot(page: Page, found: Components) -> None:
    count = len(found.names) + len(found.supplementary.names)
    some = Text()
    if count > MOST_LABELS:
        some = text(" The {} longest of {arrows} arrows have a label.", MOST_LABELS, arrows=count)
    page.heading("Biplot").picture(
        biplot(found),
        "Scores of the first two components as points, loadings of the variables as arrows",
        "Points: scores, in units of the axes below and on the left. Arrows: loadings, in units of those "
        "above and on the right. Arrows that point the same way go together, opposite ones against each "
        "other; a short arrow is a variable that these two components explain little of." + some,
    )


def _loadings(page: Page, found: Components) -> None:
    shown = min(len(found.eigenvalues), _MOST_COLUMNS)
    head = ("variable", "role", "mean", "SD", *(f"PC{number + 1}" for number in range(shown)))
    parts = [("active", found.names, found.mean, found.sd, found.loadings)]
    other = found.supplementary
    parts.append(("supplementary", other.names, other.mean, other.sd, other.loadings))
    rows = [
        (
            name,
            role,
            fixed(mean, ".4g"),
            fixed(sd, ".4g"),
            *(fixed(value, ".3f") for value in loadings[:shown]),
        )
        for role, names, means, sds, table in parts
        for name, mean, sd, loadings in zip(names, means, sds, table)
    ]
    page.heading("Loadings").table(head, rows)
    page.paragraph(
        "A loading is the correlation of a variable with a component: an element of the eigenvector times "
        "the root of the eigenvalue. Supplementary variables took no part in the components; theirs is the "
        "correlation with the scores. The largest absolute loading of a component is positive. SD with "
        "ddof 0."
    )
    if shown < len(found.eigenvalues):
        page.paragraph("The other components are in the table LOADINGS, as are the eigenvectors.")
