"""The ZIP that users get: what is in it, and that a fresh QGIS runs an algorithm from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import install
import package

ROOT = Path(__file__).resolve().parents[1]
NAME = "smap_downscaler"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The ZIP, as `make package` makes it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / "tools" / "package.py"), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def members(archive):
    """Name -> content."""
    with zipfile.ZipFile(archive) as content:
        return {name: content.read(name) for name in content.namelist()}


def test_name_carries_the_version(archive):
    assert archive.name == f"{NAME}-{package.read_metadata()['version']}.zip"


def test_its_one_folder_is_the_package(members):
    assert {name.split("/")[0] for name in members} == {NAME}
    assert all(not name.endswith("/") for name in members)


def test_it_holds_every_module_and_nothing_else_of_python(members):
    modules = {f.relative_to(ROOT).as_posix() for f in (ROOT / NAME).rglob("*.py")}
    assert {name for name in members if name.endswith(".py")} == modules


@pytest.mark.parametrize("name", ["metadata.txt", "LICENSE", "CHANGELOG.md"])
def test_top_level_file_is_copied_in(members, name):
    assert members[f"{NAME}/{name}"] == (ROOT / name).read_bytes()


def test_help_is_copied_in(members):
    texts = {f"{NAME}/{f.relative_to(ROOT).as_posix()}" for f in (ROOT / "help").rglob("*") if f.is_file()}
    assert texts
    assert {name for name in members if name.startswith(f"{NAME}/help/")} == texts


def test_the_template_of_reports_and_its_style_sheet_are_packed(members):
    assert {f"{NAME}/resources/report/{name}" for name in ("page.html", "page.css")} <= set(members)


def test_what_was_measured_of_models_is_packed(members):
    name = "methods/measured.json"
    assert members[f"{NAME}/{name}"] == (ROOT / NAME / name).read_bytes()


def test_no_junk(members):
    parts = {part for name in members for part in name.split("/")}
    assert not {part for part in parts if part.startswith((".", "__pycache__", "__MACOSX"))}
    assert not {name for name in members if name.endswith((".pyc", ".so", ".orig", "~"))}
    assert not parts & {"tests", "tools", "Makefile", "pyproject.toml"}


def test_the_same_tree_gives_the_same_bytes(archive, tmp_path):
    assert package.build(tmp_path / "again").read_bytes() == archive.read_bytes()
    assert [f.name for f in (tmp_path / "again").iterdir()] == [archive.name]


@pytest.fixture
def tree(tmp_path):
    """A small tree that could be packed."""
    top = tmp_path / "tree"
    for name in ("__init__.py", "icon.svg"):
        (top / NAME / name).parent.mkdir(parents=True, exist_ok=True)
        (top / NAME / name).write_text(name)
    (top / "help").mkdir()
    for name in ("LICENSE", "CHANGELOG.md", "help/a.md"):
        (top / name).write_text(name)
    fields = dict.fromkeys(package.REQUIRED, "x") | {"icon": "icon.svg", "version": "9.8.7"}
    (top / "metadata.txt").write_text("\n".join(["[general]", *(f"{k}={v}" for k, v in fields.items())]))
    return top


def test_small_tree_is_packed(tree, tmp_path):
    assert package.build(tmp_path / "dist", tree).name == f"{NAME}-9.8.7.zip"


def test_links_and_ignored_files_stay_out(tree):
    (tree / NAME / "metadata.txt").symlink_to("../metadata.txt")
    (tree / NAME / "help").symlink_to("../help")
    (tree / NAME / "__pycache__").mkdir()
    (tree / NAME / "__pycache__" / "a.pyc").write_bytes(b"\0")
    (tree / ".gitignore").write_text("*.log\n")
    before = package.package_files(tree)
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    (tree / NAME / "a.log").write_text("x")
    (tree / ".git" / "info" / "exclude").write_text("__pycache__\n")
    (tree / ".gitignore").write_text("*.log\nsmap_downscaler/help\nsmap_downscaler/metadata.txt\n")
    assert package.package_files(tree) == before
    assert list(before) == [
        f"{NAME}/{name}"
        for name in ("CHANGELOG.md", "LICENSE", "__init__.py", "help/a.md", "icon.svg", "metadata.txt")
    ]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda top: (top / "LICENSE").unlink(), "'LICENSE' is missing in the package."),
        (lambda top: (top / NAME / "icon.svg").unlink(), "'icon.svg' is missing in the package."),
        (lambda top: shutil.rmtree(top / "help"), "'help/' is missing in the package."),
        (
            lambda top: (top / NAME / "a.so").write_text(""),
            f"'{NAME}/a.so' is a binary, which the plugin site refuses.",
        ),
        (
            lambda top: (top / NAME / ".hidden").write_text(""),
            f"'{NAME}/.hidden' is hidden or a by-product.",
        ),
        (
            lambda top: (top / "metadata.txt").write_text(
                (top / "metadata.txt").read_text().replace("tracker=x", "tracker=")
            ),
            "metadata.txt lacks 'tracker'.",
        ),
    ],
)
def test_what_the_plugin_site_refuses_is_refused(tree, tmp_path, spoil, sentence):
    spoil(tree)
    with pytest.raises(package.PackageError) as caught:
        package.build(tmp_path / "dist", tree)
    assert str(caught.value) == sentence
    assert not (tmp_path / "dist").exists()


def test_a_package_that_is_too_big_is_refused(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MOST_BYTES", 100)
    with pytest.raises(
        package.PackageError, match=r"^The package has \d+ bytes; the plugin site takes 100\.$"
    ):
        package.build(tmp_path / "dist", tree)
    assert list((tmp_path / "dist").iterdir()) == []


def test_deploy_replaces_a_link_and_leaves_the_tree_alone(tmp_path):
    place = tmp_path / "python" / "plugins" / NAME
    place.parent.mkdir(parents=True)
    place.symlink_to(ROOT / NAME, target_is_directory=True)
    before = sorted((ROOT / NAME).iterdir())
    assert install.deploy(tmp_path) == place
    assert not place.is_symlink()
    (place / "left_from_an_older_version.py").write_text("")
    install.deploy(tmp_path)
    assert not (place / "left_from_an_older_version.py").exists()
    assert (place / "help").is_dir()
    assert sorted((ROOT / NAME).iterdir()) == before


def test_a_foreign_plugin_is_not_replaced(tmp_path):
    place = tmp_path / "python" / "plugins" / NAME
    place.mkdir(parents=True)
    (place / "metadata.txt").write_text("[general]\nname=Another\n")
    with pytest.raises(install.ProfileError) as caught:
        install.deploy(tmp_path)
    assert str(caught.value) == f"'{place}' is not an installation of this plugin: move it away first."
    assert (place / "metadata.txt").exists()


class Installed:
    """A fresh profile with the ZIP's content in it, and `qgis_process` on it."""

    def __init__(self, folder, archive):
        self.environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        self.environment["QGIS_CUSTOM_CONFIG_PATH"] = str(folder / "qgis")
        for name in ("CONFIG", "DATA", "STATE"):
            self.environment[f"XDG_{name}_HOME"] = str(folder / name.lower())
        # The repository must not be found instead of what is installed.
        self.environment.pop("PYTHONPATH", None)
        self.folder = folder
        self.plugin = folder / "qgis" / "profiles" / "default" / "python" / "plugins" / NAME
        with zipfile.ZipFile(archive) as content:
            content.extractall(self.plugin.parent)

    def qgis_process(self, *arguments, text=None):
        return subprocess.run(
            ["qgis_process", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=text if text is not None else "",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(archive, tmp_path_factory):
    """The plugin, installed and enabled in a fresh profile."""
    if shutil.which("qgis_process") is None:
        pytest.skip("qgis_process is not on this machine's PATH")
    profile = Installed(tmp_path_factory.mktemp("fresh"), archive)
    done = profile.qgis_process("plugins", "enable", NAME)
    assert done.returncode == 0, done.stderr
    return profile


def repository_algorithms(provider):
    return sorted(algorithm.id() for algorithm in provider.algorithms())


def test_installed_plugin_lists_the_algorithms_of_the_repository(installed, qgis_provider):
    done = installed.qgis_process("list", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    listed = json.loads(done.stdout)["providers"]["smapdownscaler"]["algorithms"]
    assert sorted(listed) == repository_algorithms(qgis_provider)
    assert len(listed) >= 6


def test_installed_plugin_has_its_help(installed):
    done = installed.qgis_process("help", "smapdownscaler:createdemodata", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    details = json.loads(done.stdout)
    assert details["algorithm_details"]["short_description"] or details["algorithm_details"]["help_string"]


def test_installed_plugin_runs_an_algorithm(installed, tmp_path):
    inputs = {"SEED": 7, "DAYS": 1, "CELLS": 30, "OUTPUT": str(tmp_path / "basin")}
    done = installed.qgis_process(
        "run", "smapdownscaler:createdemodata", "--json", "-", text=json.dumps({"inputs": inputs})
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    results = json.loads(done.stdout)["results"]
    assert Path(results["OUTPUT"]) == tmp_path / "basin"
    assert len(list((tmp_path / "basin" / "smap").glob("*.tif"))) == 1
    assert (tmp_path / "basin" / "dem.tif").stat().st_size > 1000


def test_installed_plugin_refuses_with_exit_code_1(installed, tmp_path):
    inputs = {"SEED": 7, "DAYS": 0, "OUTPUT": str(tmp_path / "basin")}
    done = installed.qgis_process(
        "run", "smapdownscaler:createdemodata", "--json", "-", text=json.dumps({"inputs": inputs})
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "DAYS" in done.stderr
    assert not (tmp_path / "basin").exists()


@pytest.fixture
def without_scikit_learn(installed, tmp_path):
    """The installed plugin in a QGIS whose Python cannot find scikit-learn."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'sklearn':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    installed.environment["PYTHONPATH"] = str(tmp_path)
    yield installed
    del installed.environment["PYTHONPATH"]


def test_without_scikit_learn_all_algorithms_are_listed(without_scikit_learn, qgis_provider):
    done = without_scikit_learn.qgis_process("list", "--json")
    listed = json.loads(done.stdout)["providers"]["smapdownscaler"]["algorithms"]
    assert sorted(listed) == repository_algorithms(qgis_provider)


def test_without_scikit_learn_it_says_what_to_type(without_scikit_learn, tmp_path):
    inputs = {"INPUT": str(tmp_path / "no.gpkg"), "OUTPUT": str(tmp_path / "forests.smapforest")}
    done = without_scikit_learn.qgis_process(
        "run", "smapdownscaler:trainforests", "--json", "-", text=json.dumps({"inputs": inputs})
    )
    assert done.returncode == 1
    assert "Missing Python package: scikit-learn." in done.stderr
    assert "sudo apt install python3-sklearn - and restart QGIS." in done.stderr
