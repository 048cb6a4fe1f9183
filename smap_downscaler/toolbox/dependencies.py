"""Which Python packages are missing, and the command that installs them on this platform."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A package by its import name, on PyPI, in Debian, Fedora and conda-forge."""

    module: str
    pypi: str
    debian: str


PACKAGES = {
    package.module: package
    for package in (
        Package("sklearn", "scikit-learn", "python3-sklearn"),
        Package("pandas", "pandas", "python3-pandas"),
        Package("statsmodels", "statsmodels", "python3-statsmodels"),
        Package("matplotlib", "matplotlib", "python3-matplotlib"),
        Package("joblib", "joblib", "python3-joblib"),
        Package("scipy", "scipy", "python3-scipy"),
        Package("distributed", "distributed", "python3-distributed"),
        Package("pyproj", "pyproj", "python3-pyproj"),
        Package("jinja2", "jinja2", "python3-jinja2"),
    )
}


def missing(modules: tuple[str, ...]) -> list[Package]:
    """The packages of `modules` that this Python cannot import."""
    return [PACKAGES[module] for module in modules if not is_installed(module)]


def is_installed(module: str) -> bool:
    """Whether this Python can import a module, which is not loaded."""
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def advice(packages: list[Package], platform: str | None = None) -> str:
    """One sentence: which packages are missing and what to type where."""
    names = ", ".join(package.pypi for package in packages)
    return f"Missing Python package{'s' if len(packages) > 1 else ''}: {names}. " + install_hint(
        packages, platform or detect_platform()
    )


def install_hint(packages: list[Package], platform: str) -> str:
    """What to type on `platform` (see `detect_platform`)."""
    pypi = " ".join(package.pypi for package in packages)
    debian = " ".join(package.debian for package in packages)
    fedora = " ".join(f"python3-{package.pypi}" for package in packages)
    hints = {
        "osgeo4w": f"Open 'OSGeo4W Shell' from the Start menu, type: python -m pip install --user {pypi} "
        "- and restart QGIS (no administrator rights needed).",
        "macos": f"Open Terminal, type: {_mac_python()} -m pip install --user {pypi} - and restart QGIS.",
        "debian": f"Open a terminal, type: sudo apt install {debian} - and restart QGIS.",
        "fedora": f"Open a terminal, type: sudo dnf install {fedora} - and restart QGIS.",
        "flatpak": "Open a terminal, type: flatpak run --devel --command=pip3 org.qgis.qgis "
        f"install --user {pypi} - and restart QGIS.",
        "conda": f"In the environment of QGIS type: conda install -c conda-forge {pypi} - and restart QGIS.",
        "other": f"Install with the Python of QGIS: {_python_command()} -m pip install --user {pypi} "
        "- and restart QGIS.",
    }
    return hints[platform]


def detect_platform(
    environ: Mapping[str, str] | None = None, system: str | None = None, os_release: str | None = None
) -> str:
    """One of osgeo4w, macos, debian, fedora, flatpak, conda, other."""
    environ = os.environ if environ is None else environ
    system = sys.platform if system is None else system
    if environ.get("CONDA_PREFIX") or (Path(sys.prefix) / "conda-meta").is_dir():
        return "conda"
    if system == "win32":
        return "osgeo4w"
    if system == "darwin":
        return "macos"
    if environ.get("FLATPAK_ID"):
        return "flatpak"
    return _linux_family(_read_os_release() if os_release is None else os_release)


def _read_os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _linux_family(os_release: str) -> str:
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    family = {word for key in ("ID", "ID_LIKE") for word in fields.get(key, "").strip('"').split()}
    if family & {"debian", "ubuntu"}:
        return "debian"
    return "fedora" if family & {"fedora", "rhel", "centos"} else "other"


def _mac_python() -> str:
    bundled = Path(sys.prefix) / "bin" / "python3"
    return str(bundled) if bundled.exists() else "/Applications/QGIS.app/Contents/MacOS/bin/python3"


def _python_command() -> str:
    # sys.executable is QGIS itself on some systems.
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = Path(sys.prefix) / "bin" / name
    return str(python) if python.exists() else "python3"
