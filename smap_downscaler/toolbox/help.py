"""Help texts: one Markdown file an algorithm in `help/`, keyed by parameter and output name.

# Title (what comes out)
One sentence.

Paragraphs and bullet lists.

## Example
INPUT = demo/smap
## Mistakes
- A bullet list.
## Paper
One sentence.
## Parameters
### INPUT
Text.
## Outputs
### OUTPUT
Text.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class HelpText:
    """The parts of a help file; `example`, `mistakes` and `paper` are for the page behind the Help button."""

    title: str
    summary: str
    body: str
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    example: str = ""
    mistakes: str = ""
    paper: str = ""
    #: What comes out, as the toolbox says behind the title.
    result: str = ""

    @property
    def name(self) -> str:
        """What the toolbox calls the tool."""
        return f"{self.title} ({self.result})" if self.result else self.title


def help_folder() -> Path:
    """Inside the package when installed, beside it in a checkout."""
    inside = _PACKAGE / "help"
    return inside if inside.is_dir() else _PACKAGE.parent / "help"


@cache
def load_help(algorithm_id: str) -> HelpText:
    """The help of an algorithm; empty texts where the file is missing, so that the tool still loads."""
    path = help_folder() / f"{algorithm_id}.md"
    if not path.is_file():
        return HelpText(algorithm_id, "", "")
    return parse_help(path.read_text(encoding="utf-8"))


def parse_help(text: str) -> HelpText:
    """Split a help file into its parts."""
    head, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    heading, _, rest = head.strip().removeprefix("# ").partition("\n")
    title, _, result = heading.strip().removesuffix(")").partition(" (")
    summary, _, body = rest.strip().partition("\n\n")
    keyed: dict[str, dict[str, str]] = {}
    plain: dict[str, str] = {}
    for section in sections:
        first, *entries = re.split(r"^### +", section, flags=re.MULTILINE)
        name, _, words = first.partition("\n")
        plain[name.strip().lower()] = words.strip()
        keyed[name.strip().lower()] = {
            key.strip(): value.strip() for key, _, value in (entry.partition("\n") for entry in entries)
        }
    return HelpText(
        title,
        _one_line(summary),
        body.strip(),
        keyed.get("parameters", {}),
        keyed.get("outputs", {}),
        plain.get("example", ""),
        plain.get("mistakes", ""),
        plain.get("paper", ""),
        result,
    )


def as_html(text: HelpText, labels: Mapping[str, str] | None = None) -> str:
    """What QGIS shows beside the dialog; `labels` are what the dialog calls parameters and outputs."""
    labels = labels or {}
    parts = [f"<p><b>{_inline(text.summary)}</b></p>", blocks(with_labels(text.body, labels))]
    for title, entries in (("Input parameters", text.parameters), ("Outputs", text.outputs)):
        if entries:
            parts.append(f"<h3>{title}</h3>")
            parts += [
                f"<p><b>{heading(key, labels)}</b></p>{blocks(with_labels(value, labels))}"
                for key, value in entries.items()
            ]
    return "".join(parts)


def heading(key: str, labels: Mapping[str, str]) -> str:
    """What a parameter or output is called above its text, as HTML."""
    return html.escape(labelled(labels[key], key) if key in labels else key)


def labelled(label: str, name: str) -> str:
    """What users read of a parameter: the dialog's label, and the id that scripts know."""
    return f"{label} [{name}]"


def with_labels(text: str, labels: Mapping[str, str]) -> str:
    """A help text with the label of each parameter before its id in backticks, where that comes first."""
    told = set()

    def named(match: re.Match[str]) -> str:
        name = match[1]
        if name not in labels or name in told:
            return match[0]
        told.add(name)
        return labelled(labels[name], match[0])

    return re.sub(r"`(\w+)`", named, text)


def as_plain(text: str) -> str:
    """One paragraph without markup, for tool tips."""
    return _one_line(text.replace("`", "").replace("**", ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def blocks(text: str) -> str:
    """Headings, paragraphs, bullet lists, and lines indented by four spaces as they are."""
    out = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.strip().splitlines()
        if block.startswith("    "):
            out.append(f"<pre>{html.escape(textwrap.dedent(block))}</pre>")
        elif block.startswith("## "):
            out.append(f"<h2>{_inline(block[3:].strip())}</h2>")
        elif lines and all(line.lstrip().startswith(("- ", "  ")) or line.startswith("  ") for line in lines):
            items = re.split(r"^\s*- ", block.strip(), flags=re.MULTILINE)[1:]
            out.append("<ul>" + "".join(f"<li>{_inline(_one_line(item))}</li>" for item in items) + "</ul>")
        elif lines:
            out.append(f"<p>{_inline(_one_line(block))}</p>")
    return "".join(out)


def _inline(text: str) -> str:
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", escaped)
