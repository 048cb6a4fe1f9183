"""The page behind the Help button: the help of a tool, what it is called with, and how to cite it."""

from __future__ import annotations

import html
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qgis.core import QgsProcessingAlgorithm, QgsProcessingParameterDefinition
from qgis.PyQt.QtCore import QStandardPaths, QUrl

from ..base.errors import InputError
from ..base.version import plugin_version
from ..geo.datasets import whole_file
from .help import HelpText, as_html, blocks, heading, help_folder, load_help, with_labels

_STYLE = Path(__file__).resolve().parents[1] / "resources" / "report" / "page.css"
#: What maps are cited with.
CITED = (
    "SMAP Downscaler {version}, a plugin of QGIS (the version is in the manifest beside each result).",
    "For the forests, and for the chain: Bueno, M., Baca Garcia, C., Montoya, N., Rau, P., & Loayza, H. "
    "(2024). Scientia Agropecuaria, 15(1), 103-120.",
    "SMAP itself, as its data centre asks for the product that you use (SPL3SMP_E or SPL3SMP), and the "
    "sources of your covariates.",
)
#: Pages that are not of one tool.
GUIDES = ("first_map", "own_area", "cluster")


def help_url(algorithm: QgsProcessingAlgorithm) -> str:
    """Where the page of a tool lies; it is written anew each time, which takes no longer than to look.

    Empty where it cannot be written: QGIS asks when it opens a dialog, which goes on without it.
    """
    try:
        return _written(algorithm.name(), page(algorithm))
    except InputError:
        return ""


def guide_url(name: str) -> str:
    """Where a guide lies, one of `GUIDES`."""
    text = (help_folder() / "pages" / f"{name}.md").read_text(encoding="utf-8")
    title, _, body = text.removeprefix("# ").partition("\n")
    return _written(name, _page(title, [blocks(body)]))


def page(algorithm: QgsProcessingAlgorithm) -> str:
    """The page of a tool, as HTML."""
    text = load_help(algorithm.name())
    definitions = algorithm.parameterDefinitions()
    labels = {one.name(): one.description() for one in (*algorithm.outputDefinitions(), *definitions)}
    parts = [_pictures(algorithm.name()), as_html(HelpText(text.title, text.summary, text.body), labels)]
    if text.mistakes:
        parts.append(f"<h2>Common mistakes</h2>{blocks(with_labels(text.mistakes, labels))}")
    if text.example:
        parts.append(_calls(algorithm, text.example))
    for title, entries in (("Input parameters", text.parameters), ("Outputs", text.outputs)):
        if entries:
            parts.append(f"<h2>{title}</h2>")
        for name, words in entries.items():
            definition = algorithm.parameterDefinition(name)
            parts.append(f"<h3>{heading(name, labels)}</h3>{blocks(with_labels(words, labels))}")
            parts.append(_facts(definition) if definition is not None else "")
    if text.paper:
        parts.append(f"<h2>In the paper</h2>{blocks(text.paper)}")
    cited = "".join(f"<li>{html.escape(line.format(version=plugin_version()))}</li>" for line in CITED)
    parts.append(f"<h2>How to cite</h2><ul>{cited}</ul>")
    return _page(text.title, parts)


def example_values(example: str) -> dict[str, str | list[str]]:
    """What the example of a help text gives to each parameter; a list where it stands there several times."""
    found: dict[str, str | list[str]] = {}
    for line in example.splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        if name in found:
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), value]
        elif name:
            found[name] = value
    return found


def _calls(algorithm: QgsProcessingAlgorithm, example: str) -> str:
    values = example_values(example)
    words = ["qgis_process", "run", algorithm.id(), "--"]
    for name, value in values.items():
        words += [f"{name}={shlex.quote(one)}" for one in (value if isinstance(value, list) else [value])]
    given = ",\n".join(f"    {name!r}: {_python(value)}" for name, value in values.items())
    return (
        "<h2>Example</h2>"
        "<p>With the folder that 'Create demo data' makes, and the results of the steps before:</p>"
        f"<pre>{html.escape(' '.join(words))}</pre>"
        "<p>The same in QGIS's Python console:</p>"
        f"<pre>{html.escape(f'processing.run({algorithm.id()!r}, {{{chr(10)}{given},{chr(10)}}})')}</pre>"
    )


def _python(value: str | Sequence[str]) -> str:
    if isinstance(value, list):
        return repr(value)
    if value in ("true", "false"):
        return value.capitalize()
    try:
        float(str(value))
    except ValueError:
        return repr(value)
    return str(value)


def _facts(definition: QgsProcessingParameterDefinition) -> str:
    """Whether a parameter may be left empty, and what it is then."""
    told = []
    if definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
        told.append("optional")
    default = definition.defaultValue()
    if default not in (None, "") and not definition.isDestination():
        told.append(f"default: {default}")
    return f'<p class="subtitle">{html.escape("; ".join(told))}</p>' if told else ""


def _pictures(name: str) -> str:
    path = help_folder() / "pictures" / f"dialog_{name}.png"
    if not path.is_file():
        return ""
    return f'<figure><img alt="The dialog" src="{path.resolve().as_uri()}"></figure>'


def _page(title: str, parts: Sequence[str]) -> str:
    style = _STYLE.read_text(encoding="utf-8")
    extra = "pre { background: #f5f6f8; padding: .6em .8em; white-space: pre-wrap; overflow-wrap: anywhere; }"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}{extra}</style></head><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _folder() -> Path:
    """Of the user, or a temporary one where there is none to write in."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.CacheLocation)
    for base in (place, tempfile.gettempdir()):
        folder = Path(base) / f"smap_downscaler_help_{plugin_version()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return folder
    return Path(tempfile.gettempdir())


def _written(name: str, content: str) -> str:
    """The address of a page, once it is written."""
    path = _folder() / f"{name}.html"
    with whole_file(path) as part:
        part.write_text(content, encoding="utf-8")
    return QUrl.fromLocalFile(str(path)).toString()
