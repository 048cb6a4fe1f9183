#!/usr/bin/env python3
"""Hold every name of Qt that the plugin uses against PyQt6, which QGIS 4 has in the place of PyQt5.

tools/check_qt6.py      files of smap_downscaler: what comes from qgis.PyQt, and what is asked of it by name

PyQt6 knows no enum without its scope, which PyQt5 lets pass.  Only names are looked up, nothing is run.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from package import NAME
from tree import TOP, tree_files

_FROM = "qgis.PyQt"
#: Methods of PyQt5 that PyQt6 lacks, whatever they are called on.
_GONE = {"exec_", "print_", "toTime_t"}


def findings(source: str, module_of: Callable[[str], Any]) -> Iterator[tuple[int, str]]:
    """(line number, what PyQt6 lacks) of a source text; `module_of` gives PyQt6's module of a name."""
    tree, known = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(f"{_FROM}."):
            inside = node.module[len(_FROM) + 1 :]
            for alias in node.names:
                path = f"{inside}.{alias.name}".lstrip(".")
                found = _found(path, module_of)
                if found is None:
                    yield node.lineno, path
                known[alias.asname or alias.name] = (path, found)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names = _chain(node)
            path, held = known.get(names[0], ("", None)) if names else ("", None)
            if held is not None:
                missing = _missing(held, names[1:])
                if missing:
                    yield node.lineno, ".".join((path, *missing))
            elif node.attr in _GONE:
                yield node.lineno, f"{node.attr}()"


def _found(path: str, module_of: Callable[[str], Any]) -> Any:
    """What PyQt6 has under a path, as QtCore.QDate; None for nothing."""
    module, _, name = path.partition(".")
    try:
        held = module_of(module)
    except ImportError:
        return None
    return getattr(held, name, None) if name else held


def _chain(node: ast.expr) -> list[str]:
    """The names of a.b.c; none where it begins with something else than a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    before = _chain(node.value) if isinstance(node, ast.Attribute) else []
    return [*before, node.attr] if before and isinstance(node, ast.Attribute) else []


def _missing(held: Any, names: list[str]) -> list[str]:
    """The names up to the one that is not there; none where all are."""
    for number, name in enumerate(names, start=1):
        if not hasattr(held, name):
            return names[:number]
        held = getattr(held, name)
    return []


def main() -> int:
    def module_of(name: str) -> Any:
        return importlib.import_module(f"PyQt6.{name}")

    lacking, files = 0, [file for file in tree_files() if file.suffix == ".py" and NAME in file.parts]
    for file in files:
        source = file.read_text(encoding="utf-8")
        for line, name in sorted(
            set(findings(source, lambda name: importlib.import_module(f"PyQt6.{name}")))
        ):
            print(f"{file.relative_to(TOP)}:{line}: PyQt6 has no {name}.")
            lacking += 1
    print(f"check_qt6: {len(files)} files, {lacking} findings.")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
