"""Reads source code, without running it, for what the architecture forbids.

``findings(source, place)`` gives a sentence for each breach in one file; ``place`` is the
file's path inside ``smap_downscaler``, such as ``geo/grid.py``.  ``reach_findings(files)``
follows imports from file to file, and ``circles(files)`` finds files that import each other.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

PACKAGE = "smap_downscaler"
WITH_WINDOW = ("plugin.py", "__init__.py")
QGIS = ("qgis", "processing")  # "processing" is QGIS's own plugin of that name
#: Rooms that several steps share, each above those that it may use.
SHARED = ("base", "stats", "geo", "report", "series", "tables", "runs", "preflight", "methods", "toolbox")
#: Folders beside the package whose files import each other by their bare names.
FLAT = ("tools", "tests/support")
#: The list of algorithms, the one place of the shared rooms that knows the steps.
LIST = "toolbox/algorithms.py"
#: The steps, in the order of the work: a step imports only steps before it.
STEPS = (
    "demo",
    "fetch",
    "smap",
    "terrain",
    "rain",
    "covariates",
    "matrix",
    "forests",
    "areamodel",
    "crossvalidation",
    "maps",
    "gaps",
    "skill",
    "sheets",
    "polygons",
    "components",
    "field",
    "quantiles",
    "time",
    "indices",
    "districts",
    "chain",
)
# Only inside functions, so that the plugin loads where they are missing.
LATE = (
    *("sklearn", "statsmodels", "pandas", "matplotlib", "joblib", "scipy", "h5py", "dask", "distributed"),
    *("pyproj", "jinja2", "numba"),
)
NEVER = ("PyQt4", "PyQt5", "PyQt6", "PySide2", "PySide6", "sip")
UNSAFE_MODULES = ("pickle", "cPickle", "dill", "marshal", "shelve", "random", "qgis.utils.iface")
UNSAFE_NAMES = ("exec", "eval", "__import__")
UNSAFE_ATTRIBUTES = (
    "mktemp",
    "UseExceptions",
    "DontUseExceptions",
    "SetConfigOption",
    "SetConfigOptions",
    "putenv",
    "unsetenv",
    # Of the language that the machine is set to.
    *("month_name", "month_abbr", "day_name", "day_abbr"),
)
#: What hands out bytes where a file holds no UTF-8, and the one file that calls it.
TEXTS, OF_TEXTS = ("GetUnitType", "GetMetadata", "GetMetadata_Dict"), "geo/texts.py"
UNSAFE_DOTTED = ("joblib.load", "yaml.load", "sys.executable")
UNSAFE_KEYWORDS = ("shell", "allow_pickle")
ENVIRONMENT_WRITERS = ("update", "pop", "popitem", "setdefault", "clear")


def findings(source: str, place: str) -> list[str]:
    """Every breach in the file, as ``line: what``."""
    tree = _tree(source)
    found = [
        *_imports(tree, place),
        *_unsafe(tree),
        *_window(tree, place),
        *_unscoped_enums(tree),
        *_raw_texts(tree, place),
    ]
    return [f"{line}: {what}" for line, what in sorted(found)]


Found = Iterator[tuple[int, str]]


@functools.cache
def _tree(source: str) -> ast.Module:
    """The source as a tree, read once for all that asks."""
    return ast.parse(source)


def has_qgis(place: str) -> bool:
    """Whether a file may import QGIS: the plugin, algorithms, and what lies in a folder `toolbox`."""
    path = PurePosixPath(place)
    return (
        place in WITH_WINDOW
        or "toolbox" in path.parts[:-1]
        or (path.parts[0] == "steps" and path.name.endswith("algorithm.py"))
    )


def is_free_of_files(place: str) -> bool:
    """Whether a file must reach no GDAL: numbers, words, figures and pages."""
    path = PurePosixPath(place)
    return (
        path.parts[0] in ("base", "stats", "report")
        or "numbers" in path.parts[:-1]
        or path.name.endswith(("report.py", "figures.py", "figure.py"))
    )


def _imports(tree: ast.Module, place: str) -> Found:
    late_lines = set(_lines_in_functions(tree))
    for line, module in imported(tree, place):
        if not has_qgis(place) and _within(module, QGIS):
            yield line, f"imports {module}"
        yield from ((line, f"imports {module}{why}") for why in _closed(module, place))
        if _within(module, NEVER):
            yield line, f"imports {module}: use qgis.PyQt"
        if _within(module, UNSAFE_MODULES):
            yield line, f"imports {module}"
        if _within(module, LATE) and line not in late_lines:
            yield line, f"imports {module} when the plugin loads"


def _closed(module: str, place: str) -> Iterator[str]:
    """Why a room may not import a module of the package, if so."""
    if not _within(module, (PACKAGE,)):
        return
    own, other = PurePosixPath(place).parts, PurePosixPath(*module.split(".")[1:]).parts
    if not other or place in WITH_WINDOW:
        return
    as_file = "/".join(other)
    if not has_qgis(place) and ("toolbox" in other or re.search(r"algorithm(/|$)", as_file)):
        yield ", which needs QGIS"
    if own[0] in SHARED and other[0] == "steps" and place != LIST:
        yield ": a step, from a room below the steps"
    if own[0] in SHARED and other[0] in SHARED and SHARED.index(other[0]) > SHARED.index(own[0]):
        yield f": {other[0]} is above {own[0]}"
    steps = own[1:2] + other[1:2] if own[0] == other[0] == "steps" else ()
    if (
        len(steps) == 2
        and all(step in STEPS for step in steps)
        and STEPS.index(steps[1]) > STEPS.index(steps[0])
    ):
        yield f": {other[1]} comes after {own[1]}"


def _step_number(parts: tuple[str, ...]) -> int:
    return STEPS.index(parts[1]) if len(parts) > 1 and parts[1] in STEPS else -1


def graph(files: Mapping[str, str], types: bool) -> dict[str, set[str]]:
    """Which files each file imports; with or without those for types only."""
    found: dict[str, set[str]] = {}
    for place, source in files.items():
        tree = _tree(source)
        passed_over = set() if types else set(_lines_for_types(tree))
        modules = [module for line, module in imported(tree, place) if line not in passed_over]
        found[place] = {other for module in modules for other in _files_of(module, files)} - {place}
    return found


def _files_of(module: str, files: Mapping[str, str]) -> Iterator[str]:
    parts = module.split(".")
    if parts[0] != PACKAGE:
        yield from (place for place in (f"{folder}/{parts[0]}.py" for folder in FLAT) if place in files)
        return
    for end in range(len(parts), 1, -1):
        stem = "/".join(parts[1:end])
        for place in (f"{stem}.py", f"{stem}/__init__.py"):
            if place in files:
                yield place
                return


def reach_findings(files: Mapping[str, str]) -> list[str]:
    """Files that must be free of GDAL and reach it through what they import: ``file: through a, b``."""
    edges = graph(files, types=False)
    with_gdal = {
        place
        for place, source in files.items()
        if any(_within(module, ("osgeo",)) for _, module in imported(_tree(source), place))
    }
    found = []
    for place in sorted(filter(is_free_of_files, files)):
        way = _way(place, edges, with_gdal)
        if way:
            found.append(f"{place}: reaches osgeo" + (f" through {', '.join(way[1:])}" if way[1:] else ""))
    return found


def _way(start: str, edges: Mapping[str, set[str]], ends: set[str]) -> list[str]:
    """The shortest way from a file to one of others; empty where there is none."""
    before: dict[str, str] = {start: ""}
    queue = [start]
    for place in queue:
        if place in ends:
            way = [place]
            while before[way[0]]:
                way.insert(0, before[way[0]])
            return way
        for other in sorted(edges[place]):
            if other not in before:
                before[other] = place
                queue.append(other)
    return []


def circles(files: Mapping[str, str]) -> list[str]:
    """Files that import each other, in a round: ``a -> b -> a``; those in `FLAT` as ``tools/a.py``."""
    edges = graph(files, types=True)
    # What imports none of the others is in no round, nor then what imports such files alone.
    while ends := {place for place, others in edges.items() if not others}:
        edges = {place: others - ends for place, others in edges.items() if place not in ends}
    found = []
    for place in sorted(edges):
        for other in sorted(edges[place]):
            way = _way(other, edges, {place})
            if way and place == min(way):
                found.append(" -> ".join([place, *way]))
    return found


def imported(tree: ast.Module, place: str) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of all that a file imports, each name of a from-import by itself."""
    package = [PACKAGE, *PurePosixPath(place).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, name.name])) for name in node.names)
        elif isinstance(node, ast.Call) and _dotted(node.func).endswith(("import_module", "__import__")):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield node.lineno, str(argument.value)


