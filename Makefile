# Start with `make demo` and `make test`; `make help` lists all targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared/core shared/trading shared/backtesting shared/service services/metrics services/alerts services/backtest services/engine services/stress sdk
EDITABLE := $(foreach package,$(PACKAGES),-e $(package))
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
ONCE ?=
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo up down test test-all check format migrate lock clean docs

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | sort | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Seatrial needs Python 3.11 to 3.13; this is " + sys.version.split()[0] + ". Try: make demo PYTHON=python3.11")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make a virtual environment. Install its venv package (Debian, Ubuntu: apt install python3-venv), then run make again."; exit 1; }
	@echo "[1/3] creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python requirements.txt VERSION scripts/hatch_metadata.py $(addsuffix /pyproject.toml,$(PACKAGES))
	@echo "[2/3] installing $$(grep -c '==' requirements.txt) locked packages (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@echo "[3/3] installing Seatrial itself (editable)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	@echo "installing the check and test tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: $(STAMP) ## Make .venv with the locked dependencies and our packages

install-dev: $(DEV_STAMP) ## The same, with the check and test tools

demo: $(STAMP) ## Trade, measure, alert and backtest real prices; ONCE=1 ends after the summary
	@$(BIN)/seatrial up --demo $(if $(ONCE),--once,)

up: $(STAMP) ## Start the whole stack and keep serving until Ctrl-C
	@$(BIN)/seatrial up

down: $(STAMP) ## Stop a stack that was started with `seatrial up --detach`
	@$(BIN)/seatrial down

check: $(DEV_STAMP) ## Format, lint, types, import contracts, words, security checks, and the tests that need no Postgres
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(MAKE) --no-print-directory check-security
	@$(BIN)/python -m pytest tests/unit tests/docs -n $(WORKERS) --cov --cov-report=

.PHONY: check-security
check-security: $(DEV_STAMP) ## Bandit, licences, locks, image versions, committed secrets (offline, about 10 s)
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive shared services sdk scripts benchmarks k8s examples
	@$(BIN)/python scripts/check_suppressions.py
	@$(BIN)/python scripts/check_licences.py
	@$(BIN)/python scripts/check_locks.py
	@$(BIN)/python scripts/container_images.py
	@$(BIN)/python scripts/check_secrets.py

format: $(DEV_STAMP) ## Format the code and fix what the linter can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: $(DEV_STAMP) ## Run every test but the slow ones
	@$(BIN)/python -m pytest -m "not slow and not serial" -n $(WORKERS) --dist loadgroup
	@$(BIN)/python -m pytest -m "serial and not slow"

test-all: $(DEV_STAMP) ## Run every test, the slow ones too
	@$(BIN)/python -m pytest -m "not serial" -n $(WORKERS) --dist loadgroup --hypothesis-profile=thorough
	@$(BIN)/python -m pytest -m "serial"

docs: $(DEV_STAMP) ## Generate the tables of docs/ and .env.example from the code
	@$(BIN)/python scripts/doc_tables.py
	@$(BIN)/python scripts/conformance_page.py
	@$(BIN)/python scripts/attack_table.py
	@$(BIN)/python scripts/env_example.py > .env.example

migrate: $(STAMP) ## Bring the database (SEATRIAL_DATABASE_URL, else the embedded one) to the newest schema
	@$(BIN)/seatrial db upgrade

lock: ## Compile the hashed locks (needs uv on the PATH)
	@sh scripts/lock.sh

.PHONY: wheels
wheels: $(STAMP) ## Build the wheels of all our distributions into dist/
	@rm -rf dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist $(addprefix ./,$(PACKAGES))
	@ls dist

clean: ## Remove build and test files (not .seatrial)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build dist

.PHONY: env images compose-test check-deploy
DEPLOY_TOOLS := $(VENV)/deploy
DEPLOY_STAMP := $(DEPLOY_TOOLS)/.installed
SERVICES := $(notdir $(wildcard services/*))
VERSION := $(shell cat VERSION)

env: ## Write random secrets for compose and Kubernetes (.env, k8s/overlays/*/secrets/); keeps existing ones
	@sh scripts/env.sh

images: ## Build the image of every service, one after the other
	@for service in $(SERVICES); do echo "seatrial/$$service"; docker build -q --build-arg SERVICE=$$service --build-arg PYTHON_IMAGE -t seatrial/$$service:$(VERSION) . || exit 1; done

compose-test: $(DEV_STAMP) env ## Start the stack in containers, test it, remove it; reports when no container engine runs
	@env -u SEATRIAL_REQUIRE_ALL $(BIN)/python -m pytest tests/system/test_compose.py -s

$(DEPLOY_STAMP): $(BIN)/python requirements-deploy.txt
	@echo "installing the manifest checkers (about half a minute)"
	@$(PYTHON) -m venv $(DEPLOY_TOOLS)
	@$(DEPLOY_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-deploy.txt
	@touch $@

check-deploy: $(DEPLOY_STAMP) ## Check the Kubernetes manifests and the dashboard (needs kubectl and npm)
	@PYTHON_TOOLS=$(CURDIR)/$(DEPLOY_TOOLS)/bin sh scripts/check_deploy.sh

.PHONY: bench bench-page bench-rivals crosscheck
BARS ?= 1000000
REPEATS ?=

bench-rivals: $(STAMP) ## Install the rival engines, and Seatrial without test tools, under .bench
	@PYTHON=$(PYTHON) sh benchmarks/install.sh $(PACKAGES)

bench: bench-rivals ## Measure Seatrial and the rivals on the same machine (BARS=, REPEATS=, SEATRIAL_DATA_DIR=; about 10 minutes)
	@$(BIN)/python -m benchmarks --bars $(BARS) $(if $(REPEATS),--repeats $(REPEATS),)

bench-page: $(STAMP) ## Write the README's section on speed from the newest results
	@$(BIN)/python -m benchmarks.page

crosscheck: bench-rivals ## Compare the trades of the same signals with the rivals; writes docs/rivals.md
	@$(BIN)/python -m benchmarks.crosscheck
