"""What sentences call parameters: code names them by ids, users read the dialog's labels beside these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qgis.core import QgsProcessingAlgorithm

from .given import texts_in
from .help import labelled

#: Ids that are words of every day here: they are parameters only where a sentence begins with them, or
#: where they stand beside another id or a value.
_WORDS = ("SMAP", "DEM", "CRS")
_AFTER_A_WORD = re.compile(r":| \(| is | and | EPSG:")
_VALUE = re.compile(r" EPSG:")
#: What stands around an id in a path, a name in quotation marks, or a setting such as NAME=value.
_NO_ID_AFTER, _NO_ID_BEFORE = r"(?<![\w/\\'\"\[.=:-])", r"(?![\w/\\'\"=\]-]|\.\w)"
_ONE_WORD = re.compile(r"\w*")


def labels_of(algorithm: QgsProcessingAlgorithm) -> dict[str, str]:
    """The dialog's labels by the parameters' ids."""
    return {definition.name(): definition.description() for definition in algorithm.parameterDefinitions()}


def named(sentence: str, algorithm: QgsProcessingAlgorithm, parameters: Mapping[str, Any]) -> str:
    """The sentence with the label of each parameter that it names before its id, where it comes first.

    What the user gave (`parameters`), such as paths, stays as it is, and so does a sentence that has them.
    """
    labels = labels_of(algorithm)
    told = {name for name, label in labels.items() if labelled(label, name) in sentence}
    given = {text for value in parameters.values() for text in texts_in(value) if text in sentence}
    kept = [re.escape(text) for text in sorted(given, key=len, reverse=True) if not _ONE_WORD.fullmatch(text)]
    names = "|".join(map(re.escape, labels))
    ids = rf"{_NO_ID_AFTER}(?P<id>{names}){_NO_ID_BEFORE}"

    def with_label(match: re.Match[str]) -> str:
        name = match["id"]
        if name is None or name in told or (name in _WORDS and not _is_parameter(sentence, match, names)):
            return match[0]
        told.add(name)
        return labelled(labels[name], name)

    return re.sub("|".join([*kept, ids]), with_label, sentence)


def _is_parameter(sentence: str, word: re.Match[str], ids: str) -> bool:
    before, after = sentence[: word.start()], sentence[word.end() :]
    if not before and _AFTER_A_WORD.match(after):
        return True
    beside = re.search(rf"\b({ids})\]? (and|or) $", before) or re.match(rf" (and|or) ({ids})\b", after)
    return bool(beside or _VALUE.match(after) or (before.endswith(" as ") and after.startswith((".", ";"))))


def by_ids(sentence: str, algorithm: QgsProcessingAlgorithm) -> str:
    """The sentence before `named`."""
    for name, label in labels_of(algorithm).items():
        sentence = sentence.replace(labelled(label, name), name)
    return sentence
