# `make` alone shows what there is.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast check audit format docs bench bench-quick months mutate chaos fuzz screenshots examples drawings icons containers lock clean system

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

COMPILE := $(BIN)/python -m compileall -q adductor service workers sandbox

# uv is used where it is there; pip is enough. Packages and our own source are compiled at once: each part starts sooner and
# weighs less, also where Python may not write its bytecode. The locks hold hashes and no addresses: packages come from wherever this
# machine is set up to take them from.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and $(PYTHON) is not one. Name it: make $@ PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing $$(grep -c == $(1)) packages into $(VENV): a minute or two, once."
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@$(COMPILE)
	@touch $(2)
endef

$(VENV)/.run: requirements.lock pyproject.toml
	$(call install,requirements.lock,$@)

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock,$@)
	@touch $(VENV)/.run

system: ## Install what the tests need besides Python packages (PostgreSQL, Redis, Caddy, Chromium, systemd; Debian, as root)
	@sh tests/system-packages

demo: $(VENV)/.run ## The main job in one go: connect, record a run, read the note
	@echo "Starting everything in a throw-away folder: a made-up Strava, a runner, a run."
	@$(BIN)/adductor demo

up: $(VENV)/.run ## Everything on this machine, staying; prints where to click
	@echo "Starting; Ctrl-C ends everything."
	@$(BIN)/adductor up

# Three workers for two cores: tests over processes mostly wait. `loadgroup` keeps one module-scoped fixture on one worker.
TEST_WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup --no-loadscope-reorder

test: $(VENV)/.dev system ## The whole test suite (TEST_WORKERS=3)
	@$(PYTEST)

test-fast: $(VENV)/.dev ## The tests that start no processes
	@$(PYTEST) -m "not processes"

check: $(VENV)/.dev ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# An environment of its own: what looks through the locks must not be part of them.
$(VENV)-audit/.done: requirements-audit.lock
	@test -x $(VENV)-audit/bin/python || $(PYTHON) -m venv $(VENV)-audit
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(VENV)-audit/bin/python --require-hashes -r requirements-audit.lock; \
	else \
	  $(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.lock; \
	fi
	@touch $@

audit: $(VENV)-audit/.done ## Look for known vulnerabilities in the locked packages (asks the package index)
	@$(VENV)-audit/bin/python -m tools.audit $(VENV)-audit/bin/pip-audit requirements.lock requirements-dev.lock

format: $(VENV)/.dev ## Bring the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev system ## Measure everything against its floor and its target; writes docs/performance.md (6.5 minutes)
	@$(COMPILE)
	@$(BIN)/python -m bench.run

bench-quick: $(VENV)/.dev system ## The same with small numbers, in about two minutes; prints only
	@$(COMPILE)
	@$(BIN)/python -m bench.run --quick

months: $(VENV)/.dev ## Years of coaching for made-up runners: a table, and whether every promise was kept (4 minutes)
	@$(BIN)/python -m bench.months

mutate: $(VENV)/.dev ## Change every constant and drop every rule of the coach; a test must notice each
	@$(BIN)/python -m tools.mutate

SEED ?= 1
INPUTS ?= 20000
fuzz: $(VENV)/.dev ## Made-up webhook bodies, links and scenario files, and the described HTTP surface (SEED=, INPUTS=)
	@$(BIN)/python -m bench.fuzz --seed $(SEED) --inputs $(INPUTS)

chaos: $(VENV)/.dev system ## Kills and faults all at once, then the accounting (SEED= EVENTS=10000 STORE=sqlite|postgresql|both)
	@$(BIN)/python -m bench.chaos --seed $(or $(SEED),1) --events $(or $(EVENTS),10000) --store $(or $(STORE),both)

screenshots: $(VENV)/.dev system ## Take the pictures of the README anew
	@$(BIN)/python -m tools.screenshots

examples: $(VENV)/.dev ## Write docs/examples anew
	@$(BIN)/python -m tools.examples docs/examples

drawings: $(VENV)/.dev ## Generate the drawings of the exercises from their pose data
	@$(BIN)/python -m tools.drawings.render

icons: $(VENV)/.dev ## Draw the PNG icons from icon.svg
	@$(BIN)/python -m tools.icons

docs: $(VENV)/docs/.docs ## Build the documentation site into site/ (no network needed to read it)
	@NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/python -m mkdocs build --strict
	@echo "open site/index.html"

$(VENV)/docs/.docs: requirements-docs.lock
	@test -x $(VENV)/docs/bin/python || $(PYTHON) -m venv $(VENV)/docs
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(VENV)/docs/bin/python --require-hashes -r $< ; \
	else \
	  $(VENV)/docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< ; \
	fi
	@touch $@

containers: $(VENV)/.dev ## The deployment files tried with each other by a container engine (10 minutes; needs docker compose)
	@$(BIN)/python -m tools.containers

lock: ## Renew the locks (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --group build -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --group build --group dev -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  --group audit -o requirements-audit.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  --group docs -o requirements-docs.lock

clean: ## Remove what was made here
	rm -rf $(VENV) $(VENV)-audit site .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
