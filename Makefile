# make lab: open the course. make test: run the tests. Both set everything up first.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export UV_LINK_MODE ?= copy
export UV_SYSTEM_CERTS ?= 1

.PHONY: help lab test test-course test-long lint types soak bench audit gallery notebooks lock clean install

help: ## show this list
	@echo "thplab: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "thplab needs Python 3.11 or newer as '$(PYTHON)'. Say where it is: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. Debian, Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# uv if it is there, else uv from pip; where uv can't (say, behind a proxy of its own kind), pip. One lock file.
$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@if command -v uv >/dev/null 2>&1; then uv=uv; \
	elif $(BIN)/python -m pip install --quiet uv 2>/dev/null; then uv=$(BIN)/uv; else uv=; fi; \
	echo "installing into $(VENV) with $${uv:-pip} ... (some 150 packages, a minute or two)"; \
	{ [ -n "$$uv" ] && \
	  $$uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  $$uv pip install --quiet --python $(BIN)/python --no-deps -e . ; \
	} || { \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --no-deps -e . ; \
	}
	@touch $@

install: $(STAMP) ## make .venv with everything in it

lab: $(STAMP) ## open the course in JupyterLab
	$(BIN)/thplab lab

test: $(STAMP) ## run the tests, less whole notebooks, those in a browser, and what is sampled
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore=tests/browser -m "not course and not browser and not long"

test-course: $(STAMP) ## run every notebook, and the tests in a browser
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "(course or browser) and not long"

test-long: $(STAMP) ## run all of what make test takes samples of (half an hour)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

lint: $(STAMP) ## ruff, mypy, import-linter, Biome; tsc where there is Node
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -x $(BIN)/biome ]; then $(BIN)/biome ci --error-on-warnings; \
	else echo "biome: skipped, it has no wheel for this computer; CI runs it"; fi
	@if command -v npm >/dev/null 2>&1; then $(MAKE) --no-print-directory types; \
	else echo "tsc: skipped, there is no Node here; CI runs it"; fi

types: node_modules/.package-lock.json ## check the types of the JavaScript (needs Node)
	node_modules/.bin/tsc

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

soak: $(STAMP) ## random operations on the model for MINUTES (2)
	$(BIN)/python -m tests.properties.soak $(MINUTES)

bench: $(STAMP) ## measure; prints medians and how each was measured
	$(BIN)/python -m benchmarks

audit: $(STAMP) ## licences of all packages, and known vulnerabilities where osv.dev can be reached
	$(BIN)/python -m tools.audit

gallery: $(STAMP) ## make the pictures in docs/gallery (needs Chromium)
	$(BIN)/python -m tools.gallery
	$(BIN)/python -m tools.scene_sheets

notebooks: $(STAMP) ## make notebooks/*.ipynb from notebooks/text
	$(BIN)/python -m tools.notebooks

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --all-extras pyproject.toml -o requirements.lock

clean: ## remove .venv and caches
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
