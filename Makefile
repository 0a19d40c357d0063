# The KM3NeT open science platform. `make` without a target lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up down status clean engine tools images audit test fuzz lint physics bench docs lock

PYTHON ?= python3
MODE ?= auto
VENV := .venv/bin
UV_COMPILE := $(VENV)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url
SCIENCE := platform/openkm3/pyproject.toml platform/pdf/pyproject.toml --all-extras
OWN := --no-emit-package openkm3 --no-emit-package km3settings --no-emit-package adqlite \
	--no-emit-package km3visit
export UV_CUSTOM_COMPILE_COMMAND := make lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /:/' \
		| awk -F: '{name = $$1; sub(/^[^:]*:/, ""); printf "  make %-12s %s\n", name, $$0}'

up: .hub ## start the platform, or apply new settings and code (MODE=embedded|docker, PORT=8000)
	@$(VENV)/km3up up --mode $(MODE) $(if $(PORT),--port $(PORT))

down: .hub ## stop the platform; all data are kept
	@$(VENV)/km3up down

status: .hub ## show what is running
	@$(VENV)/km3up status

clean: .hub ## delete the platform's data here, after listing them and asking
	@$(VENV)/km3up clean

engine: ## install and start Docker Engine from the distribution (root, Debian/Ubuntu)
	@$(PYTHON) images/engine.py

tools: ## install the programs that tests need: Chromium, restic, nginx, ... (root, Debian/Ubuntu)
	@$(PYTHON) tests/tools.py

images: .hub ## build the images (IMAGES="stack joint": only these and their parents)
	@$(VENV)/python images/build.py $(IMAGES)

# Without TESTS all of them, and where there is a Docker Engine a deployment to one host. The settings
# are named because pytest would take those of deploy/tests for tests there.
TESTED = $(or $(TESTS),tests $(shell docker version >/dev/null 2>&1 && echo $(ONE_HOST)))

test: .dev ## run the tests that this machine can run (TESTS="tests/hub -k accounts": only these)
	@$(VENV)/km3hub install
	@$(if $(findstring deploy/tests,$(TESTED)),$(VENV)/python deploy/environment.py)
	@$(VENV)/python -m pytest -c pyproject.toml --numprocesses 4 $(TESTED)

lint: .dev ## check style, types, shell, YAML and Dockerfiles
	@$(VENV)/ruff check . && $(VENV)/ruff format --check .
	@OPENDATA_STATE=.platform/mypy PYTHONPATH=platform/openkm3/src:platform/opendata/src:platform/tap/src $(VENV)/mypy
	@$(VENV)/lint-imports --no-cache
	@git ls-files | grep -v '\.j2$$' | xargs grep -lE '^#!.*(bash|/sh)' | xargs -r $(VENV)/shellcheck
	@git ls-files '*.yml' '*.yaml' '*.cff' | xargs -r $(VENV)/yamllint --strict
	@git ls-files '*Dockerfile' | xargs -r $(VENV)/hadolint

fuzz: .dev ## send the portal's API wild requests (FUZZ_MINUTES=15); no server error is allowed
	@FUZZ_MINUTES=$(FUZZ_MINUTES) $(VENV)/python -m tests.opendata.fuzz

physics: .dev ## run the long checks of nugamma: published results, coverage, the whole workflow
	@$(VENV)/python -m tests.nugamma.inference.physics
	@NUGAMMA_WORKFLOW=1 $(VENV)/python -m pytest tests/nugamma/workflow

bench: .dev ## measure speed and memory; results go to tests/bench/README.md
	@$(VENV)/km3up install
	@$(VENV)/python -m tests.bench $(BENCH)

docs: .dev ## build the documentation site (.platform/docs/index.html); warnings are errors
	@$(VENV)/python -m sphinx --fail-on-warning --keep-going --quiet docs .platform/docs
	@echo "open .platform/docs/index.html"

audit: .dev ## check the images for known vulnerabilities (DATABASE="FILE ...", see docs/security.md)
	@$(VENV)/python images/audit.py $(DATABASE)

lock: .dev ## update the locks after a change of pyproject.toml
	@for group in uv node; do \
		$(UV_COMPILE) --group pyproject.toml:$$group -o platform/locks/$$group.txt; done
	@$(UV_COMPILE) $(SCIENCE) platform/nugamma/pyproject.toml $(OWN) --group pyproject.toml:joint \
		-o platform/locks/joint.txt
	@$(UV_COMPILE) $(SCIENCE) --group pyproject.toml:stack -c platform/locks/joint.txt \
		-o platform/locks/stack.txt
	@$(UV_COMPILE) platform/lab/pyproject.toml --group pyproject.toml:lab -o platform/locks/lab.txt
	@$(UV_COMPILE) platform/hub/pyproject.toml $(OWN) -c platform/locks/lab.txt \
		-o platform/locks/hub.txt
	@$(UV_COMPILE) platform/homes/pyproject.toml $(OWN) -c platform/locks/hub.txt \
		-o platform/locks/homes.txt
	@$(UV_COMPILE) platform/launcher/pyproject.toml $(OWN) -c platform/locks/hub.txt \
		-o platform/locks/launcher.txt
	@$(UV_COMPILE) platform/opendata/pyproject.toml --extra postgresql $(OWN) \
		-c platform/locks/joint.txt -o platform/locks/opendata.txt
	@$(UV_COMPILE) platform/broker/pyproject.toml $(OWN) -c platform/locks/hub.txt \
		-c platform/locks/opendata.txt -o platform/locks/broker.txt
	@$(UV_COMPILE) platform/settings/pyproject.toml --group pyproject.toml:deploy \
		-c platform/locks/lab.txt -o platform/locks/deploy.txt
	@$(UV_COMPILE) platform/host/pyproject.toml -c platform/locks/lab.txt -o platform/locks/host.txt
	@$(UV_COMPILE) --all-extras $(wildcard platform/*/pyproject.toml) $(OWN) \
		--group pyproject.toml:joint --group pyproject.toml:dev \
		$(foreach name,broker host hub launcher joint opendata uv,-c platform/locks/$(name).txt) -o platform/locks/dev.txt

include deploy/deploy.mk

.PHONY: .hub .dev
.hub:
	@$(PYTHON) platform/launcher/bootstrap.py hub

.dev: .hub
	@$(PYTHON) platform/launcher/bootstrap.py dev