def _within(module: str, families: tuple[str, ...]) -> bool:
    return any(module == family or module.startswith(family + ".") for family in families)


def _lines_in_functions(tree: ast.Module) -> Iterator[int]:
    """Lines that do not run when the module is imported: function bodies and `if TYPE_CHECKING`."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
            isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING")
        ):
            for statement in node.body:
                yield from range(statement.lineno, (statement.end_lineno or 0) + 1)


def _lines_for_types(tree: ast.Module) -> Iterator[int]:
    """Lines in `if TYPE_CHECKING`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING"):
            for statement in node.body:
                yield from range(statement.lineno, (statement.end_lineno or 0) + 1)


def _unsafe(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert"
        elif isinstance(node, ast.Name) and node.id in UNSAFE_NAMES:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            if node.attr in UNSAFE_ATTRIBUTES or _dotted(node) in UNSAFE_DOTTED:
                yield node.lineno, _dotted(node)
        elif isinstance(node, ast.keyword) and node.arg in UNSAFE_KEYWORDS:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield node.value.lineno, f"{node.arg}="
        elif isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield node.lineno, "an except that swallows everything"
        yield from _environment_write(node)


def _window(tree: ast.Module, place: str) -> Found:
    # QGIS hands its window to the plugin object, which need not keep it; algorithms never see it.
    if place not in WITH_WINDOW:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "iface":
                yield node.lineno, "iface"


def _raw_texts(tree: ast.Module, place: str) -> Found:
    for node in ast.walk(tree):
        if place == OF_TEXTS or not isinstance(node, ast.Attribute):
            continue
        of_band = node.attr == "GetDescription" and ast.unparse(node.value).split("(")[0].endswith(
            ("GetRasterBand", "band")
        )
        if of_band or node.attr in TEXTS:
            yield node.lineno, f"{node.attr}: use {OF_TEXTS}"


def _swallows(handler: ast.ExceptHandler) -> bool:
    silent = all(isinstance(statement, (ast.Pass, ast.Continue)) for statement in handler.body)
    return handler.type is None or (silent and _dotted(handler.type) in ("Exception", "BaseException"))


def _environment_write(node: ast.AST) -> Found:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
        if _is_environment(node.value):
            yield node.lineno, "writes os.environ"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ENVIRONMENT_WRITERS and _is_environment(node.func.value):
            yield node.lineno, "writes os.environ"
    elif isinstance(node, ast.AugAssign) and _is_environment(node.target):
        yield node.lineno, "writes os.environ"


def _is_environment(node: ast.expr) -> bool:
    return _dotted(node) in ("os.environ", "os.environb", "environ")


def _unscoped_enums(tree: ast.Module) -> Found:
    """``Qt.red``, ``QgsProcessing.TypeRaster``: Class.Member, where Qt 6 wants Class.Enum.Member.

    Constants in capitals (QgsProcessing.TEMPORARY_OUTPUT), nested classes that
    are called, and methods (they begin in lower case, except that Qt has none)
    are not meant.
    """
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or isinstance(parents[node], ast.Attribute):
            continue
        parent = parents[node]
        if isinstance(parent, ast.Call) and parent.func is node:
            continue
        name = re.sub(r"^(qgis\.)?((PyQt\.)?Qt[A-Z]\w+|core|gui)\.", "", _dotted(node))
        if re.fullmatch(r"Qt\.\w+|(Qgs\w+|Q[A-Z]\w+)\.[A-Z]\w*[a-z]\w*", name):
            yield node.lineno, f"{name}: an enum without its scope"


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of nested attributes; "" where the root is no plain name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
