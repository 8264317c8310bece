# What a contributor runs. `make run` needs nothing but Python 3.11, 3.12 or 3.13.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test lint docs soak lock clean chromium
.DELETE_ON_ERROR:

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 10

# The stamps of an environment that was moved, copied or has lost its interpreter do not count.
USABLE := grep -qsF '$(CURDIR)/$(VENV)' $(VENV)/pyvenv.cfg && $(PY) -c '' 2>/dev/null
$(shell $(USABLE) || rm -f $(VENV)/.made $(VENV)/.run $(VENV)/.dev)

run: $(VENV)/.run ## Start lrdash and open it in the browser.
	@exec $(VENV)/bin/lrdash serve

test: $(VENV)/.dev ## Check everything: lint, then all tests, those in a browser included.
	@$(MAKE) --no-print-directory lint chromium
	$(PY) -m pytest -n 2 --no-loadscope-reorder

lint: $(VENV)/.dev ## Check style and types.
	$(PY) -m ruff check .
	$(PY) -m mypy

docs: $(VENV)/.dev ## Write the table of settings in docs/strategies.md.
	$(PY) -m tests.docs_table

soak: $(VENV)/.dev ## Run the long tests under load.
	@$(MAKE) --no-print-directory chromium
	$(PY) -m pytest -m soak

lock: $(VENV)/.made ## Pin all dependencies again, with hashes, for all systems.
	@$(PY) -m uv --version >/dev/null 2>&1 || $(PIP) install --quiet 'uv>=0.13,<1'
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) requirements.txt pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove the environment and everything that tools left behind.
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

PIP = $(PY) -m pip --disable-pip-version-check
# The project itself needs nothing that the lock did not bring: no build environment, no look-ups.
INSTALL_PROJECT = $(PIP) install --quiet --no-deps --no-build-isolation --editable .

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "lrdash needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is: $$($(PYTHON) -V 2>&1)." >&2; \
		echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@{ $(USABLE); } || $(PYTHON) -m venv --clear $(VENV) || { \
		echo "$(PYTHON) cannot make environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing what lrdash needs (once; some minutes) ..."
	@$(PIP) install --quiet -r requirements.lock
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.lock pyproject.toml
	@echo "Installing what lrdash and its tests need (once; some minutes) ..."
	@$(PIP) install --quiet -r requirements-dev.lock
	@$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.run

# Browser tests are never left out: no browser, no green run.
chromium: $(VENV)/.dev
	@$(PY) tests/chromium.py >/dev/null 2>&1 || $(MAKE) --no-print-directory install-chromium
	@$(PY) tests/chromium.py

.PHONY: install-chromium
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
install-chromium:
	@echo "No Chromium found; installing one for the browser tests ..."
	@if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; } && \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk; \
	then :; else $(PY) -m playwright install chromium; fi
