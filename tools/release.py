#!/usr/bin/env python3
"""Build the ZIP of a release, where it may be published; `make release` tries it beforehand.

    tools/release.py [--output FOLDER]      default: dist/
    tools/release.py --changelog            put the newest entry of CHANGELOG.md into metadata.txt

Refused are the reserved addresses that stand in metadata.txt as long as nobody has set real ones, a change
log that is not that of the version, bytes that differ from build to build, and what the plugin site's
scanners and qgis-plugin-analyzer find.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from package import PackageError, build, read_metadata
from tree import TOP

#: Fields of metadata.txt that hold addresses.
ADDRESSES = ("email", "homepage", "repository", "tracker")
#: Names that no network resolves, or that are kept for examples (RFC 2606, RFC 6761).
_RESERVED = re.compile(
    r"(?:^|[@/.])(?:example\.(?:com|net|org|edu)|(?:[\w-]+\.)*[\w-]+\.(?:example|invalid|test|localhost|local))"
    r"(?:[:/?#]|$)|://localhost\b",
    re.IGNORECASE,
)
#: What the plugin site runs on the content of a ZIP; ruff's format has spaces before some colons (E203).
SCANNERS = (
    ("bandit", "--quiet", "--recursive", "."),
    ("flake8", "--max-line-length=120", "--extend-ignore=E203", "."),
)
#: Kinds that qgis-plugin-analyzer finds here and that are no faults: texts are English as yet, style is
#: ruff's matter, names in SQL are quoted (B608), threads of ours touch nothing of Qt, and PyQt6 has
#: addAction(text, slot).
EXPLAINED = frozenset(
    [
        "MISSING_I18N",
        "MISSING_DOCSTRING",
        "MAGIC_NUMBER",
        "NON_PYTHONIC_LOOP",
        "HIGH_COMPLEXITY",
        "GOD_OBJECT",
        "SPAGHETTI_CODE",
        "B608",
        "UNSAFE_THREAD",
        "QT6_ADDACTION_MULTIARG",
    ]
)
_SECRETS = ("detect-secrets", "scan", "--all-files", "--exclude-files", r"metadata\.txt", ".")


def newest_entry(changelog: str) -> tuple[str, str]:
    """Version and text of the newest entry of CHANGELOG.md."""
    _, version, text = re.split(r"^## \[?v?([0-9][^\s\]]*).*\n", changelog, maxsplit=1, flags=re.MULTILINE)
    return version, re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0].strip()


def changelog_field(changelog: str) -> str:
    """The newest entry as metadata.txt holds it, below its version.

    QGIS reads the file with Python's configparser, which stops at a percent sign and passes over lines that
    begin with # or ;.
    """
    version, text = newest_entry(changelog)
    lines = [re.sub(r"\s*%", " percent", line).lstrip("#;") for line in text.splitlines() if line.strip()]
    return "\n".join([version, *lines])


def with_changelog(metadata: str, changelog: str) -> str:
    """The text of metadata.txt with the newest entry of CHANGELOG.md."""
    field = "changelog=" + changelog_field(changelog).replace("\n", "\n ")
    rest = re.sub(r"^changelog=.*\n(?:[ \t].*\n)*", "", metadata, flags=re.MULTILINE)
    return f"{rest.rstrip()}\n{field}\n"


def refusals(metadata: dict[str, str], changelog: str) -> list[str]:
    """Why metadata.txt cannot be published, a sentence each."""
    found = [
        f"metadata.txt: {name} is {metadata.get(name, '')}, an address reserved for examples; put the real "
        "one there."
        for name in ADDRESSES
        if _RESERVED.search(metadata.get(name, "").strip())
    ]
    version = newest_entry(changelog)[0]
    if metadata.get("version") != version:
        found.append(
            f"metadata.txt: version is {metadata.get('version')}, but the newest in CHANGELOG.md is "
            f"{version}; make them one."
        )
    lines = [line.strip() for line in metadata.get("changelog", "").splitlines() if line.strip()]
    if lines != [line.strip() for line in changelog_field(changelog).splitlines()]:
        found.append(
            "metadata.txt: changelog is not the newest entry of CHANGELOG.md; run "
            "tools/release.py --changelog."
        )
    return found


def scanned(archive: Path) -> list[str]:
    """What the scanners find in a ZIP."""
    found = []
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)
        for command in (*SCANNERS, _SECRETS):
            words = [str(tools / command[0]), *command[1:]]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            clean = '"results": {}' in done.stdout if command is _SECRETS else done.returncode == 0
            if not clean:
                found.append(f"{command[0]} finds:\n{done.stdout}{done.stderr}".rstrip())
        (plugin,) = (path for path in Path(folder).iterdir() if path.is_dir())
        words = [str(tools / "qgis-analyzer"), "analyze", str(plugin)]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        told = next(Path(folder).rglob("project_context.json"), None)
        lines = [done.stdout + done.stderr] if told is None else analysed(json.loads(told.read_text("utf-8")))
        if lines:
            found.append("\n".join(["qgis-plugin-analyzer finds:", *lines]))
    return found


def analysed(context: dict[str, Any]) -> list[str]:
    """What qgis-plugin-analyzer tells of a plugin, without what is explained, a line each."""
    issues = context["qgis_compliance"]["best_practices"]["issues"] + context["security"]["findings"]
    found = [
        f"{one['file']}:{one['line']}: {one['type']} {one['message']}"
        for one in issues
        if one["type"] not in EXPLAINED
    ]
    rules = context["repository_compliance"]
    return found + list(map(str, [*rules["binaries"], *rules["constraint_errors"]]))


def release(output: Path, top: Path = TOP) -> Path:
    """Build the ZIP twice and return it; raises PackageError with all that speaks against it."""
    found = refusals(read_metadata(top), (top / "CHANGELOG.md").read_text(encoding="utf-8"))
    if found:
        raise PackageError("\n".join(found))
    with tempfile.TemporaryDirectory() as first:
        once, archive = build(Path(first), top), build(output, top)
        if once.read_bytes() != archive.read_bytes():
            raise PackageError("Two builds of the same tree differ; find out what changes.")
    found = scanned(archive)
    if found:
        archive.unlink()
        raise PackageError("\n".join(found))
    return archive


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the ZIP of a release.")
    parser.add_argument("--output", type=Path, default=TOP / "dist", help="folder for the ZIP")
    parser.add_argument("--changelog", action="store_true", help="write the change log into metadata.txt")
    arguments = parser.parse_args()
    if arguments.changelog:
        file, log = TOP / "metadata.txt", (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
        file.write_text(with_changelog(file.read_text(encoding="utf-8"), log), encoding="utf-8")
        return 0
    try:
        print(release(arguments.output))
    except PackageError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
