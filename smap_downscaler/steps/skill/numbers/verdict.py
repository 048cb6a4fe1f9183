"""What an experiment says: which method to use here, how much of the pattern it finds, and what is lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ....base.words import Text, counted, joined, text
from .scores import KNOWN_TRUTH, CaseScore, MapScore, cases_of, mean
from .truths import MIRRORED

#: What everything is held against, and what no analyst has.
BILINEAR, CEILING = "bilinear", "ceiling"
#: RMSE over that of bilinear interpolation from which on a method is no better than it.
AS_GOOD = 0.99


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of an experiment.

    Attributes
    ----------
    maps : sequence of MapScore
    roles : dict
        Which covariate plays which role of the truths; empty for the test one scale up.
    scales : tuple of float
        Side of blocks and of cells of the test one scale up, km.
    warnings : list of str
    """

    maps: Sequence[MapScore]
    roles: dict[str, str] = field(default_factory=dict)
    scales: tuple[float, float] = (math.nan, math.nan)
    warnings: list[str] = field(default_factory=list)

    @property
    def test(self) -> str:
        """Which test it was."""
        return self.maps[0].case.test

    @property
    def cases(self) -> list[CaseScore]:
        """Scores by case and method."""
        return cases_of(self.maps, BILINEAR)

    def telling(self, dates: int) -> list[CaseScore]:
        """The cases with so many dates without those of mirrored covariates, if there are others."""
        own = [one for one in self.cases if one.case.dates == dates]
        return [one for one in own if one.case.truth != MIRRORED] or own

    @property
    def dates(self) -> list[int]:
        """Numbers of dates, ascending."""
        return sorted({one.case.dates for one in self.maps})


@dataclass(frozen=True)
class Standing:
    """A method over some cases.

    Attributes
    ----------
    method : str
    cases : int
    ratio, worst : float
        Mean and greatest RMSE over that of bilinear interpolation.
    worse : int
        Cases with an RMSE above it.
    explained : float
        Mean share of the variance within cells that the map's pattern explains (squared correlation; 0 where
        it runs the other way).
    scores : dict
        Means of the scores of `scores.SCORES`.
    """

    method: str
    cases: int
    ratio: float
    worst: float
    worse: int
    explained: float
    scores: dict[str, float]


def standings(cases: Iterable[CaseScore]) -> list[Standing]:
    """Each method over some cases, in the order in which they come."""
    groups: dict[str, list[CaseScore]] = {}
    for one in cases:
        groups.setdefault(one.method, []).append(one)
    return [_standing(method, group) for method, group in groups.items()]


def _standing(method: str, group: Sequence[CaseScore]) -> Standing:
    worst = max(group, key=lambda one: one.scores["ratio"])
    return Standing(
        method,
        len(group),
        mean([one.scores["ratio"] for one in group]),
        worst.scores["ratio"],
        sum(one.scores["ratio"] > 1 for one in group),
        mean([explained(one) for one in group]),
        {name: mean([one.scores[name] for one in group]) for name in group[0].scores},
    )


def explained(one: CaseScore) -> float:
    """The share of the variance within cells that a map's pattern explains: r^2, or 0 where r is below 0."""
    r = one.scores["r_within"]
    # A map without a pattern within cells explains nothing of it.
    return 0.0 if math.isnan(r) else max(r, 0.0) ** 2


def best_of(found: Sequence[Standing]) -> Standing:
    """The method with the least error that an analyst can use."""
    return min((one for one in found if one.method != CEILING), key=lambda one: one.ratio)


def no_better(cases: Sequence[CaseScore], method: str) -> list[float]:
    """Shares at which a method is no better than bilinear interpolation, ascending."""
    shares = sorted({one.case.share for one in cases})
    ratios = {
        share: mean(
            [one.scores["ratio"] for one in cases if one.method == method and one.case.share == share]
        )
        for share in shares
    }
    return [share for share, ratio in ratios.items() if not ratio < AS_GOOD]


def verdict(outcome: Outcome) -> list[Text]:
    """A paragraph for each number of dates."""
    return [_verdict(outcome, dates) for dates in outcome.dates]


def _verdict(outcome: Outcome, dates: int) -> Text:
    cases = outcome.telling(dates)
    found = standings(cases)
    best = best_of(found)
    (bilinear,) = (one for one in found if one.method == BILINEAR)
    known = outcome.test == KNOWN_TRUTH
    count = counted(best.cases, "case" if known else "window")
    with_dates = text("With {}: ", counted(dates, "date"))
    if not best.ratio < AS_GOOD:
        return with_dates + text(
            "use bilinear interpolation; no method has an error that is more than {:.0f} % smaller in the "
            "mean of {}. {}",
            100 * (1 - AS_GOOD),
            count,
            _explains(outcome, bilinear, bilinear),
        )
    words = with_dates + text(
        "use {method}. Its error is {less:.0f} % smaller than that of bilinear interpolation ({over}). "
        "{explains}",
        method=f"'{best.method}'",
        less=100 * (1 - best.ratio),
        over=_over(best, cases, count),
        explains=_explains(outcome, best, bilinear),
    )
    return words + _where(cases, best.method) if known else words


