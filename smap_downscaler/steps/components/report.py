"""The report of a principal component analysis: scree plot, biplot, eigenvalues and loadings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...base.words import Text, counted, joined, text
from ...report.number_text import fixed
from ...report.page import Page
from .figures import biplot, most_labels, scree
from .numbers.analyse import Analysis
from .numbers.components import Components, congruence

#: Components in the table of loadings; the others are in the table file.
_MOST_COLUMNS = 6


def components_page(
    analyses: Sequence[Analysis],
    warnings: Sequence[str],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str,
    scored: int | None = None,
    colour: str = "",
) -> Page:
    """The report as a page.

    Parameters
    ----------
    analyses : sequence of Analysis
        One, or one per date, whose signs are those of the first.
    warnings : sequence of str
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    scored : int, optional
        Components whose scores the layer has; None: all. The report shows no other scores.
    colour : str
        What colours the points of the biplot; empty where nothing does.
    """
    page = Page("Principal components", joined("; ", (_on(one, _counts(one.found)) for one in analyses)))
    page.warnings(warnings)
    page.paragraph(
        joined(" ", (_on(one, _explained(one.found)) for one in analyses))
        + " A component describes what goes together in this sample; it proves no cause."
    )
    for one in analyses:
        _variance(page, one)
    if min(scored or 2, *(len(one.found.eigenvalues) for one in analyses)) > 1:
        _biplots(page, analyses, colour)
    else:
        page.paragraph("A biplot needs the scores of two components; OUTPUT has those of one.")
    for one in analyses:
        _loadings(page, one)
    page.paragraph(
        "A loading is the correlation of a variable with a component: an element of the eigenvector times "
        "the root of the eigenvalue. Supplementary variables took no part in the components; theirs is the "
        "correlation with the scores. The largest absolute loading of a component is positive"
        + (" on the first date, and the other one's are turned to point its way" if len(analyses) > 1 else "")
        + ". SD with ddof 0."
    )
    if max(len(one.found.eigenvalues) for one in analyses) > _MOST_COLUMNS:
        page.paragraph("The other components are in the table LOADINGS, as are the eigenvectors.")
    return page.manifest(manifest).footer(footer)


def _on(one: Analysis, words: Text) -> Text:
    return Text(f"{one.date}: ") + words if one.date else words


def _counts(found: Components) -> Text:
    n, p, k = int(found.rows.sum()), len(found.names), len(found.eigenvalues)
    return joined(", ", (counted(n, "row"), counted(p, "variable"), counted(k, "component")))


def _explained(found: Components) -> Text:
    k = len(found.eigenvalues)
    return text(
        "The first {} {share:.1f} % of the variance of the standardised variables.",
        "component explains" if k == 1 else "two components explain",
        share=100 * found.cumulative[min(k, 2) - 1],
    )


def _variance(page: Page, one: Analysis) -> None:
    found = one.found
    page.heading(f"Variance explained{_of_date(one)}").picture(
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


def _of_date(one: Analysis) -> str:
    return f", {one.date}" if one.date else ""


def _biplots(page: Page, analyses: Sequence[Analysis], colour: str) -> None:
    some, most = Text(), most_labels(analyses)
    count = max(len(one.found.names) + len(one.found.supplementary.names) for one in analyses)
    if count > most:
        some = text(" The {} longest of {arrows} arrows have a label.", most, arrows=count)
    coloured = f" Their colour: {colour}." if colour else ""
    beside = " Limits and colours of both dates are the same." if len(analyses) > 1 else ""
    page.heading("Biplot (the paper's Fig. 7)").picture(
        biplot(analyses, colour),
        "Scores of the first two components as points, loadings of the variables as arrows",
        f"Points: scores, in units of the axes below and on the left.{coloured} Arrows: loadings, in units "
        "of those above and on the right. Arrows that point the same way go together, opposite ones against "
        f"each other; a short arrow is a variable that these two components explain little of.{beside}"
        + some,
    )
    for one in analyses[1:]:
        first, second = congruence(one.found, analyses[0].found)[:2].tolist()
        page.paragraph(
            text(
                "How alike the components of both dates are (Tucker's congruence of their loadings, which is "
                "one where they are the same): PC1 {:.2f}, PC2 {:.2f}. Where it is low, an axis of one date "
                "means something else than that of the other.",
                first,
                second,
            )
        )


def _loadings(page: Page, one: Analysis) -> None:
    found = one.found
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
    page.heading(f"Loadings{_of_date(one)}").table(head, rows)
