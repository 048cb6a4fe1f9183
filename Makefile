# `make help` lists what there is to make.
PYTHON ?= /usr/bin/python3
# The QGIS profile that `make link` and `make deploy` put the plugin into.
PROFILE ?= $(HOME)/.local/share/QGIS/QGIS3/profiles/default
# More words for pytest: make test TESTS="tests/geo -k grid"
# All files of tests side by side, one core each; one after the other: make test PARALLEL=
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
TESTS ?= tests

SETUP = sh tools/setup.sh --quick
OFFSCREEN = sh tools/offscreen.sh $(PYTHON)
VENV = .venv/bin
CHECKED = .venv/.installed
LINTED = smap_downscaler tests tools
SHELL_SCRIPTS = .ci/run $(wildcard tools/*.sh)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-real paper test test-next test-newcomer saga-versions check format package release link deploy pictures window kills cancels fuzz bench numbers clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## install QGIS and all else that is needed (Debian 12 or newer; root or sudo)
	sh tools/setup.sh

demo: ## maps of a made-up basin, next to the known truth, in demo-output/
	@$(SETUP)
	$(OFFSCREEN) tools/demo.py

demo-real: ## the same chain on real SMAP, soil, rain and terrain files (../shared/data)
	@$(SETUP)
	$(OFFSCREEN) tools/demo.py --real

paper: ## all figures and tables of the paper, on a made-up basin, or PAPER="--data FOLDER"
	@$(SETUP)
	$(OFFSCREEN) tools/paper.py $(PAPER)

# Many tests start Python anew: what one has compiled, the others need not.
test: ## all tests, without a screen, in a throw-away QGIS profile
	@$(SETUP)
	env -u PYTHONDONTWRITEBYTECODE $(OFFSCREEN) -m pytest $(PARALLEL) $(TESTS)

test-next: ## all tests on Debian testing's QGIS, GDAL and Python (root only; the first time 2 GB)
	sh tools/test_next.sh $(PARALLEL) $(TESTS)

test-newcomer: ## what README.md tells a newcomer to type, on a bare Debian 12 (root only)
	sh tools/newcomer.sh

saga-versions: ## this machine's SAGA beside Debian testing's on the same DEMs (root only)
	@$(SETUP)
	sh tools/saga_versions.sh

check: $(CHECKED) ## format, lint, types, security, secrets, Qt 6, shell scripts
	$(VENV)/ruff check $(LINTED)
	$(VENV)/ruff format --check $(LINTED)
	$(VENV)/mypy
	$(VENV)/bandit --quiet --recursive smap_downscaler
	$(VENV)/flake8 --max-line-length=120 --extend-ignore=E203 smap_downscaler
	$(VENV)/python tools/check_qt6.py
	$(VENV)/python tools/check_text.py
	$(VENV)/python tools/check_text.py --list0 | xargs -0 $(VENV)/detect-secrets-hook --no-verify
	$(VENV)/shellcheck --external-sources $(SHELL_SCRIPTS)

format: $(CHECKED) ## put the Python files into the form that `make check` wants
	$(VENV)/ruff check --fix-only $(LINTED)
	$(VENV)/ruff format $(LINTED)

# Beside QGIS's own packages, so that mypy sees the NumPy that the plugin runs with.
$(CHECKED): tools/requirements-dev.txt
	@$(SETUP)
	$(PYTHON) -m venv --clear --system-site-packages .venv
	$(VENV)/python -m pip install --quiet --disable-pip-version-check --ignore-installed --requirement $<
	@touch $@

package: ## dist/smap_downscaler-VERSION.zip, to be installed in QGIS
	$(PYTHON) tools/package.py

release: check ## the same, where it may be published: real addresses, change log, same bytes, site's scanners
	$(VENV)/python -m pip install --quiet --disable-pip-version-check --requirement tools/requirements-release.txt
	$(VENV)/python tools/release.py

link: ## for developers: show this folder as a plugin in PROFILE
	$(PYTHON) tools/install.py link "$(PROFILE)"

deploy: ## install the ZIP's content into PROFILE
	$(PYTHON) tools/install.py deploy "$(PROFILE)"

pictures: ## the pictures in README.md and help; those of the dialogs alone: PICTURES=dialogs
	@$(SETUP)
	$(OFFSCREEN) tools/pictures.py $(PICTURES)

window: ## try the plugin in a real QGIS window, on a screen of its own
	@$(SETUP)
	$(PYTHON) tools/window_test.py

kills: ## kill each long step 50 times at random moments, run it anew, compare; some: STEPS="..."
	@$(SETUP)
	$(OFFSCREEN) tools/kills.py $(STEPS)

cancels: ## cancel each long step 20 times, also while its report is drawn; how long it goes on; some: STEPS="..."
	@$(SETUP)
	$(OFFSCREEN) tools/cancels.py $(STEPS)

bench: ## time and memory of the long steps; some: BENCH="areamodel", or BENCH="--size small"
	@$(SETUP)
	@sh tools/bench_setup.sh
	$(OFFSCREEN) tools/bench.py $(BENCH)

numbers: ## errors of the forests on real data (../shared/data), in tools/NUMBERS.md; some: SECTIONS="..."
	@$(SETUP)
	$(OFFSCREEN) tools/real_numbers.py $(SECTIONS)

fuzz: ## 1,000 damaged files of all kinds, and what became of them; others: FUZZ="--seed 2 --count 100"
	@$(SETUP)
	$(OFFSCREEN) tools/fuzz.py $(FUZZ)

clean: ## remove all that was made here
	rm -rf build dist demo-output .venv .cache .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find smap_downscaler tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