def _over(best: Standing, cases: Sequence[CaseScore], count: Text) -> Text:
    """What the error of the best method is a mean over, and from where to where it goes."""
    if best.cases == 1:
        return count
    least = min(one.scores["ratio"] for one in cases if one.method == best.method)
    return text("mean of {}; from {} to {}", count, change(least), change(best.worst))


def change(ratio: float) -> Text:
    """An error over another one, in words."""
    way = "smaller" if ratio <= 1 else "larger"
    return text("{:.0f} % {}", 100 * abs(1 - ratio), way)


def _explains(outcome: Outcome, best: Standing, bilinear: Standing) -> Text:
    what = "fine pattern within SMAP's cells" if outcome.test == KNOWN_TRUTH else "real pattern within blocks"
    told = text("Of the {what} it explains {own:.0f} % of the variance", what=what, own=100 * best.explained)
    if best is bilinear:
        return told + "."
    return told + text(", bilinear interpolation {other:.0f} %.", other=100 * bilinear.explained)


def _where(cases: Sequence[CaseScore], method: str) -> Text:
    """From which share of explained variance on a method is worth it, by footprint."""
    footprints = sorted({one.case.footprint_km for one in cases})
    sentences = []
    for footprint in footprints:
        own = [one for one in cases if one.case.footprint_km == footprint]
        sentence = _from_which(own, method)
        if len(footprints) > 1:
            sentence = text("With a footprint of {:g} km {}.", footprint, sentence)
        else:
            sentence = text("{}{}.", sentence[0].upper(), Text(sentence[1:], sentence.numbers))
        sentences.append(sentence)
    return Text(" ") + joined(" ", sentences)


def _from_which(cases: Sequence[CaseScore], method: str) -> Text:
    shares, poor = sorted({one.case.share for one in cases}), no_better(cases, method)
    if not poor and len(shares) == 1:
        return text(
            "it is better where covariates make {:.0f} % of the variance within cells, the one share that "
            "was tried",
            100 * shares[0],
        )
    if not poor:
        return text(
            "it is better at all shares that were tried, from {:.0f} % of the variance within cells made by "
            "covariates on",
            100 * shares[0],
        )
    if poor == shares:
        return Text("interpolation is as good at all shares that were tried")
    return text(
        "interpolation is as good where covariates make {:.0f} % of the variance within cells or less",
        100 * max(poor),
    )


def lost(outcome: Outcome) -> Text:
    """Which methods are worse than interpolation on average, and where the best one is."""
    sentences = []
    for dates in outcome.dates:
        found = standings(outcome.telling(dates))
        best = best_of(found)
        poor = [one for one in found if one.ratio > 1 / AS_GOOD and one.method != best.method]
        told = joined("; ", (text("{} {}", one.method, change(one.ratio)) for one in poor))
        if poor:
            sentences.append(
                text(
                    "With {}, these have a larger error than interpolation: {}.", counted(dates, "date"), told
                )
            )
        if best.worse and best.method != BILINEAR:
            sentences.append(
                text(
                    "The method '{}' is worse than interpolation in {:,} of {}, most in {}: {}.",
                    best.method,
                    best.worse,
                    counted(best.cases, "case" if outcome.test == KNOWN_TRUTH else "window"),
                    _plain(best, outcome.telling(dates)),
                    change(best.worst),
                )
            )
    return joined(" ", sentences) if sentences else Text("No method has a larger error than interpolation.")


def _plain(best: Standing, cases: Sequence[CaseScore]) -> Text:
    """The case in which a method did worst, with its numbers."""
    own = [one for one in cases if one.method == best.method]
    worst = max(own, key=lambda one: one.scores["ratio"]).case
    if worst.test != KNOWN_TRUTH:
        return text("window {}", int(worst.truth.split()[-1]))
    return text(
        "the truth '{}' (share {share:.0f} %, footprint {footprint:g} km, seed {seed})",
        worst.truth,
        share=100 * worst.share,
        footprint=worst.footprint_km,
        seed=worst.seed,
    )


def rule(maps: Iterable[MapScore]) -> Text:
    """How often it was right to show what evidence lets maps show; empty where nothing was judged."""
    judged = [one for one in maps if not math.isnan(one.rule_right)]
    if not judged:
        return Text()
    right = sum(one.rule_right > 0 for one in judged)
    return text(
        "Detail by evidence: {right:,} of {maps} ({share:.0f} %) were better for what they show of the "
        "pattern than without it; the evidence let them show {shown:.0f} % of it on average.",
        right=right,
        maps=counted(len(judged), "map"),
        share=100 * right / len(judged),
        shown=100 * sum(one.detail for one in judged) / len(judged),
    )
